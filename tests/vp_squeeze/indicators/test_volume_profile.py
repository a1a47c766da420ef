from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from monitor.domain.typing import FloatArray
from tests import naive_volume_profile as naive
from tests.recorded import MARKET, needs_recorded_market
from tests.snapshots import random_panel
from tests.strategies import Panel, price_panels
from vp_squeeze.indicators.volume_profile import (
    VolumeProfile,
    volume_nodes,
    volume_profile,
)

FIELDS = tuple(VolumeProfile.__dataclass_fields__)
TICK = 0.01


def of_panel(bars: Panel, tick: float | None = None) -> VolumeProfile:
    return volume_profile(bars.high, bars.low, bars.close, bars.volume, tick_size=tick)


def flat_bars(prices: list[float], volumes: list[float]) -> VolumeProfile:
    """One bar without range per price; the last close is 1000: buckets of 1."""
    price = np.array([*prices, 1000.0])
    volume = np.array([*volumes, 0.0])
    return volume_profile(price, price, price, volume, tick_size=1.0)


def assert_same(comp: VolumeProfile, ref: VolumeProfile) -> None:
    for name in FIELDS:
        assert_array_equal(getattr(comp, name), getattr(ref, name), err_msg=name)


class TestReference:
    def test_bar_is_spread_pro_rata_to_the_overlap(self) -> None:
        # last close 1000 → buckets of 1 from 998.5; the bar covers 2 of them and half
        high, low = np.array([1001.0, 1000.0]), np.array([998.5, 1000.0])
        volume = np.array([50.0, 7.0])

        comp = volume_profile(high, low, np.array([999.0, 1000.0]), volume)

        assert comp.origin == 998.5
        assert_allclose(comp.volume, [20.0, 27.0, 10.0], rtol=1e-14)
        assert comp.poc == 1000.0
        assert comp.total_volume == 57.0

    def test_value_area_grows_to_the_larger_neighbour(self) -> None:
        prices = [996.0, 997.0, 998.0, 999.0, 1000.0]
        comp = flat_bars(prices, [5.0, 30.0, 40.0, 10.0, 15.0])

        assert (comp.poc, comp.value_area_low, comp.value_area_high) == (
            998.5,
            997.0,
            999.0,
        )
        assert comp.value_area_share == 0.7
        assert comp.box.support == 997.0
        assert comp.box.width_percent == 100 * 2 / 998.5

    def test_tie_of_neighbours_goes_up(self) -> None:
        comp = flat_bars([997.0, 998.0, 999.0, 1000.0], [20.0, 50.0, 20.0, 10.0])

        assert (comp.value_area_low, comp.value_area_high) == (998.0, 1000.0)

    def test_lowest_of_equal_buckets_is_the_point_of_control(self) -> None:
        comp = flat_bars([997.0, 999.0], [3.0, 3.0])

        assert comp.poc == 997.5

    def test_nodes_are_runs_of_filled_buckets(self) -> None:
        prices = [990.0, 991.0, 993.0, 994.0, 995.0, 997.0]
        comp = flat_bars([*prices, 1000.0], [50.0, 50.0, 1.0, 20.0, 20.0, 50.0, 20.0])

        high, low = volume_nodes(comp)

        assert [(node.low, node.high) for node in high] == [(990, 992), (997, 998)]
        assert [(node.low, node.high) for node in low] == [
            (993.0, 996.0),
            (999.0, 1000.0),
        ]
        assert high[0].share == 100 / 211
        assert high[0].price == 991.0

    def test_normal_volume_has_its_known_value_area(self) -> None:
        # 70 % of a normal distribution lie within 1.0364 σ
        rng = np.random.default_rng(5)
        price = 1000 + 40 * rng.standard_normal(400_000)
        price[-1] = 1000.0
        comp = volume_profile(price, price, price, np.ones(price.size))

        assert abs(comp.poc - 1000) < 12
        assert_allclose(comp.value_area_low, 1000 - 1.0364 * 40, atol=2.0)
        assert_allclose(comp.value_area_high, 1000 + 1.0364 * 40, atol=2.0)

    def test_even_volume_has_half_in_the_middle(self) -> None:
        comp = volume_profile(
            np.array([1100.0]), np.array([900.0]), np.array([1000.0]), np.array([8.0])
        )

        assert comp.concentration == 0.5
        assert_allclose(comp.volume, np.full(200, 0.04), rtol=1e-12)
        assert comp.poc == 900.5
        # 70 % of 200 equal buckets; only upper neighbours are there
        assert_allclose(comp.value_area_high, 1040.0)
        assert comp.value_area_low == 900.0


