"""Calendar weeks of times, and blocks of them as long as what overlaps."""

import numpy as np

from monitor.domain.market import DAY_MS
from monitor.domain.typing import IntArray

WEEK_DAYS = 7
WEEK_MS = WEEK_DAYS * DAY_MS
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0


def calendar_weeks(times_ms: IntArray) -> IntArray:
    """Return the number of the week, Monday to Sunday UTC, of each time.

    Weeks are counted from that of 1970-01-01, which is 0; any shape.
    """
    days = np.floor_divide(times_ms, DAY_MS)
    weeks: IntArray = np.floor_divide(days + _EPOCH_WEEKDAY, WEEK_DAYS)
    return weeks


def weeks_spanned(span_ms: int) -> int:
    """Return how many whole weeks ``span_ms`` takes, rounded up, at least 1."""
    return max(-(-span_ms // WEEK_MS), 1)


def week_blocks(times_ms: IntArray, span_ms: int) -> IntArray:
    """Return which block of calendar weeks each time belongs to.

    Parameters
    ----------
    times_ms : ndarray of any shape
        ms UTC.
    span_ms : int
        How long what begins at a time lasts. A block has `weeks_spanned` weeks: what
        begins in one block overlaps at most with the next.

    Returns
    -------
    ndarray, as ``times_ms``
        From 0, the block that begins with the week of the earliest time.
    """
    weeks = calendar_weeks(times_ms)
    first = weeks.min() if weeks.size else 0
    blocks: IntArray = (weeks - first) // weeks_spanned(span_ms)
    return blocks
