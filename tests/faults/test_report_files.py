"""F16: the old report or the new one, whatever happens to the process or the disk."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import MappingProxyType

import pytest

from tests.faults.rig import JSON_SCAN, Commands, Rig, Running, wait_for
from tests.recorded import ROOT

KILLS = 200
WHOLE_RUNS = 8
CONFINED = ("-m", "tests.faults.confined_command")
UNLIMITED = "-"
YESTERDAY = "yesterday"


@pytest.fixture
def report(tmp_path: Path) -> Iterator[Path]:
    """A report of yesterday in a folder of its own."""
    folder = tmp_path / "reports"
    folder.mkdir()
    path = folder / "report.json"
    path.write_text(YESTERDAY)
    yield path
    folder.chmod(0o755)


def writing(report: Path, *flags: str) -> tuple[str, ...]:
    return (*JSON_SCAN, "--top", "0", "--output", str(report), *flags)


class TestKilled:
    """F16."""

    def test_200_of_200_reports_are_whole_after_kill_9_while_writing(
        self, report: Path, fault_seed: int
    ) -> None:
        driver = "tests.faults.write_driver"
        done = subprocess.run(
            [sys.executable, "-m", driver, str(report), str(KILLS), str(fault_seed)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        found = json.loads(done.stdout)
        assert found["torn"] == 0
        assert found["a"] + found["b"] == KILLS
        assert min(found["a"], found["b"]) > 0
        assert found["unfinished"] > 0  # they died in the middle of it

    def test_whole_runs_killed_at_random_leave_a_whole_report(
        self, rig: Rig, commands: Commands, report: Path, rng: Random
    ) -> None:
        # few contracts: what killed scans have reserved stays reserved for its minute
        run = writing(report, "--symbols", ",".join(rng.sample(rig.symbols, 15)))
        first = commands.run(*run)
        assert first.code == 0, first.stderr
        killed = 0
        for _ in range(WHOLE_RUNS):
            running = commands.start(*run)
            life_s = rng.uniform(0.0, first.took_s)
            end_if_running(running, life_s)
            killed += running.exit_code < 0
            document = json.loads(report.read_text(encoding="utf-8"))
            assert document["ranked"]
            assert document["coverage"] == 1.0
        assert killed > 0
        # nothing that was left behind stands in the way of the next run
        last = commands.run(*run)
        assert last.code == 0, last.stderr
        assert {row["status"] for row in rig.log()} == {200}


def end_if_running(running: Running, life_s: float) -> None:
    """Kill the command when it has lived so long, if it still does then."""
    wait_for(
        lambda: running.age_s >= life_s or not running.is_running,
        "the time to die",
        within_s=60.0,
    )
    running.kill()


class TestNoRoom:
    """F16."""

    # without a data folder's files, which may not grow either
    ALONE = MappingProxyType({"RATE_LEDGER_URL": "memory://"})

    def test_a_report_that_does_not_fit_is_74_and_the_old_one_stays(
        self, rig: Rig, commands: Commands, report: Path
    ) -> None:
        room = 100_000
        run = writing(report, "--no-cache")
        ended = commands.run(str(room), *run, program=CONFINED, **self.ALONE)
        assert ended.code == 74, ended.stderr
        assert f"cannot write {report}: File too large" in ended.complaint
        assert report.read_text() == YESTERDAY
        assert [path.name for path in report.parent.iterdir()] == [report.name]
        # that was the only obstacle
        rig.reset()
        again = commands.run(*run)
        assert again.code == 0, again.stderr
        assert report.stat().st_size > room

    def test_a_full_device_is_74(self, rig: Rig, commands: Commands) -> None:
        ended = commands.run(*writing(Path("/dev/full")))
        assert ended.code == 74
        assert "/dev/full: No space left on device" in ended.complaint
        assert rig.log()

    def test_bars_that_cannot_be_kept_are_fetched_all_the_same(
        self, rig: Rig, commands: Commands, report: Path
    ) -> None:
        room = 60_000  # too little for the bars, enough for the report
        few = (*JSON_SCAN, "--top", "3", "--output", str(report), "--format", "csv")
        ended = commands.run(str(room), *few, program=CONFINED, **self.ALONE)
        assert ended.code == 0, ended.stderr
        assert report.read_text(encoding="utf-8").startswith("rank,")
        assert {row["status"] for row in rig.log()} == {200}

    @pytest.mark.parametrize("room", [20_000, 100_000])
    def test_requests_that_cannot_be_counted_are_not_sent_and_the_report_stays(
        self, room: int, commands: Commands, report: Path
    ) -> None:
        """The smaller room is used up at once, the larger one in the middle."""
        run = (*JSON_SCAN, "--top", "3", "--output", str(report), "--no-cache")
        ended = commands.run(str(room), *run, program=CONFINED)
        if ended.code == 0:  # then the ledger needed no more
            assert json.loads(report.read_text(encoding="utf-8"))["coverage"] == 1.0
            assert room > 20_000
            return
        assert ended.code == 74, ended.stderr
        assert "nothing is sent without it" in ended.complaint
        assert report.read_text() == YESTERDAY


class TestNoPermission:
    """F16."""

    def test_a_read_only_folder_is_74_before_anything_is_sent(
        self, rig: Rig, commands: Commands, report: Path
    ) -> None:
        report.parent.chmod(0o555)
        ended = commands.run(UNLIMITED, *writing(report), program=CONFINED)
        assert ended.code == 74
        assert "cannot write" in ended.complaint
        assert report.read_text() == YESTERDAY
        assert rig.log() == []

    def test_a_folder_that_becomes_read_only_meanwhile_is_74(
        self, rig: Rig, commands: Commands, report: Path
    ) -> None:
        rig.script({"path": "*", "delay_ms": 200, "times": None})
        scan = commands.start(UNLIMITED, *writing(report), program=CONFINED)
        rig.wait_for_requests(10)
        report.parent.chmod(0o555)
        ended = scan.ended()
        assert ended.code == 74, ended.stderr
        assert f"cannot write {report}: Permission denied" in ended.complaint
        assert report.read_text() == YESTERDAY
