"""Bars in any order → one rectangle of them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from monitor.domain.history import FundingHistory, HistoryPanel, nearest_minute
from monitor.domain.market import KlineInterval
from monitor.domain.typing import BoolArray, FloatArray, IntArray, Symbol

PRICES = ("open", "high", "low", "close")
FLOWS = ("volume", "quote_volume", "taker_buy_volume")
BAR_COLUMNS = (*PRICES, *FLOWS)
"""Columns of a `HistoryPanel`, named alike in files; only prices must be there."""

SAME_RELATIVE = 1e-6
"""Two records of one value agree within this: some are float32."""


@dataclass(slots=True)
class BarFaults:
    """What was wrong with bars, counted; such bars are left out."""

    off_axis: int = 0
    """Open times that are no multiple of the interval apart."""
    impossible: int = 0
    """A price that is not positive and finite, high below or low above another."""
    contradicting: int = 0
    """Bars that were there before with other prices; the later record counts."""
    symbols: set[Symbol] = field(default_factory=set)
    """Whose."""

    def lines(self) -> tuple[str, ...]:
        """Return one line per kind that occurred."""
        kinds = (
            (self.off_axis, "off the time axis, left out"),
            (self.impossible, "with impossible prices, left out"),
            (self.contradicting, "recorded twice differently, the later one kept"),
        )
        return tuple(f"{count:,} bars {kind}" for count, kind in kinds if count)


class PanelAssembly:
    """A panel that is filled batch by batch; later bars replace earlier ones.

    Parameters
    ----------
    interval : KlineInterval
    symbols : sequence of str
        Rows of the panel.
    first_ms, last_ms : int
        Open times of the first and last bar of the panel; a multiple of the
        interval apart.
    """

    def __init__(
        self,
        interval: KlineInterval,
        symbols: Sequence[Symbol],
        *,
        first_ms: int,
        last_ms: int,
    ) -> None:
        self._interval = interval
        self._symbols = tuple(symbols)
        self._rows = {symbol: row for row, symbol in enumerate(self._symbols)}
        self._first_ms = first_ms
        step = interval.milliseconds
        self._bar_count = max(0, (last_ms - first_ms) // step + 1)
        self._columns: dict[str, FloatArray] = {}
        self.faults = BarFaults()

    def add(
        self,
        symbols: Sequence[Symbol],
        codes: IntArray,
        open_time: IntArray,
        columns: Mapping[str, FloatArray],
    ) -> None:
        """Put bars in their places; those of other contracts or times are passed by.

        Parameters
        ----------
        symbols : sequence of str
            Names that ``codes`` point at.
        codes : ndarray of shape (n,)
        open_time : ndarray of shape (n,)
            ms UTC, in any order.
        columns : mapping
            Of `BAR_COLUMNS`, shape ``(n,)`` each, all `PRICES` among them. NaN in a
            flow: not recorded, which replaces nothing.
        """
        rows = np.array([self._rows.get(name, -1) for name in symbols], dtype=np.int64)
        row = rows[codes] if rows.size else np.empty(0, np.int64)
        offset = open_time - self._first_ms
        place = offset // self._interval.milliseconds
        wanted = (row >= 0) & (place >= 0) & (place < self._bar_count)
        on_axis = offset % self._interval.milliseconds == 0
        possible = _possible(columns)
        self.faults.off_axis += self._note(wanted & ~on_axis, row)
        self.faults.impossible += self._note(wanted & on_axis & ~possible, row)
        chosen = np.flatnonzero(wanted & on_axis & possible)
        cells = row[chosen] * self._bar_count + place[chosen]
        chosen, cells = self._without_repeats(chosen, cells, columns, row)
        for name, values in columns.items():
            self._put(name, cells, np.asarray(values[chosen], dtype=np.float64))

    def panel(self) -> HistoryPanel:
        """Return the panel; the assembly is used up."""
        shape = (len(self._symbols), self._bar_count)
        nothing = np.broadcast_to(np.float64(np.nan), shape)  # takes no memory
        columns = {
            name: self._columns[name].reshape(shape)
            if name in self._columns
            else nothing
            for name in BAR_COLUMNS
        }
        self._columns = {}
        step = self._interval.milliseconds
        return HistoryPanel(
            interval=self._interval,
            symbols=self._symbols,
            open_time=self._first_ms
            + step * np.arange(self._bar_count, dtype=np.int64),
            **columns,
        )

    def _without_repeats(
        self,
        chosen: IntArray,
        cells: IntArray,
        columns: Mapping[str, FloatArray],
        row: IntArray,
    ) -> tuple[IntArray, IntArray]:
        # the last bar of each cell; what differs from an earlier one is counted
        unique, inverse = np.unique(cells, return_inverse=True)
        if unique.size < cells.size:
            last = np.zeros(unique.size, dtype=np.int64)
            np.maximum.at(last, inverse, np.arange(cells.size))
            winner = chosen[last[inverse]]
            differs = np.zeros(cells.size, dtype=np.bool_)
            for name in PRICES:
                differs |= _differs(columns[name][chosen], columns[name][winner])
            self._count_contradictions(row[chosen], differs)
            chosen, cells = chosen[last], unique
        differs = np.zeros(cells.size, dtype=np.bool_)
        for name in PRICES:
            if name in self._columns:
                before = self._columns[name][cells]
                differs |= _differs(columns[name][chosen], before)
        self._count_contradictions(row[chosen], differs)
        return chosen, cells

    def _count_contradictions(self, rows: IntArray, differs: BoolArray) -> None:
        self.faults.contradicting += self._note(differs, rows)

    def _note(self, faulty: BoolArray, row: IntArray) -> int:
        found = np.unique(row[faulty])
        self.faults.symbols.update(self._symbols[index] for index in found)
        return int(np.count_nonzero(faulty))

    def _put(self, name: str, cells: IntArray, values: FloatArray) -> None:
        if name not in self._columns:
            size = len(self._symbols) * self._bar_count
            self._columns[name] = np.full(size, np.nan)
        if name in FLOWS:
            known = np.isfinite(values) & (values >= 0)
            cells, values = cells[known], values[known]
        self._columns[name][cells] = values


def funding_history(time: IntArray, rate: FloatArray) -> FundingHistory:
    """Return settlements in order, each one once: the last one recorded counts.

    Parameters
    ----------
    time : ndarray of shape (n,)
        ms UTC, in any order. Times within one minute are one settlement: sources
        stamp it some milliseconds apart, and paid twice it would be wrong.
    rate : ndarray of shape (n,)
        Fractions; those that are not finite are left out.
    """
    finite = np.isfinite(rate)
    time, rate = time[finite], rate[finite]
    minute = nearest_minute(time)
    # of one settlement the last recorded one comes first in the reversed arrays
    _, first = np.unique(minute[::-1], return_index=True)
    return FundingHistory(
        time=time[::-1][first], rate=rate[::-1][first].astype(np.float64)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Bars missing between two that are there."""

    symbol: Symbol
    first_ms: int
    """Open time of the first missing bar."""
    last_ms: int
    """Open time of the last missing bar."""
    bar_count: int


