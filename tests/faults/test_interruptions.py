"""F17: Ctrl-C and SIGTERM, whatever the scan is waiting for."""

import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from monitor.ratelimit.stores import LEDGER_FILE
from tests.faults.rig import (
    IN_FLIGHT_MS,
    JSON_SCAN,
    KLINES,
    PATIENCE,
    Commands,
    Rig,
    Running,
    wait_for,
)

END_WITHIN_S = 2.0
SIGNALS = [
    (signal.SIGINT, 130, "interrupted"),
    (signal.SIGTERM, 143, "terminated"),
]
Start = Callable[[Rig, Commands, Path], Running]


def hanging(rig: Rig, commands: Commands, report: Path) -> Running:
    """In the middle of requests that are never answered."""
    rig.script({"path": KLINES, "hang": True, "times": None})
    scan = commands.start(*JSON_SCAN, "--output", str(report))
    rig.wait_for_requests(15, KLINES)
    return scan


def out_of_budget(rig: Rig, commands: Commands, report: Path) -> Running:
    """Waiting for most of a minute, since others have used this one up."""
    rig.to_second(3)
    rig.others(used_weight=2300)
    scan = commands.start(*JSON_SCAN, "--output", str(report))
    rig.wait_for_requests(1)
    wait_for_silence(rig)
    return scan


def refused(rig: Rig, commands: Commands, report: Path) -> Running:
    """Waiting out a 429."""
    rig.script(
        {
            "path": "*",
            "from_weight": 100,
            "status": 429,
            "headers": {"Retry-After": "50"},
            "body": {},
            "times": None,
        }
    )
    scan = commands.start(*JSON_SCAN, "--output", str(report))
    wait_for(lambda: any(r["status"] == 429 for r in rig.log()), "a refusal")
    wait_for_silence(rig)
    return scan


def wait_for_silence(rig: Rig) -> None:
    """Return when no request has arrived for a while."""
    wait_for(
        lambda: rig.now_ms() - rig.log()[-1]["at_ms"] > 2 * IN_FLIGHT_MS,
        "the scan's silence",
    )


def check_end(scan: Running, code: int, sent_at_s: float) -> None:
    ended = scan.ended()
    assert time.monotonic() - sent_at_s <= END_WITHIN_S * PATIENCE
    assert (ended.code, ended.stdout, ended.stderr) == (code, "", "")


class TestInterrupted:
    """F17."""

    @pytest.mark.parametrize("start", [hanging, out_of_budget, refused])
    @pytest.mark.parametrize(("number", "code", "word"), SIGNALS)
    def test_the_message_comes_at_once_and_nothing_more_is_sent(
        self,
        start: Start,
        number: signal.Signals,
        code: int,
        word: str,
        request: pytest.FixtureRequest,
    ) -> None:
        rig: Rig = request.getfixturevalue("rig")
        commands: Commands = request.getfixturevalue("commands")
        report: Path = request.getfixturevalue("tmp_path") / "report.json"
        report.write_text("yesterday")
        scan = start(rig, commands, report)
        signalled_ms, sent_at_s = rig.now_ms(), time.monotonic()
        scan.send(number)
        assert scan.next_complaint() == f"{word}: stopping, nothing further is sent\n"
        check_end(scan, code, sent_at_s)
        last_ms = rig.log()[-1]["at_ms"]
        assert last_ms <= signalled_ms + IN_FLIGHT_MS
        assert report.read_text() == "yesterday"

    @pytest.mark.parametrize("start", [hanging, out_of_budget])
    def test_a_second_ctrl_c_ends_it_there_and_then(
        self, start: Start, rig: Rig, commands: Commands, tmp_path: Path
    ) -> None:
        scan = start(rig, commands, tmp_path / "report.json")
        scan.send(signal.SIGINT)
        scan.next_complaint()
        sent_at_s = time.monotonic()
        scan.send(signal.SIGINT)
        check_end(scan, 130, sent_at_s)

    def test_the_next_scan_is_not_disturbed_by_an_interrupted_one(
        self, rig: Rig, commands: Commands, tmp_path: Path
    ) -> None:
        report = tmp_path / "report.json"
        scan = hanging(rig, commands, report)
        scan.send(signal.SIGINT)
        assert scan.ended().code == 130
        rig.reset()
        after = commands.run(*JSON_SCAN, "--output", str(report))
        assert after.code == 0, after.stderr
        assert report.stat().st_size > 0


@contextmanager
def locked_ledger(folder: Path) -> Iterator[None]:
    """Hold the ledger that all processes share."""
    with closing(sqlite3.connect(folder / LEDGER_FILE, isolation_level=None)) as held:
        held.execute("BEGIN IMMEDIATE")
        yield
        held.execute("ROLLBACK")


class TestLockedLedger:
    """F17: while another process holds the ledger."""

    @pytest.mark.parametrize(("number", "code", "word"), SIGNALS)
    def test_a_scan_that_waits_for_it_can_be_interrupted(
        self, number: signal.Signals, code: int, word: str, commands: Commands
    ) -> None:
        assert commands.run(*JSON_SCAN).code == 0  # makes the file
        with locked_ledger(commands.folder):
            scan = commands.start(*JSON_SCAN)
            wait_for(lambda: holds_open(scan, LEDGER_FILE), "the scan at the ledger")
            sent_at_s = time.monotonic()
            scan.send(number)
            first = scan.next_complaint()
            assert first == f"{word}: stopping, nothing further is sent\n"
            check_end(scan, code, sent_at_s)

    def test_a_short_wait_for_it_is_no_failure(
        self, rig: Rig, commands: Commands
    ) -> None:
        assert commands.run(*JSON_SCAN).code == 0
        rig.reset()
        with locked_ledger(commands.folder):
            scan = commands.start(*JSON_SCAN)
            wait_for(lambda: holds_open(scan, LEDGER_FILE), "the scan at the ledger")
            assert rig.log() == []
        ended = scan.ended()
        assert ended.code == 0, ended.stderr


def holds_open(scan: Running, name: str) -> bool:
    """Whether the process has a file of that name open."""
    found = []
    for link in Path(f"/proc/{scan.pid}/fd").iterdir():
        try:
            found.append(link.readlink().name)
        except FileNotFoundError:
            continue  # closed meanwhile
    return name in found
