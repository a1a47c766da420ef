"""Geometric plans: by hand, level by level, and what stays as it was."""

from dataclasses import replace
from decimal import ROUND_UP, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from math import pi
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings

from grid_screening.backtest.design import GridDesign
from grid_screening.backtest.planned import planned_grids
from grid_screening.backtest.trace import levels_of
from grid_screening.bounds import GridBounds
from grid_screening.grid_plan import (
    GridRules,
    GridTerms,
    InfeasibleGrid,
    ShortGridPlan,
    Spacing,
    Start,
)
from grid_screening.ladder import spacing_range
from monitor.domain.instruments import Instrument
from tests.builders import instrument
from tests.grid_screening.test_grid_plan import (
    CONTRACT,
    D,
    plan,
    planned,
    refusal,
    requests,
    terms,
)
from tests.naive_grid import naive_even_ratios, naive_geometric_ticks, naive_levels

GEOMETRIC = {"spacing": Spacing.GEOMETRIC}
DOUBLING: dict[str, Any] = {
    "bounds": GridBounds(lower=D(50), upper=D(200), source="mine"),
    "grid_step": D(100),
    **GEOMETRIC,
}


def geometric(request: dict[str, Any]) -> ShortGridPlan:
    comp = planned(**(request | GEOMETRIC))
    assume(isinstance(comp, ShortGridPlan))
    assert isinstance(comp, ShortGridPlan)
    return comp


def in_ticks(price: Decimal, tick: Decimal) -> int:
    assert price % tick == 0
    return int(price / tick)


def least_step(price: Decimal, tick: Decimal, maker_fee: Decimal) -> int:
    """Two round trips of maker fees at the price, in ticks upwards."""
    of_fees = (4 * maker_fee * price / tick).quantize(D(1), ROUND_UP)
    return max(int(of_fees), 1)


