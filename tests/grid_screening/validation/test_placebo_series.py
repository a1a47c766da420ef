"""Placebo statistics for many scores at once: equal to one score after the other."""

from functools import partial

import numpy as np
import pytest

from grid_screening.validation.multiple_testing import placebo_scores
from grid_screening.validation.placebo_series import (
    RANK_IC,
    TOP,
    placebo_statistics,
)
from grid_screening.validation.rank_statistics import rank_ic, top_minus_universe
from monitor.domain.typing import FloatArray, IntArray
from tests.naive_statistics import Statistic, naive_placebo_t

ORIGINS, CONTRACTS, TAKEN = 30, 25, 20


def places(rng: np.random.Generator) -> IntArray:
    """Contracts of each origin: 20 of 25, the last two places empty at times."""
    rows = [np.sort(rng.permutation(CONTRACTS)[:TAKEN]) for _ in range(ORIGINS)]
    found = np.array(rows, np.int64)
    found[::3, -2:] = -1
    return found


def outcome(
    rng: np.random.Generator, contracts: IntArray, unknown: float
) -> FloatArray:
    values = np.round(rng.normal(size=contracts.shape), 1)  # with ties
    gone = (contracts < 0) | (rng.random(contracts.shape) < unknown)
    return np.where(gone, np.nan, values)


def t_of(
    score: FloatArray, contracts: IntArray, values: FloatArray, statistic: Statistic
) -> float:
    """Return the t of one score, known by contract, at the places of the table."""
    placed = np.where(contracts < 0, np.nan, score[contracts])
    found = naive_placebo_t(
        np.zeros((1, TAKEN)), values, lambda _, came: statistic(placed, came), lag=3
    )
    return float(found[0])


def test_it_equals_the_statistics_of_each_score() -> None:
    rng = np.random.default_rng(1)
    contracts = places(rng)
    outcomes = {
        "a": outcome(rng, contracts, 0.0),
        "b": outcome(rng, contracts, 0.0),
        "c": outcome(rng, contracts, 0.3),
    }
    outcomes["c"][4] = np.nan  # nothing known at one origin
    scores = placebo_scores(40, CONTRACTS, 7)
    found = placebo_statistics(scores, contracts, outcomes, top=5, lag=3)
    for name, values in outcomes.items():
        for kind, statistic in (
            (RANK_IC, rank_ic),
            (TOP, partial(top_minus_universe, top=5)),
        ):
            ref = [t_of(score, contracts, values, statistic) for score in scores]
            comp = found.by_statistic[kind, name]
            np.testing.assert_allclose(comp, ref, rtol=1e-9)


@pytest.mark.parametrize("top", [20, 30])
def test_a_list_as_long_as_the_universe_has_no_excess(top: int) -> None:
    rng = np.random.default_rng(2)
    contracts = places(rng)
    found = placebo_statistics(
        placebo_scores(3, CONTRACTS, 1),
        contracts,
        {"a": outcome(rng, contracts, 0.0)},
        top=top,
        lag=0,
    )
    assert np.isnan(found.by_statistic[TOP, "a"]).all()
    assert np.isfinite(found.by_statistic[RANK_IC, "a"]).all()


def test_too_few_contracts_say_nothing() -> None:
    contracts = np.tile(np.arange(4, dtype=np.int64), (6, 1))
    values = np.random.default_rng(3).normal(size=contracts.shape)
    found = placebo_statistics(
        placebo_scores(2, 4, 1), contracts, {"a": values}, top=1, lag=0
    )
    assert np.isnan(found.by_statistic[RANK_IC, "a"]).all()


def test_fewer_origins_are_those_of_the_placebos_too() -> None:
    rng = np.random.default_rng(3)
    contracts = places(rng)
    values = outcome(rng, contracts, 0.0)
    scores = placebo_scores(40, CONTRACTS, 7)
    found = placebo_statistics(scores, contracts, {"a": values}, top=5, lag=3)
    late = np.arange(ORIGINS) >= 10
    statistic = partial(top_minus_universe, top=5)
    kept = np.where(late[:, None], values, np.nan)
    ref = [t_of(score, contracts, kept, statistic) for score in scores]
    comp = found.where((TOP, "a"), late)
    np.testing.assert_allclose(comp, ref, rtol=1e-9)
    assert np.all(np.isfinite(comp))
    assert not np.allclose(comp, found.by_statistic[TOP, "a"])
