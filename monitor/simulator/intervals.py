"""Where bars begin: fixed lengths, weeks from Monday, calendar months (UTC)."""

import numpy as np

from monitor.domain.market import DAY_MS, KlineInterval
from monitor.domain.typing import IntArray

_FIRST_MONDAY_MS = 4 * DAY_MS
"""1970-01-05."""


def bar_opens(interval: KlineInterval, times: IntArray) -> IntArray:
    """Open times (ms UTC) of the bars that contain ``times`` (ms UTC)."""
    if interval is KlineInterval.MONTH1:
        months = times.astype("datetime64[ms]").astype("datetime64[M]")
        return months.astype("datetime64[ms]").astype(np.int64)
    offset = _FIRST_MONDAY_MS if interval is KlineInterval.W1 else 0
    length = interval.milliseconds
    return (times - offset) // length * length + offset


def bar_open(interval: KlineInterval, at_ms: int) -> int:
    """Open time of the bar that contains ``at_ms``."""
    return int(bar_opens(interval, np.array([at_ms], dtype=np.int64))[0])


def moved_open(interval: KlineInterval, open_ms: int, bars: int) -> int:
    """Open time of the bar ``bars`` after (before, when negative) ``open_ms``."""
    if interval is KlineInterval.MONTH1:
        month = np.datetime64(open_ms, "ms").astype("datetime64[M]") + bars
        return int(month.astype("datetime64[ms]").astype(np.int64))
    return open_ms + bars * interval.milliseconds


def close_times(interval: KlineInterval, opens: IntArray) -> IntArray:
    """Close times: one ms before the next bar opens."""
    if interval is KlineInterval.MONTH1:
        months = opens.astype("datetime64[ms]").astype("datetime64[M]") + 1
        return months.astype("datetime64[ms]").astype(np.int64) - 1
    return opens + interval.milliseconds - 1
