"""Weeks begin on Monday; blocks of them are as long as what overlaps."""

from datetime import UTC, datetime

import numpy as np
import pytest

from grid_screening.calendar_weeks import calendar_weeks, week_blocks, weeks_spanned
from monitor.domain.market import DAY_MS

MONDAY_MS = 1_735_516_800_000
"""2024-12-30 00:00 UTC."""


def test_a_week_begins_on_monday_utc() -> None:
    days = ["1970-01-01", "1970-01-04", "1970-01-05", "2025-03-02", "2025-03-03"]
    times = [
        int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1000
        for day in days
    ]
    weeks = calendar_weeks(np.array(times))
    assert weeks[:3].tolist() == [0, 0, 1]
    assert weeks[4] - weeks[3] == 1
    assert calendar_weeks(np.array([-1])).tolist() == [0]


@pytest.mark.parametrize(
    ("days", "weeks"), [(0, 1), (3, 1), (7, 1), (7.01, 2), (14, 2), (15, 3)]
)
def test_a_block_is_as_long_as_what_begins_in_it(days: float, weeks: int) -> None:
    span = round(days * DAY_MS)
    assert weeks_spanned(span) == weeks
    # begun on a Wednesday: the first block still ends on a Sunday
    times = MONDAY_MS + DAY_MS * np.arange(2, 63)
    blocks = week_blocks(times, span)
    assert blocks.tolist() == [day // (7 * weeks) for day in range(2, 63)]


def test_nothing_has_no_block() -> None:
    assert week_blocks(np.empty(0, np.int64), DAY_MS).size == 0
