from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Condition, Event, Thread, get_ident

import pytest

from monitor.api_clients.clock import ExchangeClock
from monitor.api_clients.endpoints import Pool, PoolQuota
from monitor.domain.market import MINUTE_MS
from monitor.exceptions import IpBanned, LimitTooSmall, RequestCancelled, WaitTooLong
from monitor.ratelimit.budget import WeightBudget
from monitor.ratelimit.ledger import Lane
from monitor.ratelimit.limiter import (
    LONGEST_PAUSE_S,
    PoolGuard,
    WeightLimiter,
    pool_guards,
)

START = 29_833_334 * MINUTE_MS


class FixedClock(ExchangeClock):
    """An exchange clock that somebody else drives."""

    def __init__(self, read_ms: Callable[[], int]) -> None:
        super().__init__(monotonic_s=lambda: 0.0, wall_s=lambda: 0.0)
        self._read_ms = read_ms

    def local_ms(self) -> int:
        return self._read_ms() if hasattr(self, "_read_ms") else 0

    def now_ms(self) -> int:
        return self._read_ms()


class FakeTime:
    """A clock that moves only while somebody waits."""

    def __init__(self, now_ms: int = START + 10_000) -> None:
        self.ms = float(now_ms)
        self.pauses: list[float] = []
        self.on_pause: Callable[[], None] = lambda: None

    def now_ms(self) -> int:
        return int(self.ms)

    def monotonic_s(self) -> float:
        return self.ms / 1000

    def pause(self, _waited_on: object, seconds: float) -> None:
        assert seconds > 0
        self.pauses.append(seconds)
        self.ms += max(seconds * 1000, 1)
        self.on_pause()


def limiter(time: FakeTime, *, limit: int = 100, share: float = 1.0) -> WeightLimiter:
    ledger = WeightBudget(
        weight_per_minute=limit, safety_share=share, reserved_weight=0
    )
    return WeightLimiter(ledger, clock=FixedClock(time.now_ms), pause=time.pause)


def acquire(
    from_limiter: WeightLimiter,
    weight: int = 1,
    *,
    lane: Lane = Lane.SCAN,
    max_wait_s: float = 90.0,
    cancelled: Event | None = None,
) -> None:
    from_limiter.acquire(
        weight, lane=lane, max_wait_s=max_wait_s, cancelled=cancelled or Event()
    )


