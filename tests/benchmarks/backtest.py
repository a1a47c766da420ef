"""Simulated bars per second of one core, beside loops that give the same numbers.

Weeks of 15-minute bars (σ = 0.6 % each, cells of 0.8 and 0.4 %: 0.5 and 1.5 fills a
bar), settlements every 8 hours. Counted are the bars in which grids are alive; the
time is the thread's own, look-up tables and checks included.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import thread_time

import numpy as np
import pandas as pd

from grid_screening.backtest.engine import simulated_grids, simulated_pnl
from grid_screening.backtest.grids import Costs, FillOrder, GridBatch
from grid_screening.backtest.maintenance import Maintenance
from grid_screening.backtest.paths import PricePaths
from monitor.domain.typing import FloatArray
from tests.benchmarks.rows import BenchRow
from tests.grid_screening.backtest.random_grids import grid, paths_of
from tests.naive_simulator import naive_outcome

PATHS, BARS, TICKS = 800, 672, 20
SIGMA, PRICE, WIDTH, BELOW = 0.006, 100.0, 40.0, 0.6
PNL_BOUND, FULL_BOUND = 40e6, 15e6
RUNS, PEER_GRIDS = 15, 4
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A loop that simulates one grid, and how fast it is."""

    name: str
    bars_per_s: float


def rows() -> list[BenchRow]:
    """Return the comparisons as lines of the benchmark's table."""
    paths = random_week()
    lines = []
    for levels in (51, 101):
        grids = week_grids(levels)
        bars = int(simulated_grids(paths, grids).bars_run.sum())
        pnl = bars / seconds(lambda g=grids: simulated_pnl(paths, g))  # type: ignore[misc]
        full = bars / seconds(lambda g=grids: simulated_grids(paths, g))  # type: ignore[misc]
        lines += [
            line(f"grids, PnL, {levels} levels", pnl, PNL_BOUND),
            line(f"grids, full accounting, {levels} levels", full, FULL_BOUND),
        ]
        if levels == 51:  # once is enough
            lines += [
                line("grids, PnL, geometric", pnl_speed(paths, geometric(grids)), None),
                *[
                    line(f"grids, full accounting, {levels} levels", full, None, peer)
                    for peer in peers(paths, grids)
                ],
            ]
    return lines


def line(
    name: str, speed: float, bound: float | None, peer: Peer | None = None
) -> BenchRow:
    """Return one line; speeds in million bars per second."""
    beside = ""
    if peer is not None:
        ratio = speed / peer.bars_per_s
        beside = f"{peer.name} {peer.bars_per_s / 1e6:.3g} M/s ({ratio:,.0f} ×)"
    return BenchRow(
        name=name,
        ours=f"{speed / 1e6:.0f} M bars/s",
        bound="" if bound is None else f"≥ {bound / 1e6:.0f} M bars/s",
        reached=None if bound is None else speed >= bound,
        peer=beside,
    )


def random_week() -> PricePaths:
    """Return independent weeks, each bar from 20 ticks."""
    rng = np.random.default_rng(1)
    steps = rng.normal(0, SIGMA / np.sqrt(TICKS), (PATHS, BARS * TICKS))
    ticks = PRICE * np.exp(np.cumsum(steps, axis=1)).reshape(PATHS, BARS, TICKS)
    close = np.ascontiguousarray(ticks[:, :, -1])
    open_ = np.concatenate([np.full((PATHS, 1), PRICE), close[:, :-1]], axis=1)
    settlements = np.arange(0, BARS, 32)
    return paths_of(
        open_,
        np.maximum(ticks.max(axis=2), open_),
        np.minimum(ticks.min(axis=2), open_),
        close,
        funding_offset=np.arange(PATHS + 1) * settlements.size,
        funding_bar=np.tile(settlements, PATHS),
        funding_rate=rng.normal(1e-4, 1e-4, PATHS * settlements.size),
    )


def week_grids(levels: int) -> GridBatch:
    """Return one loaded grid per path with stop, margin and brackets."""
    lower = PRICE - BELOW * WIDTH
    return grid(
        row=np.arange(PATHS),
        end=np.full(PATHS, BARS),
        price=PRICE,
        lower_bound=lower,
        grid_step=WIDTH / (levels - 1),
        level_count=levels,
        quantity=30 / levels,
        stop_price=1.005 * (lower + WIDTH),
        margin=1_000.0,
    )


def geometric(grids: GridBatch) -> GridBatch:
    """Return the same bounds with equal ratios."""
    top = grids.lower_bound[0] + WIDTH
    ratio = (top / grids.lower_bound[0]) ** (1 / (grids.level_count[0] - 1))
    fields = {name: getattr(grids, name) for name in GridBatch.__slots__}
    return GridBatch(**(fields | {"grid_ratio": np.full(PATHS, ratio)}))


def pnl_speed(paths: PricePaths, grids: GridBatch) -> float:
    """Return bars per second."""
    bars = int(simulated_grids(paths, grids).bars_run.sum())
    return bars / seconds(lambda: simulated_pnl(paths, grids))


