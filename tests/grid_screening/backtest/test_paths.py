"""On which bar a settlement falls."""

import numpy as np
import pytest

from grid_screening.backtest.paths import PricePaths
from monitor.domain.history import FundingHistory
from monitor.domain.market import HOUR_MS
from tests.histories import START_MS, hourly_history

EIGHT_HOURS_MS = 8 * HOUR_MS


def paths(late_ms: int) -> PricePaths:
    times = START_MS + late_ms + EIGHT_HOURS_MS * np.arange(1, 6, dtype=np.int64)
    events = FundingHistory(time=times, rate=np.arange(1.0, 6.0))
    return PricePaths.of_history(hourly_history(2, 3), {"S01USDT": events})


@pytest.mark.parametrize("late_ms", [-4, 0, 1, 7, 9_000])
def test_a_settlement_stamped_a_little_late_falls_on_its_own_hour(late_ms: int) -> None:
    found = paths(late_ms)
    assert found.funding_bar.tolist() == [8, 16, 24, 32, 40]
    assert found.funding_rate.tolist() == [1, 2, 3, 4, 5]


def test_one_between_two_opens_falls_on_the_next() -> None:
    assert paths(30 * 60_000).funding_bar.tolist() == [9, 17, 25, 33, 41]


def test_stamped_late_at_the_last_open_it_still_counts() -> None:
    panel = hourly_history(2, 3)
    last = np.array([panel.open_time[0] + 5, panel.open_time[-1] + 5])
    events = FundingHistory(time=last, rate=np.array([1.0, 2.0]))
    found = PricePaths.of_history(panel, {panel.symbols[0]: events})
    assert found.funding_bar.tolist() == [0, panel.bar_count - 1]
