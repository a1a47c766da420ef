"""The grids that are simulated, many at once, and what became of them."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from monitor.domain.typing import FloatArray, IntArray


class FillOrder(StrEnum):
    """Which extreme of a bar comes first.

    The mean of both fixed orders is biased upward by 17–67 bp a week on a
    martingale; the candle's direction is not (see ``specs``).
    """

    CANDLE = "candle"
    """close ≥ open: open, low, high, close; else open, high, low, close."""
    LOW_FIRST = "low_first"
    HIGH_FIRST = "high_first"


class Spacing(StrEnum):
    """How the levels of a grid follow each other."""

    ARITHMETIC = "arithmetic"
    """Evenly apart."""
    GEOMETRIC = "geometric"
    """Each the same ratio above the last."""


class Start(IntEnum):
    """What is held when the grid begins."""

    LOADED = 0
    """Short one lot for each level below the price, sold by takers: what exchanges
    do. Mostly a plain short position."""
    FLAT = 1
    """Nothing; only the levels above the price trade."""


class EndReason(IntEnum):
    """Why a simulated grid ended."""

    HORIZON = 0
    """Its time was up; closed at the last close."""
    STOPPED = 1
    """Closed at the stop above the upper bound (at the open when that lies above)."""
    TAKE_PROFIT = 2
    """The lower bound was reached: everything is bought back."""
    LIQUIDATED = 3
    """The isolated margin is lost."""
    NO_DATA = 4
    """The contract stopped trading; closed at its last close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What trading costs. Fractions of notional."""

    maker_fee: float = 0.0002
    taker_fee: float = 0.0005
    """Initial short, stop, closing at the end."""
    stop_slippage: float = 0.0
    """Added to the stop's price."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridBatch:
    """``n`` short grids; every array has the shape ``(n,)``.

    Level i stands at ``lower_bound + i · grid_step`` (arithmetic), or at
    ``lower_bound · grid_ratio ** i`` where ``grid_ratio`` > 1 (geometric,
    ``grid_step`` unused). A grid of ``level_count`` levels has one lot per cell
    between neighbours: sold at its upper, bought back at its lower level. Loaded,
    it begins short of one lot for each level strictly below ``price``, so that the
    level next above a price between two levels begins empty, as on the exchange.
    """

    row: IntArray
    """Which of the paths."""
    begin: IntArray
    """Bar at whose open the grid begins; the price moves from ``price`` to that
    open first."""
    end: IntArray
    """First bar after the horizon; beyond the path: as far as it goes."""
    price: FloatArray
    lower_bound: FloatArray
    grid_step: FloatArray
    grid_ratio: FloatArray
    """1 or less: arithmetic."""
    level_count: IntArray
    """At least 2."""
    quantity: FloatArray
    """Per lot, base currency, > 0."""
    stop_price: FloatArray
    """Above the upper bound; infinite: none."""
    margin: FloatArray
    """Isolated, quote currency; infinite: cannot be liquidated."""
    start: IntArray
    """Values of `Start`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridOutcomes:
    """What became of ``n`` grids; every array has the shape ``(n,)``.

    Amounts in quote currency, + = gain. ``pnl`` is the change of equity and equals
    the sum of the seven parts to rounding error: ``harvest + displacement +
    initial_short + stop_loss + liquidation_loss + funding − fees``.
    """

    pnl: FloatArray
    harvest: FloatArray
    """½ · quantity · Σ width of the cell of each fill: q·h/2 · fills on an
    arithmetic grid."""
    displacement: FloatArray
    """What the inventory the grid added costs while the price stands elsewhere than
    at the start: −q/(2h)·D² on an arithmetic grid begun on a level, D the net move
    inside the bounds."""
    initial_short: FloatArray
    """Initial lots × (price − last price inside the bounds); 0 when begun flat."""
    stop_loss: FloatArray
    """Loss of the lots held beyond the upper bound: from there to the last price,
    gap and slippage included; ≤ 0."""
    liquidation_loss: FloatArray
    """What was left of the margin at a liquidation, and is lost too; ≤ 0."""
    fees: FloatArray
    """≥ 0."""
    funding: FloatArray
    """Positive: received."""
    fill_count: IntArray
    """Maker fills."""
    round_trips: IntArray
    """Cells gone through both ways: (fills − net change of lots) ÷ 2."""
    bars_run: IntArray
    """Bars the grid was alive, the last one included."""
    bars_inside: IntArray
    """Those that closed between the bounds."""
    worst_equity: FloatArray
    """Lowest change of equity, marked at each bar's extremes; ≤ 0."""
    max_drawdown: FloatArray
    """Largest fall of equity from an earlier peak, same marks; ≥ 0."""
    end_reason: IntArray
    """Values of `EndReason`."""
    end_bar: IntArray
    """Bar in which the grid ended."""
    end_price: FloatArray
    """Price of the last close, stop or liquidation."""
    end_lots: IntArray
    """Lots short just before they were closed."""
    static_short: FloatArray
    """The initial lots alone, sold at ``price`` and bought back at ``end_price``,
    taker fees paid and funding received on them: what the grid is compared with."""
