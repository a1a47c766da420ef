"""The pooled `requests` session, and what its errors mean."""

import ssl
from collections.abc import Iterator
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.exceptions import NewConnectionError, ReadTimeoutError

from monitor.api_clients.sockets import watched_pools
from monitor.conf import GatewayConfig
from monitor.exceptions import ExchangeError, ExchangeTimeout, ExchangeUnavailable


def pooled_session(config: GatewayConfig) -> tuple[requests.Session, dict[str, Any]]:
    """Return a session and the fixed keyword arguments of its ``send``.

    Proxies and certificate bundles of the environment are read once, here, as
    `requests` reads them; ``config.proxy`` goes first. Certificates are always
    verified.
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


def was_never_sent(problem: Exception) -> bool:
    """Whether no connection came about, so that nothing can have been charged."""
    return isinstance(problem, requests.ConnectTimeout) or any(
        isinstance(cause, NewConnectionError) for cause in _causes(problem)
    )


def connection_failure(
    path: str, problem: Exception, config: GatewayConfig
) -> ExchangeError:
    """Typed error for a request that got no complete answer.

    Its text is our own: the texts of `requests` hold the query string.
    """
    if isinstance(problem, requests.ConnectTimeout):
        return ExchangeTimeout(path, config.connect_timeout_s)
    if any(isinstance(cause, ReadTimeoutError) for cause in _causes(problem)):
        return ExchangeTimeout(path, config.read_timeout_s)
    host = urlsplit(config.base_url).hostname
    return ExchangeUnavailable(path, f"{host}: {_detail(problem)}")


_SCHEMES = ("http", "https")


def _detail(problem: Exception) -> str:
    causes = list(_causes(problem))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"certificate not trusted: {cause.verify_message}"
    prefix = "proxy: " if isinstance(problem, requests.exceptions.ProxyError) else ""
    for cause in reversed(causes):
        if isinstance(cause, OSError) and isinstance(cause.strerror, str):
            return f"{prefix}{cause.strerror}"
    if isinstance(problem, requests.exceptions.SSLError):
        return f"{prefix}TLS handshake failed"
    if isinstance(problem, requests.exceptions.ContentDecodingError):
        return f"{prefix}answer could not be decompressed"
    if isinstance(problem, requests.exceptions.InvalidSchema):
        return f"{prefix}address or proxy of an unknown kind"
    return f"{prefix}connection broken off"


def _causes(problem: BaseException) -> Iterator[BaseException]:
    # requests and urllib3 keep the cause in args, in reason, or in the chain
    todo: list[object] = [problem]
    seen: set[int] = set()
    while todo:
        cause = todo.pop(0)
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        todo += [*cause.args, getattr(cause, "reason", None)]
        todo += [cause.__cause__, cause.__context__]


def _tls_context(verify: Any) -> ssl.SSLContext:
    # `verify` is a bundle or folder named by the environment, else True
    bundle = verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH
    try:
        context = ssl.create_default_context(cafile=bundle)
    except IsADirectoryError:
        context = ssl.create_default_context(capath=bundle)
    return context


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
