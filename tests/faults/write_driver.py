"""Kills processes that write a report, again and again.

``python -m tests.faults.write_driver PATH KILLS SEED`` forks a child that replaces the
report at PATH without pause, kills it after a random time, looks at the file, and so
on; prints a JSON object with what it found.
"""

import json
import os
import signal
import sys
import time
from collections import Counter
from itertools import count
from pathlib import Path
from random import Random

from monitor.cli.output import write_atomically

CONTENTS = tuple(letter * 300_000 for letter in (b"a", b"b"))


def write_without_pause(path: Path) -> None:
    for turn in count():
        write_atomically(path, CONTENTS[turn % 2])


def main() -> None:
    """Print how often the report was which, or torn."""
    path, kills, rng = Path(sys.argv[1]), int(sys.argv[2]), Random(sys.argv[3])
    path.write_bytes(CONTENTS[0])
    found: Counter[str] = Counter(torn=0)
    for _ in range(kills):
        child = os.fork()
        if child == 0:
            write_without_pause(path)
        time.sleep(rng.uniform(0.0, 0.015))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        content = path.read_bytes()
        found["ab"[CONTENTS.index(content)] if content in CONTENTS else "torn"] += 1
    # how many were killed in the middle of a write
    found["unfinished"] = len(list(path.parent.glob(".report-*.tmp")))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
