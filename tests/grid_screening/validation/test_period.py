"""Which origins a history allows, and which month is predicted first."""

import pytest

from grid_screening.cli.backtest_readers import moment
from grid_screening.validation.period import Period, allowed_period, first_month
from grid_screening.validation.protocol import (
    DECLARED_END_MS,
    DECLARED_START_MS,
    protocol_text,
)
from grid_screening.validation.study_settings import StudySettings
from monitor.domain.market import DAY_MS

BARS_MS, HORIZON_MS = 50 * DAY_MS, 7 * DAY_MS


def period(first: str, last: str) -> Period | None:
    return allowed_period(
        moment(first), moment(last), bars_ms=BARS_MS, horizon_ms=HORIZON_MS
    )


def test_the_declared_history_gives_the_declared_period() -> None:
    found = period("2024-10-23T04:00", "2025-07-01")
    assert found == Period(
        start_ms=moment("2024-12-16"),
        end_ms=moment("2025-06-23"),
        first_month="2025-02",
    )
    assert found.start_ms == DECLARED_START_MS
    assert found.end_ms == DECLARED_END_MS


def test_a_shorter_history_cuts_it() -> None:
    found = period("2024-12-01T05:00", "2025-04-01")
    assert found == Period(
        start_ms=moment("2025-01-21"),
        end_ms=moment("2025-03-25"),
        first_month="2025-03",
    )


def test_another_history_is_studied_whole() -> None:
    found = period("2023-01-01", "2023-12-31")
    assert found == Period(
        start_ms=moment("2023-02-20"),
        end_ms=moment("2023-12-24"),
        first_month="2023-04",
    )


def test_one_too_short_for_a_scan_and_a_grid_allows_none() -> None:
    assert period("2025-01-01", "2025-02-26") is None
    found = period("2025-01-01", "2025-02-27")
    assert found is not None
    assert found.start_ms == found.end_ms


@pytest.mark.parametrize(
    ("start", "month"),
    [
        ("2024-12-16", "2025-02"),
        ("2025-01-04", "2025-02"),  # 28 days of training
        ("2025-01-05", "2025-03"),
        ("2023-02-20", "2023-04"),
    ],
)
def test_the_first_month_has_its_training_sample(start: str, month: str) -> None:
    assert first_month(moment(start)) == month


def test_settings_as_declared_leave_what_was_decided_later() -> None:
    settings = StudySettings(start_ms=DECLARED_START_MS, end_ms=DECLARED_END_MS)
    assert len(settings.origins) == 190
    said = protocol_text(settings, ended_count=2)["deviations"]
    assert "guarded is the shipped profile" in said
    assert "blocks of the bootstrap are as long as the outcome" in said
    assert ", not " not in said


def test_what_is_not_as_declared_is_said() -> None:
    settings = StudySettings(
        start_ms=DECLARED_START_MS, end_ms=DECLARED_END_MS, lag=5, horizons_days=(3, 7)
    )
    said = protocol_text(settings, ended_count=0)["deviations"]
    assert "lag of the errors 5, not 10" in said
    assert "days, (3, 7), not (3, 7, 14)" in said
    assert "no contract ends inside the history" in said
