"""What the grids earned, and whether anything ordered them."""

import numpy as np

from grid_screening.validation.estimates import Estimator, overlap_lag
from grid_screening.validation.histograms import outcome_histogram
from grid_screening.validation.mean_estimates import (
    minimum_detectable_effect,
    newey_west,
)
from grid_screening.validation.rank_statistics import (
    decile_excess,
    decile_means,
    rank_ic,
    top_minus_universe,
)
from grid_screening.validation.results import (
    LESS_SHUFFLED,
    DecileRow,
    OutcomeSummary,
    RankRow,
    TopRow,
)
from grid_screening.validation.scale_control import shuffled_scale_control
from grid_screening.validation.scores import StudyScore
from grid_screening.validation.study_settings import MAIN, StudySettings
from grid_screening.validation.study_table import StudyTable, by_origin
from monitor.domain.market import DAY_MS
from monitor.domain.typing import FloatArray

CONTROL_DRAWS = 5
"""Rings per origin of the shuffled control."""

HISTOGRAM = (-0.30, 0.15, 45)
"""Low, high, steps: 1 % each."""

_WORST = (0.01, 0.05, 0.5)


def outcome_summary(
    table: StudyTable, estimate: Estimator, variant: str, horizon_ms: int
) -> OutcomeSummary:
    """Return what became of the grids of ``variant``."""
    pnl = table.outcome(variant, "pnl")
    known = pnl[~np.isnan(pnl)]
    worst = table.outcome(variant, "worst")
    worst = worst[~np.isnan(worst)]

    def mean(column: str) -> FloatArray:
        return by_origin(table.outcome(variant, column))

    def quantile(values: FloatArray, share: float) -> float:
        return float(np.quantile(values, share)) if values.size else np.nan

    low, high, bins = HISTOGRAM
    return OutcomeSummary(
        horizon_days=horizon_ms / DAY_MS,
        grid_count=known.size,
        median=quantile(known, 0.5),
        standard_deviation=float(known.std()) if known.size else np.nan,
        pnl=estimate(by_origin(pnl), horizon_ms),
        won=estimate(mean("won"), horizon_ms),
        stopped=estimate(mean("stopped"), horizon_ms),
        take_profit=estimate(mean("take_profit"), horizon_ms),
        liquidated=estimate(mean("liquidated"), horizon_ms),
        static_short=estimate(mean("static_short"), horizon_ms),
        grid_less_static=estimate(
            by_origin(pnl - table.outcome(variant, "static_short")), horizon_ms
        ),
        fees=estimate(mean("fees"), horizon_ms),
        funding=estimate(mean("funding"), horizon_ms),
        worst=(
            quantile(worst, _WORST[0]),
            quantile(worst, _WORST[1]),
            quantile(worst, _WORST[2]),
        ),
        histogram=outcome_histogram(known, low=low, high=high, bins=bins),
    )


def tested_outcomes(table: StudyTable) -> dict[str, FloatArray]:
    """Return the outcomes that scores are tried against, by name."""
    return {
        "pnl": table.outcome(MAIN, "pnl"),
        "r": table.outcome(MAIN, "r"),
        "won": table.outcome(MAIN, "won"),
        "not_stopped": 1 - table.outcome(MAIN, "stopped"),
    }


class RankQuestions:
    """Rank correlations of any score with the tested outcomes."""

    def __init__(
        self, table: StudyTable, estimate: Estimator, study: StudySettings
    ) -> None:
        self._outcomes = tested_outcomes(table)
        self._estimate = estimate
        scale = table.outcome(MAIN, "risk")
        self._controls = np.stack(
            [
                shuffled_scale_control(self._outcomes["r"], scale, seed=study.seed + k)
                for k in range(CONTROL_DRAWS)
            ]
        )

    def row(self, score: StudyScore) -> RankRow:
        """Return the rank correlations of ``score``."""
        actual = rank_ic(score.values, self._outcomes["pnl"])
        control = rank_ic(score.values[None], self._controls).mean(axis=0)
        return RankRow(
            name=score.name,
            kind=score.kind,
            outcomes={
                "pnl": self._estimate(actual),
                "shuffled": self._estimate(control),
                LESS_SHUFFLED: self._estimate(actual - control),
                **{
                    name: self._estimate(rank_ic(score.values, self._outcomes[name]))
                    for name in ("r", "won", "not_stopped")
                },
            },
        )


def decile_row(table: StudyTable, score: StudyScore, study: StudySettings) -> DecileRow:
    """Return mean outcomes of each tenth of ``score``."""
    pnl = table.outcome(MAIN, "pnl")
    excess = decile_excess(score.values, pnl)
    lag = overlap_lag(study, study.horizon_ms)
    return DecileRow(
        name=score.name,
        pnl=tuple(decile_means(score.values, pnl).tolist()),
        stopped=tuple(
            decile_means(score.values, table.outcome(MAIN, "stopped")).tolist()
        ),
        pnl_error=tuple(newey_west(tenth, lag).standard_error for tenth in excess.T),
    )


def top_row(
    table: StudyTable, estimate: Estimator, score: StudyScore, top: int
) -> TopRow:
    """Return the best ``top`` of ``score`` less the universe."""

    def excess(column: str) -> FloatArray:
        return top_minus_universe(score.listed, table.outcome(MAIN, column), top)

    pnl = estimate(excess("pnl"))
    return TopRow(
        name=score.name,
        kind=score.kind,
        top=top,
        pnl=pnl,
        minimum_detectable=minimum_detectable_effect(pnl.standard_error),
        stopped=estimate(excess("stopped")),
        won=estimate(excess("won")),
    )
