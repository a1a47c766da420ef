"""An import that was killed, and who is told."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.monitor.market_data.history_files import a_bar, write_bars
from tests.recorded import ROOT

NAMES = tuple(f"S{number:03d}USDT" for number in range(300))
DEADLINE_S = 60.0


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def test_every_command_tells_of_a_killed_import_until_it_is_done_again(
    tmp_path: Path,
) -> None:
    source, store = tmp_path / "recorded", tmp_path / "store"
    bars = [a_bar(name, hour) for name in NAMES for hour in range(0, 24 * 300, 24)]
    write_bars(source / "klines_1h_x.parquet", bars)
    load = ("download_history", "--import", str(source), "--folder", str(store))
    with subprocess.Popen(
        [sys.executable, "manage.py", *load],
        cwd=ROOT,
        env=dict(os.environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        end = time.monotonic() + DEADLINE_S
        while len(list(store.glob("klines/*/*"))) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        process.kill()
    assert 0 < len(list(store.glob("klines/*/*"))) < len(NAMES)

    asked = {
        "backtest_short_grid": (NAMES[0], "--start", "2025-03-01"),
        "validate_gss": ("--quiet",),
    }
    for command, flags in asked.items():
        told = run(command, *flags, "--history", str(store)).stderr
        assert told.startswith(f"{command}: warning: history {store}: the last ")
        assert "run it again" in told
    copied = run(*load[:2], str(store), "--folder", str(tmp_path / "copy"))
    assert "imported from: the last download or import" in copied.stdout

    assert run(*load).returncode == 0
    for command, flags in asked.items():
        assert "warning" not in run(command, *flags, "--history", str(store)).stderr
