"""The published JSON document as plain values."""

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from math import isfinite
from numbers import Integral, Real
from typing import Any

from grid_screening.reports.advice import needed_change
from grid_screening.screening_report import (
    SCHEMA_VERSION,
    Exclusion,
    PortfolioRisk,
    RankedSymbol,
    RankStability,
    Reason,
    ScreeningReport,
    StopOutOutlook,
    VolumeBox,
)


def report_document(report: ScreeningReport) -> dict[str, Any]:
    """Return ``report`` as the published document.

    Returns
    -------
    dict
        Keys and units as in ``contracts/report.schema.json``. Values are str, int,
        float, bool, None, list or dict, and ``Decimal`` for prices and quantities.
        NaN and infinity become None.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "generated_at": report.generated_at,
        "as_of_ms": report.as_of_ms,
        "last_bar_close_ms": report.last_bar_close_ms,
        "source": report.source,
        "settings": plain(report.settings),
        "funnel": [{"stage": s.stage, "count": s.count} for s in report.funnel],
        "coverage": plain(report.coverage),
        "degraded": bool(report.degraded),
        "requests": {
            "count": report.requests.count,
            "weight": report.requests.weight,
            "peak_weight_per_minute": report.requests.peak_weight_per_minute,
            "retries": report.requests.retries,
            "budget_wait_s": plain(report.requests.budget_wait_s),
        },
        "seconds": plain(report.seconds),
        "ranked": [_ranked(row) for row in report.ranked],
        "not_listed": [
            {
                "symbol": row.symbol,
                "rank": plain(row.rank),
                "gss": plain(row.gss),
                "vetoed": bool(row.vetoed),
            }
            for row in report.not_listed
        ],
        "excluded": [_excluded(row, report.settings) for row in report.excluded],
        "notes": list(report.notes),
        "rank_stability": _stability(report.rank_stability),
        "portfolio": _portfolio(report.portfolio),
    }


def plain(value: Any) -> Any:
    """Return ``value`` with NumPy scalars, tuples and mappings made plain.

    NaN and infinity become None.

    Raises
    ------
    TypeError
        A value that has no place in the document.
    """
    # a chain of types, narrowest first: bool is an Integral, float64 a Real
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _plain_number(value)


def _plain_number(value: Any) -> Any:
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return bool(value)
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return number if isfinite(number) else None
    raise TypeError(f"no place in a report for {type(value).__name__}: {value!r}")


def _ranked(row: RankedSymbol) -> dict[str, Any]:
    return {
        "rank": plain(row.rank),
        "rank_interval": plain(row.rank_interval),
        "symbol": row.symbol,
        "gss": plain(row.gss),
        "confidence": plain(row.confidence),
        "vetoed": bool(row.vetoed),
        "score_breakdown": plain(row.score_breakdown),
        "factors": plain(row.factors),
        "marks": list(row.marks),
        "grid": plain(row.grid),
        "grid_reason": None if row.grid_reason is None else _reason(row.grid_reason),
        "minimum_margin": row.minimum_margin,
        "stop_out": stop_out_document(row.stop_out),
        "box": box_document(row.box),
    }


def box_document(box: VolumeBox | None) -> dict[str, Any] | None:
    """Return profile and squeeze as the published values; None: not measured."""
    if box is None:
        return None
    parts = box.confidence_parts
    found: dict[str, Any] = plain(
        {
            "point_of_control": box.point_of_control,
            "value_area_low": box.value_area_low,
            "value_area_high": box.value_area_high,
            "squeeze": box.squeeze,
            "bars_in_squeeze": box.bars_in_squeeze,
            "squeeze_momentum": box.squeeze_momentum,
            "confidence": {
                "total": box.confidence,
                "squeeze": parts.squeeze,
                "concentration": parts.concentration,
                "bollinger_width": parts.bollinger_width,
                "value_area_width": parts.value_area_width,
            },
        }
    )
    return found


def stop_out_document(outlook: StopOutOutlook | None) -> dict[str, Any] | None:
    """Return an outlook as the published values; None: there is none."""
    if outlook is None:
        return None
    found: dict[str, Any] = plain(
        {
            "level": outlook.level,
            "horizons": [
                {
                    "days": estimate.horizon_days,
                    "probability": estimate.probability,
                    "low": estimate.low,
                    "high": estimate.high,
                }
                for estimate in outlook.estimates
            ],
            "features": outlook.features,
            "curve": [asdict(point) for point in outlook.curve],
        }
    )
    return found


def _stability(stability: RankStability | None) -> dict[str, Any] | None:
    if stability is None:
        return None
    return {
        "draws": plain(stability.draws),
        "level": plain(stability.level),
        "block_bars": plain(stability.block_bars),
        "indistinct": plain(stability.indistinct),
    }


def _portfolio(risk: PortfolioRisk | None) -> dict[str, Any] | None:
    if risk is None:
        return None
    return {
        "grids": plain(risk.grids),
        "margin": plain(risk.margin),
        "loss_at_stops": plain(risk.loss_at_stops),
        "squeezes": [
            {
                "rise": plain(squeeze.rise),
                "stopped": plain(squeeze.stopped),
                "loss": plain(squeeze.loss),
                "loss_without_stops": plain(squeeze.loss_without_stops),
            }
            for squeeze in risk.squeezes
        ],
        "independent_bets": plain(risk.independent_bets),
    }


def _excluded(row: Exclusion, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "symbol": row.symbol,
        "stage": row.stage,
        "reason": _reason(row.reason),
        "needs": needed_change(row.reason, settings),
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "code": reason.code,
        "text": reason.text,
        "value": plain(reason.value),
        "limit": plain(reason.limit),
    }
