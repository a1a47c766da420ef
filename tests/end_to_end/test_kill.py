"""A scan that is killed at any moment spoils nothing."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.simulator.server import EmbeddedExchange
from tests.end_to_end.conftest import ROOT, control

KILLS = 200
CHECK_EVERY = 20
MINUTE_EVERY = 8
OF_CLOSED_BARS = ("natr", "efficiency_ratio", "hurst_exponent", "cvd_change_ratio")
"""Factors that do not change while no bar closes."""


class Driver:
    """Forks scans; each may be given a time to die."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, delay_s: float | None) -> tuple[int, float]:
        """Return the child's wait status and life time in seconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = "-" if delay_s is None else f"{delay_s:.6f}"
        self._process.stdin.write(f"{asked}\n")
        self._process.stdin.flush()
        status, lived_s = self._process.stdout.readline().split()
        return int(status), float(lived_s)


@pytest.fixture
def small_exchange() -> Iterator[EmbeddedExchange]:
    with EmbeddedExchange(contracts=20, seed=5) as exchange:
        yield exchange


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "reports" / "report.json"


@pytest.fixture
def driver(
    small_exchange: EmbeddedExchange, report: Path, tmp_path: Path
) -> Iterator[Driver]:
    report.parent.mkdir()
    environment = os.environ | {
        "BINANCE_FAPI_URL": small_exchange.base_url,
        "SCREENER_DATA_DIR": str(tmp_path / "data"),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.end_to_end.kill_driver", str(report)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Driver(process)
        process.communicate()


def facts(report: Path) -> dict[str, Any]:
    """Return the factors of all ranked contracts; fails unless the report is whole."""
    document = json.loads(report.read_text(encoding="utf-8"))
    scored = len(document["ranked"]) + len(document["not_listed"])
    assert document["funnel"][0]["count"] == scored + len(document["excluded"])
    assert len(document["ranked"]) == document["settings"]["top"]
    return {
        row["symbol"]: [row["factors"][name] for name in OF_CLOSED_BARS]
        for row in document["ranked"]
    }


def agree(found: dict[str, Any], expected: dict[str, Any]) -> None:
    common = found.keys() & expected.keys()  # prices move: the order may, a little
    assert common
    assert {name: found[name] for name in common} == {
        name: expected[name] for name in common
    }


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_200_kills_leave_the_report_whole_and_the_next_scan_working(
    driver: Driver, report: Path, small_exchange: EmbeddedExchange, fault_seed: int
) -> None:
    chance = random.Random(fault_seed)
    status, whole_s = driver.run(None)
    assert status == 0
    expected = facts(report)
    killed = runs = 0
    while killed < KILLS:
        runs += 1
        if runs % MINUTE_EVERY == 0:  # else scans wait for request budget
            control(small_exchange, "clock", {"advance_ms": 60_000})
        status, lived_s = driver.run(chance.uniform(0.001, whole_s))
        assert status in {0, signal.SIGALRM}
        if status == 0:  # it was faster than the one before: kill earlier
            whole_s = min(whole_s, lived_s)
        killed += status == signal.SIGALRM
        agree(facts(report), expected)  # never torn, never of half-written bars
        if runs % CHECK_EVERY == 0:
            status, _ = driver.run(None)
            assert status == 0, f"the scan after kill {killed} failed"
            agree(facts(report), expected)
    assert driver.run(None)[0] == 0  # it takes the lock that the last kill left
    left = {path.name for path in report.parent.iterdir()}
    temporary = {name for name in left if name.endswith(".tmp")}
    assert left - temporary == {report.name}
    assert len(temporary) <= killed
