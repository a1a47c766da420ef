from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_allclose, assert_array_equal

from grid_screening.calculators.microstructure import permutations
from grid_screening.factors import (
    FACTOR_NAMES,
    FACTORS,
    PARALLEL_BARS,
    FactorSpec,
    FactorTable,
    bars_needed,
    factor_table,
)
from grid_screening.snapshot import MarketSnapshot
from monitor.domain.market import KlineInterval
from tests import naive
from tests.snapshots import random_panel, snapshot_of
from tests.strategies import Panel, price_panels


def assert_same(one: FactorTable, other: FactorTable) -> None:
    assert one.symbols == other.symbols
    for name in FACTOR_NAMES:
        assert_array_equal(one[name], other[name], err_msg=name)


def naive_row(snapshot: MarketSnapshot, row: int) -> dict[str, float]:
    """All factors of one symbol at 4 h, from the definitions."""
    high, low, close, volume, taker = (
        getattr(snapshot, name)[row].tolist()
        for name in ("high", "low", "close", "volume", "taker_buy_volume")
    )
    levels = naive.log_prices(close)
    returns = naive.differences(levels)
    market = naive.differences(naive.log_prices(snapshot.benchmark_close.tolist()))
    cvd = naive.cumulative_volume_delta(taker, volume)
    rate = float(snapshot.funding_rate[row])
    interval_h = float(snapshot.funding_interval_h[row])
    slope, r_squared = naive.linear_fit(close)
    t, half_life = naive.unit_root(levels)
    strength, p_value = naive.cvd_divergence(close, cvd, permutations().tolist())
    rate_8h, rate_daily, apr = naive.funding(rate, interval_h)
    average = naive.average_true_range(high, low, close)[-1]
    return {
        "natr": naive.natr(high, low, close)[-1],
        "efficiency_ratio": naive.efficiency_ratio(close)[-1],
        "normalized_slope": slope,
        "r_squared": r_squared,
        "hurst_exponent": naive.hurst_exponent(returns),
        "variance_ratio": naive.variance_ratio(levels, 8)[0],
        "variance_ratio_z": naive.variance_ratio(levels, 8)[1],
        "variance_ratio_4": naive.variance_ratio(levels, 4)[0],
        "variance_ratio_4_z": naive.variance_ratio(levels, 4)[1],
        "half_life_bars": half_life,
        "unit_root_t": t,
        "z_score": naive.z_score(close)[-1],
        "open_interest_ratio": naive.open_interest_ratio(
            snapshot.open_interest[row],
            snapshot.mark_price[row],
            snapshot.quote_volume_24h[row],
        ),
        "funding_rate": rate,
        "funding_interval_h": interval_h,
        "funding_rate_8h": rate_8h,
        "funding_rate_daily": rate_daily,
        "funding_apr": apr,
        "cumulative_volume_delta": cvd[-1],
        "bearish_cvd_divergence": naive.bearish_cvd_divergence(close, cvd),
        "cvd_divergence_strength": strength,
        "cvd_divergence_p_value": p_value,
        "cvd_change_ratio": naive.cvd_change_ratio(cvd, volume),
        "cvd_roc_classic": naive.cvd_roc_classic(cvd),
        "distance_to_30d_high": naive.distance_to_high(high, close, 180),
        "tail_run_up": naive.tail_run_up(high, close),
        "beta_btc": naive.beta(returns, market),
        "atr_hourly_estimated": average / 2,
        "atr_daily_estimated": average * 6**0.5,
        "return_7d": naive.latest_return(close, 42),
        "volume_surge": naive.volume_surge(volume, 6, 180),
    }


