"""What a scan in the past would have seen: nothing later, the same rules."""

from collections import Counter

import numpy as np
import pytest

from grid_screening.backtest.point_in_time import HistoricalMarket
from grid_screening.conf import ScreenerSettings
from grid_screening.grid_plan import ShortGridPlan
from grid_screening.profile import load_profile
from grid_screening.ranking import ranking
from monitor.domain.history import FundingHistory, HistoryPanel
from monitor.domain.market import HOUR_MS, KlineInterval
from tests.histories import (
    START_MS,
    changed_history,
    day_ms,
    funding_every_8h,
    hourly_history,
    without_bars,
)

SETTINGS = ScreenerSettings(min_volume=1e6)


def market(panel: HistoryPanel | None = None) -> HistoricalMarket:
    panel = hourly_history() if panel is None else panel
    return HistoricalMarket(panel, {"S01USDT": funding_every_8h(60)})


def reasons(of: HistoricalMarket, at_ms: int) -> dict[str, str]:
    return {e.symbol: e.reason.code for e in of.at(at_ms, SETTINGS).excluded}


def test_contracts_that_end_inside_the_history_are_counted() -> None:
    panel = hourly_history()
    assert market(panel).ended_count == 0
    # a gap, an end within the last day, an end before it, nothing at all
    panel = without_bars(panel, 1, slice(40, 90))
    panel = without_bars(panel, 2, slice(-24, None))
    assert market(panel).ended_count == 0
    panel = without_bars(panel, 3, slice(-25, None))
    panel = without_bars(panel, 4, slice(None))
    assert market(panel).ended_count == 1


class TestSnapshot:
    def test_bars_are_those_closed_before(self) -> None:
        snapshot = market().snapshot(day_ms(55), SETTINGS)
        assert snapshot.bar_count == 300
        assert snapshot.last_bar_close_ms == day_ms(55) - 1
        assert len(snapshot.symbols) == 8

    def test_between_two_bars_the_older_one_is_the_last(self) -> None:
        snapshot = market().snapshot(day_ms(55) + 3 * HOUR_MS, SETTINGS)
        assert snapshot.last_bar_close_ms == day_ms(55) - 1

    def test_last_price_is_the_last_hourly_close_on_tick(self) -> None:
        panel = hourly_history()
        close = panel.close[:, 55 * 24 + 2]
        comp = market(panel).snapshot(day_ms(55) + 3 * HOUR_MS, SETTINGS).last_price
        np.testing.assert_allclose(comp, close, rtol=1e-4)
        assert all(len(repr(p).replace(".", "").strip("0")) <= 5 for p in comp.tolist())

    def test_turnover_is_volume_times_close_where_it_was_not_recorded(self) -> None:
        panel = hourly_history()
        day = slice(54 * 24, 55 * 24)
        ref = (panel.volume[:, day] * panel.close[:, day]).sum(axis=-1)
        comp = market(panel).snapshot(day_ms(55), SETTINGS).quote_volume_24h
        np.testing.assert_allclose(comp, ref)

    def test_recorded_turnover_is_used(self) -> None:
        shape = hourly_history().close.shape
        panel = hourly_history(quote_volume=np.full(shape, 3e6))
        comp = market(panel).snapshot(day_ms(55), SETTINGS).quote_volume_24h
        np.testing.assert_allclose(comp, 72e6)

    def test_what_was_not_recorded_is_missing(self) -> None:
        snapshot = market().snapshot(day_ms(55), SETTINGS)
        for name in ("mark_price", "open_interest", "taker_buy_volume"):
            assert np.isnan(getattr(snapshot, name)).all()

    def test_benchmark_is_bitcoin(self) -> None:
        snapshot = market().snapshot(day_ms(55), SETTINGS)
        np.testing.assert_array_equal(snapshot.benchmark_close, snapshot.close[0])

    def test_outside_the_history_is_refused(self) -> None:
        for time in (START_MS, day_ms(61)):
            with pytest.raises(ValueError, match="must lie inside the history"):
                market().at(time, SETTINGS)

    def test_bars_longer_than_an_hour_are_refused(self) -> None:
        panel = market().panel(KlineInterval.H4)
        with pytest.raises(ValueError, match="interval must be 1h or less, was 4h"):
            HistoricalMarket(panel, {})


class TestFunding:
    def test_it_is_the_last_settled_rate(self) -> None:
        snapshot = market().snapshot(day_ms(55), SETTINGS)
        row = snapshot.symbols.index("S01USDT")
        assert snapshot.funding_rate[row] == 0.0001
        assert snapshot.funding_interval_h[row] == 8
        assert np.isnan(np.delete(snapshot.funding_rate, row)).all()

    @pytest.mark.parametrize(
        ("times", "rate"),
        [
            ([day_ms(55)], np.nan),  # settles now: not known yet
            ([day_ms(54.5)], 0.001),
            ([day_ms(53.9)], np.nan),  # too old
        ],
    )
    def test_it_is_known_for_a_day(self, times: list[int], rate: float) -> None:
        event = FundingHistory(
            time=np.array(times, np.int64), rate=np.full(len(times), 0.001)
        )
        snapshot = HistoricalMarket(hourly_history(), {"BTCUSDT": event}).snapshot(
            day_ms(55), SETTINGS
        )
        np.testing.assert_equal(float(snapshot.funding_rate[0]), rate)
        assert np.isnan(rate) or snapshot.funding_interval_h[0] == 8


