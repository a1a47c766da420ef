"""What computes the factors: one function per group that shares its work."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np

from grid_screening.calculators.efficiency import EFFICIENCY_WINDOW, efficiency_ratio
from grid_screening.calculators.hurst import hurst_exponent
from grid_screening.calculators.mean_reversion import (
    Z_WINDOW,
    unit_root,
    variance_ratio,
    z_score,
)
from grid_screening.calculators.microstructure import (
    bearish_cvd_divergence,
    cumulative_volume_delta,
    cvd_change_ratio,
    cvd_divergence,
    cvd_roc_classic,
    funding_apr,
    funding_rate_8h,
    funding_rate_daily,
    open_interest_ratio,
)
from grid_screening.calculators.squeeze_risk import (
    beta,
    distance_to_high,
    latest_return,
    tail_run_up,
    volume_surge,
)
from grid_screening.calculators.trend import linear_fit
from grid_screening.calculators.volatility import latest_average_true_range
from grid_screening.factor_specs import (
    FACTORS,
    RETURN_SPAN_H,
    SURGE_REFERENCE_H,
    SURGE_SPAN_H,
    span_bars,
)
from grid_screening.snapshot import MarketSnapshot
from monitor.domain.typing import FloatArray

_HIGH = next(spec for spec in FACTORS if spec.name == "distance_to_30d_high")


class Rows:
    """Some symbols of a snapshot, and what their factors share."""

    def __init__(
        self, snapshot: MarketSnapshot, chosen: slice, market: FloatArray
    ) -> None:
        self.chosen = chosen
        self.interval = snapshot.interval
        self.market = market
        self.high = snapshot.high[chosen]
        self.low = snapshot.low[chosen]
        self.close = snapshot.close[chosen]
        self.volume = snapshot.volume[chosen]
        self.taker_buy_volume = snapshot.taker_buy_volume[chosen]
        self.quote_volume_24h = snapshot.quote_volume_24h[chosen]
        self.mark_price = _finite(snapshot.mark_price[chosen])
        self.open_interest = _finite(snapshot.open_interest[chosen])
        self.funding_rate = _finite(snapshot.funding_rate[chosen])
        self.funding_interval_h = _finite(snapshot.funding_interval_h[chosen])

    @cached_property
    def log_close(self) -> FloatArray:
        """Natural logarithm of the closes, shape ``(n_rows, n_bars)``."""
        return np.log(self.close)

    @cached_property
    def log_return(self) -> FloatArray:
        """Changes of `log_close`, shape ``(n_rows, n_bars - 1)``."""
        return np.diff(self.log_close, axis=-1)

    @cached_property
    def cvd(self) -> FloatArray:
        """Cumulative volume delta, shape ``(n_rows, n_bars)``."""
        return cumulative_volume_delta(self.taker_buy_volume, self.volume)


def _finite(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Factors that one computation gives."""

    names: tuple[str, ...]
    values: Callable[[Rows], tuple[FloatArray, ...]]


def _volatility(rows: Rows) -> tuple[FloatArray, ...]:
    average = latest_average_true_range(rows.high, rows.low, rows.close)
    hours = rows.interval.hours
    percent = np.full(average.shape, np.nan)
    if rows.close.shape[-1] > 0:
        percent = 100 * average / rows.close[..., -1]
    return percent, average * sqrt(1 / hours), average * sqrt(24 / hours)


def _efficiency(rows: Rows) -> tuple[FloatArray, ...]:
    # Only the newest bar is wanted: only its window goes in.
    return (_latest(efficiency_ratio(rows.close[:, -EFFICIENCY_WINDOW - 1 :])),)


def _trend(rows: Rows) -> tuple[FloatArray, ...]:
    fit = linear_fit(rows.close)
    return fit.normalized_slope, fit.r_squared


def _hurst(rows: Rows) -> tuple[FloatArray, ...]:
    return (hurst_exponent(rows.log_return),)


