"""Means over origins, with errors and intervals that respect overlap."""

from dataclasses import dataclass
from math import ceil

from grid_screening.block_bootstrap import block_bootstrap_interval
from grid_screening.calendar_weeks import week_blocks
from grid_screening.validation.mean_estimates import newey_west
from grid_screening.validation.results import Estimate
from grid_screening.validation.study_settings import StudySettings
from monitor.domain.market import DAY_MS
from monitor.domain.typing import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimator:
    """Makes an `Estimate` of one value per origin."""

    origin_ms: IntArray
    """Times of the origins, ms UTC."""
    study: StudySettings

    def __call__(self, series: FloatArray, horizon_ms: int | None = None) -> Estimate:
        """Return the mean of ``series``, shape ``(n_origins,)``; NaN is left out.

        ``horizon_ms`` (the study's by default) decides how far neighbours overlap: the
        lag of the error, and how many calendar weeks make a block of the interval.
        """
        horizon = self.study.horizon_ms if horizon_ms is None else horizon_ms
        found = newey_west(series, overlap_lag(self.study, horizon))
        low, high = block_bootstrap_interval(
            series,
            week_blocks(self.origin_ms, horizon),
            self.study.bootstrap_draws,
            self.study.seed,
        )
        return Estimate(
            mean=found.mean,
            standard_error=found.standard_error,
            t=found.t,
            low=low,
            high=high,
            count=found.count,
        )


def overlap_lag(study: StudySettings, horizon_ms: int) -> int:
    """Return the Newey–West lag of outcomes over ``horizon_ms``, in origins.

    The declared 10 is for 7 days looked at daily; others in proportion, rounded up.
    """
    declared = study.lag * (horizon_ms / (7 * DAY_MS)) * (DAY_MS / study.every_ms)
    return ceil(declared - 1e-9)
