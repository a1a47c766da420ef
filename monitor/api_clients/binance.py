"""`BinanceFuturesClient`: the exchange's public REST data, typed."""

from monitor.api_clients import endpoints, schemas
from monitor.api_clients.client import BinanceClient, effective_proxy, weight_limiter
from monitor.domain.instruments import ExchangeInfo
from monitor.domain.market import (
    BookTicker,
    FundingEvent,
    FundingInterval,
    KlineInterval,
    Klines,
    MarketRows,
    MarkPrice,
    OpenInterest,
    OpenInterestPoint,
    Ticker24h,
)
from monitor.domain.typing import Symbol

__all__ = ["BinanceFuturesClient", "effective_proxy", "weight_limiter"]


class BinanceFuturesClient(BinanceClient):
    """Public market data of Binance USDⓈ-M futures.

    Thread-safe for ``config.pool_size`` threads. A context manager; else `close`
    it: requests under way end with `RequestCancelled`. Every method blocks and may
    raise any `ExchangeError`. Before its first weighted request the client measures
    the exchange's clock, because request budgets are counted in the exchange's
    minutes.

    Parameters
    ----------
    config : GatewayConfig, optional
    limiter : WeightLimiter, optional
        Shared by the clients of one IP address, with its clock; by default one on
        the ledger that all processes of the machine share (`weight_limiter`),
        closed with this client.
    lane : Lane, optional
        In whose name requests are paid.
    pace : SafeRateLimiter, optional
        Asked before every try, too.
    daily : DailyBudget, optional
        Asked before every try, too.

    Raises
    ------
    ExchangeUnavailable
        The certificates named by the environment cannot be used.
    LedgerUnavailable
        The shared ledger cannot be used.
    """

    SERVER_TIME = endpoints.SERVER_TIME

    def ping(self) -> None:
        """Raise unless the exchange answers."""
        self._answer(endpoints.request(endpoints.PING))

    def exchange_info(self) -> ExchangeInfo:
        """Return all contracts; the published weight limit is adopted."""
        found = schemas.exchange_info(
            self._get(endpoints.request(endpoints.EXCHANGE_INFO))
        )
        if found.weight_per_minute is not None:
            self._limiter.set_limit(found.weight_per_minute)
        return found

    def tickers_24h(self) -> MarketRows[Ticker24h]:
        """Return 24-hour statistics of the trading contracts."""
        return schemas.tickers_24h(self._get(endpoints.request(endpoints.TICKERS_24H)))

    def mark_prices(self) -> MarketRows[MarkPrice]:
        """Return mark prices and running funding of all contracts."""
        return schemas.mark_prices(self._get(endpoints.request(endpoints.MARK_PRICES)))

    def funding_intervals(self) -> MarketRows[FundingInterval]:
        """Return funding intervals; contracts without a row settle every 8 h."""
        return schemas.funding_intervals(
            self._get(endpoints.request(endpoints.FUNDING_INTERVALS))
        )

    def book_tickers(self) -> MarketRows[BookTicker]:
        """Return best bid and ask of all contracts."""
        return schemas.book_tickers(
            self._get(endpoints.request(endpoints.BOOK_TICKERS))
        )

    def open_interest(self, symbol: Symbol) -> OpenInterest:
        """Return the current open interest of one contract."""
        return schemas.open_interest(
            self._get(endpoints.open_interest_request(symbol)), symbol
        )

    def open_interest_history(
        self,
        symbol: Symbol,
        *,
        period: str,
        limit: int,
        start_time: int | None = None,
        end_time: int | None = None,
    ) -> tuple[OpenInterestPoint, ...]:
        """Return up to ``limit`` (≤ 500) points, oldest first; times in ms UTC."""
        request = endpoints.open_interest_history_request(
            symbol, period=period, limit=limit, start_time=start_time, end_time=end_time
        )
        return schemas.open_interest_history(self._get(request), symbol)

    def funding_history(
        self,
        symbol: Symbol | None = None,
        *,
        limit: int,
        start_time: int | None = None,
        end_time: int | None = None,
    ) -> tuple[FundingEvent, ...]:
        """Return up to ``limit`` (≤ 1,000) fundings, oldest first; times in ms UTC."""
        request = endpoints.funding_history_request(
            symbol, limit=limit, start_time=start_time, end_time=end_time
        )
        return schemas.funding_history(self._get(request), symbol)

    def klines(
        self,
        symbol: Symbol,
        interval: KlineInterval,
        *,
        limit: int,
        start_time: int | None = None,
        end_time: int | None = None,
    ) -> Klines:
        """Return up to ``limit`` (≤ 1,500) bars as sent, the open one included.

        ``start_time`` and ``end_time`` bound the bars' open times, ms UTC.
        """
        request = endpoints.klines_request(
            symbol, interval, limit=limit, start_time=start_time, end_time=end_time
        )
        return schemas.klines(self._get(request), symbol, interval)
