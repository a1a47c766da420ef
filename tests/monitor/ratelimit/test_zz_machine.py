"""Several processes on one ledger, against plain accounts of what they did.

Every step is done twice, over SQLite and in memory: what is stored must be the
same bytes after each.
"""

from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from monitor.domain.market import MINUTE_MS
from monitor.ratelimit.ledger import ClockReading, Denial, Grant, Lane
from monitor.ratelimit.shared import SharedLedger
from monitor.ratelimit.sqlite_store import SqliteStore
from monitor.ratelimit.state import dumped, loaded
from monitor.ratelimit.stores import MemoryStore

ADDRESS = "fapi.example:443"
START = 29_833_334 * MINUTE_MS + 10_000
SHARE = 0.8
ERROR_MS = 150
"""How wrong a measured clock is at most."""
WALL_ERRORS_MS = (-600_000, 0, 600_000)
RECENT_MS = 5 * MINUTE_MS


class Process:
    """One process: the same ledger over both stores, and its idea of the time."""

    def __init__(self, number: int, path: Path, memory: MemoryStore) -> None:
        self.store = SqliteStore(path)
        rules: dict[str, Any] = {
            "weight_per_minute": 300,
            "safety_share": SHARE,
            "reserved_weight": 60,
            "owner": f"process-{number}",
        }
        self.twins = tuple(
            SharedLedger(store, ADDRESS, **rules) for store in (self.store, memory)
        )
        self.offset_ms = 0
        self.is_measured = False
        self.grants: list[Grant] = []

    def both(self, call: str, *args: Any, **options: Any) -> Any:
        ref, comp = (getattr(twin, call)(*args, **options) for twin in self.twins)
        assert ref == comp, call
        return ref


