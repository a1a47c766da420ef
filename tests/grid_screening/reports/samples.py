"""Reports made by hand."""

from collections.abc import Mapping
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

from grid_screening.conf import ScreenerSettings
from grid_screening.deep_spacing import DeepSpacing
from grid_screening.reports.columns import FACTOR_NAMES, GRID_NAMES, SCORE_NAMES
from grid_screening.screening_report import (
    BoxConfidenceParts,
    Exclusion,
    FunnelStage,
    NotListed,
    RankedSymbol,
    RankStability,
    Reason,
    ScreeningReport,
    StopOutEstimate,
    StopOutOutlook,
    StopOutPoint,
    VolumeBox,
)
from monitor.domain.requests import RequestStatistics

AS_OF_MS = 1_791_374_400_000  # 2026-10-07 12:00 UTC

CLASSIC_WEIGHTS = [0.2, 0.2, 0.3, 0.3]

FACTORS: Mapping[str, float | None] = dict.fromkeys(FACTOR_NAMES, 0.25) | {
    "natr": 4.25,
    "normalized_slope": -12.5,
    "half_life_bars": None,
    "funding_rate_8h": 0.0001,
    "funding_rate": 0.00005,
    "funding_interval_h": 4.0,
    "distance_to_30d_high": -0.125,
}

DEEP_NAMES = {field.name for field in fields(DeepSpacing)}
"""None without one-minute bars, as in every scan that is not deep."""

GRID: Mapping[str, Decimal | float | int | str | None] = (
    dict.fromkeys(GRID_NAMES, 0.5)
    | {
        "price": Decimal("0.12340"),
        "lower_bound": Decimal("0.10010"),
        "upper_bound": Decimal("0.15010"),
        "grid_step": Decimal("0.00050"),
        "grid_ratio": None,
        "spacing": "arithmetic",
        "level_count": 101,
        "levels_below": 46,
        "levels_above": 54,
        "initial_short_order_count": 1,
        "cell_count": 100,
        "leverage": 3,
        "quantity_per_level": Decimal(237),
        "stop_price": Decimal("0.15090"),
        "liquidation_price": Decimal("0.15670"),
        "margin": Decimal("1000.0"),
        "minimum_margin": Decimal("52.5"),
        "loss_at_stop": Decimal("612.250000"),
        "cell_profit_rate": 0.0036,
        "funding_per_day_loaded": Decimal("0.910000"),
        "bounds": "atr",
        "start": "loaded",
        "net_exposure": Decimal("-500.000000"),
        "net_exposure_share": -0.625,
        "leverage_beyond_tail": 2,
    }
    | dict.fromkeys(name for name in GRID_NAMES if name in DEEP_NAMES)
)


def ranked(symbol: str = "AAAUSDT", **changes: Any) -> RankedSymbol:
    row = RankedSymbol(
        rank=1,
        symbol=symbol,
        gss=0.734,
        confidence=1.0,
        vetoed=False,
        score_breakdown=dict.fromkeys(SCORE_NAMES, 0.1)
        | {"volatility_displacement_bonus": None},
        factors=FACTORS,
        marks=("assumed_brackets",),
        grid=GRID,
        grid_reason=None,
        minimum_margin=Decimal("5.01"),
    )
    return replace(row, **changes)


def excluded(
    symbol: str,
    stage: str,
    code: str,
    value: float | str | None = None,
    limit: float | str | None = None,
) -> Exclusion:
    reason = Reason(code=code, text=f"{code} of {value}", value=value, limit=limit)
    return Exclusion(symbol=symbol, stage=stage, reason=reason)


def funnel(*stages: tuple[str, int]) -> tuple[FunnelStage, ...]:
    return tuple(FunnelStage(stage=stage, count=count) for stage, count in stages)


