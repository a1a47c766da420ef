"""Bars in whole ticks and steps, and their exact aggregation. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from monitor.domain.market import KlineInterval
from monitor.domain.typing import IntArray
from monitor.simulator.intervals import bar_opens


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Consecutive bars of one contract; each column an int64 ndarray ``(n,)``.

    Prices are in units of 10^-price_decimals, volumes in units of
    10^-volume_decimals, quote volumes in units of 10^-quote_decimals of the
    contract's `Scale`. Integers make every aggregation exact.
    """

    open_time: IntArray
    """ms UTC."""
    open: IntArray
    high: IntArray
    low: IntArray
    close: IntArray
    volume: IntArray
    quote_volume: IntArray
    trades: IntArray
    taker_volume: IntArray
    taker_quote_volume: IntArray

    @property
    def count(self) -> int:
        """Number of bars."""
        return int(self.open_time.shape[0])

    def part(self, chosen: slice) -> "Bars":
        """Bars at the positions of a slice, as views."""
        return Bars(**{n: getattr(self, n)[chosen] for n in COLUMNS})

    def between(self, first_ms: int, last_ms: int) -> "Bars":
        """Bars with ``first_ms ≤ open_time ≤ last_ms``."""
        low = int(np.searchsorted(self.open_time, first_ms, side="left"))
        high = int(np.searchsorted(self.open_time, last_ms, side="right"))
        return self.part(slice(low, max(low, high)))


COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(Bars))

_COMBINED = {
    "high": np.maximum,
    "low": np.minimum,
    "volume": np.add,
    "quote_volume": np.add,
    "trades": np.add,
    "taker_volume": np.add,
    "taker_quote_volume": np.add,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How many decimals the integers of one contract's `Bars` stand for."""

    price_decimals: int
    volume_decimals: int
    quote_decimals: int
    shown_price_decimals: int
    """Decimals that prices are printed with, at least ``price_decimals``."""

    def price(self, units: int) -> float:
        """Return the price in quote currency."""
        return float(units / 10**self.price_decimals)

    def price_text(self, units: int) -> str:
        """Return the decimal string as the exchange prints prices."""
        return f"{self.price(units):.{self.shown_price_decimals}f}"

    def volume(self, units: int) -> float:
        """Return the quantity in base currency."""
        return float(units / 10**self.volume_decimals)

    def volume_text(self, units: int) -> str:
        """Return the decimal string as the exchange prints quantities."""
        return f"{self.volume(units):.{self.volume_decimals}f}"

    def quote(self, units: int) -> float:
        """Return the turnover in quote currency."""
        return float(units / 10**self.quote_decimals)

    def quote_text(self, units: int) -> str:
        """Return the decimal string as the exchange prints turnovers."""
        return f"{self.quote(units):.{self.quote_decimals}f}"


def no_bars() -> Bars:
    """Bars without rows."""
    return Bars(**{name: np.empty(0, dtype=np.int64) for name in COLUMNS})


def joined(parts: Sequence[Bars]) -> Bars:
    """Bars of all parts, in their order."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return no_bars()
    return Bars(
        **{name: np.concatenate([getattr(p, name) for p in parts]) for name in COLUMNS}
    )


def aggregated(bars: Bars, interval: KlineInterval) -> Bars:
    """Longer bars made of ``bars`` (ascending); the ends may be partial.

    Every total is the exact sum of its parts, so aggregating in two steps
    gives the same as in one.
    """
    if bars.count == 0:
        return bars
    opens = bar_opens(interval, bars.open_time)
    starts = np.flatnonzero(np.diff(opens, prepend=opens[0] - 1))
    ends = np.append(starts[1:], bars.count) - 1
    columns = {
        name: combine.reduceat(getattr(bars, name), starts)
        for name, combine in _COMBINED.items()
    }
    return Bars(
        open_time=opens[starts],
        open=bars.open[starts],
        close=bars.close[ends],
        **columns,
    )


def flat_bar(open_ms: int, price: int) -> Bars:
    """One bar in which nothing has traded yet."""
    zero = np.zeros(1, dtype=np.int64)
    at = np.array([price], dtype=np.int64)
    return Bars(
        open_time=np.array([open_ms], dtype=np.int64),
        open=at,
        high=at,
        low=at,
        close=at,
        volume=zero,
        quote_volume=zero,
        trades=zero,
        taker_volume=zero,
        taker_quote_volume=zero,
    )
