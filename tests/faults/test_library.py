"""F18: imported by another program, several scans at once."""

import io
import logging
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from threading import enumerate as running_threads
from typing import Any

import pytest

from grid_screening import ScreenerSettings, ScreeningReport, screen_short_grid
from grid_screening.exceptions import AllRequestsFailed, UnknownSymbols
from monitor.exceptions import IpBanned
from tests.faults.rig import KLINES, LIMIT, Rig, calls, weight_by_minute

SHARE = 0.8
ASKED = ScreenerSettings(min_volume=0.0, top=5)


@pytest.fixture
def configured(rig: Rig, settings: Any, tmp_path: Path) -> Rig:
    """The exchange of the project that imports the screener."""
    settings.SCREENER = {"base_url": rig.base_url, "data_dir": tmp_path / "data"}
    return rig


def at_once(*asked: ScreenerSettings) -> list[Future[ScreeningReport]]:
    """Return finished scans; they have left nothing behind."""
    with unchanged_world(), ThreadPoolExecutor(len(asked)) as pool:
        return [pool.submit(screen_short_grid, settings) for settings in asked]


def world() -> dict[str, object]:
    """Return what a library must leave as it was."""
    return {
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "log handlers": list(logging.getLogger().handlers),
        "log level": logging.getLogger().level,
        "signals": [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)],
        "streams": (sys.stdout, sys.stderr, sys.excepthook),
    }


def thread_names() -> set[str]:
    return {thread.name for thread in running_threads()}


@contextmanager
def unchanged_world() -> Iterator[None]:
    """Check that nothing is printed, changed or left running."""
    threads = thread_names()
    out, complaints = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(complaints):
        before = world()
        yield
        assert world() == before
    assert (out.getvalue(), complaints.getvalue()) == ("", "")
    assert thread_names() <= threads


class TestFourScansAtOnce:
    """F18."""

    def test_one_error_is_typed_and_the_others_do_not_notice(
        self, configured: Rig
    ) -> None:
        scans = at_once(ASKED, ScreenerSettings(symbols=("NOSUCHUSDT",)), ASKED, ASKED)
        error = scans.pop(1).exception()
        assert isinstance(error, UnknownSymbols)
        assert error.symbols == ("NOSUCHUSDT",)
        reports = [scan.result() for scan in scans]
        assert reports[0].ranked == reports[1].ranked == reports[2].ranked
        log = configured.log()
        assert {row["status"] for row in log} == {200}
        assert sum(report.requests.count for report in reports) <= len(log)

    def test_they_share_one_budget_without_sharing_a_client(
        self, configured: Rig
    ) -> None:
        configured.to_second(48)
        configured.others(used_weight=1000)
        # 4 × about 290 do not fit into what is left of the minute
        scans = at_once(*[ASKED] * 4)
        assert all(scan.result().coverage == 1.0 for scan in scans)
        log = configured.log()
        spent = weight_by_minute(log)
        assert {row["status"] for row in log} == {200}
        assert min(spent.values()) >= 0
        first = min(spent)
        assert spent[first] <= SHARE * LIMIT - 1000
        assert len(spent) == 2

    def test_a_ban_met_by_one_ends_all_with_the_same_error(
        self, configured: Rig
    ) -> None:
        configured.script(
            {
                "path": "*",
                "from_weight": 400,
                "status": 418,
                "told_ban_ms": 60_000,
                "ban_ms": 60_000,
            }
        )
        errors = [scan.exception() for scan in at_once(*[ASKED] * 4)]
        assert {type(error) for error in errors} == {IpBanned}

    def test_no_error_of_a_scan_ends_the_program(self, configured: Rig) -> None:
        configured.script({"path": KLINES, "times": None, "status": 500})
        errors = [scan.exception() for scan in at_once(*[ASKED] * 4)]
        # no SystemExit, no bare Exception
        assert {type(error) for error in errors} == {AllRequestsFailed}
        assert max(calls(configured.log()).values()) <= 4 * 3
