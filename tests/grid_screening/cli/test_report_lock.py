"""One scan per report at a time, and no lock that outlives its process."""

import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from grid_screening.cli.exit_codes import AlreadyRunning
from grid_screening.cli.report_lock import lock_path, report_lock
from monitor.cli.exit_codes import CannotWrite
from monitor.exceptions import local_time
from tests.recorded import ROOT

NOW_MS = 1_791_374_400_000
HOLDER = """
import sys
from pathlib import Path
from grid_screening.cli.report_lock import report_lock
with report_lock(Path(sys.argv[1]), now_ms=int(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(target: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(target), str(NOW_MS)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: "subprocess.Popen[str]") -> None:
    process.communicate("")


def test_the_lock_says_who_holds_it_and_goes(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    with report_lock(target, now_ms=NOW_MS):
        owner = orjson.loads(lock_path(target).read_bytes())
        assert owner["since"] == "2026-10-07T12:00:00Z"
        assert owner["report"] == str(target)
    assert list(tmp_path.iterdir()) == []


def test_the_second_is_told_who_is_first(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    first = holder(target)
    try:
        with pytest.raises(AlreadyRunning) as told, report_lock(target, now_ms=1):
            raise AssertionError
    finally:
        end(first)
    assert str(told.value) == (
        f"a scan for {target} is already running "
        f"(pid {first.pid}, since {local_time(NOW_MS)}); try later"
    )
    with report_lock(target, now_ms=NOW_MS):
        assert lock_path(target).exists()


def test_a_killed_owner_leaves_no_lock(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    first = holder(target)
    first.send_signal(signal.SIGKILL)
    end(first)
    assert lock_path(target).exists()
    with report_lock(target, now_ms=NOW_MS):
        assert orjson.loads(lock_path(target).read_bytes())["pid"] != first.pid
    assert not lock_path(target).exists()


def test_an_owner_that_has_only_just_begun_has_no_number(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    with report_lock(target, now_ms=NOW_MS):
        lock_path(target).write_bytes(b"")
        with pytest.raises(AlreadyRunning) as told, report_lock(target, now_ms=1):
            raise AssertionError
    assert str(told.value) == f"a scan for {target} is already running; try later"


def test_other_reports_are_free(tmp_path: Path) -> None:
    with (
        report_lock(tmp_path / "a.html", now_ms=1),
        report_lock(tmp_path / "b.html", now_ms=1),
        report_lock(tmp_path, now_ms=1),
    ):
        assert len(list(tmp_path.iterdir())) == 3
    assert list(tmp_path.iterdir()) == []


def test_all_spellings_of_a_report_are_one(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    target = folder / "report.html"
    target.write_bytes(b"")
    link = tmp_path / "link.html"
    link.symlink_to(target)
    spellings = (target, link, folder / ".." / "folder" / "report.html")
    assert len({lock_path(path) for path in spellings}) == 1


def test_a_long_name_can_be_locked(tmp_path: Path) -> None:
    with report_lock(tmp_path / ("币" * 85), now_ms=1):
        assert len(list(tmp_path.iterdir())) == 1


def test_no_folder_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(CannotWrite, match="No such file or directory"),
        report_lock(tmp_path / "none" / "report.html", now_ms=1),
    ):
        raise AssertionError


@pytest.mark.slow
def test_of_many_at_once_exactly_one_gets_it(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    program = HOLDER.replace("sys.stdin.read()", "import time; time.sleep(0.3)")
    for _ in range(2):  # the second time over a file that was just removed
        racers = [
            subprocess.Popen(
                [sys.executable, "-c", program, str(target), "1"],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        told = [racer.communicate() for racer in racers]
        held = [out for out, _ in told if out]
        refused = [err for out, err in told if not out]
        assert held
        assert all("AlreadyRunning" in err for err in refused)
