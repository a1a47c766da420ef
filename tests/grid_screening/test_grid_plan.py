"""The grid plan against hand-computed plans, order-by-order twins and its promises."""

from decimal import ROUND_UP, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grid_screening.brackets import ASSUMED_BRACKETS
from grid_screening.grid_plan import (
    GridBounds,
    GridTerms,
    InfeasibleGrid,
    ShortGridPlan,
    Spacing,
    Start,
    short_grid_plan,
)
from monitor.domain.instruments import Instrument, LeverageBracket
from tests.builders import instrument
from tests.naive_grid import (
    naive_levels,
    naive_loss,
    naive_sales,
    naive_survives,
)

D = Decimal
NAN = float("nan")

GENEROUS = (
    LeverageBracket(
        notional_floor=D(0),
        notional_cap=D(50_000),
        initial_leverage=20,
        maintenance_margin_rate=D("0.01"),
        cumulative_amount=D(0),
    ),
    LeverageBracket(
        notional_floor=D(50_000),
        notional_cap=D(400_000),
        initial_leverage=8,
        maintenance_margin_rate=D("0.02"),
        cumulative_amount=D(500),
    ),
)

CONTRACT = instrument(
    tick_size=D("0.10"),
    min_price=D("0.1"),
    max_price=D(100_000),
    step_size=D("0.001"),
    min_quantity=D("0.001"),
    max_quantity=D(1000),
    market_max_quantity=D(120),
    min_notional=D(5),
)


def terms(**overrides: Any) -> GridTerms:
    values: dict[str, Any] = {
        "margin": D(1000),
        "max_leverage": 3,
        "maker_fee": D("0.0002"),
        "taker_fee": D("0.0005"),
        "brackets": None,
    }
    return GridTerms(**(values | overrides))


def planned(
    contract: Instrument = CONTRACT, **overrides: Any
) -> ShortGridPlan | InfeasibleGrid:
    values: dict[str, Any] = {
        "price": 100.0,
        "mark_price": 100.0,
        "atr_daily": 10.0,
        "atr_hourly": 2.0,
        "funding_rate": 0.0001,
        "funding_interval_h": 8.0,
        "terms": terms(),
    }
    return short_grid_plan(instrument=contract, **(values | overrides))


def plan(contract: Instrument = CONTRACT, **overrides: Any) -> ShortGridPlan:
    found = planned(contract, **overrides)
    assert isinstance(found, ShortGridPlan), found
    return found


def refusal(contract: Instrument = CONTRACT, **overrides: Any) -> InfeasibleGrid:
    found = planned(contract, **overrides)
    assert isinstance(found, InfeasibleGrid), found
    return found


