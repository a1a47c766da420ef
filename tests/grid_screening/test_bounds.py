from decimal import Decimal
from math import nan

import pytest

from grid_screening.bounds import (
    BOUNDS_SOURCES,
    GridBounds,
    atr_bounds,
    quantile_bounds,
    value_area_bounds,
)
from grid_screening.ladder import GridRules
from grid_screening.screening_report import Reason

D = Decimal
PRICE = D(100)


def bounds(found: GridBounds | Reason) -> GridBounds:
    assert isinstance(found, GridBounds), found
    assert found.source in BOUNDS_SOURCES
    return found


def reason(found: GridBounds | Reason) -> Reason:
    assert isinstance(found, Reason), found
    return found


class TestAtr:
    def test_daily_ranges_around_the_price(self) -> None:
        found = bounds(atr_bounds(PRICE, D(5)))
        assert (found.lower, found.upper, found.floored) == (85, 110, False)

    def test_the_lower_one_stays_above_a_tenth_of_the_price(self) -> None:
        found = bounds(atr_bounds(PRICE, D(31)))
        assert (found.lower, found.floored) == (10, True)
        found = bounds(atr_bounds(PRICE, D(30)))
        assert (found.lower, found.floored) == (10, False)

    def test_multiples_are_rules(self) -> None:
        rules = GridRules(lower_atr_multiple=D(1), upper_atr_multiple=D(4))
        found = bounds(atr_bounds(PRICE, D(5), rules))
        assert (found.lower, found.upper) == (95, 120)


class TestQuantile:
    def test_as_far_as_the_contract_moved(self) -> None:
        found = bounds(quantile_bounds(PRICE, rise=0.25, fall=0.125))
        assert (found.lower, found.upper) == (D("87.5"), D(125))
        assert found.source == "quantile"

    def test_a_deep_fall_is_floored(self) -> None:
        found = bounds(quantile_bounds(PRICE, rise=0.25, fall=0.95))
        assert (found.lower, found.floored) == (10, True)

    @pytest.mark.parametrize(("rise", "fall"), [(nan, 0.1), (0.1, nan)])
    def test_too_few_bars_are_told(self, rise: float, fall: float) -> None:
        found = reason(quantile_bounds(PRICE, rise=rise, fall=fall))
        assert found.code == "bounds_missing"
        assert found.text == (
            "bounds by quantiles need more bars than one horizon of 7 days; "
            "--bounds atr needs none of them"
        )

    @pytest.mark.parametrize(("rise", "fall"), [(0.0, 0.1), (0.1, -0.02)])
    def test_a_contract_that_moved_one_way_only(self, rise: float, fall: float) -> None:
        assert reason(quantile_bounds(PRICE, rise=rise, fall=fall)).code == (
            "bounds_beside_price"
        )

    def test_where_they_lay_is_told(self) -> None:
        assert reason(quantile_bounds(PRICE, rise=-0.01, fall=0.1)).text == (
            "the price must be inside its bounds, they were -1.00% and -10.00% from it"
        )


class TestValueArea:
    def test_edges_are_the_bounds(self) -> None:
        found = bounds(value_area_bounds(PRICE, low=D("90.1"), high=D("107.2")))
        assert (found.lower, found.upper) == (D("90.1"), D("107.2"))

    @pytest.mark.parametrize(
        ("price", "limit"), [(D(120), 107.2), (D("107.2"), 107.2), (D(80), 90.1)]
    )
    def test_a_price_outside_has_no_grid(self, price: Decimal, limit: float) -> None:
        found = reason(value_area_bounds(price, low=D("90.1"), high=D("107.2")))
        assert found.code == "outside_value_area"
        assert (found.value, found.limit) == (float(price), limit)
        assert found.text == (
            "the price must be inside the value area, 90.1 to 107.2, was "
            f"{price}; --bounds atr needs no value area"
        )

    def test_bars_without_volume_have_none(self) -> None:
        found = reason(value_area_bounds(PRICE, low=None, high=None))
        assert found.code == "bounds_missing"
