"""All factors of a snapshot, whole panels at once.

Rows are worked on in blocks whose temporaries stay in the processor's cache, and
what factors share (logarithm, differences, CVD) is computed once per block. The
values do not depend on the block size, on the number of workers, or on which other
symbols are in the snapshot.
"""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np

from grid_screening.calculators.efficiency import EFFICIENCY_WINDOW, efficiency_ratio
from grid_screening.calculators.hurst import ROW_BLOCK, hurst_exponent
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
from grid_screening.calculators.squeeze_risk import beta, distance_to_high, tail_run_up
from grid_screening.calculators.trend import linear_fit
from grid_screening.calculators.volatility import latest_average_true_range
from grid_screening.factor_specs import (
    FACTOR_NAMES,
    FACTORS,
    Direction,
    FactorSpec,
    bars_needed,
)
from grid_screening.snapshot import MarketSnapshot
from monitor.domain.typing import FloatArray, Symbol

__all__ = [
    "FACTORS",
    "FACTOR_NAMES",
    "PARALLEL_BARS",
    "Direction",
    "FactorSpec",
    "FactorTable",
    "bars_needed",
    "factor_table",
]

PARALLEL_BARS = 1_000_000
"""Bars in the panel (symbols × bars) above which threads are used: below, handing
out the blocks costs what two cores gain."""

_HIGH = next(spec for spec in FACTORS if spec.name == "distance_to_30d_high")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FactorTable:
    """One value per symbol and factor; NaN: missing. Never infinite."""

    symbols: tuple[Symbol, ...]
    values: Mapping[str, FloatArray]
    """By factor name, each of shape ``(n_symbols,)``, read-only."""

    def __getitem__(self, name: str) -> FloatArray:
        """Return the values of one factor, in the order of ``symbols``."""
        return self.values[name]

    def row(self, symbol: Symbol) -> dict[str, float | None]:
        """Return the factors of one symbol, None where missing.

        Raises
        ------
        ValueError
            The symbol is not in the table.
        """
        at = self.symbols.index(symbol)
        values = {name: float(column[at]) for name, column in self.values.items()}
        return {
            name: None if np.isnan(value) else value for name, value in values.items()
        }


def factor_table(
    snapshot: MarketSnapshot,
    *,
    workers: int = 1,
    names: Collection[str] | None = None,
    row_block: int = ROW_BLOCK,
) -> FactorTable:
    """Every factor of every symbol.

    Parameters
    ----------
    snapshot : MarketSnapshot
        Closed bars and quotes.
    workers : int
        Threads, at least 1; used above `PARALLEL_BARS` only.
    names : collection of str, optional
        Compute only these factors (and what they share); None: all.
    row_block : int
        Symbols worked on at a time, at least 1. Changes the time, not the values.

    Returns
    -------
    FactorTable
        In the order of ``snapshot.symbols``. A factor whose window does not fit
        the bars is NaN for all. An infinite quote counts as missing.

    Raises
    ------
    ValueError
        ``workers`` or ``row_block`` is below 1, or a name is unknown.
    """
    _check_counts(workers=workers, row_block=row_block)
    wanted = _wanted(names)
    groups = [group for group in _GROUPS if not set(wanted).isdisjoint(group.names)]
    market = _benchmark_return(snapshot)
    blocks = [
        _Rows(snapshot, slice(start, start + row_block), market)
        for start in range(0, snapshot.symbol_count, row_block)
    ]
    columns = {name: np.full(snapshot.symbol_count, np.nan) for name in wanted}

    def fill(rows: _Rows) -> None:
        for group in groups:
            for name, values in zip(group.names, group.values(rows), strict=True):
                if name in columns:
                    columns[name][rows.chosen] = values

    if workers > 1 and snapshot.close.size > PARALLEL_BARS:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(fill, blocks))
    else:
        for rows in blocks:
            fill(rows)
    for column in columns.values():
        column[np.isinf(column)] = np.nan
        column.flags.writeable = False
    return FactorTable(symbols=snapshot.symbols, values=columns)


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} must be at least 1, was {count}")


def _wanted(names: Collection[str] | None) -> tuple[str, ...]:
    if names is None:
        return FACTOR_NAMES
    unknown = sorted(set(names) - set(FACTOR_NAMES))
    if unknown:
        raise ValueError(f"names must be factors, has {unknown}")
    return tuple(name for name in FACTOR_NAMES if name in names)


class _Rows:
    # Some symbols of a snapshot, and what their factors share.

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
        return np.log(self.close)

    @cached_property
    def log_return(self) -> FloatArray:
        return np.diff(self.log_close, axis=-1)

    @cached_property
    def cvd(self) -> FloatArray:
        return cumulative_volume_delta(self.taker_buy_volume, self.volume)


def _finite(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, np.nan)


