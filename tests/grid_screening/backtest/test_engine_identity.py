"""The closed forms of a grid's profit, on paths whose every step is known."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grid_screening.backtest.engine import simulated_grids
from grid_screening.backtest.grids import Costs, EndReason, FillOrder, Start
from tests.grid_screening.backtest.random_grids import grid, paths_of

FREE = Costs(maker_fee=0.0, taker_fee=0.0)
STEP, LOWER, LEVELS, QUANTITY = 0.7, 41.0, 31, 1.3
FIRST = 14
"""Level at which the grid begins: lots below it."""


def bars_through(levels: list[int]) -> tuple[list[tuple[float, ...]], list[int]]:
    """Return bars that walk through levels in candle order, and their way.

    Four levels are a bar; the extremes are what candle order takes them for.
    """
    bars, way = [], [FIRST]
    for start in range(0, len(levels) - 3, 4):
        opened, a, b, close = levels[start : start + 4]
        low, high = min(opened, a, b, close), max(opened, a, b, close)
        middle = [low, high] if close >= opened else [high, low]
        way += [opened, *middle, close]
        bars.append(tuple(LOWER + STEP * k for k in (opened, high, low, close)))
    return bars, way


inside = st.lists(st.integers(1, LEVELS - 1), min_size=4, max_size=120)


@settings(deadline=None)  # the first run compiles
@given(inside)
def test_profit_is_half_of_quadratic_variation_less_displacement(
    levels: list[int],
) -> None:
    bars, way = bars_through(levels)
    fills = sum(abs(b - a) for a, b in pairwise(way))
    moved = STEP * (way[-1] - way[0])
    ours = simulated_grids(
        paths_of(*np.array(bars).T),
        grid(
            price=LOWER + FIRST * STEP,
            lower_bound=LOWER,
            grid_step=STEP,
            level_count=LEVELS,
            quantity=QUANTITY,
        ),
        FREE,
    )
    half = QUANTITY / (2 * STEP)
    assert ours.fill_count[0] == fills
    assert ours.harvest[0] == pytest.approx(half * fills * STEP**2, abs=1e-10)
    assert ours.displacement[0] == pytest.approx(-half * moved**2, abs=1e-10)
    assert ours.initial_short[0] == pytest.approx(-QUANTITY * FIRST * moved, abs=1e-10)
    assert ours.pnl[0] == pytest.approx(
        half * (fills * STEP**2 - moved**2) - QUANTITY * FIRST * moved, abs=1e-9
    )
    assert ours.round_trips[0] == (fills - abs(way[-1] - way[0])) / 2
    assert ours.end_lots[0] == way[-1]


@settings(deadline=None)  # the first run compiles
@given(inside)
def test_a_flat_start_lacks_the_initial_short_alone(levels: list[int]) -> None:
    above = [max(level, FIRST) for level in levels]
    bars, _ = bars_through(above)
    loaded = grid(
        price=LOWER + FIRST * STEP,
        lower_bound=LOWER,
        grid_step=STEP,
        level_count=LEVELS,
        quantity=QUANTITY,
    )
    flat = replace(loaded, start=np.array([Start.FLAT]))
    paths = paths_of(*np.array(bars).T)
    ours, other = (
        simulated_grids(paths, flat, FREE),
        simulated_grids(paths, loaded, FREE),
    )
    assert ours.pnl[0] == pytest.approx(other.pnl[0] - other.initial_short[0], abs=1e-9)
    assert ours.initial_short[0] == ours.static_short[0] == 0
    assert ours.fill_count[0] == other.fill_count[0]


def test_the_way_to_the_stop_costs_the_closed_form() -> None:
    price, stop = LOWER + FIRST * STEP, LOWER + (LEVELS - 1) * STEP + 0.5
    above, lots = LEVELS - 1 - FIRST, LEVELS - 1
    ours = simulated_grids(
        paths_of([price], [stop + 1], [price], [stop + 1]),
        grid(
            price=price,
            lower_bound=LOWER,
            grid_step=STEP,
            level_count=LEVELS,
            quantity=QUANTITY,
            stop_price=stop,
        ),
        FREE,
    )
    at_upper = QUANTITY * STEP * (above * (above - 1) / 2 + FIRST * above)
    assert ours.end_reason[0] == EndReason.STOPPED
    assert ours.stop_loss[0] == pytest.approx(-lots * QUANTITY * 0.5)
    assert ours.pnl[0] == pytest.approx(-at_upper - lots * QUANTITY * 0.5)


def test_the_way_to_the_bottom_earns_the_closed_form() -> None:
    price = LOWER + FIRST * STEP
    ours = simulated_grids(
        paths_of([price], [price], [LOWER - 2], [LOWER - 2]),
        grid(
            price=price,
            lower_bound=LOWER,
            grid_step=STEP,
            level_count=LEVELS,
            quantity=QUANTITY,
        ),
        FREE,
    )
    assert ours.end_reason[0] == EndReason.TAKE_PROFIT
    assert ours.end_price[0] == LOWER
    assert ours.end_lots[0] == 0
    assert ours.pnl[0] == pytest.approx(QUANTITY * STEP * FIRST * (FIRST + 1) / 2)


def test_a_round_trip_through_a_geometric_cell_earns_its_width_less_fees() -> None:
    low, ratio, fee = 100.0, 1.02, 0.0002
    high = low * ratio**2
    ours = simulated_grids(
        paths_of([low * ratio], [high], [low * ratio], [low * ratio]),
        grid(
            price=low * ratio,
            lower_bound=low,
            grid_step=0.0,
            grid_ratio=ratio,
            level_count=5,
        ),
        Costs(maker_fee=fee, taker_fee=0.0),
        order=FillOrder.HIGH_FIRST,
    )
    width = high - low * ratio
    assert ours.round_trips[0] == 1
    assert ours.pnl[0] == pytest.approx(2 * (width - fee * (high + low * ratio)))
