"""Many short grids on many contracts: what each would have earned, and why.

The rules are told in ``simulator.md`` of the specs; the compiled part is `kernels`,
imported on the first call.
"""

import numpy as np

from grid_screening.backtest.compiled_run import ended
from grid_screening.backtest.grids import Costs, FillOrder, GridBatch, GridOutcomes
from grid_screening.backtest.maintenance import Maintenance
from grid_screening.backtest.outcomes import outcomes_of
from grid_screening.backtest.paths import PricePaths
from monitor.domain.typing import FloatArray

_DEFAULT_COSTS = Costs()


def simulated_grids(
    paths: PricePaths,
    grids: GridBatch,
    costs: Costs = _DEFAULT_COSTS,
    *,
    order: FillOrder = FillOrder.CANDLE,
    maintenance: Maintenance | None = None,
) -> GridOutcomes:
    """Simulate grids with full accounting.

    Parameters
    ----------
    paths : PricePaths
        Bars with low ≤ open, close ≤ high; a NaN bar ends a grid that runs there.
    grids : GridBatch
        ``n`` grids, in any order, any number of them on a path.
    costs : Costs
        Fees and slippage.
    order : FillOrder
        Which extreme of a bar comes first.
    maintenance : Maintenance, optional
        One row per path; None: the assumed brackets for all.

    Returns
    -------
    GridOutcomes
        In the order of ``grids``. No NaN.

    Raises
    ------
    ValueError
        A grid that means nothing, or brackets for another number of paths.

    Notes
    -----
    Runs on the calling thread and releases the interpreter lock: threads over parts
    of a batch run side by side. Results do not depend on how a batch is cut.
    """
    ends = ended(paths, grids, costs, order, maintenance, full=True)
    return outcomes_of(grids, ends, costs)


def simulated_pnl(
    paths: PricePaths,
    grids: GridBatch,
    costs: Costs = _DEFAULT_COSTS,
    *,
    order: FillOrder = FillOrder.CANDLE,
    maintenance: Maintenance | None = None,
) -> FloatArray:
    """Return ``simulated_grids(...).pnl``, shape ``(n,)``, and nothing else: faster."""
    pnl: FloatArray = ended(paths, grids, costs, order, maintenance, full=False)["pnl"]
    return np.ascontiguousarray(pnl)


def order_interval(
    paths: PricePaths,
    grids: GridBatch,
    costs: Costs = _DEFAULT_COSTS,
    *,
    maintenance: Maintenance | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return the lower and the upper PnL over both fixed fill orders, shape ``(n,)``.

    How much the unknown path within the bars matters. Not a confidence interval, and
    its middle is biased upward: see `FillOrder`. The candle order may lie outside.
    """
    both = [
        simulated_pnl(paths, grids, costs, order=order, maintenance=maintenance)
        for order in (FillOrder.LOW_FIRST, FillOrder.HIGH_FIRST)
    ]
    return np.minimum(*both), np.maximum(*both)
