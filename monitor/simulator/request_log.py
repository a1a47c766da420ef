"""What the exchange was asked: the ground truth that tests read. Pure."""

from collections import deque
from dataclasses import dataclass

import orjson

KEPT_REQUESTS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """One request, as the exchange saw it."""

    at_ms: int
    """Arrival on the exchange's clock, ms UTC."""
    path: str
    query: str
    """As sent, percent-encoded."""
    symbol: str | None
    weight: int
    """Charged for it, refused ones included; 0 in the pools without weights."""
    status: int
    """Of the answer; 0 when a fault left the request unanswered."""
    used_weight: int
    """Of the running minute, other programs included."""
    fault: int | None
    """Place in the script of the scripted reply; None: the real one."""
    port: int | None
    """The client's, to tell connections apart."""


class RequestLog:
    """The last `KEPT_REQUESTS` requests, in order of arrival."""

    def __init__(self) -> None:
        self._rows: deque[LoggedRequest] = deque(maxlen=KEPT_REQUESTS)

    def add(self, row: LoggedRequest) -> None:
        """Append one request."""
        self._rows.append(row)

    def clear(self) -> None:
        """Forget all."""
        self._rows.clear()

    def encoded(self) -> bytes:
        """Return the requests as a JSON list of objects."""
        return orjson.dumps(list(self._rows))
