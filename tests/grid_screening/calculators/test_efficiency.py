import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from grid_screening.calculators.efficiency import efficiency_ratio
from tests import naive
from tests.strategies import Panel, price_panels


class TestReference:
    def test_straight_line_is_one(self) -> None:
        assert_array_equal(
            efficiency_ratio(np.arange(1.0, 31.0), window=10)[10:], np.ones(20)
        )

    def test_return_to_the_start_is_zero(self) -> None:
        assert efficiency_ratio(np.array([1.0, 2.0, 1.0]), window=2)[-1] == 0.0

    def test_random_walks_read_one_over_the_root_of_the_window(self) -> None:
        steps = np.random.default_rng(7).normal(size=(4000, 101))
        ratio = efficiency_ratio(100 + np.cumsum(steps, axis=-1) / 100, window=100)

        assert ratio[:, -1].mean() == pytest.approx(0.1, abs=0.005)


class TestProperties:
    @given(bars=price_panels(missing=True), window=st.integers(1, 20))
    def test_equals_its_twin(self, bars: Panel, window: int) -> None:
        comp = efficiency_ratio(bars.close, window=window)
        for row, close in enumerate(bars.close.tolist()):
            ref = naive.efficiency_ratio(close, window)
            assert_allclose(comp[row], ref, rtol=1e-9, atol=1e-12)

    @given(bars=price_panels(missing=True))
    def test_price_unit_does_not_matter(self, bars: Panel) -> None:
        assert_array_equal(
            efficiency_ratio(bars.close), efficiency_ratio(8 * bars.close)
        )

    @given(bars=price_panels())
    def test_lies_in_the_unit_interval(self, bars: Panel) -> None:
        ratio = efficiency_ratio(bars.close)

        assert np.all(np.isnan(ratio) | ((ratio >= 0) & (ratio <= 1)))

    @given(bars=price_panels(min_bars=11, missing=True))
    def test_newest_value_needs_only_its_window_and_row(self, bars: Panel) -> None:
        whole = efficiency_ratio(bars.close, window=10)[:, -1]

        assert_array_equal(
            efficiency_ratio(bars.close[:, -11:], window=10)[:, -1], whole
        )
        for row in range(len(whole)):
            alone = efficiency_ratio(bars.close[row], window=10)
            assert_array_equal(alone[-1], whole[row])

    def test_flat_window_is_nan(self) -> None:
        assert np.isnan(efficiency_ratio(np.full(30, 0.1), window=10)).all()

    @pytest.mark.parametrize("count", [0, 1, 10])
    def test_too_few_bars_are_nan(self, count: int) -> None:
        assert_array_equal(
            efficiency_ratio(np.ones((2, count)), window=10),
            np.full((2, count), np.nan),
        )

    def test_window_below_one_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"^window must be at least 1, was 0$"):
            efficiency_ratio(np.ones(3), window=0)


class TestRegression:
    def test_window_counts_steps_not_closes(self) -> None:
        """``prices[-window]`` is window − 1 steps back: this read 1 there."""
        close = np.array([3.0, 1.0, 2.0, 3.0])

        assert efficiency_ratio(close, window=3)[-1] == 0.0
