"""Sends GET requests: pooled, paid for, with a total deadline, and again if worth it.

tenacity is configured here and nowhere else.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import SystemRandom
from threading import Event, Lock

import requests
from tenacity import RetryCallState, Retrying, stop_never, wait_exception
from urllib3.exceptions import HTTPError

from monitor.api_clients.clock import ExchangeClock
from monitor.api_clients.endpoints import GetRequest
from monitor.api_clients.outcomes import (
    Before,
    backoff_ceiling_s,
    http_failure,
    is_retryable,
    json_payload,
    retry_rule,
    used_weight,
)
from monitor.api_clients.session import (
    connection_failure,
    pooled_session,
    was_never_sent,
)
from monitor.api_clients.sockets import DeadlineKeeper, SocketWatch
from monitor.conf import GatewayConfig
from monitor.domain.requests import RequestStatistics
from monitor.exceptions import (
    ExchangeError,
    ExchangeTimeout,
    IpBanned,
    RateLimited,
    RequestCancelled,
)
from monitor.ratelimit.budget import Grant, Lane
from monitor.ratelimit.limiter import WeightLimiter, pool_guards

logger = logging.getLogger(__name__)

RESUME_JITTER_MS = (100, 500)
"""After a 429 programs on one address must not return in the same instant."""


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
class _Tries:
    left_s: float
    """Of the deadline; only sending and receiving use it up."""
    failures: list[BaseException] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raw:
    response: requests.Response
    sent_at_ms: int
    received_at_ms: int


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
        Asked before every try.
    clock : ExchangeClock
        Dates answers.
    resync : callable
        Measures the clock again, before the one retry of a rejected timestamp.
    on_retry : callable, optional
        Told of every retry before its wait.
    """

    def __init__(
        self,
        config: GatewayConfig,
        *,
        limiter: WeightLimiter,
        clock: ExchangeClock,
        resync: Callable[[], object],
        on_retry: Callable[[RetryDetails], None] = log_retry,
    ) -> None:
        self._config = config
        self._limiter = limiter
        self._clock = clock
        self._resync = resync
        self._on_retry = on_retry
        self._cancelled = Event()
        self._guards = pool_guards()
        self._random = SystemRandom()
        self._keeper = DeadlineKeeper(time.monotonic)
        self._base_url = config.base_url.rstrip("/")
        self._session, self._settings = pooled_session(config)
        self._count = self._weight = self._retries = 0
        self._lock = Lock()

    def get(self, request: GetRequest, *, lane: Lane = Lane.SCAN) -> Answer:
        """Return a successful answer. Blocks.

        Raises
        ------
        ExchangeError
            What remained after all retries that are worth it.
        """
        tries = _Tries(left_s=self._config.total_deadline_s)
        retrying = Retrying(
            retry=lambda state: self._is_worth_another(state, tries),
            stop=stop_never,  # the rule above knows the limits of each kind of failure
            wait=wait_exception(lambda failure: self._wait_s(failure, tries)),
            sleep=self._sleep,
            before_sleep=lambda state: self._tell(request, state),
        )
        return retrying(self._attempt, request, lane, tries)

    def cancel(self) -> None:
        """End all waits, retries and requests under way with `RequestCancelled`."""
        self._cancelled.set()
        self._limiter.wake()
        self._keeper.shut_all()

    def close(self) -> None:
        """Close all connections. Idempotent."""
        self._session.close()
        self._keeper.close()

    def statistics(self) -> RequestStatistics:
        """Return what has been sent so far."""
        with self._lock:
            return RequestStatistics(
                count=self._count,
                weight=self._weight,
                peak_weight_per_minute=self._limiter.peak_weight(),
                retries=self._retries,
            )

    def _is_worth_another(self, state: RetryCallState, tries: "_Tries") -> bool:
        failure = None if state.outcome is None else state.outcome.exception()
        if failure is None:
            return False
        tries.failures.append(failure)
        return tries.left_s > 0 and is_retryable(
            tries.failures, max_attempts=self._config.max_attempts
        )

    def _attempt(self, request: GetRequest, lane: Lane, tries: "_Tries") -> Answer:
        rule = retry_rule(tries.failures[-1]) if tries.failures else None
        if rule is not None and rule.before is Before.RESYNC:
            self._resync()
        guard = self._guards.get(request.endpoint.pool)
        if guard is not None:
            guard.acquire(max_wait_s=self._config.max_wait_s, cancelled=self._cancelled)
        grant = self._unblocked_grant(request, lane)
        began_s = self._keeper.now_s()
        outcome = self._outcome(request, grant, within_s=tries.left_s)
        tries.left_s -= self._keeper.now_s() - began_s
        if isinstance(outcome, ExchangeError):
            raise outcome
        return Answer(
            payload=self._payload(request, outcome.response),
            sent_at_ms=outcome.sent_at_ms,
            received_at_ms=outcome.received_at_ms,
        )

    def _unblocked_grant(self, request: GetRequest, lane: Lane) -> Grant:
        while True:
            grant = self._limiter.acquire(
                request.weight,
                lane=lane,
                max_wait_s=self._config.max_wait_s,
                cancelled=self._cancelled,
            )
            if not self._limiter.is_blocked():
                return grant
            self._limiter.release(grant)  # another thread's 429 came in between

    def _outcome(
        self, request: GetRequest, grant: Grant, *, within_s: float
    ) -> "_Raw | ExchangeError":
        # errors are returned: raised in here they would drag along an exception
        # whose text holds the query string
        prepared = self._prepared(request)
        began_ms = self._clock.local_ms()
        watch = self._keeper.watch(self._keeper.now_s() + within_s)
        try:
            with watch:
                if self._cancelled.is_set():
                    self._limiter.release(grant)
                    return RequestCancelled()
                response = self._session.send(
                    prepared,
                    timeout=(
                        min(self._config.connect_timeout_s, within_s),
                        min(self._config.read_timeout_s, within_s),
                    ),
                    allow_redirects=False,
                    **self._settings,
                )
        except (OSError, HTTPError) as problem:  # requests, urllib3, sockets
            if was_never_sent(problem):
                self._limiter.release(grant)
            else:
                self._charge(request)
            return self._failure(request.path, problem, watch)
        self._charge(request)
        sent_at_ms = began_ms if watch.sent_at_s is None else int(watch.sent_at_s * 1e3)
        received_at_ms = self._clock.local_ms()
        self._feed_back(request, response, received_at_ms - sent_at_ms)
        return _Raw(
            response=response, sent_at_ms=sent_at_ms, received_at_ms=received_at_ms
        )

    def _prepared(self, request: GetRequest) -> requests.PreparedRequest:
        return requests.Request(
            "GET",
            self._base_url + request.path,
            headers={"Accept-Encoding": "gzip", "Connection": "keep-alive"},
            params=request.parameters,
        ).prepare()

    def _feed_back(
        self, request: GetRequest, response: requests.Response, took_ms: int
    ) -> None:
        used = used_weight(response.headers)
        if used is not None and request.endpoint.reports_used_weight:
            now_ms = self._clock.now_ms()
            self._limiter.observe(used, sent_ms=now_ms - took_ms, received_ms=now_ms)

    def _payload(self, request: GetRequest, response: requests.Response) -> object:
        failure = http_failure(
            request.path,
            response.status_code,
            response.headers,
            response.content,
            now_ms=self._clock.now_ms(),
        )
        if failure is None:
            return json_payload(request.path, response.content)
        if isinstance(failure, RateLimited):
            jitter_ms = self._random.randint(*RESUME_JITTER_MS)
            self._limiter.block_until(failure.resume_at_ms + jitter_ms, is_banned=False)
        elif isinstance(failure, IpBanned):
            self._limiter.block_until(failure.until_ms, is_banned=True)
        raise failure

    def _charge(self, request: GetRequest) -> None:
        with self._lock:
            self._count += 1
            self._weight += request.weight

    def _wait_s(self, failure: BaseException, tries: "_Tries") -> float:
        rule = retry_rule(failure)
        if rule is None or rule.before is not Before.BACK_OFF:
            return 0.0  # the budget keeps the wait
        ceiling_s = backoff_ceiling_s(
            len(tries.failures),
            initial_s=self._config.backoff_initial_s,
            max_s=self._config.backoff_max_s,
        )
        return self._random.uniform(0, ceiling_s)

    def _sleep(self, seconds: float) -> None:
        if self._cancelled.wait(seconds):
            raise RequestCancelled

    def _tell(self, request: GetRequest, state: RetryCallState) -> None:
        with self._lock:
            self._retries += 1
        failure = None if state.outcome is None else state.outcome.exception()
        assert failure is not None  # noqa: S101  tenacity waits after failures only
        wait_s = 0.0 if state.next_action is None else float(state.next_action.sleep)
        self._on_retry(
            RetryDetails(
                path=request.path,
                attempt=state.attempt_number,
                wait_s=wait_s,
                waited_so_far_s=float(state.idle_for) - wait_s,
                caused_by=failure,
            )
        )

    def _failure(
        self, path: str, problem: Exception, watch: SocketWatch
    ) -> ExchangeError:
        if self._cancelled.is_set():
            return RequestCancelled()
        if watch.was_shut:
            return ExchangeTimeout(path, self._config.total_deadline_s)
        return connection_failure(path, problem, self._config)