class TestReference:
    def test_price_on_a_level_by_hand(self) -> None:
        comp = plan()
        # lower 100 − 3·10 = 70, upper 100 + 2·10 = 120, step 0.5·2 = 1
        assert (comp.lower_bound, comp.upper_bound) == (D(70), D(120))
        assert comp.grid_step == 1
        # 70 … 120; 70 … 99 below, 101 … 120 above
        assert (comp.level_count, comp.cell_count) == (51, 50)
        assert (comp.levels_below, comp.levels_above) == (30, 20)
        # stop 120·1.005 = 120.6
        assert comp.stop_price == D("120.6")
        # Σ levels 51·95 = 4845; 3000 / 4845 = 0.61919…
        assert comp.quantity_per_level == D("0.619")
        assert comp.initial_short_quantity == D("18.57")  # 30 lots
        assert comp.leverage == 3
        assert comp.notional == D("2999.055")  # 0.619·4845
        # sold: 30 at 100 + (101 + … + 120 = 2210) = 5210 lots·price = 3224.99
        # fees: 0.619·(0.0005·3000 + 0.0002·2210) = 1.202098; wallet 998.797902
        # (998.797902 + 3224.99) / (50·0.619·1.025) = 133.142…; notional 4,120 ≤ 5,000
        assert comp.liquidation_price == D("133.1")
        # 0.619·(1 − 0.0002·(70 + 71)), 0.619·(1 − 0.0002·(119 + 120))
        assert comp.profit_per_trip_low == D("0.6015442")
        assert comp.profit_per_trip_high == D("0.5894118")
        assert comp.cell_profit_rate == pytest.approx(0.0096)  # 1/100 − 2·0.0002
        # costs 2·0.0005·30·100 = 3 per lot; trip 1 − 0.04 = 0.96 per lot → 3.125
        assert comp.break_even_trips == 4
        # hourly σ = 2/1.59577 = 1.25331; 24·σ²/(2·1²) = 18.8496
        assert comp.expected_trips_per_day == pytest.approx(18.849556)
        assert comp.break_even_days == pytest.approx(4 / 18.849556)
        # 0.0001·3 settlements·18.57·100; at 120: 30.95·120
        assert comp.funding_per_day_initial == D("0.5571")
        assert comp.funding_per_day_loaded == D("1.1142")
        # 0.619·(20·19/2 + 30·20) = 0.619·790
        assert comp.loss_at_upper == D("489.01")
        # fees 1.202098 + 0.0005·30.95·120.6 = 1.866285
        assert comp.fees_at_stop == D("3.068383")
        # 489.01 + 30.95·0.6 = 18.57 + fees
        assert comp.loss_at_stop == D("510.648383")
        # 20 / (2·√24)
        assert comp.range_to_volatility == pytest.approx(2.0412415)
        assert comp.initial_short_order_count == 1
        assert comp.marks == ("assumed_brackets",)

    def test_entry_fees_lower_the_liquidation_price(self) -> None:
        # the plan above on a finer tick: 4223.787902 / 31.72375 = 133.142768…
        contract = instrument(
            tick_size=D("0.0001"), step_size=D("0.001"), min_quantity=D("0.001")
        )
        assert plan(contract).liquidation_price == D("133.1427")

    def test_bound_at_a_tenth_of_the_price_is_not_floored(self) -> None:
        # 100 − 3·30 = 10 = 0.1·100
        comp = plan(atr_daily=30.0, atr_hourly=4.0)
        assert comp.lower_bound == 10
        assert "lower_bound_floored" not in comp.marks

    def test_price_between_levels_by_hand(self) -> None:
        comp = plan(price=100.5, atr_daily=40.0, atr_hourly=40.0)
        # lower max(100.5 − 120, 10.05) = 10.05 → 10.1; upper 180.5; step 20
        # 10.1, 30.1, …, 170.1: floor(170.4/20) + 1 = 9 levels; 5 below, 4 above
        assert (comp.lower_bound, comp.upper_bound) == (D("10.1"), D("170.1"))
        assert (comp.levels_below, comp.levels_above) == (5, 4)
        assert comp.marks == ("lower_bound_floored", "assumed_brackets")
        # h·(4·3/2 + 5·4) = 20·26, from level 90.1 on, not from 100.5
        assert comp.loss_at_upper == comp.quantity_per_level * 520
        # 170.1·1.005 = 170.9505 → 171.0
        assert comp.stop_price == D("171.0")

    def test_minimum_margin_by_hand(self) -> None:
        # smallest order at 70: 5/70 = 0.0714… → 0.072; two levels 70 and 100.1:
        # 0.072·170.1/3 = 4.0824 → 4.09
        assert plan().minimum_margin == D("4.09")

    def test_minimum_margin_of_a_slack_short_is_what_keeps_it_safe(self) -> None:
        # a step of 1 on a price of 100: one lot or none, leverage from the margin
        contract = instrument(
            tick_size=D("0.1"), step_size=D(1), min_quantity=D(1), max_quantity=D(99)
        )
        small = refusal(contract, terms=terms(margin=D(50)))
        assert small.reason.code == "min_notional"
        assert small.minimum_margin is not None
        text = f"a margin of {small.minimum_margin} would do"
        assert small.reason.text.endswith(text)
        again = plan(contract, terms=terms(margin=small.minimum_margin))
        assert again.minimum_margin == small.minimum_margin
        refusal(contract, terms=terms(margin=small.minimum_margin - D("0.01")))

    def test_step_covers_two_round_trips_of_fees(self) -> None:
        # 2·2·0.0002·100 = 0.08 → 0.1; 0.5·0.1 = 0.05 → 0.0
        assert plan(atr_daily=1.0, atr_hourly=0.1).grid_step == D("0.1")
        # 2·2·0.0015·100 = 0.6 → 0.6 over a planned 0.2
        dear = terms(maker_fee=D("0.0015"))
        comp = plan(atr_daily=5.0, atr_hourly=0.4, terms=dear)
        assert comp.grid_step == D("0.6")
        assert "coarsened" not in comp.marks

    @pytest.mark.parametrize(
        ("limit", "most"), [(0, 200), (10_000, 200), (200, 200), (50, 50), (2, 2)]
    )
    def test_step_grows_until_the_order_limit_fits(self, limit: int, most: int) -> None:
        contract = instrument(
            tick_size=D("0.0001"),
            step_size=D("0.0001"),
            min_quantity=D("0.0001"),
            min_notional=D(1),
            max_order_count=limit,
        )
        wide = {"atr_daily": 20.0, "atr_hourly": 0.4}  # range 100, step 0.2: 501 levels
        found = planned(contract, **wide)
        if most == 2:  # 40 and 90.0001: nothing above the price
            assert isinstance(found, InfeasibleGrid)
            assert found.reason.code == "range_too_narrow"
            return
        assert isinstance(found, ShortGridPlan)
        assert found.level_count == most
        assert found.marks[0] == "coarsened"
        # one tick less would give one level more
        finer = found.grid_step - D("0.0001")
        assert len(naive_levels(D(40), D(140), finer)) > most

    def test_min_notional_takes_fewer_levels(self) -> None:
        # margin 50: 150/4845 = 0.030 < 0.072 at 51 levels; the first that fits has 22
        comp = plan(terms=terms(margin=D(50)))
        assert (comp.level_count, comp.grid_step) == (22, D("2.3"))
        # 70 … 118.3: Σ 22·94.15 = 2071.3; 150/2071.3 = 0.0724
        assert comp.quantity_per_level == D("0.072")
        assert comp.marks == ("coarsened", "assumed_brackets")

    def test_large_initial_short_is_split(self) -> None:
        contract = instrument(
            tick_size=D("0.1"),
            step_size=D("0.001"),
            max_quantity=D(10),
            market_max_quantity=D(5),
        )
        assert plan(contract).initial_short_order_count == 4  # 18.57 in orders of 5

    def test_own_brackets_are_not_marked(self) -> None:
        brackets = tuple(reversed(GENEROUS))
        comp = plan(terms=terms(brackets=brackets))
        assert comp.marks == ()

    def test_leverage_never_exceeds_the_bracket(self) -> None:
        # 100 k at 20: notional 2 M has no bracket; at 4: 400 k, bracket allows 8
        big = terms(margin=D(60_000), max_leverage=20, brackets=GENEROUS)
        comp = plan(atr_daily=2.0, atr_hourly=0.4, terms=big)
        assert comp.leverage == 6  # 60,000·6 = 360,000 ≤ 400,000 < 60,000·7


