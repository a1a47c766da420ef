"""One grid bar by bar, to be drawn."""

from dataclasses import dataclass, fields

import numpy as np

from grid_screening.backtest.compiled_run import ended
from grid_screening.backtest.grids import Costs, FillOrder, GridBatch, GridOutcomes
from grid_screening.backtest.kernel_types import TRACE_COLUMNS
from grid_screening.backtest.maintenance import Maintenance
from grid_screening.backtest.outcomes import outcomes_of
from grid_screening.backtest.paths import PricePaths
from monitor.domain.typing import FloatArray, IntArray

_DEFAULT_COSTS = Costs()
_LEGS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridTrace:
    """The way of one grid; the bars are those it was alive in."""

    bar: IntArray
    """Shape ``(bars_run,)``: positions on the path."""
    equity: FloatArray
    """Shape ``(bars_run,)``: change since the start at each close; the last one with
    all closed: the PnL."""
    lots: IntArray
    """Shape ``(bars_run,)``: short at each close; the last one just before closing."""
    fill_bar: IntArray
    """Shape ``(fill_count,)``, in the order of the fills; without the initial short
    and the closing trade."""
    fill_price: FloatArray
    fill_side: IntArray
    """+1 bought, −1 sold."""
    levels: FloatArray
    """Shape ``(n_levels,)``, ascending, quote currency."""
    outcomes: GridOutcomes
    """Of this grid alone, shape ``(1,)``."""


def traced_grid(
    paths: PricePaths,
    grids: GridBatch,
    index: int,
    costs: Costs = _DEFAULT_COSTS,
    *,
    order: FillOrder = FillOrder.CANDLE,
    maintenance: Maintenance | None = None,
) -> GridTrace:
    """Simulate grid ``index`` of a batch and note its way.

    Parameters
    ----------
    paths, grids, costs, order, maintenance
        See `engine.simulated_grids`; the outcome is the same.
    index : int
        Which grid.

    Raises
    ------
    ValueError
        See `engine.simulated_grids`.
    """
    one = GridBatch(
        **{
            field.name: getattr(grids, field.name)[[index]]
            for field in fields(GridBatch)
        }
    )
    trace = np.zeros((paths.close.shape[1], TRACE_COLUMNS))
    ends = ended(paths, one, costs, order, maintenance, full=True, trace=trace)
    outcomes = outcomes_of(one, ends, costs)
    run, levels = int(outcomes.bars_run[0]), levels_of(one)
    bars = np.arange(run) + one.begin[0]
    cursor = trace[bars, :_LEGS].astype(np.int64)
    base, first = int(ends["base"][0]), int(ends["base"][0] + ends["initial_lots"][0])
    equity = trace[bars, _LEGS]
    equity[-1:] = outcomes.pnl
    leg, level, side = _fills(np.concatenate([[first], cursor.ravel()]))
    return GridTrace(
        bar=bars,
        equity=equity,
        lots=cursor[:, -1] - base,
        fill_bar=leg // _LEGS + one.begin[0],
        fill_price=levels[level],
        fill_side=side,
        levels=levels,
        outcomes=outcomes,
    )


def levels_of(one: GridBatch) -> FloatArray:
    """Return the level prices of a batch of one, ascending."""
    steps = np.arange(one.level_count[0])
    if one.grid_ratio[0] > 1:
        return np.asarray(one.lower_bound * one.grid_ratio**steps)
    return np.asarray(one.lower_bound + one.grid_step * steps)


def _fills(cursor: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    # leg, level and side of each fill: up from k to k + 2 sells at k + 1, then k + 2,
    # down from k to k − 2 buys at k − 1, then k − 2
    moves = np.diff(cursor)
    leg = np.repeat(np.arange(moves.size), np.abs(moves))
    side = -np.sign(moves)[leg]
    starts = np.concatenate([[0], np.cumsum(np.abs(moves))])
    nth = np.arange(leg.size) - starts[leg] + 1
    return leg, cursor[leg] - side * nth, side