class LedgerMachine(RuleBasedStateMachine):
    @initialize(limit=st.none() | st.integers(50, 3000))
    def open_shop(self, limit: int | None) -> None:
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "ledger.sqlite3"
        self.memory = MemoryStore()
        self.processes: list[Process] = []
        self.started = 0
        self.true_ms = START
        self.boots = 0
        self.local_origin_ms = START - 5_000_000
        self.wall_error_ms = 0
        self.measured_at: dict[str, int] = {}
        self.blind_errors: list[int] = []
        self.is_boot_known = False
        self.account: dict[int, list[tuple[int, Grant]]] = defaultdict(list)
        self.block_ends: list[int] = []
        self.longest_block = self.longest_ban = 0
        self.start_process()
        if limit is not None:
            self.processes[0].both("set_limit", limit)

    def teardown(self) -> None:
        for process in getattr(self, "processes", []):
            process.store.close()
        if hasattr(self, "folder"):
            self.folder.cleanup()

    # the world

    @property
    def local_ms(self) -> int:
        return self.true_ms - self.local_origin_ms

    @property
    def wall_ms(self) -> int:
        return self.true_ms + self.wall_error_ms

    @property
    def boot(self) -> str:
        return f"boot-{self.boots}"

    def process(self, number: int) -> Process:
        return self.processes[number % len(self.processes)]

    def now_ms(self, process: Process) -> int:
        """As the limiter tells the time."""
        if not process.is_measured:
            known = process.both("remembered", self.boot)
            if known.is_measured:
                process.offset_ms = known.offset_ms
            process.offset_ms = min(process.offset_ms, known.offset_ms)
        return self.local_ms + process.offset_ms

    def possible_wall_errors(self) -> list[int]:
        """After a restart of the machine, before anybody has measured anything.

        What nothing tells is left out: a wall clock that is ahead as never before,
        or that was slow when a block was read on it and is not so any more.
        """
        correction = min([0, *(-error for error in self.measured_at.values())])
        safe = min([0, *self.blind_errors])
        return [e for e in WALL_ERRORS_MS if e + correction <= safe + ERROR_MS]

    def reading(self, process: Process) -> ClockReading:
        return ClockReading(
            boot=self.boot,
            offset_ms=process.offset_ms,
            wall_offset_ms=self.local_ms + process.offset_ms - self.wall_ms,
            is_measured=process.is_measured,
        )

    @rule(step_ms=st.integers(0, 45_000))
    def time_passes(self, step_ms: int) -> None:
        self.true_ms += step_ms

    @rule(error_ms=st.sampled_from(WALL_ERRORS_MS))
    def wall_clock_jumps(self, error_ms: int) -> None:
        if self.is_boot_known or error_ms in self.possible_wall_errors():
            self.wall_error_ms = error_ms

    @precondition(lambda self: len(self.processes) < 4)
    @rule()
    def start_process(self) -> None:
        self.started += 1
        process = Process(self.started, self.path, self.memory)
        state = process.twins[0].look().state
        process.offset_ms = state.guessed_offset_ms(
            self.boot, local_ms=self.local_ms, wall_ms=self.wall_ms
        )
        self.processes.append(process)
        if process.both("remembered", self.boot) is None:
            process.both("remember", self.reading(process))
            self.is_boot_known = True

    @precondition(lambda self: self.processes)
    @rule(number=st.integers(0, 3))
    def process_vanishes(self, number: int) -> None:
        gone = self.process(number)
        gone.store.close()
        self.processes.remove(gone)

    @rule(origin_ms=st.integers(0, 10**9), data=st.data())
    def machine_restarts(self, origin_ms: int, data: st.DataObject) -> None:
        for process in self.processes:
            process.store.close()
        self.processes.clear()
        self.boots += 1
        self.local_origin_ms = self.true_ms - origin_ms
        possible = self.possible_wall_errors()
        self.wall_error_ms = data.draw(st.sampled_from(possible))
        self.is_boot_known = False

    # what processes do

    @precondition(lambda self: self.processes)
    @rule(number=st.integers(0, 3), error_ms=st.integers(-ERROR_MS, ERROR_MS))
    def measure_the_clock(self, number: int, error_ms: int) -> None:
        process = self.process(number)
        process.offset_ms = self.true_ms - self.local_ms + error_ms
        process.is_measured = True
        process.both("remember", self.reading(process))
        self.measured_at[self.boot] = self.wall_error_ms
        self.blind_errors.clear()

    @precondition(lambda self: self.processes)
    @rule(
        number=st.integers(0, 3),
        weight=st.integers(0, 60),
        lane=st.sampled_from(Lane),
    )
    def reserve(self, number: int, weight: int, lane: Lane) -> None:
        process = self.process(number)
        now_ms = self.now_ms(process)
        # without a measured clock only the time is asked for
        weight = weight if process.is_measured else min(weight, 1)
        share = process.twins[0].look().share
        answer = process.both("reserve", weight, lane, now_ms)
        if isinstance(answer, Denial):
            assert answer.retry_at_ms is None or answer.retry_at_ms > now_ms
            return
        assert answer.minute == now_ms // MINUTE_MS
        for end_ms in self.block_ends:
            assert self.true_ms >= end_ms - 2 * ERROR_MS - 100, "granted while blocked"
        process.grants.append(answer)
        recent = self.true_ms - RECENT_MS
        minute = [g for at, g in self.account[answer.minute] if at > recent]
        total = sum(grant.weight for grant in minute) + weight
        assert weight == 0 or total <= share, "granted above the share"
        self.account[answer.minute].append((self.true_ms, answer))

    @precondition(lambda self: self.processes)
    @rule(number=st.integers(0, 3))
    def release(self, number: int) -> None:
        process = self.process(number)
        if not process.grants:
            return
        grant = process.grants.pop()
        process.both("release", grant)
        entries = self.account[grant.minute]
        entries.remove(next(entry for entry in entries if entry[1] == grant))

    @precondition(lambda self: self.processes)
    @rule(number=st.integers(0, 3), lane=st.sampled_from(Lane))
    def give_up(self, number: int, lane: Lane) -> None:
        self.process(number).both("withdraw", lane)

    @precondition(lambda self: self.processes)
    @rule(
        number=st.integers(0, 3), used=st.integers(0, 3000), took_ms=st.integers(0, 900)
    )
    def observe(self, number: int, used: int, took_ms: int) -> None:
        process = self.process(number)
        now_ms = self.now_ms(process)
        before = process.both("used_weight", now_ms)
        process.both("observe", used, sent_ms=now_ms - took_ms, received_ms=now_ms)
        assert process.both("used_weight", now_ms) >= before

    @precondition(lambda self: self.processes)
    @rule(
        number=st.integers(0, 3), ahead_ms=st.integers(0, 150_000), banned=st.booleans()
    )
    def refused(self, number: int, ahead_ms: int, *, banned: bool) -> None:
        process = self.process(number)
        until_ms = self.now_ms(process) + ahead_ms
        process.both(
            "block_until", until_ms, is_banned=banned, clock=self.reading(process)
        )
        self.block_ends.append(self.true_ms + ahead_ms)
        if self.boot not in self.measured_at:
            dated_by = process.both("remembered", self.boot)
            self.blind_errors.append(dated_by.offset_ms + self.local_ms - self.true_ms)

    @precondition(lambda self: self.processes)
    @rule(number=st.integers(0, 3), limit=st.integers(50, 3000))
    def limit_is_published(self, number: int, limit: int) -> None:
        self.process(number).both("set_limit", limit)

    # what always holds

    @invariant()
    def both_stores_hold_the_same(self) -> None:
        blob = self.memory.read(ADDRESS) if hasattr(self, "memory") else None
        if blob is None or not self.processes:
            return
        assert self.processes[0].store.read(ADDRESS) == blob
        state = loaded(blob)
        assert dumped(state) == blob
        assert state.blocked_until_ms >= self.longest_block, "a block was shortened"
        assert state.banned_until_ms >= self.longest_ban, "a ban was shortened"
        self.longest_block = state.blocked_until_ms
        self.longest_ban = state.banned_until_ms


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(
    max_examples=900, stateful_step_count=50, deadline=None
)
