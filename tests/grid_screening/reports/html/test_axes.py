from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid_screening.reports.html.axes import Scale, price_ticks, spread, time_ticks
from monitor.domain.market import DAY_MS, HOUR_MS
from tests.grid_screening.reports.samples import AS_OF_MS


@given(st.integers(-8, 6), st.floats(1, 9.99), st.floats(0.001, 3))
def test_price_ticks_are_few_round_and_inside(
    power: int, digits: float, span: float
) -> None:
    low = digits * 10.0**power
    high = low * (1 + span)
    ticks = price_ticks(low, high)
    assert 2 <= len(ticks) <= 7
    assert all(low <= tick.at <= high for tick in ticks)
    steps = [b.at - a.at for a, b in pairwise(ticks)]
    assert max(steps) == pytest.approx(min(steps), rel=1e-6)
    for tick in ticks:
        assert "e" not in tick.label.lower()
        assert float(tick.label) == tick.at


def test_price_ticks_have_the_decimals_of_their_step() -> None:
    labels = [tick.label for tick in price_ticks(0.1, 0.151)]
    assert labels == ["0.10", "0.11", "0.12", "0.13", "0.14", "0.15"]
    assert [t.label for t in price_ticks(90_000, 120_000)] == [
        "90000", "95000", "100000", "105000", "110000", "115000", "120000",
    ]  # fmt: skip


def test_days_are_dates() -> None:
    ticks = time_ticks(AS_OF_MS - 20 * DAY_MS, AS_OF_MS)
    assert [t.label for t in ticks] == ["09-19", "09-24", "09-29", "10-04"]
    assert all(t.at % DAY_MS == 0 for t in ticks)


def test_hours_are_times_and_midnight_is_a_date() -> None:
    ticks = time_ticks(AS_OF_MS - 18 * HOUR_MS, AS_OF_MS)
    assert [t.label for t in ticks] == [
        "18:00", "21:00", "10-07", "03:00", "06:00", "09:00", "12:00",
    ]  # fmt: skip


def test_years_are_months() -> None:
    ticks = time_ticks(AS_OF_MS - 2500 * DAY_MS, AS_OF_MS)
    assert all(len(t.label) == len("2026-10") for t in ticks)
    assert len(ticks) <= 7


def test_ticks_of_a_single_moment_and_of_ages_exist_without_crowding() -> None:
    assert len(time_ticks(AS_OF_MS, AS_OF_MS)) <= 1
    assert len(time_ticks(0, 10_000 * DAY_MS)) <= 12


def test_a_scale_maps_its_ends_to_its_ends() -> None:
    scale = Scale(first=1, last=3, start=300, end=100)
    assert [scale.place(v) for v in (1, 2, 3)] == [300, 200, 100]


@given(st.lists(st.floats(0, 300), max_size=8))
def test_labels_moved_apart_keep_order_distance_and_frame(places: list[float]) -> None:
    moved = spread(sorted(places), 14, 0, 300)
    assert len(moved) == len(places)
    assert all(b - a >= 14 - 1e-9 for a, b in pairwise(moved))
    assert all(-1e-9 <= place <= 300 for place in moved)


def test_labels_far_apart_do_not_move() -> None:
    assert spread([10, 100, 200], 14, 0, 300) == [10, 100, 200]
