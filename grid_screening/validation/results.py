"""What a validation study found, as plain frozen values that reports render.

PnL is a fraction of the grid's largest notional (cells × quantity × upper bound);
shares and probabilities are in [0, 1]; a mean over origins weights origins equally.
NaN: could not be estimated (too few origins or contracts); None in `to_mapping`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from math import nan
from typing import Any

from grid_screening.validation.calibration import ReliabilityBin
from grid_screening.validation.histograms import Histogram
from grid_screening.validation.plain_values import plain
from grid_screening.validation.study_data import DataSummary, UniverseRow

LESS_SHUFFLED = "pnl_less_shuffled"
"""Outcome of a `RankRow`."""


class Kind(StrEnum):
    """What a score is."""

    FACTOR = "factor"
    PROFILE = "profile"
    CANDIDATE = "candidate"
    """Of the declared family of five."""
    BASELINE = "baseline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over origins with its error."""

    mean: float
    standard_error: float
    """Newey–West."""
    t: float
    """``mean / standard_error``."""
    low: float
    """95 % interval, bootstrap over blocks of weeks as long as the outcomes."""
    high: float
    count: int
    """Origins with a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeSummary:
    """What became of the planned grids of all origins."""

    horizon_days: float
    grid_count: int
    median: float
    """Of PnL over all grids, like the standard deviation."""
    standard_deviation: float
    pnl: Estimate
    won: Estimate
    stopped: Estimate
    take_profit: Estimate
    liquidated: Estimate
    static_short: Estimate
    """PnL of the initial short alone."""
    grid_less_static: Estimate
    """What the grid added to the initial short."""
    fees: Estimate
    funding: Estimate
    """Positive: received; 0 where it is not known."""
    worst: tuple[float, float, float]
    """Quantiles 1 %, 5 %, 50 % of the lowest equity on the way."""
    histogram: Histogram | None = None
    """Of PnL over all grids; None: not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankRow:
    """Rank correlation of one score with each outcome.

    Outcomes: ``pnl`` · ``shuffled`` (each contract given another's outcome in R,
    scaled back by its own: what volatility alone makes of the correlation) · ``r``
    (PnL ÷ loss at the upper bound) · ``won`` · ``not_stopped``. ``pnl_less_shuffled``
    is the first less the second, origin by origin.
    """

    name: str
    kind: Kind
    outcomes: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecileRow:
    """Mean outcome of each tenth of one score, less the universe's."""

    name: str
    pnl: tuple[float, ...]
    """Lowest score first, ten values."""
    stopped: tuple[float, ...]
    pnl_error: tuple[float, ...] = ()
    """Newey–West error of each value of ``pnl``; empty: not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopRow:
    """The best N of one score less the universe, mean over origins."""

    name: str
    kind: Kind
    top: int
    pnl: Estimate
    minimum_detectable: float
    """Excess PnL seen with 80 % power at 5 %, two-sided."""
    stopped: Estimate
    """Excess share stopped; negative: fewer."""
    won: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthRow:
    """Walk-forward predictions of one month's origins."""

    month: str
    """``2025-02``."""
    count: int
    predicted: float
    """Mean predicted probability."""
    stopped: float
    brier: float
    base_brier: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CoefficientRow:
    """One coefficient of the model that ships, per standard deviation."""

    feature: str
    value: float
    standard_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOutRow:
    """Can the stop-out within one horizon be told? Walk-forward, out of sample."""

    horizon_days: int
    count: int
    """Predicted grids."""
    base_rate: float
    """Share of them that was stopped."""
    brier: float
    base_brier: float
    """Of the stopped share of the same training samples."""
    difference: Estimate
    """Brier score less that of the base rate; negative: better."""
    auc: float
    told: bool
    """Whether the interval of ``difference`` lies below zero."""
    reliability: tuple[ReliabilityBin, ...]
    months: tuple[MonthRow, ...]
    coefficients: tuple[CoefficientRow, ...]
    """Fitted on all origins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """What a scan lists with ``guarded`` against top N of ``classic``, by origin."""

    top: int
    classic_stopped: Estimate
    guarded_stopped: Estimate
    difference: Estimate
    """Guarded less classic."""
    pnl_difference: Estimate
    admitted: float
    """Mean share of the universe behind the gate."""
    fewer_stop_outs: bool
    """Whether the interval of ``difference`` lies below zero."""
    short_lists: float = nan
    """Share of origins at which fewer than N of the first 2 · N passed the gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WideningRow:
    """The same contracts with the upper bound moved, same capital.

    PnL here is a fraction of the margin, the same for both grids of a pair.
    """

    x: float
    """(upper bound − price) ÷ (hourly ATR · √24) of the moved bound."""
    grid_count: int
    stopped: Estimate
    stopped_difference: Estimate
    """Less that of the plan's own bound, like all differences."""
    pnl: Estimate
    pnl_difference: Estimate
    quantity_ratio: float
    """Mean quantity per lot ÷ that of the plan's own bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfitRow:
    """One candidate of the declared family: top N less universe."""

    name: str
    pnl: Estimate
    minimum_detectable: float
    """Excess PnL that passes ``critical_value`` with 80 % power."""
    critical_value: float
    """95 % point of the largest |t| of as many placebo scores as candidates, on the
    origins at which this candidate has a list."""
    ships: bool
    """Whether t exceeds the critical value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfitFamily:
    """The five declared candidates against what placebo scores reach."""

    placebo_count: int
    rows: tuple[ProfitRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceboRow:
    """How often a nominal 5 % test rejects on scores that mean nothing."""

    statistic: str
    nominal: float
    rejected: float
    critical_value: float
    """95 % point of |t| of one placebo score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedRow:
    """One entry of the list of everything that was tried."""

    name: str
    kind: Kind
    statistic: str
    """``rank-IC r``, ``top-N pnl``, …"""
    mean: float
    t: float
    p_value: float
    """Share of placebo scores with an |t| at least as large."""
    discovered: bool
    """By Benjamini–Hochberg at 5 % over the whole list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityRow:
    """The study's main figures under one changed assumption."""

    name: str
    grid_count: int
    pnl: Estimate
    won: Estimate
    stopped: Estimate
    liquidated: Estimate
    grid_less_static: Estimate
    """What the grid added to the initial short."""
    classic_excess: Estimate
    """PnL of the top N of ``classic`` less the universe."""
    guarded_stopped: Estimate
    """Stopped share of the list of ``guarded`` less that of ``classic``."""
    ranking_x: Estimate
    """Rank correlation of x with not being stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAheadCheck:
    """Later prices were replaced by others and the choice made again."""

    origins_ms: tuple[int, ...]
    contracts: int
    """Scores and plans compared."""
    changed: int
    """Of them different; anything but 0 is a bug."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What the study cost."""

    seconds: float
    symbol_scans: int
    """Scored contracts, all origins together."""
    seconds_per_symbol_scan: float
    by_part: Mapping[str, float]
    """Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """Everything a validation study found."""

    version: str
    data: DataSummary
    settings: Mapping[str, Any]
    protocol: Mapping[str, str]
    """What was declared before the first run, by topic; and where this run
    deviates."""
    universe: tuple[UniverseRow, ...]
    outcome: tuple[OutcomeSummary, ...]
    """One per horizon, the main one first."""
    rank: tuple[RankRow, ...]
    deciles: tuple[DecileRow, ...]
    top: tuple[TopRow, ...]
    stop_out: tuple[StopOutRow, ...]
    gate: GateResult
    widening: tuple[WideningRow, ...]
    profit: ProfitFamily
    placebo: tuple[PlaceboRow, ...]
    tried: tuple[TriedRow, ...]
    sensitivity: tuple[SensitivityRow, ...]
    look_ahead: LookAheadCheck
    timing: Timing

    def to_mapping(self) -> dict[str, Any]:
        """Return the result as JSON values, by field name; NaN is None."""
        return {field.name: plain(getattr(self, field.name)) for field in fields(self)}
