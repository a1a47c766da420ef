"""Coarser ladders, from either end."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid_screening.backtest.grids import Start
from grid_screening.ladder import Ladder, coarser_ladders, coarsest_first

TICK = Decimal("0.01")


@given(
    lower=st.integers(1, 400),
    reach=st.integers(-20, 400),
    above=st.integers(1, 300),
    step=st.integers(1, 60),
    start=st.sampled_from(Start),
)
def test_coarsest_first_is_the_other_way_round(
    lower: int, reach: int, above: int, step: int, start: Start
) -> None:
    low, price = lower * TICK, max(lower + reach, 1) * TICK
    upper = max(low, price) + above * TICK
    ladder = Ladder(
        price=price,
        lower_bound=low,
        grid_step=step * TICK,
        level_count=int((upper - low) // (step * TICK)) + 1,
        upper_limit=upper,
        coarsened=False,
        start=start,
    )
    ref = list(coarser_ladders(ladder, tick_size=TICK))
    assert list(coarsest_first(ladder, tick_size=TICK)) == ref[::-1]


@pytest.mark.parametrize("count", [1, 2])
def test_two_levels_have_nothing_coarser(count: int) -> None:
    ladder = Ladder(
        price=Decimal(10),
        lower_bound=Decimal(9),
        grid_step=Decimal(2),
        level_count=count,
        upper_limit=Decimal(12),
        coarsened=False,
    )
    assert list(coarsest_first(ladder, tick_size=TICK)) == []
