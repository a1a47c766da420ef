"""Planned grids run over recorded prices, and what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

import numpy as np

from grid_screening.backtest.design import GridDesign, grid_batch
from grid_screening.backtest.grids import (
    Costs,
    EndReason,
    FillOrder,
    GridBatch,
    GridOutcomes,
    Start,
)
from grid_screening.backtest.maintenance import Maintenance
from grid_screening.backtest.partitions import PathSource, parameter_sweep
from grid_screening.backtest.paths import PricePaths
from grid_screening.backtest.sweep import LOCAL, DoneHook
from monitor.domain.history import FundingBySymbol
from monitor.domain.market import DAY_MS, HOUR_MS
from monitor.domain.typing import IntArray, Symbol

FUNDING_EDGE_MS = 8 * HOUR_MS
"""The longest usual interval: the first settlement of a run may be so far away."""

_SHARED = {
    f.name for f in fields(GridOutcomes)
} - {"end_reason", "end_bar", "pnl"}  # fmt: skip


class FundingRecord(StrEnum):
    """How much of a run's funding is known."""

    ALL = "all"
    PART = "part"
    """Settlements are missing; the sum is of those that are known."""
    NONE = "none"
    """Not recorded, which is not zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One grid and the time it may run."""

    symbol: Symbol
    begin_ms: int
    """ms UTC."""
    end_ms: int
    """Horizon, excluded."""
    design: GridDesign


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRun:
    """One simulated grid. Amounts in quote currency, + = gain.

    The seven parts of ``pnl`` and the counts mean what they mean in `GridOutcomes`.
    """

    symbol: Symbol
    begin_ms: int
    end_ms: int
    design: GridDesign
    pnl: float
    """Fills in candle order."""
    pnl_low_first: float
    """With the low first in all bars …"""
    pnl_high_first: float
    """… and with the high first. Candle order may lie outside."""
    harvest: float
    displacement: float
    initial_short: float
    stop_loss: float
    liquidation_loss: float
    fees: float
    funding: float
    """0 where ``funding_record`` is none."""
    funding_record: FundingRecord
    static_short: float
    fill_count: int
    round_trips: int
    bars_run: int
    bars_inside: int
    worst_equity: float
    max_drawdown: float
    end_reason: EndReason
    ended_ms: int
    """Close of the last bar it was alive in, ms UTC."""
    end_price: float
    end_lots: int

    @property
    def pnl_low(self) -> float:
        """The lower of the results of both fixed orders."""
        return min(self.pnl_low_first, self.pnl_high_first)

    @property
    def pnl_high(self) -> float:
        """The higher of them."""
        return max(self.pnl_low_first, self.pnl_high_first)

    @property
    def of_margin(self) -> float:
        """PnL as a fraction of the margin."""
        return self.pnl / self.design.margin

    @property
    def of_notional(self) -> float:
        """PnL as a fraction of the largest notional."""
        return self.pnl / self.design.notional

    @property
    def inside_share(self) -> float:
        """Share of its bars that closed between the bounds; NaN without a bar."""
        return self.bars_inside / self.bars_run if self.bars_run else float("nan")


def batch_of(
    runs: Sequence[PlannedRun], paths: PricePaths, *, start: Start
) -> GridBatch:
    """Return ``runs`` as grids on ``paths``.

    Each begins with the first bar that opens at or after ``begin_ms``.
    """
    places = {symbol: row for row, symbol in enumerate(paths.symbols)}
    return grid_batch(
        [run.design for run in runs],
        rows=np.array([places[run.symbol] for run in runs], np.int64),
        begins=_bars(paths, [run.begin_ms for run in runs]),
        ends=_bars(paths, [run.end_ms for run in runs]),
        start=start,
    )


def grid_runs(
    runs: Sequence[PlannedRun],
    grids: GridBatch,
    source: PathSource,
    *,
    open_time: IntArray,
    interval_ms: int,
    funding: FundingBySymbol,
    costs: Costs,
    maintenance: Maintenance | None,
    engine: str = LOCAL,
    on_done: DoneHook | None = None,
) -> tuple[GridRun, ...]:
    """Simulate ``grids`` in candle order and in both fixed orders.

    Parameters
    ----------
    runs : sequence of PlannedRun
        What `batch_of` made ``grids`` of.
    grids : GridBatch
    source : PathSource
        Prices.
    open_time : ndarray of shape (n_bars,)
        Of the prices, ms UTC.
    interval_ms : int
        Of the prices.
    funding : mapping
        What is known of it, to tell zero from unknown.
    costs, maintenance, engine, on_done
        As `parameter_sweep`.

    Raises
    ------
    EngineUnavailable, InvalidSettings
        As `parameter_sweep`.
    """
    if not runs:
        return ()
    orders = (FillOrder.CANDLE, FillOrder.LOW_FIRST, FillOrder.HIGH_FIRST)
    candle, low_first, high_first = parameter_sweep(
        source,
        grids,
        costs,
        orders=orders,
        maintenance=maintenance,
        engine=engine,
        on_done=on_done,
    )
    ended = open_time[candle.end_bar] + interval_ms
    return tuple(
        GridRun(
            symbol=run.symbol,
            begin_ms=run.begin_ms,
            end_ms=run.end_ms,
            design=run.design,
            pnl=float(candle.pnl[n]),
            pnl_low_first=float(low_first.pnl[n]),
            pnl_high_first=float(high_first.pnl[n]),
            end_reason=EndReason(int(candle.end_reason[n])),
            ended_ms=int(ended[n]),
            funding_record=funding_record(
                funding, run.symbol, run.begin_ms, int(ended[n])
            ),
            **{name: getattr(candle, name)[n].item() for name in sorted(_SHARED)},
        )
        for n, run in enumerate(runs)
    )


def funding_record(
    funding: FundingBySymbol, symbol: Symbol, begin_ms: int, end_ms: int
) -> FundingRecord:
    """Return how much of the funding from ``begin_ms`` to ``end_ms`` is known.

    All: a settlement lies within `FUNDING_EDGE_MS` of both ends, and none of the gaps
    between is longer than a day.
    """
    events = funding.get(symbol)
    if events is None:
        return FundingRecord.NONE
    first, last = begin_ms - FUNDING_EDGE_MS, end_ms + FUNDING_EDGE_MS
    inside = events.time[(events.time >= first) & (events.time <= last)]
    if inside.size == 0:
        return FundingRecord.NONE
    reaches = inside[0] <= begin_ms + FUNDING_EDGE_MS
    reaches &= inside[-1] >= end_ms - FUNDING_EDGE_MS
    is_whole = bool(reaches) and bool(np.all(np.diff(inside) <= DAY_MS))
    return FundingRecord.ALL if is_whole else FundingRecord.PART


def _bars(paths: PricePaths, times: Sequence[int]) -> IntArray:
    wanted = np.array(times, np.int64)
    return np.searchsorted(paths.open_time, wanted, side="left").astype(np.int64)
