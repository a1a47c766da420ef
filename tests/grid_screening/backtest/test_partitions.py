"""A partitioned sweep gives what one simulation of everything gives."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from grid_screening.backtest.engine import simulated_grids
from grid_screening.backtest.grids import (
    Costs,
    FillOrder,
    GridBatch,
    GridOutcomes,
    Start,
)
from grid_screening.backtest.maintenance import Maintenance
from grid_screening.backtest.partitions import (
    BYTES_PER_BAR,
    HistoryPaths,
    LoadedPaths,
    parameter_sweep,
)
from grid_screening.backtest.paths import PricePaths
from monitor.domain.market import KlineInterval
from monitor.market_data.history import opened_history
from tests.grid_screening.backtest.history_folder import (
    DAY_MS,
    START_MS,
    SYMBOLS,
    write_history,
)

DAYS = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_history(tmp_path_factory.mktemp("sweep") / "walks", days=DAYS)


@pytest.fixture(scope="module")
def source(folder: Path) -> HistoryPaths:
    return HistoryPaths(
        folder=str(folder),
        interval=KlineInterval.H1,
        symbols=SYMBOLS,
        start_ms=START_MS,
        end_ms=START_MS + DAYS * DAY_MS,
    )


@pytest.fixture(scope="module")
def paths(folder: Path) -> PricePaths:
    history = opened_history(folder)
    panel = history.panel(KlineInterval.H1, symbols=SYMBOLS)
    return PricePaths.of_history(panel, history.funding(SYMBOLS))


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
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


def many_grids(paths: PricePaths, *, count: int, seed: int = 5) -> GridBatch:
    """Grids of all sizes on all contracts, in no order."""
    rng = np.random.default_rng(seed)
    row = rng.integers(0, len(paths.symbols), count)
    begin = rng.integers(0, paths.open_time.size - 200, count)
    price = paths.open[row, begin]
    levels = rng.integers(5, 60, count)
    width = rng.uniform(0.05, 0.4, count) * price
    lower = price - width * rng.uniform(0.3, 0.9, count)
    step = width / levels
    upper = lower + (levels - 1) * step
    return GridBatch(
        row=row,
        begin=begin,
        end=begin + rng.integers(10, 190, count),
        price=price,
        lower_bound=lower,
        grid_step=step,
        grid_ratio=np.ones(count),
        level_count=levels,
        quantity=1000 / price / levels,
        stop_price=np.maximum(upper, price) * 1.01,
        margin=np.full(count, 400.0),
        start=rng.integers(0, 2, count) * int(Start.FLAT),
    )


def assert_equal(ref: GridOutcomes, comp: GridOutcomes) -> None:
    for field in fields(GridOutcomes):
        expected, found = getattr(ref, field.name), getattr(comp, field.name)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected, err_msg=field.name)


@pytest.mark.parametrize("contracts_at_once", [1, 2, 3])
@pytest.mark.parametrize("grids_per_task", [7, 4096])
def test_any_partition_gives_the_same_bits(
    paths: PricePaths,
    monkeypatch: pytest.MonkeyPatch,
    contracts_at_once: int,
    grids_per_task: int,
) -> None:
    monkeypatch.setattr(
        LoadedPaths, "grids_per_task", property(lambda _: grids_per_task)
    )
    grids, costs = many_grids(paths, count=100), Costs(stop_slippage=0.001)
    schedule = Maintenance.assumed(len(paths.symbols))
    ref = simulated_grids(paths, grids, costs, maintenance=schedule)
    (comp,) = parameter_sweep(
        LoadedPaths(loaded=paths),
        grids,
        costs,
        maintenance=schedule,
        partition_bytes=contracts_at_once * BYTES_PER_BAR * paths.open_time.size,
    )
    assert_equal(ref, comp)


def test_each_order_is_one_result(paths: PricePaths) -> None:
    grids = many_grids(paths, count=30)
    orders = (FillOrder.HIGH_FIRST, FillOrder.CANDLE)
    found = parameter_sweep(LoadedPaths(loaded=paths), grids, orders=orders)
    for order, comp in zip(orders, found, strict=True):
        assert_equal(simulated_grids(paths, grids, order=order), comp)


def test_funding_stays_with_its_contract(paths: PricePaths) -> None:
    # the second contract has none, the third one's stand behind the first one's
    parts = [LoadedPaths(loaded=paths).part(n, n + 1).paths() for n in range(3)]
    counts = [part.funding_rate.size for part in parts]
    assert counts == [DAYS * 3, 0, DAYS * 3]
    assert all(part.funding_offset[0] == 0 for part in parts)


def test_a_cluster_gives_the_same_bits_from_names_and_from_arrays(
    cluster: str, source: HistoryPaths, paths: PricePaths
) -> None:
    grids = many_grids(paths, count=60)
    ref = simulated_grids(paths, grids)
    for origin in (source, LoadedPaths(loaded=paths)):
        (comp,) = parameter_sweep(origin, grids, engine=cluster, partition_bytes=1)
        assert_equal(ref, comp)


def test_progress_counts_partitions(paths: PricePaths) -> None:
    seen: list[tuple[int, int]] = []
    parameter_sweep(
        LoadedPaths(loaded=paths),
        many_grids(paths, count=60),
        partition_bytes=1,
        on_done=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_no_grid_is_no_result(paths: PricePaths) -> None:
    (found,) = parameter_sweep(LoadedPaths(loaded=paths), many_grids(paths, count=0))
    assert found.pnl.shape == (0,)
