import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_allclose, assert_array_equal

from grid_screening.calculators.hurst import (
    BLOCK_LENGTHS,
    ROW_BLOCK,
    expected_rescaled_range,
    hurst_exponent,
    hurst_null_band,
)
from monitor.domain.typing import FloatArray
from tests import naive
from tests.strategies import Panel, price_panels


def random_walks(count: int, length: int, *, seed: int) -> FloatArray:
    """Returns of driftless walks, shape ``(count, length)``."""
    return np.random.default_rng(seed).normal(0, 0.02, (count, length))


def fractional_noise(hurst: float, count: int, length: int) -> FloatArray:
    """Fractional Gaussian noise of known H, exact: Cholesky of its covariance."""
    lag = np.arange(length)
    power = 2 * hurst
    covariance = 0.5 * (
        np.abs(lag + 1) ** power - 2 * np.abs(lag) ** power + np.abs(lag - 1.0) ** power
    )
    matrix = covariance[np.abs(lag[:, None] - lag)]
    draws = np.random.default_rng(11).normal(size=(count, length))
    return draws @ np.linalg.cholesky(matrix).T


class TestReference:
    @pytest.mark.parametrize(("count", "expected"), [(10, 3.0233), (100, 11.453)])
    def test_anis_lloyd_expectation(self, count: int, expected: float) -> None:
        assert expected_rescaled_range(count) == pytest.approx(expected, abs=5e-4)

    @pytest.mark.parametrize("count", BLOCK_LENGTHS)
    def test_anis_lloyd_expectation_is_the_mean_of_simulated_blocks(
        self, count: int
    ) -> None:
        blocks = random_walks(20_000, count, seed=count)
        walk = np.cumsum(blocks - blocks.mean(axis=-1, keepdims=True), axis=-1)
        spread = np.maximum(walk.max(axis=-1), 0) - np.minimum(walk.min(axis=-1), 0)
        simulated = (spread / blocks.std(axis=-1)).mean()

        assert expected_rescaled_range(count) == pytest.approx(simulated, rel=0.006)

    def test_random_walks_of_300_bars_read_one_half(self) -> None:
        exponents = hurst_exponent(random_walks(500, 299, seed=3))

        assert exponents.mean() == pytest.approx(0.5, abs=0.02)
        assert exponents.std() == pytest.approx(0.07, abs=0.01)

    def test_uncorrected_random_walk_reads_0_57(self) -> None:
        exponents = hurst_exponent(random_walks(2000, 299, seed=4), corrected=False)

        assert exponents.mean() == pytest.approx(0.57, abs=0.006)

    @pytest.mark.parametrize("length", [299, 1498])
    def test_fractional_noise_is_ordered_and_compressed(self, length: int) -> None:
        """Blocks of 10 to 100 show 0.7 of the distance from ½, at any length."""
        exponents = np.array([0.3, 0.4, 0.5, 0.6, 0.7])
        means = [
            hurst_exponent(fractional_noise(hurst, 300, length)).mean()
            for hurst in exponents
        ]

        assert_allclose(means, 0.5 + 0.7 * (exponents - 0.5), atol=0.025)
        assert np.all(np.diff(means) > 0.05)

    @pytest.mark.parametrize("length", [150, 299, 300, 640, 1498])
    def test_null_band_holds_nine_in_ten_random_walks(self, length: int) -> None:
        low, high = hurst_null_band(length) or (np.nan, np.nan)
        exponents = hurst_exponent(random_walks(4000, length, seed=length))

        assert np.mean(exponents < low) == pytest.approx(0.05, abs=0.02)
        assert np.mean(exponents > high) == pytest.approx(0.05, abs=0.02)

    def test_null_band_of_the_default_window(self) -> None:
        assert hurst_null_band(299) == (0.380, 0.608)
        assert hurst_null_band(99) is None
        assert hurst_null_band(10_000) == hurst_null_band(1499)


