"""Many contracts × many grids, a few contracts at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Protocol, Self

import numpy as np

from grid_screening.backtest.grids import Costs, FillOrder, GridBatch, GridOutcomes
from grid_screening.backtest.maintenance import Maintenance
from grid_screening.backtest.paths import PricePaths
from grid_screening.backtest.sweep import LOCAL, DoneHook, spread
from monitor.domain.market import KlineInterval
from monitor.domain.typing import IntArray, Symbol

BYTES_PER_BAR = 32
"""Open, high, low, close of one contract."""

PARTITION_BYTES = 256 * 2**20
"""Prices of one partition: while it reads them a thread holds two and a half times
this (80 bytes a bar, volumes and buffers included)."""


class PathSource(Protocol):
    """Where the prices of some contracts come from."""

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Whose: the rows that grids name."""

    @property
    def bar_count(self) -> int:
        """Bars of each, for the size of partitions."""

    @property
    def grids_per_task(self) -> int:
        """Grids of a partition for which it is worth having the prices once more."""

    def part(self, first: int, last: int) -> Self:
        """Return the contracts ``first`` to ``last``, the last excluded."""

    def paths(self) -> PricePaths:
        """Return the prices, read now."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedPaths:
    """Prices that are in memory; they travel to a cluster with their tasks."""

    loaded: PricePaths

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Whose."""
        return self.loaded.symbols

    @property
    def bar_count(self) -> int:
        """Bars of each."""
        return int(self.loaded.open_time.size)

    @property
    def grids_per_task(self) -> int:
        """Few: the prices are there."""
        return 2_048

    def part(self, first: int, last: int) -> "LoadedPaths":
        """Return some contracts; the arrays are views."""
        paths, offset = self.loaded, self.loaded.funding_offset
        events = slice(int(offset[first]), int(offset[last]))
        mark = paths.mark_high
        return LoadedPaths(
            loaded=replace(
                paths,
                symbols=paths.symbols[first:last],
                open=paths.open[first:last],
                high=paths.high[first:last],
                low=paths.low[first:last],
                close=paths.close[first:last],
                mark_high=None if mark is None else mark[first:last],
                funding_offset=offset[first : last + 1] - offset[first],
                funding_bar=paths.funding_bar[events],
                funding_rate=paths.funding_rate[events],
            )
        )

    def paths(self) -> PricePaths:
        """Return the prices."""
        return self.loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPaths:
    """Prices in a folder that every worker can read: only names travel."""

    folder: str
    """As `monitor.market_data.history.opened_history` takes it, at the same place on
    all machines."""
    interval: KlineInterval
    symbols: tuple[Symbol, ...]
    start_ms: int
    """Bars that open from here on, ms UTC …"""
    end_ms: int
    """… and before."""

    @property
    def bar_count(self) -> int:
        """Bars of each at most."""
        return max((self.end_ms - self.start_ms) // self.interval.milliseconds, 1)

    @property
    def grids_per_task(self) -> int:
        """Many: reading a partition takes as long as thousands of weekly grids."""
        return 65_536

    def part(self, first: int, last: int) -> "HistoryPaths":
        """Return some contracts."""
        return replace(self, symbols=self.symbols[first:last])

    def paths(self) -> PricePaths:
        """Return the prices, read from the folder.

        Raises
        ------
        HistoryUnreadable, ValueError
            As `opened_history` and its ``panel``.
        """
        from monitor.market_data.history import opened_history

        history = opened_history(Path(self.folder))
        panel = history.panel(
            self.interval,
            symbols=self.symbols,
            start_ms=self.start_ms,
            end_ms=self.end_ms,
        )
        return PricePaths.of_history(panel, history.funding(self.symbols))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Task:
    source: PathSource
    grids: GridBatch
    costs: Costs
    orders: tuple[FillOrder, ...]
    maintenance: Maintenance | None


def parameter_sweep(
    source: PathSource,
    grids: GridBatch,
    costs: Costs | None = None,
    *,
    orders: Sequence[FillOrder] = (FillOrder.CANDLE,),
    maintenance: Maintenance | None = None,
    engine: str = LOCAL,
    partition_bytes: int = PARTITION_BYTES,
    on_done: DoneHook | None = None,
) -> tuple[GridOutcomes, ...]:
    """Simulate ``n`` grids on many contracts, partitioned by contract.

    Parameters
    ----------
    source : PathSource
        Prices: `LoadedPaths` or, for what does not fit into memory and for clusters,
        `HistoryPaths`.
    grids : GridBatch
        Their ``row`` is the place of the contract in ``source.symbols``.
    costs : Costs, optional
    orders : sequence of FillOrder
        One result for each; the prices of a partition are read once for all.
    maintenance : Maintenance, optional
        Rows as in ``source.symbols``.
    engine : str
        As `grid_screening.backtest.sweep.spread`.
    partition_bytes : int
        Prices held at once by each thread; one contract at least.
    on_done : callable, optional
        Called with (done, total) partitions.

    Returns
    -------
    tuple of GridOutcomes
        For each order, the grids in the order given: the same numbers as
        `simulated_grids` on all prices at once, to the bit.

    Raises
    ------
    EngineUnavailable, InvalidSettings
        As `spread`.
    """
    work = _Task(
        source=source,
        grids=grids,
        costs=Costs() if costs is None else costs,
        orders=tuple(orders),
        maintenance=maintenance,
    )
    tasks = list(_partitions(work, partition_bytes))
    done = spread(
        _simulated, [task for _, task in tasks], engine=engine, on_done=on_done
    )
    places = [place for place, _ in tasks]
    return tuple(
        _joined([parts[number] for parts in done], places, grids.row.size)
        for number in range(len(orders))
    )


def _partitions(work: _Task, partition_bytes: int) -> Iterator[tuple[IntArray, _Task]]:
    # which grids, and the task that simulates them
    source, row = work.source, work.grids.row
    height = max(partition_bytes // (BYTES_PER_BAR * source.bar_count), 1)
    by_row = np.argsort(row, kind="stable")
    for first in range(0, len(source.symbols), height):
        last = min(first + height, len(source.symbols))
        begin, end = np.searchsorted(row[by_row], (first, last))
        for cut in range(begin, end, source.grids_per_task):
            places = by_row[cut : min(cut + source.grids_per_task, end)]
            own = _taken(work.grids, places)
            yield (
                places,
                replace(
                    work,
                    source=source.part(first, last),
                    grids=replace(own, row=own.row - first),
                    maintenance=_rows_of(work.maintenance, first, last),
                ),
            )


def _simulated(task: _Task) -> tuple[GridOutcomes, ...]:
    # compiled code is loaded where it runs
    from grid_screening.backtest.engine import simulated_grids

    paths = task.source.paths()
    return tuple(
        simulated_grids(
            paths, task.grids, task.costs, order=order, maintenance=task.maintenance
        )
        for order in task.orders
    )


def _taken(grids: GridBatch, places: IntArray) -> GridBatch:
    columns = {f.name: getattr(grids, f.name)[places] for f in fields(GridBatch)}
    return GridBatch(**columns)


def _rows_of(
    maintenance: Maintenance | None, first: int, last: int
) -> Maintenance | None:
    if maintenance is None:
        return None
    columns = {
        f.name: getattr(maintenance, f.name)[first:last] for f in fields(Maintenance)
    }
    return Maintenance(**columns)


def _joined(
    parts: Sequence[GridOutcomes], places: Sequence[IntArray], count: int
) -> GridOutcomes:
    columns = {}
    for field in fields(GridOutcomes):
        found = [getattr(part, field.name) for part in parts]
        kind = found[0].dtype if found else np.float64
        column = np.empty(count, kind)
        for place, values in zip(places, found, strict=True):
            column[place] = values
        columns[field.name] = column
    return GridOutcomes(**columns)
