"""A study from files: what is read, and workers that read it themselves."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import LocalCluster

from grid_screening.exceptions import InvalidSettings
from grid_screening.services.study_service import (
    OriginTask,
    StudyOrder,
    distant_outcomes,
    run_study,
    study_market,
    study_settings,
)
from grid_screening.validation.outcomes import OriginOutcomes, origin_outcomes
from monitor.domain.market import DAY_MS, KlineInterval
from monitor.domain.progress import Progress
from monitor.market_data.history import opened_history
from tests.grid_screening.backtest.history_folder import (
    START_MS,
    walk,
    write_history,
    write_klines,
)

VOLUME = 1e4
"""The cheapest of the three contracts turns over 24 · 10⁶ · 0.03."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_history(tmp_path_factory.mktemp("history") / "walks", days=80)


@pytest.fixture
def order(folder: Path) -> StudyOrder:
    return StudyOrder(folder=folder, universe_volume=VOLUME, top=1)


def assert_same(found: OriginOutcomes, expected: OriginOutcomes) -> None:
    assert found.as_of_ms == expected.as_of_ms
    assert found.excluded == expected.excluded
    np.testing.assert_array_equal(found.contracts, expected.contracts)
    np.testing.assert_array_equal(found.width, expected.width)
    for name in ("factors", "scores", "narrow_scores", "outcomes"):
        ours, theirs = getattr(found, name), getattr(expected, name)
        assert list(ours) == list(theirs)
        for key in ours:
            np.testing.assert_array_equal(ours[key], theirs[key])


def done(order: StudyOrder, steps: list[Progress] | None = None) -> Any:
    return run_study(
        order,
        clock=lambda: 0.0,
        on_progress=(lambda _: None) if steps is None else steps.append,
    ).result


def test_a_history_none_of_the_declared_days_fall_into_is_studied_whole(
    order: StudyOrder,
) -> None:
    # 80 days from 2025-01-01: scans look back 50, grids live 7
    settings = study_settings(order, opened_history(order.folder))
    assert settings.start_ms == START_MS + 50 * DAY_MS
    assert settings.end_ms == START_MS + 73 * DAY_MS


def test_finer_bars_are_found(order: StudyOrder) -> None:
    found = done(order)
    assert found.data.interval == KlineInterval.H1
    assert found.data.finer.startswith("15m bars of 2 contracts")
    names = {row.name: row.grid_count for row in found.sensitivity}
    assert names["finer bars"] == names["same contracts, plan's bars"] > 0
    assert names["finer bars"] < names["plan"]


def test_progress_counts_every_scan(order: StudyOrder) -> None:
    steps: list[Progress] = []
    found = done(order, steps)
    scans = [step for step in steps if step.stage == "origins"]
    assert [step.done for step in scans] == list(range(1, len(found.universe) + 1))
    assert {step.stage for step in steps} == {"history", "origins", "statistics"}
    last = steps[-1]
    assert (last.done, last.total) == (6, 6)


def test_a_check_that_raises_ends_the_study(order: StudyOrder) -> None:
    def check() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(order, clock=lambda: 0.0, on_progress=lambda _: None, check=check)


def test_a_worker_that_reads_the_history_itself_finds_the_same(
    order: StudyOrder,
) -> None:
    settings = study_settings(order, opened_history(order.folder))
    at_ms = settings.origins[3]
    task = OriginTask(folder=order.folder, study=settings, as_of_ms=at_ms)
    sent = pickle.loads(pickle.dumps(task))  # noqa: S301 -- our own
    here = origin_outcomes(study_market(order.folder, settings), at_ms)
    assert_same(pickle.loads(pickle.dumps(distant_outcomes(sent))), here)  # noqa: S301


def test_bars_longer_than_an_hour_are_not_enough(tmp_path: Path) -> None:
    bars = {"ALPHAUSDT": walk(600, seed=1, price=2.0)}
    step_ms = KlineInterval.H4.milliseconds
    write_klines(
        tmp_path / "klines_4h_x.parquet", bars, start_ms=START_MS, step_ms=step_ms
    )
    with pytest.raises(InvalidSettings, match="bars of 1h or less, was '4h'"):
        study_settings(StudyOrder(folder=tmp_path), opened_history(tmp_path))


@pytest.mark.slow
def test_a_cluster_finds_the_same(order: StudyOrder, folder: Path) -> None:
    with LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0",
    ) as started:
        engine = f"dask://{started.scheduler_address.removeprefix('tcp://')}"
        there = done(
            StudyOrder(folder=folder, universe_volume=VOLUME, top=1, engine=engine)
        )
    assert there.to_mapping() == done(order).to_mapping()