class TestReference:
    def test_levels_that_double_by_hand(self) -> None:
        comp = plan(**DOUBLING)
        # 100/100 → each level twice the last
        assert comp.levels == (D(50), D(100), D(200))
        assert (comp.spacing, comp.grid_ratio) == ("geometric", 2)
        assert comp.grid_step == 100  # the cell above the price, which is a level
        assert (comp.levels_below, comp.levels_above) == (1, 1)
        # 3000 / 350 = 8.5714…; sold at 100 and 200, stopped at 201
        assert (comp.leverage, comp.quantity_per_level) == (3, D("8.571"))
        assert comp.initial_short_quantity == D("8.571")
        assert comp.notional == D("2999.85")
        assert comp.stop_price == D("201")
        q = D("8.571")
        assert comp.profit_per_trip_low == q * (50 - D("0.0002") * 150)
        assert comp.profit_per_trip_high == q * (100 - D("0.0002") * 300)
        assert comp.cell_profit_rate == pytest.approx(1 - 0.0004)
        # 2·0.0005·100 per lot against 100 − 0.04
        assert comp.break_even_trips == 1
        variance = 24 * 2.0**2 * pi / 8
        assert comp.expected_trips_per_day == pytest.approx(variance / (2 * 100.0**2))
        assert comp.loss_at_upper == q * 100
        fees = q * (D("0.05") + D("0.04")) + D("0.0005") * 2 * q * 201
        assert comp.fees_at_stop == fees
        assert comp.loss_at_stop == q * 100 + 2 * q * 1 + fees
        assert comp.funding_per_day_loaded == D("0.0003") * 2 * q * 200
        # (1000 − fees + 8.571·300) / (2·8.571·1.025) = 203.20…
        assert comp.liquidation_price == D("203.2")

    def test_the_step_at_the_price_is_the_planned_one(self) -> None:
        comp = plan(**GEOMETRIC)
        # 70·1.01^54 = 119.80, 70·1.01^55 = 120.998
        assert (comp.lower_bound, comp.upper_bound) == (D(70), D("119.8"))
        assert comp.level_count == 55
        assert comp.grid_ratio is not None
        assert float(comp.grid_ratio) == pytest.approx((119.8 / 70) ** (1 / 54))
        assert comp.grid_ratio >= D("1.01")
        assert float(comp.planned_step) == pytest.approx(1.0, abs=0.001)
        assert comp.levels[1] == D("70.7")
        assert comp.levels[1] - comp.levels[0] < comp.levels[-1] - comp.levels[-2]

    def test_flat_start_by_hand(self) -> None:
        comp = plan(start=Start.FLAT, **DOUBLING)
        # 3000 / 200, of which one lot is sold at 200 and bought back at 100
        assert (comp.quantity_per_level, comp.leverage) == (D(15), 3)
        assert comp.initial_short_quantity == 0
        assert comp.loss_at_upper == 0
        assert comp.profit_per_trip_low == comp.profit_per_trip_high
        assert comp.profit_per_trip_low == 15 * (100 - D("0.0002") * 300)
        assert comp.break_even_trips == 0

    def test_ticks_widen_the_ratio_until_levels_differ(self) -> None:
        # at 100 one tick is 1 %, at the lower bound of 10 it is 10 %
        contract = instrument(
            tick_size=D(1), step_size=D("0.001"), min_quantity=D("0.001")
        )
        bounds = GridBounds(lower=D(10), upper=D(140), source="mine")
        comp = plan(contract, bounds=bounds, grid_step=D(1), **GEOMETRIC)
        assert comp.levels[:4] == (D(10), D(11), D(12), D(13))
        # 10·1.1^27 = 131.1, 10·1.1^28 = 144.2
        assert (comp.level_count, comp.upper_bound) == (28, D(132))

    def test_fees_widen_the_lowest_cell(self) -> None:
        # 4·0.005·100 = 2 at least; at 70 that is 2.857 %
        dear = terms(maker_fee=D("0.005"))
        comp = plan(terms=dear, **GEOMETRIC)
        assert comp.levels[1] - comp.levels[0] == 2
        assert comp.grid_ratio is not None
        assert comp.grid_ratio >= 1 + D(2) / 70

    def test_too_many_levels_get_the_smallest_ratio_that_fits(self) -> None:
        contract = replace(CONTRACT, max_order_count=10)
        comp = plan(contract, **GEOMETRIC)
        assert comp.level_count == 10
        assert comp.marks[0] == "coarsened"
        # the eleventh would stand one tick above 120
        assert comp.grid_ratio is not None
        assert float(comp.grid_ratio) == pytest.approx(
            (120.1 / 70) ** (1 / 10), abs=2e-4
        )

    def test_a_percent_price_is_asked_of_the_levels_placed(self) -> None:
        highest = max(level for level in plan(**GEOMETRIC).levels if level < 100)
        comp = refusal(mark_price=94.0, **GEOMETRIC)
        assert comp.reason.text == f"a BUY must be ≤ 98.7, was {highest.normalize():f}"

    def test_what_cannot_be_made_safe_says_so(self) -> None:
        # cells are narrow below: far more lots below the price than above it
        wide = refusal(atr_daily=40.0, atr_hourly=2.0, **GEOMETRIC)
        assert wide.reason.code == "liquidation"
        assert isinstance(planned(atr_daily=40.0, atr_hourly=2.0), ShortGridPlan)

    def test_it_is_published_with_its_ratio(self) -> None:
        comp = plan(**GEOMETRIC).to_mapping()
        assert comp["spacing"] == "geometric"
        # (119.8 / 70) ** (1 / 54) to twelve decimals
        assert str(comp["grid_ratio"]) == "1.010000197840"
        assert str(comp["grid_step"]) in {"1.0", "1.1", "0.9"}
        assert plan().to_mapping()["grid_ratio"] is None

    def test_smallest_and_largest_step_of_the_deep_search(self) -> None:
        least, most = spacing_range(
            price=D(100), lower=D(70), upper=D(120), widest=D(4),
            maker_fee=D("0.0002"), instrument=CONTRACT, rules=GridRules(), **GEOMETRIC,
        )  # fmt: skip
        # 200 levels: (120.1/70)^(1/200) − 1 = 0.27 % → 0.3; a tick at 70 is 0.143 %
        assert (least, most) == (D("0.3"), D(4))
        for step in (least, most):
            assert "coarsened" not in plan(grid_step=step, **GEOMETRIC).marks
        assert "coarsened" in plan(grid_step=least - D("0.1"), **GEOMETRIC).marks


