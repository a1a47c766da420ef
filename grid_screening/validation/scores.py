"""Everything that orders contracts in the study, by name."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from grid_screening.factor_specs import FACTOR_NAMES
from grid_screening.validation.origin_choice import CLASSIC, GUARDED, GUARDED_LIST
from grid_screening.validation.results import Kind
from grid_screening.validation.study_settings import StudySettings
from grid_screening.validation.study_table import StudyTable
from monitor.domain.typing import FloatArray

SAFEST = "lowest stop-out probability"
WIDTH = "x"
DAMPED = "classic · (1 − stop-out probability)"
CANDIDATES = (CLASSIC, GUARDED, SAFEST, WIDTH, DAMPED)
"""The declared family."""

RANDOM = "random"
TURNOVER = "24 h turnover"
NATR = "NATR"
BASELINES = (RANDOM, TURNOVER, NATR)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StudyScore:
    """One score at every origin."""

    name: str
    kind: Kind
    values: FloatArray
    """Shape ``(n_origins, n)``; higher is better; NaN: not offered."""
    listed: FloatArray
    """The same of what a list is taken from: ``values``, unless a scan looks at fewer
    contracts than have a score."""


def ranked_scores(
    table: StudyTable, probability: FloatArray, study: StudySettings
) -> tuple[StudyScore, ...]:
    """Return the profiles and other candidates, then the baselines.

    Parameters
    ----------
    table : StudyTable
    probability : ndarray of shape (n_origins, n)
        Walk-forward stop-out probability; NaN before the first predicted month.
    study : StudySettings
        Seed of the random score, which is drawn anew at every origin.
    """
    classic = table.score(CLASSIC)
    rng = np.random.default_rng(study.seed)
    values: Mapping[str, FloatArray] = {
        CLASSIC: classic,
        GUARDED: table.score(GUARDED),
        SAFEST: -probability,
        WIDTH: table.width(),
        DAMPED: classic * (1 - probability),
        RANDOM: np.where(table.contracts >= 0, rng.random(table.shape), np.nan),
        TURNOVER: table.turnover(),
        NATR: table.factor("natr"),
    }
    return tuple(
        StudyScore(
            name=name,
            kind=_kind(name),
            values=values[name],
            listed=table.score(GUARDED_LIST) if name == GUARDED else values[name],
        )
        for name in (*CANDIDATES, *BASELINES)
    )


def factor_scores(table: StudyTable) -> tuple[StudyScore, ...]:
    """Return every factor that history can give, as it is: no side is better."""
    given = {
        name: table.factor(name)
        for name in FACTOR_NAMES
        if table.origins and name in table.origins[0].factors
    }
    found = (
        StudyScore(name=name, kind=Kind.FACTOR, values=values, listed=values)
        for name, values in given.items()
    )
    return tuple(score for score in found if np.isfinite(score.values).any())


def missing_factors(table: StudyTable) -> tuple[str, ...]:
    """Return the factors whose inputs history lacks."""
    given = {score.name for score in factor_scores(table)}
    return tuple(name for name in FACTOR_NAMES if name not in given)


def _kind(name: str) -> Kind:
    if name in {CLASSIC, GUARDED}:
        return Kind.PROFILE
    return Kind.BASELINE if name in BASELINES else Kind.CANDIDATE
