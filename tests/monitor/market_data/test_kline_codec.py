"""Series as bytes."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monitor.domain.market import KlineInterval, Klines
from monitor.market_data.columns import COLUMNS, INTEGER_COLUMNS, are_equal
from monitor.market_data.kline_codec import (
    BAR_BYTES,
    EncodedSeries,
    SeriesKey,
    decoded,
    encoded,
)
from monitor.market_data.series import Beginning, KlineSeries
from tests.kline_builders import bars


def one() -> EncodedSeries:
    series = KlineSeries(klines=bars(30), beginning=Beginning.REPORTED)
    return encoded("http://x", series)


@st.composite
def any_klines(draw: st.DrawFn) -> Klines:
    count = draw(st.integers(1, 9))
    columns: dict[str, Any] = {
        name: draw(arrays("int64" if name in INTEGER_COLUMNS else "float64", count))
        for name in COLUMNS
    }
    return Klines(symbol="龙虾USDT", interval=KlineInterval.H1, **columns)


@given(klines=any_klines(), beginning=st.sampled_from(Beginning))
def test_what_goes_in_comes_out_bit_for_bit(
    klines: Klines, beginning: Beginning
) -> None:
    kept = encoded("http://x", KlineSeries(klines=klines, beginning=beginning))
    found = decoded(kept)
    assert found is not None
    assert are_equal(found.klines, klines)
    assert (found.symbol, found.interval) == (klines.symbol, klines.interval)
    assert found.beginning is beginning
    assert len(kept.columns) == BAR_BYTES * klines.bar_count


@given(place=st.integers(0, 30 * BAR_BYTES - 1), bit=st.integers(0, 7))
def test_one_wrong_bit_is_seen(place: int, bit: int) -> None:
    kept = one()
    wrong = bytearray(kept.columns)
    wrong[place] ^= 1 << bit
    assert decoded(replace(kept, columns=bytes(wrong))) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": SeriesKey("http://x", "BTCUSDT", "4h")},
        {"key": SeriesKey("http://y", bars(1).symbol, "4h")},
        {"first_open": 5},
        {"last_open": None},
        {"bar_count": 29},
        {"beginning": 2},
        {"beginning": 1.0},
        {"columns": b""},
        {"columns": None},
        {"columns": "text"},
        {"checksum": b""},
        {"checksum": None},
    ],
)
def test_whatever_else_is_wrong_is_seen(wrong: dict[str, Any]) -> None:
    assert decoded(one()) is not None
    assert decoded(replace(one(), **wrong)) is None
