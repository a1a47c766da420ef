"""Random grids on random ticks: gaps, holes, settlements, thin margins."""

from typing import Any

import numpy as np

from grid_screening.backtest.grids import Costs, FillOrder, GridBatch
from grid_screening.backtest.maintenance import Maintenance
from grid_screening.backtest.paths import PricePaths
from monitor.domain.typing import FloatArray

INF = float("inf")
TICK = 0.01


def paths_of(
    open_: Any, high: Any, low: Any, close: Any, **overrides: Any
) -> PricePaths:
    """Return paths of the given rows of prices, without settlements."""
    columns = [np.atleast_2d(np.asarray(c, float)) for c in (open_, high, low, close)]
    rows, bars = columns[0].shape
    values: dict[str, Any] = {
        "symbols": tuple(f"S{row}USDT" for row in range(rows)),
        "open_time": np.arange(bars, dtype=np.int64) * 900_000,
        "interval_ms": 900_000,
        "funding_offset": np.zeros(rows + 1, dtype=np.int64),
        "funding_bar": np.empty(0, dtype=np.int64),
        "funding_rate": np.empty(0),
        **dict(zip(("open", "high", "low", "close"), columns, strict=True)),
    }
    return PricePaths(**(values | overrides))


def path_through(*prices: float, **overrides: Any) -> PricePaths:
    """Return bars that each stand still at one price."""
    return paths_of(prices, prices, prices, prices, **overrides)


def grid(**overrides: Any) -> GridBatch:
    """Return one loaded grid 90, 91, … 110 begun at 100, without margin calls."""
    values: dict[str, Any] = {
        "row": 0,
        "begin": 0,
        "end": 1_000_000,
        "price": 100.0,
        "lower_bound": 90.0,
        "grid_step": 1.0,
        "grid_ratio": 1.0,
        "level_count": 21,
        "quantity": 2.0,
        "stop_price": INF,
        "margin": INF,
        "start": 0,
    }
    count = max(np.size(value) for value in overrides.values()) if overrides else 1
    whole = ("row", "begin", "end", "level_count", "start")
    return GridBatch(
        **{
            name: np.broadcast_to(
                np.asarray(value, dtype=np.int64 if name in whole else np.float64),
                (count,),
            ).copy()
            for name, value in (values | overrides).items()
        }
    )


def random_paths(rng: np.random.Generator, rows: int, bars: int) -> PricePaths:
    """Return ticks of 0.01 around 100: some gaps, holes, settlements, mark prices."""
    close = 100 + np.cumsum(rng.normal(0, 0.8, (rows, bars)), axis=1)
    open_ = np.concatenate([np.full((rows, 1), 100.0), close[:, :-1]], axis=1)
    gap = rng.random((rows, bars)) < 0.15
    open_ = open_ + gap * rng.normal(0, 2.0, (rows, bars))
    # whole steps often: prices that equal a level
    open_, close = (
        np.where(rng.random((rows, bars)) < 0.3, np.round(x), np.round(x, 2))
        for x in (open_, close)
    )
    reach = np.abs(rng.normal(0, 0.6, (2, rows, bars))).round(2)
    high = np.round(np.maximum(open_, close) + reach[0], 2)
    low = np.round(np.maximum(np.minimum(open_, close) - reach[1], TICK), 2)
    lost, since = rng.random(rows) < 0.1, int(rng.integers(0, bars))
    for column in (open_, high, low, close):
        column[lost, since:] = np.nan
    counts = rng.integers(0, 8, rows)
    at = [np.sort(rng.integers(0, bars, count)) for count in counts]
    mark = None
    if rng.random() < 0.5:
        mark = np.round(high + rng.normal(0, 0.5, high.shape), 2)
        mark[rng.random(mark.shape) < 0.1] = np.nan
    return paths_of(
        open_,
        high,
        low,
        close,
        mark_high=mark,
        funding_offset=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        funding_bar=np.concatenate(at).astype(np.int64),
        funding_rate=np.round(rng.normal(0, 0.003, counts.sum()), 6),
    )


def random_batch(rng: np.random.Generator, rows: int, bars: int) -> GridBatch:
    """Return one grid for each path."""
    step = rng.choice([0.25, 0.3, 0.5, 1.0, 1.7], rows)
    count = rng.integers(2, 24, rows)
    geometric = rng.random(rows) < 0.4
    ratio = np.where(geometric, rng.choice([1.004, 1.0107, 1.03], rows), 1.0)
    below = rng.integers(0, count)
    price = np.where(
        rng.random(rows) < 0.5, 100.0, np.round(rng.normal(100, 1, rows), 2)
    )
    lower = np.round(price - (below + rng.random(rows)) * step, 2)
    lower = np.where(
        rng.random(rows) < 0.4, np.round(price - (below + 1) * step, 2), lower
    )
    lower = np.minimum(lower, price - TICK)
    upper = np.where(
        geometric, lower * ratio ** (count - 1), lower + (count - 1) * step
    )
    above = np.maximum(upper, price)
    stop = np.round(above * rng.choice([1.002, 1.01, 1.05], rows) + 0.02, 2)
    quantity = rng.choice([0.5, 1.0, 3.0], rows)
    thin = rng.choice([0.03, 0.08, 0.3], rows) * count * quantity * 100
    begin = rng.integers(0, 3, rows)
    return grid(
        row=np.arange(rows),
        begin=begin,
        end=begin + rng.integers(1, bars + 9, rows),
        price=price,
        lower_bound=lower,
        grid_step=step,
        grid_ratio=ratio,
        level_count=count,
        quantity=quantity,
        stop_price=np.where(rng.random(rows) < 0.2, INF, stop),
        margin=np.where(rng.random(rows) < 0.3, INF, np.round(thin, 2)),
        start=rng.integers(0, 2, rows),
    )


def random_costs(rng: np.random.Generator) -> Costs:
    """Return fees; some so high that no cell earns them."""
    return Costs(
        maker_fee=float(rng.choice([0.0, 0.0002, 0.004])),
        taker_fee=float(rng.choice([0.0, 0.0005])),
        stop_slippage=float(rng.choice([0.0, 0.001])),
    )


def random_maintenance(rng: np.random.Generator, rows: int) -> Maintenance:
    """Return three continuous brackets per contract, the first two narrow."""
    caps = np.tile([400.0, 1500.0, INF], (rows, 1))
    rates = np.tile([0.01, 0.025, 0.05], (rows, 1)) * rng.choice([1, 2], (rows, 1))
    steps: FloatArray = np.diff(rates, axis=1) * caps[:, :2]
    cumulative = np.concatenate([np.zeros((rows, 1)), np.cumsum(steps, axis=1)], axis=1)
    return Maintenance(notional_cap=caps, rate=rates, cumulative=cumulative.round(9))


def random_order(rng: np.random.Generator) -> FillOrder:
    """Return any fill order."""
    return list(FillOrder)[int(rng.integers(0, 3))]
