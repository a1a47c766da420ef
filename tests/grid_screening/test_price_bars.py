import numpy as np
import pytest

from grid_screening.price_bars import PICTURE_BARS, price_bars
from tests.snapshots import random_panel, snapshot_of

MARKET = snapshot_of(random_panel(3, 200))


def test_the_newest_bars_of_the_contract_are_cut_out() -> None:
    cut = price_bars(MARKET, 1, 50)
    np.testing.assert_array_equal(cut.open_time, MARKET.open_time[150:])
    for name in ("high", "low", "close"):
        whole = getattr(MARKET, name)
        np.testing.assert_array_equal(getattr(cut, name), whole[1, 150:])


def test_a_picture_has_120_bars_or_as_many_as_there_are() -> None:
    assert price_bars(MARKET, 0).close.shape == (PICTURE_BARS,)
    assert price_bars(MARKET, 0, 500).close.shape == (200,)
    nothing = snapshot_of(random_panel(1, 0), benchmark_close=None)
    assert price_bars(nothing, 0).close.shape == (0,)


def test_the_market_is_not_kept_alive() -> None:
    cut = price_bars(MARKET, 0)
    for name in ("open_time", "high", "low", "close"):
        assert getattr(cut, name).base is None


def test_no_bars_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="count must be at least 1, was 0"):
        price_bars(MARKET, 0, 0)