def _benchmark_return(snapshot: MarketSnapshot) -> FloatArray:
    if snapshot.benchmark_close is None:
        return np.full(max(snapshot.bar_count - 1, 0), np.nan)
    return np.diff(np.log(snapshot.benchmark_close))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    # Factors that one computation gives.
    names: tuple[str, ...]
    values: Callable[[_Rows], tuple[FloatArray, ...]]


def _volatility(rows: _Rows) -> tuple[FloatArray, ...]:
    average = latest_average_true_range(rows.high, rows.low, rows.close)
    hours = rows.interval.hours
    percent = np.full(average.shape, np.nan)
    if rows.close.shape[-1] > 0:
        percent = 100 * average / rows.close[..., -1]
    return percent, average * sqrt(1 / hours), average * sqrt(24 / hours)


def _efficiency(rows: _Rows) -> tuple[FloatArray, ...]:
    # Only the newest bar is wanted: only its window goes in.
    return (_latest(efficiency_ratio(rows.close[:, -EFFICIENCY_WINDOW - 1 :])),)


def _trend(rows: _Rows) -> tuple[FloatArray, ...]:
    fit = linear_fit(rows.close)
    return fit.normalized_slope, fit.r_squared


def _hurst(rows: _Rows) -> tuple[FloatArray, ...]:
    return (hurst_exponent(rows.log_return),)


def _variance_ratios(rows: _Rows) -> tuple[FloatArray, ...]:
    long, short = (variance_ratio(rows.log_close, q=q) for q in (8, 4))
    return long.ratio, long.z, short.ratio, short.z


def _unit_root(rows: _Rows) -> tuple[FloatArray, ...]:
    evidence = unit_root(rows.log_close)
    return evidence.half_life_bars, evidence.t


def _z_score(rows: _Rows) -> tuple[FloatArray, ...]:
    return (_latest(z_score(rows.close[:, -Z_WINDOW:])),)


def _open_interest(rows: _Rows) -> tuple[FloatArray, ...]:
    return (
        open_interest_ratio(rows.open_interest, rows.mark_price, rows.quote_volume_24h),
    )


def _funding(rows: _Rows) -> tuple[FloatArray, ...]:
    rate, interval_h = rows.funding_rate, rows.funding_interval_h
    return (
        rate,
        interval_h,
        funding_rate_8h(rate, interval_h),
        funding_rate_daily(rate, interval_h),
        funding_apr(rate, interval_h),
    )


def _flow(rows: _Rows) -> tuple[FloatArray, ...]:
    return (
        _latest(rows.cvd),
        bearish_cvd_divergence(rows.close, rows.cvd),
        cvd_change_ratio(rows.cvd, rows.volume),
        cvd_roc_classic(rows.cvd),
    )


def _divergence(rows: _Rows) -> tuple[FloatArray, ...]:
    divergence = cvd_divergence(rows.close, rows.cvd)
    return divergence.strength, divergence.p_value


def _squeeze_risk(rows: _Rows) -> tuple[FloatArray, ...]:
    return (
        distance_to_high(rows.high, rows.close, window=_HIGH.bars(rows.interval)),
        tail_run_up(rows.high, rows.close),
        beta(rows.log_return, rows.market),
    )


def _latest(series: FloatArray) -> FloatArray:
    if series.shape[-1] == 0:
        return np.full(series.shape[:-1], np.nan)
    return series[..., -1]


_GROUPS = (
    _Group(
        names=("natr", "atr_hourly_estimated", "atr_daily_estimated"),
        values=_volatility,
    ),
    _Group(names=("efficiency_ratio",), values=_efficiency),
    _Group(names=("normalized_slope", "r_squared"), values=_trend),
    _Group(names=("hurst_exponent",), values=_hurst),
    _Group(
        names=(
            "variance_ratio",
            "variance_ratio_z",
            "variance_ratio_4",
            "variance_ratio_4_z",
        ),
        values=_variance_ratios,
    ),
    _Group(names=("half_life_bars", "unit_root_t"), values=_unit_root),
    _Group(names=("z_score",), values=_z_score),
    _Group(names=("open_interest_ratio",), values=_open_interest),
    _Group(
        names=(
            "funding_rate",
            "funding_interval_h",
            "funding_rate_8h",
            "funding_rate_daily",
            "funding_apr",
        ),
        values=_funding,
    ),
    _Group(
        names=(
            "cumulative_volume_delta",
            "bearish_cvd_divergence",
            "cvd_change_ratio",
            "cvd_roc_classic",
        ),
        values=_flow,
    ),
    _Group(
        names=("cvd_divergence_strength", "cvd_divergence_p_value"),
        values=_divergence,
    ),
    _Group(
        names=("distance_to_30d_high", "tail_run_up", "beta_btc"),
        values=_squeeze_risk,
    ),
)
