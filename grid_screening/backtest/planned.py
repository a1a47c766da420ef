"""Planned grids as grids to be simulated."""

from collections.abc import Sequence

import numpy as np

from grid_screening.backtest.grids import GridBatch, Start
from grid_screening.grid_plan import ShortGridPlan
from monitor.domain.typing import IntArray


def planned_grids(
    rows: IntArray,
    begins: IntArray,
    ends: IntArray,
    plans: Sequence[ShortGridPlan],
    *,
    start: Start = Start.LOADED,
) -> GridBatch:
    """Return the grids that ``plans`` describe.

    Parameters
    ----------
    rows, begins, ends : ndarray of shape (n,)
        Path, first bar and first bar after the horizon of each; see `GridBatch`.
    plans : sequence of ShortGridPlan
        ``n`` arithmetic plans. Their exact decimals become the nearest floats; the
        margin is the plan's, with it the liquidation price.
    start : Start
        Loaded as planned, or flat.

    Raises
    ------
    ValueError
        Not as many plans as rows, or a spacing other than arithmetic.

    Notes
    -----
    A plan counts a lot for each level that is not at the price. Between two levels
    that is one more than there are cells: the simulated grid leaves the level next
    above the price empty, as the exchange does, and stays within the planned loss.
    """
    if len(plans) != rows.size:
        raise ValueError(f"plans must be {rows.size}, one per row, were {len(plans)}")
    for number, plan in enumerate(plans):
        if plan.spacing != "arithmetic":
            raise ValueError(
                f"plan {number} must be arithmetic to be simulated, was {plan.spacing}"
            )
    count = len(plans)
    return GridBatch(
        row=np.asarray(rows, dtype=np.int64),
        begin=np.asarray(begins, dtype=np.int64),
        end=np.asarray(ends, dtype=np.int64),
        price=np.array([float(plan.price) for plan in plans]),
        lower_bound=np.array([float(plan.lower_bound) for plan in plans]),
        grid_step=np.array([float(plan.grid_step) for plan in plans]),
        grid_ratio=np.ones(count),
        level_count=np.array([plan.level_count for plan in plans], dtype=np.int64),
        quantity=np.array([float(plan.quantity_per_level) for plan in plans]),
        stop_price=np.array([float(plan.stop_price) for plan in plans]),
        margin=np.array([float(plan.margin) for plan in plans]),
        start=np.full(count, int(start), dtype=np.int64),
    )
