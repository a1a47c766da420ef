from collections.abc import Callable

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from monitor.domain.typing import FloatArray
from tests import naive
from tests.snapshots import random_panel
from tests.strategies import Panel, price_panels
from vp_squeeze.indicators.rolling import (
    latest_wilder_average,
    rolling_max,
    rolling_mean,
    rolling_std,
    true_range,
    wilder_average,
)

windows = st.integers(1, 25)


class TestReference:
    def test_true_range_equals_talib(self) -> None:
        bars = random_panel(1, 300)
        ref = talib.TRANGE(bars.high[0], bars.low[0], bars.close[0])

        assert_allclose(
            true_range(bars.high[0], bars.low[0], bars.close[0]), ref, rtol=1e-12
        )

    def test_wilder_average_equals_talib_atr(self) -> None:
        bars = random_panel(1, 300)
        ref = talib.ATR(bars.high[0], bars.low[0], bars.close[0], 14)
        comp = wilder_average(
            true_range(bars.high[0], bars.low[0], bars.close[0]), window=14
        )

        assert_allclose(comp, ref, rtol=1e-12)

    def test_rolling_moments_equal_talib(self) -> None:
        close = random_panel(1, 300).close[0]

        assert_allclose(rolling_mean(close, window=20), talib.SMA(close, 20))
        assert_allclose(
            rolling_std(close, window=20, ddof=0), talib.STDDEV(close, 20), rtol=1e-9
        )
        assert_allclose(rolling_max(close, window=20), talib.MAX(close, 20))

    def test_seed_is_the_mean_of_the_first_true_ranges(self) -> None:
        values = np.array([np.nan, 1.0, 2.0, 6.0, 9.0])

        assert_array_equal(
            wilder_average(values, window=3), [np.nan, np.nan, np.nan, 3.0, 5.0]
        )


class TestProperties:
    @given(bars=price_panels(missing=True), window=windows)
    def test_all_equal_their_twins(self, bars: Panel, window: int) -> None:
        ranges = true_range(bars.high, bars.low, bars.close)
        for row in range(len(bars.close)):
            high, low, close = (
                a[row].tolist() for a in (bars.high, bars.low, bars.close)
            )
            assert_array_equal(ranges[row], naive.true_range(high, low, close))
            scale = np.nanmax(bars.close[row], initial=0)
            for comp, ref in (
                (
                    wilder_average(ranges[row], window=window),
                    naive.wilder_average(ranges[row].tolist(), window),
                ),
                (
                    rolling_mean(bars.close[row], window=window),
                    naive.rolling_mean(close, window),
                ),
                (
                    rolling_std(bars.close[row], window=window + 1),
                    naive.rolling_std(close, window + 1),
                ),
                (
                    rolling_max(bars.close[row], window=window),
                    naive.rolling_max(close, window),
                ),
            ):
                assert_allclose(comp, ref, rtol=1e-9, atol=1e-13 * scale)

    @given(bars=price_panels(min_bars=2), window=windows)
    def test_latest_average_is_the_last_of_the_series(
        self, bars: Panel, window: int
    ) -> None:
        ranges = true_range(bars.high, bars.low, bars.close)

        assert_allclose(
            latest_wilder_average(ranges, window=window),
            wilder_average(ranges, window=window)[..., -1],
            rtol=1e-12,
        )

    @given(bars=price_panels(missing=True), window=windows)
    def test_one_symbol_is_its_row_of_the_panel(self, bars: Panel, window: int) -> None:
        ranges = true_range(bars.high, bars.low, bars.close)
        for row in range(len(bars.close)):
            for function in (wilder_average, latest_wilder_average):
                assert_array_equal(
                    function(ranges[row], window=window),
                    function(ranges, window=window)[row],
                )
            for function in (rolling_mean, rolling_max):
                assert_array_equal(
                    function(bars.close[row], window=window),
                    function(bars.close, window=window)[row],
                )

    @given(price=st.sampled_from((0.1, 0.3, 1e-8, 123456.7)), window=windows)
    def test_constant_window_is_its_constant_with_no_deviation(
        self, price: float, window: int
    ) -> None:
        flat = np.full(40, price)

        assert np.all(rolling_mean(flat, window=window)[window - 1 :] == price)
        assert np.all(rolling_std(flat, window=window + 1)[window:] == 0)

    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_series_shorter_than_the_window_is_nan(self, count: int) -> None:
        short = np.ones((2, count))

        for function in (wilder_average, rolling_mean, rolling_std, rolling_max):
            assert_array_equal(function(short, window=3), np.full((2, count), np.nan))
        assert_array_equal(latest_wilder_average(short, window=3), [np.nan, np.nan])
        assert true_range(short, short, short).shape == (2, count)

    @pytest.mark.parametrize(
        "function",
        [wilder_average, latest_wilder_average, rolling_mean, rolling_max],
    )
    def test_window_below_one_is_refused(
        self, function: Callable[..., FloatArray]
    ) -> None:
        with pytest.raises(ValueError, match=r"^window must be at least 1, was 0$"):
            function(np.ones(3), window=0)

    def test_window_without_degrees_of_freedom_is_refused(self) -> None:
        with pytest.raises(
            ValueError, match=r"^window must be above ddof \(1\), was 1"
        ):
            rolling_std(np.ones(3), window=1)


class TestRegression:
    def test_smoothing_is_not_the_exponential_average_of_charting_packages(
        self,
    ) -> None:
        """α = 1/n; with 2/(n + 1) the spike would fall to 0.57 of it in 4 bars."""
        values = np.array([np.nan, *[0.0] * 14, 14.0, 0.0, 0.0, 0.0])

        average = wilder_average(values, window=14)

        assert average[15] == 1.0
        assert average[-1] == pytest.approx((13 / 14) ** 3, rel=1e-12)

    def test_a_row_does_not_depend_on_how_many_are_beside_it(self) -> None:
        """NumPy sums a lone column pairwise, several in order: digits differed."""
        bars = random_panel(65, 300)
        ranges = true_range(bars.high, bars.low, bars.close)

        assert_array_equal(
            latest_wilder_average(ranges, window=14)[64:],
            latest_wilder_average(ranges[64:], window=14),
        )
