"""Sends GET requests: pooled, paid for, with a total deadline, and again if worth it.

tenacity is configured here, and in `monitor.market_data.archive` for its own server.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from random import SystemRandom
from threading import Event, Lock
from weakref import WeakSet

from tenacity import RetryCallState, Retrying, stop_never, wait_exception

from monitor.api_clients.endpoints import GetRequest
from monitor.api_clients.outcomes import (
    Before,
    backoff_ceiling_s,
    is_retryable,
    json_payload,
    retry_rule,
)
from monitor.api_clients.session import Received, RequestSender
from monitor.api_clients.sockets import DeadlineKeeper
from monitor.api_clients.tally import RequestTally
from monitor.conf import GatewayConfig
from monitor.domain.requests import RequestStatistics
from monitor.exceptions import ExchangeError, ExchangeTimeout, RequestCancelled
from monitor.ratelimit.daily import DailyBudget
from monitor.ratelimit.ledger import Grant, Lane
from monitor.ratelimit.limiter import OnWait, WeightLimiter, pool_guards
from monitor.ratelimit.safe_limiter import SafeRateLimiter

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDetails:
    """What a retry hook is told."""

    path: str
    attempt: int
    """The try that failed, from 1."""
    wait_s: float
    waited_so_far_s: float
    caused_by: BaseException


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A decoded answer with the times between which the exchange wrote it."""

    payload: object
    sent_at_ms: int
    """Local monotonic clock (`ExchangeClock.local_ms`)."""
    received_at_ms: int


@dataclass(slots=True, kw_only=True)
class _Call:
    """One request through all its tries."""

    request: GetRequest
    lane: Lane
    tally: RequestTally
    ended: Event
    """Once set, it waits for nothing more."""
    left_s: float
    """Of the deadline; only sending and receiving use it up."""
    failures: list[BaseException] = field(default_factory=list)


def log_retry(details: RetryDetails) -> None:
    """Write one line per retry."""
    logger.info(
        "retry path=%s attempt=%d wait_s=%.3f waited_s=%.3f cause=%s",
        details.path,
        details.attempt,
        details.wait_s,
        details.waited_so_far_s,
        details.caused_by,
    )


