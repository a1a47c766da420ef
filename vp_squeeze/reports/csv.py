"""An analysis as comma-separated values: one row for each contract."""

import csv
from io import StringIO
from typing import Any

from vp_squeeze.analysis_report import AnalysisReport
from vp_squeeze.box_analysis import ContractAnalysis
from vp_squeeze.reports.document import analysis_document, ordered
from vp_squeeze.reports.wording import clean_price

_PROFILE = (
    "poc",
    "value_area_low",
    "value_area_high",
    "value_area_share",
    "concentration",
    "bucket_width",
    "bucket_count",
    "turnover",
)
_CONFIDENCE = (
    "total",
    "squeeze",
    "concentration",
    "bollinger_width",
    "value_area_width",
)
_FORMULA_STARTS = ("=", "+", "-", "@")


def analysis_csv(report: AnalysisReport) -> str:
    """Return a header line and one line per analysed contract.

    Missing values are empty cells, numbers have all their digits. ``zone_…`` are of
    the strongest resonance zone.
    """
    document = analysis_document(report)
    rows = [
        _row(contract, published)
        for contract, published in zip(
            report.contracts, document["contracts"], strict=True
        )
    ]
    out = StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(row[name]) for name in COLUMNS] for row in rows)
    return out.getvalue()


COLUMNS = (
    "symbol",
    "interval",
    "bars",
    "last_bar_close_ms",
    "price",
    "price_at_ms",
    *_PROFILE,
    "box_width_percent",
    "distance_to_poc",
    "distance_to_support",
    "distance_to_resistance",
    "squeeze_on",
    "squeeze_active",
    "squeeze_bars",
    "momentum_bp",
    "bollinger_width_percent",
    *(f"confidence_{name}" for name in _CONFIDENCE),
    "zone_low",
    "zone_high",
    "zone_strength",
    "zone_timeframes",
    "spot_poc",
    "spot_value_area_low",
    "spot_value_area_high",
    "spot_box_width_percent",
    "spot_confidence_total",
)
"""Of the file, in its order."""


def _row(contract: ContractAnalysis, published: dict[str, Any]) -> dict[str, Any]:
    profile, squeeze = published["profile"], published["squeeze"]
    top = contract.zones[0] if contract.zones else None
    tick = contract.tick_size
    return {
        **{name: published[name] for name in COLUMNS[:6]},
        **{name: profile[name] for name in _PROFILE},
        "box_width_percent": published["box"]["width_percent"],
        "distance_to_poc": _distance(contract, profile["poc"]),
        "distance_to_support": _distance(contract, profile["value_area_low"]),
        "distance_to_resistance": _distance(contract, profile["value_area_high"]),
        "squeeze_on": squeeze["on"],
        "squeeze_active": squeeze["active"],
        "squeeze_bars": squeeze["bars"],
        "momentum_bp": squeeze["momentum_bp"],
        "bollinger_width_percent": published["bollinger"]["width_percent"],
        **{f"confidence_{k}": published["confidence"][k] for k in _CONFIDENCE},
        "zone_low": None if top is None else clean_price(top.low, tick),
        "zone_high": None if top is None else clean_price(top.high, tick),
        "zone_strength": None if top is None else top.strength,
        "zone_timeframes": None if top is None else " ".join(ordered(top.timeframes)),
        **_spot(published["spot"]),
    }


def _spot(found: dict[str, Any] | None) -> dict[str, Any]:
    if found is None or "missing" in found:
        return dict.fromkeys(COLUMNS[-5:])
    profile = found["profile"]
    return {
        "spot_poc": profile["poc"],
        "spot_value_area_low": profile["value_area_low"],
        "spot_value_area_high": profile["value_area_high"],
        "spot_box_width_percent": found["box"]["width_percent"],
        "spot_confidence_total": found["confidence"]["total"],
    }


def _distance(contract: ContractAnalysis, level: float | None) -> float | None:
    return None if level is None else contract.distance(level)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # a spreadsheet would take it for a formula
        return f"'{value}" if value.startswith(_FORMULA_STARTS) else value
    return repr(value)
