"""Where the levels of a short grid stand: bounds, spacing, counts."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property

from grid_screening.backtest.grids import Spacing, Start
from grid_screening.level_ticks import Gap, Spaced, geometric_ratio, spaced
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
    """Level prices around a price. Prices in quote currency."""

    price: Decimal
    """Price the grid starts at."""
    tick_size: Decimal
    rule: Spaced
    """How the levels follow each other, and between which bounds."""
    gap: Gap
    """What makes the next level, by the rule."""
    upper_limit: Decimal
    """No level lies above; not rounded to tick."""
    coarsened: bool
    """Whether the gap was widened beyond the planned spacing."""
    start: Start = Start.LOADED
    """Loaded: short one lot for each level below the price before the first order.
    Flat: short nothing; only the levels above the price are sold, each bought back
    one level lower."""
    ticks: Sequence[int] = field(init=False, repr=False)
    """Levels in whole ticks, ascending."""
    level_count: int = field(init=False)
    levels_below: int = field(init=False)
    """Levels strictly below the price."""
    levels_above: int = field(init=False)
    """Levels strictly above the price; one exactly at it is on neither side."""

    def __post_init__(self) -> None:
        ticks = self.rule.levels(self.gap)
        whole, rest = divmod(self.price, self.tick_size)
        count, place = len(ticks), int(whole)
        derived = {
            "ticks": ticks,
            "level_count": count,
            "levels_below": bisect_left(ticks, place + (rest > 0)),
            "levels_above": count - bisect_right(ticks, place),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def level(self, number: int) -> Decimal:
        """Return one level price; −1 is the last."""
        return self.ticks[number] * self.tick_size

    @property
    def lower_bound(self) -> Decimal:
        """The first level."""
        return self.rule.lower * self.tick_size

    @cached_property
    def upper_bound(self) -> Decimal:
        """The last level."""
        return self.level(-1)

    @cached_property
    def grid_ratio(self) -> Decimal | None:
        """Quotient of neighbouring levels before they are put on ticks.

        None: arithmetic, or fewer than two levels.
        """
        if self.rule.spacing is Spacing.ARITHMETIC or self.level_count < 2:  # noqa: PLR2004
            return None
        return geometric_ratio(self.lower_bound, self.upper_bound, self.level_count - 1)

    @cached_property
    def grid_step(self) -> Decimal:
        """Width of the cell that holds the price, the one above a price on a level.

        Without such a cell the planned one, on tick.
        """
        above = self._first_above
        if 0 < above < self.level_count:
            return self.level(above) - self.level(above - 1)
        step = self.rule.step(self.gap, self.price / self.tick_size)
        return step.to_integral_value(ROUND_HALF_UP) * self.tick_size

    @property
    def _first_above(self) -> int:
        return self.level_count - self.levels_above

    @property
    def initial_lots(self) -> int:
        """Lots short before the first order: one for each level below, or none."""
        return self.levels_below if self.start is Start.LOADED else 0

    @property
    def lot_count(self) -> int:
        """Lots short when fully loaded, that is with the order at U filled."""
        return self.initial_lots + self.levels_above

    @property
    def highest_buy(self) -> Decimal:
        """The highest level below the price; there is one."""
        return self.level(self.levels_below - 1)

    @property
    def not_above(self) -> Decimal:
        """The highest level not above the price; there is one."""
        return self.level(self._first_above - 1)

    @property
    def lowest_cell(self) -> tuple[Decimal, Decimal]:
        """Where the lowest lot is bought back, and where it is sold.

        Started flat, bought back at the highest level not above the price.
        """
        first = 0 if self.start is Start.LOADED else self._first_above - 1
        return self.level(first), self.level(first + 1)

    @property
    def highest_cell(self) -> tuple[Decimal, Decimal]:
        """The last two levels."""
        return self.level(-2), self.level(-1)

    @cached_property
    def level_sum(self) -> Decimal:
        """Sum of the level prices that margin × leverage is spread over.

        All of them; started flat, those above the price.
        """
        if self.start is Start.FLAT:
            return self.sum_above
        return sum(self.ticks) * self.tick_size

    @cached_property
    def sum_above(self) -> Decimal:
        """Sum of the level prices above the price."""
        return sum(self.ticks[self._first_above :]) * self.tick_size

    @property
    def is_usable(self) -> bool:
        """Whether there is something to buy below and to sell above the price."""
        return self.levels_below > 0 and self.levels_above > 0


def planned_ladder(
    *,
    price: Decimal,
    lower: Decimal,
    upper: Decimal,
    step: Decimal,
    maker_fee: Decimal,
    instrument: Instrument,
    rules: GridRules,
    spacing: Spacing = Spacing.ARITHMETIC,
    start: Start = Start.LOADED,
) -> Ladder:
    """Return the ladder that the rules draw; it may be unusable.

    Parameters
    ----------
    price, lower, upper : Decimal
        Quote currency, > 0; the bounds before rounding.
    step : Decimal
        Distance of the levels before it is made legal, at the price, quote currency.
    maker_fee : Decimal
        Fraction per side.
    instrument : Instrument
        Tick and order count limit.
    rules : GridRules
        Multiples and limits.
    spacing : Spacing
        How levels follow each other.
    start : Start
        What is held when the grid begins.

    Notes
    -----
    The smallest legal step (fees) is rounded up to the tick, the planned step of an
    arithmetic ladder down; no cell of a geometric one, of which the lowest is the
    narrowest, is below the smallest legal step. A ladder with more levels than orders
    are allowed gets the smallest gap that fits.
    """
    tick = instrument.tick_size
    rule = spaced(spacing, *_whole_ticks(lower, upper, tick))
    least = least_step(price, maker_fee=maker_fee, tick_size=tick, rules=rules)
    gap = rule.gap(step / tick, least=int(least / tick), price=price / tick)
    most = most_levels(instrument, rules)
    coarsened = rule.count(gap) > most
    return Ladder(
        price=price,
        tick_size=tick,
        rule=rule,
        gap=rule.gap_for(most) if coarsened else gap,
        upper_limit=upper,
        coarsened=coarsened,
        start=start,
    )


def least_step(
    price: Decimal, *, maker_fee: Decimal, tick_size: Decimal, rules: GridRules
) -> Decimal:
    """Return the smallest legal step: what fees ask at the price, at least a tick."""
    of_fees = rounded_up(rules.fee_multiple * 2 * maker_fee * price, tick_size)
    return max(of_fees, tick_size)


def spacing_range(
    *,
    price: Decimal,
    lower: Decimal,
    upper: Decimal,
    widest: Decimal,
    maker_fee: Decimal,
    instrument: Instrument,
    rules: GridRules,
    spacing: Spacing = Spacing.ARITHMETIC,
) -> tuple[Decimal, Decimal]:
    """Return the smallest and the largest legal step at the price, between bounds.

    The largest is ``widest``, at most half of the way from the price to the upper
    bound (a level above the price is then certain), rounded down to tick; it may be
    below the smallest.
    """
    tick = instrument.tick_size
    here = price / tick
    rule = spaced(spacing, *_whole_ticks(lower, upper, tick))
    least = least_step(price, maker_fee=maker_fee, tick_size=tick, rules=rules)
    gap = max(
        rule.gap(Decimal(1), least=int(least / tick), price=here),
        rule.gap_for(most_levels(instrument, rules)),
    )
    smallest = rounded_up(rule.step(gap, here), Decimal(1)) * tick
    return smallest, rounded_down(min(widest, (upper - price) / 2), tick)


def most_levels(instrument: Instrument, rules: GridRules) -> int:
    """Return how many levels a grid of this contract may have."""
    return min(instrument.max_order_count or rules.most_levels, rules.most_levels)


def coarser_ladders(ladder: Ladder) -> Iterator[Ladder]:
    """Yield usable ladders with ever fewer levels, each with its smallest gap.

    Bounds stay; the last ladder has two levels, the upper one just above the
    price.
    """
    count = ladder.level_count
    for most in range(ladder.level_count - 1, 1, -1):
        coarser = _with_at_most(most, ladder)
        if coarser.level_count < count and coarser.is_usable:
            count = coarser.level_count
            yield coarser


def coarsest_first(ladder: Ladder) -> Iterator[Ladder]:
    """Yield what `coarser_ladders` yields, last one first, none before it is wanted."""
    held: Ladder | None = None
    for most in range(2, ladder.level_count):
        coarser = _with_at_most(most, ladder)
        if coarser.level_count >= ladder.level_count:
            break
        if coarser.is_usable:
            if held is not None and held.level_count < coarser.level_count:
                yield held
            held = coarser  # of ladders with as many levels the one of smallest gap
    if held is not None:
        yield held


def _with_at_most(most: int, ladder: Ladder) -> Ladder:
    rule = ladder.rule
    gap = rule.gap_for(most)
    if most == 2:  # noqa: PLR2004  # two levels: the upper one must clear the price
        gap = max(gap, rule.gap_to(int(ladder.price // ladder.tick_size) + 1))
    return Ladder(
        price=ladder.price,
        tick_size=ladder.tick_size,
        rule=rule,
        gap=gap,
        upper_limit=ladder.upper_limit,
        coarsened=True,
        start=ladder.start,
    )


def rounded_down(value: Decimal, unit: Decimal) -> Decimal:
    """Return the largest multiple of ``unit`` not above ``value`` ≥ 0."""
    return value // unit * unit


def rounded_up(value: Decimal, unit: Decimal) -> Decimal:
    """Return the smallest multiple of ``unit`` not below ``value`` ≥ 0."""
    floor = rounded_down(value, unit)
    return floor if floor == value else floor + unit


def _whole_ticks(lower: Decimal, upper: Decimal, tick: Decimal) -> tuple[int, int]:
    return int(rounded_up(lower, tick) / tick), int(upper // tick)