class TestWeightLimiter:
    def test_free_budget_is_granted_without_waiting(self) -> None:
        time = FakeTime()
        acquire(limiter(time), 100)
        assert time.pauses == []

    def test_a_full_minute_is_waited_out(self) -> None:
        time = FakeTime()
        full = limiter(time)
        acquire(full, 100)
        acquire(full, 1)
        assert START + MINUTE_MS <= time.ms < START + MINUTE_MS + 10
        assert max(time.pauses) <= LONGEST_PAUSE_S

    def test_a_wait_that_is_too_long_fails_at_once(self) -> None:
        time = FakeTime()
        full = limiter(time)
        acquire(full, 100)
        with pytest.raises(WaitTooLong) as caught:
            acquire(full, 1, max_wait_s=49.9)
        assert caught.value.wait_s == 50.0
        assert time.pauses == []

    def test_a_weight_that_never_fits_fails_at_once(self) -> None:
        time = FakeTime()
        with pytest.raises(LimitTooSmall) as caught:
            acquire(limiter(time), 101)
        assert (caught.value.weight, caught.value.largest_weight) == (101, 100)
        assert "inf" not in str(caught.value)
        assert time.pauses == []

    def test_waits_are_told_with_what_is_left(self) -> None:
        time = FakeTime(START + MINUTE_MS - 600)
        full = limiter(time)
        told: list[float] = []
        for _ in range(2):
            full.acquire(100, max_wait_s=90, cancelled=Event(), on_wait=told.append)
        assert told == pytest.approx([0.6, 0.35, 0.1])

    def test_a_blurred_clock_widens_the_untrusted_start(self) -> None:
        own_clock = ExchangeClock(monotonic_s=lambda: 0.0, wall_s=lambda: 0.0)
        ledger = WeightBudget(
            weight_per_minute=100, safety_share=1.0, reserved_weight=0
        )
        blurred = WeightLimiter(ledger, clock=own_clock)
        own_clock.adopt(START, sent_at_ms=0, received_at_ms=2000)
        for sent_ms, used in ((START + 999, 0), (START + 1000, 70)):
            blurred.observe(70, sent_ms=sent_ms, received_ms=START + 1100)
            assert ledger.used_weight(START) == used

    def test_a_block_stops_requests_until_its_end(self) -> None:
        time = FakeTime()
        blocked = limiter(time)
        blocked.block_until(time.now_ms() + 7000, is_banned=False)
        assert blocked.is_blocked()
        acquire(blocked)
        assert time.ms >= START + 17_000
        assert not blocked.is_blocked()

    def test_requests_without_weight_are_stopped_too(self) -> None:
        time = FakeTime()
        blocked = limiter(time)
        blocked.block_until(time.now_ms() + 7000, is_banned=False)
        acquire(blocked, 0)
        assert time.ms >= START + 17_000

    def test_a_ban_is_not_waited_for(self) -> None:
        time = FakeTime()
        banned = limiter(time)
        until_ms = time.now_ms() + 1000
        banned.block_until(until_ms, is_banned=True)
        with pytest.raises(IpBanned) as caught:
            acquire(banned, 0)
        assert caught.value.until_ms == until_ms
        assert time.pauses == []

    def test_a_ban_ends_waits(self) -> None:
        time = FakeTime()
        full = limiter(time)
        acquire(full, 100)
        time.on_pause = lambda: full.block_until(START + 10**6, is_banned=True)
        with pytest.raises(IpBanned):
            acquire(full)
        assert len(time.pauses) == 1

    def test_cancelling_ends_waits(self) -> None:
        time = FakeTime()
        full = limiter(time)
        cancelled = Event()
        acquire(full, 100)
        time.on_pause = cancelled.set
        with pytest.raises(RequestCancelled):
            acquire(full, cancelled=cancelled)
        assert len(time.pauses) == 1

    def test_nothing_is_granted_once_cancelled(self) -> None:
        cancelled = Event()
        cancelled.set()
        with pytest.raises(RequestCancelled):
            acquire(limiter(FakeTime()), cancelled=cancelled)

    def test_released_weight_is_granted_again(self) -> None:
        time = FakeTime()
        full = limiter(time)
        grant = full.acquire(100, max_wait_s=90, cancelled=Event())
        full.release(grant)
        acquire(full, 100)
        assert time.pauses == []
        assert full.peak_weight() == 100

    def test_a_raised_limit_is_used(self) -> None:
        time = FakeTime()
        small = limiter(time)
        small.set_limit(500)
        acquire(small, 500)
        assert time.pauses == []

    def test_what_others_use_counts(self) -> None:
        time = FakeTime()
        shared = limiter(time)
        shared.observe(100, sent_ms=time.now_ms(), received_ms=time.now_ms())
        with pytest.raises(WaitTooLong):
            acquire(shared, max_wait_s=1)


class Turnstile:
    """Lets threads queue up at a full limiter, then opens it."""

    def __init__(self) -> None:
        self.now = START + 10_000
        self.ledger = WeightBudget(
            weight_per_minute=1, safety_share=1.0, reserved_weight=0
        )
        self.queued: set[int] = set()
        self.arrived = Condition()
        self.limiter = WeightLimiter(
            self.ledger, clock=FixedClock(lambda: self.now), pause=self._pause
        )
        self.order: list[str] = []
        self._threads: list[Thread] = []
        acquire(self.limiter, 1)

    def _pause(self, changed: Condition, seconds: float) -> None:
        with self.arrived:
            self.queued.add(get_ident())
            self.arrived.notify_all()
        changed.wait(min(seconds, 0.005))

    def queue(self, name: str, lane: Lane) -> None:
        def wait() -> None:
            acquire(self.limiter, 1, lane=lane, max_wait_s=10**6)
            self.order.append(name)
            self.now += MINUTE_MS

        thread = Thread(target=wait)
        with self.arrived:
            thread.start()
            assert self.arrived.wait_for(lambda: thread.ident in self.queued, 10)
        self._threads.append(thread)

    def open(self) -> list[str]:
        self.now += MINUTE_MS
        self.limiter.wake()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()
        return self.order


