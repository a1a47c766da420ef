"""Coarser bars from finer ones, as the exchange would have made them."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.domain.history import HistoryPanel
from monitor.domain.market import KlineInterval
from monitor.domain.typing import BoolArray, FloatArray

Blocks: TypeAlias = NDArray[np.float64]


def coarser_panel(panel: HistoryPanel, interval: KlineInterval) -> HistoryPanel:
    """Return ``panel`` in bars of ``interval``, aligned to UTC midnight of 1970.

    Parameters
    ----------
    panel : HistoryPanel
        Finer bars.
    interval : KlineInterval
        A whole multiple of the panel's.

    Returns
    -------
    HistoryPanel
        Bars of which the time axis of ``panel`` holds every part. Open of the first
        part, highest high, lowest low, close of the last, sums of the volumes. A bar
        that lacks a part is NaN: half a bar is not the bar of that time.

    Raises
    ------
    ValueError
        ``interval`` is no whole multiple, or a month.
    """
    factor, rest = divmod(interval.milliseconds, panel.interval.milliseconds)
    if rest or factor < 1 or interval is KlineInterval.MONTH1:
        raise ValueError(
            f"interval must be a whole multiple of {panel.interval.value}, "
            f"was {interval.value}"
        )
    if factor == 1:
        return panel
    first = _first_aligned(panel, interval)
    count = (panel.bar_count - first) // factor

    def blocks(column: FloatArray) -> Blocks:
        used = column[:, first : first + count * factor]
        return used.reshape(len(panel.symbols), count, factor)

    complete = blocks(_is_bar(panel).astype(np.float64)).min(axis=-1, initial=1) > 0

    def bars(values: FloatArray) -> FloatArray:
        return np.where(complete, values, np.nan)

    return HistoryPanel(
        interval=interval,
        symbols=panel.symbols,
        open_time=panel.open_time[first : first + count * factor : factor].copy(),
        open=bars(blocks(panel.open)[..., 0]),
        high=bars(blocks(panel.high).max(axis=-1, initial=-np.inf)),
        low=bars(blocks(panel.low).min(axis=-1, initial=np.inf)),
        close=bars(blocks(panel.close)[..., -1]),
        volume=bars(blocks(panel.volume).sum(axis=-1)),
        quote_volume=bars(blocks(panel.quote_volume).sum(axis=-1)),
        taker_buy_volume=bars(blocks(panel.taker_buy_volume).sum(axis=-1)),
    )


def possible_panel(panel: HistoryPanel) -> HistoryPanel:
    """Return ``panel`` with impossible bars made missing.

    A bar is possible when its prices are finite and > 0, its high and low enclose
    open and close, and its volume is finite and ≥ 0; no market can produce others.
    """
    impossible = _is_bar(panel) & ~_is_possible(panel)
    if not impossible.any():
        return panel

    def kept(column: FloatArray) -> FloatArray:
        return np.where(impossible, np.nan, column)

    return HistoryPanel(
        interval=panel.interval,
        symbols=panel.symbols,
        open_time=panel.open_time,
        open=kept(panel.open),
        high=kept(panel.high),
        low=kept(panel.low),
        close=kept(panel.close),
        volume=kept(panel.volume),
        quote_volume=kept(panel.quote_volume),
        taker_buy_volume=kept(panel.taker_buy_volume),
    )


def _first_aligned(panel: HistoryPanel, interval: KlineInterval) -> int:
    aligned = np.flatnonzero(panel.open_time % interval.milliseconds == 0)
    return int(aligned[0]) if aligned.size else panel.bar_count


def _is_bar(panel: HistoryPanel) -> BoolArray:
    is_bar: BoolArray = np.isfinite(panel.close)
    return is_bar


def _is_possible(panel: HistoryPanel) -> BoolArray:
    with np.errstate(invalid="ignore"):
        possible: BoolArray = (
            (panel.low > 0)
            & np.isfinite(panel.high)
            & (panel.high >= np.maximum(panel.open, panel.close))
            & (panel.low <= np.minimum(panel.open, panel.close))
            & np.isfinite(panel.volume)
            & (panel.volume >= 0)
        )
    return possible
