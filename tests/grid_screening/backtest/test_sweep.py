import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import NoReturn

import numpy as np
import pytest

from grid_screening.backtest import sweep
from grid_screening.backtest.sweep import check_engine, spread
from grid_screening.exceptions import EngineUnavailable, InvalidSettings

ROOT = Path(__file__).resolve().parents[3]


class Unlucky(Exception):  # noqa: N818
    """Raised by a task."""


def walk_end(seed: int) -> float:
    steps = np.random.default_rng(seed).standard_normal(1_000)
    return float(np.exp(steps / 100).prod())


def unlucky(number: int) -> NoReturn:
    raise Unlucky(f"task {number}")


def timed_out(number: int) -> NoReturn:
    raise TimeoutError(f"task {number} waited for a disk")


def fails_at_three(number: int) -> int:
    if number == 3:
        raise Unlucky(f"task {number}")
    return number


def kill_worker(_: int) -> NoReturn:
    os._exit(1)


def late(number: int) -> int:
    Event().wait(0.05)
    return number


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A scheduler and two worker processes on the loopback interface."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0",
    ) as started:
        yield f"dask://{started.scheduler_address.removeprefix('tcp://')}"


@contextmanager
def scheduler_process() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A scheduler and one worker as processes of their own, as users start them."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "dask"]
    scheduler = ["scheduler", "--host", "127.0.0.1", "--port", f"{port}"]
    worker = ["worker", address, "--nthreads", "1", "--no-nanny"]
    quiet = ["--no-dashboard"]
    with ExitStack() as stack:
        processes = []
        for arguments in (scheduler, worker):
            process = subprocess.Popen(
                [*dask, *arguments, *quiet],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=ROOT,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            processes.append(process)
        yield f"dask://127.0.0.1:{port}", processes[0]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class TestLocal:
    def test_results_stand_in_the_order_of_the_tasks(self) -> None:
        second_done = threading.Event()

        def late_first(number: int) -> int:
            if number == 0:
                assert second_done.wait(30)
            if number == 1:
                second_done.set()
            return number * 10

        if sweep.core_count() == 1:
            pytest.skip("one core: tasks follow each other")
        assert spread(late_first, range(5)) == [0, 10, 20, 30, 40]

    def test_no_task_is_no_result(self) -> None:
        assert spread(walk_end, []) == []

    def test_progress_counts_every_task_in_the_callers_thread(self) -> None:
        seen: list[tuple[int, int]] = []
        threads: set[int] = set()

        def on_done(done: int, total: int) -> None:
            seen.append((done, total))
            threads.add(threading.get_ident())

        spread(walk_end, [1, 2, 3], on_done=on_done)
        assert seen == [(1, 3), (2, 3), (3, 3)]
        assert threads == {threading.get_ident()}

    def test_an_error_of_a_task_surfaces_as_itself(self) -> None:
        with pytest.raises(Unlucky, match=r"^task 3$"):
            spread(fails_at_three, range(10))

    def test_ctrl_c_leaves_the_rest_unbegun(self) -> None:
        begun: list[int] = []
        released = threading.Event()

        def slow(number: int) -> int:
            begun.append(number)
            if number:
                released.wait(30)
            return number

        def interrupt(_done: int, _total: int) -> NoReturn:
            raise KeyboardInterrupt

        try:
            with pytest.raises(KeyboardInterrupt):
                spread(slow, range(1_000), on_done=interrupt)
        finally:
            released.set()
        assert len(begun) <= 2 * sweep.core_count() + 1


class TestCluster:
    def test_results_equal_the_local_ones_exactly(self, cluster: str) -> None:
        tasks = range(40)
        assert spread(walk_end, tasks, engine=cluster) == spread(walk_end, tasks)

    def test_large_inputs_travel_with_their_task(self, cluster: str) -> None:
        # 16 MB each: no warning, and the same sums
        tasks = [np.full(2_000_000, float(number)) for number in range(3)]
        sums = spread(np.sum, tasks, engine=cluster)
        assert sums == [0.0, 2_000_000.0, 4_000_000.0]

    def test_progress_counts_every_task(self, cluster: str) -> None:
        seen: list[tuple[int, int]] = []
        spread(
            walk_end,
            range(9),
            engine=cluster,
            on_done=lambda done, total: seen.append((done, total)),
        )
        assert seen == [(done, 9) for done in range(1, 10)]

    def test_an_error_of_a_task_surfaces_as_itself(self, cluster: str) -> None:
        with pytest.raises(Unlucky, match=r"^task 3$"):
            spread(fails_at_three, range(10), engine=cluster)

    def test_a_timeout_of_a_task_is_not_taken_for_a_lost_cluster(
        self, cluster: str
    ) -> None:
        with pytest.raises(TimeoutError, match=r"^task 0 waited for a disk$"):
            spread(timed_out, [0], engine=cluster)

    def test_ctrl_c_ends_the_sweep_and_the_cluster_lives_on(self, cluster: str) -> None:
        def interrupt(_done: int, _total: int) -> NoReturn:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            spread(walk_end, range(100), engine=cluster, on_done=interrupt)
        assert spread(walk_end, [7], engine=cluster) == [walk_end(7)]

    def test_an_array_on_disk_is_read_by_the_workers(
        self, cluster: str, tmp_path: Path
    ) -> None:
        np.save(tmp_path / "a.npy", np.arange(5.0))
        (loaded,) = spread(np.load, [tmp_path / "a.npy"], engine=cluster)
        assert loaded.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


class TestNoCluster:
    def test_silence_at_the_address_is_told_in_one_line(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sweep, "CONNECT_TIMEOUT_S", 0.5)
        engine = f"dask://127.0.0.1:{free_port()}"
        with pytest.raises(EngineUnavailable) as caught:
            spread(walk_end, [1], engine=engine)
        assert str(caught.value) == (
            f"engine {engine} unavailable: no scheduler answered within 0.5 s "
            "(`dask scheduler` starts one)"
        )

    def test_a_scheduler_without_workers_is_told_in_one_line(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from distributed import LocalCluster

        monkeypatch.setattr(sweep, "CONNECT_TIMEOUT_S", 0.5)
        with LocalCluster(
            n_workers=0,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            processes=True,
        ) as started:
            address = started.scheduler_address.removeprefix("tcp://")
            with pytest.raises(EngineUnavailable) as caught:
                spread(walk_end, [1], engine=f"dask://{address}")
        assert str(caught.value) == (
            f"engine dask://{address} unavailable: its scheduler had no worker for "
            f"0.5 s (`dask worker {address}` starts one)"
        )

    def test_without_the_extra_the_way_to_install_it_is_told(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(__import__("sys").modules, "distributed", None)
        with pytest.raises(EngineUnavailable) as caught:
            spread(walk_end, [1], engine="dask://127.0.0.1:8786")
        assert str(caught.value) == (
            "engine dask://127.0.0.1:8786 unavailable: Dask is not installed: "
            "pip install 'short-grid-screener[dask]'"
        )

    @pytest.mark.parametrize(
        "engine", ["", "dask", "dask://", "dask://host", "dask://host:x", "spark://a:1"]
    )
    def test_an_unknown_engine_is_refused(self, engine: str) -> None:
        with pytest.raises(InvalidSettings) as caught:
            check_engine(engine)
        assert str(caught.value) == (
            f"engine must be local or dask://HOST:PORT, was {engine!r}"
        )


class TestLostCluster:
    def test_a_task_that_kills_its_workers_is_told_in_one_line(
        self, cluster: str
    ) -> None:
        with pytest.raises(EngineUnavailable) as caught:
            spread(kill_worker, [1], engine=cluster)
        assert str(caught.value) == (
            f"engine {cluster} unavailable: workers died on one task, "
            "most likely out of memory"
        )

    def test_a_scheduler_that_ends_is_told_in_one_line(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        with scheduler_process() as (engine, process):
            begun: list[int] = []

            def end_scheduler(done: int, _total: int) -> None:
                begun.append(done)
                process.kill()

            with pytest.raises(EngineUnavailable) as caught:
                spread(late, range(200), engine=engine, on_done=end_scheduler)
        assert (
            str(caught.value) == f"engine {engine} unavailable: the scheduler was lost"
        )
        assert begun
        assert [r for r in caplog.records if r.levelname == "ERROR"] == []
