from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from grid_screening.screening_report import VolumeBox
from grid_screening.snapshot import MarketSnapshot
from grid_screening.volume_boxes import (
    PICTURE_STEPS,
    contract_volumes,
    picture_volumes,
)
from monitor.domain.market import KlineInterval, Klines
from tests import naive_volume_profile as naive
from tests.builders import instrument
from tests.snapshots import random_panel, snapshot_of
from vp_squeeze.box_analysis import box_reading
from vp_squeeze.indicators.volume_profile import volume_profile

SYMBOL = "S0001USDT"


def market(
    bars: int = 300, *, tick: str = "0.01", traded: float = 1.0
) -> MarketSnapshot:
    made = snapshot_of(random_panel(3, bars, seed=7))
    step = float(Decimal(tick))
    columns = {
        name: np.maximum(np.round(getattr(made, name) / step), 1) * step
        for name in ("open", "high", "low", "close")
    }
    contracts = {s: instrument(s, tick_size=Decimal(tick)) for s in made.symbols}
    return replace(
        made,
        instruments=contracts,
        quote_volume=made.quote_volume * traded,
        **columns,
    )


def klines(made: MarketSnapshot, row: int) -> Klines:
    count = made.bar_count
    return Klines(
        symbol=SYMBOL,
        interval=KlineInterval.H4,
        open_time=made.open_time,
        open=made.open[row],
        high=made.high[row],
        low=made.low[row],
        close=made.close[row],
        volume=made.volume[row],
        close_time=made.open_time + KlineInterval.H4.milliseconds - 1,
        quote_volume=made.quote_volume[row],
        trade_count=np.full(count, 5),
        taker_buy_volume=made.taker_buy_volume[row],
        taker_buy_quote_volume=made.quote_volume[row],
    )


def test_a_scan_tells_what_the_analysis_tells_of_the_same_bars() -> None:
    made = market()
    ref = box_reading(klines(made, 1), Decimal("0.01"))
    comp = contract_volumes(made, SYMBOL).box
    assert comp.point_of_control is not None
    assert float(comp.point_of_control) == pytest.approx(float(ref.profile.poc))
    assert comp.bars_in_squeeze == int(ref.squeeze.bars[-1])
    assert comp.squeeze_momentum == float(ref.squeeze.momentum[-1])
    assert comp.confidence == float(ref.confidence.total)
    for name in ("squeeze", "concentration", "bollinger_width", "value_area_width"):
        part = getattr(comp.confidence_parts, name)
        assert part == float(getattr(ref.confidence, name))


def test_the_value_area_is_the_slow_ones_and_on_tick() -> None:
    made = market()
    bars = [
        column[1].tolist()
        for column in (made.high, made.low, made.close, made.quote_volume)
    ]
    ref = naive.profile(*bars, tick=Fraction(1, 100))
    origin = naive.on_grid(min(bars[1]), Fraction(1, 100))
    first, last = ref.value_area
    box = contract_volumes(made, SYMBOL).box
    low, high, poc = box.value_area_low, box.value_area_high, box.point_of_control
    assert low is not None
    assert high is not None
    assert poc is not None
    assert low == Decimal(float(origin + first * ref.width)).quantize(low)
    assert high == Decimal(float(origin + (last + 1) * ref.width)).quantize(high)
    middle = origin + (ref.poc_bucket + Fraction(1, 2)) * ref.width
    assert Fraction(poc) == middle
    assert low.as_tuple().exponent == high.as_tuple().exponent == -2
    assert poc % Decimal("0.005") == 0


@pytest.mark.parametrize("tick", ["10", "0.5", "0.010"])
def test_prices_have_the_decimals_of_the_tick_or_one_more(tick: str) -> None:
    box = contract_volumes(market(tick=tick), SYMBOL).box
    unit = Decimal(tick).normalize()
    decimals = max(0, -int(unit.as_tuple().exponent))
    assert box.value_area_low is not None
    assert box.point_of_control is not None
    assert box.value_area_low % unit == 0
    assert box.value_area_low.as_tuple().exponent == -decimals
    exponent = int(box.point_of_control.as_tuple().exponent)
    assert exponent in (-decimals, -decimals - 1)
    assert "E" not in str(box.point_of_control)


def numbers(box: VolumeBox) -> list[object]:
    parts = box.confidence_parts
    return [box.point_of_control, box.value_area_low, box.value_area_high,
            box.confidence, parts.concentration, parts.value_area_width]  # fmt: skip


def test_without_turnover_there_is_a_squeeze_and_no_profile() -> None:
    found = contract_volumes(market(traded=0.0), SYMBOL)
    assert set(numbers(found.box)) == {None}
    assert found.box.squeeze in ("off", "on", "active")
    assert found.box.confidence_parts.bollinger_width is not None
    assert found.volumes is None


@pytest.mark.parametrize(("bars", "has_state", "has_momentum"), [
    (19, False, False), (20, True, False), (38, True, False), (39, True, True),
])  # fmt: skip
def test_few_bars_have_a_profile_and_no_squeeze(
    *, bars: int, has_state: bool, has_momentum: bool
) -> None:
    box = contract_volumes(market(bars), SYMBOL).box
    assert box.value_area_low is not None
    assert (box.squeeze is not None) == (box.bars_in_squeeze is not None) == has_state
    assert (box.confidence is not None) == has_state
    assert (box.squeeze_momentum is not None) == has_momentum


def calm(quiet: int) -> MarketSnapshot:
    # a straight way up, then closes that stand still
    made = market(60)
    steps = np.minimum(np.arange(60), 60 - quiet)
    close = np.broadcast_to(100.0 + 3 * steps, made.close.shape).copy()
    return replace(made, open=close.copy(), close=close, high=close + 1, low=close - 1)


def test_the_state_is_a_word_for_the_bars_in_a_row() -> None:
    found = {}
    for quiet in range(40):
        box = contract_volumes(calm(quiet), SYMBOL).box
        assert box.bars_in_squeeze is not None
        found[box.bars_in_squeeze] = box.squeeze
    assert found[0] == "off"
    assert found[1] == found[2] == "on"
    assert {state for bars, state in found.items() if bars >= 3} == {"active"}


def test_a_picture_has_whole_buckets_and_all_the_turnover() -> None:
    made = market()
    profile = volume_profile(
        made.high[1], made.low[1], made.close[1], made.quote_volume[1], tick_size=0.01
    )
    found = picture_volumes(profile)
    assert found is not None
    assert int(profile.bucket_count) > PICTURE_STEPS
    assert PICTURE_STEPS / 2 < found.share.size <= PICTURE_STEPS
    together = round(found.step / float(profile.bucket_width))
    assert found.step == together * float(profile.bucket_width)
    assert found.low == float(profile.origin)
    assert found.share.sum() == pytest.approx(1.0)
    ref = float(profile.volume[together : 2 * together].sum())
    assert found.share[1] == pytest.approx(ref / float(profile.total_volume))
