"""Newey–West, bootstrap over weeks and detectable effects."""

import numpy as np
import pytest
from arch.covariance.kernel import Bartlett
from hypothesis import given
from hypothesis import strategies as st

from grid_screening.block_bootstrap import (
    block_bootstrap_interval,
    block_bootstrap_means,
)
from grid_screening.validation.mean_estimates import (
    minimum_detectable_effect,
    newey_west,
)
from tests.grid_screening.validation.panels import noise
from tests.naive_statistics import naive_block_means, naive_newey_west

NAN = float("nan")
SERIES = st.lists(st.floats(-100, 100).map(lambda x: round(x, 4)), min_size=2)


class TestNeweyWest:
    @pytest.mark.parametrize("lag", [0, 1, 10, 38])
    def test_equals_the_twin(self, lag: int) -> None:
        series = np.cumsum(noise(120)) / 10
        series[[3, 77]] = NAN
        comp = newey_west(series, lag)
        mean, error = naive_newey_west(series.tolist(), lag)
        assert comp.standard_error == pytest.approx(error, rel=1e-10)
        assert comp.mean == pytest.approx(mean)
        assert comp.count == 118

    @pytest.mark.parametrize(("count", "known"), [(32, 0), (33, 1)])
    def test_a_series_short_for_its_lag_has_a_mean_and_no_error(
        self, count: int, known: int
    ) -> None:
        found = newey_west(noise(count), 10)
        assert found.mean == pytest.approx(noise(count).mean())
        assert np.isfinite(found.standard_error) == bool(known)
        assert np.isfinite(found.t) == bool(known)

    @pytest.mark.parametrize("lag", [0, 4, 10])
    def test_equals_the_long_run_variance_of_arch(self, lag: int) -> None:
        series = np.convolve(noise(300), np.ones(7), mode="valid")
        oracle = Bartlett(series, bandwidth=lag, df_adjust=0, force_int=True)
        ref = np.sqrt(float(np.squeeze(oracle.cov.long_run)) / series.size)
        assert newey_west(series, lag).standard_error == pytest.approx(ref, rel=1e-10)

    def test_without_lags_it_is_the_textbook_error(self) -> None:
        series = noise(50)
        ref = series.std() / np.sqrt(50)
        assert newey_west(series, 0).standard_error == pytest.approx(ref)

    def test_overlap_makes_the_error_larger(self) -> None:
        daily = np.convolve(noise(400), np.ones(7), mode="valid")
        plain, wide = newey_west(daily, 0), newey_west(daily, 10)
        assert wide.standard_error > 1.8 * plain.standard_error
        assert wide.t == pytest.approx(wide.mean / wide.standard_error)

    @given(SERIES, st.integers(0, 3), st.floats(0.5, 50))
    def test_scales_with_the_unit(
        self, values: list[float], lag: int, unit: float
    ) -> None:
        one = newey_west(np.array(values), lag)
        other = newey_west(np.array(values) * unit, lag)
        assert other.standard_error == pytest.approx(
            unit * one.standard_error, rel=1e-6, abs=1e-7, nan_ok=True
        )

    @pytest.mark.parametrize(
        ("series", "mean", "error", "count"),
        [
            ([], NAN, NAN, 0),
            ([NAN], NAN, NAN, 0),
            ([2.0], 2.0, NAN, 1),
            ([0.1] * 12, 0.1, 0.0, 12),
            ([1.0, 2.0, 3.0], 2.0, NAN, 3),
        ],
    )
    def test_no_spread_has_no_t(
        self, series: list[float], mean: float, error: float, count: int
    ) -> None:
        found = newey_west(np.array(series), 3)
        assert found.mean == pytest.approx(mean, nan_ok=True)
        assert found.standard_error == pytest.approx(error, nan_ok=True)
        assert found.count == count
        assert np.isnan(found.t)

    def test_a_negative_lag_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"^lag must be at least 0, was -1$"):
            newey_west(noise(5), -1)


