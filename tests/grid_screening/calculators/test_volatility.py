import numpy as np
import pytest
import talib
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal

from grid_screening.calculators.volatility import (
    average_true_range,
    latest_average_true_range,
    latest_natr,
    natr,
)
from tests import naive
from tests.snapshots import random_panel
from tests.strategies import Panel, price_panels


class TestReference:
    @pytest.mark.parametrize("window", [2, 14, 50])
    def test_natr_equals_talib_at_every_bar(self, window: int) -> None:
        bars = random_panel(20, 300)
        comp = natr(bars.high, bars.low, bars.close, window=window)

        for row in range(20):
            ref = talib.NATR(bars.high[row], bars.low[row], bars.close[row], window)
            assert_allclose(comp[row], ref, rtol=1e-9, atol=0)
            assert np.isfinite(comp[row, window:]).all()


class TestProperties:
    @given(bars=price_panels(missing=True))
    def test_equals_its_twin(self, bars: Panel) -> None:
        average = average_true_range(bars.high, bars.low, bars.close)
        percent = natr(bars.high, bars.low, bars.close)
        for row in range(len(bars.close)):
            columns = [a[row].tolist() for a in (bars.high, bars.low, bars.close)]
            assert_allclose(average[row], naive.average_true_range(*columns), rtol=1e-9)
            assert_allclose(percent[row], naive.natr(*columns), rtol=1e-9)

    @given(bars=price_panels(min_bars=1, missing=True))
    def test_latest_value_is_the_last_of_the_series(self, bars: Panel) -> None:
        columns = (bars.high, bars.low, bars.close)

        assert_allclose(latest_natr(*columns), natr(*columns)[..., -1], rtol=1e-12)
        assert_allclose(
            latest_average_true_range(*columns),
            average_true_range(*columns)[..., -1],
            rtol=1e-12,
        )

    @given(bars=price_panels(missing=True))
    def test_price_unit_does_not_matter(self, bars: Panel) -> None:
        columns = (bars.high, bars.low, bars.close)

        assert_array_equal(natr(*columns), natr(*(8 * column for column in columns)))

    @given(bars=price_panels(missing=True))
    def test_one_symbol_is_its_row_of_the_panel(self, bars: Panel) -> None:
        panel = latest_natr(bars.high, bars.low, bars.close)
        for row in range(len(bars.close)):
            alone = latest_natr(bars.high[row], bars.low[row], bars.close[row])
            assert_array_equal(alone, panel[row])

    @pytest.mark.parametrize("count", [0, 1, 14])
    def test_too_few_bars_are_nan(self, count: int) -> None:
        bars = np.ones((2, count))

        assert np.isnan(natr(bars, bars, bars)).all()
        assert_array_equal(latest_natr(bars, bars, bars), [np.nan, np.nan])

    def test_flat_bars_have_no_range(self) -> None:
        flat = np.full(20, 0.1)

        assert latest_natr(flat, flat, flat) == 0.0
