"""`BinanceFuturesClient`: the exchange's public REST data, typed."""

import time
from threading import Lock
from types import TracebackType
from typing import Self

from monitor.api_clients import endpoints, schemas
from monitor.api_clients.clock import ExchangeClock
from monitor.api_clients.endpoints import GetRequest
from monitor.api_clients.transport import Transport
from monitor.conf import GatewayConfig
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
from monitor.domain.requests import RequestStatistics
from monitor.domain.typing import Symbol
from monitor.exceptions import ExchangeError
from monitor.ratelimit.budget import Lane, WeightBudget
from monitor.ratelimit.limiter import WeightLimiter

DEFAULT_CONFIG = GatewayConfig()


class BinanceFuturesClient:
    """Public market data of Binance USDⓈ-M futures.

    Thread-safe for ``config.pool_size`` threads. A context manager; else `close`
    it. Every method blocks and may raise any `ExchangeError`. Before its first
    weighted request the client measures the exchange's clock, because request
    budgets are counted in the exchange's minutes.

    Parameters
    ----------
    config : GatewayConfig, optional
    limiter : WeightLimiter, optional
        Shared by the clients of one IP address; by default one of this client's
        own.
    lane : Lane, optional
        In whose name requests are paid.
    """

    def __init__(
        self,
        config: GatewayConfig = DEFAULT_CONFIG,
        *,
        limiter: WeightLimiter | None = None,
        lane: Lane = Lane.SCAN,
    ) -> None:
        self._config = config
        self._lane = lane
        self._clock = ExchangeClock(monotonic_s=time.monotonic, wall_s=time.time)
        self._limiter = limiter or weight_limiter(config, self._clock)
        self._transport = Transport(
            config,
            limiter=self._limiter,
            clock=self._clock,
            resync=self.server_time,
        )
        self._sync_lock = Lock()
        self._failed_syncs = 0
        self._sync_failure: ExchangeError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def config(self) -> GatewayConfig:
        """How requests are sent."""
        return self._config

    @property
    def clock(self) -> ExchangeClock:
        """The exchange's clock; a guess until the first request."""
        return self._clock

    def ping(self) -> None:
        """Raise unless the exchange answers."""
        self._transport.get(endpoints.request(endpoints.PING), lane=self._lane)

    def server_time(self) -> int:
        """Return the exchange's time, ms UTC, and measure its clock by it."""
        request = endpoints.request(endpoints.SERVER_TIME)
        answer = self._transport.get(request, lane=self._lane)
        at_ms = schemas.server_time(answer.payload)
        self._clock.adopt(
            at_ms, sent_at_ms=answer.sent_at_ms, received_at_ms=answer.received_at_ms
        )
        return at_ms

    def now_ms(self) -> int:
        """Return the exchange's time, ms UTC; asks the exchange on first use only."""
        self._ensure_synced()
        return self._clock.now_ms()

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

    def statistics(self) -> RequestStatistics:
        """Return what has been sent so far."""
        return self._transport.statistics()

    def cancel(self) -> None:
        """End everything under way with `RequestCancelled`; nothing more is sent."""
        self._transport.cancel()

    def close(self) -> None:
        """Close all connections. Idempotent."""
        self._transport.close()

    def _get(self, request: GetRequest) -> object:
        self._ensure_synced()
        return self._transport.get(request, lane=self._lane).payload

    def _ensure_synced(self) -> None:
        if self._clock.is_synced():
            return
        failed_before = self._failed_syncs
        with self._sync_lock:
            if self._clock.is_synced():
                return
            if self._failed_syncs > failed_before and self._sync_failure is not None:
                # threads that waited for an attempt share its failure, else they
                # would queue up to wait for one dead exchange after the other
                raise self._sync_failure
            try:
                self.server_time()
            except ExchangeError as failure:
                self._failed_syncs += 1
                self._sync_failure = failure
                raise


def weight_limiter(config: GatewayConfig, clock: ExchangeClock) -> WeightLimiter:
    """Return a limiter of this process's own, on the exchange's clock."""
    budget = WeightBudget(
        weight_per_minute=config.weight_per_minute,
        safety_share=config.safety_share,
        reserved_weight=config.reserved_weight,
    )
    return WeightLimiter(budget, now_ms=clock.now_ms)
