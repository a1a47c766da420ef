"""Where the levels of a short grid stand: bounds, spacing, counts."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from grid_screening.backtest.grids import Start
from monitor.domain.instruments import Instrument


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRules:
    """How a grid is drawn around a price. Every number is a default."""

    lower_atr_multiple: Decimal = Decimal(3)
    """Lower bound: daily ATRs below the price."""
    upper_atr_multiple: Decimal = Decimal(2)
    """Upper bound: daily ATRs above the price."""
    lowest_price_share: Decimal = Decimal("0.1")
    """The lower bound is never below this share of the price."""
    spacing_atr_multiple: Decimal = Decimal("0.5")
    """Spacing in hourly ATRs."""
    widest_spacing_atr_multiple: Decimal = Decimal(2)
    """Widest spacing tried on one-minute bars, in hourly ATRs: a wider one is met too
    seldom in a day to be judged."""
    fee_multiple: Decimal = Decimal(2)
    """A spacing is at least this many round trips of maker fees wide."""
    most_levels: int = 200
    """Orders per symbol the exchange accepts where it states no useful limit."""
    stop_gap: Decimal = Decimal("1.005")
    """Stop price ÷ upper bound."""
    liquidation_gap: Decimal = Decimal("1.005")
    """Liquidation price ÷ stop price, at least."""


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """Arithmetic levels ``lower_bound + i · grid_step`` around a price.

    Prices in quote currency; bounds and step are multiples of the tick.
    """

    price: Decimal
    """Price the grid starts at."""
    lower_bound: Decimal
    grid_step: Decimal
    level_count: int
    upper_limit: Decimal
    """No level lies above; not rounded to tick."""
    coarsened: bool
    """Whether the step was widened beyond the planned spacing."""
    start: Start = Start.LOADED
    """Loaded: short one lot for each level below the price before the first order.
    Flat: short nothing; only the levels above the price are sold, each bought back
    one level lower."""

    @cached_property
    def upper_bound(self) -> Decimal:
        """The last level."""
        return self.lower_bound + (self.level_count - 1) * self.grid_step

    @cached_property
    def levels_below(self) -> int:
        """Levels strictly below the price."""
        if self.price <= self.lower_bound:
            return 0
        whole, rest = divmod(self.price - self.lower_bound, self.grid_step)
        return min(int(whole) + (rest > 0), self.level_count)

    @cached_property
    def levels_above(self) -> int:
        """Levels strictly above the price; one exactly at it is on neither side."""
        below = self.levels_below
        at_price = self.lower_bound + below * self.grid_step == self.price
        return max(self.level_count - below - at_price, 0)

    @property
    def initial_lots(self) -> int:
        """Lots short before the first order: one for each level below, or none."""
        return self.levels_below if self.start is Start.LOADED else 0

    @property
    def lot_count(self) -> int:
        """Lots short when fully loaded, that is with the order at U filled."""
        return self.initial_lots + self.levels_above

    @property
    def lowest_order(self) -> Decimal:
        """The lowest level with an order: where the lowest lot is bought back.

        Started flat, the highest level not above the price.
        """
        if self.start is Start.LOADED:
            return self.lower_bound
        return self.upper_bound - self.levels_above * self.grid_step

    @cached_property
    def level_sum(self) -> Decimal:
        """Sum of the level prices that margin × leverage is spread over.

        All of them; started flat, those above the price.
        """
        if self.start is Start.FLAT:
            return self.sum_above
        n = self.level_count
        return n * self.lower_bound + self.grid_step * (n * (n - 1) // 2)

    @cached_property
    def sum_above(self) -> Decimal:
        """Sum of the level prices above the price."""
        n = self.levels_above
        return n * self.upper_bound - self.grid_step * (n * (n - 1) // 2)

    @property
    def is_usable(self) -> bool:
        """Whether there is something to buy below and to sell above the price."""
        return self.levels_below > 0 and self.levels_above > 0


def planned_ladder(
    *,
    price: Decimal,
    lower: Decimal,
    upper: Decimal,
    spacing: Decimal,
    maker_fee: Decimal,
    instrument: Instrument,
    rules: GridRules,
    start: Start = Start.LOADED,
) -> Ladder:
    """Return the ladder that the rules draw; it may be unusable.

    Parameters
    ----------
    price, lower, upper : Decimal
        Quote currency, > 0; the bounds before rounding.
    spacing : Decimal
        Distance of the levels before it is made legal, quote currency.
    maker_fee : Decimal
        Fraction per side.
    instrument : Instrument
        Tick and order count limit.
    rules : GridRules
        Multiples and limits.
    start : Start
        What is held when the grid begins.

    Notes
    -----
    The smallest legal step (fees) is rounded up to the tick, the planned spacing
    down. A ladder with more levels than orders are allowed gets the smallest step
    that fits.
    """
    tick = instrument.tick_size
    ladder = _ladder(
        price,
        rounded_up(lower, tick),
        upper,
        legal_step(
            spacing, price=price, maker_fee=maker_fee, tick_size=tick, rules=rules
        ),
        start,
        coarsened=False,
    )
    most = most_levels(instrument, rules)
    if ladder.level_count <= most:
        return ladder
    step = _step_for(most, upper - ladder.lower_bound, tick)
    return _ladder(price, ladder.lower_bound, upper, step, start, coarsened=True)


def legal_step(
    spacing: Decimal,
    *,
    price: Decimal,
    maker_fee: Decimal,
    tick_size: Decimal,
    rules: GridRules,
) -> Decimal:
    """Return ``spacing`` rounded down to the tick, at least what fees and tick ask."""
    return max(
        rounded_down(spacing, tick_size),
        tick_size,
        rounded_up(rules.fee_multiple * 2 * maker_fee * price, tick_size),
    )


def spacing_range(
    *,
    price: Decimal,
    lower: Decimal,
    upper: Decimal,
    widest: Decimal,
    maker_fee: Decimal,
    instrument: Instrument,
    rules: GridRules,
) -> tuple[Decimal, Decimal]:
    """Return the smallest and the largest legal spacing between these bounds.

    The largest is ``widest``, at most half of the way from the price to the upper
    bound (a level above the price is then certain), rounded down to tick; it may be
    below the smallest.
    """
    tick = instrument.tick_size
    least = legal_step(
        tick, price=price, maker_fee=maker_fee, tick_size=tick, rules=rules
    )
    span = upper - rounded_up(lower, tick)
    least = max(least, _step_for(most_levels(instrument, rules), span, tick))
    return least, rounded_down(min(widest, (upper - price) / 2), tick)


def most_levels(instrument: Instrument, rules: GridRules) -> int:
    """Return how many levels a grid of this contract may have."""
    return min(instrument.max_order_count or rules.most_levels, rules.most_levels)


def coarser_ladders(ladder: Ladder, *, tick_size: Decimal) -> Iterator[Ladder]:
    """Yield usable ladders with ever fewer levels, each with its smallest step.

    Bounds stay; the last ladder has two levels, the upper one just above the
    price.
    """
    count = ladder.level_count
    for most in range(ladder.level_count - 1, 1, -1):
        coarser = _with_at_most(most, ladder, tick_size)
        if coarser.level_count < count and coarser.is_usable:
            count = coarser.level_count
            yield coarser


def coarsest_first(ladder: Ladder, *, tick_size: Decimal) -> Iterator[Ladder]:
    """Yield what `coarser_ladders` yields, last one first, none before it is wanted."""
    held: Ladder | None = None
    for most in range(2, ladder.level_count):
        coarser = _with_at_most(most, ladder, tick_size)
        if coarser.level_count >= ladder.level_count:
            break
        if coarser.is_usable:
            if held is not None and held.level_count < coarser.level_count:
                yield held
            held = coarser  # of ladders with as many levels the one of smallest step
    if held is not None:
        yield held


def _with_at_most(most: int, ladder: Ladder, tick_size: Decimal) -> Ladder:
    step = _step_for(most, ladder.upper_limit - ladder.lower_bound, tick_size)
    if most == 2:  # noqa: PLR2004  # two levels: the upper one must clear the price
        reach = rounded_down(ladder.price - ladder.lower_bound, tick_size)
        step = max(step, reach + tick_size)
    return _ladder(
        ladder.price,
        ladder.lower_bound,
        ladder.upper_limit,
        step,
        ladder.start,
        coarsened=True,
    )


def rounded_down(value: Decimal, unit: Decimal) -> Decimal:
    """Return the largest multiple of ``unit`` not above ``value`` ≥ 0."""
    return value // unit * unit


def rounded_up(value: Decimal, unit: Decimal) -> Decimal:
    """Return the smallest multiple of ``unit`` not below ``value`` ≥ 0."""
    floor = rounded_down(value, unit)
    return floor if floor == value else floor + unit


def _step_for(most: int, span: Decimal, tick: Decimal) -> Decimal:
    # floor(span / step) + 1 ≤ most  ⇔  step > span / most
    return rounded_down(span / most, tick) + tick


def _ladder(
    price: Decimal,
    lower: Decimal,
    upper: Decimal,
    step: Decimal,
    start: Start,
    *,
    coarsened: bool,
) -> Ladder:
    count = int((upper - lower) // step) + 1 if upper >= lower else 0
    return Ladder(
        price=price,
        lower_bound=lower,
        grid_step=step,
        level_count=count,
        upper_limit=upper,
        coarsened=coarsened,
        start=start,
    )