class TestOrder:
    def test_one_lane_is_first_come_first_served(self) -> None:
        gate = Turnstile()
        # each waits for its own first pause, so arrival order is known
        for name in ("a", "b", "c", "d"):
            gate.queue(name, Lane.SCAN)
        assert gate.open() == ["a", "b", "c", "d"]

    def test_higher_lanes_go_first(self) -> None:
        gate = Turnstile()
        gate.queue("scan", Lane.SCAN)
        gate.queue("monitor", Lane.MONITOR)
        gate.queue("protective", Lane.PROTECTIVE)
        gate.queue("account", Lane.ACCOUNT)
        assert gate.open() == ["protective", "account", "monitor", "scan"]

    def test_twenty_threads_never_get_more_than_the_share(self) -> None:
        ledger = WeightBudget(
            weight_per_minute=100, safety_share=0.8, reserved_weight=0
        )
        shared = WeightLimiter(ledger, clock=FixedClock(lambda: START + 10_000))

        def attempt(_: int) -> int:
            try:
                acquire(shared, 3, max_wait_s=1)
            except WaitTooLong:
                return 0
            return 3

        with ThreadPoolExecutor(20) as threads:
            total = sum(threads.map(attempt, range(60)))
        assert total == 78

    def test_waking_lets_cancelled_threads_go(self) -> None:
        gate = Turnstile()
        cancelled = Event()
        ended: list[type[Exception]] = []

        def wait() -> None:
            try:
                acquire(gate.limiter, max_wait_s=10**6, cancelled=cancelled)
            except RequestCancelled as error:
                ended.append(type(error))

        threads = [Thread(target=wait) for _ in range(20)]
        for thread in threads:
            thread.start()
        cancelled.set()
        gate.limiter.wake()
        for thread in threads:
            thread.join(10)
        assert ended == [RequestCancelled] * 20


class TestPoolGuard:
    @staticmethod
    def guard(time: FakeTime, calls: int = 10) -> PoolGuard:
        return PoolGuard(
            PoolQuota(calls=calls, period_s=60),
            monotonic_s=time.monotonic_s,
            pause=time.pause,
        )

    def test_half_the_quota_passes_at_once(self) -> None:
        time = FakeTime()
        guard = self.guard(time)
        for _ in range(5):
            guard.acquire(max_wait_s=90, cancelled=Event())
        assert time.pauses == []

    def test_more_waits_for_the_next_window(self) -> None:
        time = FakeTime()
        guard = self.guard(time)
        began_s = time.monotonic_s()
        for _ in range(6):
            guard.acquire(max_wait_s=90, cancelled=Event())
        assert time.monotonic_s() - began_s == pytest.approx(60, abs=0.01)

    def test_no_window_of_the_exchange_sees_more_than_the_quota(self) -> None:
        time = FakeTime()
        guard = self.guard(time)
        passed: list[float] = []
        for number in range(40):
            time.ms += 1 if number % 5 else 59_000
            guard.acquire(max_wait_s=90, cancelled=Event())
            passed.append(time.monotonic_s())
        for begin in passed:
            assert sum(begin <= at < begin + 60 for at in passed) <= 10

    def test_a_wait_that_is_too_long_fails_at_once(self) -> None:
        time = FakeTime()
        guard = self.guard(time, calls=2)
        guard.acquire(max_wait_s=90, cancelled=Event())
        with pytest.raises(WaitTooLong):
            guard.acquire(max_wait_s=59, cancelled=Event())
        assert time.pauses == []

    def test_cancelling_ends_the_wait(self) -> None:
        time = FakeTime()
        guard = self.guard(time, calls=2)
        cancelled = Event()
        time.on_pause = cancelled.set
        guard.acquire(max_wait_s=90, cancelled=cancelled)
        with pytest.raises(RequestCancelled):
            guard.acquire(max_wait_s=90, cancelled=cancelled)

    def test_every_pool_without_weights_is_guarded(self) -> None:
        assert set(pool_guards()) == {Pool.FUNDING, Pool.FUTURES_DATA}
