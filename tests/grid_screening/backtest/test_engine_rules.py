"""The simulator's conventions, one by one, on bars that can be followed by hand.

Unless told otherwise: levels 90, 91, … 110, begun at 100 with ten lots of 2 short,
no fees.
"""

import numpy as np
import pytest

from grid_screening.backtest.engine import (
    order_interval,
    simulated_grids,
    simulated_pnl,
)
from grid_screening.backtest.grids import (
    Costs,
    EndReason,
    FillOrder,
    GridBatch,
    GridOutcomes,
    Start,
)
from grid_screening.backtest.maintenance import Maintenance
from grid_screening.backtest.paths import PricePaths
from grid_screening.backtest.trace import traced_grid
from tests.grid_screening.backtest.random_grids import grid, path_through, paths_of

NAN = float("nan")
FREE = Costs(maker_fee=0.0, taker_fee=0.0)


def only(paths: PricePaths, costs: Costs = FREE, **overrides: object) -> GridOutcomes:
    return simulated_grids(paths, grid(**overrides), costs)


class TestFills:
    def test_levels_below_the_price_are_covered_and_the_one_at_it_is_empty(
        self,
    ) -> None:
        trace = traced_grid(path_through(101.0, 99.0), grid(), 0, FREE)
        assert trace.fill_price.tolist() == [101.0, 100.0, 99.0]
        assert trace.fill_side.tolist() == [-1, 1, 1]
        assert trace.lots.tolist() == [11, 9]

    def test_between_two_levels_the_one_next_above_is_empty(self) -> None:
        trace = traced_grid(path_through(101.0, 102.0), grid(price=100.5), 0, FREE)
        assert trace.outcomes.end_lots[0] == 12  # 11 initial ones and one at 102
        assert trace.fill_price.tolist() == [102.0]

    def test_there_are_never_more_lots_than_cells(self) -> None:
        assert only(path_through(109.5, 120.0), price=109.5).end_lots[0] == 20

    def test_a_level_is_touched_by_the_price_that_equals_it(self) -> None:
        step = 0.1
        assert step + 2 * step > 0.3  # in floats
        ours = only(path_through(0.2, 0.3), price=0.2, lower_bound=step, grid_step=step)
        assert ours.fill_count[0] == 1

    def test_the_least_tick_short_of_a_level_is_not_a_touch(self) -> None:
        assert only(path_through(100.999_999)).fill_count[0] == 0

    def test_a_gap_fills_at_each_level_it_passes(self) -> None:
        trace = traced_grid(path_through(100.0, 103.7), grid(), 0, FREE)
        assert trace.fill_price.tolist() == [101.0, 102.0, 103.0]
        assert trace.fill_bar.tolist() == [1, 1, 1]

    def test_the_way_from_price_to_the_first_open_is_walked(self) -> None:
        assert only(path_through(102.0)).fill_count[0] == 2

    def test_candle_order(self) -> None:
        rising = paths_of([100], [101.5], [98.5], [100.5])
        falling = paths_of([100], [101.5], [98.5], [99.5])
        for paths, sides in ((rising, [1, -1, -1]), (falling, [-1, 1, 1])):
            fills = traced_grid(paths, grid(), 0, FREE).fill_side.tolist()
            assert fills == sides

    def test_fixed_orders_and_their_interval(self) -> None:
        paths = paths_of([100], [103], [97], [100])
        low_first, high_first = (
            simulated_pnl(paths, grid(), FREE, order=order)[0]
            for order in (FillOrder.LOW_FIRST, FillOrder.HIGH_FIRST)
        )
        low, high = order_interval(paths, grid(), FREE)
        assert [low[0], high[0]] == sorted([low_first, high_first])


class TestStarts:
    def test_flat_holds_nothing_and_trades_above_only(self) -> None:
        trace = traced_grid(
            path_through(95.0, 100.0, 102.0, 99.0), grid(start=1), 0, FREE
        )
        assert trace.fill_price.tolist() == [101.0, 102.0, 101.0, 100.0]
        assert trace.lots.tolist() == [0, 0, 2, 0]
        assert trace.outcomes.static_short[0] == 0

    def test_flat_between_levels_begins_with_the_cell_above(self) -> None:
        trace = traced_grid(
            path_through(102.0, 101.0), grid(price=100.5, start=Start.FLAT), 0, FREE
        )
        assert trace.fill_price.tolist() == [102.0, 101.0]

    def test_flat_ends_at_the_lower_bound_too(self) -> None:
        ours = only(path_through(100.0, 89.0), start=Start.FLAT)
        assert ours.end_reason[0] == EndReason.TAKE_PROFIT
        assert ours.pnl[0] == 0

    def test_flat_above_the_upper_bound_waits_for_the_stop(self) -> None:
        ours = only(
            path_through(111.0, 105.0, 115.0),
            price=111.0,
            stop_price=112.0,
            start=Start.FLAT,
        )
        assert ours.end_reason[0] == EndReason.STOPPED
        assert ours.fill_count[0] == 0


