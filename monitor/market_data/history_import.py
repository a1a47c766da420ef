"""Recorded Parquet files → store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from monitor.domain.history import HistoryPanel
from monitor.domain.market import KlineInterval
from monitor.domain.typing import Symbol
from monitor.market_data.history import History
from monitor.market_data.history_assembly import BAR_COLUMNS
from monitor.market_data.history_download import OnStep, Step
from monitor.market_data.history_rows import (
    HistoryKind,
    HistoryRows,
    Series,
    history_rows,
    is_symbol,
    month_bounds,
    months_between,
    united,
)
from monitor.market_data.history_store import HistoryStore, Partition

CONTRACTS_AT_ONCE = 50
"""Read together: 50 contracts with 6,000 bars take 17 MB."""
IMPORT_SOURCE = "import "
"""Begins the label of rows from a recorded folder; its name follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What came in."""

    series: tuple[Series, ...]
    row_count: int
    """Rows that were not there before."""
    skipped: tuple[str, ...]
    """Names that cannot be contracts."""
    warning: str | None = None
    """Of the folder that was read; see `store_warning`."""


def imported(
    history: History, store: HistoryStore, *, on_step: OnStep = lambda _: None
) -> ImportReport:
    """Put everything that ``history`` has into ``store``; again changes nothing.

    Rows of the archive or the exchange that are there already stay as they are.

    Parameters
    ----------
    history : History
    store : HistoryStore
        Locked by the caller.
    on_step : callable, optional
        Told of each contract.

    Raises
    ------
    HistoryUnreadable, HistoryNotWritable
    """
    names = {
        symbol for interval in history.intervals for symbol in history.symbols(interval)
    }
    funding = history.funding()
    skipped = sorted(name for name in {*names, *funding} if not is_symbol(name))
    total = len(funding) + sum(len(history.symbols(i)) for i in history.intervals)
    label = IMPORT_SOURCE + history.label
    done: list[Series] = []
    row_count = 0
    for series, rows in _all_rows(history, skipped):
        row_count += _put(store, series, rows, label)
        done.append(series)
        on_step(Step(len(done), total, str(series)))
    return ImportReport(
        series=tuple(done),
        row_count=row_count,
        skipped=tuple(skipped),
        warning=history.warning,
    )


def _all_rows(
    history: History, skipped: Sequence[Symbol]
) -> Iterator[tuple[Series, HistoryRows]]:
    for interval in history.intervals:
        symbols = [name for name in history.symbols(interval) if name not in skipped]
        for begin in range(0, len(symbols), CONTRACTS_AT_ONCE):
            some = symbols[begin : begin + CONTRACTS_AT_ONCE]
            panel = history.panel(interval, symbols=some)
            for row, symbol in enumerate(some):
                yield _bars(panel, row, symbol, interval)
    for symbol, events in history.funding().items():
        if symbol not in skipped:
            yield (
                Series(kind=HistoryKind.FUNDING, symbol=symbol),
                history_rows(
                    HistoryKind.FUNDING, events.time, {"funding_rate": events.rate}
                ),
            )


def _bars(
    panel: HistoryPanel, row: int, symbol: Symbol, interval: KlineInterval
) -> tuple[Series, HistoryRows]:
    there = ~np.isnan(panel.close[row])
    return (
        Series(kind=HistoryKind.KLINES, symbol=symbol, interval=interval),
        history_rows(
            HistoryKind.KLINES,
            panel.open_time[there],
            {name: getattr(panel, name)[row][there] for name in BAR_COLUMNS},
        ),
    )


def _put(store: HistoryStore, series: Series, rows: HistoryRows, label: str) -> int:
    if not rows.row_count:
        return 0
    new = 0
    for month in months_between(int(rows.time[0]), int(rows.time[-1]) + 1):
        some = rows.opened_within(*month_bounds(month))
        if not some.row_count:
            continue
        kept = store.read(series, month)
        joined = some if kept is None else united(some, kept.rows)
        before = 0 if kept is None else kept.rows.row_count
        if joined.row_count == before:
            continue
        new += joined.row_count - before
        sources = {} if kept is None else dict(kept.sources)
        confirmed = () if kept is None else kept.confirmed
        store.write(
            series,
            month,
            Partition(rows=joined, sources={**sources, label: ""}, confirmed=confirmed),
        )
    return new
