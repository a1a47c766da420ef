"""Times and spans as people write them."""

import re
from datetime import UTC, datetime

from monitor.domain.market import DAY_MS, HOUR_MS, MINUTE_MS

_UNITS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}
_SPAN = re.compile(r"([1-9]\d{0,4})([mhdw])")
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


def moment(text: str) -> int:
    """Return an ISO 8601 time as ms UTC; without a zone it is UTC.

    Raises
    ------
    ValueError
        ``must be …, was …``.
    """
    legal = "a time like 2025-04-01 or 2025-04-01T12:00, UTC unless it says otherwise"
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"must be {legal}, was {text[:40]!r}") from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    if not _EARLIEST <= found < _LATEST:
        raise ValueError(f"must be {legal}, in 2000…2199, was {text[:40]!r}")
    return round(found.timestamp() * 1000)


def span(text: str) -> int:
    """Return a span like ``7d`` in ms.

    Raises
    ------
    ValueError
        ``must be …, was …``.
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        legal = "a whole number ≥ 1 and m, h, d or w, like 7d"
        raise ValueError(f"must be {legal}, was {text[:40]!r}")
    return int(match[1]) * _UNITS[match[2]]