def report(**changes: Any) -> ScreeningReport:
    rows = (
        ranked("币安人生USDT", marks=("extreme_volatility", "assumed_brackets")),
        ranked("AAAUSDT", rank=2, gss=0.6),
        ranked(
            "1000000MOGUSDT",
            rank=3,
            gss=0.5,
            grid=None,
            grid_reason=Reason(code="min_notional", text="margin too small"),
            marks=("squeeze_risk",),
        ),
    )
    made = ScreeningReport(
        generated_at="2026-10-07T12:00:09Z",
        as_of_ms=AS_OF_MS,
        last_bar_close_ms=AS_OF_MS - 1,
        source="live",
        settings=ScreenerSettings().by_flag() | {"weights": CLASSIC_WEIGHTS},
        funnel=funnel(
            ("universe", 6), ("readable", 6), ("turnover", 5), ("scored", 5),
            ("listed", 3),
        ),
        coverage=1.0,
        degraded=False,
        requests=RequestStatistics(
            count=21, weight=88, peak_weight_per_minute=88, retries=1, budget_wait_s=0.4
        ),
        seconds=9.25,
        ranked=rows,
        not_listed=(
            NotListed(symbol="DDDUSDT", rank=4, gss=0.2, vetoed=False),
            NotListed(symbol="EEEUSDT", rank=5, gss=0.0, vetoed=True),
        ),
        excluded=(excluded("FFFUSDT", "turnover", "turnover", 42e6, 50e6),),
        notes=("the veto fired for one contract",),
    )  # fmt: skip
    return replace(made, **changes)


STABILITY = RankStability(
    draws=50, level=0.9, block_bars=10, indistinct=((1, 2), (3, 9))
)


def with_intervals() -> ScreeningReport:
    """Two ranks with an interval, a third without."""
    intervals = ((1, 2), (1, 6), None)
    made = report()
    rows = zip(made.ranked, intervals, strict=True)
    return replace(
        made,
        ranked=tuple(replace(row, rank_interval=found) for row, found in rows),
        rank_stability=STABILITY,
    )


def empty(
    stages: tuple[FunnelStage, ...], exclusions: tuple[Exclusion, ...], **changes: Any
) -> ScreeningReport:
    return report(
        funnel=stages, excluded=exclusions, ranked=(), not_listed=(), **changes
    )


STOP_OUT = StopOutOutlook(
    level=0.95,
    estimates=(
        StopOutEstimate(horizon_days=3, probability=0.064, low=0.0052, high=0.11),
        StopOutEstimate(horizon_days=7, probability=0.1402, low=0.118, high=0.169),
        StopOutEstimate(horizon_days=14, probability=0.23, low=0.2, high=0.27),
    ),
    features={
        "log_width": 0.8754687,  # ln 2.4
        "return_7d": 0.0487902,  # ln 1.05
        "log_volume_surge": -0.2231436,  # ln 0.8
        "distance_to_30d_high": -0.125,
        "log_natr": 1.4469190,  # ln 4.25
    },
    curve=(
        StopOutPoint(
            range_to_volatility=1.0, probability=0.31, low=0.27, high=0.36,
            study_share=0.44, upper_bound=Decimal("0.13450"),
            quantity_per_level=Decimal(301), expected_trips=41.53,
            harvest_per_day=3.219,
        ),
        StopOutPoint(
            range_to_volatility=2.5, probability=0.136, low=0.11, high=0.168,
            study_share=0.133, upper_bound=None, quantity_per_level=None,
            expected_trips=None, harvest_per_day=None,
        ),
    ),
)  # fmt: skip


def with_stop_outs() -> ScreeningReport:
    """A row with a probability, one without, one without a grid."""
    made = report()
    first, *others = made.ranked
    marks = (*first.marks, "narrow_range")
    return replace(
        made, ranked=(replace(first, stop_out=STOP_OUT, marks=marks), *others)
    )


BOX = VolumeBox(
    point_of_control=Decimal("0.122505"),
    value_area_low=Decimal("0.11870"),
    value_area_high=Decimal("0.12750"),
    squeeze="active",
    bars_in_squeeze=5,
    squeeze_momentum=-1.25,
    confidence=0.6375,
    confidence_parts=BoxConfidenceParts(
        squeeze=0.8, concentration=0.5, bollinger_width=0.75, value_area_width=0.5
    ),
)
UNKNOWN_BOX = VolumeBox(
    point_of_control=None,
    value_area_low=None,
    value_area_high=None,
    squeeze=None,
    bars_in_squeeze=None,
    squeeze_momentum=None,
    confidence=None,
    confidence_parts=BoxConfidenceParts(
        squeeze=None, concentration=None, bollinger_width=None, value_area_width=None
    ),
)


def with_boxes() -> ScreeningReport:
    """A row with a box, one whose bars say nothing, one that was not measured."""
    first, second, third = report().ranked
    return report(
        ranked=(replace(first, box=BOX), replace(second, box=UNKNOWN_BOX), third)
    )