class TestEnds:
    def test_the_stop_closes_at_its_price_with_slippage(self) -> None:
        ours = only(
            paths_of([109], [120], [109], [119]),
            Costs(maker_fee=0, taker_fee=0.001, stop_slippage=0.01),
            stop_price=111.0,
        )
        assert ours.end_reason[0] == EndReason.STOPPED
        assert ours.end_price[0] == pytest.approx(111.0 * 1.01)
        assert ours.end_lots[0] == 20
        assert ours.stop_loss[0] == pytest.approx(-40 * (111.0 * 1.01 - 110))
        assert ours.fees[0] == pytest.approx(0.001 * (20 * 100 + 40 * 111.0 * 1.01))

    def test_a_gap_beyond_the_stop_closes_at_the_open(self) -> None:
        ours = only(path_through(109.0, 118.0), stop_price=111.0)
        assert ours.end_price[0] == 118
        assert ours.stop_loss[0] == -40 * 8
        assert ours.end_bar[0] == 1

    def test_a_grid_that_jumps_out_at_the_open_settles_nothing_there(self) -> None:
        settled = {
            "funding_offset": np.array([0, 2]),
            "funding_bar": np.array([0, 1]),
            "funding_rate": np.array([0.01, 0.01]),
        }
        for to in (118.0, 80.0):
            paths = path_through(100.0, to, **settled)
            assert only(paths, stop_price=111.0).funding[0] == 0.01 * 20 * 100

    def test_the_lower_bound_buys_the_last_lot_back_as_a_maker(self) -> None:
        costs = Costs(maker_fee=0.001, taker_fee=0.0)
        ours = only(path_through(95.0, 80.0), costs)
        assert ours.end_reason[0] == EndReason.TAKE_PROFIT
        assert ours.end_price[0] == 90
        assert ours.fill_count[0] == 10
        assert ours.fees[0] == pytest.approx(0.001 * 2 * sum(range(90, 100)))

    def test_the_horizon_closes_at_the_last_close_as_a_taker(self) -> None:
        costs = Costs(maker_fee=0.0, taker_fee=0.001)
        ours = only(path_through(100.0, 99.5, 98.5), costs, end=2)
        assert ours.end_reason[0] == EndReason.HORIZON
        assert ours.pnl[0] == ours.static_short[0]
        assert ours.pnl[0] == pytest.approx(20 * 0.5 - 0.001 * 20 * (100 + 99.5))
        assert (ours.bars_run[0], ours.end_bar[0]) == (2, 1)

    def test_above_the_upper_bound_without_a_stop_the_loss_goes_on(self) -> None:
        ours = only(path_through(110.0, 130.0, 125.0))
        assert ours.end_reason[0] == EndReason.HORIZON
        assert ours.stop_loss[0] == -40 * 15
        assert ours.bars_inside[0] == 1

    def test_a_delisted_contract_is_closed_at_its_last_close(self) -> None:
        ours = only(path_through(100.0, 98.5, NAN, 50.0))
        assert ours.end_reason[0] == EndReason.NO_DATA
        assert ours.end_price[0] == 98.5
        assert (ours.bars_run[0], ours.end_bar[0], ours.bars_inside[0]) == (2, 1, 2)

    def test_a_contract_without_a_first_bar_costs_two_fees(self) -> None:
        costs = Costs(maker_fee=0.0, taker_fee=0.001)
        ours = only(path_through(NAN, 98.5), costs)
        assert ours.end_reason[0] == EndReason.NO_DATA
        assert ours.bars_run[0] == 0
        assert ours.pnl[0] == pytest.approx(-2 * 0.001 * 20 * 100)

    def test_a_single_bar(self) -> None:
        ours = only(paths_of([100], [101], [99], [100]))
        assert (ours.bars_run[0], ours.end_bar[0]) == (1, 0)

    def test_no_grid_at_all(self) -> None:
        none = GridBatch(
            **{name: getattr(grid(), name)[:0] for name in GridBatch.__slots__}
        )
        ours = simulated_grids(path_through(100.0), none)
        assert {getattr(ours, name).shape for name in GridOutcomes.__slots__} == {(0,)}
        assert simulated_pnl(path_through(100.0), none).shape == (0,)


