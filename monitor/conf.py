"""Settings of the exchange gateway."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

LIVE_FAPI_URL = "https://fapi.binance.com"
LIVE_SPOT_URL = "https://api.binance.com"
PROXY_SCHEMES = ("http", "https", "socks4", "socks5", "socks5h")
"""``socks5h`` leaves resolving names to the proxy."""
LEDGER_EXAMPLES = (
    "sqlite:///var/lib/screener/ledger.sqlite3, redis://127.0.0.1:6379/0 or memory://"
)

GATEWAY_KEYS: Mapping[str, str] = {
    "base_url": "base_url",
    "spot_url": "spot_url",
    "proxy": "proxy",
    "rate_ledger_url": "ledger_url",
    "data_dir": "data_dir",
}
"""Keys of ``settings.SCREENER`` that belong to the gateway, and its names for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """How requests are sent. Every number is a default and a setting."""

    base_url: str = LIVE_FAPI_URL
    """Scheme, host and port of the REST server; nothing else."""
    spot_url: str = LIVE_SPOT_URL
    """The same of the spot market, which only volume profiles ask."""
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
    ledger_url: str | None = field(default=None, repr=False)
    """Where request weight is counted for everybody on this IP address:
    ``sqlite://`` and an absolute path, ``redis://``, ``rediss://``, or ``memory://``
    for this process alone. None: a SQLite file in the data folder. May hold a
    password, so no message shows it."""
    data_dir: Path | None = None
    """Data folder; None: the user's own."""

    def __post_init__(self) -> None:
        _check_address(
            "base_url", self.base_url, ("http", "https"), example=LIVE_FAPI_URL
        )
        _check_address(
            "spot_url", self.spot_url, ("http", "https"), example=LIVE_SPOT_URL
        )
        if self.proxy is not None:
            _check_address(
                "proxy",
                self.proxy,
                PROXY_SCHEMES,
                example="http://127.0.0.1:8080 or socks5h://127.0.0.1:1080",
                is_proxy=True,
            )
        url = self.ledger_url
        if url is not None and not (isinstance(url, str) and _is_ledger(url)):
            raise ValueError(
                f"rate_ledger_url (RATE_LEDGER_URL) must be like {LEDGER_EXAMPLES}, "
                f"was {_redacted(url)!r}"
            )
        if not (self.data_dir is None or isinstance(self.data_dir, str | Path)):
            raise ValueError(
                "data_dir (SCREENER_DATA_DIR) must be the path of a folder, was "
                f"{type(self.data_dir).__name__!r}"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceConfig:
    """How slowly `SafeRateLimiter` goes: the trader's calls must never be refused."""

    max_workers: int = 5
    """Requests at once: one per position that may be open."""
    requests_per_minute: int = 60
    """In any 60 s, not only in clock minutes: 2.5 % of the exchange's own limit even
    if each weighed 1."""
    min_delay_seconds: float = 0.5
    """Between two starts: bursts look like an attack to the exchange's firewall."""
    backoff_initial_s: float = 1.0
    """Pause of everybody after a 429; doubles with each further one."""
    backoff_max_s: float = 60.0
    """One clock minute: by then the exchange's counters have restarted."""

    def __post_init__(self) -> None:
        for name in ("max_workers", "requests_per_minute"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 1, was {getattr(self, name)}"
                )
        if not self.min_delay_seconds >= 0:
            raise ValueError(
                f"min_delay_seconds must be ≥ 0, was {self.min_delay_seconds}"
            )
        if not 0 < self.backoff_initial_s <= self.backoff_max_s:
            raise ValueError(
                "backoff_initial_s must be in (0, backoff_max_s], was "
                f"{self.backoff_initial_s} with {self.backoff_max_s}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyBudgetConfig:
    """How many requests a UTC day of the exchange may see."""

    requests_per_day: int = 10_000
    """Seven a minute around the clock: five positions polled every 45 s."""
    alert_share: float = 0.80
    """From this share on an alert is given and polling slows down; what is left
    lasts a slowed poller longer than it took to come here."""
    slow_factor: float = 4.0
    """How many times slower: the last fifth then lasts as long as the first four."""

    def __post_init__(self) -> None:
        if self.requests_per_day < 1:
            raise ValueError(
                f"requests_per_day must be at least 1, was {self.requests_per_day}"
            )
        if not 0 < self.alert_share <= 1:
            raise ValueError(f"alert_share must be in (0, 1], was {self.alert_share}")
        if not self.slow_factor >= 1:
            raise ValueError(f"slow_factor must be ≥ 1, was {self.slow_factor}")

    @property
    def alert_at(self) -> int:
        """The request, counted from 1, that raises the alert."""
        return max(1, int(self.requests_per_day * self.alert_share))


_SPELLED = {
    "base_url": "base_url (BINANCE_FAPI_URL)",
    "spot_url": "spot_url (BINANCE_SPOT_URL)",
}
# settings that an environment variable sets too


def _check_address(
    name: str,
    value: str,
    schemes: tuple[str, ...],
    *,
    example: str,
    is_proxy: bool = False,
) -> None:
    if not isinstance(value, str) or not _is_address(value, schemes, is_proxy=is_proxy):
        spelled = _SPELLED.get(name, name)
        raise ValueError(f"{spelled} must be like {example}, was {_redacted(value)!r}")


def _is_address(value: str, schemes: tuple[str, ...], *, is_proxy: bool) -> bool:
    server = _server(value, schemes)
    return (
        server is not None
        and server.path in ("", "/")
        and (server.port is not None if is_proxy else "@" not in server.netloc)
    )


def _is_ledger(value: str) -> bool:
    if value == "memory://":
        return True
    path = value.removeprefix("sqlite://")
    if path != value:
        return path.isprintable() and bool(re.fullmatch(r"/.*[^/]", path))
    server = _server(value, ("redis", "rediss"))
    return (
        server is not None
        and re.fullmatch(r"(/\d*)?", server.path, re.ASCII) is not None
    )


def _server(value: str, schemes: tuple[str, ...]) -> SplitResult | None:
    # urlsplit forgives much: what it would drop or overlook is looked at first
    if not value.startswith(tuple(f"{scheme}://" for scheme in schemes)):
        return None
    if not value.isprintable() or any(c in value for c in " ?#\\"):
        return None
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:  # of the port, or of brackets
        return None
    is_one = host is not None and _is_host(host)
    return parts if is_one and port != 0 and not parts.netloc.endswith(":") else None


_LABEL = r"\w([\w-]{0,61}\w)?"


def _is_host(host: str) -> bool:
    if ":" not in host:
        return re.fullmatch(rf"{_LABEL}(\.{_LABEL})*\.?", host) is not None
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _redacted(value: object) -> str:
    if not isinstance(value, str):
        return type(value).__name__
    # whatever could be a password or a key is left out
    scheme, mark, rest = value.partition("://") if "://" in value else ("", "", value)
    if "@" in rest:
        rest = "…@" + rest.rpartition("@")[2]
    rest = re.sub(r"[?#].*", "?…", rest, flags=re.DOTALL)
    address = re.match(r"(…@)?\[[0-9A-Fa-f:.]*\]", rest)
    end = 0 if address is None else address.end()
    rest = rest[:end] + re.sub(r":(?!\d{1,5}(/|$))[^/]*", ":…", rest[end:])
    if not re.fullmatch(r"[A-Za-z0-9+.-]*", scheme):
        scheme = "…"
    return scheme + mark + rest
