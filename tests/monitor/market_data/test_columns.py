"""Selecting, joining and comparing bars."""

import numpy as np
import pytest

from monitor.market_data.columns import (
    COLUMNS,
    are_equal,
    closed_before,
    differing_bars,
    joined,
    opened_within,
    selected,
)
from tests.kline_builders import H4, START, as_dict, bars, with_value


def test_parts_join_to_the_whole() -> None:
    whole = bars(9)
    parts = [selected(whole, slice(0, 4)), selected(whole, np.arange(4, 9))]
    assert as_dict(joined(*parts)) == as_dict(whole)


def test_times_choose_bars() -> None:
    whole = bars(9)
    close = START + 3 * H4 - 1
    assert closed_before(whole, close).bar_count == 2
    assert closed_before(whole, close + 1).bar_count == 3
    chosen = opened_within(whole, START + 1, START + 3 * H4)
    assert chosen.open_time.tolist() == [START + n * H4 for n in (1, 2, 3)]
    assert opened_within(whole, START + 8 * H4, START).bar_count == 0


@pytest.mark.parametrize("column", COLUMNS)
def test_a_difference_in_any_column_is_seen(column: str) -> None:
    changed = with_value(bars(5), column, 3, 77)
    found = differing_bars(bars(5), changed)
    assert found.tolist() == [False, False, False, True, False]
    assert not are_equal(bars(5), changed)


def test_equality_is_of_bits() -> None:
    zero = with_value(bars(2), "volume", 0, 0.0)
    assert not are_equal(zero, with_value(bars(2), "volume", 0, -0.0))
    assert are_equal(zero, zero)
    assert not are_equal(bars(2), bars(3))
