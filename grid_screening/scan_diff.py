"""Two scans compared: who entered, who left, who moved, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grid_screening.conf import ScreenerSettings
from grid_screening.exceptions import IncomparableScans, UnreadableReport
from grid_screening.ranking import Ranking
from grid_screening.scan_changes import Cause, PartChange, ScanChange, ScanPair
from grid_screening.scan_document import (
    ScanDocument,
    report_of,
    scan_document,
)
from grid_screening.screening_report import ScreeningReport
from monitor.domain.typing import Symbol

__all__ = [
    "Cause",
    "IncomparableScans",
    "PartChange",
    "ScanChange",
    "ScanDiff",
    "SettingChange",
    "UnreadableReport",
    "report_of",
    "scan_diff",
    "scored_breakdowns",
]

_SIMULATED = ("demo", "simulated")

_WITHOUT_INFLUENCE = frozenset(
    (
        "margin", "max_leverage", "maker_fee", "taker_fee", "brackets",
        "min_coverage", "workers", "calculator_workers", "max_wait",
        "scan_deadline", "cache", "rank_draws",
    )
)  # fmt: skip
# settings that cannot change who is listed


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """A setting that differs and can change who is listed."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanDiff:
    """What changed between two scans."""

    generated_before: str
    generated_after: str
    as_of_before_ms: int
    as_of_after_ms: int
    top: int
    """Length of the later list; 0: all."""
    settings: tuple[SettingChange, ...]
    """To be named first: they may be the reason for everything below."""
    warnings: tuple[str, ...]
    entered: tuple[ScanChange, ...]
    """By rank now."""
    left: tuple[ScanChange, ...]
    """By rank then."""
    moved: tuple[ScanChange, ...]
    """Listed in both scans, of another rank; by rank now."""
    unchanged: int
    """Listed in both scans with the same rank."""


def scored_breakdowns(
    result: Ranking,
) -> Mapping[Symbol, Mapping[str, float | None]]:
    """Return the score breakdown of every scored contract, None where missing."""
    parts = {name: column.tolist() for name, column in result.scores.breakdown.items()}
    return {
        symbol: {
            name: None if column[row] != column[row] else column[row]
            for name, column in parts.items()
        }
        for row, symbol in enumerate(result.scores.symbols)
    }


def scan_diff(
    before: Mapping[str, Any],
    after: ScreeningReport | Mapping[str, Any],
    *,
    name: str = "the earlier report",
    breakdowns: Mapping[Symbol, Mapping[str, float | None]] | None = None,
) -> ScanDiff:
    """Compare two scans.

    Parameters
    ----------
    before : mapping
        The published document of the earlier scan, schema 1.0 or 1.1.
    after : ScreeningReport or mapping
        The later scan, or its document.
    name : str
        Of the earlier document, for messages.
    breakdowns : mapping, optional
        `scored_breakdowns` of the later scan: what made a contract fall off the
        list is in no document.

    Raises
    ------
    UnreadableReport
        A document is not as published.
    IncomparableScans
        One market is simulated, the other is not.
    """
    old = scan_document(before, name=name)
    document = after.to_dict() if isinstance(after, ScreeningReport) else after
    new = scan_document(document, name="the later report")
    if (old.source in _SIMULATED) != (new.source in _SIMULATED):
        raise IncomparableScans(old.source, new.source)
    pair = ScanPair(before=old, after=new, breakdowns=breakdowns or {})
    was, now = _listed(old), _listed(new)
    stayed = [symbol for symbol in now if symbol in was]
    moved = [s for s in stayed if new.standings[s].rank != old.standings[s].rank]
    return ScanDiff(
        generated_before=old.generated_at,
        generated_after=new.generated_at,
        as_of_before_ms=old.as_of_ms,
        as_of_after_ms=new.as_of_ms,
        top=_top(new.settings),
        settings=_setting_changes(old.settings, new.settings),
        warnings=_warnings(old, new),
        entered=tuple(pair.entered(symbol) for symbol in now if symbol not in was),
        left=tuple(pair.left(symbol) for symbol in was if symbol not in now),
        moved=tuple(pair.moved(symbol) for symbol in moved),
        unchanged=len(stayed) - len(moved),
    )


def _listed(document: ScanDocument) -> dict[Symbol, int]:
    # symbol → rank, best first
    listed = [s for s in document.standings.values() if s.is_listed]
    listed.sort(key=lambda standing: (standing.rank, standing.symbol))
    return {standing.symbol: standing.rank for standing in listed}


def _top(settings: Mapping[str, Any]) -> int:
    top = settings.get("top")
    return top if type(top) is int else 0


def _setting_changes(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[SettingChange, ...]:
    # an older document lacks newer settings: they were as they are by default
    defaults = ScreenerSettings().by_flag()
    changes = []
    for name in dict.fromkeys((*after, *before)):
        then = before.get(name, defaults.get(name))
        now = after.get(name, defaults.get(name))
        if then != now and name not in _WITHOUT_INFLUENCE:
            changes.append(SettingChange(name=name, before=then, after=now))
    return tuple(changes)


def _warnings(before: ScanDocument, after: ScanDocument) -> tuple[str, ...]:
    found = []
    if before.source != after.source:
        found.append(f"sources differ: {before.source}, now {after.source}")
    if before.settings.get("profile") != after.settings.get("profile"):
        found.append(
            "profiles differ: scores of the two scans measure different things"
        )
    if before.as_of_ms > after.as_of_ms:
        found.append("the earlier report is of a later time")
    return tuple(found)
