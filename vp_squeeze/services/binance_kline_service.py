"""Symbol + interval + count → closed, checked bars. The one place that does this."""

from dataclasses import fields, replace
from typing import Protocol

import numpy as np

from monitor.domain.bars import bar_problem
from monitor.domain.market import DAY_MS, KlineInterval, Klines
from monitor.domain.typing import BoolArray, IntArray, Symbol
from vp_squeeze.exceptions import (
    ImpossibleKlines,
    InsufficientKlines,
    KlineGap,
    StaleKlines,
)


class KlineSource(Protocol):
    """What bars are asked of: `monitor.api_clients.binance.BinanceFuturesClient`."""

    def klines(
        self,
        symbol: Symbol,
        interval: KlineInterval,
        *,
        limit: int,
        start_time: int | None = None,
        end_time: int | None = None,
    ) -> Klines:
        """Return bars as the exchange sends them."""


def closed_klines(
    client: KlineSource,
    symbol: Symbol,
    interval: KlineInterval,
    *,
    count: int,
    minimum: int | None = None,
    as_of_ms: int,
    end_time: int | None = None,
) -> Klines:
    """Fetch the last ``count`` closed bars of one symbol, in one request.

    Without ``end_time`` one bar more than ``count`` is asked for, up to the bar
    that was open at ``as_of_ms``: a bar that opens while the scan runs costs
    nobody a closed one.

    Parameters
    ----------
    client : KlineSource
    symbol : str
    interval : KlineInterval
    count : int
        Closed bars wanted, at least 1.
    minimum : int, optional
        Closed bars that suffice; ``count`` by default.
    as_of_ms : int
        Server time of the scan, ms UTC: decides which bars are closed.
    end_time : int, optional
        ms UTC; only bars closed by then, asked for with ``limit = count``. Give the
        close of the last bar wanted.

    Returns
    -------
    Klines
        As `checked_klines`.

    Raises
    ------
    KlineError
        As `checked_klines`.
    ExchangeError
        The request failed.
    """
    _check_counts(count, minimum)
    fetched = client.klines(
        symbol,
        interval,
        limit=count + 1 if end_time is None else count,
        end_time=as_of_ms if end_time is None else min(end_time, as_of_ms),
    )
    return checked_klines(
        fetched, count=count, minimum=minimum, as_of_ms=as_of_ms, end_time=end_time
    )


def checked_klines(
    klines: Klines,
    *,
    count: int,
    minimum: int | None = None,
    as_of_ms: int,
    end_time: int | None = None,
) -> Klines:
    """Last ``count`` closed bars: ascending, without gaps, possible, not stale. Pure.

    Order is restored and equal duplicates are merged; everything else that is
    wrong is an error, since bad bars are worse than none.

    Parameters
    ----------
    klines : Klines
        As the exchange sent them.
    count, minimum, as_of_ms, end_time
        As for `closed_klines`.

    Returns
    -------
    Klines
        At most ``count`` and at least ``minimum`` bars, contiguous arrays.

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
    needed = _check_counts(count, minimum)
    horizon_ms = as_of_ms if end_time is None else min(as_of_ms, end_time + 1)
    closed = _selected(klines, klines.close_time < horizon_ms)
    window = _last(_merged(_sorted(closed)), count)
    problem = _problem(window)
    if problem is not None:
        raise ImpossibleKlines(klines.symbol, problem)
    if window.bar_count > 0:
        _check_gaps(window)
        problem = _grid_problem(window)
        if problem is not None:
            raise ImpossibleKlines(klines.symbol, problem)
        _check_age(window, horizon_ms)
    if window.bar_count < needed:
        raise InsufficientKlines(klines.symbol, window.bar_count, needed)
    return window


def _check_counts(count: int, minimum: int | None) -> int:
    if count < 1:
        raise ValueError(f"count must be at least 1, was {count}")
    if minimum is None:
        return count
    if not 1 <= minimum <= count:
        raise ValueError(f"minimum must be in 1…{count}, was {minimum}")
    return minimum


def _selected(klines: Klines, rows: "IntArray | BoolArray") -> Klines:
    columns = {
        column.name: getattr(klines, column.name)[rows]
        for column in fields(klines)
        if column.name not in {"symbol", "interval"}
    }
    return replace(klines, **columns)


def _sorted(klines: Klines) -> Klines:
    if np.all(np.diff(klines.open_time) > 0):
        return klines
    return _selected(klines, np.argsort(klines.open_time, kind="stable"))


def _merged(klines: Klines) -> Klines:
    # equal opens: keep one if the bars are the same in every column
    repeated = np.concatenate(([False], np.diff(klines.open_time) == 0))[
        : klines.bar_count
    ]
    if not repeated.any():
        return klines
    later = np.flatnonzero(repeated)
    for column in fields(klines):
        if column.name in {"symbol", "interval"}:
            continue
        values = getattr(klines, column.name)
        differs = values[later] != values[later - 1]
        if differs.any():
            at_ms = int(klines.open_time[later[differs][0]])
            raise ImpossibleKlines(
                klines.symbol, f"two different bars opened at {at_ms} ms"
            )
    return _selected(klines, ~repeated)


def _last(klines: Klines, count: int) -> Klines:
    first = max(0, klines.bar_count - count)
    return _selected(klines, np.arange(first, klines.bar_count))


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


def _grid_problem(klines: Klines) -> str | None:
    # bars off the grid were cut from other trades than everybody else's
    interval = klines.interval
    if interval is KlineInterval.MONTH1:
        return None
    step_ms, offset_ms = interval.milliseconds, _GRID_OFFSET_MS.get(interval, 0)
    if interval is KlineInterval.D3:  # where its grid starts is not documented
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


def _check_gaps(klines: Klines) -> None:
    # a bar must open the millisecond after the one before it closed
    missing_ms: IntArray = klines.open_time[1:] - klines.close_time[:-1] - 1
    if not np.any(missing_ms != 0):
        return
    first = int(np.flatnonzero(missing_ms)[0])
    after_ms = int(klines.open_time[first])
    if missing_ms[first] < 0:
        raise ImpossibleKlines(klines.symbol, f"bars overlap after {after_ms} ms")
    missing = max(1, int(missing_ms[first]) // klines.interval.milliseconds)
    raise KlineGap(klines.symbol, missing, after_ms)


def _check_age(klines: Klines, horizon_ms: int) -> None:
    last_open, last_close = int(klines.open_time[-1]), int(klines.close_time[-1])
    if klines.interval is KlineInterval.MONTH1:
        # months differ: stale for certain once the longest is over
        newer = (horizon_ms - last_close - 1) // (_LONGEST_MONTH_MS)
    else:
        newer = (horizon_ms - last_close - 1) // klines.interval.milliseconds
    if newer > 0:
        expected = last_open + newer * klines.interval.milliseconds
        raise StaleKlines(klines.symbol, last_open, expected)


_LONGEST_MONTH_MS = 31 * DAY_MS
_GRID_OFFSET_MS = {KlineInterval.W1: 4 * DAY_MS}  # 1970 began on a Thursday
