"""Bars that are kept and bars that were fetched → one series. Pure."""

from monitor.domain.market import Klines
from monitor.market_data.columns import (
    are_equal,
    closed_before,
    joined,
    opened_within,
    selected,
)
from monitor.market_data.series import Beginning, KlineSeries

SETTLING_MS = 2_000
"""A bar that closed less than this before the scan is used, but not kept: the
exchange may still be adding the last trades to it."""


def known_at(series: KlineSeries | None, as_of_ms: int) -> KlineSeries | None:
    """Return the bars that had closed at ``as_of_ms``; None when there are none.

    Others may be there when the exchange's clock was set back: they are the past of
    another run.
    """
    if series is None:
        return None
    klines = closed_before(series.klines, as_of_ms)
    if klines.bar_count == 0:
        return None
    return KlineSeries(klines=klines, beginning=series.beginning)


def settled_at(series: KlineSeries, as_of_ms: int) -> KlineSeries | None:
    """Return the bars that will not change any more; None when there are none."""
    return known_at(series, as_of_ms - SETTLING_MS)


def extended(kept: Klines, newer: Klines) -> Klines | None:
    """Return ``kept`` with what is new in ``newer``; None when they disagree.

    Parameters
    ----------
    kept : Klines
        Without gaps, at least one bar.
    newer : Klines
        Ascending; must begin within ``kept``, and repeat it bit for bit from there.
    """
    if newer.bar_count == 0:
        return None
    last_ms = int(kept.open_time[-1])
    first_ms, latest_ms = int(newer.open_time[0]), int(newer.open_time[-1])
    overlap = opened_within(kept, first_ms, latest_ms)
    repeated = opened_within(newer, first_ms, last_ms)
    if overlap.bar_count == 0 or not are_equal(overlap, repeated):
        return None
    return joined(kept, selected(newer, slice(repeated.bar_count, None)))


def united(
    kept: KlineSeries | None, window: Klines, *, is_short: bool
) -> tuple[KlineSeries, bool]:
    """Return what to keep after ``window`` was fetched in full.

    Parameters
    ----------
    kept : KlineSeries or None
        What was kept so far.
    window : Klines
        Checked bars of an equidistant interval, at least one.
    is_short : bool
        The exchange sent fewer bars than asked for.

    Returns
    -------
    series : KlineSeries
        ``window`` with the older and newer bars of ``kept`` that adjoin it.
    is_corrected : bool
        ``kept`` and ``window`` disagree about a bar: nothing of ``kept`` stays.
    """
    beginning = Beginning.REPORTED if is_short else Beginning.UNKNOWN
    alone = KlineSeries(klines=window, beginning=beginning)
    if kept is None:
        return alone, False
    step_ms = window.interval.milliseconds
    apart = (
        alone.first_open > kept.last_open + step_ms
        or kept.first_open > alone.last_open + step_ms
    )
    if apart:
        return (alone if alone.last_open > kept.last_open else kept), False
    first_ms, last_ms = alone.first_open, alone.last_open
    repeated = opened_within(kept.klines, first_ms, last_ms)
    counterpart = opened_within(window, kept.first_open, kept.last_open)
    on_grid = (first_ms - kept.first_open) % step_ms == 0
    if not on_grid or not are_equal(repeated, counterpart):
        return alone, True
    klines = joined(
        opened_within(kept.klines, kept.first_open, first_ms - 1),
        window,
        opened_within(kept.klines, last_ms + 1, kept.last_open),
    )
    said_twice = is_short and kept.beginning is Beginning.REPORTED
    if kept.first_open < first_ms:
        beginning = kept.beginning
    elif kept.first_open == first_ms and (
        said_twice or kept.beginning is Beginning.CONFIRMED
    ):
        beginning = Beginning.CONFIRMED
    return KlineSeries(klines=klines, beginning=beginning), False
