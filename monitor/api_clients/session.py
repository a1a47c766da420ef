"""One try of one request over the pooled `requests` session, and what came of it."""

import ssl
from dataclasses import dataclass
from functools import partial
from random import SystemRandom
from threading import Event, Lock
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.exceptions import HTTPError

from monitor.api_clients.connection_failures import (
    connection_failure,
    was_never_sent,
)
from monitor.api_clients.endpoints import GetRequest
from monitor.api_clients.outcomes import TEAPOT, TOO_MANY, http_failure, used_weight
from monitor.api_clients.sockets import (
    DeadlineKeeper,
    SendRefused,
    SocketWatch,
    watched_pools,
)
from monitor.conf import GatewayConfig
from monitor.exceptions import (
    ExchangeError,
    ExchangeTimeout,
    ExchangeUnavailable,
    IpBanned,
    RateLimited,
    RequestCancelled,
)
from monitor.ratelimit.ledger import ClockReading
from monitor.ratelimit.limiter import WeightLimiter

RESUME_JITTER_MS = (100, 500)
"""After a 429 programs on one address must not return in the same instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A successful answer, not yet decoded."""

    body: bytes
    sent_at_ms: int
    """Local monotonic clock (`ExchangeClock.local_ms`)."""
    received_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one try."""

    was_sent: bool
    """Whether it may have cost weight."""
    result: Received | ExchangeError | None
    """None: not sent, since a block came in between."""


class RequestSender:
    """Sends requests that are paid for, once. Thread-safe.

    Nothing goes out while the limiter is blocked: that is asked again when the
    connection stands. A 429 or 418 blocks the limiter as soon as its headers are
    read.

    Parameters
    ----------
    config : GatewayConfig
    limiter : WeightLimiter
        Told of used weight and of blocks; its clock dates them.
    keeper : DeadlineKeeper
    cancelled : Event
        Once set, nothing is sent.

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
        keeper: DeadlineKeeper,
        cancelled: Event,
    ) -> None:
        self._config = config
        self._limiter = limiter
        self._clock = limiter.clock
        self._keeper = keeper
        self._cancelled = cancelled
        self._jitter_ms = SystemRandom().randint(*RESUME_JITTER_MS)
        self._base_url = config.base_url.rstrip("/")
        self._session, self._settings = pooled_session(config)

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._session.close()

    def send(self, request: GetRequest, *, within_s: float) -> Outcome:
        """Send once; all of it takes at most ``within_s``. Blocks."""
        deadline_s = self._keeper.now_s() + within_s
        met = _Met(
            began_ms=self._clock.local_ms(),
            deadline_s=deadline_s,
            watch=self._keeper.watch(deadline_s, self._may_send),
        )
        prepared = requests.Request(
            "GET",
            self._base_url + request.path,
            headers={"Accept-Encoding": "gzip", "Connection": "keep-alive"},
            params=request.parameters,
            hooks={"response": partial(self._read_headers, request, met)},
        ).prepare()
        # only connecting needs the cap: the watch ends everything after it
        connect_s = min(self._config.connect_timeout_s, within_s)
        timeout = (connect_s, self._config.read_timeout_s)
        # errors are returned: raised in here they would drag along an exception
        # whose text holds the query string
        try:
            with met.watch:
                response = self._session.send(
                    prepared, timeout=timeout, allow_redirects=False, **self._settings
                )
        except SendRefused:
            gone = self._cancelled.is_set()
            return Outcome(was_sent=False, result=RequestCancelled() if gone else None)
        except (OSError, HTTPError) as problem:  # requests, urllib3, sockets
            return Outcome(
                was_sent=not was_never_sent(problem),
                result=self._failure(request.path, problem, met),
            )
        if met.watch.was_shut:
            # ended by us: cut off inside the headers it looks like a whole answer
            late = met.refusal or ExchangeTimeout(
                request.path, self._config.total_deadline_s
            )
            gone = self._cancelled.is_set()
            return Outcome(was_sent=True, result=RequestCancelled() if gone else late)
        received = Received(
            body=response.content,
            sent_at_ms=met.sent_at_ms,
            received_at_ms=self._clock.local_ms(),
        )
        failure = self._refusal(request, met, response, response.content)
        return Outcome(was_sent=True, result=failure or received)

    def _may_send(self) -> bool:
        return not (self._cancelled.is_set() or self._limiter.is_blocked())

    def _read_headers(
        self, request: GetRequest, met: "_Met", response: requests.Response, **_: object
    ) -> None:
        # before the body is read: that may take its time, or never come
        try:
            self._learn(request, met, response)
        except BaseException:  # the ledger cannot be used: nobody reads the body
            response.close()
            raise

    def _learn(
        self, request: GetRequest, met: "_Met", response: requests.Response
    ) -> None:
        met.clock = self._clock.reading()
        met.headers_at_ms = self._clock.local_ms() + met.clock.offset_ms
        used = used_weight(response.headers)
        if used is not None and request.endpoint.reports_used_weight:
            took_ms = self._clock.local_ms() - met.sent_at_ms
            self._limiter.observe(
                used,
                sent_ms=met.headers_at_ms - took_ms,
                received_ms=met.headers_at_ms,
            )
        if response.status_code in (TOO_MANY, TEAPOT):
            met.refusal = self._refusal(request, met, response, b"")

    def _refusal(
        self, request: GetRequest, met: "_Met", response: requests.Response, body: bytes
    ) -> ExchangeError | None:
        def failure_at(now_ms: int) -> ExchangeError | None:
            status, headers = response.status_code, response.headers
            return http_failure(request.path, status, headers, body, now_ms=now_ms)

        failure = failure_at(met.headers_at_ms)
        if isinstance(failure, RateLimited):
            resume_at_ms = failure.resume_at_ms + self._jitter_ms
            self._limiter.block_until(resume_at_ms, is_banned=False, clock=met.clock)
        elif isinstance(failure, IpBanned):
            # an end that does not move with our clock was stated as a time
            later = failure_at(met.headers_at_ms + 1)
            is_stated = isinstance(later, IpBanned) and (
                later.until_ms == failure.until_ms
            )
            read_on = None if is_stated else met.clock
            self._limiter.block_until(failure.until_ms, is_banned=True, clock=read_on)
        return failure

    def _failure(self, path: str, problem: Exception, met: "_Met") -> ExchangeError:
        if self._cancelled.is_set():
            return RequestCancelled()
        if met.refusal is not None:
            return met.refusal
        if met.watch.was_shut or self._keeper.now_s() >= met.deadline_s:
            return ExchangeTimeout(path, self._config.total_deadline_s)
        return connection_failure(path, problem, self._config)


