"""Coarser ladders, from either end."""

from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from grid_screening.backtest.grids import Spacing, Start
from grid_screening.ladder import Ladder, coarser_ladders, coarsest_first
from grid_screening.level_ticks import Gap, spaced
from tests.naive_grid import naive_geometric_ticks

TICK = Decimal("0.01")


def ladder_of(  # prices in ticks
    *, price: int, lower: int, upper: int, gap: Gap, spacing: Spacing, start: Start
) -> Ladder:
    return Ladder(
        price=price * TICK,
        tick_size=TICK,
        rule=spaced(spacing, lower, upper),
        gap=gap,
        upper_limit=upper * TICK,
        coarsened=False,
        start=start,
    )


@given(
    lower=st.integers(1, 400),
    reach=st.integers(-20, 400),
    above=st.integers(1, 300),
    step=st.integers(1, 60),
    spacing=st.sampled_from(Spacing),
    start=st.sampled_from(Start),
)
def test_coarsest_first_is_the_other_way_round(
    *, lower: int, reach: int, above: int, step: int, spacing: Spacing, start: Start
) -> None:
    price = max(lower + reach, 1)
    upper = max(lower, price) + above
    gap = spaced(spacing, lower, upper).gap(
        Decimal(step), least=1, price=Decimal(price)
    )
    ladder = ladder_of(
        price=price, lower=lower, upper=upper, gap=gap, spacing=spacing, start=start
    )
    ref = list(coarser_ladders(ladder))
    assert list(coarsest_first(ladder)) == ref[::-1]
    assert all(coarser.level_count < ladder.level_count for coarser in ref)


@pytest.mark.parametrize("upper", [1000, 1199])
def test_two_levels_have_nothing_coarser(upper: int) -> None:
    ladder = ladder_of(
        price=1000,
        lower=900,
        upper=upper,
        gap=200,
        spacing=Spacing.ARITHMETIC,
        start=Start.LOADED,
    )
    assert ladder.level_count < 3
    assert list(coarsest_first(ladder)) == []


@given(
    lower=st.integers(1, 5_000),
    span=st.integers(-1, 5_000),
    price=st.integers(1, 10_000),
    step=st.fractions(Fraction(1, 100), 500, max_denominator=1000),
    least=st.integers(1, 40),
    most=st.integers(2, 200),
)
def test_geometric_levels_are_those_of_whole_numbers(
    *, lower: int, span: int, price: int, step: Fraction, least: int, most: int
) -> None:
    price, upper = max(price, lower), lower + span
    rule = spaced(Spacing.GEOMETRIC, lower, upper)
    with localcontext(prec=50):
        wide = Decimal(step.numerator) / step.denominator
        gap = rule.gap(wide, least=least, price=Decimal(price))
        gap = gap if rule.count(gap) <= most else rule.gap_for(most)
        comp = rule.levels(gap)
    assert rule.count(gap) == len(comp) <= most
    if span < 0:
        assert comp == ()
        return
    ref = naive_geometric_ticks(
        lower, upper, step=step, price=Fraction(price), least=least, most=most
    )
    assert comp == ref
    assert all(upper - lower >= least for lower, upper in pairwise(comp))


@given(
    lower=st.integers(1, 10**6), span=st.integers(1, 10**6), most=st.integers(2, 200)
)
def test_the_smallest_geometric_gap_leaves_just_so_many_levels(
    lower: int, span: int, most: int
) -> None:
    rule = spaced(Spacing.GEOMETRIC, lower, lower + span)
    gap = rule.gap_for(most)
    assume(lower * gap - lower >= 1)  # else ticks are too coarse for so many
    assert rule.count(gap) == most
    within = (Decimal(lower + span) / lower) ** (Decimal(1) / most)
    assert within < gap
    assert rule.count(within - Decimal("1e-12")) == most + 1
