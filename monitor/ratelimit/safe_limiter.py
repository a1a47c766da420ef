"""The conservative limiter: few requests at once, evenly spread, backing off."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Event

from monitor.conf import PaceConfig
from monitor.exceptions import RateLimited, RequestCancelled, WaitTooLong
from monitor.ratelimit.limiter import LONGEST_PAUSE_S, OnWait, Pause, ignore_wait
from monitor.ratelimit.pace import Pace

DEFAULT_PACE = PaceConfig()


class SafeRateLimiter:
    """Lets requests of many threads start by a `Pace`. First come, first served.

    Parameters
    ----------
    max_workers : int, optional
        Requests at once.
    requests_per_minute : int, optional
        In any 60 s.
    min_delay_seconds : float, optional
        Between two starts.
    backoff_initial_s, backoff_max_s : float, optional
        Pause after a 429: the first, and the longest.
    monotonic_s : callable, optional
        Monotonic seconds.
    pause : callable, optional
        ``pause(condition, seconds)`` waits with the condition's lock held;
        `threading.Condition.wait` by default.
    """

    def __init__(
        self,
        max_workers: int = DEFAULT_PACE.max_workers,
        requests_per_minute: int = DEFAULT_PACE.requests_per_minute,
        min_delay_seconds: float = DEFAULT_PACE.min_delay_seconds,
        *,
        backoff_initial_s: float = DEFAULT_PACE.backoff_initial_s,
        backoff_max_s: float = DEFAULT_PACE.backoff_max_s,
        monotonic_s: Callable[[], float] = time.monotonic,
        pause: Pause = Condition.wait,
    ) -> None:
        self.config = PaceConfig(
            max_workers=max_workers,
            requests_per_minute=requests_per_minute,
            min_delay_seconds=min_delay_seconds,
            backoff_initial_s=backoff_initial_s,
            backoff_max_s=backoff_max_s,
        )
        self._monotonic_s = monotonic_s
        self._pause = pause
        self._pace = Pace(self.config, monotonic_s())
        self._changed = Condition()
        self._queue: deque[object] = deque()
        self._running = 0

    @property
    def running(self) -> int:
        """Requests that have started and not ended."""
        return self._running

    @contextmanager
    def slot(
        self,
        *,
        max_wait_s: float,
        cancelled: Event,
        on_wait: OnWait = ignore_wait,
        slowdown: float = 1.0,
    ) -> Iterator[None]:
        """Hold one worker for one request; waits at most ``max_wait_s`` for it.

        A `RateLimited` that leaves the context backs everybody off. ``slowdown``
        multiplies the delay between two starts.

        Raises
        ------
        WaitTooLong
            The wait is, or proves to be, longer than allowed.
        RequestCancelled
            ``cancelled`` was set.
        """
        self._start(max_wait_s, cancelled, on_wait, slowdown)
        try:
            yield
        except RateLimited:
            with self._changed:
                self._pace.refuse(self._monotonic_s())
            raise
        else:
            with self._changed:
                self._pace.recover()
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def wake(self) -> None:
        """Make waiting threads look at their ``cancelled`` events now."""
        with self._changed:
            self._changed.notify_all()

    def _start(
        self, max_wait_s: float, cancelled: Event, on_wait: OnWait, slowdown: float
    ) -> None:
        ticket = object()
        deadline_s = self._monotonic_s() + max_wait_s
        with self._changed:
            self._queue.append(ticket)
            try:
                while not self._try_start(
                    ticket, deadline_s, max_wait_s, on_wait, slowdown
                ):
                    if cancelled.is_set():
                        raise RequestCancelled
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()

    def _try_start(
        self,
        ticket: object,
        deadline_s: float,
        max_wait_s: float,
        on_wait: OnWait,
        slowdown: float,
    ) -> bool:
        # False after a pause
        now_s = self._monotonic_s()
        wait_s = 0.0  # at least; unknown while others stand in front or run
        if self._queue[0] is ticket and self._running < self.config.max_workers:
            wait_s = self._pace.wait_s(now_s, slowdown=slowdown)
            if wait_s <= 0:
                self._pace.start(now_s)
                self._running += 1
                return True
        left_s = deadline_s - now_s
        if wait_s > left_s or left_s <= 0:
            raise WaitTooLong(max_wait_s - left_s + wait_s, max_wait_s)
        on_wait(wait_s)
        self._pause(self._changed, min(wait_s or left_s, LONGEST_PAUSE_S))
        return False
