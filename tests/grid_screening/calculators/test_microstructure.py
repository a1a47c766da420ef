import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import spearmanr

from grid_screening.calculators.microstructure import (
    bearish_cvd_divergence,
    cumulative_volume_delta,
    cvd_change_ratio,
    cvd_divergence,
    cvd_roc_classic,
    funding_apr,
    funding_rate_8h,
    funding_rate_daily,
    open_interest_ratio,
    permutations,
)
from tests import naive
from tests.snapshots import random_panel
from tests.strategies import Panel, price_panels

quotes = st.lists(
    st.one_of(
        st.sampled_from((float("nan"), 0.0)),
        st.floats(1e-9, 1e9),
        st.floats(-1e9, -1e-9),
    ),
    min_size=3,
    max_size=3,
)


class TestReference:
    def test_divergence_strength_equals_scipy_with_and_without_ties(self) -> None:
        rng = np.random.default_rng(1)
        close = rng.normal(size=(40, 20))
        close[20:] = np.round(close[20:])
        cvd = np.round(rng.normal(size=(40, 20)), 1)
        ref = [spearmanr(x, y).statistic for x, y in zip(close, cvd, strict=True)]

        assert_allclose(cvd_divergence(close, cvd).strength, ref, rtol=1e-9, atol=1e-12)

    def test_p_value_is_near_the_exact_one(self) -> None:
        rng = np.random.default_rng(2)
        close, cvd = rng.normal(size=(2, 60, 20))
        comp = cvd_divergence(close, cvd).p_value
        ref = [spearmanr(x, y).pvalue for x, y in zip(close, cvd, strict=True)]

        # 999 permutations: standard error at most 0.016.
        assert_allclose(comp, ref, atol=0.06)

    def test_p_values_of_unrelated_bars_are_uniform(self) -> None:
        close, cvd = np.random.default_rng(3).normal(size=(2, 4000, 20))
        p_value = cvd_divergence(close, cvd).p_value

        for share in (0.05, 0.2, 0.5, 0.8):
            assert np.mean(p_value <= share) == pytest.approx(share, abs=0.03)

    def test_perfect_divergence_has_the_smallest_p_value(self) -> None:
        rising = np.arange(20.0)
        comp = cvd_divergence(rising, -rising)

        assert comp.strength == -1
        assert comp.p_value == pytest.approx(0.001)

    def test_permutations_are_the_documented_ones(self) -> None:
        """Digits of published p-values hang on them: no NumPy release moves them."""
        orders = permutations()

        assert_array_equal(np.sort(orders, axis=-1), np.tile(np.arange(20), (999, 1)))
        assert len(np.unique(orders, axis=0)) == 999
        assert not orders.flags.writeable
        assert orders[0].tolist() == FIRST_ORDER

    def test_funding_of_an_hourly_contract(self) -> None:
        rate, interval = np.array([0.0001]), np.array([1.0])

        assert funding_rate_8h(rate, interval) == pytest.approx(0.0008)
        assert funding_rate_daily(rate, interval) == pytest.approx(0.0024)
        assert funding_apr(rate, interval) == pytest.approx(0.876)

    def test_only_buyers_read_one(self) -> None:
        volume = np.full(6, 3.0)

        assert cvd_change_ratio(cumulative_volume_delta(volume, volume), volume) == 1


FIRST_ORDER = [11, 6, 8, 4, 9, 14, 16, 19, 12, 15, 13, 0, 18, 7, 1, 3, 2, 10, 5, 17]


