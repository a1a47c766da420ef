"""What the simulator and the pictures need of a planned grid."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from grid_screening.backtest.grids import GridBatch, Spacing, Start
from grid_screening.grid_plan import ShortGridPlan
from monitor.domain.typing import FloatArray, IntArray

ARITHMETIC, GEOMETRIC = Spacing.ARITHMETIC.value, Spacing.GEOMETRIC.value


@dataclass(frozen=True, slots=True, kw_only=True)
class GridDesign:
    """One short grid in floats. Prices and amounts in quote currency.

    Raises
    ------
    ValueError
        Not a grid: "X must be …, was …".
    """

    price: float
    """Where it begins: where it was drawn, or the market's open (`begun_at`)."""
    lower_bound: float
    """First level."""
    upper_bound: float
    """Last level."""
    grid_step: float
    """Distance of the levels; of a geometric grid, near the price."""
    spacing: str
    level_count: int
    quantity: float
    """Per lot, base currency."""
    stop_price: float
    margin: float
    leverage: int
    liquidation_price: float | None
    """Of the fully loaded short, as planned; None: not stated."""

    def __post_init__(self) -> None:
        if self.level_count < 2:  # noqa: PLR2004  two levels make a cell
            raise ValueError(f"level_count must be at least 2, was {self.level_count}")
        for name in ("price", "lower_bound", "grid_step", "quantity", "margin"):
            value = getattr(self, name)
            if not value > 0:
                raise ValueError(f"{name} must be > 0, was {value:g}")
        if not self.lower_bound < self.upper_bound < self.stop_price:
            raise ValueError(
                "lower_bound < upper_bound < stop_price must hold, were "
                f"{self.lower_bound:g}, {self.upper_bound:g}, {self.stop_price:g}"
            )
        if self.spacing not in (ARITHMETIC, GEOMETRIC):
            raise ValueError(
                f"spacing must be {ARITHMETIC} or {GEOMETRIC}, was {self.spacing!r}"
            )
        end = self.lower_bound + (self.level_count - 1) * self.grid_step
        if self.spacing == ARITHMETIC and not np.isclose(end, self.upper_bound):
            raise ValueError(
                "upper_bound must be lower_bound + (level_count − 1) · grid_step "
                f"= {end:g}, was {self.upper_bound:g}"
            )

    @property
    def cell_count(self) -> int:
        """Cells between neighbouring levels, one lot each."""
        return self.level_count - 1

    @property
    def grid_ratio(self) -> float:
        """Quotient of neighbouring levels; 1 for an arithmetic grid."""
        if self.spacing == ARITHMETIC:
            return 1.0
        return float((self.upper_bound / self.lower_bound) ** (1 / self.cell_count))

    @property
    def notional(self) -> float:
        """The most that can be short: cells × quantity × upper bound."""
        return self.cell_count * self.quantity * self.upper_bound

    @property
    def levels(self) -> FloatArray:
        """All level prices, ascending."""
        steps = np.arange(self.level_count, dtype=np.float64)
        if self.spacing == ARITHMETIC:
            return self.lower_bound + steps * self.grid_step
        return self.lower_bound * self.grid_ratio**steps

    def begun_at(self, price: float) -> Self:
        """Return the same levels, begun at ``price``.

        Raises
        ------
        ValueError
            Not above the lower bound, or above the upper one: no level is left to
            trade, or all of them are passed.
        """
        if not self.lower_bound < price <= self.upper_bound:
            raise ValueError(
                f"price must lie in ({self.lower_bound:g}, {self.upper_bound:g}], "
                f"was {price:g}"
            )
        return replace(self, price=price)

    @classmethod
    def of_plan(cls, plan: ShortGridPlan) -> Self:
        """Return the design of an exact plan."""
        return cls(
            price=float(plan.price),
            lower_bound=float(plan.lower_bound),
            upper_bound=float(plan.upper_bound),
            grid_step=float(plan.grid_step),
            spacing=plan.spacing,
            level_count=plan.level_count,
            quantity=float(plan.quantity_per_level),
            stop_price=float(plan.stop_price),
            margin=float(plan.margin),
            leverage=plan.leverage,
            liquidation_price=float(plan.liquidation_price),
        )


def grid_batch(
    designs: Sequence[GridDesign],
    *,
    rows: IntArray,
    begins: IntArray,
    ends: IntArray,
    start: Start,
) -> GridBatch:
    """Return the grids of ``designs`` as the simulator takes them.

    Parameters
    ----------
    designs : sequence of GridDesign
        ``n`` grids.
    rows, begins, ends : ndarray of shape (n,)
        As in `GridBatch`.
    start : Start
        Of all of them.
    """

    def column(name: str) -> FloatArray:
        return np.array([getattr(design, name) for design in designs], np.float64)

    return GridBatch(
        row=rows,
        begin=begins,
        end=ends,
        price=column("price"),
        lower_bound=column("lower_bound"),
        grid_step=column("grid_step"),
        grid_ratio=column("grid_ratio"),
        level_count=np.array([design.level_count for design in designs], np.int64),
        quantity=column("quantity"),
        stop_price=column("stop_price"),
        margin=column("margin"),
        start=np.full(len(designs), int(start), np.int64),
    )
