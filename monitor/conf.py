"""Settings of the exchange gateway."""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

LIVE_FAPI_URL = "https://fapi.binance.com"
PROXY_SCHEMES = ("http", "https", "socks4", "socks5", "socks5h")
"""``socks5h`` leaves resolving names to the proxy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """How requests are sent. Every number is a default and a setting."""

    base_url: str = LIVE_FAPI_URL
    """Scheme, host and port of the REST server; nothing else."""
    connect_timeout_s: float = 3.0
    """Unreachable hosts fail fast, within a scan's minute."""
    read_timeout_s: float = 10.0
    """Longest silence between two pieces of an answer."""
    total_deadline_s: float = 15.0
    """One request: all its tries, first byte to last. A slow drip passes every read
    timeout, and three tries of ten silent seconds would cost half a minute."""
    max_attempts: int = 3
    """Tries per request, the first included."""
    backoff_initial_s: float = 0.2
    """Upper end of the first full-jitter wait; doubles per try."""
    backoff_max_s: float = 5.0
    max_wait_s: float = 90.0
    """A longer wait for budget is an error (`WaitTooLong`), not a sleep."""
    safety_share: float = 0.80
    """Share of the published weight limit this program uses."""
    reserved_weight: int = 200
    """Weight a minute that a scan leaves to higher lanes at most."""
    weight_per_minute: int = 2400
    """Assumed until ``exchangeInfo.rateLimits`` is read."""
    pool_size: int = 20
    """Connections kept; at least the number of I/O workers."""
    proxy: str | None = field(default=None, repr=False)
    """``http://host:port`` or ``socks5h://user:password@host:port``, for all requests.
    May hold a password, so no message shows it."""

    def __post_init__(self) -> None:
        _check_address(
            "base_url", self.base_url, ("http", "https"), example=LIVE_FAPI_URL
        )
        if self.proxy is not None:
            _check_address(
                "proxy",
                self.proxy,
                PROXY_SCHEMES,
                example="http://127.0.0.1:8080 or socks5h://127.0.0.1:1080",
                is_proxy=True,
            )
        for name in (
            "connect_timeout_s",
            "read_timeout_s",
            "total_deadline_s",
            "backoff_initial_s",
            "backoff_max_s",
            "max_wait_s",
        ):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be > 0, was {getattr(self, name)}")
        for name in ("max_attempts", "weight_per_minute", "pool_size"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 1, was {getattr(self, name)}"
                )
        if not 0 < self.safety_share <= 1:
            raise ValueError(f"safety_share must be in (0, 1], was {self.safety_share}")


def _check_address(
    name: str,
    value: str,
    schemes: tuple[str, ...],
    *,
    example: str,
    is_proxy: bool = False,
) -> None:
    if not _is_address(value, schemes, is_proxy=is_proxy):
        raise ValueError(f"{name} must be like {example}, was {_redacted(value)!r}")


def _is_address(value: str, schemes: tuple[str, ...], *, is_proxy: bool) -> bool:
    # urlsplit forgives much: what it would drop or overlook is looked at first
    if not value.startswith(tuple(f"{scheme}://" for scheme in schemes)):
        return False
    if not value.isprintable() or any(c in value for c in " ?#\\"):
        return False
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:  # of the port, or of brackets
        return False
    return (
        host is not None
        and _is_host(host)
        and port != 0
        and not parts.netloc.endswith(":")
        and parts.path in ("", "/")
        and (port is not None if is_proxy else "@" not in parts.netloc)
    )


def _is_host(host: str) -> bool:
    if ":" not in host:
        return re.fullmatch(r"\w([\w-]*\w)?(\.\w([\w-]*\w)?)*\.?", host) is not None
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _redacted(value: str) -> str:
    # whatever could be a password or a key is left out
    scheme, mark, rest = value.partition("://") if "://" in value else ("", "", value)
    if "@" in rest:
        rest = "…@" + rest.rpartition("@")[2]
    rest = re.sub(r"[?#].*", "?…", rest, flags=re.DOTALL)
    if not rest.startswith("["):
        rest = re.sub(r":(?!\d{1,5}(/|$))[^/]*", ":…", rest)
    if not re.fullmatch(r"[A-Za-z0-9+.-]*", scheme):
        scheme = "…"
    return scheme + mark + rest