class TestProperties:
    @settings(max_examples=40, deadline=None)
    @given(bars=price_panels(max_bars=60, max_symbols=3, missing=True))
    def test_flow_factors_equal_their_twins(self, bars: Panel) -> None:
        cvd = cumulative_volume_delta(bars.taker_buy_volume, bars.volume)
        bearish = bearish_cvd_divergence(bars.close, cvd)
        divergence = cvd_divergence(bars.close, cvd)
        ratio, classic = cvd_change_ratio(cvd, bars.volume), cvd_roc_classic(cvd)
        orders = permutations().tolist()
        for row in range(len(cvd)):
            close, volume, taker = (
                a[row].tolist()
                for a in (bars.close, bars.volume, bars.taker_buy_volume)
            )
            ref = naive.cumulative_volume_delta(taker, volume)
            assert_array_equal(cvd[row], ref)
            assert_array_equal(bearish[row], naive.bearish_cvd_divergence(close, ref))
            strength, p_value = naive.cvd_divergence(close, ref, orders)
            assert_allclose(divergence.strength[row], strength, rtol=1e-9, atol=1e-12)
            assert_array_equal(divergence.p_value[row], p_value)
            assert_allclose(
                ratio[row], naive.cvd_change_ratio(ref, volume), rtol=1e-9, atol=1e-12
            )
            assert_allclose(classic[row], naive.cvd_roc_classic(ref), rtol=1e-9)

    @given(contracts=quotes, mark=quotes, turnover=quotes)
    def test_open_interest_ratio_equals_its_twin(
        self, contracts: list[float], mark: list[float], turnover: list[float]
    ) -> None:
        comp = open_interest_ratio(*(np.array(v) for v in (contracts, mark, turnover)))
        ref = [
            naive.open_interest_ratio(*row)
            for row in zip(contracts, mark, turnover, strict=True)
        ]

        assert_allclose(comp, ref, rtol=1e-9)

    @given(rate=quotes, interval=quotes)
    def test_funding_equals_its_twin(
        self, rate: list[float], interval: list[float]
    ) -> None:
        arrays = np.array(rate), np.array(interval)
        ref = np.array(
            [naive.funding(*row) for row in zip(rate, interval, strict=True)]
        )

        assert_allclose(funding_rate_8h(*arrays), ref[:, 0], rtol=1e-9)
        assert_allclose(funding_rate_daily(*arrays), ref[:, 1], rtol=1e-9)
        assert_allclose(funding_apr(*arrays), ref[:, 2], rtol=1e-9)

    @settings(max_examples=40, deadline=None)
    @given(bars=price_panels(min_bars=20, max_bars=40, missing=True))
    def test_one_symbol_is_its_row_of_the_panel(self, bars: Panel) -> None:
        cvd = cumulative_volume_delta(bars.taker_buy_volume, bars.volume)
        panel = cvd_divergence(bars.close, cvd)
        for row in range(len(cvd)):
            alone = cvd_divergence(bars.close[row], cvd[row])
            assert_array_equal(alone.strength, panel.strength[row])
            assert_array_equal(alone.p_value, panel.p_value[row])
            assert_array_equal(
                cvd_change_ratio(cvd[row], bars.volume[row]),
                cvd_change_ratio(cvd, bars.volume)[row],
            )

    def test_units_do_not_matter(self) -> None:
        bars = random_panel(20, 60)
        cvd = cumulative_volume_delta(bars.taker_buy_volume, bars.volume)
        one, other = (cvd_divergence(bars.close * k, cvd * k) for k in (1, 8))

        assert_array_equal(one.strength, other.strength)
        assert_array_equal(one.p_value, other.p_value)
        assert_array_equal(
            cvd_change_ratio(cvd, bars.volume),
            cvd_change_ratio(8 * cvd, 8 * bars.volume),
        )

    def test_divergence_needs_a_high_of_price_alone(self) -> None:
        rising, falling = np.arange(20.0), -np.arange(20.0)

        assert bearish_cvd_divergence(rising, falling) == 1
        assert bearish_cvd_divergence(rising, rising) == 0
        assert bearish_cvd_divergence(falling, falling) == 0

    def test_equal_earlier_high_counts_as_high(self) -> None:
        close = np.array([1.0, 3.0, 2.0, 3.0])
        cvd = np.array([0.0, 5.0, 1.0, 2.0])

        assert bearish_cvd_divergence(close, cvd, window=4) == 1

    def test_no_volume_has_no_change_and_no_correlation(self) -> None:
        nothing, close = np.zeros((1, 30)), np.arange(30.0)[None]

        assert_array_equal(cvd_change_ratio(nothing, nothing), [np.nan])
        assert_array_equal(cvd_roc_classic(nothing), [np.nan])
        assert_array_equal(cvd_divergence(close, nothing).strength, [np.nan])
        assert_array_equal(cvd_divergence(close, nothing).p_value, [np.nan])
        assert_array_equal(bearish_cvd_divergence(close, nothing), [0.0])

    @pytest.mark.parametrize("count", [0, 1, 5])
    def test_too_few_bars_are_nan(self, count: int) -> None:
        short = np.ones((2, count))

        assert_array_equal(bearish_cvd_divergence(short, short), [np.nan, np.nan])
        assert_array_equal(cvd_divergence(short, short).p_value, [np.nan, np.nan])
        assert_array_equal(cvd_change_ratio(short, short), [np.nan, np.nan])
        assert_array_equal(cvd_roc_classic(short), [np.nan, np.nan])


class TestRegression:
    def test_open_interest_is_compared_in_the_unit_of_the_turnover(self) -> None:
        """Base units ÷ quote turnover became 1/price: a cheap coin looked crowded."""
        cheap = open_interest_ratio(np.array([1e9]), np.array([1e-3]), np.array([2e6]))
        dear = open_interest_ratio(np.array([1e1]), np.array([1e5]), np.array([2e6]))

        assert cheap == dear == 0.5

    def test_lately_little_volume_keeps_the_ratio_within_one(self) -> None:
        """The CVD's rounding after 1e15 exceeded the 0.1 traded since."""
        volume = np.array([1e15, *[0.02] * 5])

        ratio = cvd_change_ratio(cumulative_volume_delta(volume, volume), volume)

        assert -1 <= ratio <= 1
