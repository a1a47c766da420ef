"""Real processes on one ledger file: at once, and killed in the middle."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from random import Random

import pytest

from monitor.api_clients.clock import machine_s
from monitor.domain.market import MINUTE_MS
from monitor.ratelimit.ledger import Grant, Lane
from tests.monitor.ratelimit.ledger_driver import (
    FIRST_MINUTE,
    LIMIT,
    NOW_MS,
    SHARE,
    ledger,
)
from tests.recorded import ROOT

PROCESSES = 4
WINDOWS = 4
ROOM = int(LIMIT * SHARE)
DRIVER = "tests.monitor.ratelimit.ledger_driver"


def run(*arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", DRIVER, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.slow
def test_four_processes_stay_within_the_share_and_wait_fairly(tmp_path: Path) -> None:
    path, seed = tmp_path / "ledger.sqlite3", Random().randrange(10**6)
    sys.stdout.write(f"seed {seed}" + "\n")
    begins_s = machine_s() + 2.0  # all have started by then
    running = [
        run("hammer", path, begins_s, WINDOWS, seed + number)
        for number in range(PROCESSES)
    ]
    per_minute: Counter[int] = Counter()
    shares: dict[int, Counter[int]] = defaultdict(Counter)
    for number, process in enumerate(running):
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err.decode()) == (0, ""), "no lock was in the way"
        for minute, weight in json.loads(out):
            per_minute[minute] += weight
            shares[minute][number] += weight
    assert max(per_minute.values()) <= ROOM
    whole = [FIRST_MINUTE + 1 + number for number in range(WINDOWS - 1)]
    used = [per_minute[minute] for minute in whole]
    assert min(used) >= ROOM - 5, "nothing is left lying while others wait"
    totals = [sum(shares[m][number] for m in whole) for number in range(PROCESSES)]
    sys.stdout.write(f"weight by minute {used}, by process {totals}" + "\n")
    for minute in whole:
        assert len(shares[minute]) == PROCESSES, "one process got nothing"
    assert max(totals) <= 2 * min(totals)
    final = ledger(str(path))
    minute_ms = whole[-1] * MINUTE_MS
    assert final.used_weight(minute_ms) == per_minute[whole[-1]]
    final.close()


@pytest.mark.slow
def test_killed_processes_lose_no_more_than_their_own_reservation(
    tmp_path: Path,
) -> None:
    path, seed = str(tmp_path / "ledger.sqlite3"), Random().randrange(10**6)
    sys.stdout.write(f"seed {seed}" + "\n")
    random = Random(seed)
    told = kills = 0
    for _ in range(5):
        running = [run("spend", path) for _ in range(3)]
        for process in running:
            assert process.stdout is not None
            told += len(os.read(process.stdout.fileno(), 1))
        for process in running:
            time.sleep(random.uniform(0, 0.03))  # killed anywhere in a call
            process.send_signal(signal.SIGKILL)
            kills += 1
            rest, err = process.communicate(timeout=30)
            assert (process.returncode, err) == (-signal.SIGKILL, b"")
            told += len(rest)
        usable = ledger(path, limit=10**9)
        began_s = time.monotonic()
        assert isinstance(usable.reserve(1, Lane.SCAN, NOW_MS), Grant)
        assert time.monotonic() - began_s < 3.0
        told += 1
        granted = usable.look().state.windows[NOW_MS // MINUTE_MS].ours
        assert told <= granted <= told + kills
        usable.close()
    sys.stdout.write(f"{told} grants, {kills} kills, {granted - told} lost" + "\n")
