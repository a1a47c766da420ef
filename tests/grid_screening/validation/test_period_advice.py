"""Which answers a period is too short for."""

import re

import pytest

from grid_screening.validation.period_advice import period_advice
from grid_screening.validation.study_settings import StudySettings
from monitor.domain.market import DAY_MS

MONDAY_MS = 1_735_516_800_000
"""2024-12-30 00:00 UTC, a Monday."""


def advice(days: int, **changes: object) -> tuple[str, ...]:
    values = {"first_month": "2024-12"} | changes
    end = MONDAY_MS + (days - 1) * DAY_MS
    return period_advice(StudySettings(start_ms=MONDAY_MS, end_ms=end, **values))  # type: ignore[arg-type]


def test_a_long_period_needs_no_advice() -> None:
    # 16 whole weeks are 8 blocks of two weeks; the last begins on a Monday
    assert advice(15 * 7 + 1) == ()


def test_one_block_fewer_is_told_with_what_is_needed() -> None:
    first, second = advice(14 * 7)
    assert "16 of 14 d; the period has 14" in first
    assert "8 of 7 d" not in first
    assert "16 for 14 d; the period has 14" in second


@pytest.mark.parametrize(("days", "told"), [(32, True), (33, False)])
def test_errors_of_means_need_three_windows(days: int, *, told: bool) -> None:
    lines = [line for line in advice(days) if "(t)" in line]
    assert bool(lines) is told
    assert all("needs 33 scans, the period has 32" in line for line in lines)


def test_predictions_begin_with_their_first_month() -> None:
    (line,) = advice(120, first_month="2025-05")
    assert re.search(r"from 2025-05 on.*8 for 3 d, 8 for 7 d, 16 for 14 d", line)
    assert line.endswith("the period has 0")
