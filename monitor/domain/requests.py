"""What the gateway reports about its own requests."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestStatistics:
    """What a client has sent so far."""

    count: int
    """HTTP requests sent, retries included."""
    weight: int
    """Request weight charged."""
    peak_weight_per_minute: int
    """Largest weight charged in one clock minute of the exchange, by everybody who
    shares the limiter."""
    retries: int
    """Requests sent again after a failure."""
    budget_wait_s: float = 0.0
    """Wall time in which at least one request waited for budget."""