class TestProperties:
    @settings(max_examples=150, deadline=None)
    @given(requests())
    def test_levels_are_those_of_the_twin(self, request: dict[str, Any]) -> None:
        comp = geometric(request)
        contract: Instrument = request["contract"]
        assume("coarsened" not in comp.marks)
        tick, price = contract.tick_size, D(repr(request["price"]))
        with localcontext(prec=50):
            daily = D(repr(request["atr_daily"]))
            lower = max(price - 3 * daily, price / 10)
            ref = naive_geometric_ticks(
                int((lower / tick).quantize(D(1), ROUND_UP)),
                int((price + 2 * daily) // tick),
                step=Fraction(repr(request["atr_hourly"])) / 2 / Fraction(tick),
                price=Fraction(price) / Fraction(tick),
                least=least_step(price, tick, request["terms"].maker_fee),
                most=min(contract.max_order_count or 200, 200),
            )
        assert comp.levels == tuple(level * tick for level in ref)

    @settings(max_examples=150, deadline=None)
    @given(requests())
    def test_no_cell_is_narrower_than_fees_and_tick_allow(
        self, request: dict[str, Any]
    ) -> None:
        comp = geometric(request)
        tick, fee = comp.tick_size, request["terms"].maker_fee
        least = least_step(comp.price, tick, fee) * tick
        widths = [high - low for low, high in pairwise(comp.levels)]
        assert min(widths) >= least > 0
        assert comp.level_count == len(comp.levels) <= 200
        assert comp.cell_count == len(widths)
        # a trip through any cell below the price earns its fees once more, at least
        for low, high in pairwise(comp.levels):
            if high <= comp.price:
                assert high - low - fee * (low + high) >= fee * (low + high)

    @settings(max_examples=150, deadline=None)
    @given(requests())
    def test_numbers_are_those_of_the_levels_placed(
        self, request: dict[str, Any]
    ) -> None:
        comp = geometric(request)
        fee, q, flat = (
            request["terms"].maker_fee,
            comp.quantity_per_level,
            request["start"] is Start.FLAT,
        )
        with localcontext(prec=50):
            cells = list(pairwise(comp.levels))
            own = next(c for c in cells if c[0] <= comp.price < c[1])
            low, high = own if flat else cells[0]
            assert comp.profit_per_trip_low == q * (high - low) - fee * q * (high + low)
            low, high = cells[-1]
            assert comp.profit_per_trip_high == q * (high - low) - fee * q * (
                high + low
            )
            assert comp.grid_step == own[1] - own[0]
            rate = comp.grid_step / comp.price - 2 * fee
            assert comp.cell_profit_rate == float(rate)
            lots = [p for p in comp.levels if not flat or p > comp.price]
            assert comp.notional == q * sum(lots)
            sigma2 = 24 * request["atr_hourly"] ** 2 * pi / 8
            assert comp.expected_trips_per_day == pytest.approx(
                sigma2 / (2 * float(comp.grid_step) ** 2)
            )
            initial = 0 if flat else comp.levels_below
            assert comp.initial_short_quantity == q * initial
            costs = 2 * request["terms"].taker_fee * initial * comp.price
            earned = (comp.break_even_trips * rate * comp.price, costs)
            assert earned[0] >= earned[1]
            assert initial == 0 or earned[0] - rate * comp.price < earned[1]

    @settings(max_examples=100, deadline=None)
    @given(requests())
    def test_the_dialogs_parameters_give_the_levels_back(
        self, request: dict[str, Any]
    ) -> None:
        comp = geometric(request)
        tick = comp.tick_size
        ends = (in_ticks(end, tick) for end in (comp.lower_bound, comp.upper_bound))
        ref = naive_even_ratios(*ends, comp.cell_count)
        assert comp.levels == tuple(level * tick for level in ref)

    @settings(max_examples=100, deadline=None)
    @given(requests())
    def test_simulated_levels_are_at_most_half_a_tick_away(
        self, request: dict[str, Any]
    ) -> None:
        comp = geometric(request)
        zero = np.zeros(1, np.int64)
        batch = planned_grids(zero, zero, zero + 1, [comp])
        design = GridDesign.of_plan(comp)
        ref = np.array([float(level) for level in comp.levels])
        half = float(comp.tick_size) / 2 * (1 + 1e-6)
        for levels in (levels_of(batch), design.levels):
            assert levels.shape == ref.shape
            assert np.abs(levels - ref).max() <= half + 1e-9 * ref[-1]

    @settings(max_examples=100, deadline=None)
    @given(requests())
    def test_the_step_at_the_price_is_the_planned_spacing_or_what_fees_ask(
        self, request: dict[str, Any]
    ) -> None:
        comp = geometric(request)
        assume("coarsened" not in comp.marks)
        tick, fee = comp.tick_size, request["terms"].maker_fee
        assert comp.grid_ratio is not None
        with localcontext(prec=50):
            spacing = D(repr(request["atr_hourly"])) / 2
            least = least_step(comp.price, tick, fee) * tick
            asked = max(spacing, least * comp.price / comp.lower_bound)
            # the last level is put on the next tick, and so widens all cells a bit
            excess = comp.planned_step - asked
            assert 0 <= excess + D("1e-30") <= comp.grid_ratio * tick
            # the cell that is really there begins less than a ratio below the price,
            # and each of its ends is at most half a tick off
            narrowest = comp.planned_step / comp.grid_ratio
            assert (
                narrowest - 2 * tick <= comp.grid_step <= comp.planned_step + 2 * tick
            )

    @settings(max_examples=100, deadline=None)
    @given(requests())
    def test_the_planned_step_plans_the_same_levels_again(
        self, request: dict[str, Any]
    ) -> None:
        comp = geometric(request)
        bounds = GridBounds(
            lower=comp.lower_bound, upper=comp.upper_bound, source="again"
        )
        again = planned(
            **(request | GEOMETRIC | {"bounds": bounds, "grid_step": comp.planned_step})
        )
        assert isinstance(again, ShortGridPlan)
        assert again.levels == comp.levels

    @settings(max_examples=100, deadline=None)
    @given(requests())
    def test_arithmetic_levels_are_as_ever(self, request: dict[str, Any]) -> None:
        comp = planned(**(request | {"spacing": Spacing.ARITHMETIC}))
        assume(isinstance(comp, ShortGridPlan))
        assert isinstance(comp, ShortGridPlan)
        assert comp.grid_ratio is None
        assert comp.planned_step == comp.grid_step
        ref = naive_levels(comp.lower_bound, comp.upper_bound, comp.grid_step)
        assert comp.levels == ref
        n, h, q = comp.level_count, comp.grid_step, comp.quantity_per_level
        with localcontext(prec=50):
            if request["start"] is Start.LOADED:
                total = n * comp.lower_bound + h * (n * (n - 1) // 2)
                assert comp.notional == q * total
            k_low = 0 if request["start"] is Start.FLAT else comp.levels_below
            k_up = comp.levels_above
            ref_loss = q * h * (k_up * (k_up - 1) // 2) + q * k_low * k_up * h
            assert comp.loss_at_upper == ref_loss

    @settings(max_examples=60, deadline=None)
    @given(requests())
    def test_a_refusal_has_no_plan_at_its_margin(self, request: dict[str, Any]) -> None:
        found = planned(**(request | GEOMETRIC))
        assume(isinstance(found, InfeasibleGrid) and found.minimum_margin is not None)
        assert isinstance(found, InfeasibleGrid)
        old: GridTerms = request["terms"]
        enough = replace(old, margin=found.minimum_margin)
        again = planned(**(request | GEOMETRIC | {"terms": enough}))
        assert isinstance(again, ShortGridPlan) or again.reason.code == "percent_price"