class TestProperties:
    @given(
        bars=price_panels(max_symbols=1, max_bars=40),
        cap=st.sampled_from([1, 3, 50, 400]),
    )
    def test_equals_its_twin(self, bars: Panel, cap: int) -> None:
        high, low, close, volume = (
            column[0] for column in (bars.high, bars.low, bars.close, bars.volume)
        )
        tick = tick_of(close)
        comp = volume_profile(
            high, low, close, volume, tick_size=float(tick), max_buckets=cap
        )
        ref = naive.profile(
            high.tolist(),
            low.tolist(),
            close.tolist(),
            volume.tolist(),
            tick=tick,
            max_buckets=cap,
        )

        assert bool(comp.is_widened) == ref.is_widened
        assert comp.bucket_count == len(ref.volume) <= cap
        assert_allclose(comp.bucket_width, float(ref.width), rtol=1e-12)
        total = volume.sum()
        assert_allclose(
            comp.volume, [float(v) for v in ref.volume], rtol=0, atol=1e-12 * total
        )
        assert_array_equal(comp.volume > 0, [v > 0 for v in ref.volume])
        if total == 0:
            assert np.isnan(
                [comp.poc, comp.value_area_low, comp.value_area_share]
            ).all()
            assert volume_nodes(comp) == ((), ())
            return
        width, origin = float(ref.width), float(comp.origin)
        first, last = ref.value_area
        levels = (comp.poc, comp.value_area_low, comp.value_area_high)
        places = (ref.poc_bucket + 0.5, first, last + 1)
        assert_allclose(levels, [origin + p * width for p in places], rtol=1e-12)
        assert_array_equal(comp.is_high_volume, ref.high)
        assert_array_equal(comp.is_low_volume, ref.low)
        assert_allclose(comp.concentration, float(ref.concentration), atol=1e-9)
        runs = [naive.nodes(mask) for mask in (ref.high, ref.low)]
        for nodes, expected in zip(volume_nodes(comp), runs, strict=True):
            assert_allclose(
                [(node.low, node.high) for node in nodes],
                [(origin + a * width, origin + (b + 1) * width) for a, b in expected],
                rtol=1e-12,
            )

    @given(bars=price_panels(missing=True))
    def test_one_symbol_is_its_row_of_the_panel(self, bars: Panel) -> None:
        panel = of_panel(bars)
        for row in range(len(bars.close)):
            columns = (bars.high, bars.low, bars.close, bars.volume)
            alone = volume_profile(*(column[row] for column in columns))
            assert_same(panel.row(row), alone)

    @given(bars=price_panels())
    def test_volume_is_conserved(self, bars: Panel) -> None:
        comp = of_panel(bars)

        assert_allclose(
            np.nansum(comp.volume, axis=-1), bars.volume.sum(axis=-1), rtol=1e-12
        )
        assert (comp.bucket_count <= 2000).all()

    @given(bars=price_panels())
    def test_levels_lie_in_the_range_of_the_bars(self, bars: Panel) -> None:
        comp = of_panel(bars)
        traded = comp.total_volume > 0
        assume(traded.any())
        low, poc, high = (
            level[traded]
            for level in (comp.value_area_low, comp.poc, comp.value_area_high)
        )

        assert (low < poc).all()
        assert (poc < high).all()
        assert (low >= bars.low.min(axis=-1)[traded]).all()
        assert (comp.value_area_share[traded] >= 0.7 - 1e-9).all()
        assert (comp.concentration[traded] >= 0).all()
        assert (comp.concentration[traded] <= 1).all()

    @given(bars=price_panels(max_symbols=1))
    def test_order_of_the_bars_before_the_last_does_not_matter(
        self, bars: Panel
    ) -> None:
        order = np.arange(bars.close.shape[-1])
        order[:-1] = order[:-1][::-1]
        columns = (bars.high, bars.low, bars.close, bars.volume)
        comp = volume_profile(*(column[:, order] for column in columns))
        ref = of_panel(bars)

        for name in ("poc", "value_area_low", "value_area_high"):
            assert_array_equal(getattr(comp, name), getattr(ref, name))

    @given(shares=st.lists(st.integers(0, 6), min_size=1, max_size=40))
    def test_value_area_of_any_buckets_equals_its_twin(self, shares: list[int]) -> None:
        assume(sum(shares) > 0)
        prices = [1000.0 - number for number in range(len(shares))][::-1]
        comp = flat_bars([*prices, 1000.0], [*map(float, shares), 0.0])
        # the highest bucket holds its upper edge: both highest prices are in it
        buckets = [Fraction(v) for v in shares]
        if len(buckets) > 1:
            buckets[-2:] = [buckets[-2] + buckets[-1]]
        poc, (first, last), _, _ = naive.levels(buckets)

        assert comp.poc == prices[0] + poc + 0.5
        assert comp.value_area_low == prices[0] + first
        assert comp.value_area_high == prices[0] + last + 1


