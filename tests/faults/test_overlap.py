"""F06: two runs of one report overlap."""

import signal
from pathlib import Path

import pytest

from tests.faults.rig import JSON_SCAN, Commands, Rig, Running, wait_for

SLOW = {"path": "*", "delay_ms": 300, "times": None}


@pytest.fixture
def report(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    return folder / "报告.json"


def running_scan(rig: Rig, commands: Commands, report: Path) -> Running:
    """Start a slow scan and return when it is in the middle."""
    rig.script(SLOW)
    scan = commands.start(*JSON_SCAN, "--output", str(report))
    rig.wait_for_requests(10)
    return scan


class TestSameReport:
    """F06."""

    def test_the_second_says_who_runs_and_sends_nothing(
        self, rig: Rig, commands: Commands, report: Path
    ) -> None:
        first = running_scan(rig, commands, report)
        spelled = report.parent / ".." / report.parent.name / report.name
        # with another data folder: the lock belongs to the report
        second = commands.run(
            *JSON_SCAN, "--output", str(spelled), folder=report.parent / "other"
        )
        assert second.code == 75
        assert f"already running (pid {first.pid}, since " in second.complaint
        assert second.is_prompt(1.0)
        assert first.is_running
        ended = first.ended()
        assert ended.code == 0, ended.stderr
        assert report.stat().st_size > 0
        # the second was told before it asked the exchange anything
        times = [row for row in rig.log() if row["path"] == "/fapi/v1/exchangeInfo"]
        assert len(times) == 1

    def test_a_killed_run_leaves_no_lock(
        self, rig: Rig, commands: Commands, report: Path
    ) -> None:
        first = running_scan(rig, commands, report)
        first.send(signal.SIGKILL)
        wait_for(lambda: not first.is_running, "the end of the killed scan")
        rig.reset()
        after = commands.run(*JSON_SCAN, "--output", str(report))
        assert after.code == 0, after.stderr
        assert report.stat().st_size > 0

    def test_a_finished_run_leaves_only_its_report(
        self, rig: Rig, commands: Commands, report: Path
    ) -> None:
        assert running_scan(rig, commands, report).ended().code == 0
        assert [path.name for path in report.parent.iterdir()] == [report.name]


def test_scans_with_different_reports_run_together(
    rig: Rig, commands: Commands, report: Path
) -> None:
    """F06."""
    first = running_scan(rig, commands, report)
    other = report.with_name("other.json")
    second = commands.start(*JSON_SCAN, "--output", str(other))
    wait_for(
        lambda: (
            sum(row["path"] == "/fapi/v1/exchangeInfo" for row in rig.log()) == 2
            and first.is_running
        ),
        "both scans at once",
    )
    assert [first.ended().code, second.ended().code] == [0, 0]
    assert report.stat().st_size > 0
    assert other.stat().st_size > 0
    assert {row["status"] for row in rig.log()} == {200}
