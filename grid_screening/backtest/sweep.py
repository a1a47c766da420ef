"""The same work on many inputs: over the cores, or over a Dask cluster."""

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from grid_screening.exceptions import EngineUnavailable, InvalidSettings

if TYPE_CHECKING:
    from dask.typing import Key
    from distributed import Client, Future

LOCAL = "local"
SCHEME = "dask://"

CONNECT_TIMEOUT_S = 10.0
"""How long a scheduler, and then its first worker, is waited for."""

QUEUED_PER_THREAD = 2
"""Tasks sent ahead for each thread of the cluster: none of them waits for the
network, and the scheduler never holds all inputs at once."""

_EMBEDDED = {"distributed.admin.large-graph-warning-threshold": "4GiB"}
# inputs travel with their task, so that a lost worker's are sent again

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")
DoneHook: TypeAlias = Callable[[int, int], object]
"""Told how many tasks are done, and of how many."""


def spread(
    function: Callable[[TaskT], ResultT],
    tasks: Sequence[TaskT],
    *,
    engine: str = LOCAL,
    on_done: DoneHook | None = None,
) -> list[ResultT]:
    """Return ``function`` of each task, in the order of ``tasks``.

    Parameters
    ----------
    function : callable
        Of one task. For a cluster importable there, or a closure that can be
        pickled.
    tasks : sequence
        For a cluster small: names of what to read rather than what was read.
    engine : str
        ``local``: threads over the cores, which compiled kernels leave free; or
        ``dask://HOST:PORT``, the address of a Dask scheduler.
    on_done : callable, optional
        Called with (done, total) in this thread after each task. Whatever it raises
        ends the sweep.

    Raises
    ------
    InvalidSettings
        ``engine`` is neither.
    EngineUnavailable
        Dask is not installed, the scheduler does not answer or has no worker, or the
        cluster was lost on the way.
    Exception
        The first one that ``function`` raised, as it is. Whatever else has not begun
        is not begun, on Ctrl-C too.
    """
    check_engine(engine)
    hook: DoneHook = (lambda _done, _total: None) if on_done is None else on_done
    if engine == LOCAL:
        return _over_cores(function, tasks, hook)
    with _connected(engine) as client:
        return _over_cluster(client, engine, function, tasks, hook)


def check_engine(engine: str) -> str:
    """Return ``engine`` if it names one.

    Raises
    ------
    InvalidSettings
        It is neither ``local`` nor ``dask://HOST:PORT``.
    """
    host, colon, port = engine.removeprefix(SCHEME).rpartition(":")
    is_address = engine.startswith(SCHEME) and host and colon and port.isdecimal()
    if engine != LOCAL and not is_address:
        raise InvalidSettings("engine", f"{LOCAL} or {SCHEME}HOST:PORT", engine)
    return engine


def core_count() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _over_cores(
    function: Callable[[TaskT], ResultT], tasks: Sequence[TaskT], on_done: DoneHook
) -> list[ResultT]:
    pool = ThreadPoolExecutor(core_count(), thread_name_prefix="sweep")
    try:
        futures = [pool.submit(function, task) for task in tasks]
        for done, future in enumerate(as_completed(futures), 1):
            future.result()
            on_done(done, len(futures))
        return [future.result() for future in futures]
    finally:
        # on any way out nothing queued is begun; a kernel that runs is not awaited
        pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _connected(engine: str) -> "Iterator[Client]":
    try:
        import dask
        from distributed import Client
    except ModuleNotFoundError:
        raise EngineUnavailable(
            engine, "Dask is not installed: pip install 'short-grid-screener[dask]'"
        ) from None
    address = f"tcp://{engine.removeprefix(SCHEME)}"
    with dask.config.set(_EMBEDDED):
        try:
            client = Client(
                address, timeout=CONNECT_TIMEOUT_S, set_as_default=False
            )  # fmt: skip
        except (OSError, TimeoutError) as error:
            raise EngineUnavailable(
                engine,
                f"no scheduler answered within {CONNECT_TIMEOUT_S:g} s "
                "(`dask scheduler` starts one)",
            ) from error
        with _without_tracebacks(), client:
            yield client


@contextmanager
def _without_tracebacks() -> "Iterator[None]":
    # what the client would log about a lost scheduler is raised, in one line
    logger = logging.getLogger("distributed.client")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _over_cluster(
    client: "Client",
    engine: str,
    function: Callable[[TaskT], ResultT],
    tasks: Sequence[TaskT],
    on_done: DoneHook,
) -> list[ResultT]:
    from distributed import KilledWorker

    try:
        client.wait_for_workers(1, timeout=CONNECT_TIMEOUT_S)
    except TimeoutError as error:
        raise EngineUnavailable(
            engine,
            f"its scheduler had no worker for {CONNECT_TIMEOUT_S:g} s "
            f"(`dask worker {engine.removeprefix(SCHEME)}` starts one)",
        ) from error
    try:
        return _followed(client, function, tasks, on_done)
    except KilledWorker as error:
        raise EngineUnavailable(
            engine, "workers died on one task, most likely out of memory"
        ) from error
    except CancelledError as error:
        raise EngineUnavailable(engine, "the scheduler was lost") from error


def _followed(
    client: "Client",
    function: Callable[[TaskT], ResultT],
    tasks: Sequence[TaskT],
    on_done: DoneHook,
) -> list[ResultT]:
    from distributed import as_completed as as_gathered

    results: dict[int, ResultT] = {}
    places: dict[Key, int] = {}
    waiting = deque(enumerate(tasks))
    finished = as_gathered(loop=client.loop)
    ahead = QUEUED_PER_THREAD * max(sum(client.nthreads().values()), 1)
    while len(results) < len(tasks):
        while waiting and len(places) < ahead:
            place, task = waiting.popleft()
            sent: Future[ResultT] = client.submit(function, task, pure=False)
            places[sent.key] = place
            finished.add(sent)
        future = next(finished)
        results[places.pop(future.key)] = future.result()
        on_done(len(results), len(tasks))
    return [results[place] for place in range(len(tasks))]
