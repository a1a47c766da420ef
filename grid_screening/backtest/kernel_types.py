"""What the compiled loops take, give back and pass around."""

from typing import NamedTuple

import numpy as np

from monitor.domain.typing import FloatArray, IntArray

GRID = np.dtype(
    [
        *[(name, np.int64) for name in ("row", "begin", "end", "level_count", "start")],
        *[
            (name, np.float64)
            for name in (
                "price",
                "lower_bound",
                "grid_step",
                "grid_ratio",
                "quantity",
                "stop_price",
                "margin",
            )
        ],
    ]
)
"""One grid; the fields of `GridBatch`."""

END = np.dtype(
    [
        ("pnl", np.float64),
        # the rest only when full
        ("reason", np.int64),
        ("bar", np.int64),  # in which it ended; without data: the one that lacks it
        ("price", np.float64),  # at which the rest is closed
        ("base", np.int64),  # cells below it never trade
        ("initial_lots", np.int64),
        ("lots", np.int64),  # just before they are closed
        ("fills", np.int64),
        ("fill_sum", np.float64),  # Σ price of each fill
        ("width_sum", np.float64),  # Σ width of the cell of each fill
        ("middle_sum", np.float64),  # Σ middle of the cells sold − bought on balance
        ("upper_bound", np.float64),
        ("funding", np.float64),  # Σ rate · lots · open
        ("static_funding", np.float64),  # Σ rate · open
        ("left", np.float64),  # margin + change of equity before closing
        ("worst", np.float64),
        ("peak", np.float64),
        ("drawdown", np.float64),
        ("inside", np.int64),  # bars that closed inside
    ]
)
"""How one grid ended."""

TRACE_COLUMNS = 5
"""Cells from the bottom that are short, or never trade, after each of the four legs;
change of equity at the close."""


class Bars(NamedTuple):
    """One contract's bars and settlements, shapes ``(n_bars,)`` and ``(n_events,)``."""

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    mark_high: FloatArray
    funding_bar: IntArray
    funding_rate: FloatArray


class Ladder(NamedTuple):
    """The levels of one grid and what makes looking them up fast."""

    level: FloatArray
    """Prices, ascending, shape ``(n_levels,)``."""
    sums: FloatArray
    """``sums[k]``: of the k lowest levels."""
    sell_at: FloatArray
    """Prices at or above which a level is touched from below; one more, infinite."""
    buy_at: FloatArray
    """Prices at or below which a level is touched from above."""
    nearest: IntArray
    """Level nearest to the middle of each of equal buckets."""
    per_bucket: float
    """Buckets per unit of price."""
    last_bucket: float
    crowded: bool
    """Whether a bucket may hold several levels."""


class Terms(NamedTuple):
    """What else is fixed for one grid."""

    price: float
    quantity: float
    margin: float
    stop_price: float
    stop_at: float
    """Price at or above which the stop is touched."""
    floor_at: float
    """Price at or below which the lower bound is touched."""
    base: int
    """Cells below it never trade."""
    first: int
    """The cursor at the start; first − base lots are held."""
    brackets: FloatArray
    """Shape ``(3, n_brackets)``: caps, rates, cumulative amounts."""


class Rules(NamedTuple):
    """What holds for all grids."""

    maker: float
    taker: float
    slippage: float
    order: int
    """Position in `FillOrder`."""
    has_mark: bool
    full: bool
    """More than the PnL is wanted."""
    traced: bool


class Grid(NamedTuple):
    """One grid on its contract, and where its way is noted."""

    bars: Bars
    ladder: Ladder
    terms: Terms
    rules: Rules
    marks: FloatArray
    """Shape ``(4,)``: lowest and highest change of equity, largest fall, bars that
    closed inside."""
    trace: FloatArray
    """Shape ``(n_bars, 5)`` when traced."""


class Run(NamedTuple):
    """How far a grid has come."""

    reason: int
    price: float
    """Last price, at the end that at which the rest is closed."""
    cursor: int
    """Cells below it, down to the base, are short."""
    lower_sum: float
    """Σ lower level of the cell of each fill."""
    width_sum: float
    """Σ width of the cell of each fill."""
    fills: int
    funding: float
    """Σ rate · lots · open."""
    static_funding: float
    """Σ rate · open."""