class TestEdges:
    @pytest.mark.parametrize("column", range(4))
    def test_missing_bar_makes_only_its_symbol_nan(self, column: int) -> None:
        bars = random_panel(3, 30)
        columns = [bars.high, bars.low, bars.close, bars.volume]
        columns[column] = columns[column].copy()
        columns[column][1, 7] = np.nan

        comp = volume_profile(*columns)

        assert_array_equal(comp.bucket_count > 0, [True, False, True])
        for name in ("poc", "value_area_low", "concentration", "total_volume"):
            assert_array_equal(np.isnan(getattr(comp, name)), [False, True, False])
        assert np.isnan(comp.volume[1]).all()
        assert comp.row(1).volume.size == 0
        assert volume_nodes(comp.row(1)) == ((), ())

    def test_no_bars_are_no_profile(self) -> None:
        nothing: FloatArray = np.empty((2, 0))
        comp = volume_profile(nothing, nothing, nothing, nothing)

        assert_array_equal(comp.bucket_count, [0, 0])
        assert comp.volume.shape == (2, 0)
        assert np.isnan(comp.poc).all()

    def test_no_symbols_are_an_empty_panel(self) -> None:
        nothing: FloatArray = np.empty((0, 5))

        assert volume_profile(nothing, nothing, nothing, nothing).poc.shape == (0,)

    def test_single_price_is_one_bucket(self) -> None:
        flat = np.full(20, 0.1)
        comp = volume_profile(flat, flat, flat, np.ones(20), tick_size=1e-5)

        assert comp.bucket_count == 1
        assert_array_equal(comp.volume, [20.0])
        assert (comp.value_area_low, comp.concentration) == (0.1, 1.0)

    def test_one_bar_is_spread_over_its_range(self) -> None:
        comp = volume_profile(
            np.array([10.0]), np.array([9.99]), np.array([10.0]), np.array([4.0])
        )

        assert_allclose(comp.volume, [4.0])

    def test_without_volume_nothing_stands_out(self) -> None:
        bars = random_panel(1, 30)
        comp = volume_profile(bars.high, bars.low, bars.close, np.zeros((1, 30)))

        assert comp.total_volume == 0
        assert_array_equal(comp.volume, np.zeros((1, comp.bucket_count[0])))
        for name in ("poc", "value_area_high", "value_area_share", "concentration"):
            assert np.isnan(getattr(comp, name)).all()
        assert not comp.is_high_volume.any()

    def test_huge_range_gets_wider_buckets_and_says_so(self) -> None:
        high, low = np.array([1e6, 1.0]), np.array([1e-8, 1.0])
        comp = volume_profile(
            high, low, np.array([1.0, 1.0]), np.array([3.0, 1.0]), tick_size=1e-8
        )

        assert comp.is_widened
        assert comp.bucket_count <= 2000
        assert_allclose(comp.volume.sum(), 4.0, rtol=1e-12)
        assert not of_panel(random_panel(3, 30)).is_widened.any()

    def test_width_is_rounded_up_to_the_tick(self) -> None:
        price = np.array([123.4, 123.4])
        comp = volume_profile(price, price, price, np.ones(2), tick_size=0.1)
        fine = volume_profile(price, price, price, np.ones(2), tick_size=1e-4)

        assert_allclose(comp.bucket_width, 0.2)
        assert_allclose(fine.bucket_width, 0.1234)  # a whole number of ticks stays

    def test_ticks_may_differ_by_symbol(self) -> None:
        bars = random_panel(2, 30)
        ticks = np.array([0.01, 50.0])
        comp = volume_profile(
            bars.high, bars.low, bars.close, bars.volume, tick_size=ticks
        )

        assert comp.bucket_width[1] == 50.0
        assert comp.bucket_width[0] < 1.0

    def test_edges_enclose_the_buckets(self) -> None:
        comp = of_panel(random_panel(2, 30), TICK)
        count = int(comp.bucket_count[0])

        assert comp.edges.shape[-1] == comp.volume.shape[-1] + 1
        assert comp.edges[0, 0] == comp.origin[0]
        assert_allclose(np.diff(comp.edges[0, : count + 1]), comp.bucket_width[0])
        assert np.isnan(comp.edges[0, count + 1 :]).all()

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"bucket_share": 0.0}, "bucket_share must be above 0, was 0.0"),
            ({"max_buckets": 0}, "max_buckets must be at least 1, was 0"),
            ({"value_share": 1.5}, "value_share must be in (0, 1], was 1.5"),
        ],
    )
    def test_parameters_out_of_range_are_named(
        self, options: dict[str, float], message: str
    ) -> None:
        price = np.ones(3)
        with pytest.raises(ValueError, match=r".") as caught:
            volume_profile(price, price, price, price, **options)  # type: ignore[arg-type]
        assert str(caught.value) == message


