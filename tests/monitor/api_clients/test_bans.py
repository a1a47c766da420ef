"""429 and 418 hold for every process, also with a wrong clock and after a restart.

The oracle is the simulated exchange's own log.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.api_clients.clock import BOOT_ID
from monitor.simulator.server import EmbeddedExchange
from tests.end_to_end.conftest import control
from tests.recorded import ROOT

DRIVER = "tests.monitor.api_clients.client_driver"
PATH = "/fapi/v1/openInterest"
BAN = {"path": PATH, "times": 1, "status": 418, "headers": {"Retry-After": "120"}}
IN_FLIGHT_MS = 300
"""Requests on their way when the refusal arrived."""
FAST_S = 3 * 1.0


@pytest.fixture(scope="module")
def _served() -> Iterator[EmbeddedExchange]:
    with EmbeddedExchange(contracts=5, seed=7) as served:
        yield served


@pytest.fixture
def exchange(_served: EmbeddedExchange) -> EmbeddedExchange:
    control(_served, "reset")
    return _served


def begin(exchange: EmbeddedExchange, **task: Any) -> subprocess.Popen[str]:
    wanted = {
        "url": exchange.base_url,
        "wall_error_s": 0,
        "boot": str(BOOT_ID),
        "calls": 1,
        "until_error": True,
    } | task
    return subprocess.Popen(
        [sys.executable, "-m", DRIVER, json.dumps(wanted)],
        cwd=ROOT,
        env={**os.environ, "TZ": "Asia/Shanghai"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def met(exchange: EmbeddedExchange, **task: Any) -> dict[str, Any]:
    return end(begin(exchange, **task))


def log(exchange: EmbeddedExchange) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = control(exchange, "requests")
    return rows


@pytest.mark.slow
class TestBan:
    @pytest.mark.parametrize("wall_error_s", [0, 600, -600])
    def test_who_starts_during_it_sends_nothing_whatever_the_wall_clock_shows(
        self, exchange: EmbeddedExchange, wall_error_s: int
    ) -> None:
        control(exchange, "faults", [BAN])
        assert met(exchange)["errors"] == ["IpBanned"]
        before = log(exchange)
        running = [
            begin(exchange, wall_error_s=error_s)
            for error_s in (wall_error_s, 0, -wall_error_s)
        ]
        for found in [end(process) for process in running]:
            assert found["errors"] == ["IpBanned"]
            assert " CST; nothing is sent before" in found["messages"][0]
            assert found["took_s"] < FAST_S
        assert log(exchange) == before

    @pytest.mark.parametrize(
        ("before_s", "after_s"), [(0, 0), (600, 600), (600, 0), (-600, -600), (0, -600)]
    )
    def test_it_outlives_a_restart_of_the_machine(
        self, exchange: EmbeddedExchange, tmp_path: Path, before_s: int, after_s: int
    ) -> None:
        control(exchange, "faults", [BAN])
        assert met(exchange, wall_error_s=before_s)["errors"] == ["IpBanned"]
        before = log(exchange)
        other_boot = tmp_path / "boot_id"
        other_boot.write_text("0d7d3c0e-0000-4000-8000-000000000000\n")
        for boot in (other_boot, tmp_path / "a system that does not tell"):
            found = met(exchange, wall_error_s=after_s, boot=str(boot))
            assert found["errors"] == ["IpBanned"]
        assert log(exchange) == before

    @pytest.mark.parametrize("wall_error_s", [0, 600, -600])
    def test_one_met_by_the_very_first_request_is_known_to_all(
        self, exchange: EmbeddedExchange, wall_error_s: int
    ) -> None:
        # nobody has measured the exchange's clock yet
        control(exchange, "faults", [{**BAN, "path": "/fapi/v1/time"}])
        assert met(exchange, wall_error_s=wall_error_s)["errors"] == ["IpBanned"]
        assert len(log(exchange)) == 1
        for error_s in (0, 600, -600):
            assert met(exchange, wall_error_s=error_s)["errors"] == ["IpBanned"]
        assert len(log(exchange)) == 1

    def test_processes_under_way_stop(self, exchange: EmbeddedExchange) -> None:
        control(exchange, "faults", [{**BAN, "after": 60}])
        running = [begin(exchange, calls=200, until_error=False) for _ in range(3)]
        ends = [end(process) for process in running]
        rows = log(exchange)
        banned_ms = next(row["at_ms"] for row in rows if row["status"] == 418)
        late = [row for row in rows if row["at_ms"] > banned_ms + IN_FLIGHT_MS]
        assert late == []
        assert {error for found in ends for error in found["errors"]} == {"IpBanned"}
        assert all(found["errors"] for found in ends)


@pytest.mark.slow
def test_a_429_stops_every_process_until_retry_after(
    exchange: EmbeddedExchange,
) -> None:
    refused = {"path": PATH, "after": 20, "times": 1, "status": 429}
    control(exchange, "faults", [{**refused, "headers": {"Retry-After": "3"}}])
    running = [begin(exchange, calls=200, until_error=False) for _ in range(3)]
    for process in running:
        end(process)
    rows = log(exchange)
    refused_ms = next(row["at_ms"] for row in rows if row["status"] == 429)
    between = [
        row
        for row in rows
        if refused_ms + IN_FLIGHT_MS < row["at_ms"] < refused_ms + 3000
    ]
    assert between == []
    assert any(row["at_ms"] >= refused_ms + 3000 for row in rows), "work goes on"
