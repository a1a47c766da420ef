"""Where a scan reads the market from: the exchange, or a recording of a scan."""

from dataclasses import dataclass
from typing import Protocol

from monitor.api_clients.binance import BinanceFuturesClient
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
from monitor.domain.requests import RequestStatistics
from monitor.domain.typing import Symbol
from monitor.market_data.kline_store import KlineStore
from vp_squeeze.services.binance_kline_service import closed_klines
from vp_squeeze.services.kline_canary import check_market


class MarketSource(Protocol):
    """Everything a scan reads. Methods block, and may be called from many threads.

    Each may raise any `monitor.exceptions.ExchangeError`, `closed_klines` also a
    `vp_squeeze.exceptions.KlineError`.
    """

    def server_time(self) -> int:
        """Return the exchange's time, ms UTC."""

    def exchange_info(self) -> ExchangeInfo:
        """Return all contracts."""

    def tickers_24h(self) -> MarketRows[Ticker24h]:
        """Return 24-hour statistics."""

    def mark_prices(self) -> MarketRows[MarkPrice]:
        """Return mark prices and running funding."""

    def funding_intervals(self) -> MarketRows[FundingInterval]:
        """Return funding intervals."""

    def book_tickers(self) -> MarketRows[BookTicker]:
        """Return best bids and asks."""

    def open_interest(self, symbol: Symbol) -> OpenInterest:
        """Return the open interest of one contract."""

    def closed_klines(
        self,
        symbol: Symbol,
        interval: KlineInterval,
        *,
        count: int,
        minimum: int | None = None,
        as_of_ms: int,
        end_time: int | None = None,
    ) -> Klines:
        """Return closed, checked bars as `binance_kline_service.closed_klines`."""

    def statistics(self) -> RequestStatistics:
        """Return what this scan has sent so far."""

    def check_bars(self, as_of_ms: int) -> None:
        """Drop kept bars that are another market's, before any of them is read."""

    def store_bars(self) -> None:
        """Write bars that are kept; best while requests are under way."""

    def give_up(self) -> None:
        """Wait for nothing more: the scan has failed, its answers are not wanted."""


@dataclass(frozen=True, slots=True)
class LiveMarket:
    """The exchange, through a client, with bars that are already on disk."""

    client: BinanceFuturesClient
    store: KlineStore | None = None

    def server_time(self) -> int:
        """Return the exchange's time, ms UTC."""
        return self.client.server_time()

    def exchange_info(self) -> ExchangeInfo:
        """Return all contracts."""
        return self.client.exchange_info()

    def tickers_24h(self) -> MarketRows[Ticker24h]:
        """Return 24-hour statistics."""
        return self.client.tickers_24h()

    def mark_prices(self) -> MarketRows[MarkPrice]:
        """Return mark prices and running funding."""
        return self.client.mark_prices()

    def funding_intervals(self) -> MarketRows[FundingInterval]:
        """Return funding intervals."""
        return self.client.funding_intervals()

    def book_tickers(self) -> MarketRows[BookTicker]:
        """Return best bids and asks."""
        return self.client.book_tickers()

    def open_interest(self, symbol: Symbol) -> OpenInterest:
        """Return the open interest of one contract."""
        return self.client.open_interest(symbol)

    def closed_klines(
        self,
        symbol: Symbol,
        interval: KlineInterval,
        *,
        count: int,
        minimum: int | None = None,
        as_of_ms: int,
        end_time: int | None = None,
    ) -> Klines:
        """Return closed, checked bars."""
        return closed_klines(
            self.client,
            symbol,
            interval,
            count=count,
            minimum=minimum,
            as_of_ms=as_of_ms,
            end_time=end_time,
            store=self.store,
        )

    def statistics(self) -> RequestStatistics:
        """Return what this scan has sent so far."""
        return self.client.statistics()

    def check_bars(self, as_of_ms: int) -> None:
        """Compare some of the bars on disk with the exchange's."""
        if self.store is not None:
            check_market(self.store, self.client, as_of_ms=as_of_ms)

    def store_bars(self) -> None:
        """Write the bars that are still in memory."""
        if self.store is not None:
            self.store.flush()

    def give_up(self) -> None:
        """Wait for nothing more; other scans of the same client go on."""
        self.client.give_up()
