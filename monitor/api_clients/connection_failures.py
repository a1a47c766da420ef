"""What it means that a connection failed, in our own words."""

import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import requests  # noqa: TID251  its exceptions are read here
from urllib3.exceptions import NewConnectionError, ReadTimeoutError

from monitor.conf import GatewayConfig
from monitor.exceptions import ExchangeError, ExchangeTimeout, ExchangeUnavailable


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
