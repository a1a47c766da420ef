"""Waiting for request budget, for many threads."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Condition, Event

from ratelimit import RateLimitException
from ratelimit.decorators import RateLimitDecorator

from monitor.api_clients.clock import ExchangeClock, boot_id, machine_s
from monitor.api_clients.endpoints import POOL_QUOTAS, Pool, PoolQuota
from monitor.exceptions import IpBanned, LimitTooSmall, RequestCancelled, WaitTooLong
from monitor.ratelimit.ledger import ClockReading, Grant, Lane, WeightLedger

LONGEST_PAUSE_S = 0.25
"""Waits are cut into pieces no longer than this, so that a cancellation or a
corrected clock is noticed."""

Pause = Callable[[Condition, float], object]
OnWait = Callable[[float], object]
"""Told before each piece of a wait how many seconds are left at least; must not
ask the limiter anything."""


def ignore_wait(_: float) -> None:
    """Do nothing: for callers who show nothing."""


class WeightLimiter:
    """Grants weight from a ledger to threads, waiting until there is some.

    Higher lanes first; inside a lane first come, first served; among processes as
    the ledger says. Only the first in line asks the ledger. One limiter may serve
    several clients of one IP address; they all measure and read its clock, so that
    what one of them learns of a block holds for the others. Every method may raise
    `monitor.exceptions.LedgerUnavailable`.

    Parameters
    ----------
    ledger : WeightLedger
        Accessed under this limiter's lock.
    clock : ExchangeClock, optional
        The exchange's; by default one of this limiter's own.
    pause : callable, optional
        ``pause(condition, seconds)`` waits with the condition's lock held;
        `threading.Condition.wait` by default.
    """

    def __init__(
        self,
        ledger: WeightLedger,
        *,
        clock: ExchangeClock | None = None,
        pause: Pause = Condition.wait,
    ) -> None:
        self._ledger = ledger
        self._clock = clock or ExchangeClock(
            monotonic_s=machine_s, wall_s=time.time, boot=boot_id()
        )
        self._pause = pause
        self._changed = Condition()
        self._queues: Mapping[Lane, deque[_Ticket]] = {lane: deque() for lane in Lane}

    @property
    def clock(self) -> ExchangeClock:
        """The exchange's clock, for everybody who uses this limiter."""
        return self._clock

    def acquire(
        self,
        weight: int,
        *,
        lane: Lane = Lane.SCAN,
        max_wait_s: float,
        cancelled: Event,
        on_wait: OnWait = ignore_wait,
    ) -> Grant:
        """Return a grant of ``weight``, after waiting at most ``max_wait_s``.

        Blocks. Whoever gets a grant and then sends nothing must `release` it.

        Raises
        ------
        IpBanned
            A ban is in force; at once.
        WaitTooLong
            The wait is, or proves to be, longer than allowed; as early as that
            is known.
        LimitTooSmall
            The weight fits into no minute; at once.
        RequestCancelled
            ``cancelled`` was set.
        """
        with self._changed:
            ticket = _Ticket(weight, lane, max_wait_s, self._clock.local_ms(), on_wait)
            self._queues[lane].append(ticket)
            try:
                while True:
                    if cancelled.is_set():
                        raise RequestCancelled
                    grant = self._attempt(ticket)
                    if grant is not None:
                        return grant
            finally:
                self._queues[lane].remove(ticket)
                self._changed.notify_all()
                if not self._queues[lane]:
                    self._ledger.withdraw(lane)

    def adopt_time(
        self, server_time_ms: int, *, sent_at_ms: int, received_at_ms: int
    ) -> None:
        """Take in a measurement of the exchange's clock (`ExchangeClock.adopt`)."""
        self._clock.adopt(
            server_time_ms, sent_at_ms=sent_at_ms, received_at_ms=received_at_ms
        )
        with self._changed:
            self._ledger.remember(self._clock.reading())
            self._changed.notify_all()

    def release(self, grant: Grant) -> None:
        """Give back a grant whose request was certainly never sent."""
        with self._changed:
            self._ledger.release(grant)
            self._changed.notify_all()

    def observe(self, used_weight: int, *, sent_ms: int, received_ms: int) -> None:
        """Pass on what the exchange says this IP address has used."""
        sample = self._clock.sample
        with self._changed:
            self._ledger.observe(
                used_weight,
                sent_ms=sent_ms,
                received_ms=received_ms,
                clock_error_ms=0 if sample is None else sample.round_trip_ms // 2,
            )

    def block_until(
        self, until_ms: int, *, is_banned: bool, clock: ClockReading | None = None
    ) -> None:
        """Stop every thread until ``until_ms`` (429), or refuse until then (418).

        ``clock`` is what ``until_ms`` was read on; None: the exchange stated it as a
        time.
        """
        with self._changed:
            self._ledger.block_until(until_ms, is_banned=is_banned, clock=clock)
            self._changed.notify_all()

    def is_blocked(self) -> bool:
        """Whether a 429 or 418 is in force: a grant in hand must not be spent."""
        with self._changed:
            return self._ledger.block(self._now_ms()) is not None

    def banned_until_ms(self) -> int | None:
        """Return the end of the ban in force, exchange clock; None without one."""
        with self._changed:
            block = self._ledger.block(self._now_ms())
        return block.until_ms if block is not None and block.is_banned else None

    def set_limit(self, weight_per_minute: int) -> None:
        """Adopt the limit that the exchange publishes."""
        with self._changed:
            self._ledger.set_limit(weight_per_minute)
            self._changed.notify_all()

    def peak_weight(self) -> int:
        """Return the largest weight granted in one minute."""
        with self._changed:
            return self._ledger.peak_weight()

    def close(self) -> None:
        """Let go of the ledger's files and connections. Idempotent."""
        with self._changed:
            self._ledger.close()

    def wake(self) -> None:
        """Make waiting threads look at their ``cancelled`` events now."""
        with self._changed:
            self._changed.notify_all()

    def _attempt(self, ticket: "_Ticket") -> Grant | None:
        # one look at the ledger; None after a pause
        now_ms = self._now_ms()
        # on the local clock: a corrected exchange clock is no waiting
        waited_s = max(0, self._clock.local_ms() - ticket.began_ms) / 1000
        left_s = ticket.max_wait_s - waited_s
        wait_s = 0.0  # at least; unknown while others stand in front
        if self._is_first(ticket):
            answer = self._ledger.reserve(ticket.weight, ticket.lane, now_ms)
            if isinstance(answer, Grant):
                return answer
            if answer.retry_at_ms is None:
                raise LimitTooSmall(ticket.weight, answer.largest_weight)
            if answer.is_banned:
                raise IpBanned(answer.retry_at_ms)
            # at least a millisecond: no busy loop
            wait_s = max(answer.retry_at_ms - now_ms, 1) / 1000
        elif (block := self._ledger.block(now_ms)) is not None:
            if block.is_banned:
                raise IpBanned(block.until_ms)
            wait_s = (block.until_ms - now_ms) / 1000
        if wait_s > left_s or left_s <= 0:
            raise WaitTooLong(waited_s + wait_s, ticket.max_wait_s)
        ticket.on_wait(wait_s)
        self._pause(self._changed, min(wait_s or left_s, LONGEST_PAUSE_S))
        return None

    def _now_ms(self) -> int:
        # what another process has measured meanwhile is better than a guess
        if not self._clock.is_synced():
            known = self._ledger.remembered(self._clock.boot)
            if known is not None:
                self._clock.assume(known)
        return self._clock.now_ms()

    def _is_first(self, ticket: "_Ticket") -> bool:
        return next(queue[0] for queue in self._queues.values() if queue) is ticket


