import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import linregress

from grid_screening.calculators.squeeze_risk import (
    beta,
    distance_to_high,
    latest_return,
    tail_draw_down,
    tail_run_up,
    volume_surge,
)
from tests import naive
from tests.naive_spacing import naive_draw_down
from tests.snapshots import random_panel
from tests.strategies import Panel, price_panels


class TestReference:
    def test_tail_run_up_equals_numpy_quantile(self) -> None:
        bars = random_panel(20, 300)
        rises = np.array(
            [
                bars.high[:, t + 1 : t + 19].max(axis=-1) / bars.close[:, t] - 1
                for t in range(300 - 18)
            ]
        )

        assert_allclose(
            tail_run_up(bars.high, bars.close),
            np.quantile(rises, 0.9, axis=0),
            rtol=1e-12,
        )

    def test_beta_equals_scipy(self) -> None:
        returns = np.diff(np.log(random_panel(20, 300).close))
        ref = [linregress(returns[0], row).slope for row in returns]

        assert_allclose(beta(returns, returns[0]), ref, rtol=1e-9)

    def test_benchmark_has_beta_one(self) -> None:
        returns = np.diff(np.log(random_panel(1, 300).close))

        assert beta(returns, returns[0])[0] == pytest.approx(1, rel=1e-12)
        assert beta(-2 * returns, returns[0])[0] == pytest.approx(-2, rel=1e-12)


class TestProperties:
    @given(bars=price_panels(missing=True), window=st.integers(1, 25))
    def test_all_equal_their_twins(self, bars: Panel, window: int) -> None:
        distance = distance_to_high(bars.high, bars.close, window=window)
        run_up = tail_run_up(bars.high, bars.close, horizon=window, quantile=0.8)
        draw_down = tail_draw_down(bars.low, bars.close, horizon=window, quantile=0.8)
        returns = np.diff(np.log(bars.close))
        slopes = beta(returns, returns[0])
        for row in range(len(bars.close)):
            high, close = bars.high[row].tolist(), bars.close[row].tolist()
            assert_allclose(
                distance[row],
                naive.distance_to_high(high, close, window),
                rtol=1e-9,
                atol=1e-12,
            )
            assert_allclose(
                run_up[row],
                naive.tail_run_up(high, close, window, 0.8),
                rtol=1e-9,
                atol=1e-12,
            )
            low = bars.low[row].tolist()
            assert_allclose(
                draw_down[row],
                naive_draw_down(low, close, window, 0.8),
                rtol=1e-9,
                atol=1e-12,
            )
            ref = naive.beta(returns[row].tolist(), returns[0].tolist())
            assert_allclose(slopes[row], ref, rtol=1e-7, atol=1e-9)

    @given(
        bars=price_panels(missing=True),
        recent=st.integers(1, 8),
        more=st.integers(0, 9),
    )
    def test_return_and_surge_equal_their_twins(
        self, bars: Panel, recent: int, more: int
    ) -> None:
        change = latest_return(np.log(bars.close), steps=recent)
        surge = volume_surge(bars.volume, recent=recent, usual=recent + more)
        for row in range(len(bars.close)):
            close, volume = bars.close[row].tolist(), bars.volume[row].tolist()
            ref = naive.latest_return(close, recent)
            assert_allclose(change[row], ref, rtol=1e-9, atol=1e-11)
            ref = naive.volume_surge(volume, recent, recent + more)
            assert_allclose(surge[row], ref, rtol=1e-9)

    def test_even_volume_has_no_surge_and_none_has_no_ratio(self) -> None:
        even, none = np.full(30, 7.0), np.zeros(30)

        assert volume_surge(even, recent=6, usual=30) == pytest.approx(1.0)
        assert np.isnan(volume_surge(none, recent=6, usual=30))

    def test_all_volume_of_the_window_in_the_newest_bars_is_the_largest_surge(
        self,
    ) -> None:
        late = np.r_[np.zeros(24), np.ones(6)]

        assert volume_surge(late, recent=6, usual=30) == pytest.approx(5.0)

    @given(bars=price_panels(missing=True))
    def test_price_unit_does_not_matter(self, bars: Panel) -> None:
        one = tail_run_up(bars.high, bars.close)

        assert_array_equal(one, tail_run_up(8 * bars.high, 8 * bars.close))

    @given(bars=price_panels(min_bars=19, missing=True))
    def test_one_symbol_is_its_row_of_the_panel(self, bars: Panel) -> None:
        returns = np.diff(np.log(bars.close))
        market = np.random.default_rng(1).normal(size=returns.shape[-1])
        run_up, slopes = tail_run_up(bars.high, bars.close), beta(returns, market)
        for row in range(len(returns)):
            alone = tail_run_up(bars.high[row], bars.close[row])
            assert_array_equal(alone, run_up[row])
            assert_array_equal(beta(returns[row], market), slopes[row])

    def test_inputs_are_left_as_they_were(self) -> None:
        bars = random_panel(3, 60)
        high, close = bars.high.copy(), bars.close.copy()

        tail_run_up(high, close, horizon=1)

        assert_array_equal(high, bars.high)
        assert_array_equal(close, bars.close)

    def test_close_at_the_high_has_no_distance(self) -> None:
        rising = np.arange(1.0, 20.0)

        assert distance_to_high(rising, rising, window=10) == 0

    def test_missing_or_motionless_benchmark_is_nan(self) -> None:
        returns = np.random.default_rng(2).normal(size=(2, 30))

        assert_array_equal(beta(returns, np.full(30, np.nan)), [np.nan, np.nan])
        assert_array_equal(beta(returns, np.zeros(30)), [np.nan, np.nan])

    @pytest.mark.parametrize("count", [0, 1])
    def test_too_few_bars_are_nan(self, count: int) -> None:
        short = np.ones((2, count))

        assert_array_equal(distance_to_high(short, short, window=2), [np.nan, np.nan])
        assert_array_equal(tail_run_up(short, short), [np.nan, np.nan])
        assert_array_equal(beta(short, short[0]), [np.nan, np.nan])


class TestRegression:
    def test_window_longer_than_the_bars_is_not_cut_short(self) -> None:
        """A 30-day high of 10 days would be called one: it is missing."""
        bars = random_panel(1, 179)

        assert np.isnan(distance_to_high(bars.high, bars.close, window=180))
