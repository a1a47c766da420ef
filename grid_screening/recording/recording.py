"""Everything one scan read of the market."""

from collections.abc import Mapping
from dataclasses import dataclass

from grid_screening.recording.failures import SymbolError
from monitor.domain.instruments import ExchangeInfo
from monitor.domain.market import (
    BookTicker,
    FundingInterval,
    KlineInterval,
    Klines,
    MarketRows,
    MarkPrice,
    OpenInterest,
    Ticker24h,
)
from monitor.domain.typing import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class KlineWish:
    """Which closed bars were asked for."""

    symbol: Symbol
    interval: KlineInterval
    count: int
    minimum: int | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """Answers of the exchange as the scan used them, failures among them."""

    as_of_ms: int
    """Server time of the scan, ms UTC."""
    exchange_info: ExchangeInfo
    tickers: MarketRows[Ticker24h]
    mark_prices: MarketRows[MarkPrice]
    funding_intervals: MarketRows[FundingInterval]
    book_tickers: MarketRows[BookTicker]
    open_interest: Mapping[Symbol, OpenInterest | SymbolError]
    klines: Mapping[KlineWish, Klines | SymbolError]