@dataclass(frozen=True, slots=True, eq=False)
class _Ticket:
    weight: int
    lane: Lane
    max_wait_s: float
    began_ms: int
    """Local clock."""
    on_wait: OnWait


class PoolGuard:
    """Outer guard of a pool that has no weights, at half its quota.

    The window of `ratelimit` is fixed and admits twice its calls across a border,
    hence half. Calls wait rather than fail.

    Parameters
    ----------
    quota : PoolQuota
        What the exchange admits.
    monotonic_s : callable, optional
        Monotonic seconds.
    pause : callable, optional
        ``pause(cancelled, seconds)``; `threading.Event.wait` by default.
    """

    def __init__(
        self,
        quota: PoolQuota,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
        pause: Callable[[Event, float], object] = Event.wait,
    ) -> None:
        self._monotonic_s = monotonic_s
        self._pause = pause
        window = RateLimitDecorator(
            calls=max(1, quota.calls // 2), period=quota.period_s, clock=monotonic_s
        )
        self._count_one: Callable[[], None] = window(_nothing)

    def acquire(
        self, *, max_wait_s: float, cancelled: Event, on_wait: OnWait = ignore_wait
    ) -> None:
        """Count one call, after waiting at most ``max_wait_s``. Blocks.

        Raises
        ------
        WaitTooLong
            The window ends later than allowed; at once.
        RequestCancelled
            ``cancelled`` was set.
        """
        deadline_s = self._monotonic_s() + max_wait_s
        while True:
            if cancelled.is_set():
                raise RequestCancelled
            try:
                self._count_one()
            except RateLimitException as full:
                remaining_s = float(full.period_remaining)
            else:
                return
            if self._monotonic_s() + remaining_s > deadline_s:
                raise WaitTooLong(remaining_s, max_wait_s)
            on_wait(remaining_s)
            self._pause(cancelled, max(remaining_s, 0.001))


def pool_guards() -> Mapping[Pool, PoolGuard]:
    """Return one guard for each pool that has no weights."""
    return {pool: PoolGuard(quota) for pool, quota in POOL_QUOTAS.items()}


def _nothing() -> None:
    # what the guard counts calls of
    return
