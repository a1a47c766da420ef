"""What was tried is judged by placebo scores on its own origins."""

from functools import lru_cache

import numpy as np
import pytest

from grid_screening.validation.estimates import Estimator
from grid_screening.validation.mean_estimates import newey_west
from grid_screening.validation.multiple_testing import placebo_p_values
from grid_screening.validation.outcome_questions import RankQuestions, top_row
from grid_screening.validation.outcomes import COLUMNS, OriginOutcomes
from grid_screening.validation.placebo_series import RANK_IC, TOP, PlaceboT
from grid_screening.validation.profit_question import (
    profit_family,
    study_placebo,
    tried_rows,
)
from grid_screening.validation.results import LESS_SHUFFLED, Kind, TriedRow
from grid_screening.validation.scores import SAFEST, WIDTH, StudyScore
from grid_screening.validation.study_settings import MAIN
from grid_screening.validation.study_table import StudyTable, study_table
from monitor.domain.market import DAY_MS
from tests.grid_screening.validation import markets
from tests.histories import day_ms

ORIGINS, SIZE, TOP_COUNT, BEGIN = 60, 24, 6, 22
SETTINGS = markets.small_settings(top=TOP_COUNT, lag=3)


def origin(number: int) -> OriginOutcomes:
    rng = np.random.default_rng(number)
    values = rng.normal(size=(len(COLUMNS), SIZE))
    for name in ("stopped", "won"):
        values[COLUMNS.index(name)] = rng.random(SIZE) < 0.4
    values[COLUMNS.index("risk")] = 0.1
    return OriginOutcomes(
        as_of_ms=day_ms(60) + number * DAY_MS,
        excluded={},
        contracts=np.arange(SIZE, dtype=np.int64),
        factors={},
        scores={},
        narrow_scores={},
        width=np.ones(SIZE),
        turnover=np.ones(SIZE),
        outcomes={MAIN: values},
    )


@lru_cache(maxsize=1)
def table() -> StudyTable:
    return study_table([origin(number) for number in range(ORIGINS)])


@lru_cache(maxsize=1)
def placebo() -> PlaceboT:
    return study_placebo(table(), SETTINGS, SIZE)


def scores() -> tuple[StudyScore, StudyScore]:
    """One score that is always there, and one that begins later."""
    values = np.random.default_rng(99).normal(size=(ORIGINS, SIZE))
    late = values.copy()
    late[:BEGIN] = np.nan
    return (
        StudyScore(name=WIDTH, kind=Kind.CANDIDATE, values=values, listed=values),
        StudyScore(name=SAFEST, kind=Kind.CANDIDATE, values=late, listed=late),
    )


@lru_cache(maxsize=1)
def tried() -> dict[tuple[str, str], TriedRow]:
    estimate = Estimator(origin_ms=table().origin_ms, study=SETTINGS)
    questions = RankQuestions(table(), estimate, SETTINGS)
    ranks = [questions.row(score) for score in scores()]
    tops = [top_row(table(), estimate, score, TOP_COUNT) for score in scores()]
    rows = tried_rows(table(), scores(), (ranks, tops), placebo(), SETTINGS)
    return {(row.name, row.statistic): row for row in rows}


@pytest.mark.parametrize("kind", [RANK_IC, TOP])
def test_p_values_are_those_of_placebos_on_the_same_origins(kind: str) -> None:
    series = placebo().series[kind, "pnl"]
    for name, first in ((WIDTH, 0), (SAFEST, BEGIN)):
        row = tried()[name, f"{kind} pnl"]
        t = np.array([newey_west(each[first:], 3).t for each in series])
        assert row.p_value == placebo_p_values(np.array(row.t), t)
    late = tried()[SAFEST, f"{kind} pnl"]
    everywhere = placebo().by_statistic[kind, "pnl"]
    assert late.p_value != placebo_p_values(np.array(late.t), everywhere)


def test_the_control_is_no_trial() -> None:
    kinds = {statistic for _, statistic in tried()}
    assert not {s for s in kinds if "shuffled" in s or LESS_SHUFFLED in s}
    assert len(tried()) == 2 * (4 + 3)


def test_effects_are_seen_from_where_they_pass_the_familys_point() -> None:
    estimate = Estimator(origin_ms=table().origin_ms, study=SETTINGS)
    tops = [top_row(table(), estimate, score, TOP_COUNT) for score in scores()]
    rows = profit_family(table(), scores(), tops, placebo(), SETTINGS).rows
    for row, plain in zip(rows, tops, strict=True):
        least = (row.critical_value + 0.8416) * row.pnl.standard_error
        assert row.minimum_detectable == pytest.approx(least, rel=1e-4)
        assert plain.minimum_detectable == pytest.approx(
            2.8016 * row.pnl.standard_error, rel=1e-4
        )