class Transport:
    """One pooled session. Thread-safe; after `cancel` it sends nothing more.

    Parameters
    ----------
    config : GatewayConfig
    limiter : WeightLimiter
        Asked before every try; its clock dates answers.
    pace : SafeRateLimiter, optional
        Asked before that.
    daily : DailyBudget, optional
        Counts every try; slows the pace down once its alert is raised.
    resync : callable
        Measures the clock again, before the one retry of a rejected timestamp.
    on_retry : callable, optional
        Told of every retry before its wait.

    Raises
    ------
    ExchangeUnavailable
        The certificates named by the environment cannot be used.
    """

    def __init__(
        self,
        config: GatewayConfig,
        *,
        limiter: WeightLimiter,
        resync: Callable[[], object],
        on_retry: Callable[[RetryDetails], None] = log_retry,
        pace: SafeRateLimiter | None = None,
        daily: DailyBudget | None = None,
    ) -> None:
        self._config = config
        self._limiter = limiter
        self._pace = pace
        self._daily = daily
        self._resync = resync
        self._on_retry = on_retry
        self._cancelled = Event()
        self._guards = pool_guards()
        self._random = SystemRandom()
        self._keeper = DeadlineKeeper(limiter.clock.local_s)
        self._sender = RequestSender(
            config, limiter=limiter, keeper=self._keeper, cancelled=self._cancelled
        )
        self._tally = RequestTally()
        self._ends: WeakSet[Event] = WeakSet()
        self._lock = Lock()  # of all tallies and ends

    def get(
        self,
        request: GetRequest,
        *,
        lane: Lane = Lane.SCAN,
        tally: RequestTally | None = None,
        ended: Event | None = None,
    ) -> Answer:
        """Return a successful answer, counted in ``tally`` too. Blocks until ``ended``.

        Raises
        ------
        ExchangeError
            What remained after all retries that are worth it.
        """
        call = _Call(
            request=request,
            lane=lane,
            tally=tally or self._tally,
            ended=ended or self._cancelled,
            left_s=self._config.total_deadline_s,
        )
        retrying = Retrying(
            retry=lambda state: self._is_worth_another(state, call),
            stop=stop_never,  # the rule above knows the limits of each kind of failure
            wait=wait_exception(lambda failure: self._wait_s(failure, call)),
            sleep=lambda seconds: self._sleep(seconds, call),
            before_sleep=lambda state: self._tell(call, state),
        )
        return retrying(self._attempt, call)

    def cancel(self) -> None:
        """End all waits, retries and requests under way with `RequestCancelled`.

        A connection that is only being made ends by its own timeout.
        """
        self._cancelled.set()
        with self._lock:
            for ended in self._ends:
                ended.set()
        self.wake()
        self._keeper.shut_all()

    def wake(self) -> None:
        """Make waits look at whether they have ended."""
        self._limiter.wake()
        if self._pace is not None:
            self._pace.wake()

    def new_end(self) -> Event:
        """Return an event that ends one caller's waits; `wake` them then."""
        ended = Event()
        with self._lock:
            self._ends.add(ended)
            if self._cancelled.is_set():
                ended.set()
        return ended

    def close(self) -> None:
        """Cancel everything and close all connections. Idempotent."""
        self.cancel()
        self._sender.close()
        self._keeper.close()

    def new_tally(self, parent: RequestTally | None = None) -> RequestTally:
        """Return a tally of one caller's own; the parent's counts on."""
        return RequestTally(parent or self._tally)

    def statistics(self, tally: RequestTally | None = None) -> RequestStatistics:
        """Return what has been sent so far, or what ``tally`` has counted of it."""
        peak_weight = self._limiter.peak_weight()  # before our lock: it waits on us
        with self._lock:
            return (tally or self._tally).statistics(
                self._keeper.now_s(), peak_weight=peak_weight
            )

    def budget_wait(self, tally: RequestTally | None = None) -> float | None:
        """Return how much longer a request waits for budget, None if none does."""
        with self._lock:
            return (tally or self._tally).wait_left_s(self._keeper.now_s())

    def _is_worth_another(self, state: RetryCallState, call: "_Call") -> bool:
        failure = None if state.outcome is None else state.outcome.exception()
        if failure is None:
            return False
        call.failures.append(failure)
        return call.left_s > 0 and is_retryable(
            call.failures, max_attempts=self._config.max_attempts
        )

    def _attempt(self, call: "_Call") -> Answer:
        rule = retry_rule(call.failures[-1]) if call.failures else None
        if rule is not None and rule.before is Before.RESYNC:
            self._resync()
        guard = self._guards.get(call.request.endpoint.pool)
        if guard is not None:
            with self._waiting(call) as on_wait:
                guard.acquire(
                    max_wait_s=self._config.max_wait_s,
                    cancelled=call.ended,
                    on_wait=on_wait,
                )
        result: Received | ExchangeError | None = None
        with ExitStack() as stack:
            self._take_turn(call, stack)
            while result is None:
                result = self._counted(call)
            if isinstance(result, ExchangeError):
                raise result
        return Answer(
            payload=json_payload(call.request.path, result.body),
            sent_at_ms=result.sent_at_ms,
            received_at_ms=result.received_at_ms,
        )

    def _take_turn(self, call: "_Call", until_answered: ExitStack) -> None:
        if self._pace is None:
            return
        slowdown = 1.0 if self._daily is None else self._daily.slowdown()
        with self._waiting(call) as on_wait:
            until_answered.enter_context(
                self._pace.slot(
                    max_wait_s=self._config.max_wait_s,
                    cancelled=call.ended,
                    on_wait=on_wait,
                    slowdown=slowdown,
                )
            )

    def _counted(self, call: "_Call") -> "Received | ExchangeError | None":
        # None: blocked before anything was sent
        if self._daily is None:
            return self._paid(call, self._grant(call))[1]
        use = self._daily.take()
        try:
            grant = self._grant(call)
        except BaseException:
            self._daily.give_back(use)
            raise
        was_sent, result = self._paid(call, grant)
        if not was_sent:
            self._daily.give_back(use)
        return result

    def _paid(
        self, call: "_Call", grant: Grant
    ) -> "tuple[bool, Received | ExchangeError | None]":
        began_s = self._keeper.now_s()
        outcome = self._sender.send(call.request, within_s=call.left_s)
        call.left_s -= self._keeper.now_s() - began_s
        if not outcome.was_sent:
            self._limiter.release(grant)
        else:
            with self._lock:
                call.tally.charge(call.request.weight)
        result = outcome.result
        if result is None and call.left_s <= 0:
            result = ExchangeTimeout(call.request.path, self._config.total_deadline_s)
        return outcome.was_sent, result

    def _grant(self, call: "_Call") -> Grant:
        with self._waiting(call) as on_wait:
            return self._limiter.acquire(
                call.request.weight,
                lane=call.lane,
                max_wait_s=self._config.max_wait_s,
                cancelled=call.ended,
                on_wait=on_wait,
            )

    @contextmanager
    def _waiting(self, call: "_Call") -> Iterator[OnWait]:
        who = object()

        def note(at_least_s: float) -> None:
            with self._lock:
                now_s = self._keeper.now_s()
                call.tally.wait(who, now_s=now_s, at_least_s=at_least_s)

        try:
            yield note
        finally:
            with self._lock:
                call.tally.resume(who, now_s=self._keeper.now_s())

    def _wait_s(self, failure: BaseException, call: "_Call") -> float:
        rule = retry_rule(failure)
        if rule is None or rule.before is not Before.BACK_OFF:
            return 0.0  # the budget keeps the wait
        ceiling_s = backoff_ceiling_s(
            len(call.failures),
            initial_s=self._config.backoff_initial_s,
            max_s=self._config.backoff_max_s,
        )
        return self._random.uniform(0, ceiling_s)

    def _sleep(self, seconds: float, call: "_Call") -> None:
        if call.ended.wait(seconds):
            raise RequestCancelled

    def _tell(self, call: "_Call", state: RetryCallState) -> None:
        with self._lock:
            call.tally.retry()
        failure = None if state.outcome is None else state.outcome.exception()
        assert failure is not None  # noqa: S101  tenacity waits after failures only
        wait_s = 0.0 if state.next_action is None else float(state.next_action.sleep)
        self._on_retry(
            RetryDetails(
                path=call.request.path,
                attempt=state.attempt_number,
                wait_s=wait_s,
                waited_so_far_s=float(state.idle_for) - wait_s,
                caused_by=failure,
            )
        )
