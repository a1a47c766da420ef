"""Plans as grids: what a plan promises, the simulator keeps."""

from dataclasses import replace
from decimal import Decimal
from functools import cache

import numpy as np
import pytest

from grid_screening.backtest.engine import simulated_grids
from grid_screening.backtest.grids import (
    Costs,
    EndReason,
    FillOrder,
    Spacing,
    Start,
)
from grid_screening.backtest.planned import planned_grids
from grid_screening.backtest.trace import levels_of
from grid_screening.grid_plan import GridTerms, ShortGridPlan, short_grid_plan
from monitor.domain.typing import FloatArray
from tests.builders import instrument
from tests.grid_screening.backtest.random_grids import paths_of

D = Decimal
COUNT, BARS = 200, 300


@cache
def plans(spacing: Spacing = Spacing.ARITHMETIC) -> tuple[ShortGridPlan, ...]:
    rng = np.random.default_rng(7)
    found: list[ShortGridPlan] = []
    while len(found) < COUNT:
        price = round(float(10 ** rng.uniform(-1, 3)), 4)
        daily = price * rng.uniform(0.02, 0.2)
        plan = short_grid_plan(
            instrument=instrument(step_size=D("0.001"), min_quantity=D("0.001")),
            price=price,
            mark_price=price,
            atr_daily=daily,
            atr_hourly=daily * rng.uniform(0.1, 0.4),
            funding_rate=None,
            funding_interval_h=None,
            spacing=spacing,
            terms=GridTerms(
                margin=D(int(rng.choice([200, 1_000, 20_000]))),
                max_leverage=int(rng.integers(1, 11)),
                maker_fee=D("0.0002"),
                taker_fee=D("0.0005"),
                brackets=None,
            ),
        )
        if isinstance(plan, ShortGridPlan):
            found.append(plan)
    return tuple(found)


def prices() -> FloatArray:
    return np.array([[float(plan.price)] for plan in plans()])


def batch(bars: int, start: Start = Start.LOADED) -> object:
    rows = np.arange(COUNT)
    ends = np.full(COUNT, bars)
    return planned_grids(rows, np.zeros(COUNT, np.int64), ends, plans(), start=start)


def test_fields_are_the_plan_s() -> None:
    grids, plan = batch(1), plans()[3]
    assert grids.lower_bound[3] == float(plan.lower_bound)
    assert grids.grid_step[3] == float(plan.grid_step)
    assert grids.level_count[3] == plan.level_count
    assert grids.quantity[3] == float(plan.quantity_per_level)
    assert grids.stop_price[3] == float(plan.stop_price)
    assert grids.margin[3] == float(plan.margin)
    assert set(grids.grid_ratio) == {1.0}
    assert set(batch(1, Start.FLAT).start) == {int(Start.FLAT)}


def test_initial_lots_are_the_plan_s() -> None:
    still = prices()
    ours = simulated_grids(paths_of(still, still, still, still), batch(1))
    assert ours.end_lots.tolist() == [plan.levels_below for plan in plans()]


def test_the_straight_way_to_the_stop_costs_at_most_what_was_planned() -> None:
    opened = prices()
    stop = np.array([[float(plan.stop_price)] for plan in plans()])
    ours = simulated_grids(paths_of(opened, stop, opened, stop), batch(1))
    planned = np.array([float(plan.loss_at_stop) for plan in plans()])
    assert (ours.end_reason == EndReason.STOPPED).all()
    assert (-ours.pnl <= planned * (1 + 1e-9)).all()
    # equal where the price is at a level: elsewhere the plan counts one lot more
    lots = np.array([plan.levels_below + plan.levels_above for plan in plans()])
    same = ours.end_lots == lots
    assert same.any()
    assert -ours.pnl[same] == pytest.approx(planned[same])


@pytest.mark.parametrize("order", list(FillOrder))
@pytest.mark.parametrize("start", list(Start))
def test_no_plan_is_liquidated_before_its_stop(order: FillOrder, start: Start) -> None:
    rng = np.random.default_rng(11)
    daily = np.array([[plan.atr_daily] for plan in plans()])
    close = prices() + np.cumsum(rng.normal(0, 0.2, (COUNT, BARS)), axis=1) * daily
    close = np.maximum(close, 0.05 * prices())
    opened = np.concatenate([prices(), close[:, :-1]], axis=1)  # no gaps
    reach = np.abs(rng.normal(0, 0.1, (2, COUNT, BARS))) * daily
    high = np.maximum(opened, close) + reach[0]
    low = np.maximum(np.minimum(opened, close) - reach[1], 0.01 * prices())
    ours = simulated_grids(
        paths_of(opened, high, low, close), batch(BARS, start), order=order
    )
    assert (ours.end_reason == EndReason.STOPPED).sum() > COUNT / 10
    assert (ours.end_reason != EndReason.LIQUIDATED).all()


def test_without_the_stop_some_are_liquidated_after_it() -> None:
    opened = prices()
    high = 10 * opened
    grids = replace(batch(1), stop_price=np.full(COUNT, np.inf))
    ours = simulated_grids(paths_of(opened, high, opened, high), grids)
    limits = np.array([float(plan.liquidation_price) for plan in plans()])
    lost = ours.end_reason == EndReason.LIQUIDATED
    assert lost.any()
    assert (ours.end_price[lost] >= limits[lost] * (1 - 1e-9)).all()


def test_geometric_plans_keep_their_promises_to_half_a_tick() -> None:
    of = plans(Spacing.GEOMETRIC)
    zeros = np.zeros(COUNT, np.int64)
    grids = planned_grids(np.arange(COUNT), zeros, zeros + 1, of)
    opened = np.array([[float(plan.price)] for plan in of])
    stop = np.array([[float(plan.stop_price)] for plan in of])
    ours = simulated_grids(paths_of(opened, stop, opened, stop), grids)
    assert (ours.end_reason == EndReason.STOPPED).all()
    for number, plan in enumerate(of):
        # a price on a planned level may lie a hair above the simulated one
        more = float(plan.price in plan.levels)
        lots = plan.levels_below + plan.levels_above
        moved = lots * plan.quantity_per_level * plan.tick_size / 2
        cell = float(plan.quantity_per_level * plan.grid_step) * 1.01
        limit = float(plan.loss_at_stop + moved) + more * cell
        assert -ours.pnl[number] <= limit * (1 + 1e-9)
        assert abs(lots - ours.end_lots[number]) <= 1
    assert len({plan.price in plan.levels for plan in of}) == 2  # both happen


def test_as_many_plans_as_rows() -> None:
    with pytest.raises(ValueError, match="plans must be 2, one per row, were 1"):
        planned_grids(np.arange(2), np.zeros(2), np.ones(2), plans()[:1])


def test_a_geometric_plan_has_equal_ratios_between_its_bounds() -> None:
    plan = replace(plans()[0], spacing="geometric")
    one = planned_grids(np.zeros(1), np.zeros(1), np.ones(1), [plan])
    levels = levels_of(one)
    assert levels[1:] / levels[:-1] == pytest.approx(one.grid_ratio[0])
    assert levels[-1] == pytest.approx(float(plan.upper_bound))
    assert levels.size == plan.level_count


def test_other_plans_are_refused() -> None:
    odd = replace(plans()[0], spacing="wavy")
    with pytest.raises(ValueError, match="spacing of plan 0 must be arithmetic or"):
        planned_grids(np.zeros(1), np.zeros(1), np.ones(1), [odd])


def test_costs_default_to_the_plan_s() -> None:
    assert Costs() == Costs(maker_fee=0.0002, taker_fee=0.0005, stop_slippage=0.0)
