import numpy as np
import pytest
from arch.unitroot import ADF, VarianceRatio
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal

from grid_screening.calculators.mean_reversion import (
    unit_root,
    variance_ratio,
    z_score,
)
from monitor.domain.typing import FloatArray
from tests import naive
from tests.snapshots import random_panel
from tests.strategies import Panel, price_panels


def reverting_levels(count: int, length: int, *, half_life: float) -> FloatArray:
    """Log prices of an AR(1) around 0 with the half-life stated."""
    keep = 0.5 ** (1 / half_life)
    shocks = np.random.default_rng(2).normal(0, 0.02, (length, count))
    levels = np.empty((length, count))
    levels[0] = shocks[0] / np.sqrt(1 - keep**2)
    for t in range(1, length):
        levels[t] = keep * levels[t - 1] + shocks[t]
    return np.ascontiguousarray(levels.T)


class TestReference:
    @pytest.mark.parametrize("q", [2, 4, 8])
    def test_variance_ratio_equals_arch(self, q: int) -> None:
        levels = np.log(random_panel(20, 300).close)
        comp = variance_ratio(levels, q=q)

        for row in range(20):
            ref = VarianceRatio(
                levels[row], lags=q, debiased=True, overlap=True, robust=True
            )
            assert comp.ratio[row] == pytest.approx(ref.vr, rel=1e-9)
            assert comp.z[row] == pytest.approx(ref.stat, rel=1e-9)

    def test_unit_root_equals_arch(self) -> None:
        levels = np.concatenate(
            [
                np.log(random_panel(10, 300).close),
                reverting_levels(10, 300, half_life=8),
            ]
        )
        comp = unit_root(levels)

        for row in range(20):
            ref = ADF(levels[row], lags=0, trend="c")
            assert comp.t[row] == pytest.approx(ref.stat, rel=1e-9)
            slope = ref.regression.params.iloc[0]
            half_life = np.log(2) / -np.log1p(slope) if ref.stat <= -2.87 else np.nan
            assert_allclose(comp.half_life_bars[row], half_life, rtol=1e-9)
        assert np.isfinite(comp.half_life_bars[10:]).sum() >= 8

    def test_half_life_of_a_reverting_price_is_found(self) -> None:
        comp = unit_root(reverting_levels(400, 300, half_life=10))

        assert np.isfinite(comp.half_life_bars).mean() > 0.8
        assert np.nanmedian(comp.half_life_bars) == pytest.approx(9, abs=1)

    def test_random_walks_reject_a_unit_root_in_one_of_twenty(self) -> None:
        walks = np.log(random_panel(3000, 300).close)

        rejected = np.isfinite(unit_root(walks).half_life_bars).mean()

        assert rejected == pytest.approx(0.05, abs=0.012)

    def test_random_walks_have_ratio_one_and_standard_normal_z(self) -> None:
        walks = np.log(random_panel(3000, 300).close)
        comp = variance_ratio(walks, q=8)

        assert comp.ratio.mean() == pytest.approx(1, abs=0.02)
        assert comp.z.mean() == pytest.approx(0, abs=0.1)
        assert comp.z.std() == pytest.approx(1, abs=0.06)

    def test_z_score_equals_pandas(self) -> None:
        import pandas as pd

        close = random_panel(1, 300).close[0]
        rolling = pd.Series(close).rolling(20)
        ref = (close - rolling.mean()) / rolling.std()

        assert_allclose(z_score(close), ref, rtol=1e-9, atol=1e-10)


class TestProperties:
    @given(bars=price_panels(missing=True))
    def test_all_equal_their_twins(self, bars: Panel) -> None:
        levels = np.log(bars.close)
        ratios = {q: variance_ratio(levels, q=q) for q in (4, 8)}
        roots = unit_root(levels)
        scores = z_score(bars.close)
        for row, values in enumerate(levels.tolist()):
            for q, comp in ratios.items():
                ratio, z = naive.variance_ratio(values, q)
                assert_allclose(comp.ratio[row], ratio, rtol=1e-9, atol=1e-12)
                assert_allclose(comp.z[row], z, rtol=1e-9, atol=1e-9)
            t, half_life = naive.unit_root(values)
            assert_allclose(roots.t[row], t, rtol=1e-7, atol=1e-7)
            assert_allclose(roots.half_life_bars[row], half_life, rtol=1e-7)
            ref = naive.z_score(bars.close[row].tolist())
            assert_allclose(scores[row], ref, rtol=1e-7, atol=1e-7)

    @given(bars=price_panels(missing=True))
    def test_price_unit_does_not_matter(self, bars: Panel) -> None:
        levels = np.log(bars.close)
        # Another unit shifts the logarithm, and its last digits with it.
        one, other = (variance_ratio(x, q=4) for x in (levels, levels + 2.0))
        assert_allclose(one.ratio, other.ratio, rtol=1e-6, atol=1e-9)
        assert_allclose(z_score(bars.close), z_score(8 * bars.close), rtol=0, atol=0)

    @given(bars=price_panels(missing=True))
    def test_one_symbol_is_its_row_of_the_panel(self, bars: Panel) -> None:
        levels = np.log(bars.close)
        ratio, root = variance_ratio(levels, q=4), unit_root(levels)
        scores = z_score(bars.close)
        for row in range(len(levels)):
            alone = variance_ratio(levels[row], q=4)
            assert_array_equal(alone.ratio, ratio.ratio[row])
            assert_array_equal(alone.z, ratio.z[row])
            assert_array_equal(unit_root(levels[row]).t, root.t[row])
            assert_array_equal(z_score(bars.close[row])[-1], scores[row, -1])

    def test_flat_price_has_no_evidence(self) -> None:
        flat = np.log(np.full((2, 300), 0.1))

        for values in (
            variance_ratio(flat, q=8).ratio,
            variance_ratio(flat, q=8).z,
            unit_root(flat).t,
            unit_root(flat).half_life_bars,
        ):
            assert_array_equal(values, [np.nan, np.nan])
        assert np.isnan(z_score(np.full(60, 0.1))).all()

    def test_constant_growth_has_no_evidence(self) -> None:
        line = np.arange(300) * np.log(1.01)

        assert np.isnan(variance_ratio(line, q=8).ratio)
        assert np.isnan(unit_root(line).t)

    def test_perfect_fit_has_no_t(self) -> None:
        """An alternating price reverts wholly each bar: no residual, no t."""
        assert np.isnan(unit_root(np.log(np.tile([1.0, 1.1], 30))).t)

    def test_overshooting_reversion_has_no_half_life(self) -> None:
        shocks = np.random.default_rng(3).normal(0, 0.002, 60)
        comp = unit_root(np.tile([0.0, 0.1], 30) + shocks)

        assert comp.t < -2.87
        assert np.isnan(comp.half_life_bars)

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_too_few_bars_are_nan(self, count: int) -> None:
        short = np.zeros((2, count))

        assert_array_equal(variance_ratio(short, q=4).z, [np.nan, np.nan])
        assert_array_equal(unit_root(short).t, [np.nan, np.nan])
        assert np.isnan(z_score(short)).all()

    def test_ratio_of_one_bar_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"^q must be at least 2, was 1$"):
            variance_ratio(np.zeros(30), q=1)


class TestRegression:
    def test_spurious_half_life_of_a_random_walk_is_withheld(self) -> None:
        """A random walk of 300 bars shows a half-life of some 46 bars: noise."""
        walks = np.log(random_panel(400, 300).close)
        comp = unit_root(walks)

        assert np.isnan(comp.half_life_bars[comp.t > -2.87]).all()