@needs_recorded_market
def test_recorded_market_has_sane_profiles() -> None:
    import pyarrow.parquet as pq

    frame = pq.read_table(MARKET / "klines_4h.parquet").to_pandas()
    frame = frame.sort_values(["symbol", "open_time"])
    rows = [
        group.tail(300)
        for _, group in frame.groupby("symbol", sort=True)
        if len(group) >= 300
    ]
    high, low, close, volume = (
        np.array([row[name].to_numpy(dtype=np.float64) for row in rows])
        for name in ("high", "low", "close", "quote_volume")
    )
    comp = volume_profile(high, low, close, volume)
    traded = comp.total_volume > 0

    assert traded.sum() > 400
    assert_allclose(np.nansum(comp.volume, axis=-1), volume.sum(axis=-1), rtol=1e-12)
    inside = (comp.value_area_low < comp.poc) & (comp.poc < comp.value_area_high)
    assert inside[traded].all()
    assert (comp.value_area_share[traded] < 0.95).all()
    # more volume in the middle of the range than an even spread would have, mostly
    assert np.mean(comp.concentration[traded] > 0.25) > 0.5
    # the twin on a few of them
    for row in np.flatnonzero(traded)[::150]:
        ref = naive.profile(
            high[row].tolist(),
            low[row].tolist(),
            close[row].tolist(),
            volume[row].tolist(),
            tick=Fraction(1, 10**9),
        )
        alone = volume_profile(
            high[row], low[row], close[row], volume[row], tick_size=1e-9
        )
        first, last = ref.value_area
        width = float(ref.width)
        assert_allclose(
            [alone.poc, alone.value_area_low, alone.value_area_high],
            [
                alone.origin + place * width
                for place in (ref.poc_bucket + 0.5, first, last + 1)
            ],
            rtol=1e-9,
        )


def tick_of(close: FloatArray) -> Fraction:
    """Return a tick that all prices of a row of `price_panels` are multiples of."""
    # theirs is 1e-5 of the start price, which a spike may have moved by e³
    scale = int(np.floor(np.log10(close[0]))) - 2
    return Fraction(10) ** scale / 100_000
