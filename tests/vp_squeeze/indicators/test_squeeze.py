import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal

from tests import naive_volume_profile as naive
from tests.strategies import Panel, price_panels
from vp_squeeze.indicators.squeeze import squeeze, squeeze_momentum


class TestReference:
    def test_squeeze_turns_on_counts_and_ends(self) -> None:
        # closes hardly move inside wide bars: deviations fall below the ranges
        rng = np.random.default_rng(3)
        quiet = 100 + 0.01 * rng.standard_normal(40)
        loud = 100 + np.cumsum(np.full(20, 5.0))
        close = np.concatenate([quiet, loud])
        comp = squeeze(close + 1, close - 1, close)

        assert_array_equal(comp.bars[:19], np.full(19, np.nan))
        assert_array_equal(comp.bars[19:40], np.arange(1, 22))
        assert comp.bars[-1] == 0
        assert_array_equal(comp.is_on[18:20], [False, True])
        assert_array_equal(comp.is_active[19:23], [False, False, True, True])
        assert not comp.is_active[-1]

    def test_straight_line_has_no_momentum(self) -> None:
        line = np.arange(100.0, 160.0)

        assert_allclose(squeeze_momentum(line, line, line)[38:], 0.0, atol=1e-9)

    def test_turn_upward_has_positive_momentum(self) -> None:
        close = np.concatenate([np.full(40, 100.0), 100 + np.arange(1.0, 11.0)])

        assert squeeze_momentum(close, close, close)[39] == 0.0
        assert squeeze_momentum(close, close, close)[-1] > 0
        falling = 200 - close
        assert squeeze_momentum(falling, falling, falling)[-1] < 0


class TestProperties:
    @given(bars=price_panels(max_bars=70, missing=True))
    def test_equals_its_twin(self, bars: Panel) -> None:
        comp = squeeze(bars.high, bars.low, bars.close)
        for row in range(len(bars.close)):
            columns = [a[row].tolist() for a in (bars.high, bars.low, bars.close)]
            ref = np.array(naive.squeeze_bars(*columns))
            edge = clearance(columns)
            # where a band all but touches the other, rounding decides
            clear = np.minimum.accumulate(edge > 1e-7) if edge.size else edge > 0
            assert_array_equal(np.isnan(comp.bars[row]), np.isnan(ref))
            assert_array_equal(comp.bars[row][clear], ref[clear])
            assert_allclose(
                comp.momentum[row],
                naive.squeeze_momentum(*columns),
                rtol=1e-6,
                atol=1e-6 * spread(columns),
            )

    @given(bars=price_panels(missing=True))
    def test_one_symbol_is_its_row_of_the_panel(self, bars: Panel) -> None:
        panel = squeeze(bars.high, bars.low, bars.close)
        for row in range(len(bars.close)):
            alone = squeeze(bars.high[row], bars.low[row], bars.close[row])
            assert_array_equal(alone.bars, panel.bars[row])
            assert_array_equal(alone.momentum, panel.momentum[row])

    @given(bars=price_panels())
    def test_price_unit_does_not_matter(self, bars: Panel) -> None:
        columns = (bars.high, bars.low, bars.close)
        comp, ref = squeeze(*(8 * column for column in columns)), squeeze(*columns)

        assert_array_equal(comp.bars, ref.bars)
        assert_array_equal(comp.momentum, ref.momentum)

    def test_price_that_does_not_move_is_no_squeeze(self) -> None:
        flat = np.full(60, 0.1)
        comp = squeeze(flat, flat, flat)

        assert comp.bars[-1] == 0
        assert comp.momentum[-1] == 0

    @pytest.mark.parametrize("count", [0, 1, 19])
    def test_too_few_bars_are_nan(self, count: int) -> None:
        bars = np.ones((2, count))
        comp = squeeze(bars, bars, bars)

        assert np.isnan(comp.bars).all()
        assert np.isnan(comp.momentum).all()
        assert not comp.is_active.any()

    def test_window_below_two_is_refused(self) -> None:
        with pytest.raises(ValueError, match="window must be at least 2, was 1"):
            squeeze_momentum(np.ones(3), np.ones(3), np.ones(3), window=1)


def clearance(columns: list[list[float]]) -> np.ndarray:
    """Distance of the nearest bands at every bar, as a share of the close."""
    out = []
    for t in range(len(columns[2])):
        b, k = naive.bollinger(columns[2], t), naive.keltner(*columns, t)
        gaps = [abs(x - y) for x, y in zip(b, k, strict=True)]
        out.append(min(gaps) / columns[2][t] if np.isfinite(gaps).all() else np.inf)
    return np.array(out)


def spread(columns: list[list[float]]) -> float:
    """Return how far the prices reach beyond the smallest, in basis points."""
    high, low, _ = columns
    if not low:
        return 1.0
    return 10_000 * float(np.nanmax([*high, 1e-9]) / max(np.nanmin([*low, 1e9]), 1e-12))
