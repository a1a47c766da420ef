"""The factor table as data: what is computed, from what, in which unit."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from grid_screening.calculators.efficiency import EFFICIENCY_WINDOW
from grid_screening.calculators.hurst import BLOCK_LENGTHS
from grid_screening.calculators.mean_reversion import UNIT_ROOT_MINIMUM, Z_WINDOW
from grid_screening.calculators.microstructure import CHANGE_WINDOW, DIVERGENCE_WINDOW
from grid_screening.calculators.squeeze_risk import RUN_UP_HORIZON
from grid_screening.calculators.trend import MINIMUM_BARS
from grid_screening.calculators.volatility import ATR_WINDOW
from monitor.domain.market import KlineInterval

HIGH_SPAN_H = 30 * 24.0
"""Hours that the distance to the 30-day high looks back."""

RETURN_SPAN_H = 7 * 24.0
"""Hours of the 7-day return."""

SURGE_SPAN_H = 24.0
"""Hours whose volume is compared with the usual one."""

SURGE_REFERENCE_H = 30 * 24.0
"""Hours that tell the usual volume."""


class Direction(StrEnum):
    """What suits a short grid, all else equal; votes stand in the profiles."""

    HIGHER_IS_BETTER = "higher_is_better"
    LOWER_IS_BETTER = "lower_is_better"
    INFORMATION = "information"
    """Shown, with no better side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorSpec:
    """One row of the factor table."""

    name: str
    unit: str
    direction: Direction
    window: int
    """Fewest closed bars that give a value; 0: quotes only."""
    inputs: tuple[str, ...]
    """Fields of `MarketSnapshot`."""
    description: str
    span_h: float | None = None
    """Hours that the bars must cover, for windows stated in time."""
    before: int = 0
    """Bars needed before that time: 1 for a change from close to close."""

    def bars(self, interval: KlineInterval) -> int:
        """Return the fewest closed bars of ``interval`` that give a value."""
        if self.span_h is None:
            return self.window
        return max(self.window, span_bars(self.span_h, interval) + self.before)


def span_bars(span_h: float, interval: KlineInterval) -> int:
    """Return the bars of ``interval`` that cover ``span_h`` hours, rounded up."""
    return ceil(span_h / interval.hours)


_BARS = ("high", "low", "close")
_FLOW = ("taker_buy_volume", "volume")
_FUNDING = ("funding_rate", "funding_interval_h")

_UP = Direction.HIGHER_IS_BETTER
_DOWN = Direction.LOWER_IS_BETTER
_SHOWN = Direction.INFORMATION


def _row(  # noqa: PLR0917 - a table reads by position
    name: str,
    unit: str,
    direction: Direction,
    window: int,
    inputs: tuple[str, ...],
    description: str,
    span_h: float | None = None,
    before: int = 0,
) -> FactorSpec:
    return FactorSpec(
        name=name,
        unit=unit,
        direction=direction,
        window=window,
        inputs=inputs,
        description=description,
        span_h=span_h,
        before=before,
    )


