"""The prices that grids are simulated on."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from monitor.domain.history import FundingBySymbol, HistoryPanel, nearest_minute
from monitor.domain.typing import FloatArray, IntArray, Symbol


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PricePaths:
    """Bars of many contracts and what was settled on them.

    A NaN bar ends a grid that runs there (reason ``NO_DATA``, closed at the last
    known close): contracts that were delisted stay in the sample.
    """

    symbols: tuple[Symbol, ...]
    open_time: IntArray
    """Shape ``(n_bars,)``, ms UTC, ascending, equidistant."""
    interval_ms: int
    open: FloatArray
    """Shape ``(n_symbols, n_bars)``, C-contiguous, like all four; quote currency."""
    high: FloatArray
    low: FloatArray
    close: FloatArray
    mark_high: FloatArray | None = None
    """Highest mark price of each bar, the path that liquidates; None: the traded
    high stands in for it."""
    funding_offset: IntArray
    """Shape ``(n_symbols + 1,)``: symbol i has events ``offset[i]`` to
    ``offset[i + 1]``, the last excluded."""
    funding_bar: IntArray
    """Shape ``(n_events,)``: index of the bar that opens at or first after the
    settlement (to the minute); it applies to the inventory held at that bar's open."""
    funding_rate: FloatArray
    """Shape ``(n_events,)``: fraction per settlement; positive: the short receives."""

    @classmethod
    def of_history(cls, panel: HistoryPanel, funding: FundingBySymbol) -> Self:
        """Return the paths of ``panel`` with the funding that fell on them.

        Contracts that ``funding`` lacks settle nothing; say so where it matters.
        """
        bars, rates, counts = [], [], []
        for symbol in panel.symbols:
            events = funding.get(symbol)
            if events is None or panel.bar_count == 0:
                counts.append(0)
                continue
            settled = nearest_minute(events.time)
            at = np.searchsorted(panel.open_time, settled, side="left")
            inside = (settled >= panel.open_time[0]) & (at < panel.bar_count)
            bars.append(at[inside].astype(np.int64))
            rates.append(events.rate[inside])
            counts.append(int(inside.sum()))
        return cls(
            symbols=panel.symbols,
            open_time=panel.open_time,
            interval_ms=panel.interval.milliseconds,
            open=np.ascontiguousarray(panel.open),
            high=np.ascontiguousarray(panel.high),
            low=np.ascontiguousarray(panel.low),
            close=np.ascontiguousarray(panel.close),
            funding_offset=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            funding_bar=np.concatenate([np.empty(0, np.int64), *bars]),
            funding_rate=np.concatenate([np.empty(0), *rates]),
        )
