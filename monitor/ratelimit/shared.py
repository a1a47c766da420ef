"""One ledger for everybody who shares its store."""

import time
from collections.abc import Callable
from secrets import token_hex
from threading import RLock
from typing import TypeVar

from monitor.api_clients.clock import ExchangeClock, boot_id, machine_s
from monitor.domain.market import DAY_MS
from monitor.exceptions import LedgerUnavailable
from monitor.ratelimit.budget import WeightBudget, trusted_minute
from monitor.ratelimit.ledger import Block, ClockReading, Denial, Grant, Lane
from monitor.ratelimit.state import LedgerState, UnreadableState, dumped, loaded
from monitor.ratelimit.stores import LedgerStore

UNUSED_S = 8 * DAY_MS / 1000
"""Addresses that nobody used for so long are forgotten, unless they are blocked."""
Answer = TypeVar("Answer")
Change = Callable[[WeightBudget], Answer]


class SharedLedger:
    """A `WeightLedger` whose rules are `WeightBudget`'s, over any store.

    Thread-safe. Each object is one waiter per lane among all that use the store.
    Reads do not write: asking for the block, or news that change nothing.

    Parameters
    ----------
    store : LedgerStore
    address : str
        Whose budget it is (`ledger.ledger_address`).
    weight_per_minute, safety_share, reserved_weight
        As for `WeightBudget`; the stored limit goes before ``weight_per_minute``.
    owner : str, optional
        Names this object in the store; by default a random name.
    """

    def __init__(
        self,
        store: LedgerStore,
        address: str,
        *,
        weight_per_minute: int,
        safety_share: float,
        reserved_weight: int,
        owner: str | None = None,
    ) -> None:
        self.address = address
        self._store = store
        self._owner = token_hex(8) if owner is None else owner
        self._rules = {
            "weight_per_minute": weight_per_minute,
            "reserved_weight": reserved_weight,
        }
        self._safety_share = safety_share
        self._kept: tuple[bytes, WeightBudget] | None = None
        self._notes: dict[int, int] = {}
        self._denied: set[Lane] = set()
        self._minutes: dict[int, int] = {}
        self._past_peak = 0
        self._failure: LedgerUnavailable | None = None
        self._is_closed = False
        self._lock = RLock()
        self._budget(LedgerState())  # refuses impossible rules now

    def reserve(self, weight: int, lane: Lane, now_ms: int) -> Grant | Denial:
        """Charge ``weight``, or say when to ask again."""
        with self._lock:
            if lane in self._denied:
                # a look is cheaper than a write, and whoever waits looks often
                budget = self.look()
                denial = budget.denial(weight, lane, now_ms, owner=self._owner)
                if denial is not None and (
                    budget.block(now_ms) is not None
                    or budget.is_in_line(weight, lane, now_ms, owner=self._owner)
                ):
                    return denial
            answer = self.update(
                lambda budget: budget.reserve(weight, lane, now_ms, owner=self._owner)
            )
            if isinstance(answer, Grant):
                self._denied.discard(lane)
                self._note_peak(answer.minute)
            else:
                self._denied.add(lane)
            return answer

    def withdraw(self, lane: Lane) -> None:
        """Stand in line no longer."""
        with self._lock:
            if lane in self._denied:
                self._denied.discard(lane)
                self.update(lambda budget: budget.withdraw(lane, owner=self._owner))

    def release(self, grant: Grant) -> None:
        """Take back a charge whose request was certainly never sent."""
        self.update(lambda budget: budget.release(grant))

    def observe(
        self,
        used_weight: int,
        *,
        sent_ms: int,
        received_ms: int,
        clock_error_ms: int = 0,
    ) -> None:
        """Correct the minute upward from the exchange's own count.

        A count that others' use does not explain any better is only noted, and
        written with the next change: it matters once weight is released.
        """
        minute = trusted_minute(
            sent_ms=sent_ms, received_ms=received_ms, clock_error_ms=clock_error_ms
        )
        if minute is None:
            return
        with self._lock:
            window = self.look().state.windows.get(minute)
            if window is not None and used_weight <= window.ours + window.others:
                if used_weight > window.highest_seen:
                    noted = self._notes.get(minute, 0)
                    self._notes[minute] = max(noted, used_weight)
                return
            self.update(lambda budget: budget.raise_used(minute, used_weight))

    def block_until(
        self, until_ms: int, *, is_banned: bool, clock: ClockReading | None = None
    ) -> None:
        """Grant nothing before ``until_ms``; stored so that power may fail.

        If it cannot be stored, this object grants nothing any more.
        """
        with self._lock:
            try:
                self.update(
                    lambda budget: budget.block_until(
                        until_ms, is_banned=is_banned, clock=clock
                    ),
                    is_durable=True,
                )
            except LedgerUnavailable as failure:
                self._failure = failure
                raise

    def block(self, now_ms: int) -> Block | None:
        """Return the block in force, None when there is none."""
        return self.look().block(now_ms)

    def set_limit(self, weight_per_minute: int) -> None:
        """Adopt the limit that the exchange publishes."""
        self.update(lambda budget: budget.set_limit(weight_per_minute))

    def used_weight(self, now_ms: int) -> int:
        """Return the weight used in the minute of ``now_ms``, others included."""
        return self.look().used_weight(now_ms)

    def peak_weight(self) -> int:
        """Return the largest weight granted in a minute this object was granted in.

        By everybody who shares the ledger. Once closed it is the last known.
        """
        with self._lock:
            if not self._is_closed:
                self.look()
                for minute in list(self._minutes):
                    self._note_peak(minute)
            return max(self._past_peak, *self._minutes.values(), 0)

    def remember(self, clock: ClockReading) -> None:
        """Keep what is known of the exchange's clock, for processes to come."""
        self.update(lambda budget: budget.remember(clock))

    def remembered(self, boot: str) -> ClockReading | None:
        """Return what is known of the clock since this start of the machine."""
        return self.look().remembered(boot)

    def exchange_clock(self) -> ExchangeClock:
        """Return a clock that begins with what the ledger remembers of it.

        The first since the machine's start is remembered, so that a later jump of
        the wall clock changes nothing.
        """
        boot = boot_id()
        state = self.look().state
        guess_ms = state.guessed_offset_ms(
            boot, local_ms=int(machine_s() * 1000), wall_ms=int(time.time() * 1000)
        )
        clock = ExchangeClock(
            monotonic_s=machine_s,
            wall_s=time.time,
            boot=boot,
            guessed_offset_ms=guess_ms,
        )
        if boot and boot not in state.clocks:
            self.remember(clock.reading())
        return clock

    def prune(self) -> None:
        """Forget addresses unused for `UNUSED_S`, unless they are blocked."""
        boot, local_ms, wall_ms = boot_id(), machine_s() * 1000, time.time() * 1000

        def is_over(blob: bytes) -> bool:
            state = self._understood(blob)
            local, wall = int(local_ms), int(wall_ms)
            offset_ms = state.guessed_offset_ms(boot, local_ms=local, wall_ms=wall)
            return self._budget(state).block(local + offset_ms) is None

        self._store.prune(UNUSED_S, is_over)

    def look(self) -> WeightBudget:
        """Return what is stored now; not to be changed."""
        with self._lock:
            self._check()
            blob = self._store.read(self.address)
            if blob is None:
                return self._budget(LedgerState())
            if self._kept is None or self._kept[0] != blob:
                self._kept = blob, self._budget(self._understood(blob))
            return self._kept[1]

    def update(self, change: Change[Answer], *, is_durable: bool = False) -> Answer:
        """Apply ``change`` to what is stored, while nobody else can.

        It may be applied to several budgets; one of them is stored.
        """
        with self._lock:
            self._check()
            kept, self._kept = self._kept, None
            done: tuple[bytes, WeightBudget] | None = None

            def step(blob: bytes | None) -> tuple[bytes, Answer]:
                nonlocal kept, done
                if kept is not None and kept[0] == blob:
                    budget, kept = kept[1], None  # used up: it is changed now
                else:
                    state = LedgerState() if blob is None else self._understood(blob)
                    budget = self._budget(state)
                for minute, used_weight in self._notes.items():
                    budget.raise_used(minute, used_weight)
                answer = change(budget)
                done = dumped(budget.state), budget
                return done[0], answer

            answer = self._store.update(self.address, step, is_durable=is_durable)
            self._kept = done
            self._notes.clear()
            return answer

    def close(self) -> None:
        """Let go of files and connections. Idempotent; a later use opens anew."""
        with self._lock:
            self._is_closed = True
            self._store.close()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _budget(self, state: LedgerState) -> WeightBudget:
        return WeightBudget(**self._rules, safety_share=self._safety_share, state=state)

    def _understood(self, blob: bytes) -> LedgerState:
        try:
            return loaded(blob)
        except UnreadableState as problem:
            raise LedgerUnavailable(
                self._store.where, f"{problem}; remove it to start a new one"
            ) from None

    def _note_peak(self, minute: int) -> None:
        # from what was read or written last
        windows = {} if self._kept is None else self._kept[1].state.windows
        ours = windows[minute].ours if minute in windows else 0
        minutes = self._minutes
        minutes[minute] = max(ours, minutes.get(minute, 0))
        if len(minutes) > 1:
            oldest = next(iter(minutes))
            if oldest != minute:
                self._past_peak = max(self._past_peak, minutes.pop(oldest))