class TestStartAndBounds:
    def test_flat_start_by_hand(self) -> None:
        comp = plan(start=Start.FLAT)
        # the loaded grid's levels: 70 … 120 by 1, 20 above the price
        assert comp.levels == plan().levels
        assert comp.initial_short_quantity == 0
        assert comp.initial_short_order_count == 0
        # Σ 101 … 120 = 2210; 3000/2210 = 1.35746…; the liquidation price there:
        # (1000 − 0.0002·1.357·2210 + 1.357·2210) / (20·1.357·1.025) = 143.74…
        assert comp.leverage == 3
        assert comp.quantity_per_level == D("1.357")
        assert comp.notional == D("2998.97")
        assert comp.liquidation_price == D("143.7")
        # sold at 101 … 120, at U: 1.357·(19 + … + 0) = 1.357·190
        assert comp.loss_at_upper == D("257.83")
        # 1.357·(0.0002·2210 + 0.0005·20·120.6); 20 lots from 120 to 120.6
        assert comp.fees_at_stop == D("2.236336")
        assert comp.loss_at_stop == D("257.83") + D("16.284") + D("2.236336")
        # nothing to earn back; the lowest cell is 100 … 101
        assert (comp.break_even_trips, comp.break_even_days) == (0, 0.0)
        assert comp.profit_per_trip_low == D("1.357") * (1 - D("0.0002") * 201)
        assert comp.funding_per_day_initial == 0
        assert comp.funding_per_day_loaded == D("0.0003") * 20 * D("1.357") * 120

    def test_flat_start_needs_notional_only_where_it_trades(self) -> None:
        # two levels 70 and 100.1 of which the upper is sold: at 70 it is bought back
        comp = plan(start=Start.FLAT, price=100.5, atr_daily=40.0, atr_hourly=40.0)
        # 10.1, 30.1, …, 170.1; bought back at 90.1 at the lowest: 5/90.1 → 0.056
        assert comp.levels_below == 5
        least = comp.minimum_margin
        assert least is not None
        small = plan(
            start=Start.FLAT,
            price=100.5,
            atr_daily=40.0,
            atr_hourly=40.0,
            terms=terms(margin=least),
        )
        lowest = max(level for level in small.levels if level <= small.price)
        assert small.quantity_per_level * lowest >= 5

    def test_flat_start_places_no_buy(self) -> None:
        # 99 may not be bought at a mark of 94 (test_buy_too_far_above_the_mark)
        assert plan(start=Start.FLAT, mark_price=94.0).levels_above == 20

    def test_flat_start_sells_above_the_price_only(self) -> None:
        # 107·0.95 = 101.65 > 101
        comp = refusal(start=Start.FLAT, mark_price=107.0)
        assert comp.reason.text == "a SELL must be ≥ 101.65, was 101"
        assert plan(start=Start.FLAT, mark_price=106.0).levels_above == 20  # 100.7

    def test_given_bounds(self) -> None:
        bounds = GridBounds(lower=D("85.55"), upper=D("112.3"), source="mine")
        comp = plan(bounds=bounds)
        assert (comp.lower_bound, comp.upper_bound) == (D("85.6"), D("111.6"))
        # (112.3 − 100)/(2·√24)
        assert comp.range_to_volatility == pytest.approx(12.3 / 2 / 24**0.5)
        assert comp.stop_price == D("112.2")  # 111.6·1.005 = 112.158

    def test_given_bounds_may_be_marked_floored(self) -> None:
        bounds = GridBounds(lower=D(70), upper=D(120), source="mine", floored=True)
        assert plan(bounds=bounds).marks == ("lower_bound_floored", "assumed_brackets")

    def test_bounds_beside_the_price_have_no_grid(self) -> None:
        comp = refusal(bounds=GridBounds(lower=D(101), upper=D(120), source="mine"))
        assert comp.reason.code == "range_too_narrow"

    def test_given_step(self) -> None:
        assert plan(grid_step=D("2.57")).grid_step == D("2.5")
        # 2·2·0.0002·100 = 0.08 → 0.1; 50/0.1 + 1 = 501 levels; 50/200 = 0.25 → 0.3
        comp = plan(grid_step=D("0.01"))
        assert comp.grid_step == D("0.3")
        assert comp.marks[0] == "coarsened"

    @pytest.mark.parametrize("step", [D(0), D(-1), D("NaN"), D("Infinity")])
    def test_impossible_step_is_an_error(self, step: Decimal) -> None:
        with pytest.raises(ValueError, match="grid_step must be > 0, was"):
            plan(grid_step=step)

    @pytest.mark.parametrize(
        ("lower", "upper"),
        [(D(0), D(1)), (D(2), D(1)), (D(1), D(1)), (D("NaN"), D(1)), (D(1), D("inf"))],
    )
    def test_impossible_bounds_are_an_error(
        self, lower: Decimal, upper: Decimal
    ) -> None:
        with pytest.raises(ValueError, match="bounds must be finite with 0 < lower"):
            GridBounds(lower=lower, upper=upper, source="mine")


