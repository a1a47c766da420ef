"""Commands whose caller closed standard output or standard error."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.monitor.market_data.history_files import a_bar, write_bars
from tests.recorded import ROOT

COMMANDS = {
    "screen_short_grid": "--demo --dry-run",
    "vp_analysis": "BTCUSDT --demo --timeframes none",
    "backtest_short_grid": "AUSDT --history {folder} --start 2025-01-01",
    "validate_gss": "--history {folder}",
    "download_history": "--import {folder} --folder {folder}/store",
}
CLOSED = ">&-"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two bars."""
    write_bars(tmp_path / "klines_1h_x.parquet", [a_bar("AUSDT", 0), a_bar("AUSDT", 1)])
    return tmp_path


def ended(command: str, folder: Path, redirection: str) -> tuple[int, str, str]:
    """Return code, standard output and standard error of a command run by a shell."""
    words = COMMANDS[command].format(folder=folder)
    python = f"exec {sys.executable} manage.py {command} {words} {redirection}"
    done = subprocess.run(
        ["/bin/sh", "-c", python],
        cwd=ROOT,
        env={**os.environ, "SCREENER_DATA_DIR": str(folder / "data")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_closed_standard_output_is_told_in_one_line(
    command: str, folder: Path
) -> None:
    code, _, err = ended(command, folder, CLOSED)
    assert code == 74
    assert err == f"{command}: cannot write standard output: it is closed\n"
    assert not (folder / "store").exists()


def test_with_all_streams_closed_the_code_tells(folder: Path) -> None:
    code, _, err = ended("download_history", folder, "<&- >&- 2>&-")
    assert (code, err) == (74, "")


def test_nothing_to_print_needs_no_standard_output(folder: Path) -> None:
    assert ended("download_history", folder, f"--quiet {CLOSED}") == (0, "", "")
    target = folder / "report.json"
    words = f"--format json --output {target} --quiet {CLOSED}"
    assert ended("screen_short_grid", folder, words) == (0, "", "")
    assert target.read_text().startswith("{")


@pytest.mark.parametrize(
    ("command", "expected"),
    [("screen_short_grid", 0), ("download_history", 0), ("validate_gss", 2)],
)
def test_a_closed_standard_error_changes_no_code(
    command: str, expected: int, folder: Path
) -> None:
    code, out, err = ended(command, folder, "2>&-")
    assert (code, err) == (expected, "")
    assert bool(out) is (expected == 0)


@pytest.mark.parametrize("command", ["screen_short_grid", "download_history"])
def test_a_full_standard_output_is_told_in_one_line(command: str, folder: Path) -> None:
    code, _, err = ended(command, folder, ">/dev/full")
    assert code == 74
    assert err == f"{command}: cannot write standard output: No space left on device\n"
