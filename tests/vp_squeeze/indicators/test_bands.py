import numpy as np
import pytest
import talib
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal

from tests import naive_volume_profile as naive
from tests.snapshots import random_panel
from tests.strategies import Panel, price_panels
from vp_squeeze.indicators.bands import (
    bollinger_bands,
    exponential_average,
    keltner_bands,
)


class TestReference:
    def test_bollinger_bands_equal_talib(self) -> None:
        close = random_panel(1, 300).close[0]
        upper, middle, lower = talib.BBANDS(close, 20, 2, 2)
        comp = bollinger_bands(close)

        assert_allclose(comp.upper, upper, rtol=1e-9)
        assert_allclose(comp.middle, middle, rtol=1e-9)
        assert_allclose(comp.lower, lower, rtol=1e-9)

    def test_exponential_average_equals_talib(self) -> None:
        close = random_panel(1, 300).close[0]

        assert_allclose(
            exponential_average(close, window=20), talib.EMA(close, 20), rtol=1e-12
        )

    def test_keltner_bands_equal_talib(self) -> None:
        bars = random_panel(1, 300)
        high, low, close = bars.high[0], bars.low[0], bars.close[0]
        reach = 1.5 * talib.ATR(high, low, close, 10)
        comp = keltner_bands(high, low, close)

        assert_allclose(comp.upper, talib.EMA(close, 20) + reach, rtol=1e-12)
        assert_allclose(comp.lower, talib.EMA(close, 20) - reach, rtol=1e-12)

    def test_width_is_in_percent_of_the_middle(self) -> None:
        close = np.array([99.0, 101.0] * 10)  # mean 100, population deviation 1

        assert bollinger_bands(close).width_percent[-1] == 4.0


class TestProperties:
    @given(bars=price_panels(max_bars=60, missing=True))
    def test_equal_their_twins(self, bars: Panel) -> None:
        bollinger = bollinger_bands(bars.close)
        keltner = keltner_bands(bars.high, bars.low, bars.close)
        for row in range(len(bars.close)):
            columns = [a[row].tolist() for a in (bars.high, bars.low, bars.close)]
            scale = np.nanmax([*columns[2], 0.0]) or 1.0
            times = range(bars.close.shape[-1])
            ref_b = [naive.bollinger(columns[2], t) for t in times]
            ref_k = [naive.keltner(*columns, t) for t in times]
            for comp, ref in ((bollinger, ref_b), (keltner, ref_k)):
                got = np.stack([comp.lower[row], comp.upper[row]], axis=-1)
                assert_allclose(got, ref, rtol=1e-9, atol=1e-7 * scale)

    @given(bars=price_panels(missing=True))
    def test_one_symbol_is_its_row_of_the_panel(self, bars: Panel) -> None:
        panel = keltner_bands(bars.high, bars.low, bars.close)
        for row in range(len(bars.close)):
            alone = keltner_bands(bars.high[row], bars.low[row], bars.close[row])
            assert_array_equal(alone.upper, panel.upper[row])

    def test_flat_price_has_bands_of_no_width(self) -> None:
        flat = np.full(40, 0.1)

        assert bollinger_bands(flat).width_percent[-1] == 0.0
        assert keltner_bands(flat, flat, flat).width_percent[-1] == 0.0

    @pytest.mark.parametrize("count", [0, 1, 19])
    def test_too_few_bars_are_nan(self, count: int) -> None:
        bars = np.ones((2, count))

        assert np.isnan(bollinger_bands(bars).upper).all()
        assert np.isnan(keltner_bands(bars, bars, bars).upper).all()
        assert keltner_bands(bars, bars, bars).upper.shape == (2, count)

    def test_window_below_one_is_refused(self) -> None:
        with pytest.raises(ValueError, match="window must be at least 1, was 0"):
            exponential_average(np.ones(3), window=0)
