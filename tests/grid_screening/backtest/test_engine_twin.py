"""The engine against its slow twin: every field, every fill of every grid."""

from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest

from grid_screening.backtest.engine import simulated_grids, simulated_pnl
from grid_screening.backtest.grids import (
    Costs,
    EndReason,
    FillOrder,
    GridBatch,
    Start,
)
from grid_screening.backtest.maintenance import Maintenance
from grid_screening.backtest.paths import PricePaths
from grid_screening.backtest.trace import traced_grid
from tests.grid_screening.backtest.random_grids import (
    random_batch,
    random_costs,
    random_maintenance,
    random_order,
    random_paths,
)
from tests.naive_simulator import FIELDS, PARTS, NaiveGrid, naive_outcome

ROWS, BARS = 24, 40
SEEDS = range(30)
ROUNDING = 1e-9 * 5_000
"""Relative to the largest notional here, about."""

Case = tuple[PricePaths, GridBatch, Costs, FillOrder, Maintenance]


@cache
def case(seed: int) -> Case:
    rng = np.random.default_rng(seed)
    return (
        random_paths(rng, ROWS, BARS),
        random_batch(rng, ROWS, BARS),
        random_costs(rng),
        random_order(rng),
        random_maintenance(rng, ROWS),
    )


@cache
def twins(seed: int) -> list[tuple[NaiveGrid, dict[str, Any]]]:
    paths, grids, costs, order, maintenance = case(seed)
    return [
        naive_outcome(paths, grids, number, costs, order, maintenance)
        for number in range(ROWS)
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_field_equals_the_twin(seed: int) -> None:
    paths, grids, costs, order, maintenance = case(seed)
    comp = simulated_grids(paths, grids, costs, order=order, maintenance=maintenance)
    for number, (_, ref) in enumerate(twins(seed)):
        for name in FIELDS:
            got = getattr(comp, name)[number]
            assert got == pytest.approx(float(ref[name]), rel=1e-9, abs=ROUNDING), (
                f"{name} of grid {number}"
            )


@pytest.mark.parametrize("seed", SEEDS)
def test_the_fast_way_gives_the_same_pnl_bit_by_bit(seed: int) -> None:
    paths, grids, costs, order, maintenance = case(seed)
    settings: dict[str, Any] = {"order": order, "maintenance": maintenance}
    pnl = simulated_pnl(paths, grids, costs, **settings)
    full = simulated_grids(paths, grids, costs, **settings)
    assert pnl.tolist() == full.pnl.tolist()


@pytest.mark.parametrize("seed", SEEDS)
def test_parts_add_up_and_are_signed(seed: int) -> None:
    paths, grids, costs, order, maintenance = case(seed)
    comp = simulated_grids(paths, grids, costs, order=order, maintenance=maintenance)
    total = sum(sign * getattr(comp, name) for name, sign in PARTS.items())
    assert total == pytest.approx(comp.pnl, rel=1e-12, abs=1e-8)
    for name in ("harvest", "fees", "max_drawdown"):
        assert (getattr(comp, name) >= 0).all(), name
    for name in ("stop_loss", "liquidation_loss", "worst_equity"):
        assert (getattr(comp, name) <= 0).all(), name


@pytest.mark.parametrize("seed", SEEDS)
def test_the_trace_holds_the_fills_of_the_twin(seed: int) -> None:
    paths, grids, costs, order, maintenance = case(seed)
    comp = simulated_grids(paths, grids, costs, order=order, maintenance=maintenance)
    for number, (twin, ref) in enumerate(twins(seed)):
        trace = traced_grid(
            paths, grids, number, costs, order=order, maintenance=maintenance
        )
        assert trace.fill_side.tolist() == [fill.side for fill, _ in twin.fills]
        assert trace.fill_price == pytest.approx([float(at) for _, at in twin.fills])
        assert trace.levels == pytest.approx([float(x) for x in twin.levels])
        assert trace.bar.size == ref["bars_run"]
        assert (
            trace.equity[-1:].tolist()
            == comp.pnl[number : number + 1].tolist()[: trace.bar.size]
        )
        assert trace.outcomes.max_drawdown[0] == pytest.approx(
            comp.max_drawdown[number], abs=1e-8
        )
        assert (np.diff(trace.fill_bar) >= 0).all()
        assert np.isin(trace.fill_bar, trace.bar).all()


def test_the_cases_hold_every_way_to_end_both_starts_and_all_orders() -> None:
    seen: Counter[Any] = Counter()
    for seed in SEEDS:
        paths, grids, _, order, _ = case(seed)
        held = paths.mark_high is not None
        for number, (twin, ref) in enumerate(twins(seed)):
            geometric = bool(grids.grid_ratio[number] > 1)
            seen.update([twin.reason, twin.start, order, ("geometric", geometric)])
            seen.update([("mark", held, twin.reason), ("fills", ref["fill_count"] > 9)])
    wanted = [*EndReason, *Start, *FillOrder, ("geometric", True), ("fills", True)]
    wanted += [("mark", held, EndReason.LIQUIDATED) for held in (True, False)]
    assert {name: seen[name] for name in wanted if seen[name] < 10} == {}