def seconds(work: Callable[[], object]) -> float:
    """Return the median thread time of a call, after one that compiles."""
    work()
    times = []
    for _ in range(RUNS):
        start = thread_time()
        work()
        times.append(thread_time() - start)
    return median(times)


# --- peers -------------------------------------------------------------------


def peers(paths: PricePaths, grids: GridBatch) -> list[Peer]:
    """Return the loops, each held to the engine's numbers."""
    ours = simulated_grids(paths, grids)
    kept = Maintenance.assumed(PATHS)

    def twin(number: int) -> float:
        _, found = naive_outcome(paths, grids, number, Costs(), FillOrder.CANDLE, kept)
        return float(found["pnl"])

    return [
        peer(name, loop, ours.pnl, ours.bars_run)
        for name, loop in (
            ("pandas, order by order", lambda i: pandas_pnl(paths, grids, i)),
            ("NumPy, all levels each leg", lambda i: numpy_pnl(paths, grids, i)),
            ("exact twin", twin),
        )
    ]


def peer(
    name: str, loop: Callable[[int], float], pnl: FloatArray, bars_run: FloatArray
) -> Peer:
    """Measure one loop on the first grids."""
    start = thread_time()
    found = [loop(number) for number in range(PEER_GRIDS)]
    taken = thread_time() - start
    if not np.allclose(found, pnl[:PEER_GRIDS], rtol=ROUNDING, atol=ROUNDING):
        raise AssertionError(f"{name} does not simulate the same grid")
    return Peer(name=name, bars_per_s=float(bars_run[:PEER_GRIDS].sum()) / taken)


def legs(bar: "tuple[float, float, float, float]") -> tuple[float, ...]:
    """Return where the price goes, in candle order."""
    opened, high, low, close = bar
    return (opened, low, high, close) if close >= opened else (opened, high, low, close)


def pandas_pnl(paths: PricePaths, grids: GridBatch, i: int) -> float:
    """Simulate as scripts do: bars of a frame, orders in two lists. No liquidation."""
    frame = pd.DataFrame(
        {name: getattr(paths, name)[i] for name in ("open", "high", "low", "close")}
    )
    frame["rate"] = rates_of(paths, i)
    count, size = int(grids.level_count[i]), float(grids.quantity[i])
    levels = [grids.lower_bound[i] + k * grids.grid_step[i] for k in range(count)]
    stop, costs = float(grids.stop_price[i]), Costs()
    buys = [level for level in levels if level < PRICE - ROUNDING]
    sells = levels[len(buys) + 1 :]
    lots = len(buys)
    cash = size * lots * PRICE * (1 - costs.taker_fee)
    last = PRICE
    for bar in frame.itertuples(index=False):
        for leg, price in enumerate(legs((bar.open, bar.high, bar.low, bar.close))):
            while sells and sells[0] <= price:
                level = sells.pop(0)
                cash += size * level * (1 - costs.maker_fee)
                buys.append(levels[levels.index(level) - 1])
                lots += 1
            while buys and buys[-1] >= price:
                level = buys.pop()
                cash -= size * level * (1 + costs.maker_fee)
                sells.insert(0, levels[levels.index(level) + 1])
                lots -= 1
            if lots == 0:
                return cash
            if price >= stop:
                last = stop if leg else price
                return cash - size * lots * last * (1 + costs.taker_fee)
            if leg == 0:
                cash += size * lots * bar.rate * price
        last = bar.close
    return cash - size * lots * last * (1 + costs.taker_fee)


def numpy_pnl(paths: PricePaths, grids: GridBatch, i: int) -> float:
    """Simulate with arrays over the levels: each leg looks at all. No liquidation."""
    count, size = int(grids.level_count[i]), float(grids.quantity[i])
    levels = grids.lower_bound[i] + np.arange(count) * grids.grid_step[i]
    rates, costs = rates_of(paths, i), Costs()
    lots = int(np.sum(levels < PRICE - ROUNDING))
    cash = size * lots * PRICE * (1 - costs.taker_fee)
    bars = np.stack(
        [paths.open[i], paths.high[i], paths.low[i], paths.close[i]], axis=1
    )
    for t, bar in enumerate(bars):
        for leg, price in enumerate(legs(tuple(bar))):
            sold = int(np.sum(levels[1:] <= price))
            kept = int(np.sum(levels[:-1] < price))
            now = min(max(lots, sold), kept)
            up, down = levels[lots + 1 : now + 1].sum(), levels[now:lots].sum()
            cash += size * (up - down - costs.maker_fee * (up + down))
            lots = now
            if lots == 0:
                return float(cash)
            if price >= grids.stop_price[i]:
                last = grids.stop_price[i] if leg else price
                return float(cash - size * lots * last * (1 + costs.taker_fee))
            if leg == 0:
                cash += size * lots * rates[t] * price
    return float(cash - size * lots * paths.close[i, -1] * (1 + costs.taker_fee))


def rates_of(paths: PricePaths, i: int) -> FloatArray:
    """Return the rate settled at the open of each bar."""
    rates = np.zeros(paths.close.shape[1])
    events = slice(paths.funding_offset[i], paths.funding_offset[i + 1])
    np.add.at(rates, paths.funding_bar[events], paths.funding_rate[events])
    return rates
