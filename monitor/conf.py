"""Settings of the exchange gateway."""

from dataclasses import dataclass

LIVE_FAPI_URL = "https://fapi.binance.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """How requests are sent. Every number is a default and a setting."""

    base_url: str = LIVE_FAPI_URL
    """Scheme, host and port of the REST server."""
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
    proxy: str | None = None
    """``http://…`` or ``socks5h://…`` for all requests."""

    def __post_init__(self) -> None:
        if not self.base_url.startswith(("http://", "https://")):
            raise ValueError(
                f"base_url must start with http:// or https://, was {self.base_url!r}"
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