def _variance_ratios(rows: Rows) -> tuple[FloatArray, ...]:
    long, short = (variance_ratio(rows.log_close, q=q) for q in (8, 4))
    return long.ratio, long.z, short.ratio, short.z


def _unit_root(rows: Rows) -> tuple[FloatArray, ...]:
    evidence = unit_root(rows.log_close)
    return evidence.half_life_bars, evidence.t


def _z_score(rows: Rows) -> tuple[FloatArray, ...]:
    return (_latest(z_score(rows.close[:, -Z_WINDOW:])),)


def _open_interest(rows: Rows) -> tuple[FloatArray, ...]:
    return (
        open_interest_ratio(rows.open_interest, rows.mark_price, rows.quote_volume_24h),
    )


def _funding(rows: Rows) -> tuple[FloatArray, ...]:
    rate, interval_h = rows.funding_rate, rows.funding_interval_h
    return (
        rate,
        interval_h,
        funding_rate_8h(rate, interval_h),
        funding_rate_daily(rate, interval_h),
        funding_apr(rate, interval_h),
    )


def _flow(rows: Rows) -> tuple[FloatArray, ...]:
    return (
        _latest(rows.cvd),
        bearish_cvd_divergence(rows.close, rows.cvd),
        cvd_change_ratio(rows.cvd, rows.volume),
        cvd_roc_classic(rows.cvd),
    )


def _divergence(rows: Rows) -> tuple[FloatArray, ...]:
    divergence = cvd_divergence(rows.close, rows.cvd)
    return divergence.strength, divergence.p_value


def _squeeze_risk(rows: Rows) -> tuple[FloatArray, ...]:
    return (
        distance_to_high(rows.high, rows.close, window=_HIGH.bars(rows.interval)),
        tail_run_up(rows.high, rows.close),
        beta(rows.log_return, rows.market),
    )


def _stop_out_inputs(rows: Rows) -> tuple[FloatArray, ...]:
    steps, recent, usual = (
        span_bars(span_h, rows.interval)
        for span_h in (RETURN_SPAN_H, SURGE_SPAN_H, SURGE_REFERENCE_H)
    )
    return (
        latest_return(rows.log_close, steps=steps),
        volume_surge(rows.volume, recent=recent, usual=usual),
    )


def _latest(series: FloatArray) -> FloatArray:
    if series.shape[-1] == 0:
        return np.full(series.shape[:-1], np.nan)
    return series[..., -1]


GROUPS: tuple[Group, ...] = (
    Group(
        names=("natr", "atr_hourly_estimated", "atr_daily_estimated"),
        values=_volatility,
    ),
    Group(names=("efficiency_ratio",), values=_efficiency),
    Group(names=("normalized_slope", "r_squared"), values=_trend),
    Group(names=("hurst_exponent",), values=_hurst),
    Group(
        names=(
            "variance_ratio",
            "variance_ratio_z",
            "variance_ratio_4",
            "variance_ratio_4_z",
        ),
        values=_variance_ratios,
    ),
    Group(names=("half_life_bars", "unit_root_t"), values=_unit_root),
    Group(names=("z_score",), values=_z_score),
    Group(names=("open_interest_ratio",), values=_open_interest),
    Group(
        names=(
            "funding_rate",
            "funding_interval_h",
            "funding_rate_8h",
            "funding_rate_daily",
            "funding_apr",
        ),
        values=_funding,
    ),
    Group(
        names=(
            "cumulative_volume_delta",
            "bearish_cvd_divergence",
            "cvd_change_ratio",
            "cvd_roc_classic",
        ),
        values=_flow,
    ),
    Group(
        names=("cvd_divergence_strength", "cvd_divergence_p_value"),
        values=_divergence,
    ),
    Group(
        names=("distance_to_30d_high", "tail_run_up", "beta_btc"),
        values=_squeeze_risk,
    ),
    Group(names=("return_7d", "volume_surge"), values=_stop_out_inputs),
)
"""Together every factor of the table, each once."""
