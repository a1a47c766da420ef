"""Market data as the exchange reports it, in this project's words."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from monitor.domain.instruments import MalformedRow
from monitor.domain.typing import FloatArray, IntArray, Symbol

RowT = TypeVar("RowT")

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


class KlineInterval(StrEnum):
    """Bar lengths the exchange serves."""

    M1 = "1m"
    M3 = "3m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H2 = "2h"
    H4 = "4h"
    H6 = "6h"
    H8 = "8h"
    H12 = "12h"
    D1 = "1d"
    D3 = "3d"
    W1 = "1w"
    MONTH1 = "1M"

    @property
    def milliseconds(self) -> int:
        """Length in ms; a month counts 30 days (its bars are not equidistant)."""
        unit = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}
        if self is KlineInterval.MONTH1:
            return 30 * DAY_MS
        return int(self.value[:-1]) * unit[self.value[-1]]

    @property
    def hours(self) -> float:
        """Length in hours."""
        return self.milliseconds / HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRows(Generic[RowT]):
    """A whole-market reply: one row per symbol, and the rows that were unreadable."""

    by_symbol: Mapping[Symbol, RowT]
    malformed: tuple[MalformedRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticker24h:
    """Rolling 24-hour statistics."""

    symbol: Symbol
    last_price: float
    open_price: float
    high_price: float
    low_price: float
    volume_24h: float
    """Base currency."""
    quote_volume_24h: float
    """Quote currency."""
    trade_count: int
    close_time: int
    """ms: time of the last trade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkPrice:
    """Mark and index price with the running interval's funding."""

    symbol: Symbol
    mark_price: float
    """Quote currency; 0 for contracts that no longer trade."""
    index_price: float
    funding_rate: float | None
    """Fraction per funding interval; positive: longs pay shorts. None: not stated."""
    next_funding_at: int
    """ms; 0 when there is none."""
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingInterval:
    """Funding interval of one contract; contracts without a row settle every 8 h."""

    symbol: Symbol
    funding_interval_h: int
    rate_cap: float | None
    rate_floor: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingEvent:
    """One settled funding."""

    symbol: Symbol
    funding_time: int
    """ms, a few ms after the hour."""
    funding_rate: float
    mark_price: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookTicker:
    """Best bid and ask."""

    symbol: Symbol
    bid_price: float
    bid_quantity: float
    ask_price: float
    ask_quantity: float
    time: int
    """ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInterest:
    """Open interest of one contract."""

    symbol: Symbol
    open_interest: float
    """Base currency."""
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInterestPoint:
    """One point of the open-interest history."""

    symbol: Symbol
    time: int
    open_interest: float
    """Base currency."""
    open_interest_value: float
    """Quote currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Klines:
    """Bars of one symbol as columns, each an ndarray of shape ``(n_bars,)``.

    As parsed the columns are what the exchange sent: the last bar may be open,
    order and gaps are not yet checked
    (`vp_squeeze.services.binance_kline_service` does that).
    """

    symbol: Symbol
    interval: KlineInterval
    open_time: IntArray
    """ms UTC."""
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    """Base currency."""
    close_time: IntArray
    """ms UTC, ``open_time + interval − 1``."""
    quote_volume: FloatArray
    trade_count: IntArray
    taker_buy_volume: FloatArray
    """Base currency bought by takers."""
    taker_buy_quote_volume: FloatArray

    @property
    def bar_count(self) -> int:
        """Number of bars."""
        return int(self.open_time.shape[0])
