"""The spacing that would have harvested most, against a walk tick by tick."""

from decimal import Decimal
from itertools import pairwise
from math import inf, isnan, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grid_screening.deep_spacing import (
    OFFSETS,
    best_spacing,
    candidate_spacings,
    level_moves,
    measured_spacing,
    net_harvest,
    price_path,
    turning_points,
    volatility_displacement,
    whole_ticks,
)
from monitor.domain.typing import IntArray
from tests.naive_spacing import naive_moves, naive_path

paths = st.lists(st.integers(-60, 60), min_size=1, max_size=40)


def array(values: list[int]) -> IntArray:
    return np.array(values, dtype=np.int64)


class TestReference:
    def test_a_zigzag_by_hand(self) -> None:
        # levels 0, 10, 20, 30: 0 → 20 → 10 → 30 → 30
        found = level_moves(array([0, 25, 8, 30, 21]), array([10]), offsets=1)
        assert found.count.tolist() == [2 + 1 + 2]
        assert found.net.tolist() == [3]

    def test_a_level_touched_again_is_no_move(self) -> None:
        found = level_moves(array([1, 10, 5, 10, 4, 10]), array([10]), offsets=1)
        assert (found.count[0], found.net[0]) == (0, 0)

    def test_the_first_level_counts_for_nothing(self) -> None:
        assert level_moves(array([5, 10]), array([10]), offsets=1).count[0] == 0
        assert level_moves(array([5, 20]), array([10]), offsets=1).count[0] == 1
        assert level_moves(array([5, 0, -10]), array([10]), offsets=1).count[0] == 1
        assert level_moves(array([5, 9, 1]), array([10]), offsets=1).count[0] == 0

    def test_candle_order(self) -> None:
        bars = [(10.0, 12.0, 9.0, 11.0), (11.0, 13.0, 8.0, 10.0)]
        columns = np.array(bars).T
        assert price_path(*columns).tolist() == naive_path(bars)
        assert naive_path(bars) == [10, 9, 12, 11, 11, 13, 8, 10]

    def test_prices_are_whole_ticks(self) -> None:
        prices = np.array([0.1, 0.3, 0.7000000001])
        assert whole_ticks(prices, Decimal("0.10")).tolist() == [1, 3, 7]

    def test_net_harvest(self) -> None:
        found = net_harvest(np.array([10.0, 3.0]), array([10, 20]), fee=2.0)
        # 10·100·(1 − 4/10), 3·400·(1 − 4/20)
        assert found.tolist() == pytest.approx([600.0, 960.0])

    def test_prices_that_turn_back_soon_want_a_dense_grid(self) -> None:
        # up and down by 12: a swing makes about 12/h − 1 moves, so h²·N is largest
        # at half the swing, a little above with fees; wider than 12 is never met twice
        path = array([0, 12] * 200)
        best = best_spacing(path, least=3, most=60, fee=1.0)
        assert best is not None
        assert 6 <= best <= 9

    def test_straight_runs_want_a_wide_one(self) -> None:
        # 100 ticks up, 100 down: every spacing is met, fees decide
        path = array([0, 100] * 200)
        assert best_spacing(path, least=5, most=50, fee=1.0) == 50

    def test_without_moves_nothing_is_judged(self) -> None:
        assert best_spacing(array([0, 3, 0]), least=5, most=50, fee=1.0) is None

    def test_measured_by_hand(self) -> None:
        # a day: 0.0 → 2.4 → 0.0, ticks of 0.1 at a price of 10
        path = array([0, 24, 0])
        close = np.full(1440, 10.0)
        found = measured_spacing(
            path,
            tick_size=Decimal("0.1"),
            price=Decimal(10),
            grid_step=Decimal("0.8"),
            default_step=Decimal("2.4"),
            close=close,
        )
        # offsets 0 … 7: levels 0, 8, 16, 24 and back, else three of them: 4 moves
        assert found.level_moves_per_day == pytest.approx((6 + 7 * 4) / 8)
        assert found.variation_per_day == pytest.approx(4.25 * 0.08**2)
        assert found.level_moves_per_day_default == pytest.approx(2 / 8)
        # offset 0 begins and ends on level 0; the others begin on their first level
        # above it, and end there
        assert found.measured_trips_per_day == pytest.approx(4.25 / 2)
        assert found.deep_bars == 1440
        assert isnan(found.volatility_displacement)


