"""Selecting, joining and comparing the columns of bars. Pure."""

from dataclasses import fields, replace
from typing import Any, TypeAlias

import numpy as np

from monitor.domain.market import Klines
from monitor.domain.typing import BoolArray, FloatArray, IntArray

Rows: TypeAlias = slice | IntArray | BoolArray

COLUMNS = tuple(
    column.name
    for column in fields(Klines)
    if column.name not in {"symbol", "interval"}
)
"""Names of the columns, in the order in which they are kept."""
INTEGER_COLUMNS = frozenset({"open_time", "close_time", "trade_count"})


def selected(klines: Klines, rows: Rows) -> Klines:
    """Return the chosen bars; a slice shares memory with ``klines``."""
    chosen: dict[str, Any] = {name: getattr(klines, name)[rows] for name in COLUMNS}
    return replace(klines, **chosen)


def joined(first: Klines, *others: Klines) -> Klines:
    """Return the bars of all, one after the other, named as ``first``."""
    parts = (first, *others)
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in COLUMNS
    }
    return replace(first, **columns)


def closed_before(klines: Klines, horizon_ms: int) -> Klines:
    """Return the bars whose last millisecond lies before ``horizon_ms``.

    Parameters
    ----------
    klines : Klines
        Ascending.
    """
    count = int(np.searchsorted(klines.close_time, horizon_ms, side="left"))
    return selected(klines, slice(0, count))


def opened_within(klines: Klines, first_ms: int, last_ms: int) -> Klines:
    """Return the bars that open in ``first_ms…last_ms``.

    Parameters
    ----------
    klines : Klines
        Ascending.
    """
    first = int(np.searchsorted(klines.open_time, first_ms, side="left"))
    last = int(np.searchsorted(klines.open_time, last_ms, side="right"))
    return selected(klines, slice(first, max(first, last)))


def differing_bars(ours: Klines, theirs: Klines) -> BoolArray:
    """Tell for each bar whether the two versions differ in any bit of any column.

    Parameters
    ----------
    ours, theirs : Klines
        Equally many bars.
    """
    differs = np.zeros(ours.bar_count, dtype=np.bool_)
    for name in COLUMNS:
        differs |= _bits(getattr(ours, name)) != _bits(getattr(theirs, name))
    return differs


def are_equal(ours: Klines, theirs: Klines) -> bool:
    """Return whether both hold the same bars, bit for bit."""
    return ours.bar_count == theirs.bar_count and not differing_bars(ours, theirs).any()


def _bits(column: IntArray | FloatArray) -> IntArray:
    return np.ascontiguousarray(column).view(np.int64)
