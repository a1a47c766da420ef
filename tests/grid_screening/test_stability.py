"""Intervals of ranks hold the observed rank and tell apart what really differs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grid_screening.conf import ScreenerSettings
from grid_screening.profile import load_profile
from grid_screening.ranking import Ranking, ranking
from grid_screening.snapshot import MarketSnapshot
from grid_screening.stability import (
    drawn_bars,
    indistinct_runs,
    rank_intervals,
    rank_stability,
    score_draws,
)
from monitor.domain.typing import FloatArray, IntArray
from tests.builders import instrument
from tests.naive_stability import naive_intervals
from tests.snapshots import random_panel, snapshot_of

CLASSIC = load_profile("classic")
OPEN = ScreenerSettings(min_natr=0.0, max_natr=100.0, max_tick_share=1.0, top=5)


def ranked(market: MarketSnapshot, chosen: ScreenerSettings = OPEN) -> Ranking:
    return ranking(market, chosen, CLASSIC)


def competition_ranks(gss: FloatArray) -> IntArray:
    return 1 + np.sum(gss > gss[:, None], axis=1)


@st.composite
def drawn_scores(draw: st.DrawFn) -> tuple[FloatArray, FloatArray]:
    """Observed scores on a coarse grid, so that ties occur, and draws with holes."""
    count = draw(st.integers(1, 6))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    gss = draw(hnp.arrays(np.float64, count, elements=st.integers(0, 6))) / 6
    noise = draw(st.sampled_from((0.0, 0.02, 0.3)))
    drawn = gss + noise * rng.standard_normal((draw(st.integers(9, 25)), count))
    share = draw(st.sampled_from((0.0, 0.05, 0.9)))
    drawn[rng.random(drawn.shape) < share] = np.nan
    return gss, drawn


class TestRankIntervals:
    @settings(deadline=None)
    @given(case=drawn_scores(), level=st.sampled_from((0.5, 0.8, 0.9)))
    def test_equals_the_count_pair_by_pair(
        self, case: tuple[FloatArray, FloatArray], level: float
    ) -> None:
        gss, drawn = case
        rank = competition_ranks(gss)
        comp = rank_intervals(gss, rank, drawn, level=level)
        ref = naive_intervals(gss.tolist(), rank.tolist(), drawn.tolist(), level)
        assert list(zip(comp[0].tolist(), comp[1].tolist(), strict=True)) == ref

    @settings(deadline=None)
    @given(case=drawn_scores())
    def test_holds_the_observed_rank(self, case: tuple[FloatArray, FloatArray]) -> None:
        gss, drawn = case
        rank = competition_ranks(gss)
        best, worst = rank_intervals(gss, rank, drawn, level=0.9)
        assert np.all(best >= 1)
        assert np.all(best <= rank)
        assert np.all(rank <= worst)
        assert np.all(worst <= len(rank))

    @settings(deadline=None)
    @given(case=drawn_scores(), seed=st.integers(0, 99))
    def test_does_not_depend_on_the_order_of_contracts(
        self, case: tuple[FloatArray, FloatArray], seed: int
    ) -> None:
        gss, drawn = case
        order = np.random.default_rng(seed).permutation(len(gss))
        rank = competition_ranks(gss)
        ref = rank_intervals(gss, rank, drawn, level=0.9)
        comp = rank_intervals(gss[order], rank[order], drawn[:, order], level=0.9)
        np.testing.assert_array_equal(comp[0], ref[0][order])
        np.testing.assert_array_equal(comp[1], ref[1][order])

    def test_far_apart_is_told_apart(self) -> None:
        gss = np.array([0.9, 0.5, 0.1])
        noise = 0.01 * np.random.default_rng(1).standard_normal((50, 3))
        best, worst = rank_intervals(gss, np.array([1, 2, 3]), gss + noise, level=0.9)
        assert best.tolist() == worst.tolist() == [1, 2, 3]

    def test_within_the_noise_is_not(self) -> None:
        gss = np.array([0.52, 0.51, 0.50])
        noise = 0.1 * np.random.default_rng(1).standard_normal((50, 3))
        best, worst = rank_intervals(gss, np.array([1, 2, 3]), gss + noise, level=0.9)
        assert best.tolist() == [1, 1, 1]
        assert worst.tolist() == [3, 3, 3]

    def test_what_moves_together_is_told_apart(self) -> None:
        # the noise is common: the difference does not vary
        gss = np.array([0.52, 0.51])
        noise = 0.1 * np.random.default_rng(1).standard_normal((50, 1))
        best, worst = rank_intervals(gss, np.array([1, 2]), gss + noise, level=0.9)
        assert best.tolist() == worst.tolist() == [1, 2]

    def test_equals_share_their_ranks(self) -> None:
        gss = np.array([0.5, 0.5])
        noise = 0.1 * np.random.default_rng(1).standard_normal((50, 1))
        best, worst = rank_intervals(gss, np.array([1, 1]), gss + noise, level=0.9)
        assert best.tolist() == [1, 1]
        assert worst.tolist() == [2, 2]

    def test_a_single_contract_is_first(self) -> None:
        best, worst = rank_intervals(
            np.array([0.4]), np.array([1]), np.full((9, 1), 0.3), level=0.9
        )
        assert (best.tolist(), worst.tolist()) == ([1], [1])

    def test_a_contract_without_any_draw_could_be_anywhere(self) -> None:
        gss = np.array([0.9, 0.1])
        drawn = np.column_stack([np.full(20, np.nan), np.full(20, 0.1)])
        best, worst = rank_intervals(gss, np.array([1, 2]), drawn, level=0.9)
        assert best.tolist() == [1, 1]
        assert worst.tolist() == [2, 2]

    def test_covers_the_truth_as_often_as_it_says(self) -> None:
        # known truth: normal scores with known means, one panel and its draws each
        rng = np.random.default_rng(11)
        truth = np.linspace(0.3, 0.7, 12)
        true_rank = competition_ranks(truth)
        held = []
        for _ in range(200):
            gss = truth + 0.08 * rng.standard_normal(12)
            drawn = truth + 0.08 * rng.standard_normal((50, 12))
            best, worst = rank_intervals(gss, competition_ranks(gss), drawn, level=0.9)
            held.append((best <= true_rank) & (true_rank <= worst))
        assert np.mean(held, axis=0).min() >= 0.9


class TestRankStability:
    def test_every_scored_contract_has_an_interval_with_its_rank(self) -> None:
        market = snapshot_of(random_panel(20, 300, seed=3))
        result = ranked(market)
        found = rank_stability(market, result, top=5)
        assert set(found.intervals) == set(result.scores.symbols)
        for symbol, rank in zip(result.scores.symbols, result.scores.rank, strict=True):
            best, worst = found.intervals[symbol]
            assert 1 <= best <= rank <= worst <= 20
        assert found.stability.draws == 50
        assert found.stability.level == 0.9
        assert found.stability.block_bars == 24

    def test_same_seed_same_intervals_in_any_order_of_symbols(self) -> None:
        market = snapshot_of(random_panel(12, 200, seed=3))
        turned = _rows(market, range(11, -1, -1))
        ref = rank_stability(market, ranked(market), top=5)
        comp = rank_stability(turned, ranked(turned), top=5)
        assert comp.intervals == ref.intervals
        assert comp.stability == ref.stability

    def test_other_seeds_draw_other_markets(self) -> None:
        market = snapshot_of(random_panel(12, 200, seed=3))
        result = ranked(market)
        first, other = (
            score_draws(
                market, result, drawn_bars(market, draws=9, block_bars=24, seed=seed)
            )
            for seed in (1, 2)
        )
        assert not np.array_equal(first, other)

    def test_equal_contracts_have_equal_intervals(self) -> None:
        market = snapshot_of(random_panel(6, 200, seed=3))
        same = _rows(market, (0, 0, 1, 2, 3, 4))
        found = rank_stability(same, ranked(same), top=0)
        first, second = same.symbols[:2]
        assert found.intervals[first] == found.intervals[second]

    def test_quiet_contracts_are_told_from_lively_ones(self) -> None:
        market = snapshot_of(random_panel(8, 300, seed=3))
        scale = np.ones((8, 1))
        scale[:4] = 0.05
        close = np.exp(np.log(market.close) * scale)
        wick = (market.high / market.close) ** scale
        market = replace(
            market,
            open=close.copy(),
            close=close,
            high=close * wick,
            low=close / wick,
            open_interest=np.where(np.arange(8) < 4, 1e12, 1.0),
            funding_rate=np.where(np.arange(8) < 4, -0.01, 0.0001),
            funding_interval_h=np.full(8, 8.0),
        )
        found = rank_stability(market, ranked(market), top=0)
        assert min(found.intervals[s][1] for s in market.symbols[4:]) < 8
        assert max(found.intervals[s][0] for s in market.symbols[:4]) > 1

    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_tiny_panels(self, count: int) -> None:
        market = snapshot_of(random_panel(count, 60, seed=3))
        found = rank_stability(market, ranked(market), top=5)
        assert len(found.intervals) == count
        assert all(1 <= a <= b <= count for a, b in found.intervals.values())

    def test_vetoed_contracts_have_no_interval_and_take_no_rank(self) -> None:
        market = _with_climber(snapshot_of(random_panel(5, 60, seed=3)))
        result = ranked(market)
        vetoed = int(result.scores.vetoed.sum())
        assert 0 < vetoed < 5
        found = rank_stability(market, result, top=0)
        assert market.symbols[0] not in found.intervals
        assert len(found.intervals) == 5 - vetoed
        assert max(worst for _, worst in found.intervals.values()) == 5 - vetoed

    def test_missing_inputs_and_short_histories_are_ranked_all_the_same(self) -> None:
        market = snapshot_of(random_panel(5, 20, seed=3))
        missing = np.full(5, np.nan)
        market = replace(
            market,
            open_interest=missing.copy(),
            funding_rate=missing.copy(),
            mark_price=missing.copy(),
        )
        found = rank_stability(market, ranked(market), top=5)
        assert len(found.intervals) == 5

    def test_a_contract_that_often_stands_still_has_a_wide_interval(self) -> None:
        market = snapshot_of(random_panel(6, 120, seed=3))
        columns = {}
        for name in ("open", "high", "low", "close"):
            column = getattr(market, name).copy()
            column[0, :100] = market.close[0, 100]
            columns[name] = column
        market = replace(market, **columns)
        result = ranked(market)
        drawn = score_draws(market, result, drawn_bars(market, draws=50))
        assert np.isnan(drawn[:, 0]).mean() > 0.2
        found = rank_stability(market, result, top=5)
        assert found.intervals[market.symbols[0]] == (1, 6)

    def test_strict_intervals_count_those_that_passed(self) -> None:
        market = snapshot_of(random_panel(120, 300, seed=5))
        strict = ranked(market, replace_settings(strict=True))
        found = rank_stability(market, strict, top=5, draws=9)
        assert 0 < len(strict.scores.symbols) < 120
        assert set(found.intervals) == set(strict.scores.symbols)
        # percentile ranks are taken over all that passed the other filters
        drawn = drawn_bars(market, draws=2)
        whole = score_draws(market, ranked(market), drawn)
        few = score_draws(market, strict, drawn)
        rows = [market.symbols.index(s) for s in strict.scores.symbols]
        np.testing.assert_array_equal(few, whole[:, rows])

    def test_rows_that_are_listed_otherwise_make_the_runs(self) -> None:
        market = snapshot_of(random_panel(20, 300, seed=3))
        result = ranked(market)
        order = [int(row) for row in result.scores.order]
        found = rank_stability(market, result, top=2, listed=order[5:8])
        assert all(6 <= a < b <= 8 for a, b in found.stability.indistinct)
        assert found.stability.indistinct

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"level": 1.0}, r"level must be in \(0, 1\), was 1"),
            ({"level": 0.0}, r"level must be in \(0, 1\), was 0"),
            ({"draws": 8}, r"draws must be at least 9 at level 0.9, was 8"),
            ({"level": 0.1, "draws": 1}, r"draws must be at least 2 at level 0.1, "),
            ({"block_bars": 0}, r"block_bars must be at least 1, was 0"),
        ],
    )
    def test_what_cannot_be_drawn_is_refused(
        self, wrong: dict[str, float], message: str
    ) -> None:
        market = snapshot_of(random_panel(2, 60))
        with pytest.raises(ValueError, match=message):
            rank_stability(market, ranked(market), top=1, **wrong)  # type: ignore[arg-type]

    def test_nine_draws_are_enough_at_ninety_percent(self) -> None:
        market = snapshot_of(random_panel(3, 60))
        assert rank_stability(market, ranked(market), top=1, draws=9).intervals

    @settings(max_examples=10, deadline=None)
    @given(seed=st.integers(0, 1000), top=st.integers(0, 8))
    def test_runs_are_ranks_of_the_list(self, seed: int, top: int) -> None:
        market = snapshot_of(random_panel(8, 60, seed=seed))
        found = rank_stability(market, ranked(market), top=top, draws=9)
        last = 0
        for first, end in found.stability.indistinct:
            assert last < first < end <= (top or 8)
            last = end


class TestIndistinctRuns:
    def test_wide_intervals_make_one_run(self) -> None:
        listed = [(rank, (1, 9)) for rank in range(1, 6)]
        assert indistinct_runs(listed) == ((1, 5),)

    def test_a_narrow_interval_ends_a_run(self) -> None:
        listed = [(1, (1, 1)), (2, (2, 4)), (3, (2, 4)), (4, (2, 5)), (5, (4, 5))]
        assert indistinct_runs(listed) == ((2, 4),)

    def test_runs_do_not_overlap(self) -> None:
        listed = [(1, (1, 2)), (2, (1, 3)), (3, (2, 4)), (4, (3, 4))]
        assert indistinct_runs(listed) == ((1, 2), (3, 4))

    def test_ties_alone_are_no_run(self) -> None:
        assert indistinct_runs([(1, (1, 2)), (1, (1, 2)), (3, (3, 3))]) == ()

    def test_nothing_listed_has_no_run(self) -> None:
        assert indistinct_runs([]) == ()


def replace_settings(**changes: bool) -> ScreenerSettings:
    return OPEN.merged(changes)


def _rows(market: MarketSnapshot, rows: range | tuple[int, ...]) -> MarketSnapshot:
    chosen = list(rows)
    columns = {
        name: getattr(market, name)[chosen]
        for name in (
            "open", "high", "low", "close", "volume", "quote_volume",
            "taker_buy_volume", "last_price", "quote_volume_24h", "mark_price",
            "open_interest", "funding_rate", "funding_interval_h",
        )
    }  # fmt: skip
    symbols = tuple(
        market.symbols[row] if chosen.index(row) == place else f"TWIN{place}USDT"
        for place, row in enumerate(chosen)
    )
    instruments = {s: instrument(s) for s in symbols}
    return replace(market, symbols=symbols, instruments=instruments, **columns)


def _with_climber(market: MarketSnapshot) -> MarketSnapshot:
    line = np.linspace(0.2, 10.0, market.bar_count)
    columns = {
        name: np.vstack([line[None] * factor, getattr(market, name)[1:]])
        for name, factor in (
            ("open", 1.0),
            ("close", 1.0),
            ("high", 1.01),
            ("low", 0.99),
        )
    }
    return replace(market, **columns)
