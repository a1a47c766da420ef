"""What bars must be: closed, ascending, without gaps, possible, not stale. Pure."""

from dataclasses import dataclass

import numpy as np

from monitor.domain.bars import bar_problem
from monitor.domain.market import DAY_MS, KlineInterval, Klines
from monitor.domain.typing import IntArray
from monitor.market_data.columns import differing_bars, selected
from vp_squeeze.exceptions import (
    GapKind,
    ImpossibleKlines,
    InsufficientKlines,
    KlineGap,
    StaleKlines,
)

_LONGEST_MONTH_MS = 31 * DAY_MS
_GRID_OFFSET_MS = {KlineInterval.W1: 4 * DAY_MS}  # 1970 began on a Thursday


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Bars that are not there, between two that are."""

    after_ms: int
    """Open time of the bar before, ms UTC."""
    first_ms: int
    """From when on bars are missing, ms UTC."""
    last_ms: int
    """The last millisecond without a bar."""
    missing: int
    """Bars that fit in between."""

    def error(self, symbol: str, kind: GapKind) -> KlineGap:
        """Return the error that tells of this gap."""
        return KlineGap(symbol, self.missing, self.after_ms, kind)


def checked_klines(
    klines: Klines,
    *,
    count: int,
    minimum: int | None = None,
    as_of_ms: int,
    end_time: int | None = None,
) -> Klines:
    """Last ``count`` closed bars: ascending, without gaps, possible, not stale.

    Order is restored and equal duplicates are merged; everything else that is
    wrong is an error, since bad bars are worse than none.

    Parameters
    ----------
    klines : Klines
        As the exchange sent them.
    count, minimum, as_of_ms, end_time
        As for `binance_kline_service.closed_klines`.

    Returns
    -------
    Klines
        At most ``count`` and at least ``minimum`` bars, contiguous arrays of its own.

    Raises
    ------
    ImpossibleKlines
        Values no market can produce, two different bars of one time, overlaps, or
        bars that are not where the interval's bars begin.
    KlineGap
        Bars are missing inside the window.
    StaleKlines
        A newer bar is already closed, but was not sent.
    InsufficientKlines
        Fewer closed bars than ``minimum`` (or ``count``).
    """
    needed = needed_count(count, minimum)
    limit_ms = horizon(as_of_ms, end_time)
    window = possible_window(closed_rows(klines, limit_ms), count)
    for gap in gaps_in(window):
        raise gap.error(klines.symbol, GapKind.UNKNOWN)
    check_age(window, limit_ms)
    if window.bar_count < needed:
        raise InsufficientKlines(klines.symbol, window.bar_count, needed)
    return window


def needed_count(count: int, minimum: int | None) -> int:
    """Return how many bars suffice.

    Raises
    ------
    ValueError
        ``count`` is below 1, or ``minimum`` not in 1…``count``.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, was {count}")
    if minimum is None:
        return count
    if not 1 <= minimum <= count:
        raise ValueError(f"minimum must be in 1…{count}, was {minimum}")
    return minimum


def horizon(as_of_ms: int, end_time: int | None) -> int:
    """Return the time, ms UTC, before which a bar must have ended to count."""
    return as_of_ms if end_time is None else min(as_of_ms, end_time + 1)


def closed_rows(klines: Klines, horizon_ms: int) -> Klines:
    """Return the bars that ended before ``horizon_ms``, ascending, each once.

    Raises
    ------
    ImpossibleKlines
        Two bars of one time differ.
    """
    closed = selected(klines, klines.close_time < horizon_ms)
    return _merged(_sorted(closed))


def possible_window(rows: Klines, count: int) -> Klines:
    """Return copies of the last ``count`` bars.

    Parameters
    ----------
    rows : Klines
        As `closed_rows` returns them.

    Raises
    ------
    ImpossibleKlines
        As `checked_klines`.
    """
    first = max(0, rows.bar_count - count)
    window = selected(rows, np.arange(first, rows.bar_count))
    problem = _problem(window)
    if problem is None and window.bar_count > 0:
        problem = _overlap_problem(window) or _grid_problem(window)
    if problem is not None:
        raise ImpossibleKlines(rows.symbol, problem)
    return window


