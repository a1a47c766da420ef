import numpy as np
import pytest
import talib
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal

from grid_screening.calculators.trend import linear_fit
from tests import naive
from tests.snapshots import random_panel
from tests.strategies import Panel, price_panels


class TestReference:
    def test_slope_equals_talib(self) -> None:
        close = random_panel(20, 300).close
        comp = linear_fit(close).normalized_slope

        for row in range(20):
            slope = talib.LINEARREG_SLOPE(close[row], 300)[-1]
            assert comp[row] == pytest.approx(
                slope / close[row, -1] * 10_000, rel=0, abs=1e-9
            )

    def test_r_squared_equals_numpy_correlation(self) -> None:
        close = random_panel(20, 300).close
        ref = [np.corrcoef(np.arange(300), row)[0, 1] ** 2 for row in close]

        assert_allclose(linear_fit(close).r_squared, ref, rtol=1e-9)

    def test_line_from_zero_reads_33_bp_at_300_bars(self) -> None:
        fit = linear_fit(np.arange(1.0, 301.0))

        assert fit.normalized_slope == pytest.approx(100 / 3, rel=1e-12)
        assert fit.r_squared == pytest.approx(1, rel=1e-12)


class TestProperties:
    @given(bars=price_panels(missing=True))
    def test_equals_its_twin(self, bars: Panel) -> None:
        fit = linear_fit(bars.close)
        for row, close in enumerate(bars.close.tolist()):
            slope, r_squared = naive.linear_fit(close)
            # Prices up to e³ above the last one cost digits there.
            assert_allclose(fit.normalized_slope[row], slope, rtol=1e-9, atol=1e-7)
            assert_allclose(fit.r_squared[row], r_squared, rtol=1e-7, atol=1e-9)

    @given(bars=price_panels(min_bars=3, missing=True))
    def test_price_unit_does_not_matter(self, bars: Panel) -> None:
        fit, other = linear_fit(bars.close), linear_fit(8 * bars.close)

        assert_array_equal(fit.normalized_slope, other.normalized_slope)
        assert_array_equal(fit.r_squared, other.r_squared)

    @given(bars=price_panels(min_bars=3, missing=True))
    def test_one_symbol_is_its_row_of_the_panel(self, bars: Panel) -> None:
        panel = linear_fit(bars.close)
        for row in range(len(bars.close)):
            alone = linear_fit(bars.close[row])
            assert_array_equal(alone.normalized_slope, panel.normalized_slope[row])
            assert_array_equal(alone.r_squared, panel.r_squared[row])

    @pytest.mark.parametrize("price", [0.1, 0.3, 7e-8])
    def test_constant_price_has_no_slope_and_no_r_squared(self, price: float) -> None:
        fit = linear_fit(np.full(300, price))

        assert fit.normalized_slope == 0
        assert np.isnan(fit.r_squared)

    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_two_points_are_not_a_trend(self, count: int) -> None:
        fit = linear_fit(np.ones((4, count)))

        assert np.isnan(fit.normalized_slope).all()
        assert np.isnan(fit.r_squared).all()
        assert fit.r_squared.shape == (4,)