class TestFunding:
    def test_interval_counts(self) -> None:
        four = plan(funding_interval_h=4.0)
        eight = plan(funding_interval_h=8.0)
        assert eight.funding_per_day_initial is not None
        assert four.funding_per_day_initial == 2 * eight.funding_per_day_initial

    def test_negative_rate_is_paid(self) -> None:
        comp = plan(funding_rate=-0.0001)
        assert comp.funding_per_day_loaded == D("-1.1142")

    @pytest.mark.parametrize(
        ("rate", "hours"), [(None, 8.0), (NAN, 8.0), (0.0001, None), (0.0001, NAN)]
    )
    def test_unknown_is_none(self, rate: float | None, hours: float | None) -> None:
        comp = plan(funding_rate=rate, funding_interval_h=hours)
        assert comp.funding_per_day_initial is None
        assert comp.funding_per_day_loaded is None
        assert comp.to_mapping()["funding_per_day_initial"] is None


class TestInfeasible:
    @pytest.mark.parametrize("value", [NAN, 0.0, -1.0, float("inf")])
    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("atr_daily", "atr_missing"),
            ("atr_hourly", "atr_missing"),
            ("price", "price_missing"),
            ("mark_price", "mark_price_missing"),
        ],
    )
    def test_missing_number(self, name: str, code: str, value: float) -> None:
        overrides: dict[str, Any] = {name: value}
        comp = refusal(**overrides)
        assert comp.reason.code == code
        assert comp.minimum_margin is None

    def test_range_without_levels_on_both_sides(self) -> None:
        comp = refusal(atr_daily=0.01, atr_hourly=0.01)
        assert comp.reason.code == "range_too_narrow"
        assert "had 0 and 0" in comp.reason.text

    def test_lower_bound_below_the_price_filter(self) -> None:
        contract = instrument(tick_size=D("0.1"), min_price=D("70.1"))
        comp = refusal(contract)
        assert comp.reason.code == "price_filter"
        assert comp.reason.text == "the lower bound must be ≥ 70.1, was 70"

    def test_stop_above_the_price_filter(self) -> None:
        contract = instrument(tick_size=D("0.1"), max_price=D("120.5"))
        comp = refusal(contract)
        assert comp.reason.code == "price_filter"
        assert comp.reason.text == "the stop price must be ≤ 120.5, was 120.6"

    def test_switched_off_limits_do_not_count(self) -> None:
        contract = instrument(
            tick_size=D("0.1"),
            step_size=D("0.001"),
            min_price=D(0),
            max_price=D(0),
            max_quantity=D(0),
            market_max_quantity=D(0),
        )
        assert plan(contract).initial_short_order_count == 1

    def test_sell_too_far_below_the_mark(self) -> None:
        comp = refusal(mark_price=110.0)  # 110·0.95 = 104.5
        assert comp.reason.code == "percent_price"
        assert comp.reason.text == "a SELL must be ≥ 104.5, was 100"

    def test_buy_too_far_above_the_mark(self) -> None:
        comp = refusal(mark_price=94.0)  # 94·1.05 = 98.7 < 99
        assert comp.reason.code == "percent_price"
        assert comp.reason.text == "a BUY must be ≤ 98.7, was 99"

    def test_percent_price_is_one_sided(self) -> None:
        # 120 is far above 100·1.05, 70 far below 100·0.95: both legal
        assert plan().upper_bound == 120

    def test_coarser_ladder_is_checked_too(self) -> None:
        # planned: highest BUY 99 ≤ 94.29·1.05 = 99.0045; 22 levels of 2.3: 99.9
        comp = refusal(mark_price=94.29, terms=terms(margin=D(50)))
        assert comp.reason.code == "percent_price"
        assert comp.reason.value == pytest.approx(99.9)

    def test_margin_too_small(self) -> None:
        comp = refusal(terms=terms(margin=D(3)))
        assert comp.reason.code == "min_notional"
        assert comp.minimum_margin == D("4.09")
        assert comp.reason.text == (
            "an order at 70 must be at least 0.072 (notional 5); a margin of 3 is "
            "too small, a margin of 4.09 would do"
        )
        plan(terms=terms(margin=D("4.09")))
        refusal(terms=terms(margin=D("4.08")))

    def test_no_margin_would_do(self) -> None:
        # the smallest order is above the largest
        contract = instrument(
            tick_size=D("0.1"), min_quantity=D(30), max_quantity=D(20)
        )
        comp = refusal(contract)
        assert comp.minimum_margin is None
        assert comp.reason.text.endswith("no margin would do")

    def test_quantity_above_the_largest_order(self) -> None:
        contract = instrument(
            tick_size=D("0.1"), step_size=D("0.001"), max_quantity=D("0.5")
        )
        comp = refusal(contract)
        assert comp.reason.code == "max_quantity"
        assert comp.reason.limit == 0.5
        assert comp.minimum_margin is not None

    def test_liquidation_before_the_stop_at_leverage_one(self) -> None:
        # upper 100 + 2·60 = 220: far above twice the entry
        comp = refusal(atr_daily=60.0, atr_hourly=10.0, terms=terms(margin=D(10**7)))
        assert comp.reason.code == "liquidation"
        assert "even at leverage 1" in comp.reason.text
        # 10 M meets the 50 % bracket; a small margin would be safe
        assert comp.minimum_margin is not None
        plan(atr_daily=60.0, atr_hourly=10.0, terms=terms(margin=comp.minimum_margin))

    def test_unsafe_at_every_margin_has_no_minimum_margin(self) -> None:
        # upper 1,100: the short sold on the way up cannot carry itself there.
        # A coarser ladder ends lower, but only min notional leads to one.
        comp = refusal(atr_daily=500.0, atr_hourly=100.0)
        assert comp.reason.code == "liquidation"
        assert comp.minimum_margin is None
        assert comp.reason.value < comp.reason.limit  # type: ignore[operator]

    def test_position_above_all_brackets(self) -> None:
        rich = terms(margin=D(400_001), brackets=GENEROUS)
        comp = refusal(terms=rich)
        assert comp.reason.code == "bracket_cap"
        assert comp.reason.limit == 400_000
        assert comp.minimum_margin is not None

    @pytest.mark.parametrize(
        ("overrides", "message"),
        [
            ({"margin": D(0)}, "margin must be > 0, was 0"),
            ({"margin": D("NaN")}, "margin must be > 0, was NaN"),
            ({"max_leverage": 0}, "max_leverage must be at least 1, was 0"),
            ({"maker_fee": D("0.01")}, "maker_fee must be in"),
            ({"taker_fee": D("-0.01")}, "taker_fee must be in"),
            ({"brackets": ()}, "brackets must hold at least one row"),
        ],
    )
    def test_impossible_terms_are_errors(
        self, overrides: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            terms(**overrides)


class TestMapping:
    def test_prices_have_the_decimals_of_the_tick(self) -> None:
        comp = plan().to_mapping()
        assert str(comp["price"]) == "100.0"
        assert str(comp["upper_bound"]) == "120.0"
        assert str(comp["stop_price"]) == "120.6"
        assert str(comp["quantity_per_level"]) == "0.619"
        assert str(comp["loss_at_stop"]) == "510.648383"
        assert str(comp["minimum_margin"]) == "4.09"

    def test_coarse_tick_prints_no_exponent(self) -> None:
        contract = instrument(
            tick_size=D(10), step_size=D("0.001"), min_quantity=D("0.001")
        )
        comp = plan(
            contract, price=3000.0, mark_price=3000.0, atr_daily=300.0, atr_hourly=60.0
        ).to_mapping()
        assert str(comp["lower_bound"]) == "2100"
        assert str(comp["grid_step"]) == "30"

    def test_holds_everything_but_the_marks(self) -> None:
        comp = plan().to_mapping()
        assert comp["spacing"] == "arithmetic"
        assert not {"marks", "tick_size", "step_size"} & set(comp)
        assert all(
            value is None or isinstance(value, (Decimal, float, int, str))
            for value in comp.values()
        )

    def test_levels_are_listed(self) -> None:
        comp = plan()
        assert comp.levels == naive_levels(D(70), D(120), D(1))


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    tick = D(draw(st.sampled_from([1, 2, 5]))).scaleb(draw(st.integers(-6, 1)))
    price = tick * draw(st.integers(30, 200_000))
    daily = draw(st.floats(0.005, 0.4))
    step = D(10) ** draw(st.integers(-3, 2))
    contract = instrument(
        tick_size=tick,
        min_price=tick,
        max_price=price * 3,
        step_size=step,
        min_quantity=step * draw(st.integers(1, 3)),
        max_quantity=step * 10**7,
        min_notional=D(draw(st.sampled_from([5, 20, 50]))),
        max_order_count=draw(st.sampled_from([0, 8, 50, 200, 10_000])),
    )
    return {
        "contract": contract,
        "price": float(price),
        "mark_price": float(price) * draw(st.floats(0.99, 1.01)),
        "atr_daily": float(price) * daily,
        "atr_hourly": float(price) * daily * draw(st.floats(0.02, 0.5)),
        "terms": terms(
            margin=D(draw(st.integers(5, 100_000))),
            max_leverage=draw(st.integers(1, 12)),
            maker_fee=D(draw(st.integers(0, 5))) / 10_000,
            brackets=draw(st.sampled_from([None, GENEROUS])),
        ),
        "spacing": draw(st.sampled_from(Spacing)),
        "start": draw(st.sampled_from(Start)),
    }


def is_safe(
    comp: ShortGridPlan, given_terms: GridTerms, leverage: int, start: Start
) -> bool:
    """Twin: size at ``leverage``, ask whether the loaded short survives the gap."""
    brackets = given_terms.brackets or ASSUMED_BRACKETS
    notional = given_terms.margin * leverage
    row = next((b for b in brackets if notional <= b.notional_cap), None)
    if row is None or leverage > row.initial_leverage:
        return False
    flat = start is Start.FLAT
    lots = [p for p in comp.levels if not flat or p > comp.price]
    quantity = notional / sum(lots) // comp.step_size * comp.step_size
    sales = naive_sales(comp.levels, comp.price, quantity, flat=flat)
    rates = (
        given_terms.taker_fee if p == comp.price else given_terms.maker_fee
        for p, _ in sales
    )
    fees = sum((rate * q * p for rate, (p, q) in zip(rates, sales, strict=True)), D(0))
    # survives up to the first tick at or above stop · 1.005
    limit = (comp.stop_price * D("1.005") / comp.tick_size).quantize(1, ROUND_UP)
    wallet = given_terms.margin - fees
    return naive_survives(sales, wallet, limit * comp.tick_size, brackets)


class TestProperties:
    @settings(max_examples=150, deadline=None)
    @given(requests())
    def test_every_order_is_legal(self, request: dict[str, Any]) -> None:
        comp = planned(**request)
        assume(isinstance(comp, ShortGridPlan))
        assert isinstance(comp, ShortGridPlan)
        contract: Instrument = request["contract"]
        most = min(contract.max_order_count or 200, 200)
        assert comp.level_count <= most
        assert comp.levels_below >= 1
        assert comp.levels_above >= 1
        assert comp.levels_below == sum(p < comp.price for p in comp.levels)
        assert comp.levels_above == sum(p > comp.price for p in comp.levels)
        quantity = comp.quantity_per_level
        assert quantity % contract.step_size == 0
        assert contract.min_quantity <= quantity <= contract.max_quantity
        bought_below = request["start"] is Start.LOADED
        # started flat, the lowest order buys at the highest level not above the price
        lowest_flat = max(p for p in comp.levels if p <= comp.price)
        for level in comp.levels:
            assert level % contract.tick_size == 0
            assert contract.min_price <= level <= contract.max_price
            if bought_below or level >= lowest_flat:
                assert quantity * level >= contract.min_notional
        mark = D(repr(request["mark_price"]))
        for level in comp.levels:
            if bought_below and level < comp.price:
                assert level <= mark * contract.multiplier_up
            if level > comp.price:
                assert level >= mark * contract.multiplier_down

    @settings(max_examples=150, deadline=None)
    @given(requests())
    def test_stop_liquidation_and_margin_hold(self, request: dict[str, Any]) -> None:
        comp = planned(**request)
        assume(isinstance(comp, ShortGridPlan))
        assert isinstance(comp, ShortGridPlan)
        assert comp.stop_price >= comp.upper_bound * D("1.005")
        assert comp.stop_price % comp.tick_size == 0
        assert comp.liquidation_price >= comp.stop_price * D("1.005")
        assert comp.notional <= comp.margin * comp.leverage
        assert comp.minimum_margin is not None
        assert comp.minimum_margin <= comp.margin
        flat = request["start"] is Start.FLAT
        sales = naive_sales(comp.levels, comp.price, comp.quantity_per_level, flat=flat)
        with localcontext(prec=50):
            loss = naive_loss(sales, comp.stop_price) + comp.fees_at_stop
        assert loss < comp.margin

    @settings(max_examples=150, deadline=None)
    @given(requests())
    def test_leverage_is_the_largest_safe_one(self, request: dict[str, Any]) -> None:
        comp = planned(**request)
        assume(isinstance(comp, ShortGridPlan))
        assert isinstance(comp, ShortGridPlan)
        with localcontext(prec=50):
            assert is_safe(comp, request["terms"], comp.leverage, request["start"])
            for leverage in range(comp.leverage + 1, request["terms"].max_leverage + 1):
                assert not is_safe(comp, request["terms"], leverage, request["start"])

    @settings(max_examples=150, deadline=None)
    @given(requests())
    def test_losses_equal_the_order_by_order_twin(
        self, request: dict[str, Any]
    ) -> None:
        comp = planned(**request)
        assume(isinstance(comp, ShortGridPlan))
        assert isinstance(comp, ShortGridPlan)
        quantity, given_terms = comp.quantity_per_level, request["terms"]
        at_or_below = max(p for p in comp.levels if p <= comp.price)
        with localcontext(prec=50):
            # the initial short counts from the highest level not above the price
            flat = request["start"] is Start.FLAT
            sales = naive_sales(comp.levels, comp.price, quantity, flat=flat)
            counted = [
                (at_or_below if sold == comp.price else sold, q) for sold, q in sales
            ]
            assert comp.loss_at_upper == naive_loss(counted, comp.upper_bound)
            # which is never better than selling at the price itself
            assert comp.loss_at_upper >= naive_loss(sales, comp.upper_bound)
            fees = sum(
                q
                * sold
                * (
                    given_terms.taker_fee
                    if sold == comp.price
                    else given_terms.maker_fee
                )
                for sold, q in sales
            )
            total = sum(q for _, q in sales)
            fees += given_terms.taker_fee * total * comp.stop_price
            assert comp.fees_at_stop == fees
            ref = naive_loss(counted, comp.stop_price) + fees
            assert comp.loss_at_stop == ref

    @settings(max_examples=100, deadline=None)
    @given(requests())
    def test_minimum_margin_is_legal_and_less_is_not(
        self, request: dict[str, Any]
    ) -> None:
        comp = planned(**request)
        least = comp.minimum_margin
        assume(least is not None)
        assert least is not None
        changed = {**request, "terms": self.with_margin(request["terms"], least)}
        found = planned(**changed)
        if isinstance(found, InfeasibleGrid):
            assert found.reason.code == "percent_price"
        assume(least > D("0.02"))
        less = self.with_margin(request["terms"], least - D("0.02"))
        assert isinstance(planned(**{**request, "terms": less}), InfeasibleGrid)

    @settings(max_examples=80, deadline=None)
    @given(requests(), st.integers(1, 20))
    def test_dearer_maker_never_raises_the_profit_of_the_same_cells(
        self, request: dict[str, Any], more: int
    ) -> None:
        cheap = planned(**request)
        old: GridTerms = request["terms"]
        dear = planned(
            **{
                **request,
                "terms": terms(
                    margin=old.margin,
                    max_leverage=old.max_leverage,
                    maker_fee=old.maker_fee + D(more) / 10_000,
                    brackets=old.brackets,
                ),
            }
        )
        assume(isinstance(cheap, ShortGridPlan) and isinstance(dear, ShortGridPlan))
        assert isinstance(cheap, ShortGridPlan)
        assert isinstance(dear, ShortGridPlan)
        assert dear.grid_step >= cheap.grid_step or dear.levels != cheap.levels
        assume(dear.levels == cheap.levels and dear.leverage == cheap.leverage)
        assert dear.profit_per_trip_low < cheap.profit_per_trip_low
        assert dear.profit_per_trip_high < cheap.profit_per_trip_high

    @settings(max_examples=80, deadline=None)
    @given(requests(), st.integers(1, 5000))
    def test_more_margin_never_lowers_the_quantity_at_the_same_leverage(
        self, request: dict[str, Any], more: int
    ) -> None:
        small = planned(**request)
        margin = request["terms"].margin + more
        large = planned(
            **{**request, "terms": self.with_margin(request["terms"], margin)}
        )
        assume(isinstance(small, ShortGridPlan) and isinstance(large, ShortGridPlan))
        assert isinstance(small, ShortGridPlan)
        assert isinstance(large, ShortGridPlan)
        assume(large.levels == small.levels and large.leverage == small.leverage)
        assert large.quantity_per_level >= small.quantity_per_level

    @staticmethod
    def with_margin(old: GridTerms, margin: Decimal) -> GridTerms:
        return terms(
            margin=margin,
            max_leverage=old.max_leverage,
            maker_fee=old.maker_fee,
            brackets=old.brackets,
        )
