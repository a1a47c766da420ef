"""Requests side by side: when to stop asking, and how to leave."""

from concurrent.futures import Future
from threading import Event

import pytest

from grid_screening.services.fan_out import (
    OUT_OF_TIME,
    ScanTime,
    attempt,
    follow,
    io_pool,
    outcome,
)
from monitor.domain.progress import ignore_progress
from monitor.exceptions import ExchangeUnavailable, IpBanned, LedgerUnavailable


class Clock:
    """Seconds that only a test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def scan_time(
    clock: Clock, *, seconds: float = 45.0, waited_s: float = 0.0
) -> ScanTime:
    return ScanTime(seconds, waited_s=lambda: waited_s, monotonic_s=clock)


class TestScanTime:
    def test_it_ends(self) -> None:
        clock = Clock()
        limit = scan_time(clock)
        clock.now_s += 44.9
        assert not limit.is_over()
        clock.now_s += 0.1
        assert limit.is_over()
        assert limit.spent_s() == pytest.approx(45.0)

    def test_waits_for_budget_are_not_counted(self) -> None:
        clock = Clock()
        limit = scan_time(clock, waited_s=30.0)
        clock.now_s += 74.9
        assert not limit.is_over()
        clock.now_s += 0.1
        assert limit.is_over()


class TestAttempt:
    def test_nobody_is_asked_when_the_time_is_over(self) -> None:
        clock = Clock()
        limit = scan_time(clock, seconds=0.0)
        asked: list[str] = []
        found = attempt(asked.append, "AUSDT", limit)
        assert isinstance(found, ExchangeUnavailable)
        assert str(found) == f"not asked: {OUT_OF_TIME}"
        assert asked == []

    @pytest.mark.parametrize(
        "error", [IpBanned(1), LedgerUnavailable("x.sqlite3", "is full")]
    )
    def test_what_concerns_everybody_ends_the_scan(self, error: Exception) -> None:
        def refuse(_: str) -> None:
            raise error

        with pytest.raises(type(error)):
            attempt(refuse, "AUSDT", scan_time(Clock()))

    def test_what_concerns_one_contract_is_returned(self) -> None:
        failure = ExchangeUnavailable("/x", "gone")

        def fail(_: str) -> None:
            raise failure

        assert attempt(fail, "AUSDT", scan_time(Clock())) is failure


class TestPool:
    def test_a_failure_gives_up_what_still_waits(self) -> None:
        gave_up = Event()
        waited: list[bool] = []

        def fail(waiting: "Future[None]") -> None:
            assert not waiting.done()
            raise IpBanned(1)

        with (
            pytest.raises(IpBanned),
            io_pool(1, give_up=gave_up.set) as pool,
        ):
            # it waits as for budget: until somebody says that nobody wants it
            fail(pool.submit(lambda: waited.append(gave_up.wait(10))))
        assert waited == [True]

    def test_success_gives_nothing_up(self) -> None:
        gave_up = Event()
        with io_pool(2, give_up=gave_up.set) as pool:
            done = pool.submit(lambda: 3)
        assert done.result() == 3
        assert not gave_up.is_set()

    def test_each_future_is_told_while_others_go_on(self) -> None:
        go_on = Event()
        told: list[int] = []

        def note(done: "Future[int]") -> None:
            told.append(done.result())
            go_on.set()

        with io_pool(2, give_up=go_on.set) as pool:
            first = pool.submit(lambda: 1)
            second = pool.submit(lambda: 2 if go_on.wait(10) else 0)
            kept_answering = follow(
                [first, second],
                stage="symbols",
                patience=2,
                on_progress=ignore_progress,
                on_done=note,
            )
        assert kept_answering
        assert told == [1, 2]
        assert outcome(second) == 2
