"""Processes that share the store, and processes that are killed."""

import subprocess
import sys
from pathlib import Path
from random import SystemRandom

import pytest

from monitor.market_data.kline_file import FILE_NAME, KlineFile
from tests.recorded import ROOT

KILLS = 120
PROCESSES = 4


def nursery(what: str, folder: Path, number: int) -> str:
    seed = SystemRandom().randrange(10**6)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.monitor.market_data.nursery"),
            *(what, str(folder), str(number), str(seed)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"seed {seed}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_a_writer_killed_anywhere_leaves_whole_series(tmp_path: Path) -> None:
    nursery("kills", tmp_path / "data", KILLS)


@pytest.mark.slow
def test_processes_and_threads_share_a_file(tmp_path: Path) -> None:
    nursery("crowd", tmp_path, PROCESSES)
    file = KlineFile(tmp_path / FILE_NAME, max_bytes=10**7)
    assert file.counters()["hits"] == PROCESSES * 5 * 30
    file.close()


def test_a_full_disk_switches_the_store_off(tmp_path: Path) -> None:
    problem = nursery("full", tmp_path, 0).splitlines()[-1]
    assert problem in ("database or disk is full", "disk I/O error")
