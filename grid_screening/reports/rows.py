"""One flat row per listed symbol: what CSV and data frame share."""

from collections.abc import Iterable
from typing import Any

from grid_screening.reports.columns import (
    BOX_NAMES,
    FACTOR_NAMES,
    GRID_NAMES,
    SCORE_NAMES,
    STOP_OUT_NAMES,
)
from grid_screening.reports.document import box_document, plain
from grid_screening.screening_report import RankedSymbol, ScreeningReport


def flat_columns(report: ScreeningReport) -> list[str]:
    """Return the column names: the published ones, then any further ones."""
    factors = _names(FACTOR_NAMES, (row.factors for row in report.ranked))
    scores = _names(SCORE_NAMES, (row.score_breakdown for row in report.ranked))
    grids = _names(GRID_NAMES, (row.grid or {} for row in report.ranked))
    return [
        "rank",
        "rank_low",
        "rank_high",
        "symbol",
        "gss",
        "confidence",
        "vetoed",
        *factors,
        *(f"score_{name}" for name in scores),
        *(f"grid_{name}" for name in grids),
        *STOP_OUT_NAMES,
        *BOX_NAMES,
        "grid_reason",
        "marks",
        "source",
        "degraded",
        "as_of_ms",
    ]


def flat_rows(report: ScreeningReport) -> list[dict[str, Any]]:
    """Return one mapping per listed symbol, keys as in `flat_columns`.

    Missing values are None, marks one text separated by spaces, prices and
    quantities ``Decimal``.
    """
    columns = flat_columns(report)
    rows = []
    for ranked in report.ranked:
        found = _flat(ranked) | {
            "source": report.source,
            "degraded": report.degraded,
            "as_of_ms": report.as_of_ms,
        }
        rows.append({name: plain(found.get(name)) for name in columns})
    return rows


def _flat(row: RankedSymbol) -> dict[str, Any]:
    low, high = (None, None) if row.rank_interval is None else row.rank_interval
    return {
        "rank": row.rank,
        "rank_low": low,
        "rank_high": high,
        "symbol": row.symbol,
        "gss": row.gss,
        "confidence": row.confidence,
        "vetoed": row.vetoed,
        **row.factors,
        **{f"score_{name}": value for name, value in row.score_breakdown.items()},
        **{f"grid_{name}": value for name, value in (row.grid or {}).items()},
        **_stop_out(row),
        **_box(row),
        "grid_reason": None if row.grid_reason is None else row.grid_reason.text,
        "marks": " ".join(row.marks),
    }


def _stop_out(row: RankedSymbol) -> dict[str, float]:
    found: dict[str, float] = {}
    for e in () if row.stop_out is None else row.stop_out.estimates:
        name = f"stop_out_{e.horizon_days}d"
        found |= {name: e.probability, f"{name}_low": e.low, f"{name}_high": e.high}
    return found


def _box(row: RankedSymbol) -> dict[str, Any]:
    found = box_document(row.box) or {}
    parts = found.pop("confidence", {})
    total = parts.pop("total", None)
    return {
        **{f"box_{name}": value for name, value in found.items()},
        "box_confidence": total,
        **{f"box_confidence_{name}": value for name, value in parts.items()},
    }


def _names(published: tuple[str, ...], mappings: Iterable[Iterable[str]]) -> list[str]:
    names = dict.fromkeys(published)
    for mapping in mappings:
        names |= dict.fromkeys(mapping)
    return list(names)