class TestReference:
    def test_every_factor_equals_its_definition(self) -> None:
        snapshot = snapshot_of(random_panel(12, 300))
        table = factor_table(snapshot)

        for row in range(12):
            ref = naive_row(snapshot, row)
            assert ref.keys() == set(FACTOR_NAMES)
            for name, value in ref.items():
                assert_allclose(
                    table[name][row], value, rtol=1e-8, atol=1e-11, err_msg=name
                )

    def test_names_are_the_published_ones_in_order(self) -> None:
        table = factor_table(snapshot_of(random_panel(2, 20)))

        assert tuple(table.values) == FACTOR_NAMES == tuple(s.name for s in FACTORS)
        assert len(set(FACTOR_NAMES)) == 31

    @pytest.mark.parametrize(
        ("interval", "bars"),
        [
            (KlineInterval.H4, 180),
            (KlineInterval.H1, 720),
            (KlineInterval.D1, 101),
            (KlineInterval.W1, 101),
        ],
    )
    def test_history_needed_is_the_longest_window(
        self, interval: KlineInterval, bars: int
    ) -> None:
        assert bars_needed(interval) == bars

    def test_30_day_high_of_weeks_takes_five_bars(self) -> None:
        high = next(s for s in FACTORS if s.name == "distance_to_30d_high")

        assert high.bars(KlineInterval.W1) == 5
        assert high.bars(KlineInterval.D1) == 30

    @pytest.mark.parametrize(
        ("interval", "bars"),
        [(KlineInterval.H4, 43), (KlineInterval.D1, 8), (KlineInterval.W1, 2)],
    )
    def test_7_day_return_goes_from_close_to_close(
        self, interval: KlineInterval, bars: int
    ) -> None:
        spec = next(s for s in FACTORS if s.name == "return_7d")

        assert spec.bars(interval) == bars

    @pytest.mark.parametrize("spec", FACTORS, ids=lambda spec: spec.name)
    def test_row_names_fields_of_the_snapshot_and_says_what_it_is(
        self, spec: FactorSpec
    ) -> None:
        known = {field.name for field in fields(MarketSnapshot)}

        assert set(spec.inputs) <= known
        assert spec.unit
        assert spec.description