class TestUniverse:
    def test_every_contract_is_in_the_snapshot_or_excluded_once(self) -> None:
        panel = without_bars(hourly_history(), 2, slice(1000, 1100))
        found = market(panel).at(day_ms(55), SETTINGS)
        names = [*found.snapshot.symbols, *(e.symbol for e in found.excluded)]
        assert sorted(names) == sorted(panel.symbols)

    @pytest.mark.parametrize(
        ("missing", "code"),
        [
            (slice(0, 24 * 40), "age"),  # listed for 15 days
            (slice(0, 24 * 10), "too_few_bars"),  # for 45 days: not 300 bars
            (slice(1000, 1001), "gap"),
            (slice(24 * 55 - 1, None), "not_trading"),  # delisted
        ],
    )
    def test_reasons(self, missing: slice, code: str) -> None:
        panel = without_bars(hourly_history(), 3, missing)
        assert reasons(market(panel), day_ms(55)) == {"S03USDT": code}

    def test_turnover_decides(self) -> None:
        panel = hourly_history()
        volume = panel.volume.copy()
        volume[4] /= 1000
        panel = changed_history(panel, volume=volume)
        assert reasons(market(panel), day_ms(55)) == {"S04USDT": "turnover"}

    def test_contracts_of_the_beginning_count_as_older(self) -> None:
        settings = ScreenerSettings(min_volume=1e6, bars=60)
        assert len(market().snapshot(day_ms(20), settings).symbols) == 8

    def test_a_later_delisting_is_not_known(self) -> None:
        whole = market().snapshot(day_ms(55), SETTINGS)
        panel = without_bars(hourly_history(), 3, slice(24 * 55, None))
        assert market(panel).snapshot(day_ms(55), SETTINGS).symbols == whole.symbols


class TestAverageTrueRange:
    def test_it_is_over_the_last_99_bars(self) -> None:
        panel = hourly_history(2, 10)
        _, hourly = market(panel).average_true_ranges(day_ms(8))
        high, low, close = panel.high, panel.low, panel.close
        for row in range(2):
            window = range(8 * 24 - 99, 8 * 24)
            true = [
                max(
                    high[row, t] - low[row, t],
                    abs(high[row, t] - close[row, t - 1]),
                    abs(low[row, t] - close[row, t - 1]),
                )
                for t in window[1:]
            ]
            average = sum(true[:14]) / 14
            for each in true[14:]:
                average = (13 * average + each) / 14
            assert hourly[row] == pytest.approx(average, rel=1e-12)

    def test_daily_needs_15_days_since_the_last_gap(self) -> None:
        panel = without_bars(hourly_history(2, 40), 1, slice(24 * 30, 24 * 30 + 1))
        daily, hourly = market(panel).average_true_ranges(day_ms(39))
        assert np.isfinite(daily).tolist() == [True, False]
        assert np.isfinite(hourly).all()


class TestNothingLater:
    @pytest.mark.parametrize("days", [51, 53.25, 57])
    def test_later_bars_change_nothing_that_is_chosen(self, days: float) -> None:
        panel, at_ms = hourly_history(), day_ms(days)
        first = round(days * 24)
        rng = np.random.default_rng(1)
        scale = np.ones(panel.close.shape)
        scale[:, first:] = 3 * rng.random(panel.close[:, first:].shape)
        columns = {
            name: getattr(panel, name) * scale
            for name in ("open", "high", "low", "close", "volume")
        }
        other = changed_history(panel, **columns)
        late = FundingHistory(time=np.array([at_ms], np.int64), rate=np.full(1, 0.01))
        before = market(panel)
        after = HistoricalMarket(
            other, {"S01USDT": funding_every_8h(days), "S02USDT": late}
        )
        seen = [of.snapshot(at_ms, SETTINGS) for of in (before, after)]
        found = [ranking(s, SETTINGS, load_profile("classic")) for s in seen]
        for name, column in found[0].factors.values.items():
            np.testing.assert_array_equal(column, found[1].factors[name])
        np.testing.assert_array_equal(found[0].scores.gss, found[1].scores.gss)
        assert before.plans(seen[0], SETTINGS) == after.plans(seen[1], SETTINGS)

    def test_earlier_bars_change_it(self) -> None:
        panel = hourly_history()
        other = changed_history(panel, close=np.minimum(panel.close, panel.low * 1.001))
        seen = [market(each).snapshot(day_ms(55), SETTINGS) for each in (panel, other)]
        assert not np.array_equal(seen[0].close, seen[1].close)


class TestPlans:
    def test_they_are_the_products_own(self) -> None:
        of = market()
        snapshot = of.snapshot(day_ms(55), SETTINGS)
        plans = of.plans(snapshot, SETTINGS)
        kinds = Counter(type(plan) for plan in plans.values())
        assert kinds == {ShortGridPlan: 8}
        daily, _ = of.average_true_ranges(day_ms(55))
        for row, symbol in enumerate(snapshot.symbols):
            plan = plans[symbol]
            assert isinstance(plan, ShortGridPlan)
            upper = snapshot.last_price[row] + 2 * daily[row]
            assert float(plan.upper_bound) <= upper < float(plan.upper_bound) * 1.02
            assert float(plan.price) == snapshot.last_price[row]

    def test_a_contract_too_young_for_an_atr_has_no_plan(self) -> None:
        panel = without_bars(hourly_history(2, 60), 1, slice(0, 24 * 40))
        settings = ScreenerSettings(min_volume=1e6, bars=60, min_days=1.0)
        of = market(panel)
        at = of.snapshot(day_ms(50.5), settings)
        plan = of.plans(at, settings)["S01USDT"]
        assert not isinstance(plan, ShortGridPlan)
        assert plan.reason.code == "atr_missing"
