"""Planned grids as grids to be simulated."""

from collections.abc import Sequence

import numpy as np

from grid_screening.backtest.grids import GridBatch, Start
from grid_screening.grid_plan import ShortGridPlan
from monitor.domain.typing import IntArray

_ARITHMETIC, _GEOMETRIC = "arithmetic", "geometric"


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
        ``n`` plans. Their exact decimals become the nearest floats; the margin is the
        plan's, with it the liquidation price.
    start : Start
        Loaded as planned, or flat.

    Raises
    ------
    ValueError
        Not as many plans as rows, or a spacing that is not known.

    Notes
    -----
    A plan counts a lot for each level that is not at the price. Between two levels
    that is one more than there are cells: the simulated grid leaves the level next
    above the price empty, as the exchange does, and stays within the planned loss.

    The levels of a geometric plan stand on ticks, those of the simulated grid on the
    exact ratio between the plan's bounds, at most half a tick away: begun at a price
    that equals a level it may hold one lot more.
    """
    if len(plans) != rows.size:
        raise ValueError(f"plans must be {rows.size}, one per row, were {len(plans)}")
    ratios = [_ratio(number, plan) for number, plan in enumerate(plans)]
    count = len(plans)
    return GridBatch(
        row=np.asarray(rows, dtype=np.int64),
        begin=np.asarray(begins, dtype=np.int64),
        end=np.asarray(ends, dtype=np.int64),
        price=np.array([float(plan.price) for plan in plans]),
        lower_bound=np.array([float(plan.lower_bound) for plan in plans]),
        grid_step=np.array([float(plan.grid_step) for plan in plans]),
        grid_ratio=np.array(ratios, dtype=np.float64),
        level_count=np.array([plan.level_count for plan in plans], dtype=np.int64),
        quantity=np.array([float(plan.quantity_per_level) for plan in plans]),
        stop_price=np.array([float(plan.stop_price) for plan in plans]),
        margin=np.array([float(plan.margin) for plan in plans]),
        start=np.full(count, int(start), dtype=np.int64),
    )


def _ratio(number: int, plan: ShortGridPlan) -> float:
    if plan.spacing == _ARITHMETIC:
        return 1.0
    if plan.spacing == _GEOMETRIC:
        span = float(plan.upper_bound / plan.lower_bound)
        return float(span ** (1 / (plan.level_count - 1)))
    raise ValueError(
        f"spacing of plan {number} must be {_ARITHMETIC} or {_GEOMETRIC}, "
        f"was {plan.spacing}"
    )
