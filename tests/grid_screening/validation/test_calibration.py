"""Brier score, reliability and AUC."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from grid_screening.validation.calibration import (
    auc,
    brier_difference,
    brier_losses,
    brier_score,
    reliability_bins,
)
from monitor.domain.typing import FloatArray
from tests.naive_statistics import naive_auc, naive_brier

NAN = float("nan")
CASES = st.lists(
    st.tuples(
        st.one_of(st.sampled_from([0.1, 0.2, 0.9]), st.floats(0, 1), st.just(NAN)),
        st.sampled_from([0.0, 1.0, NAN]),
    )
)


def told(count: int = 4000, seed: int = 3) -> tuple[FloatArray, FloatArray]:
    """Probabilities that are right, and what came."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(2, 6, count)
    return probability, (rng.random(count) < probability).astype(float)


def columns(cases: list[tuple[float, float]]) -> tuple[FloatArray, FloatArray]:
    pairs = np.array(cases, dtype=float).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


class TestBrier:
    @given(CASES)
    def test_equals_the_twin(self, cases: list[tuple[float, float]]) -> None:
        probability, came = columns(cases)
        ref = naive_brier(probability.tolist(), came.tolist())
        assert brier_score(probability, came) == pytest.approx(ref, nan_ok=True)

    def test_of_the_base_rate_is_its_variance(self) -> None:
        came = np.array([1.0, 0, 0, 0])
        assert brier_score(np.full(4, 0.25), came) == pytest.approx(0.25 * 0.75)

    def test_right_probabilities_beat_their_base_rate_surely(self) -> None:
        probability, came = told()
        base = np.full(came.shape, came.mean())
        weeks = np.arange(came.size) // 160
        gain = brier_difference(probability, base, came, weeks)
        assert gain.low < gain.difference < gain.high < 0
        ref = brier_score(probability, came) - brier_score(base, came)
        assert gain.difference == pytest.approx(ref)
        assert gain.count == came.size

    def test_noise_does_not(self) -> None:
        _, came = told()
        rng = np.random.default_rng(9)
        probability = np.clip(came.mean() + rng.normal(0, 0.02, came.size), 0, 1)
        weeks = np.arange(came.size) // 160
        gain = brier_difference(
            probability, np.full(came.shape, came.mean()), came, weeks
        )
        assert gain.high > 0

    def test_without_cases_it_is_nan(self) -> None:
        none = np.array([NAN])
        gain = brier_difference(none, none, none, np.array([1]))
        assert np.isnan([gain.difference, gain.low, gain.high]).all()
        assert gain.count == 0

    def test_what_is_no_probability_or_no_outcome_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"^probabilities must be between 0 and"):
            brier_losses(np.array([1.2]), np.array([1.0]))
        with pytest.raises(ValueError, match=r"^outcomes must be 0, 1 or NaN$"):
            brier_losses(np.array([0.2]), np.array([0.5]))


class TestReliability:
    def test_right_probabilities_lie_within_their_intervals(self) -> None:
        probability, came = told(20_000)
        bins = reliability_bins(probability, came, np.arange(20_000) // 100)
        assert len(bins) == 10
        assert sum(b.count for b in bins) == 20_000
        assert sum(b.low <= b.predicted <= b.high for b in bins) >= 8
        assert all(b.low <= b.observed <= b.high for b in bins)
        assert [b.predicted for b in bins] == sorted(b.predicted for b in bins)

    def test_doubled_probabilities_do_not(self) -> None:
        probability, came = told(20_000)
        bins = reliability_bins(
            np.minimum(probability * 2, 1), came, np.arange(20_000) // 100
        )
        assert all(b.high < b.predicted for b in bins)

    def test_equal_probabilities_are_one_bin(self) -> None:
        came = np.array([1.0, 0, 0, 0, NAN])
        (only,) = reliability_bins(np.full(5, 0.3), came, np.arange(5))
        assert (only.predicted, only.observed, only.count) == (0.3, 0.25, 4)
        assert np.isnan([only.low, only.high]).all()  # four blocks: too few

    def test_no_case_no_bin(self) -> None:
        assert reliability_bins(np.array([NAN]), np.array([1.0]), np.array([0])) == ()
        with pytest.raises(ValueError, match=r"^bins must be at least 1, was 0$"):
            reliability_bins(np.array([0.5]), np.array([1.0]), np.array([0]), bins=0)


class TestAuc:
    @given(CASES)
    def test_equals_the_twin(self, cases: list[tuple[float, float]]) -> None:
        probability, came = columns(cases)
        ref = naive_auc(probability.tolist(), came.tolist())
        assert auc(probability, came) == pytest.approx(ref, nan_ok=True)

    def test_equals_scipys_u(self) -> None:
        probability, came = told(500)
        u = mannwhitneyu(probability[came == 1], probability[came == 0]).statistic
        ref = u / ((came == 1).sum() * (came == 0).sum())
        assert auc(probability, came) == pytest.approx(ref)

    def test_a_perfect_score_is_one_and_a_flat_one_half(self) -> None:
        came = np.array([0.0, 1, 0, 1])
        assert auc(came, came) == 1.0
        assert auc(np.full(4, 0.2), came) == 0.5

    def test_one_kind_of_case_is_nan(self) -> None:
        assert np.isnan(auc(np.array([0.1, 0.2]), np.array([1.0, 1.0])))
