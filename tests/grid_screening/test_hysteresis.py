"""Who was listed stays a little longer; nobody much better waits for it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grid_screening.conf import ScreenerSettings
from grid_screening.hysteresis import held_rows
from grid_screening.listing import listed_rows
from grid_screening.profile import load_profile
from grid_screening.ranking import Ranking, ranking
from tests.snapshots import random_panel, snapshot_of

COUNT = 12


def _ranking() -> Ranking:
    market = snapshot_of(random_panel(COUNT, 60, seed=4))
    chosen = ScreenerSettings(min_natr=0.0, max_natr=100.0, max_tick_share=1.0)
    found = ranking(market, chosen, load_profile("classic"))
    vetoed = np.zeros(COUNT, dtype=np.bool_)
    # the last two of the order, so that ranks stay as they are
    vetoed[found.scores.order[-2:]] = True
    return replace(found, scores=replace(found.scores, vetoed=vetoed))


RESULT = _ranking()
BY_RANK = [RESULT.scores.symbols[row] for row in RESULT.scores.order]

lists = st.lists(st.sampled_from(BY_RANK), unique=True)
lengths = st.integers(0, COUNT + 2)


def _held(previous: list[str], *, top: int, slack: int) -> list[str]:
    rows = held_rows(RESULT, previous, top=top, slack=slack)
    return [RESULT.scores.symbols[row] for row in rows]


@settings(deadline=None)
@given(previous=lists, top=lengths)
def test_without_slack_nothing_is_held(previous: list[str], top: int) -> None:
    assert held_rows(RESULT, previous, top=top, slack=0) == listed_rows(RESULT, top)


@settings(deadline=None)
@given(slack=st.integers(0, 20), top=lengths)
def test_without_an_earlier_list_nothing_is_held(slack: int, top: int) -> None:
    assert held_rows(RESULT, ["GONEUSDT"], top=top, slack=slack) == listed_rows(
        RESULT, top
    )


@settings(deadline=None)
@given(previous=lists, top=st.integers(1, COUNT + 2), slack=st.integers(0, 20))
def test_list_keeps_its_length_its_order_and_no_vetoed(
    previous: list[str], top: int, slack: int
) -> None:
    rows = held_rows(RESULT, previous, top=top, slack=slack)
    assert len(rows) == len(set(rows)) == min(top, COUNT - 2)
    assert not RESULT.scores.vetoed[rows].any()
    assert np.all(np.diff(RESULT.scores.rank[rows]) > 0)


@settings(deadline=None)
@given(previous=lists, top=st.integers(1, COUNT), slack=st.integers(0, 20))
def test_who_was_listed_leaves_only_below_the_slack_or_for_the_much_better(
    previous: list[str], top: int, slack: int
) -> None:
    kept = _held(previous, top=top, slack=slack)
    slack = min(slack, top - 1)  # more counts as that
    for place, symbol in enumerate(BY_RANK[: COUNT - 2], 1):
        if symbol in previous and place <= top:
            assert symbol in kept
        if symbol in previous and place <= top + slack and symbol not in kept:
            assert all(
                other in previous or BY_RANK.index(other) + 1 < place - slack
                for other in kept
                if BY_RANK.index(other) + 1 < place
            )
        if place > top + slack:
            assert symbol not in kept
        if place <= top - slack:
            assert symbol in kept


def test_a_member_just_below_the_list_stays() -> None:
    kept = _held([BY_RANK[5]], top=5, slack=1)
    assert kept == [*BY_RANK[:4], BY_RANK[5]]


@pytest.mark.parametrize("slack", [1, 2, 3, 100])
def test_the_best_contract_is_never_kept_out(slack: int) -> None:
    kept = _held(BY_RANK[1:9], top=3, slack=slack)
    assert kept[0] == BY_RANK[0]


def test_negative_slack_is_refused() -> None:
    with pytest.raises(ValueError, match="slack must be at least 0, was -1"):
        held_rows(RESULT, [], top=3, slack=-1)