# fmt: off
FACTORS: tuple[FactorSpec, ...] = (
    _row("natr", "percent of close", _UP, ATR_WINDOW + 1, _BARS,
         "average true range (Wilder, 14)"),
    _row("efficiency_ratio", "[0, 1]", _DOWN, EFFICIENCY_WINDOW + 1, ("close",),
         "net move ÷ path (Kaufman, 10); a random walk reads 0.32"),
    _row("normalized_slope", "bp of last close per bar", _DOWN, MINIMUM_BARS,
         ("close",), "least-squares slope over all bars"),
    _row("r_squared", "[0, 1]", _DOWN, MINIMUM_BARS, ("close",),
         "straightness of the same line"),
    _row("hurst_exponent", "≈ 0…1", _DOWN, BLOCK_LENGTHS[-1] + 1, ("close",),
         "rescaled range of log returns, Anis–Lloyd corrected; no memory reads 0.5"),
    _row("variance_ratio", "ratio", _DOWN, 10, ("close",),
         "variance of 8-bar returns ÷ 8 × that of one bar; a random walk reads 1"),
    _row("variance_ratio_z", "standard deviations", _DOWN, 10, ("close",),
         "the same against 1, robust to changing volatility"),
    _row("variance_ratio_4", "ratio", _DOWN, 6, ("close",),
         "variance ratio over 4 bars"),
    _row("variance_ratio_4_z", "standard deviations", _DOWN, 6, ("close",),
         "robust z of the variance ratio over 4 bars"),
    _row("half_life_bars", "bars", _DOWN, UNIT_ROOT_MINIMUM, ("close",),
         "half-life of a deviation; none unless a unit root is rejected"),
    _row("unit_root_t", "t", _DOWN, UNIT_ROOT_MINIMUM, ("close",),
         "Dickey–Fuller t, constant, no lags; rejects below −2.87"),
    _row("z_score", "standard deviations", _UP, Z_WINDOW, ("close",),
         "close against its mean of 20 bars"),
    _row("open_interest_ratio", "days of turnover", _DOWN, 0,
         ("open_interest", "mark_price", "quote_volume_24h"),
         "open interest ÷ 24 h turnover, both in quote currency"),
    _row("funding_rate", "fraction per interval", _UP, 0, ("funding_rate",),
         "running funding rate; positive: longs pay shorts"),
    _row("funding_interval_h", "hours", _SHOWN, 0, ("funding_interval_h",),
         "time between settlements"),
    _row("funding_rate_8h", "fraction per 8 h", _UP, 0, _FUNDING,
         "funding rate normalised to 8 h"),
    _row("funding_rate_daily", "fraction per day", _UP, 0, _FUNDING,
         "funding rate per day"),
    _row("funding_apr", "fraction per year", _UP, 0, _FUNDING,
         "funding rate of 365 days, not compounded"),
    _row("cumulative_volume_delta", "base currency", _SHOWN, 1, _FLOW,
         "taker buys − taker sells over all bars"),
    _row("bearish_cvd_divergence", "1 or 0", _UP, DIVERGENCE_WINDOW,
         ("close", *_FLOW), "close at its 20-bar high, CVD below its own"),
    _row("cvd_divergence_strength", "[−1, 1]", _SHOWN, DIVERGENCE_WINDOW,
         ("close", *_FLOW), "Spearman correlation of close and CVD, 20 bars"),
    _row("cvd_divergence_p_value", "[0.001, 1]", _SHOWN, DIVERGENCE_WINDOW,
         ("close", *_FLOW), "its two-sided permutation p-value, 999 permutations"),
    _row("cvd_change_ratio", "[−1, 1]", _DOWN, CHANGE_WINDOW + 1, _FLOW,
         "change of the CVD ÷ volume, 5 bars"),
    _row("cvd_roc_classic", "fraction", _SHOWN, CHANGE_WINDOW + 1, _FLOW,
         "change of the CVD ÷ its size 5 bars ago; its origin is arbitrary"),
    _row("distance_to_30d_high", "fraction", _SHOWN, 1, ("high", "close"),
         "close ÷ highest high of 30 days − 1", HIGH_SPAN_H),
    _row("tail_run_up", "fraction", _DOWN, RUN_UP_HORIZON + 1, ("high", "close"),
         "9th decile of the highest rise within the next 18 bars"),
    _row("beta_btc", "ratio", _SHOWN, 3, ("close", "benchmark_close"),
         "slope of log returns on Bitcoin's"),
    _row("atr_hourly_estimated", "quote currency", _SHOWN, ATR_WINDOW + 1, _BARS,
         "average true range × √(1 h ÷ interval)"),
    _row("atr_daily_estimated", "quote currency", _SHOWN, ATR_WINDOW + 1, _BARS,
         "average true range × √(24 h ÷ interval)"),
    _row("return_7d", "log return", _DOWN, 2, ("close",),
         "ln of the last close ÷ the close 7 days before it", RETURN_SPAN_H, 1),
    _row("volume_surge", "ratio", _DOWN, 1, ("volume",),
         "base volume of the last 24 h ÷ its 30-day mean", SURGE_REFERENCE_H),
)
"""Every factor, in the order of the report."""
# fmt: on

FACTOR_NAMES: tuple[str, ...] = tuple(spec.name for spec in FACTORS)


def bars_needed(interval: KlineInterval) -> int:
    """Return the fewest closed bars at which every factor has its window.

    180 at 4 h: the 30-day high has the longest one.
    """
    return max(spec.bars(interval) for spec in FACTORS)
