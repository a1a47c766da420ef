"""Question 4, and what it costs to have tried so much."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from grid_screening.validation.estimates import overlap_lag
from grid_screening.validation.mean_estimates import minimum_detectable_effect
from grid_screening.validation.multiple_testing import (
    benjamini_hochberg,
    placebo_level,
    placebo_p_values,
    placebo_scores,
)
from grid_screening.validation.outcome_questions import tested_outcomes
from grid_screening.validation.placebo_series import (
    RANK_IC,
    TOP,
    PlaceboT,
    placebo_statistics,
)
from grid_screening.validation.rank_statistics import rank_ic, top_minus_universe
from grid_screening.validation.results import (
    Estimate,
    Kind,
    PlaceboRow,
    ProfitFamily,
    ProfitRow,
    RankRow,
    TopRow,
    TriedRow,
)
from grid_screening.validation.scores import CANDIDATES, NATR, StudyScore
from grid_screening.validation.study_settings import MAIN, StudySettings
from grid_screening.validation.study_table import StudyTable
from monitor.domain.typing import BoolArray, FloatArray

NOMINAL = 0.05
"""Share of false alarms that a test promises."""


def study_placebo(
    table: StudyTable, study: StudySettings, contract_count: int
) -> PlaceboT:
    """Return the t of placebo scores for every statistic that is tested."""
    return placebo_statistics(
        placebo_scores(study.placebo_count, contract_count, study.seed),
        table.contracts,
        _outcomes(table),
        top=study.top,
        lag=overlap_lag(study, study.horizon_ms),
    )


def profit_family(
    table: StudyTable,
    scores: Sequence[StudyScore],
    rows: Sequence[TopRow],
    placebo: PlaceboT,
    study: StudySettings,
) -> ProfitFamily:
    """Judge the declared candidates by the largest |t| of as many placebo scores.

    The placebos are judged on the origins of the candidate: one that needs the
    walk-forward probability has fewer, and fewer origins reach larger |t|.
    """
    values = {score.name: score.listed for score in scores}
    return ProfitFamily(
        placebo_count=study.placebo_count,
        rows=tuple(
            _profit_row(row, _listing_origins(table, values[row.name], study), placebo)
            for row in rows
            if row.name in CANDIDATES
        ),
    )


def _listing_origins(
    table: StudyTable, score: FloatArray, study: StudySettings
) -> BoolArray:
    excess = top_minus_universe(score, table.outcome(MAIN, "pnl"), study.top)
    return ~np.isnan(excess)


def _profit_row(row: TopRow, origins: BoolArray, placebo: PlaceboT) -> ProfitRow:
    level = placebo_level(placebo.where((TOP, "pnl"), origins), family=len(CANDIDATES))
    return ProfitRow(
        name=row.name,
        pnl=row.pnl,
        minimum_detectable=minimum_detectable_effect(
            row.pnl.standard_error, critical=level.critical_t
        ),
        critical_value=level.critical_t,
        ships=row.pnl.t > level.critical_t,
    )


def placebo_rows(placebo: PlaceboT) -> tuple[PlaceboRow, ...]:
    """Return how often nominal tests reject scores without meaning."""
    rows = []
    for kind, outcome in _tested():
        level = placebo_level(placebo.by_statistic[kind, outcome], family=1)
        rows.append(
            PlaceboRow(
                statistic=f"{kind} {outcome}",
                nominal=NOMINAL,
                rejected=level.nominal_rejections,
                critical_value=level.single_t,
            )
        )
    return tuple(rows)


def tried_rows(
    table: StudyTable,
    scores: Sequence[StudyScore],
    results: tuple[Sequence[RankRow], Sequence[TopRow]],
    placebo: PlaceboT,
    study: StudySettings,
) -> tuple[TriedRow, ...]:
    """Return everything that was tried, with what survives the whole list.

    Parameters
    ----------
    table : StudyTable
    scores : sequence of StudyScore
        Those of ``results``.
    results : tuple
        Rank correlations and lists.
    placebo : PlaceboT
        Judged on the origins of what was tried, as in `profit_family`.
    study : StudySettings
    """
    ranks, tops = results
    outcomes = _outcomes(table)
    tried = [
        _Tried(row.name, row.kind, RANK_IC, name, estimate.mean, estimate.t)
        for row in ranks
        for name, estimate in row.outcomes.items()
        # NATR the baseline and natr the factor are one trial
        if name in outcomes and row.name != NATR
    ] + [
        _Tried(row.name, row.kind, TOP, name, estimate.mean, estimate.t)
        for row in tops
        for name, estimate in _top_estimates(row).items()
    ]
    by_name = {score.name: score for score in scores}

    @cache
    def reached(statistic: tuple[str, str], origins: bytes) -> FloatArray:
        return placebo.where(statistic, np.frombuffer(origins, np.bool_))

    def p_value(each: _Tried) -> FloatArray:
        statistic = each.statistic, each.outcome
        series = _series(by_name[each.name], statistic, outcomes, study.top)
        origins = ~np.isnan(series)
        return placebo_p_values(np.array(each.t), reached(statistic, origins.tobytes()))

    p_values = np.array([p_value(each) for each in tried], np.float64)
    stands = benjamini_hochberg(p_values, NOMINAL)
    return tuple(
        TriedRow(
            name=each.name,
            kind=each.kind,
            statistic=f"{each.statistic} {each.outcome}",
            mean=each.mean,
            t=each.t,
            p_value=float(p),
            discovered=bool(stood),
        )
        for each, p, stood in zip(tried, p_values, stands, strict=True)
    )


def _outcomes(table: StudyTable) -> dict[str, FloatArray]:
    return {**tested_outcomes(table), "stopped": table.outcome(MAIN, "stopped")}


def _series(
    score: StudyScore,
    statistic: tuple[str, str],
    outcomes: Mapping[str, FloatArray],
    top: int,
) -> FloatArray:
    kind, outcome = statistic
    if kind == RANK_IC:
        return rank_ic(score.values, outcomes[outcome])
    return top_minus_universe(score.listed, outcomes[outcome], top)


@dataclass(frozen=True, slots=True)
class _Tried:
    name: str
    kind: Kind
    statistic: str
    outcome: str
    mean: float
    t: float


def _top_estimates(row: TopRow) -> Mapping[str, Estimate]:
    return {"pnl": row.pnl, "stopped": row.stopped, "won": row.won}


def _tested() -> tuple[tuple[str, str], ...]:
    ranked = ((RANK_IC, name) for name in ("pnl", "r", "won", "not_stopped"))
    return (*ranked, *((TOP, name) for name in ("pnl", "stopped", "won")))
