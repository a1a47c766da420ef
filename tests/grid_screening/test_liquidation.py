"""Maintenance brackets and the liquidation price."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grid_screening.brackets import ASSUMED_BRACKETS, bracket_at, maintenance_margin
from grid_screening.liquidation import liquidation_price
from monitor.domain.instruments import LeverageBracket
from tests.naive_grid import naive_maintenance

FLAT = (
    LeverageBracket(
        notional_floor=Decimal(0),
        notional_cap=Decimal(10_000),
        initial_leverage=75,
        maintenance_margin_rate=Decimal("0.0065"),
        cumulative_amount=Decimal(0),
    ),
)

AMOUNTS = st.decimals("0.01", 10_000_000, places=2)


class TestAssumedBrackets:
    def test_rows_are_the_documented_ones(self) -> None:
        rows = [
            (row.notional_cap, row.maintenance_margin_rate, row.initial_leverage)
            for row in ASSUMED_BRACKETS
        ]
        assert rows == [
            (Decimal(5_000), Decimal("0.025"), 20),
            (Decimal(25_000), Decimal("0.05"), 10),
            (Decimal(100_000), Decimal("0.10"), 5),
            (Decimal(250_000), Decimal("0.125"), 4),
            (Decimal(1_000_000), Decimal("0.25"), 2),
            (Decimal("Infinity"), Decimal("0.50"), 1),
        ]

    def test_cumulative_amounts_make_the_margin_continuous(self) -> None:
        # 5,000·2.5 % = 125; + 25,000·5 % = 1,250 + 125 = 1,375;
        # + 100,000·2.5 % = 3,875; + 250,000·12.5 % = 35,125; + 10⁶·25 % = 285,125
        comp = [row.cumulative_amount for row in ASSUMED_BRACKETS]
        assert comp == [0, 125, 1_375, 3_875, 35_125, 285_125]

    @settings(deadline=None)
    @given(AMOUNTS)
    def test_margin_equals_the_sum_over_slices(self, notional: Decimal) -> None:
        comp = maintenance_margin(notional, ASSUMED_BRACKETS)
        assert Fraction(comp) == naive_maintenance(Fraction(notional), ASSUMED_BRACKETS)

    def test_cap_belongs_to_its_own_bracket(self) -> None:
        assert bracket_at(Decimal(5_000), ASSUMED_BRACKETS) is ASSUMED_BRACKETS[0]
        assert bracket_at(Decimal("5000.01"), ASSUMED_BRACKETS) is ASSUMED_BRACKETS[1]

    def test_nothing_is_above_the_last_cap(self) -> None:
        assert bracket_at(Decimal(10_001), FLAT) is None
        assert maintenance_margin(Decimal(20_000), FLAT) == Decimal(130)


class TestLiquidationPrice:
    def test_one_bracket_by_hand(self) -> None:
        # (100 + 0 + 1·1000) / (1·1.0065) = 1092.8961748…
        comp = liquidation_price(
            wallet=Decimal(100),
            quantity=Decimal(1),
            entry_value=Decimal(1000),
            brackets=FLAT,
        )
        assert comp == pytest.approx(Decimal("1092.896174863388"), abs=Decimal("1e-12"))

    def test_second_bracket_by_hand(self) -> None:
        # first: (1000 + 0 + 6000) / (60·1.025) = 113.8…, notional 6,829 > 5,000
        # second: (1000 + 125 + 6000) / (60·1.05) = 113.095…, notional 6,785
        comp = liquidation_price(
            wallet=Decimal(1000),
            quantity=Decimal(60),
            entry_value=Decimal(6000),
            brackets=ASSUMED_BRACKETS,
        )
        assert comp == pytest.approx(Decimal(7125) / 63, abs=Decimal("1e-20"))

    def test_last_bracket_goes_on_above_its_cap(self) -> None:
        comp = liquidation_price(
            wallet=Decimal(10_000),
            quantity=Decimal(1),
            entry_value=Decimal(20_000),
            brackets=FLAT,
        )
        assert comp == pytest.approx(Decimal(30_000) / Decimal("1.0065"))

    @settings(deadline=None)
    @given(AMOUNTS, AMOUNTS, st.decimals("0.001", 1000, places=3))
    def test_equity_equals_maintenance_margin_there(
        self, wallet: Decimal, entry: Decimal, quantity: Decimal
    ) -> None:
        comp = liquidation_price(
            wallet=wallet,
            quantity=quantity,
            entry_value=entry,
            brackets=ASSUMED_BRACKETS,
        )
        equity = Fraction(wallet + entry) - Fraction(quantity) * Fraction(comp)
        ref = naive_maintenance(Fraction(quantity) * Fraction(comp), ASSUMED_BRACKETS)
        assert abs(equity - ref) <= Fraction(wallet + entry) / 10**20
