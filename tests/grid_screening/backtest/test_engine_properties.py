"""What must hold whatever the prices: order of costs, stops, margins; independence."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from grid_screening.backtest.engine import (
    order_interval,
    simulated_grids,
    simulated_pnl,
)
from grid_screening.backtest.grids import (
    Costs,
    EndReason,
    FillOrder,
    GridBatch,
    GridOutcomes,
)
from grid_screening.backtest.paths import PricePaths
from monitor.domain.typing import FloatArray, IntArray
from tests.grid_screening.backtest.random_grids import (
    INF,
    grid,
    path_through,
    random_batch,
    random_paths,
)

ROWS, BARS = 300, 60


@pytest.fixture(scope="module", params=range(3))
def market(request: pytest.FixtureRequest) -> tuple[PricePaths, GridBatch]:
    rng = np.random.default_rng(request.param)
    return random_paths(rng, ROWS, BARS), random_batch(rng, ROWS, BARS)


def picked(grids: GridBatch, which: IntArray) -> GridBatch:
    return GridBatch(
        **{field.name: getattr(grids, field.name)[which] for field in fields(GridBatch)}
    )


def columns(outcomes: GridOutcomes) -> dict[str, list[float]]:
    return {f.name: getattr(outcomes, f.name).tolist() for f in fields(GridOutcomes)}


def wealth(paths: PricePaths, grids: GridBatch, **costs: float) -> FloatArray:
    free = {"maker_fee": 0.0, "taker_fee": 0.0}
    return simulated_pnl(paths, grids, Costs(**(free | costs)))


@pytest.mark.parametrize("name", ["maker_fee", "taker_fee", "stop_slippage"])
def test_a_higher_cost_never_helps(
    market: tuple[PricePaths, GridBatch], name: str
) -> None:
    paths, grids = market[0], replace(market[1], margin=np.full(ROWS, INF))
    last = wealth(paths, grids)
    for cost in (0.0001, 0.001, 0.009):
        now = wealth(paths, grids, **{name: cost})
        assert (now <= last + 1e-9).all()
        last = now


def test_a_higher_stop_never_stops_earlier(
    market: tuple[PricePaths, GridBatch],
) -> None:
    paths, grids = market[0], replace(market[1], margin=np.full(ROWS, INF))
    last = simulated_grids(paths, grids)
    assert (last.end_reason == EndReason.STOPPED).any()
    for factor in (1.001, 1.01, 1.1):
        higher = replace(grids, stop_price=grids.stop_price * factor)
        now = simulated_grids(paths, higher)
        assert (now.end_bar >= last.end_bar).all()
        stopped = now.end_reason == EndReason.STOPPED
        assert (last.end_reason[stopped] == EndReason.STOPPED).all()
        last = now


def test_more_margin_is_never_liquidated_earlier(
    market: tuple[PricePaths, GridBatch],
) -> None:
    paths, grids = market
    last = simulated_grids(paths, grids)
    assert (last.end_reason == EndReason.LIQUIDATED).any()
    for factor in (1.5, 4.0):
        now = simulated_grids(paths, replace(grids, margin=grids.margin * factor))
        lost = now.end_reason == EndReason.LIQUIDATED
        assert (last.end_reason[lost] == EndReason.LIQUIDATED).all()
        assert (now.end_bar >= last.end_bar)[lost].all()
        last = now


def test_twice_the_quantity_is_twice_of_everything(
    market: tuple[PricePaths, GridBatch],
) -> None:
    paths, grids = market[0], replace(market[1], margin=np.full(ROWS, INF))
    once = columns(simulated_grids(paths, grids))
    twice = columns(simulated_grids(paths, replace(grids, quantity=2 * grids.quantity)))
    amounts = ("pnl", "harvest", "displacement", "initial_short", "stop_loss")
    amounts += ("fees", "funding", "worst_equity", "max_drawdown", "static_short")
    for name, values in once.items():
        factor = 2 if name in amounts else 1
        assert twice[name] == pytest.approx([factor * x for x in values], abs=1e-9), (
            name
        )


def test_outcomes_do_not_depend_on_how_a_batch_is_cut_or_threaded(
    market: tuple[PricePaths, GridBatch],
) -> None:
    paths, grids = market
    whole = columns(simulated_grids(paths, grids))
    order = np.random.default_rng(0).permutation(ROWS)
    parts = np.array_split(order, 7)
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(
            lambda part: simulated_grids(paths, picked(grids, part)), parts
        )
        for part, outcomes in zip(parts, found, strict=True):
            for name, values in columns(outcomes).items():
                assert values == [whole[name][number] for number in part], name


def test_the_same_bars_later_on_give_the_same_outcome(
    market: tuple[PricePaths, GridBatch],
) -> None:
    paths, grids = market
    shift = 5

    def later(column: FloatArray | None) -> Any:
        return None if column is None else np.pad(column, ((0, 0), (shift, 0)), "edge")

    moved = replace(
        paths,
        **{
            name: later(getattr(paths, name))
            for name in ("open", "high", "low", "close", "mark_high")
        },
        funding_bar=paths.funding_bar + shift,
    )
    ref = columns(simulated_grids(paths, grids))
    comp = columns(
        simulated_grids(
            moved, replace(grids, begin=grids.begin + shift, end=grids.end + shift)
        )
    )
    assert comp.pop("end_bar") == [bar + shift for bar in ref.pop("end_bar")]
    assert comp == ref


def test_the_interval_holds_both_fixed_orders(
    market: tuple[PricePaths, GridBatch],
) -> None:
    low, high = order_interval(*market)
    for order in (FillOrder.LOW_FIRST, FillOrder.HIGH_FIRST):
        pnl = simulated_pnl(*market, order=order)
        assert ((low <= pnl) & (pnl <= high)).all()
    assert (low < high).any()


def test_so_many_levels_that_the_look_up_is_coarse_change_nothing() -> None:
    # lowest cell 0.04 % of the range: more than one level in a bucket further up
    rng = np.random.default_rng(3)
    prices = 10 * np.exp(np.cumsum(rng.normal(0, 0.25, 400)))
    ratio, lower = 1.02, 0.001
    many = grid(
        price=10.0,
        lower_bound=lower,
        grid_ratio=ratio,
        grid_step=0.0,
        level_count=1_000,
        quantity=1.0,
    )
    levels = lower * ratio ** np.arange(1_000)
    fills = int(np.sum(levels < 10.0))
    held, expected = fills, 0
    for price in prices:
        sold, kept = np.sum(levels[1:] <= price), np.sum(levels[:-1] < price)
        now = min(max(held, sold), kept)
        expected, held = expected + abs(now - held), now
    ours = simulated_grids(path_through(*prices), many)
    assert ours.fill_count[0] == expected
    assert ours.end_lots[0] == held
