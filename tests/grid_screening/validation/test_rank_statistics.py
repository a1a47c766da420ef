"""Ranks, rank-IC, top N and deciles against twins and SciPy."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from grid_screening.calculators.ranks import midranks
from grid_screening.validation.rank_statistics import (
    decile_excess,
    decile_means,
    rank_ic,
    top_minus_universe,
    top_weights,
)
from monitor.domain.typing import FloatArray
from tests.grid_screening.validation.panels import noise, panels
from tests.naive_statistics import (
    naive_decile_excess,
    naive_rank_ic,
    naive_ranks,
    naive_top_minus_universe,
)

Panel = tuple[FloatArray, FloatArray]
NAN = float("nan")


class TestReference:
    @given(panels())
    def test_ranks_equal_the_twin(self, panel: Panel) -> None:
        ref = [naive_ranks(row) for row in panel[0].tolist()]
        np.testing.assert_array_equal(midranks(panel[0]), ref)

    def test_ranks_equal_scipy(self) -> None:
        values = np.round(noise(4, 60), 1)
        np.testing.assert_array_equal(midranks(values), rankdata(values, axis=-1))

    @given(panels())
    def test_rank_ic_equals_the_twin(self, panel: Panel) -> None:
        ref = [
            naive_rank_ic(s, o)
            for s, o in zip(*(p.tolist() for p in panel), strict=True)
        ]
        np.testing.assert_allclose(rank_ic(*panel), ref, rtol=1e-9, atol=1e-12)

    def test_rank_ic_equals_scipy(self) -> None:
        score, outcome = np.round(noise(6, 80), 1), noise(6, 80, seed=8)
        ref = [spearmanr(s, o).statistic for s, o in zip(score, outcome, strict=True)]
        np.testing.assert_allclose(rank_ic(score, outcome), ref, rtol=1e-12)

    @given(panels(), st.integers(1, 8))
    def test_top_minus_universe_equals_the_twin(self, panel: Panel, top: int) -> None:
        ref = [
            naive_top_minus_universe(s, o, top)
            for s, o in zip(*(p.tolist() for p in panel), strict=True)
        ]
        comp = top_minus_universe(*panel, top)
        np.testing.assert_allclose(comp, ref, rtol=1e-9, atol=1e-9)

    @given(panels(), st.integers(1, 5))
    def test_deciles_equal_the_twin(self, panel: Panel, count: int) -> None:
        ref = [
            naive_decile_excess(s, o, count)
            for s, o in zip(*(p.tolist() for p in panel), strict=True)
        ]
        comp = decile_excess(*panel, count)
        np.testing.assert_allclose(comp, ref, rtol=1e-9, atol=1e-9)


class TestProperties:
    @given(panels())
    def test_rank_ic_sees_only_the_order(self, panel: Panel) -> None:
        score, outcome = panel
        np.testing.assert_allclose(
            rank_ic(score / 7 + 100, outcome), rank_ic(score, outcome), atol=1e-12
        )
        np.testing.assert_allclose(
            rank_ic(-score, outcome), -rank_ic(score, outcome), atol=1e-12
        )

    @given(panels(), st.randoms(use_true_random=False))
    def test_the_order_of_contracts_does_not_matter(
        self, panel: Panel, random: Random
    ) -> None:
        columns = list(range(panel[0].shape[1]))
        random.shuffle(columns)
        score, outcome = (p[:, columns] for p in panel)
        np.testing.assert_allclose(
            top_minus_universe(score, outcome, 3),
            top_minus_universe(*panel, 3),
            atol=1e-9,
        )
        np.testing.assert_allclose(rank_ic(score, outcome), rank_ic(*panel), atol=1e-12)

    @given(panels(), st.integers(1, 8))
    def test_the_places_of_a_list_are_all_given(self, panel: Panel, top: int) -> None:
        weights = top_weights(*panel, top)
        offered = (~np.isnan(panel[0]) & ~np.isnan(panel[1])).sum(axis=-1)
        ref = np.minimum(offered, top)
        np.testing.assert_allclose(weights.sum(axis=-1), ref)
        assert ((weights >= 0) & (weights <= 1)).all()

    def test_the_same_order_is_one_and_the_reverse_minus_one(self) -> None:
        outcome = noise(1, 9)
        assert rank_ic(np.exp(outcome), outcome) == pytest.approx(1.0)
        assert rank_ic(-outcome, outcome) == pytest.approx(-1.0)

    def test_many_scores_go_at_once(self) -> None:
        scores, outcome = noise(3, 4, 20), noise(4, 20, seed=1)
        ref = [rank_ic(score, outcome) for score in scores]
        np.testing.assert_array_equal(rank_ic(scores, outcome), ref)

    def test_its_spread_without_connection_is_as_told(self) -> None:
        spread = rank_ic(noise(4000, 175), noise(4000, 175, seed=8)).std()
        assert spread == pytest.approx(1 / np.sqrt(174), rel=0.05)


class TestEdges:
    @pytest.mark.parametrize("score", [[1, 1, 1, 1, 1, 1], [1, 2, 3, 4, NAN, NAN]])
    def test_a_flat_score_and_too_few_pairs_are_nan(self, score: list[float]) -> None:
        outcome = np.array([[1.0, 2, 3, 4, 5, 6]])
        assert np.isnan(rank_ic(np.array([score], dtype=float), outcome)).all()

    def test_no_origin_and_no_contract_give_nothing(self) -> None:
        empty = np.empty((0, 5))
        assert rank_ic(empty, empty).shape == (0,)
        assert top_minus_universe(empty, empty, 2).shape == (0,)
        none = np.empty((2, 0))
        assert np.isnan(rank_ic(none, none)).all()
        assert np.isnan(top_minus_universe(none, none, 2)).all()
        assert np.isnan(decile_means(empty, empty)).all()

    def test_a_contract_without_score_is_still_of_the_universe(self) -> None:
        score = np.array([[5.0, 4, 3, 2, 1, NAN]])
        outcome = np.array([[6.0, 0, 0, 0, 0, 12]])
        assert top_minus_universe(score, outcome, 1) == pytest.approx(6 - 3)

    def test_a_gate_that_offers_fewer_is_judged_by_what_it_offers(self) -> None:
        score = np.array([[5.0, 4, 3, 2, 1, NAN, NAN, NAN]])
        outcome = np.array([[1.0, 1, 1, 1, 1, 5, 5, 5]])
        assert top_minus_universe(score, outcome, 7) == pytest.approx(1 - 2.5)

    def test_a_universe_no_larger_than_the_list_is_nan(self) -> None:
        assert np.isnan(top_minus_universe(noise(2, 6), noise(2, 6), 6)).all()

    def test_deciles_of_a_score_that_is_the_outcome_ascend(self) -> None:
        outcome = noise(5, 100)
        means = decile_means(outcome, outcome)
        assert (np.diff(means) > 0).all()
        assert means.sum() == pytest.approx(0.0, abs=1e-12)

    def test_no_list_and_no_group_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r"^top must be at least 1, was 0$"):
            top_minus_universe(noise(1, 9), noise(1, 9), 0)
        with pytest.raises(ValueError, match=r"^count must be at least 1, was 0$"):
            decile_means(noise(1, 9), noise(1, 9), 0)
