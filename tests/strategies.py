"""Hypothesis strategies: markets as they occur, and as they should not."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from monitor.domain.typing import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """Bars of some symbols, each array of shape ``(n_symbols, n_bars)``."""

    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    taker_buy_volume: FloatArray
    seed: int
    """Names the panel when an example fails."""


@st.composite
def price_panels(
    draw: st.DrawFn,
    *,
    min_bars: int = 1,
    max_bars: int = 140,
    max_symbols: int = 4,
    missing: bool = False,
) -> Panel:
    """Draw bars from 1e-8 to 1e6 quote currency, on a tick grid as real prices are.

    A path mixes random walks, flat runs, single spikes that come back, gaps between
    bars, alternating prices and straight lines; volumes include runs of zero.
    ``missing`` adds NaN bars (all columns of a bar).
    """
    symbol_count = draw(st.integers(1, max_symbols))
    bar_count = draw(st.integers(min_bars, max_bars))
    seed = draw(st.integers(0, 2**32 - 1))
    shapes = draw(
        st.lists(
            st.sampled_from(("walk", "flat", "spiky", "line", "alternating", "runs")),
            min_size=symbol_count,
            max_size=symbol_count,
        )
    )
    scales = draw(
        st.lists(st.integers(-8, 6), min_size=symbol_count, max_size=symbol_count)
    )
    rng = np.random.default_rng(seed)
    rows = [
        _bars(rng, shape, scale, bar_count)
        for shape, scale in zip(shapes, scales, strict=True)
    ]
    high, low, close, volume, taker = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    if missing and draw(st.booleans()):
        row = draw(st.integers(0, symbol_count - 1))
        bar = draw(st.integers(0, bar_count - 1))
        for column in (high, low, close, volume, taker):
            column[row, bar] = np.nan
    return Panel(
        high=high,
        low=low,
        close=close,
        volume=volume,
        taker_buy_volume=taker,
        seed=seed,
    )


_START = 100_000
"""Ticks; the smallest move is 1e-5 of the price and prices stay multiples."""


def _bars(
    rng: np.random.Generator, shape: str, scale: int, count: int
) -> tuple[FloatArray, ...]:
    ticks = np.maximum(np.round(_START * np.exp(_log_path(rng, shape, count))), 2.0)
    reach = np.ones(count) if shape == "flat" else 1 + 0.01 * rng.random(count)
    high = np.ceil(ticks * reach)
    low = np.maximum(np.floor(ticks / reach), 1.0)
    tick = 10.0**scale / _START
    volume = np.round(rng.lognormal(3, 2, count), 3)
    volume[rng.random(count) < rng.choice([0.0, 0.2, 1.0], p=[0.6, 0.3, 0.1])] = 0.0
    taker = np.round(volume * rng.random(count), 3)
    return high * tick, low * tick, ticks * tick, volume, np.minimum(taker, volume)


def _log_path(rng: np.random.Generator, shape: str, count: int) -> FloatArray:
    step = rng.normal(0, 0.02, count)
    if shape == "flat":
        return np.zeros(count)
    if shape == "line":
        line: FloatArray = np.log1p(np.arange(count) * rng.uniform(-0.5, 2) / count)
        return line
    if shape == "alternating":
        return np.where(np.arange(count) % 2 == 0, 0.0, 0.05)
    if shape == "runs":
        step[rng.random(count) < 0.8] = 0.0
    path: FloatArray = np.cumsum(step)
    if shape == "spiky":
        path[rng.random(count) < 0.05] += rng.uniform(-3, 3)
    return path