class TestProperties:
    @pytest.mark.parametrize("spec", FACTORS, ids=lambda spec: spec.name)
    def test_window_is_the_fewest_bars_that_give_a_value(
        self, spec: FactorSpec
    ) -> None:
        interval = KlineInterval.H4
        bars = spec.bars(interval)

        enough = factor_table(snapshot_of(random_panel(200, bars)), names=[spec.name])
        assert np.isfinite(enough[spec.name]).any()
        if bars > 0:
            few = snapshot_of(random_panel(200, bars - 1))
            assert np.isnan(factor_table(few, names=[spec.name])[spec.name]).all()

    @pytest.mark.parametrize("row_block", [1, 7, 64, 500])
    def test_block_size_does_not_change_a_digit(self, row_block: int) -> None:
        snapshot = snapshot_of(random_panel(150, 300))

        assert_same(factor_table(snapshot, row_block=row_block), factor_table(snapshot))

    def test_workers_do_not_change_a_digit(self) -> None:
        snapshot = snapshot_of(random_panel(680, 1499))
        assert snapshot.close.size > PARALLEL_BARS

        assert_same(factor_table(snapshot, workers=3), factor_table(snapshot))

    def test_one_symbol_alone_equals_its_row(self) -> None:
        panel = random_panel(5, 300)
        snapshot = snapshot_of(panel)
        table = factor_table(snapshot)
        quotes = (
            "last_price",
            "quote_volume_24h",
            "mark_price",
            "open_interest",
            "funding_rate",
            "funding_interval_h",
        )
        for row in range(5):
            alone = snapshot_of(
                Panel(
                    high=panel.high[row : row + 1],
                    low=panel.low[row : row + 1],
                    close=panel.close[row : row + 1],
                    volume=panel.volume[row : row + 1],
                    taker_buy_volume=panel.taker_buy_volume[row : row + 1],
                    seed=1,
                ),
                benchmark_close=panel.close[0].copy(),
                **{name: getattr(snapshot, name)[row : row + 1] for name in quotes},
            )
            for name in FACTOR_NAMES:
                assert_array_equal(factor_table(alone)[name][0], table[name][row])

    def test_chosen_names_equal_the_whole_table(self) -> None:
        snapshot = snapshot_of(random_panel(20, 300))
        table = factor_table(snapshot)

        some = factor_table(snapshot, names=["z_score", "natr"])

        assert tuple(some.values) == ("natr", "z_score")
        for name in some.values:
            assert_array_equal(some[name], table[name])

    @settings(max_examples=60, deadline=None)
    @given(bars=price_panels(max_bars=330))
    def test_no_value_is_infinite_and_nothing_warns(self, bars: Panel) -> None:
        table = factor_table(snapshot_of(bars))

        for name in FACTOR_NAMES:
            assert not np.isinf(table[name]).any(), name

    @pytest.mark.parametrize(("symbols", "bars"), [(0, 300), (3, 0), (3, 1)])
    def test_empty_and_tiny_panels_have_quotes_only(
        self, symbols: int, bars: int
    ) -> None:
        table = factor_table(snapshot_of(random_panel(symbols, bars)))

        assert table["natr"].shape == (symbols,)
        assert np.isnan(table["natr"]).all()
        assert np.isfinite(table["funding_apr"]).all()

    def test_missing_and_infinite_quotes_are_missing_factors(self) -> None:
        quotes = np.array([np.nan, np.inf, -np.inf])
        snapshot = snapshot_of(
            random_panel(3, 30),
            mark_price=quotes.copy(),
            open_interest=quotes.copy(),
            funding_rate=quotes.copy(),
            funding_interval_h=quotes.copy(),
        )
        table = factor_table(snapshot)

        for name in FACTOR_NAMES:
            if name.startswith(("funding", "open_interest")):
                assert np.isnan(table[name]).all(), name
        assert np.isfinite(table["natr"]).all()

    def test_taker_flow_not_recorded_is_missing_and_changes_nothing_else(self) -> None:
        panel = random_panel(3, 300)
        taker = panel.taker_buy_volume.copy()
        taker[1] = np.nan
        whole = factor_table(snapshot_of(panel))
        table = factor_table(snapshot_of(panel, taker_buy_volume=taker))

        for name in FACTOR_NAMES:
            flow = "cvd" in name or name == "cumulative_volume_delta"
            ref = whole[name].copy()
            if flow:
                ref[1] = np.nan
            assert_array_equal(table[name], ref, err_msg=name)

    def test_missing_benchmark_is_missing_beta(self) -> None:
        table = factor_table(snapshot_of(random_panel(3, 300), benchmark_close=None))

        assert np.isnan(table["beta_btc"]).all()

    def test_no_turnover_has_no_open_interest_ratio(self) -> None:
        snapshot = snapshot_of(random_panel(2, 30), quote_volume_24h=np.zeros(2))

        assert np.isnan(factor_table(snapshot)["open_interest_ratio"]).all()

    def test_row_has_none_for_missing(self) -> None:
        snapshot = snapshot_of(random_panel(3, 30))
        row = factor_table(snapshot).row("S0001USDT")

        assert tuple(row) == FACTOR_NAMES
        assert row["hurst_exponent"] is None
        assert row["natr"] == factor_table(snapshot)["natr"][1]
        assert type(row["natr"]) is float

    def test_values_are_read_only(self) -> None:
        table = factor_table(snapshot_of(random_panel(3, 30)))

        with pytest.raises(ValueError, match="read-only"):
            table["natr"][0] = 1.0

    def test_unknown_symbol_is_refused(self) -> None:
        with pytest.raises(ValueError, match="not in tuple"):
            factor_table(snapshot_of(random_panel(1, 20))).row("NONEUSDT")

    def test_impossible_arguments_are_refused(self) -> None:
        snapshot = snapshot_of(random_panel(1, 20))

        with pytest.raises(ValueError, match=r"^workers must be at least 1, was 0$"):
            factor_table(snapshot, workers=0)
        with pytest.raises(ValueError, match=r"^row_block must be at least 1, was -1$"):
            factor_table(snapshot, row_block=-1)
        with pytest.raises(ValueError, match=r"^names must be factors, has \['rsi'\]$"):
            factor_table(snapshot, names=["natr", "rsi"])


class TestRegression:
    def test_hourly_range_shrinks_with_the_root_of_time(self) -> None:
        panel = random_panel(3, 300)
        table = factor_table(snapshot_of(panel))
        average = table["natr"] * panel.close[:, -1] / 100

        assert_allclose(table["atr_hourly_estimated"], average / 2, rtol=1e-12)
        assert_allclose(table["atr_daily_estimated"], average * np.sqrt(6), rtol=1e-12)

    def test_missing_open_interest_is_not_zero(self) -> None:
        """0 read "not crowded" of a symbol about which nothing was known."""
        snapshot = snapshot_of(random_panel(2, 30), open_interest=np.full(2, np.nan))

        assert factor_table(snapshot).row("S0000USDT")["open_interest_ratio"] is None