class TestFunding:
    @staticmethod
    def settled(*rates: float) -> PricePaths:
        return path_through(
            100.0,
            101.0,
            99.0,
            funding_offset=np.array([0, len(rates)]),
            funding_bar=np.arange(len(rates)) % 3,
            funding_rate=np.array(rates),
        )

    def test_a_positive_rate_is_received_on_what_is_held_at_the_open(self) -> None:
        ours = only(self.settled(0.01, 0.02, 0.03))
        expected = 2 * (0.01 * 10 * 100 + 0.02 * 11 * 101 + 0.03 * 9 * 99)
        assert ours.funding[0] == pytest.approx(expected)
        static = 20 * (100 - 99) + 20 * (0.01 * 100 + 0.02 * 101 + 0.03 * 99)
        assert ours.static_short[0] == pytest.approx(static)

    def test_a_negative_rate_is_paid(self) -> None:
        assert only(self.settled(-0.01)).funding[0] == pytest.approx(-0.01 * 2000)

    def test_what_was_settled_before_the_begin_does_not_count(self) -> None:
        ours = only(self.settled(0.01, 0.02), begin=1)
        assert ours.funding[0] == pytest.approx(0.02 * 22 * 101)

    def test_funding_can_be_the_last_straw(self) -> None:
        paths = path_through(
            100.0,
            100.0,
            funding_offset=np.array([0, 1]),
            funding_bar=np.array([1]),
            funding_rate=np.array([-0.03]),
        )
        ours = only(paths, margin=100.0)  # 2.5 % of 2,000 must stay
        assert ours.end_reason[0] == EndReason.LIQUIDATED
        assert ours.pnl[0] == -100


class TestLiquidation:
    def test_the_margin_is_lost_where_equity_meets_the_maintenance(self) -> None:
        ours = only(paths_of([100], [100.9], [100], [100.5]), margin=60.0)
        # 60 + 20 · (100 − P) = 0.025 · 20 · P
        assert ours.end_reason[0] == EndReason.LIQUIDATED
        assert ours.end_price[0] == pytest.approx(2060 / 20.5)
        assert ours.pnl[0] == -60
        assert ours.liquidation_loss[0] == pytest.approx(-0.5 * 2060 / 20.5)
        assert ours.worst_equity[0] == -60

    def test_a_bracket_ahead_needs_more(self) -> None:
        paths = paths_of([100], [100.9], [100], [100.5])
        kept = Maintenance(
            notional_cap=np.array([[1000.0, np.inf]]),
            rate=np.array([[0.005, 0.05]]),
            cumulative=np.array([[0.0, 45.0]]),
        )
        ours = simulated_grids(paths, grid(margin=60.0), FREE, maintenance=kept)
        assert ours.end_price[0] == pytest.approx((2060 + 45) / 21)

    def test_the_mark_price_decides(self) -> None:
        traded = {"open_": [100], "high": [100.9], "low": [100], "close": [100.5]}
        calm = paths_of(**traded, mark_high=np.array([[100.4]]))
        wild = paths_of(**traded, mark_high=np.array([[100.6]]))
        unknown = paths_of(**traded, mark_high=np.array([[NAN]]))
        ends = [only(p, margin=60.0).end_reason[0] for p in (calm, wild, unknown)]
        assert ends == [EndReason.HORIZON, EndReason.LIQUIDATED, EndReason.LIQUIDATED]

    def test_below_the_stop_comes_before_it(self) -> None:
        near = paths_of([109], [115], [109], [115])
        ours = only(near, margin=400.0, stop_price=111.0)
        assert ours.end_reason[0] == EndReason.LIQUIDATED
        enough = only(near, margin=600.0, stop_price=111.0)
        assert enough.end_reason[0] == EndReason.STOPPED

    def test_a_gap_can_jump_over_the_stop_into_the_liquidation(self) -> None:
        ours = only(path_through(109.0, 180.0), margin=600.0, stop_price=111.0)
        assert ours.end_reason[0] == EndReason.LIQUIDATED
        assert ours.pnl[0] == -600

    def test_nothing_held_nothing_liquidated(self) -> None:
        ours = only(path_through(100.0, 99.0), margin=0.01, start=Start.FLAT)
        assert ours.end_reason[0] == EndReason.HORIZON


def test_marks_are_taken_at_the_extremes_in_their_order() -> None:
    ours = only(paths_of([100, 100], [100.9, 100], [99.1, 99.5], [100, 99.5]))
    # −18 at the high, after +18 at the low: low first
    assert ours.worst_equity[0] == pytest.approx(-18)
    assert ours.max_drawdown[0] == pytest.approx(36)


def test_a_bar_that_contradicts_itself_ends_no_process() -> None:
    # open and close far below the low; the levels have no place for that
    contrary = paths_of([100, 50, 50], [101, 101, 101], [99, 99, 99], [50, 50, 50])
    assert np.isfinite(only(contrary).pnl).all()
    assert np.isfinite(only(contrary, start=Start.FLAT).pnl).all()
