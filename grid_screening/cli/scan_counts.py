"""How large recent scans were, kept per exchange address for ``--dry-run``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import orjson

from grid_screening.screening_report import ScreeningReport
from monitor.cli.output import write_atomically

FILE_NAME = "scan_counts.json"

FIRST_FETCHING_STAGE = "data"
"""Funnel stage whose predecessor counts the symbols that are fetched."""

FILTER_SETTINGS = (
    "quote",
    "include_tradifi",
    "symbols",
    "exclude",
    "min_volume",
    "min_days",
    "min_delivery_days",
    "max_quote_age_s",
)
"""Settings that decide which symbols are fetched."""

_MAX_ADDRESSES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanCounts:
    """What one scan fetched."""

    stored_at_ms: int
    """This machine's clock, ms UTC."""
    universe: int
    candidates: int
    """Symbols that passed the cheap filters: bars and open interest were asked."""
    listed: int
    filters: Mapping[str, Any]
    """The scan's values of `FILTER_SETTINGS`."""


def filter_values(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings, by flag name, that decide which symbols are fetched."""
    return {name: settings.get(name) for name in FILTER_SETTINGS}


def counts_of(report: ScreeningReport, *, now_ms: int) -> ScanCounts | None:
    """Return the counts of a scan; None when its funnel has no fetching stage."""
    stages = [row.stage for row in report.funnel]
    if FIRST_FETCHING_STAGE not in stages[1:]:
        return None
    before = stages.index(FIRST_FETCHING_STAGE) - 1
    return ScanCounts(
        stored_at_ms=now_ms,
        universe=report.funnel[0].count,
        candidates=report.funnel[before].count,
        listed=len(report.ranked),
        filters=filter_values(report.settings),
    )


def store_counts(folder: Path, address: str, counts: ScanCounts) -> None:
    """Keep ``counts`` as the latest of ``address``; the oldest addresses are dropped.

    Raises
    ------
    OSError, CannotWrite
        The folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = _entries(folder)
    known.pop(address, None)
    kept = dict([*known.items(), (address, asdict(counts))][-_MAX_ADDRESSES:])
    content = orjson.dumps(kept, option=orjson.OPT_INDENT_2)
    write_atomically(folder / FILE_NAME, content)


def stored_counts(folder: Path, address: str) -> ScanCounts | None:
    """Return the latest counts of ``address``; None when there are none to read."""
    entry = _entries(folder).get(address)
    numbers = [f.name for f in fields(ScanCounts) if f.name != "filters"]
    if not isinstance(entry, dict) or not isinstance(entry.get("filters"), dict):
        return None
    if not all(type(entry.get(n)) is int and entry[n] >= 0 for n in numbers):
        return None
    return ScanCounts(filters=entry["filters"], **{n: entry[n] for n in numbers})


def _entries(folder: Path) -> dict[str, Any]:
    # a lost or damaged file costs an estimate, nothing else
    try:
        found = orjson.loads((folder / FILE_NAME).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
