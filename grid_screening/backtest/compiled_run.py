"""Checked arrays into the compiled loops, and what comes out of them."""

from typing import Any

import numpy as np

from grid_screening.backtest.grid_checks import check_grids
from grid_screening.backtest.grids import Costs, FillOrder, GridBatch
from grid_screening.backtest.kernel_types import END, GRID, TRACE_COLUMNS
from grid_screening.backtest.maintenance import Maintenance
from grid_screening.backtest.paths import PricePaths
from monitor.domain.typing import FloatArray


def ended(
    paths: PricePaths,
    grids: GridBatch,
    costs: Costs,
    order: FillOrder,
    maintenance: Maintenance | None,
    *,
    full: bool,
    trace: FloatArray | None = None,
) -> Any:
    """Return how each grid ended: records of `END`, shape ``(n,)``.

    Parameters
    ----------
    paths, grids, costs, order, maintenance
        See `engine.simulated_grids`.
    full : bool
        Fill more than ``pnl``.
    trace : ndarray of shape (n_bars, 5), optional
        For a batch of one: filled as `TRACE_COLUMNS` tells.

    Raises
    ------
    ValueError
        See `engine.simulated_grids`.
    """
    check_grids(paths, grids)
    rows = paths.close.shape[0]
    kept = Maintenance.assumed(rows) if maintenance is None else maintenance
    if kept.rate.shape[0] != rows:
        raise ValueError(
            f"maintenance must have {rows} rows, one per path, had {kept.rate.shape[0]}"
        )
    ends = np.empty(grids.row.size, dtype=END)
    if ends.size == 0:
        return ends
    from grid_screening.backtest.kernels import batch

    rules = (
        float(costs.maker_fee),
        float(costs.taker_fee),
        float(costs.stop_slippage),
        list(FillOrder).index(order),
        paths.mark_high is not None,
        full,
        trace is not None,
    )
    mark = paths.high[:1] if paths.mark_high is None else paths.mark_high
    prices = (paths.open, paths.high, paths.low, paths.close, mark)
    batch(
        tuple(_frozen(column) for column in prices),
        (
            _frozen(paths.funding_offset, np.int64),
            _frozen(paths.funding_bar, np.int64),
            _frozen(paths.funding_rate),
        ),
        _frozen(np.stack([kept.notional_cap, kept.rate, kept.cumulative], axis=1)),
        _setups(grids),
        rules,
        ends,
        np.empty((0, TRACE_COLUMNS)) if trace is None else trace,
    )
    return ends


def _setups(grids: GridBatch) -> Any:
    setups = np.empty(grids.row.size, dtype=GRID)
    for name in GRID.names or ():
        setups[name] = getattr(grids, name)
    return setups


def _frozen(values: Any, kind: Any = np.float64) -> Any:
    # one layout, never writable: the loops are compiled once
    view = np.ascontiguousarray(values, dtype=kind).view()
    view.flags.writeable = False
    return view
