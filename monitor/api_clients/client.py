"""What the clients of the exchange's markets share: budget, clock, sessions."""

from copy import copy
from dataclasses import dataclass, field
from threading import Lock
from types import TracebackType
from typing import ClassVar, Self

from requests.utils import get_environ_proxies, select_proxy

from monitor.api_clients import schemas
from monitor.api_clients.clock import ExchangeClock
from monitor.api_clients.endpoints import Endpoint, GetRequest, request
from monitor.api_clients.transport import Answer, Transport
from monitor.conf import GatewayConfig
from monitor.domain.requests import RequestStatistics
from monitor.exceptions import ExchangeError, TransientExchangeError
from monitor.ratelimit.daily import DailyBudget
from monitor.ratelimit.ledger import Lane, ledger_address
from monitor.ratelimit.limiter import WeightLimiter
from monitor.ratelimit.safe_limiter import SafeRateLimiter
from monitor.ratelimit.shared import SharedLedger
from monitor.ratelimit.stores import open_store

DEFAULT_CONFIG = GatewayConfig()
MAX_CLOCK_SAMPLES = 3
"""Measurements of the exchange's clock on first use, while they are blurred."""


@dataclass(slots=True)
class _Sync:
    lock: Lock = field(default_factory=Lock)
    failures: int = 0
    latest: ExchangeError | None = None


class BinanceClient:
    """Requests to one market of the exchange, paid for and counted.

    Not used itself: `monitor.api_clients.binance.BinanceFuturesClient` and
    `monitor.api_clients.spot.BinanceSpotClient` name the paths. Parameters and
    errors as documented there.
    """

    SERVER_TIME: ClassVar[Endpoint]
    """Path of the market's clock."""
    MARKET: ClassVar[str] = ""
    """Names the market's own budget in the ledger; empty: the futures'."""

    def __init__(
        self,
        config: GatewayConfig = DEFAULT_CONFIG,
        *,
        limiter: WeightLimiter | None = None,
        lane: Lane = Lane.SCAN,
        pace: SafeRateLimiter | None = None,
        daily: DailyBudget | None = None,
    ) -> None:
        self._config = config
        self._lane = lane
        self._limiter = (
            weight_limiter(config, market=self.MARKET) if limiter is None else limiter
        )
        self._is_limiters_owner = limiter is None
        self._clock = self._limiter.clock
        self._transport = Transport(
            config,
            limiter=self._limiter,
            resync=self.server_time,
            pace=pace,
            daily=daily,
        )
        self._tally = self._transport.new_tally()
        self._ended = self._transport.new_end()
        self._sync = _Sync()
        self._is_session = False

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

    def server_time(self) -> int:
        """Return the exchange's time, ms UTC, and measure its clock by it."""
        answer = self._answer(request(self.SERVER_TIME))
        at_ms = schemas.server_time(answer.payload, path=self.SERVER_TIME.path)
        self._limiter.adopt_time(
            at_ms, sent_at_ms=answer.sent_at_ms, received_at_ms=answer.received_at_ms
        )
        return at_ms

    def now_ms(self) -> int:
        """Return the exchange's time, ms UTC; asks the exchange on first use only."""
        self._ensure_synced()
        return self._clock.now_ms()

    def session(self) -> Self:
        """Return this client once more, with statistics of its own.

        It shares connections, budget, clock and cancellation; closing it leaves the
        connections to this client, whose statistics count on.
        """
        session = copy(self)
        session._tally = self._transport.new_tally(self._tally)  # noqa: SLF001  same class
        session._ended = self._transport.new_end()  # noqa: SLF001  same class
        session._is_session = True  # noqa: SLF001  same class
        return session

    def statistics(self) -> RequestStatistics:
        """Return what has been sent so far."""
        return self._transport.statistics(self._tally)

    def budget_wait(self) -> float | None:
        """Return for how long, in s, a request still waits for budget, at least.

        None when none waits; 0.0 when that is not known.
        """
        return self._transport.budget_wait(self._tally)

    def banned_until_ms(self) -> int | None:
        """Return the end of the ban in force, ms UTC; None without one."""
        return self._limiter.banned_until_ms()

    def give_up(self) -> None:
        """Wait for nothing more in this session: waits raise `RequestCancelled`.

        Requests under way are finished; other sessions go on.
        """
        self._ended.set()
        self._transport.wake()

    def cancel(self) -> None:
        """End everything under way with `RequestCancelled`; nothing more is sent."""
        self._transport.cancel()

    def close(self) -> None:
        """Do as `cancel`, and close all connections. Idempotent."""
        if not self._is_session:
            self._transport.close()
            if self._is_limiters_owner:
                self._limiter.close()

    def _get(self, request: GetRequest) -> object:
        self._ensure_synced()
        return self._answer(request).payload

    def _answer(self, request: GetRequest) -> Answer:
        return self._transport.get(
            request, lane=self._lane, tally=self._tally, ended=self._ended
        )

    def _ensure_synced(self) -> None:
        if self._clock.is_synced():
            return
        failed_before = self._sync.failures
        with self._sync.lock:
            if self._clock.is_synced():
                return
            if self._sync.failures > failed_before and self._sync.latest is not None:
                # threads that waited for an attempt share its failure, else they
                # would queue up to wait for one dead exchange after the other
                raise self._sync.latest
            try:
                self.server_time()
            except ExchangeError as failure:
                self._sync.failures += 1
                self._sync.latest = failure
                raise
            self._sharpen()

    def _sharpen(self) -> None:
        for _ in range(MAX_CLOCK_SAMPLES - 1):
            if self._clock.is_sharp():
                return
            try:
                self.server_time()
            except TransientExchangeError:
                return  # a blurred measurement is one


def weight_limiter(config: GatewayConfig, *, market: str = "") -> WeightLimiter:
    """Return a limiter on the ledger that ``config`` names.

    ``market`` names a budget of its own besides that of the futures.

    Whoever makes one closes it.

    Raises
    ------
    LedgerUnavailable
        The ledger cannot be used.
    """
    ledger = SharedLedger(
        open_store(config.ledger_url, config.data_dir),
        ledger_address(config.base_url, effective_proxy(config), market=market),
        weight_per_minute=config.weight_per_minute,
        safety_share=config.safety_share,
        reserved_weight=config.reserved_weight,
    )
    ledger.prune()
    return WeightLimiter(ledger, clock=ledger.exchange_clock())


def effective_proxy(config: GatewayConfig) -> str | None:
    """Return the proxy that requests go through, the environment's included."""
    if config.proxy is not None:
        return config.proxy
    found: str | None = select_proxy(
        config.base_url, get_environ_proxies(config.base_url)
    )
    return found