def gaps(panel: HistoryPanel) -> tuple[Gap, ...]:
    """Return every gap inside the records of a contract, by contract and time."""
    found: list[Gap] = []
    for symbol, close in zip(panel.symbols, panel.close, strict=True):
        found += gaps_between(symbol, panel.open_time[~np.isnan(close)], panel.interval)
    return tuple(found)


def gaps_between(
    symbol: Symbol, open_time: IntArray, interval: KlineInterval
) -> tuple[Gap, ...]:
    """Return the gaps of one contract.

    Parameters
    ----------
    symbol : str
    open_time : ndarray of shape (n,)
        Of the bars that are there, ascending, ms UTC.
    interval : KlineInterval
    """
    step = interval.milliseconds
    wide = np.flatnonzero(np.diff(open_time) > step)
    return tuple(
        Gap(
            symbol=symbol,
            first_ms=int(open_time[at]) + step,
            last_ms=int(open_time[at + 1]) - step,
            bar_count=int((open_time[at + 1] - open_time[at]) // step) - 1,
        )
        for at in wide
    )


def _possible(columns: Mapping[str, FloatArray]) -> BoolArray:
    opened, high, low, close = (columns[name] for name in PRICES)
    possible = np.ones(opened.shape, dtype=np.bool_)
    for price in (opened, high, low, close):
        # NaN compares false
        possible &= (price > 0) & (price < np.inf) & (price <= high) & (price >= low)
    return possible


def _differs(ours: FloatArray, theirs: FloatArray) -> BoolArray:
    # nothing there before (NaN) is no contradiction
    distance = np.abs(ours.astype(np.float64) - theirs)
    return np.asarray(distance > SAME_RELATIVE * np.abs(theirs), dtype=np.bool_)
