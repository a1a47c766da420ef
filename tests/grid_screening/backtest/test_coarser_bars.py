"""Coarser bars: equal to a loop over the parts, and nothing from half a bar."""

import numpy as np
import pytest

from grid_screening.backtest.coarser_bars import coarser_panel, possible_panel
from monitor.domain.history import HistoryPanel
from monitor.domain.market import HOUR_MS, KlineInterval
from tests.histories import changed_history, hourly_history, without_bars

COLUMNS = ("open", "high", "low", "close", "volume", "quote_volume")


def naive_bars(
    panel: HistoryPanel, row: int, hours: int
) -> dict[int, tuple[float, ...]]:
    """Return the bars of one contract by open time, as a person would sum them up."""
    parts: dict[int, list[int]] = {}
    for at, time in enumerate(panel.open_time):
        parts.setdefault(int(time) // (hours * HOUR_MS), []).append(at)
    found = {}
    for number, places in parts.items():
        if len(places) < hours:
            continue
        rows = [[float(getattr(panel, c)[row, p]) for c in COLUMNS] for p in places]
        if any(np.isnan(bar[3]) for bar in rows):
            found[number * hours * HOUR_MS] = (np.nan,) * len(COLUMNS)
            continue
        found[number * hours * HOUR_MS] = (
            rows[0][0],
            max(bar[1] for bar in rows),
            min(bar[2] for bar in rows),
            rows[-1][3],
            sum(bar[4] for bar in rows),
            sum(bar[5] for bar in rows),
        )
    return found


@pytest.mark.parametrize("interval", [KlineInterval.H4, KlineInterval.D1])
@pytest.mark.parametrize("late", [0, 3])
def test_bars_are_what_their_parts_say(interval: KlineInterval, late: int) -> None:
    panel = hourly_history(3, 5, quote_volume=np.full((3, 120), 2.0))
    time = panel.open_time + late * HOUR_MS
    panel = changed_history(without_bars(panel, 1, slice(30, 31)), open_time=time)
    comp = coarser_panel(panel, interval)
    for row in range(3):
        ref = naive_bars(panel, row, int(interval.hours))
        assert list(comp.open_time) == sorted(ref)
        for at, time_ms in enumerate(comp.open_time):
            bar = [getattr(comp, column)[row, at] for column in COLUMNS]
            np.testing.assert_allclose(bar, ref[int(time_ms)], rtol=1e-12)
    assert np.isnan(comp.taker_buy_volume).all()


def test_a_bar_without_all_its_parts_is_missing() -> None:
    panel = without_bars(hourly_history(2, 2), 0, slice(5, 6))
    comp = coarser_panel(panel, KlineInterval.H4)
    assert np.isnan(comp.close[0]).tolist() == [at == 1 for at in range(12)]
    assert np.isfinite(comp.close[1]).all()


def test_too_little_for_one_bar_gives_none() -> None:
    panel = hourly_history(2, 0.5)
    assert coarser_panel(panel, KlineInterval.D1).bar_count == 0


@pytest.mark.parametrize(
    "interval", [KlineInterval.M15, KlineInterval.MONTH1], ids=lambda i: i.value
)
def test_no_multiple_is_refused(interval: KlineInterval) -> None:
    with pytest.raises(ValueError, match="whole multiple of 1h, was"):
        coarser_panel(hourly_history(1, 2), interval)


@pytest.mark.parametrize(
    ("column", "value"),
    [("low", 0.0), ("high", 1.0), ("low", 1e9), ("volume", np.nan), ("high", np.inf)],
)
def test_impossible_bars_are_missing(column: str, value: float) -> None:
    panel = hourly_history(2, 1)
    values = getattr(panel, column).copy()
    values[1, 7] = value
    comp = possible_panel(changed_history(panel, **{column: values}))
    gone = np.isnan(comp.close)
    assert gone.sum() == 1
    assert gone[1, 7]
    assert possible_panel(panel) is panel
