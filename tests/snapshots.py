"""Market snapshots built from arrays, for tests and benchmarks."""

from typing import Any

import numpy as np

from grid_screening.snapshot import MarketSnapshot
from monitor.domain.market import KlineInterval
from tests.builders import instrument
from tests.strategies import Panel

AS_OF_MS = 1_772_668_800_000
"""2026-03-05 00:00 UTC."""


def random_panel(symbol_count: int, bar_count: int, *, seed: int = 1) -> Panel:
    """Random walks of 2 % a bar with lognormal volume."""
    rng = np.random.default_rng(seed)
    shape = (symbol_count, bar_count)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, shape), axis=-1))
    volume = rng.lognormal(5, 1, shape)
    return Panel(
        high=close * (1 + 0.02 * rng.random(shape)),
        low=close * (1 - 0.02 * rng.random(shape)),
        close=close,
        volume=volume,
        taker_buy_volume=volume * rng.random(shape),
        seed=seed,
    )


def snapshot_of(
    panel: Panel, *, interval: KlineInterval = KlineInterval.H4, **overrides: Any
) -> MarketSnapshot:
    """A snapshot of ``panel`` with plausible quotes; the first row is the benchmark."""
    symbol_count, bar_count = panel.close.shape
    symbols = tuple(f"S{number:04d}USDT" for number in range(symbol_count))
    rng = np.random.default_rng(panel.seed)
    last = panel.close[:, -1].copy() if bar_count else np.ones(symbol_count)
    step = interval.milliseconds
    fields: dict[str, Any] = {
        "as_of_ms": AS_OF_MS,
        "interval": interval,
        "symbols": symbols,
        "instruments": {symbol: instrument(symbol) for symbol in symbols},
        "open_time": AS_OF_MS - step * np.arange(bar_count, 0, -1),
        "open": panel.close.copy(),
        "high": panel.high.copy(),
        "low": panel.low.copy(),
        "close": panel.close.copy(),
        "volume": panel.volume.copy(),
        "quote_volume": panel.volume * panel.close,
        "taker_buy_volume": panel.taker_buy_volume.copy(),
        "last_price": last,
        "quote_volume_24h": rng.uniform(1e6, 1e9, symbol_count),
        "mark_price": last * 1.0001,
        "open_interest": rng.uniform(1e4, 1e7, symbol_count),
        "funding_rate": rng.normal(0, 3e-4, symbol_count),
        "funding_interval_h": rng.choice([1.0, 4.0, 8.0], symbol_count),
        "benchmark_close": panel.close[0].copy() if symbol_count else None,
    }
    return MarketSnapshot(**{**fields, **overrides})
