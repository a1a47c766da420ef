"""Many requests side by side: who failed, when to stop, how to leave."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

from monitor.domain.progress import Progress, ProgressHook
from monitor.domain.typing import Symbol
from monitor.exceptions import (
    AccessDenied,
    DailyBudgetSpent,
    ExchangeError,
    ExchangeTimeout,
    ExchangeUnavailable,
    IpBanned,
    LedgerUnavailable,
    RateLimited,
    RequestCancelled,
    WaitTooLong,
)
from vp_squeeze.exceptions import KlineError

ResultT = TypeVar("ResultT")
SymbolError: TypeAlias = ExchangeError | KlineError

SCAN_ENDING = (
    IpBanned,
    WaitTooLong,
    RateLimited,
    RequestCancelled,
    AccessDenied,
    LedgerUnavailable,
    DailyBudgetSpent,
)
"""Errors that no other symbol would escape."""

STOPPED_ANSWERING = "the exchange had stopped answering"
OUT_OF_TIME = "the scan's time was over"
NOT_ASKED = "not asked"

UNREACHABLE = (ExchangeUnavailable, ExchangeTimeout)


@contextmanager
def io_pool(
    workers: int, *, give_up: Callable[[], object]
) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool of I/O threads; on any way out nothing queued is started.

    On a failure ``give_up`` is called: what still waits for budget would otherwise
    go on sending for a scan that is over. Leaving waits for requests in flight, except
    on Ctrl-C and the like (`BaseException`), when whoever interrupted must not be kept
    waiting.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="scan-io")
    try:
        yield pool
    except Exception:
        give_up()
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown(wait=True, cancel_futures=True)


class ScanTime:
    """How long a scan may go on asking; waiting for request budget is not counted.

    Parameters
    ----------
    seconds : float
        From now on.
    waited_s : callable
        Seconds in which the scan waited for budget, so far.
    monotonic_s : callable, optional
        Monotonic seconds.
    """

    def __init__(
        self,
        seconds: float,
        *,
        waited_s: Callable[[], float],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._waited_s = waited_s
        self._monotonic_s = monotonic_s
        self._began_s = monotonic_s()
        self._ends_s = self._began_s + seconds

    def is_over(self) -> bool:
        """Return whether nothing further should be asked."""
        return self._monotonic_s() >= self._ends_s + self._waited_s()

    def spent_s(self) -> float:
        """Return the seconds since the beginning, waits included."""
        return self._monotonic_s() - self._began_s


def attempt(
    call: Callable[[Symbol], ResultT], symbol: Symbol, scan_time: ScanTime
) -> ResultT | SymbolError:
    """Return the result, or the error that concerns this symbol only.

    Raises
    ------
    ExchangeError
        One of `SCAN_ENDING`.
    """
    if scan_time.is_over():
        return ExchangeUnavailable(NOT_ASKED, OUT_OF_TIME)
    try:
        return call(symbol)
    except SCAN_ENDING:
        raise
    except (ExchangeError, KlineError) as error:
        return error


def follow(
    futures: Sequence[Future[Any]],
    *,
    stage: str,
    patience: int,
    on_progress: ProgressHook,
    on_done: Callable[[Future[Any]], object] = lambda _: None,
) -> bool:
    """Wait for all futures of `attempt`, reporting progress from this thread.

    After ``patience`` unreachable answers in a row nobody else is asked: each
    would cost another full deadline. ``on_done`` is given each future, in this
    thread, while the others go on.

    Returns
    -------
    bool
        Whether the exchange kept answering; False: the rest was not asked.

    Raises
    ------
    ExchangeError
        One of `SCAN_ENDING`, as soon as it happens.
    """
    unreachable_in_a_row = 0
    for done, future in enumerate(as_completed(futures), 1):
        if not future.cancelled():
            unreachable = isinstance(future.result(), UNREACHABLE)
            unreachable_in_a_row = unreachable_in_a_row + 1 if unreachable else 0
        if unreachable_in_a_row == patience:
            for waiting in futures:
                waiting.cancel()
        on_progress(Progress(stage=stage, done=done, total=len(futures)))
        on_done(future)
    return not any(future.cancelled() for future in futures)


def outcome(future: Future[ResultT | SymbolError]) -> ResultT | SymbolError:
    """Return what a followed future brought; never waits."""
    if future.cancelled():
        return ExchangeUnavailable(NOT_ASKED, STOPPED_ANSWERING)
    return future.result()