class TestBlockBootstrap:
    def test_means_equal_the_twin_on_the_same_draws(self) -> None:
        series, keys = noise(40), np.repeat(np.arange(9), 5)[:40]
        series[4] = NAN
        drawn = np.random.default_rng(3).integers(0, 8, (25, 8))
        ref = naive_block_means(series.tolist(), keys.tolist(), drawn.tolist())
        comp = block_bootstrap_means(series, keys, 25, 3)
        np.testing.assert_allclose(comp, ref, rtol=1e-12)

    def test_spread_is_the_cluster_robust_error(self) -> None:
        # sandwich: √Σ(block sum of residuals)² ÷ n
        level = np.repeat(noise(200, seed=2), 7)
        series, keys = level + noise(1400), np.repeat(np.arange(200), 7)
        residual = series - series.mean()
        sums = np.bincount(keys, weights=residual)
        ref = np.sqrt((sums**2).sum()) / 1400
        spread = block_bootstrap_means(series, keys, 4000, 1).std()
        assert spread == pytest.approx(ref, rel=0.05)

    def test_the_interval_holds_the_mean_about_as_often_as_told(self) -> None:
        keys = np.repeat(np.arange(25), 7)
        held = 0
        for seed in range(300):
            series = np.repeat(noise(25, seed=seed), 7)
            low, high = block_bootstrap_interval(series, keys, 400, seed)
            held += low <= 0 <= high
        assert 0.89 <= held / 300 <= 0.97

    def test_what_is_alike_within_a_week_counts_once(self) -> None:
        keys = np.arange(20)
        once = block_bootstrap_interval(noise(20), keys, 500, 1)
        seven = block_bootstrap_interval(
            np.repeat(noise(20), 7), np.repeat(keys, 7), 500, 1
        )
        assert seven == pytest.approx(once)

    def test_names_of_blocks_do_not_matter(self) -> None:
        keys = np.repeat(np.arange(9), 4)
        one = block_bootstrap_interval(noise(36), keys)
        assert block_bootstrap_interval(noise(36), keys * 10 + 2800) == one

    @pytest.mark.parametrize(("weeks", "known"), [(0, 0), (1, 0), (7, 0), (8, 1)])
    def test_few_known_weeks_have_no_interval(self, weeks: int, known: int) -> None:
        series, keys = noise(40), np.repeat(np.arange(10), 4)
        series[keys >= weeks] = NAN
        found = block_bootstrap_interval(series, keys)
        assert np.isfinite(found).all() == bool(known)

    def test_mistakes_are_told(self) -> None:
        with pytest.raises(ValueError, match=r"were \(3,\) and \(2,\)$"):
            block_bootstrap_means(noise(3), np.arange(2), 5, 1)
        with pytest.raises(ValueError, match=r"^draws must be at least 1, was 0$"):
            block_bootstrap_means(noise(3), np.arange(3), 0, 1)
        with pytest.raises(ValueError, match=r"^level must be between 0 and 1"):
            block_bootstrap_interval(noise(3), np.arange(3), level=95)


class TestDetectableEffect:
    def test_is_two_point_eight_errors(self) -> None:
        assert minimum_detectable_effect(0.2) == pytest.approx(0.2 * 2.8016, rel=1e-4)

    def test_a_test_finds_that_effect_with_that_power(self) -> None:
        effect = minimum_detectable_effect(1.0, power=0.6, size=0.1)
        found = np.abs(noise(200_000) + effect) > 1.6449
        assert found.mean() == pytest.approx(0.6, abs=0.01)

    def test_another_critical_value_needs_a_larger_effect(self) -> None:
        assert minimum_detectable_effect(0.2, critical=3.0) == pytest.approx(
            (3.0 + 0.8416) * 0.2, rel=1e-4
        )
        effect = minimum_detectable_effect(1.0, critical=3.0)
        assert (noise(200_000) + effect > 3).mean() == pytest.approx(0.8, abs=0.01)
        assert np.isnan(minimum_detectable_effect(0.2, critical=NAN))

    def test_no_error_no_effect_and_mistakes_are_told(self) -> None:
        assert np.isnan(minimum_detectable_effect(NAN))
        assert minimum_detectable_effect(0.0) == 0.0
        with pytest.raises(ValueError, match=r"^power must be between 0 and 1"):
            minimum_detectable_effect(1.0, power=80)
        with pytest.raises(ValueError, match=r"^size must be between 0 and 1"):
            minimum_detectable_effect(1.0, size=0)
        with pytest.raises(ValueError, match=r"must be at least 0, was -1"):
            minimum_detectable_effect(-1.0)
