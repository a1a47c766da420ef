"""The newest closed bars at a past time."""

from collections.abc import Sequence

import numpy as np

from grid_screening.calculators.volatility import (
    ATR_BARS,
    ATR_WINDOW,
    latest_average_true_range,
)
from monitor.domain.history import HistoryPanel
from monitor.domain.typing import FloatArray, IntArray


def closed_count(panel: HistoryPanel, as_of_ms: int) -> int:
    """Return how many bars of the axis are closed at ``as_of_ms``."""
    last = as_of_ms - panel.interval.milliseconds
    return int(np.searchsorted(panel.open_time, last, side="right"))


def average_true_range_at(panel: HistoryPanel, as_of_ms: int) -> FloatArray:
    """Return the ATR of all contracts over their bars closed at ``as_of_ms``.

    Returns
    -------
    ndarray of shape (n_symbols,)
        Quote currency, over the bars since the last gap, `ATR_BARS` at most; NaN with
        fewer than 15.
    """
    end = closed_count(panel, as_of_ms)
    window = slice(max(end - ATR_BARS, 0), end)
    high, low, close = (c[:, window] for c in (panel.high, panel.low, panel.close))
    out = np.full(len(panel.symbols), np.nan)
    for count, rows in _by_count(_bars_since_gap(close)):
        if count > ATR_WINDOW:
            out[rows] = latest_average_true_range(
                high[rows, -count:], low[rows, -count:], close[rows, -count:]
            )
    return out


def _bars_since_gap(close: FloatArray) -> IntArray:
    # trailing bars without a NaN, for each row
    missing = ~np.isfinite(close[:, ::-1])
    width = close.shape[-1]
    if width == 0:
        return np.zeros(close.shape[0], np.int64)
    ends = np.where(missing.any(axis=-1), missing.argmax(axis=-1), width)
    counts: IntArray = ends.astype(np.int64)
    return counts


def _by_count(counts: IntArray) -> Sequence[tuple[int, IntArray]]:
    return [(int(each), np.flatnonzero(counts == each)) for each in np.unique(counts)]