@dataclass(slots=True, kw_only=True)
class _Met:
    # what one try has met so far
    began_ms: int
    deadline_s: float
    watch: SocketWatch
    headers_at_ms: int = 0
    """Exchange clock."""
    clock: ClockReading | None = None
    """What that was read on."""
    refusal: ExchangeError | None = None
    """429 or 418, known from the headers on."""

    @property
    def sent_at_ms(self) -> int:
        """Local clock."""
        sent_at_s = self.watch.sent_at_s
        return self.began_ms if sent_at_s is None else int(sent_at_s * 1e3)


def pooled_session(config: GatewayConfig) -> tuple[requests.Session, dict[str, Any]]:
    """Return a session and the fixed keyword arguments of its ``send``.

    Proxies and certificate bundles of the environment are read once, here, as
    `requests` reads them; ``config.proxy`` goes first. Certificates are always
    verified.

    Raises
    ------
    ExchangeUnavailable
        The environment names a bundle that is missing or holds no certificate.
    """
    session = requests.Session()
    chosen = {} if config.proxy is None else dict.fromkeys(_SCHEMES, config.proxy)
    settings: dict[str, Any] = dict(
        session.merge_environment_settings(config.base_url, chosen, False, None, None)  # noqa: FBT003  requests' own positional parameters
    )
    context = None
    if config.base_url.startswith("https://"):
        context = _tls_context(settings["verify"])
    settings["verify"] = True
    adapter = _Adapter(config.pool_size, context)
    for scheme in _SCHEMES:
        session.mount(f"{scheme}://", adapter)
    return session, settings


_SCHEMES = ("http", "https")


def _tls_context(verify: Any) -> ssl.SSLContext:
    # `verify` is a bundle or folder named by the environment, else True
    bundle = verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH
    try:
        return ssl.create_default_context(cafile=bundle)
    except IsADirectoryError:
        return ssl.create_default_context(capath=bundle)
    except ssl.SSLError:
        problem = "holds no certificate"
    except OSError as error:
        problem = str(error.strerror)
    raise ExchangeUnavailable(
        "TLS", f"certificate bundle {bundle} (REQUESTS_CA_BUNDLE): {problem}"
    )


class _Adapter(HTTPAdapter):
    # certificates are checked against one shared context: loading the bundle
    # costs tens of milliseconds per connection

    def __init__(self, pool_size: int, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._proxy_lock = Lock()
        super().__init__(
            pool_connections=pool_size, pool_maxsize=pool_size, max_retries=0
        )

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = watched_pools(
            self.poolmanager.pool_classes_by_scheme
        )

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        with self._proxy_lock:
            is_new = proxy not in self.proxy_manager
            found = super().proxy_manager_for(proxy, **proxy_kwargs)
            if is_new:
                found.pool_classes_by_scheme = watched_pools(
                    found.pool_classes_by_scheme
                )
            return found

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {**pool, "ssl_context": self._context}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:  # noqa: ARG002  signature of requests
        conn.cert_reqs = "CERT_REQUIRED"
