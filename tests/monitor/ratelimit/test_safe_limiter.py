from collections.abc import Callable
from threading import Condition, Event, Thread
from time import monotonic

import pytest

from monitor.exceptions import RateLimited, RequestCancelled, WaitTooLong
from monitor.ratelimit.safe_limiter import SafeRateLimiter
from tests.monitor.ratelimit.test_limiter import FakeTime


def limiter(time: FakeTime, **options: float) -> SafeRateLimiter:
    return SafeRateLimiter(
        **options,  # type: ignore[arg-type]
        monotonic_s=time.monotonic_s,
        pause=time.pause,
    )


def use(
    limited: SafeRateLimiter,
    *,
    max_wait_s: float = 90,
    slowdown: float = 1.0,
    on_wait: Callable[[float], object] = lambda _: None,
) -> None:
    with limited.slot(
        max_wait_s=max_wait_s, cancelled=Event(), on_wait=on_wait, slowdown=slowdown
    ):
        pass


def test_the_defaults_are_conservative() -> None:
    config = SafeRateLimiter().config
    assert (config.max_workers, config.requests_per_minute) == (5, 60)
    assert config.min_delay_seconds == 0.5


def test_one_request_starts_at_once_and_the_next_keeps_its_distance() -> None:
    time = FakeTime()
    limited = limiter(time)
    began_ms = time.ms
    use(limited)
    assert time.pauses == []
    use(limited)
    assert time.ms - began_ms == pytest.approx(500, abs=5)


def test_sixty_a_minute_and_no_more() -> None:
    time = FakeTime()
    limited = limiter(time)
    began_ms, starts = time.ms, []
    for _ in range(150):
        use(limited)
        starts.append(time.ms)
    for begin in starts:
        assert sum(begin <= at < begin + 59_999 for at in starts) <= 60
    assert 140_000 < time.ms - began_ms < 151_000


def test_a_429_backs_everybody_off_and_answers_recover() -> None:
    time = FakeTime()
    limited = limiter(time, backoff_initial_s=10)
    for pause_s in (10, 20, 40, 60, 60):
        with (
            pytest.raises(RateLimited),
            limited.slot(max_wait_s=90, cancelled=Event()),
        ):
            raise RateLimited("/x", 0)
        refused_ms = time.ms
        use(limited)
        assert time.ms - refused_ms == pytest.approx(pause_s * 1000, abs=10)
        limited._pace._pause_s = float(pause_s)  # as if nothing had been answered
    assert limited.running == 0


def test_other_errors_do_not_back_off() -> None:
    time = FakeTime()
    limited = limiter(time)
    with (
        pytest.raises(RequestCancelled),
        limited.slot(max_wait_s=90, cancelled=Event()),
    ):
        raise RequestCancelled
    began_ms = time.ms
    use(limited)
    assert time.ms - began_ms < 510
    assert limited.running == 0


def test_a_wait_that_is_too_long_fails_at_once() -> None:
    time = FakeTime()
    limited = limiter(time, min_delay_seconds=30)
    use(limited)
    with pytest.raises(WaitTooLong) as caught:
        use(limited, max_wait_s=20)
    assert caught.value.wait_s == pytest.approx(30)
    assert time.pauses == []


def test_cancelling_ends_the_wait() -> None:
    time, cancelled = FakeTime(), Event()
    limited = limiter(time, min_delay_seconds=30)
    use(limited)
    time.on_pause = cancelled.set
    with (
        pytest.raises(RequestCancelled),
        limited.slot(max_wait_s=90, cancelled=cancelled),
    ):
        pass
    assert len(time.pauses) == 1


def test_waits_are_told() -> None:
    time = FakeTime()
    limited = limiter(time, min_delay_seconds=0.6)
    told: list[float] = []
    use(limited)
    use(limited, on_wait=told.append)
    assert told == pytest.approx([0.6, 0.35, 0.1], abs=0.01)


def test_slowing_down_stretches_the_delay() -> None:
    time = FakeTime()
    limited = limiter(time)
    use(limited)
    began_ms = time.ms
    use(limited, slowdown=8)
    assert time.ms - began_ms == pytest.approx(4000, abs=10)


def test_never_more_workers_at_once_and_first_come_first_served() -> None:
    limited = SafeRateLimiter(
        max_workers=2, requests_per_minute=10**6, min_delay_seconds=0
    )
    order: list[int] = []
    most = 0
    changed = Condition()
    go_on = [Event() for _ in range(6)]

    def work(number: int) -> None:
        nonlocal most
        with limited.slot(max_wait_s=30, cancelled=Event()), changed:
            order.append(number)
            most = max(most, limited.running)
            changed.notify_all()
            changed.wait_for(go_on[number].is_set, 30)

    threads = []
    for number in range(6):
        threads.append(Thread(target=work, args=(number,)))
        threads[-1].start()
        deadline_s = monotonic() + 30
        while len(limited._queue) + limited.running < number + 1:
            assert monotonic() < deadline_s
    for number in range(6):
        with changed:
            assert changed.wait_for(lambda n=number: n in order, 30)
            go_on[number].set()
            changed.notify_all()
    for thread in threads:
        thread.join(30)
    assert order == list(range(6))
    assert most == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_workers": 0}, "max_workers must be at least 1, was 0"),
        ({"requests_per_minute": 0}, "requests_per_minute must be at least 1, was 0"),
        ({"min_delay_seconds": -1}, "min_delay_seconds must be ≥ 0, was -1"),
        ({"backoff_initial_s": 0}, r"backoff_initial_s must be in \(0, backoff_max"),
        ({"backoff_max_s": 0.5}, r"backoff_initial_s must be in \(0, backoff_max"),
    ],
)
def test_impossible_settings_are_refused(
    options: dict[str, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        SafeRateLimiter(**options)  # type: ignore[arg-type]