class TestProperties:
    @settings(max_examples=40, deadline=None)
    @given(bars=price_panels(min_bars=90, max_bars=320, missing=True))
    def test_equals_its_twin(self, bars: Panel) -> None:
        returns = np.diff(np.log(bars.close))
        corrected = hurst_exponent(returns)
        plain = hurst_exponent(returns, corrected=False)
        for row, values in enumerate(returns.tolist()):
            if len(values) < 100:
                assert np.isnan(corrected[row])
                continue
            assert_allclose(corrected[row], naive.hurst_exponent(values), atol=1e-8)
            ref = naive.hurst_exponent(values, corrected=False)
            assert_allclose(plain[row], ref, atol=1e-8)

    def test_return_unit_does_not_matter(self) -> None:
        returns = random_walks(20, 299, seed=5)

        assert_allclose(
            hurst_exponent(returns), hurst_exponent(1000 * returns), rtol=1e-12
        )

    def test_drift_does_not_matter(self) -> None:
        returns = random_walks(20, 299, seed=6)

        assert_allclose(
            hurst_exponent(returns), hurst_exponent(returns + 0.01), rtol=1e-9
        )

    def test_a_row_does_not_depend_on_how_many_are_beside_it(self) -> None:
        returns = random_walks(2 * ROW_BLOCK + 1, 299, seed=7)
        panel = hurst_exponent(returns)

        assert_array_equal(hurst_exponent(returns[-1:]), panel[-1:])
        assert_array_equal(hurst_exponent(returns[5]), panel[5])
        assert_array_equal(hurst_exponent(returns[3:90]), panel[3:90])

    def test_leading_axes_are_kept(self) -> None:
        returns = random_walks(6, 299, seed=8)

        assert_array_equal(
            hurst_exponent(returns.reshape(2, 3, 299)),
            hurst_exponent(returns).reshape(2, 3),
        )
        assert hurst_exponent(np.empty((0, 299))).shape == (0,)

    def test_flat_block_is_left_out(self) -> None:
        returns = random_walks(1, 299, seed=9)[0]
        returns[-40:-10] = 0.0

        comp = hurst_exponent(returns)

        assert comp == pytest.approx(naive.hurst_exponent(returns.tolist()), abs=1e-12)
        assert np.isfinite(comp)

    def test_flat_price_and_constant_growth_are_nan(self) -> None:
        growth = np.diff(np.log(1.01 ** np.arange(300)))

        assert np.isnan(hurst_exponent(np.zeros(299)))
        assert np.isnan(hurst_exponent(growth))

    def test_a_missing_return_is_nan_even_among_the_oldest(self) -> None:
        returns = random_walks(2, 250, seed=10)
        returns[0, 60] = np.nan

        assert_array_equal(np.isnan(hurst_exponent(returns)), [True, False])

    @pytest.mark.parametrize("count", [0, 1, 99])
    def test_fewer_than_100_returns_are_nan(self, count: int) -> None:
        assert_array_equal(hurst_exponent(np.ones((2, count))), [np.nan, np.nan])

    def test_expectation_of_one_value_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"^count must be at least 2, was 1$"):
            expected_rescaled_range(1)


class TestRegression:
    def test_prices_instead_of_returns_would_read_one(self) -> None:
        """The notes fed prices: every random walk looked trending there."""
        returns = random_walks(200, 299, seed=12)
        prices = 100 * np.exp(np.cumsum(returns, axis=-1))

        assert hurst_exponent(prices, corrected=False).mean() > 0.95
        assert hurst_exponent(returns).mean() < 0.55

    def test_blocks_end_at_the_newest_return(self) -> None:
        """299 returns leave 9 out of blocks of 10: the oldest ones, not the newest."""
        returns = random_walks(1, 299, seed=13)[0]
        newest = returns.copy()
        newest[-1] += 0.2

        assert hurst_exponent(newest) != hurst_exponent(returns)
