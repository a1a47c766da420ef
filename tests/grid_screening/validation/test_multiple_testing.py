"""Placebo scores, their critical values, Benjamini–Hochberg, scale control."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from grid_screening.validation.mean_estimates import newey_west
from grid_screening.validation.multiple_testing import (
    benjamini_hochberg,
    placebo_level,
    placebo_p_values,
    placebo_scores,
)
from grid_screening.validation.rank_statistics import rank_ic, top_minus_universe
from grid_screening.validation.scale_control import shuffled_scale_control
from monitor.domain.typing import FloatArray
from tests.grid_screening.validation.panels import noise
from tests.naive_statistics import (
    naive_benjamini_hochberg,
    naive_placebo_p,
    naive_placebo_t,
)

NAN = float("nan")
P_VALUES = st.lists(st.one_of(st.floats(0, 1), st.floats(0, 0.02), st.just(NAN)))


class TestBenjaminiHochberg:
    @given(P_VALUES, st.sampled_from([0.01, 0.05, 0.2]))
    def test_equals_the_twin(self, p_values: list[float], level: float) -> None:
        ref = naive_benjamini_hochberg(p_values, level)
        assert benjamini_hochberg(p_values, level).tolist() == ref

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
    def test_equals_scipy(self, p_values: list[float]) -> None:
        adjusted = false_discovery_control(p_values)
        stands = benjamini_hochberg(p_values, 0.05)
        told = np.abs(adjusted - 0.05) > 1e-12  # equal but for rounding otherwise
        assert (stands == (adjusted <= 0.05))[told].all()

    def test_the_published_example_rejects_four(self) -> None:
        # Benjamini and Hochberg 1995, section 3: fifteen p-values, q = 0.05
        p_values = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
            0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
        ]  # fmt: skip
        assert benjamini_hochberg(p_values, 0.05).sum() == 4

    def test_nothing_tested_stands_nowhere(self) -> None:
        assert benjamini_hochberg([], 0.05).shape == (0,)
        assert not benjamini_hochberg([NAN, NAN], 0.05).any()

    def test_mistakes_are_told(self) -> None:
        with pytest.raises(ValueError, match=r"^p-values must be between 0 and 1$"):
            benjamini_hochberg([0.5, 1.5])
        with pytest.raises(ValueError, match=r"^level must be between"):
            benjamini_hochberg([0.5], 5)


class TestPlacebo:
    def test_scores_are_fixed_and_reproducible(self) -> None:
        scores = placebo_scores(3, 50, 4)
        assert scores.shape == (3, 50)
        np.testing.assert_array_equal(scores, placebo_scores(3, 50, 4))
        assert len({*scores.ravel().tolist()}) == 150

    def test_t_is_that_of_each_score_alone(self) -> None:
        outcome, scores = noise(60, 40), placebo_scores(30, 40, 1)
        outcome[5, :8] = NAN
        statistic = partial(top_minus_universe, top=10)
        comp = naive_placebo_t(scores, outcome, statistic, lag=10)
        for number in (0, 17):
            series = statistic(np.tile(scores[number], (60, 1)), outcome)
            assert comp[number] == newey_west(series, 10).t

    def test_on_independent_outcomes_errors_are_about_right(self) -> None:
        t = naive_placebo_t(placebo_scores(400, 60, 2), noise(150, 60), rank_ic, lag=0)
        level = placebo_level(t, family=1)
        assert 0.02 <= level.nominal_rejections <= 0.09
        assert level.critical_t == level.single_t
        assert level.critical_t == pytest.approx(1.96, abs=0.25)

    def test_a_family_needs_the_largest_of_its_size(self) -> None:
        t = noise(200_000)
        level = placebo_level(t, family=5)
        largest = np.abs(t.reshape(-1, 5)).max(axis=1)
        assert level.critical_t == pytest.approx(np.quantile(largest, 0.95), rel=0.01)
        assert level.nominal_rejections == pytest.approx(0.05, abs=0.003)
        assert (level.family, level.count) == (5, 200_000)

    def test_too_few_placebos_say_nothing(self) -> None:
        level = placebo_level(np.array([1.0, NAN]), family=2)
        assert np.isnan([level.critical_t, level.single_t]).all()
        assert level.count == 1

    @given(
        st.lists(st.one_of(st.integers(-3, 3).map(float), st.just(NAN)), min_size=1),
        st.integers(-3, 3),
    )
    def test_p_values_equal_the_twin(self, placebo: list[float], t: int) -> None:
        comp = placebo_p_values(np.array([float(t), NAN]), np.array(placebo))
        if all(np.isnan(placebo)):
            assert np.isnan(comp).all()
        else:
            assert comp[0] == pytest.approx(naive_placebo_p(t, placebo))
            assert np.isnan(comp[1])

    def test_p_values_of_placebos_are_uniform(self) -> None:
        p = placebo_p_values(noise(20_000), noise(999, seed=1))
        assert (p <= 0.05).mean() == pytest.approx(0.05, abs=0.02)
        assert p.min() >= 1 / 1000

    def test_mistakes_are_told(self) -> None:
        with pytest.raises(ValueError, match=r"^count must be at least 1, was 0$"):
            placebo_scores(0, 3, 1)
        with pytest.raises(ValueError, match=r"^family must be at least 1, was 0$"):
            placebo_level(noise(99), family=0)
        with pytest.raises(ValueError, match=r"^level must be between"):
            placebo_level(noise(99), family=1, level=95)


def mean_control(score: FloatArray, outcome: FloatArray, scale: FloatArray) -> float:
    draws = [shuffled_scale_control(outcome, scale, seed=k) for k in range(1, 6)]
    return float(np.mean([rank_ic(score, control) for control in draws]))


class TestScaleControl:
    def test_each_contract_has_anothers_outcome_and_its_own_risk(self) -> None:
        outcome, scale = noise(5, 12), np.exp(noise(5, 12, seed=1))
        outcome[2, 3] = scale[2, 5] = NAN
        control = shuffled_scale_control(outcome, scale, seed=1)
        known = ~(np.isnan(outcome) | np.isnan(scale))
        np.testing.assert_array_equal(np.isnan(control), ~known)
        for row in range(5):
            taken = (control / scale)[row, known[row]]
            own = outcome[row, known[row]]
            np.testing.assert_allclose(np.sort(taken), np.sort(own))
            assert (np.abs(taken - own) > 1e-12).all()

    def test_fewer_than_two_have_no_other(self) -> None:
        outcome = np.array([[1.0, NAN], [NAN, NAN]])
        control = shuffled_scale_control(outcome, np.ones((2, 2)), seed=1)
        assert np.isnan(control).all()

    def test_a_skewed_outcome_gives_its_size_a_rank_ic_from_nothing(self) -> None:
        # two of three win a little, one loses: the median is above zero, so
        # whoever is larger wins more most of the time; the order of luck is random
        rng = np.random.default_rng(5)
        luck = np.where(rng.random((300, 100)) < 0.67, 0.4, -0.8)
        scale = np.exp(noise(300, 100))
        actual = rank_ic(scale, luck * scale).mean()
        control = mean_control(scale, luck, scale)
        assert actual > 0.15
        assert control == pytest.approx(actual, abs=0.02)

    def test_real_knowledge_stays_above_the_control(self) -> None:
        luck, scale = noise(50, 80), np.exp(noise(50, 80, seed=2) / 2)
        actual = rank_ic(luck, luck * scale).mean()
        control = mean_control(luck, luck, scale)
        assert actual > 0.8
        assert abs(control) < 0.05
