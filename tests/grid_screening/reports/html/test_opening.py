from typing import Any

import pytest

from grid_screening.reports.html.opening import (
    banner,
    dated_ms,
    fresh_ms,
    opening,
    warnings,
)
from monitor.domain.market import HOUR_MS
from tests.grid_screening.reports.html.reader import Element, read
from tests.grid_screening.reports.samples import AS_OF_MS, report


def shown(**changes: Any) -> Element:
    return read(opening(report(**changes)))


def test_a_report_ages_from_the_time_of_its_data() -> None:
    for source in ("live", "snapshot"):
        assert dated_ms(report(source=source)) == AS_OF_MS


@pytest.mark.parametrize("source", ["demo", "simulated"])
def test_a_simulated_market_ages_from_when_the_report_was_made(source: str) -> None:
    made = report(source=source, generated_at="2026-10-08T12:00:09.5Z")
    assert dated_ms(made) == AS_OF_MS + 24 * HOUR_MS + 9_500
    found = shown(source=source, generated_at="2026-10-08T12:00:09.5Z")
    assert "Made 2026-10-08 12:00:09 UTC" in found.text


def test_a_time_of_making_that_is_no_time_is_an_error() -> None:
    with pytest.raises(ValueError, match="isoformat"):
        opening(report(source="demo", generated_at="today"))


@pytest.mark.parametrize(("interval", "hours"), [("4h", 8), ("15m", 0.5), ("1d", 48)])
def test_a_report_is_fresh_for_two_bars(interval: str, hours: float) -> None:
    made = report(settings={"interval": interval})
    assert fresh_ms(made) == hours * HOUR_MS


def test_without_scripts_the_page_says_from_when_on_it_is_stale() -> None:
    found = shown()
    assert "As of 2026-10-07 12:00:00 UTC" in found.text
    assert "Stale from 2026-10-07 20:00:00 UTC on (2 bars of 4h)." in found.text
    dated = found.one("div", id="dated").attributes
    assert dated["data-dated"] == str(AS_OF_MS)
    assert dated["data-fresh"] == str(8 * HOUR_MS)


@pytest.mark.parametrize("interval", [None, "5x", ["4h"]])
def test_an_unknown_bar_length_gives_no_limit_and_says_so(interval: Any) -> None:
    found = shown(settings={"interval": interval})
    assert "data-fresh" not in found.one("div", id="dated").attributes
    assert "judge its age yourself" in found.text


def test_a_plain_live_scan_has_no_banner_but_room_for_the_notice_of_age() -> None:
    assert banner(report()) is None
    notice = read(warnings(report())).one("p", id="stale").attributes
    assert notice["role"] == "alert"


def test_the_banner_names_every_warning() -> None:
    made = banner(report(source="demo", degraded=True, coverage=0.5))
    assert made is not None
    lines = [e.text for e in read(made).all("p")]
    assert lines[0].startswith("SIMULATED MARKET")
    assert lines[1].startswith("DEGRADED")
