"""Recorded bars and funding of many contracts, as rectangles of arrays."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from monitor.domain.market import MINUTE_MS, KlineInterval
from monitor.domain.typing import FloatArray, IntArray, Symbol

_COLUMNS = (
    "open",
    "high",
    "low",
    "close",
    "volume",
    "quote_volume",
    "taker_buy_volume",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HistoryPanel:
    """Closed bars of many contracts on one time axis.

    NaN in all columns: no bar (not yet listed, delisted, or a gap). NaN in
    ``quote_volume`` or ``taker_buy_volume`` alone: not recorded. Arrays are made
    read-only.

    Raises
    ------
    ValueError
        Shapes disagree or bar times are not equidistant.
    """

    interval: KlineInterval
    symbols: tuple[Symbol, ...]
    open_time: IntArray
    """Shape ``(n_bars,)``, ms UTC, ascending, equidistant."""
    open: FloatArray
    """Shape ``(n_symbols, n_bars)``, like all columns; quote currency."""
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    """Base currency."""
    quote_volume: FloatArray
    """Quote currency."""
    taker_buy_volume: FloatArray
    """Base currency."""

    def __post_init__(self) -> None:
        shape = (len(self.symbols), self.open_time.size)
        for name in _COLUMNS:
            column: FloatArray = getattr(self, name)
            if column.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, was {column.shape}")
            column.flags.writeable = False
        if np.any(np.diff(self.open_time) != self.interval.milliseconds):
            raise ValueError(f"bars must be {self.interval.value} apart")
        self.open_time.flags.writeable = False

    @property
    def bar_count(self) -> int:
        """Number of bars on the time axis."""
        return int(self.open_time.size)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FundingHistory:
    """Settled funding of one contract; columns of shape ``(n_events,)``."""

    time: IntArray
    """ms UTC, ascending."""
    rate: FloatArray
    """Fraction per settlement; positive: longs pay shorts."""


def nearest_minute(time_ms: IntArray) -> IntArray:
    """Return each time, ms UTC, rounded to a minute: what a settlement is due at.

    Sources stamp settlements some milliseconds after that.
    """
    minutes: IntArray = (time_ms + MINUTE_MS // 2) // MINUTE_MS * MINUTE_MS
    return minutes


FundingBySymbol = Mapping[Symbol, FundingHistory]
"""Contracts without an entry: funding not recorded, which is not zero funding."""
