"""How many lots a margin carries: leverage, quantity, minimum margin."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import chain

from grid_screening.backtest.grids import Start
from grid_screening.brackets import (
    ASSUMED_BRACKETS,
    bracket_at,
    maintenance_margin,
)
from grid_screening.ladder import (
    GridRules,
    Ladder,
    coarser_ladders,
    coarsest_first,
    rounded_down,
    rounded_up,
)
from grid_screening.liquidation import liquidation_price
from grid_screening.screening_report import Reason
from monitor.domain.instruments import Instrument, LeverageBracket

_CENT = Decimal("0.01")
_HIGHEST_FEE = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class GridTerms:
    """Capital and costs of a grid. Raises ``ValueError`` on impossible values."""

    margin: Decimal
    """Isolated margin, quote currency."""
    max_leverage: int
    maker_fee: Decimal
    """Fraction per side, in [0, 0.01)."""
    taker_fee: Decimal
    """Fraction per side, in [0, 0.01)."""
    brackets: tuple[LeverageBracket, ...] | None
    """The contract's own, in any order; None: a conservative assumption."""

    def __post_init__(self) -> None:
        if not (self.margin.is_finite() and self.margin > 0):
            raise ValueError(f"margin must be > 0, was {self.margin}")
        if self.max_leverage < 1:
            raise ValueError(
                f"max_leverage must be at least 1, was {self.max_leverage}"
            )
        for name in ("maker_fee", "taker_fee"):
            fee: Decimal = getattr(self, name)
            if not (fee.is_finite() and 0 <= fee < _HIGHEST_FEE):
                raise ValueError(f"{name} must be in [0, 0.01), was {fee}")
        if self.brackets is not None and not self.brackets:
            raise ValueError("brackets must hold at least one row, or be None")

    @property
    def effective_brackets(self) -> tuple[LeverageBracket, ...]:
        """Ascending brackets: the contract's own or the assumed ones."""
        if self.brackets is None:
            return ASSUMED_BRACKETS
        return tuple(sorted(self.brackets, key=lambda row: row.notional_floor))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedShort:
    """A ladder with ``quantity`` lots: the position with the order at U filled.

    Convention of the worst case: the initial short is sold at the price by taker
    orders, one lot at each level above by maker orders; no harvest, no funding.
    Started flat there is no initial short.
    """

    ladder: Ladder
    quantity: Decimal
    """Per level, base currency."""
    terms: GridTerms

    @property
    def total_quantity(self) -> Decimal:
        """Base currency."""
        return self.ladder.lot_count * self.quantity

    @property
    def entry_value(self) -> Decimal:
        """Quote currency received: initial short at the price, lots at their levels."""
        return self.quantity * (
            self.ladder.initial_lots * self.ladder.price + self.ladder.sum_above
        )

    @property
    def entry_fees(self) -> Decimal:
        """Quote currency: taker on the initial short, maker above the price."""
        initial = self.ladder.initial_lots * self.ladder.price
        return self.quantity * (
            self.terms.taker_fee * initial
            + self.terms.maker_fee * self.ladder.sum_above
        )

    def liquidation_price(
        self, margin: Decimal, brackets: tuple[LeverageBracket, ...]
    ) -> Decimal:
        """Return the liquidation price with isolated wallet = margin − entry fees."""
        return liquidation_price(
            wallet=margin - self.entry_fees,
            quantity=self.total_quantity,
            entry_value=self.entry_value,
            brackets=brackets,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """What a margin carries."""

    short: LoadedShort
    leverage: int
    liquidation_price: Decimal
    """Rounded down to tick."""


@dataclass(frozen=True, kw_only=True)
class Sizer:
    """Sizes the ladders of one contract under given terms.

    A margin at a leverage gives ``margin · leverage ÷ Σ level prices`` per level,
    rounded down to step. It is *safe* when the liquidation price of the fully
    loaded short, rounded down to tick, is at least stop price × gap, and *legal*
    when in addition every level's order meets the quantity and notional limits.
    """

    planned: Ladder
    instrument: Instrument
    terms: GridTerms
    rules: GridRules

    @cached_property
    def brackets(self) -> tuple[LeverageBracket, ...]:
        """Ascending maintenance brackets."""
        return self.terms.effective_brackets

    @cached_property
    def ladders(self) -> tuple[Ladder, ...]:
        """The planned ladder, then the coarser ones."""
        coarser = coarser_ladders(self.planned)
        return (self.planned, *coarser)

    def least_quantity(self, ladder: Ladder) -> Decimal:
        """Return the smallest legal order at the lowest level, base currency."""
        of_notional = self.instrument.min_notional / ladder.lowest_cell[0]
        least = max(of_notional, self.instrument.min_quantity)
        step = self.instrument.step_size
        return max(rounded_up(least, step), step)

    def sizing(self) -> Sizing | Reason:
        """Return the plan's sizing, or why there is none.

        The leverage is the largest safe one. Where it cannot meet the minimum
        notional, coarser ladders are tried in turn.
        """
        found = self.largest_safe(self.planned, self.terms.margin)
        if found is None:
            return self._unsafe()
        if found.short.quantity < self.least_quantity(self.planned):
            for ladder in self.ladders[1:]:
                found = self.largest_safe(ladder, self.terms.margin)
                if found and found.short.quantity >= self.least_quantity(ladder):
                    break
            else:
                return self._too_little()
        most = self.instrument.max_quantity
        if 0 < most < found.short.quantity:
            return Reason(
                code="max_quantity",
                text=f"quantity per level must be at most {most:f}, was "
                f"{found.short.quantity:f}; a smaller margin would do",
                value=float(found.short.quantity),
                limit=float(most),
            )
        return found

    def largest_safe(self, ladder: Ladder, margin: Decimal) -> Sizing | None:
        """Return the sizing at the largest safe leverage, None without any."""
        for leverage in range(self.terms.max_leverage, 0, -1):
            found = self.at_leverage(ladder, margin, leverage)
            if found is not None:
                return found
        return None

    def at_leverage(
        self, ladder: Ladder, margin: Decimal, leverage: int
    ) -> Sizing | None:
        """Return the sizing at ``leverage``, None where it is not safe or allowed."""
        notional = margin * leverage
        bracket = bracket_at(notional, self.brackets)
        if bracket is None or leverage > bracket.initial_leverage:
            return None
        quantity = rounded_down(notional / ladder.level_sum, self.instrument.step_size)
        short = LoadedShort(ladder=ladder, quantity=quantity, terms=self.terms)
        if quantity == 0:  # no position: safe, but too little for any order
            return Sizing(short=short, leverage=leverage, liquidation_price=quantity)
        price = rounded_down(
            short.liquidation_price(margin, self.brackets), self.instrument.tick_size
        )
        if price < self.safe_price(ladder):
            return None
        return Sizing(short=short, leverage=leverage, liquidation_price=price)

    def stop_price(self, ladder: Ladder) -> Decimal:
        """Return the stop above the upper bound, on tick."""
        return rounded_up(
            ladder.upper_bound * self.rules.stop_gap, self.instrument.tick_size
        )

    def safe_price(self, ladder: Ladder) -> Decimal:
        """Return the lowest acceptable liquidation price."""
        return self.stop_price(ladder) * self.rules.liquidation_gap

    def minimum_margin(self) -> Decimal | None:
        """Return the smallest margin with a legal plan, None where none has one.

        Over all ladders and leverages the larger of what the smallest legal order
        at every level costs (``q · Σ levels ÷ leverage``) and what keeps that
        short safe, rounded up to 0.01 quote currency and verified by sizing it.
        """
        best: Decimal | None = None
        coarsest = coarsest_first(self.planned)
        for ladder in chain(coarsest, (self.planned,)):
            if best is not None and self._least_cost(ladder) >= best:
                break  # all that follow have more levels
            cost = self.least_quantity(ladder) * ladder.level_sum
            if best is not None and cost / self.terms.max_leverage >= best:
                continue
            safe = self._safe_margin(ladder)
            for leverage in range(self.terms.max_leverage, 0, -1):
                margin = rounded_up(max(cost / leverage, safe), _CENT)
                if best is not None and margin >= best:
                    break
                if self._is_legal(ladder, margin, leverage):
                    best = margin
        return best

    def _least_cost(self, ladder: Ladder) -> Decimal:
        # each level's order is worth the minimum notional at the lowest level, and
        # more at its own; started flat the levels in the sum may be fewer with more
        if ladder.start is Start.FLAT:
            return Decimal(0)
        orders = self.instrument.min_notional * ladder.level_count
        return orders / self.terms.max_leverage

    def _is_legal(self, ladder: Ladder, margin: Decimal, leverage: int) -> bool:
        found = self.at_leverage(ladder, margin, leverage)
        if found is None or found.short.quantity < self.least_quantity(ladder):
            return False
        most = self.instrument.max_quantity
        fits = most == 0 or found.short.quantity <= most
        # `sizing` turns to coarser ladders only where the planned one is safe
        return fits and self.largest_safe(self.planned, margin) is not None

    def _safe_margin(self, ladder: Ladder) -> Decimal:
        # equity at the lowest acceptable liquidation price = maintenance margin there
        short = LoadedShort(
            ladder=ladder, quantity=self.least_quantity(ladder), terms=self.terms
        )
        price = rounded_up(self.safe_price(ladder), self.instrument.tick_size)
        notional = short.total_quantity * price
        return (
            short.entry_fees
            + notional
            - short.entry_value
            + maintenance_margin(notional, self.brackets)
        )

    def _unsafe(self) -> Reason:
        margin = self.terms.margin
        cap = self.brackets[-1].notional_cap
        if margin > cap:
            return Reason(
                code="bracket_cap",
                text=f"notional must be at most {cap:f}, the largest position "
                f"allowed, was {margin:f} at leverage 1",
                value=float(margin),
                limit=float(cap),
            )
        ladder = self.planned
        short = LoadedShort(
            ladder=ladder,
            quantity=rounded_down(margin / ladder.level_sum, self.instrument.step_size),
            terms=self.terms,
        )
        found = short.liquidation_price(margin, self.brackets)
        limit = self.safe_price(ladder)
        return Reason(
            code="liquidation",
            text=f"liquidation price must be at least {limit:.6g} (beyond the stop), "
            f"was {found:.6g} even at leverage 1",
            value=float(found),
            limit=float(limit),
        )

    def _too_little(self) -> Reason:
        least = self.minimum_margin()
        remedy = (
            "no margin would do" if least is None else f"a margin of {least:f} would do"
        )
        lowest = self.planned.lowest_cell[0].normalize()
        quantity = self.least_quantity(self.planned).normalize()
        notional = self.instrument.min_notional.normalize()
        return Reason(
            code="min_notional",
            text=f"an order at {lowest:f} must be at least {quantity:f} (notional "
            f"{notional:f}); a margin of {self.terms.margin:f} is too small, {remedy}",
            value=float(self.terms.margin),
            limit=None if least is None else float(least),
        )
