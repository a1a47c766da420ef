"""One contract of a snapshot as the settings ask for it."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from grid_screening.conf import ScreenerSettings
from grid_screening.contract_plan import (
    NO_MINUTE_BARS,
    Ranges,
    contract_plan,
    listed_risk,
    profile_place,
    value_area,
)
from grid_screening.grid_plan import InfeasibleGrid, ShortGridPlan, Start
from grid_screening.snapshot import MarketSnapshot
from monitor.domain.market import KlineInterval, Klines
from tests.builders import instrument
from tests.naive_spacing import naive_draw_down
from tests.snapshots import AS_OF_MS, random_panel, snapshot_of
from vp_squeeze.indicators.volume_profile import volume_profile

D = Decimal
SYMBOL = "S0003USDT"
ROW = 3


def market(bars: int = 300, **overrides: Any) -> MarketSnapshot:
    names = [f"S{n:04d}USDT" for n in range(6)]
    contracts = {
        name: instrument(name, tick_size=D("0.01"), step_size=D("0.01"),
                         min_quantity=D("0.01"))
        for name in names
    }  # fmt: skip
    return snapshot_of(
        random_panel(6, bars, seed=4), instruments=contracts, **overrides
    )


SNAPSHOT = market()
PRICE = float(SNAPSHOT.last_price[ROW])
RANGES = Ranges(daily=PRICE * 0.05, hourly=PRICE * 0.01)


def planned(
    snapshot: MarketSnapshot = SNAPSHOT,
    minute_bars: Klines | None = None,
    **overrides: Any,
) -> ShortGridPlan | InfeasibleGrid:
    return contract_plan(
        snapshot,
        SYMBOL,
        RANGES,
        ScreenerSettings(**overrides),
        minute_bars=minute_bars,
    )


def plan(*args: Any, **overrides: Any) -> ShortGridPlan:
    found = planned(*args, **overrides)
    assert isinstance(found, ShortGridPlan), found
    return found


def minutes(closes: list[float] | np.ndarray) -> Klines:
    close = np.round(np.asarray(closes, dtype=np.float64), 2)
    count = close.shape[0]
    opened = np.concatenate([close[:1], close[:-1]])
    open_time = AS_OF_MS - 60_000 * np.arange(count, 0, -1)
    ones = np.ones(count)
    return Klines(
        symbol=SYMBOL,
        interval=KlineInterval.M1,
        open_time=open_time,
        open=opened,
        high=np.maximum(opened, close),
        low=np.minimum(opened, close),
        close=close,
        volume=ones,
        close_time=open_time + 59_999,
        quote_volume=ones,
        trade_count=np.ones(count, dtype=np.int64),
        taker_buy_volume=ones,
        taker_buy_quote_volume=ones,
    )


def swings(size: float, count: int = 1440) -> Klines:
    """Minutes that go up and down by a share of the price."""
    return minutes([PRICE * (1 + size * (n % 2)) for n in range(count)])


class TestBounds:
    def test_daily_ranges_by_default(self) -> None:
        comp = plan()
        assert (comp.bounds, comp.start, comp.deep) == ("atr", "loaded", None)
        assert float(comp.upper_bound) <= PRICE * 1.1
        assert float(comp.lower_bound) == pytest.approx(PRICE * 0.85, abs=0.01)

    def test_quantiles_of_the_contracts_own_week(self) -> None:
        comp = plan(bounds="quantile")
        low, close = SNAPSHOT.low[ROW].tolist(), SNAPSHOT.close[ROW].tolist()
        # 7 days are 42 bars of 4 h; rises are falls of the reciprocal
        fall = naive_draw_down(low, close, 42, 0.9)
        assert comp.bounds == "quantile"
        ref = PRICE * (1 - fall)
        assert ref <= float(comp.lower_bound) < ref + 0.01 + 1e-9
        rises = [
            SNAPSHOT.high[ROW, t + 1 : t + 43].max() / close[t] - 1 for t in range(258)
        ]
        upper = PRICE * (1 + np.quantile(rises, 0.9))
        assert upper - float(comp.grid_step) < float(comp.upper_bound) <= upper

    def test_a_horizon_that_does_not_fit_is_a_reason(self) -> None:
        found = planned(market(42), bounds="quantile")
        assert isinstance(found, InfeasibleGrid)
        assert found.reason.code == "bounds_missing"
        assert planned(market(43), bounds="quantile") != found

    def test_value_area_of_the_scans_bars(self) -> None:
        for row, symbol in enumerate(SNAPSHOT.symbols):
            found = contract_plan(
                SNAPSHOT, symbol, RANGES, ScreenerSettings(bounds="value-area")
            )
            profile = volume_profile(
                SNAPSHOT.high[row], SNAPSHOT.low[row], SNAPSHOT.close[row],
                SNAPSHOT.quote_volume[row], tick_size=0.01,
            )  # fmt: skip
            low, high = float(profile.value_area_low), float(profile.value_area_high)
            price = float(SNAPSHOT.last_price[row])
            if not low < price < high:
                assert isinstance(found, InfeasibleGrid)
                assert found.reason.code == "outside_value_area"
            elif isinstance(found, ShortGridPlan):
                # the bars here are not on tick, the edges are put on it
                assert float(found.lower_bound) == pytest.approx(low, abs=0.005)
                assert float(found.upper_bound) <= high + 0.005
                place = found.profile
                assert place is not None
                assert place.value_area_low == found.lower_bound
                assert place.volume_below_grid is not None
                assert 0 <= place.volume_below_grid <= 0.3

    def test_both_fates_occur(self) -> None:
        fates = {
            type(contract_plan(SNAPSHOT, s, RANGES, ScreenerSettings(bounds=b)))
            for s in SNAPSHOT.symbols
            for b in ("atr", "value-area")
        }
        assert fates == {ShortGridPlan, InfeasibleGrid}

    def test_bars_without_volume_have_no_place(self) -> None:
        still = market(quote_volume=np.zeros((6, 300)))
        comp = plan(still)
        assert comp.profile is not None
        assert comp.profile.point_of_control is None
        assert comp.to_mapping()["volume_below_grid"] is None
        found = planned(still, bounds="value-area")
        assert isinstance(found, InfeasibleGrid)
        assert found.reason.code == "bounds_missing"

    def test_without_a_price_the_plan_says_so(self) -> None:
        nothing = market(last_price=np.zeros(6))
        for source in ("atr", "quantile", "value-area"):
            found = planned(nothing, bounds=source)
            assert isinstance(found, InfeasibleGrid)
            assert found.reason.code == "price_missing"


class TestProfilePlace:
    def test_by_hand(self) -> None:
        # ten bars without range at 90, 91, … 99, volume 1 each, price 95
        at = np.arange(90.0, 100.0)
        profile = volume_profile(at, at, at, np.ones(10), tick_size=1.0)
        comp = plan(bounds="atr")
        place = profile_place(profile, comp)
        low, high = value_area(profile, D(1))
        assert (place.value_area_low, place.value_area_high) == (low, high)
        below = sum(level + 1 <= comp.lower_bound for level in range(90, 100))
        assert place.volume_below_grid == pytest.approx(below / 10, abs=0.1)


class TestStartAndTail:
    def test_flat(self) -> None:
        comp = plan(start="flat")
        assert comp.start == Start.FLAT.name.lower()
        assert (comp.net_exposure, comp.net_exposure_share) == (0, 0.0)

    def test_loaded_exposure(self) -> None:
        comp = plan()
        assert comp.net_exposure == -comp.initial_short_quantity * comp.price
        assert comp.net_exposure_share == pytest.approx(
            float(comp.net_exposure / comp.notional)
        )

    def test_a_long_tail_lowers_the_leverage_beyond_it(self) -> None:
        calm = plan()
        assert calm.leverage_beyond_tail == calm.leverage
        wild = SNAPSHOT.high.copy()
        wild[ROW, ::18] *= 1.45
        comp = plan(market(high=wild))
        assert comp.leverage == calm.leverage
        assert comp.leverage_beyond_tail is not None
        assert comp.leverage_beyond_tail < comp.leverage
        assert "tail_beyond_liquidation" in comp.marks

    def test_no_tail_no_leverage_beyond_it(self) -> None:
        comp = plan(market(15))
        assert comp.leverage_beyond_tail is None
        assert "tail_beyond_liquidation" not in comp.marks


class TestDeep:
    def test_minutes_are_not_looked_at_unless_asked(self) -> None:
        assert plan(minute_bars=swings(0.01)) == plan()

    def test_without_minutes_the_default_stands_and_is_marked(self) -> None:
        comp = plan(deep=True)
        assert NO_MINUTE_BARS in comp.marks
        assert (comp.grid_step, comp.deep) == (plan().grid_step, None)

    def test_swings_choose_half_their_size(self) -> None:
        comp = plan(minute_bars=swings(0.012), deep=True)
        assert comp.deep is not None
        assert comp.deep.grid_step_default == plan().grid_step
        assert float(comp.grid_step) / PRICE == pytest.approx(0.0065, abs=0.001)
        assert comp.deep.deep_bars == 1440
        assert comp.deep.variation_per_day > comp.deep.variation_per_day_default
        # 1439 swings, each about one move there or back
        assert comp.deep.measured_trips_per_day > 300
        assert comp.to_mapping()["grid_step_default"] == comp.deep.grid_step_default

    def test_minutes_that_never_meet_a_level_keep_the_default(self) -> None:
        comp = plan(minute_bars=swings(0.00001), deep=True)
        assert comp.grid_step == plan().grid_step
        assert comp.deep is not None
        assert comp.deep.level_moves_per_day == 0

    def test_the_step_is_legal(self) -> None:
        for size in (0.002, 0.01, 0.03):
            comp = plan(minute_bars=swings(size), deep=True)
            # two round trips of fees, at most 2 hourly ATRs
            assert float(comp.grid_step) >= 4 * 0.0002 * PRICE
            assert float(comp.grid_step) <= 2 * RANGES.hourly
            assert comp.level_count <= 200


class TestSpacing:
    def test_it_is_the_settings_one(self) -> None:
        comp, plain = plan(spacing="geometric"), plan()
        assert (comp.spacing, plain.spacing) == ("geometric", "arithmetic")
        assert plain.grid_ratio is None
        assert comp.grid_ratio is not None
        assert float(comp.grid_ratio) == pytest.approx(1.005, abs=1e-4)

    def test_minutes_choose_its_step_at_the_price(self) -> None:
        comp = plan(minute_bars=swings(0.012), deep=True, spacing="geometric")
        assert comp.deep is not None
        assert comp.deep.grid_step_default == plan(spacing="geometric").grid_step
        assert comp.grid_ratio is not None
        chosen = float(comp.grid_ratio) - 1
        assert chosen == pytest.approx(0.0065, abs=0.001)
        # told for the cell that is really there
        assert float(comp.grid_step) / PRICE == pytest.approx(chosen, rel=0.05)
        assert comp.deep.variation_per_day > comp.deep.variation_per_day_default
        assert comp.level_count <= 200

    def test_dense_minutes_stay_within_the_orders_allowed(self) -> None:
        for size in (0.002, 0.01, 0.03):
            comp = plan(minute_bars=swings(size), deep=True, spacing="geometric")
            assert comp.level_count <= 200
            assert "coarsened" not in comp.marks


class TestListedRisk:
    def test_infeasible_grids_do_not_count(self) -> None:
        plans = {
            s: contract_plan(SNAPSHOT, s, RANGES, ScreenerSettings(bounds="value-area"))
            for s in SNAPSHOT.symbols
        }
        found = listed_risk(SNAPSHOT, plans, ScreenerSettings())
        assert found is not None
        assert found.grids == sum(isinstance(p, ShortGridPlan) for p in plans.values())
        assert found.margin == 1000 * found.grids
        assert found.independent_bets is not None
        assert 1 <= found.independent_bets <= 2 * found.grids

    def test_nothing_planned_nothing_risked(self) -> None:
        assert listed_risk(SNAPSHOT, {}, ScreenerSettings()) is None