class TestDisplacement:
    def test_a_straight_line_is_1(self) -> None:
        close = np.arange(1.0, 242.0)
        assert volatility_displacement(close) == 1

    def test_there_and_back_is_infinite(self) -> None:
        close = np.abs(np.arange(241.0) - 120) + 1
        assert volatility_displacement(close) == inf

    def test_too_few_closes_are_unknown(self) -> None:
        assert isnan(volatility_displacement(np.arange(1.0, 241.0)))

    def test_scaled_it_is_about_1_on_random_walks(self) -> None:
        rng = np.random.default_rng(5)
        walks = np.cumsum(rng.normal(size=(2000, 241)), axis=-1) + 1000
        found = [volatility_displacement(walk) for walk in walks]
        assert np.median(found) / (1.18 * sqrt(240)) == pytest.approx(1, abs=0.06)


class TestProperties:
    @settings(max_examples=200, deadline=None)
    @given(paths, st.integers(1, 40))
    def test_moves_equal_the_walk_tick_by_tick(
        self, path: list[int], spacing: int
    ) -> None:
        comp = level_moves(array(path), array([spacing]))
        ref = [naive_moves(path, spacing, spacing * j // OFFSETS) for j in range(8)]
        assert comp.count[0] == np.mean([moves for moves, _ in ref])
        assert comp.net[0] == np.mean([net for _, net in ref])

    @given(paths)
    def test_turning_points_are_met_on_the_way(self, path: list[int]) -> None:
        turns = turning_points(array(path)).tolist()
        assert turns[0] == path[0]
        assert turns[-1] == path[-1]
        lengths = [sum(abs(b - a) for a, b in pairwise(p)) for p in (path, turns)]
        assert lengths[0] == lengths[1]
        signs = np.sign(np.diff(turns))
        assert not np.any(signs[1:] == signs[:-1])

    @given(st.integers(1, 500), st.integers(1, 5000))
    def test_candidates_are_legal_and_ascending(self, least: int, most: int) -> None:
        found = candidate_spacings(least=least, most=most)
        assert found[0] == least
        assert found[-1] == max(least, most)
        assert np.all(np.diff(found) > 0)
        assert len(found) <= 48

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.integers(-9, 9), min_size=60, max_size=200), st.integers(0, 2))
    def test_no_judged_candidate_harvests_more(
        self, steps: list[int], fee: int
    ) -> None:
        path = [sum(steps[: n + 1]) for n in range(len(steps))]
        comp = best_spacing(array(path), least=4, most=20, fee=float(fee))
        harvest = {}
        for spacing in range(4, 21):
            moves = np.mean(
                [naive_moves(path, spacing, spacing * j // 8)[0] for j in range(8)]
            )
            if moves >= 12:
                harvest[spacing] = moves * spacing**2 * (1 - 2 * fee / spacing)
        if not harvest:
            assert comp is None
            return
        assert comp is not None
        assert harvest[comp] == pytest.approx(max(harvest.values()))


def test_on_random_walks_the_chosen_spacing_flatters_itself() -> None:
    # the truth is σ² per step whatever the spacing; the best of many looks better
    rng = np.random.default_rng(11)
    gains = []
    for _ in range(20):
        path = np.cumsum(rng.integers(0, 2, 5760) * 2 - 1)
        best = best_spacing(path, least=4, most=60, fee=0.5)
        assert best is not None
        moves = level_moves(path, array([best])).count[0]
        gains.append(moves * best**2 / 5760)
    assert 1.0 < np.mean(gains) < 1.1
