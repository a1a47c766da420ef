"""Is the path within a bar fair? Judged on driftless ticks: nothing to be earned there.

The ticks go one up or one down and levels are whole ticks, so that every fill is exact
and the tick-by-tick PnL before fees has mean zero. It is subtracted path by path: what
remains is the error of the bars, with a thousandth of the scatter.
"""

from functools import cache

import numpy as np

from grid_screening.backtest.engine import order_interval, simulated_pnl
from grid_screening.backtest.grids import Costs, FillOrder, GridBatch
from grid_screening.backtest.paths import PricePaths
from monitor.domain.typing import FloatArray
from tests.grid_screening.backtest.random_grids import grid, paths_of

FREE = Costs(maker_fee=0.0, taker_fee=0.0)
BARS, TICKS = 672, 100
"""A week of 15 minutes, σ = 0.6 % each."""
QUARTERS = 4
"""Of an hour."""
PRICE, STEP, ABOVE, BELOW = 1702.0, 16.0, 25, 37
"""Cells of 0.94 %: the median plan of a real market."""
NOTIONAL = (ABOVE + BELOW) * (PRICE + ABOVE * STEP)
ROUNDS, PATHS = 4, 100


def tick_paths(rng: np.random.Generator) -> FloatArray:
    bits = np.unpackbits(np.frombuffer(rng.bytes(PATHS * BARS * TICKS // 8), np.uint8))
    steps = 2 * bits.reshape(PATHS, BARS * TICKS).astype(np.int8) - 1
    return PRICE + np.cumsum(steps, axis=1, dtype=np.int32)


def bars_of(ticks: FloatArray, bars: int = BARS) -> PricePaths:
    parts = ticks.reshape(PATHS, bars, -1)
    close = parts[:, :, -1]
    open_ = np.concatenate([np.full((PATHS, 1), PRICE), close[:, :-1]], axis=1)
    high = np.maximum(parts.max(axis=2), open_)
    low = np.minimum(parts.min(axis=2), open_)
    return paths_of(open_, high, low, close)


def grids(end: int) -> GridBatch:
    return grid(
        row=np.arange(PATHS),
        end=np.full(PATHS, end),
        price=PRICE,
        lower_bound=PRICE - BELOW * STEP,
        grid_step=STEP,
        level_count=ABOVE + BELOW + 1,
        quantity=1.0,
        stop_price=PRICE + ABOVE * STEP + 10,
    )


@cache
def basis_points() -> dict[str, FloatArray]:
    """PnL of the same grids in basis points of the largest notional, by way."""
    rng = np.random.default_rng(20_260_105)
    names = ("ticks", "candle", "hourly candle", "middle")
    found: dict[str, list[FloatArray]] = {name: [] for name in names}
    for _ in range(ROUNDS):
        ticks = tick_paths(rng)
        bars = bars_of(ticks)
        by_tick = paths_of(ticks, ticks, ticks, ticks)
        found["ticks"].append(simulated_pnl(by_tick, grids(BARS * TICKS), FREE))
        candle = simulated_pnl(bars, grids(BARS), FREE, order=FillOrder.CANDLE)
        found["candle"].append(candle)
        hours = BARS // QUARTERS
        hourly = simulated_pnl(
            bars_of(ticks, hours), grids(hours), FREE, order=FillOrder.CANDLE
        )
        found["hourly candle"].append(hourly)
        found["middle"].append(np.mean(order_interval(bars, grids(BARS), FREE), axis=0))
    return {k: 10_000 * np.concatenate(v) / NOTIONAL for k, v in found.items()}


def mean_and_error(values: FloatArray) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size))


def test_tick_by_tick_nothing_is_earned() -> None:
    mean, error = mean_and_error(basis_points()["ticks"])
    assert abs(mean) < 3 * error


def test_the_candle_order_is_fair() -> None:
    points = basis_points()
    mean, error = mean_and_error(points["candle"] - points["ticks"])
    assert abs(mean) + 3 * error < 5
    # measured: −0.2 ± 0.04


def test_on_hourly_bars_the_candle_order_misses_fills() -> None:
    points = basis_points()
    mean, error = mean_and_error(points["hourly candle"] - points["ticks"])
    # an hour's range is twice a cell: what turns inside it is lost
    assert mean - 3 * error > -16
    assert mean + 3 * error < -12
    # measured: −14.3 ± 0.2


def test_the_middle_of_both_orders_earns_what_is_not_there() -> None:
    points = basis_points()
    mean, error = mean_and_error(points["middle"] - points["ticks"])
    assert mean - 3 * error > 10
    # measured: 37 ± 0.3
