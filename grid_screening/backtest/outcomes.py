"""How a grid's end divides into the parts of its PnL.

Every round trip through a cell of width w earns w per unit, half of it at each fill:
the harvest. The rest of what the fills earned does not depend on the way. It is what
selling the cells between start and end, one after the other at their middles, is worth
at the last price inside the bounds: the displacement.
"""

from typing import Any

import numpy as np

from grid_screening.backtest.grids import Costs, EndReason, GridBatch, GridOutcomes


def outcomes_of(grids: GridBatch, ends: Any, costs: Costs) -> GridOutcomes:
    """Return the outcomes of ``grids`` that ended as ``ends``; shapes ``(n,)``."""
    q, price = grids.quantity, grids.price
    held, lots = ends["initial_lots"], ends["lots"]
    inside = np.minimum(ends["price"], ends["upper_bound"])
    beyond = ends["price"] - inside
    liquidated = ends["reason"] == EndReason.LIQUIDATED
    # a liquidation takes the rest of the margin and no fee
    closing = np.where(liquidated, 0.0, lots * ends["price"])
    static_fees = costs.taker_fee * (price + ends["price"])
    no_data = ends["reason"] == EndReason.NO_DATA
    bars_run = ends["bar"] - grids.begin + ~no_data
    return GridOutcomes(
        pnl=ends["pnl"],
        harvest=0.5 * q * ends["width_sum"],
        displacement=q * (ends["middle_sum"] - (lots - held) * inside),
        initial_short=q * held * (price - inside),
        stop_loss=-q * lots * beyond,
        liquidation_loss=np.where(liquidated, -ends["left"], 0.0),
        fees=q
        * (
            costs.maker_fee * ends["fill_sum"]
            + costs.taker_fee * (held * price + closing)
        ),
        funding=q * ends["funding"],
        fill_count=ends["fills"],
        round_trips=(ends["fills"] - np.abs(lots - held)) // 2,
        bars_run=bars_run,
        bars_inside=ends["inside"],
        worst_equity=ends["worst"],
        max_drawdown=ends["drawdown"],
        end_reason=ends["reason"],
        end_bar=np.maximum(ends["bar"] - no_data, grids.begin),
        end_price=ends["price"],
        end_lots=lots,
        static_short=q * held * (price - ends["price"] - static_fees)
        + q * held * ends["static_funding"],
    )
