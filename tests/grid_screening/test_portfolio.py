"""What grids risk together, against order-by-order twins."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grid_screening.grid_plan import ShortGridPlan, Start
from grid_screening.portfolio import effective_bets, portfolio_risk
from grid_screening.screening_report import PortfolioRisk
from tests.grid_screening.test_grid_plan import plan
from tests.naive_spacing import naive_bets, naive_squeeze_loss

D = Decimal


def risk(*plans: ShortGridPlan) -> PortfolioRisk:
    returns = np.random.default_rng(1).normal(size=(len(plans), 20))
    found = portfolio_risk(plans, returns, maker_fee=0.0002, taker_fee=0.0005)
    assert found is not None
    return found


class TestSqueeze:
    def test_beyond_the_stop_the_worst_loss_is_honoured(self) -> None:
        # upper bound 120, stop 120.6: +30 % is beyond, +20 % is not
        one = plan()
        found = risk(one, one)
        assert [s.stopped for s in found.squeezes] == [0, 0, 2]
        assert found.squeezes[2].loss == pytest.approx(2 * float(one.loss_at_stop))
        assert found.loss_at_stops == found.squeezes[2].loss
        assert (found.grids, found.margin) == (2, 2000.0)

    @pytest.mark.parametrize("start", Start)
    def test_below_the_stop_every_order_is_marked(self, start: Start) -> None:
        one = plan(start=start)
        lots = int(one.initial_short_quantity / one.quantity_per_level)
        for squeeze in risk(one).squeezes:
            ref = naive_squeeze_loss(
                one.levels,
                one.price,
                one.quantity_per_level,
                initial_lots=lots,
                risen=one.price * (1 + D(repr(squeeze.rise))),
                fees=(D("0.0002"), D("0.0005")),
            )
            free = min(ref, one.margin)
            assert squeeze.loss_without_stops == pytest.approx(float(free))
            if not squeeze.stopped:
                assert squeeze.loss == pytest.approx(float(ref))

    def test_without_stops_the_margin_is_the_most(self) -> None:
        found = portfolio_risk(
            [plan()], np.zeros((1, 2)), maker_fee=0.0, taker_fee=0.0, rises=(5.0,)
        )
        assert found is not None
        assert found.squeezes[0].loss_without_stops == 1000.0
        assert found.independent_bets is None

    def test_no_grid_no_risk(self) -> None:
        empty = np.empty((0, 5))
        assert portfolio_risk([], empty, maker_fee=0.0, taker_fee=0.0) is None


class TestBets:
    def test_contracts_that_move_as_one_are_one_bet(self) -> None:
        row = np.array([0.1, -0.2, 0.3, 0.05])
        assert effective_bets(np.stack([row, 2 * row, row + 1])) == pytest.approx(1)

    def test_uncorrelated_ones_count_each(self) -> None:
        rows = np.array([[1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0]])
        assert effective_bets(rows) == pytest.approx(2)

    @pytest.mark.parametrize(
        "rows",
        [
            [[0.1, np.nan], [0.1, 0.2]],
            [[0.1, 0.1], [0.1, 0.2]],
            [[0.1], [0.2]],
            [[1.0, -1.0], [-1.0, 1.0]],
        ],
        ids=["nan", "still", "one return", "cancelled"],
    )
    def test_unknown(self, rows: list[list[float]]) -> None:
        assert effective_bets(np.array(rows)) is None

    @settings(max_examples=50, deadline=None)
    @given(st.integers(1, 6), st.integers(10, 40), st.integers(0, 1000))
    def test_equal_to_the_sum_over_all_pairs(
        self, count: int, length: int, seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        rows = rng.normal(size=(count, length)) + rng.normal(size=length)
        comp = effective_bets(rows)
        assert comp == pytest.approx(naive_bets(rows.tolist()), rel=1e-9)