def gaps_in(window: Klines) -> tuple[Gap, ...]:
    """Return where bars are missing inside ``window``, oldest first."""
    missing_ms: IntArray = window.open_time[1:] - window.close_time[:-1] - 1
    return tuple(
        Gap(
            after_ms=int(window.open_time[row]),
            first_ms=int(window.close_time[row]) + 1,
            last_ms=int(window.open_time[row + 1]) - 1,
            missing=max(1, int(missing_ms[row]) // window.interval.milliseconds),
        )
        for row in np.flatnonzero(missing_ms)
    )


def check_age(window: Klines, horizon_ms: int) -> None:
    """Raise `StaleKlines` when a bar after ``window`` has ended by ``horizon_ms``."""
    if window.bar_count == 0:
        return
    last_open, last_close = int(window.open_time[-1]), int(window.close_time[-1])
    if window.interval is KlineInterval.MONTH1:
        # months differ: stale for certain once the longest is over
        newer = (horizon_ms - last_close - 1) // _LONGEST_MONTH_MS
    else:
        newer = (horizon_ms - last_close - 1) // window.interval.milliseconds
    if newer > 0:
        expected = last_open + newer * window.interval.milliseconds
        raise StaleKlines(window.symbol, last_open, expected)


def grid_offset(interval: KlineInterval) -> int | None:
    """Return where the interval's bars begin: this much after multiples of its length.

    None where it is not documented (three days) or does not exist (months).
    """
    if interval in (KlineInterval.D3, KlineInterval.MONTH1):
        return None
    return _GRID_OFFSET_MS.get(interval, 0)


def _sorted(klines: Klines) -> Klines:
    if np.all(np.diff(klines.open_time) > 0):
        return klines
    return selected(klines, np.argsort(klines.open_time, kind="stable"))


def _merged(klines: Klines) -> Klines:
    # equal opens: keep one if the bars are the same in every column
    repeated = np.concatenate(([False], np.diff(klines.open_time) == 0))[
        : klines.bar_count
    ]
    if not repeated.any():
        return klines
    later = np.flatnonzero(repeated)
    differs = differing_bars(selected(klines, later), selected(klines, later - 1))
    if differs.any():
        at_ms = int(klines.open_time[later[differs][0]])
        raise ImpossibleKlines(
            klines.symbol, f"two different bars opened at {at_ms} ms"
        )
    return selected(klines, ~repeated)


def _problem(klines: Klines) -> str | None:
    problem = bar_problem(
        open_=klines.open,
        high=klines.high,
        low=klines.low,
        close=klines.close,
        volume=klines.volume,
        taker_buy_volume=klines.taker_buy_volume,
    )
    if problem is not None:
        return problem
    for name in ("quote_volume", "taker_buy_quote_volume"):
        column = getattr(klines, name)
        if not np.all(np.isfinite(column) & (column >= 0)):
            return f"{name} must be finite and ≥ 0"
    lengths = klines.close_time - klines.open_time + 1
    if klines.interval is KlineInterval.MONTH1:
        in_order = lengths > 0
    else:
        in_order = lengths == klines.interval.milliseconds
    if not np.all(in_order):
        return f"every bar must last {klines.interval.value}"
    return None


def _overlap_problem(klines: Klines) -> str | None:
    # a bar must not open before the one before it has closed
    overlaps = np.flatnonzero(klines.open_time[1:] <= klines.close_time[:-1])
    if overlaps.size == 0:
        return None
    return f"bars overlap after {int(klines.open_time[overlaps[0]])} ms"


def _grid_problem(klines: Klines) -> str | None:
    # bars off the grid were cut from other trades than everybody else's
    interval = klines.interval
    if interval is KlineInterval.MONTH1:
        return None
    step_ms, offset_ms = interval.milliseconds, grid_offset(interval)
    if offset_ms is None:
        offset_ms = int(klines.open_time[0]) % step_ms
    off_grid = (klines.open_time - offset_ms) % step_ms != 0
    if not np.any(off_grid):
        return None
    at_ms = int(klines.open_time[off_grid][0])
    since = " from a Monday" if interval is KlineInterval.W1 else ""
    return (
        f"bars must open at multiples of {interval.value}{since}, "
        f"one opened at {at_ms} ms"
    )
