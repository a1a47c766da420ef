from decimal import Decimal

import numpy as np
from numpy.testing import assert_array_equal

from monitor.domain.market import KlineInterval
from tests.vp_squeeze.samples import TICK, TIMEFRAMES, contract, klines
from vp_squeeze.box_analysis import box_reading, contract_analysis
from vp_squeeze.indicators.resonance import LevelKind
from vp_squeeze.indicators.squeeze import squeeze
from vp_squeeze.indicators.volume_profile import volume_profile

M15, H1, H4 = TIMEFRAMES


def test_profile_is_of_turnover_on_the_tick() -> None:
    bars = klines()
    reading = box_reading(bars, TICK)
    ref = volume_profile(
        bars.high, bars.low, bars.close, bars.quote_volume, tick_size=0.01
    )

    assert_array_equal(reading.profile.volume, ref.volume)
    assert_array_equal(
        reading.squeeze.bars, squeeze(bars.high, bars.low, bars.close).bars
    )


def test_confidence_is_of_the_last_bar() -> None:
    reading = box_reading(klines(), TICK)
    last = np.asarray(reading.squeeze.bollinger.width_percent)[-1]

    assert reading.confidence.bollinger_width == np.interp(
        last, [2, 5, 10, 20], [1, 0.6, 0.3, 0]
    )
    assert 0 <= reading.confidence.total <= 1


def test_price_is_the_newest_close_of_all_timeframes() -> None:
    late = klines(interval=M15, seed=9)
    early = klines(count=99)
    early.close_time[:] -= 1000
    found = contract_analysis(early, TICK, {M15: late})

    assert found.price == late.close[-1]
    assert found.distance(found.price * 1.25) == 0.25


def test_missing_timeframe_keeps_its_reason() -> None:
    found = contract_analysis(klines(), TICK, {M15: "not recorded", H1: klines()})

    assert found.missing == {M15: "not recorded"}
    assert tuple(found.timeframes) == (H1,)
    assert found.zones == ()


def test_interval_among_the_compared_is_read_once() -> None:
    found = contract()

    assert found.timeframes[H4] is found.reading
    assert tuple(found.timeframes) == TIMEFRAMES
    assert all(
        {level.timeframe for level in zone.levels} <= {"15m", "1h", "4h"}
        for zone in found.zones
    )
    assert found.zones


def test_levels_are_those_of_the_interval_asked_for() -> None:
    found = contract()

    assert {level.timeframe for level in found.levels} == {"4h"}
    assert [level.kind for level in found.levels].count(LevelKind.POC) == 1


def test_contract_without_volume_has_no_levels() -> None:
    found = contract_analysis(klines(traded=0.0), Decimal("0.01"), {})

    assert found.levels == ()
    assert np.isnan(found.reading.confidence.total)
    assert found.reading.interval is KlineInterval.H4
