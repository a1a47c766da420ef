"""One process that uses a ledger file; ``python -m`` with what it shall do.

``hammer PATH ORIGIN_S WINDOWS SEED``: takes weight as fast as it is granted, over
an exchange clock whose minute turns every two seconds. ``spend PATH``: reserves
without end and writes one byte per grant.
"""

import json
import os
import sys
import time
from pathlib import Path
from random import Random
from threading import Event

from monitor.api_clients.clock import ExchangeClock, machine_s
from monitor.domain.market import MINUTE_MS
from monitor.ratelimit.ledger import Grant, Lane
from monitor.ratelimit.limiter import WeightLimiter
from monitor.ratelimit.shared import SharedLedger
from monitor.ratelimit.sqlite_store import SqliteStore

ADDRESS = "fapi.example:443"
FIRST_MINUTE = 29_833_334
NOW_MS = FIRST_MINUTE * MINUTE_MS + 10_000
WINDOW_S = 2.0
LIMIT, SHARE = 500, 0.8


def ledger(path: str, *, limit: int = LIMIT) -> SharedLedger:
    return SharedLedger(
        SqliteStore(Path(path)),
        ADDRESS,
        weight_per_minute=limit,
        safety_share=SHARE,
        reserved_weight=0,
    )


class HurriedClock(ExchangeClock):
    """Shows the second around each turn of a minute and leaves out the rest."""

    def __init__(self, origin_s: float) -> None:
        super().__init__(monotonic_s=machine_s, wall_s=lambda: 0.0)
        self._origin_s = origin_s

    @property
    def window(self) -> int:
        return int((machine_s() - self._origin_s) // WINDOW_S)

    def now_ms(self) -> int:
        window, rest_s = divmod(machine_s() - self._origin_s, WINDOW_S)
        in_window_ms = MINUTE_MS - 1000 + int(rest_s * 1000)
        return (FIRST_MINUTE + int(window)) * MINUTE_MS + in_window_ms


def hammer(path: str, origin_s: float, windows: int, seed: int) -> None:
    random, clock = Random(seed), HurriedClock(origin_s)
    limiter = WeightLimiter(ledger(path), clock=clock)
    took: list[tuple[int, int]] = []
    time.sleep(max(0.0, origin_s - machine_s()))
    while clock.window < windows:
        grant = limiter.acquire(
            random.randint(1, 5), lane=Lane.SCAN, max_wait_s=90, cancelled=Event()
        )
        took.append((grant.minute, grant.weight))
        time.sleep(random.uniform(0.001, 0.003))  # the request
    sys.stdout.write(json.dumps(took))


def spend(path: str) -> None:
    spending = ledger(path, limit=10**9)
    number = 0
    while True:
        number += 1
        if isinstance(spending.reserve(1, Lane.SCAN, NOW_MS), Grant):
            os.write(1, b".")
        spending.block_until(NOW_MS - 10**6 + number, is_banned=False)
        spending.observe(10**6 + number, sent_ms=NOW_MS, received_ms=NOW_MS)


if __name__ == "__main__":
    what, file, *rest = sys.argv[1:]
    if what == "hammer":
        hammer(file, float(rest[0]), int(rest[1]), int(rest[2]))
    else:
        spend(file)
