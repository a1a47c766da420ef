"""Stop-out samples of known truth, and a model made by hand."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import norm

from grid_screening.stop_out import StopOutModel, logistic
from grid_screening.stop_out_width import WidthModel
from monitor.domain.typing import FloatArray, IntArray

INTERCEPT = -1.5
CENTER = np.array([0.8, 0.0, 0.0, -0.3, 1.3])
SPREAD = np.array([0.4, 0.1, 0.6, 0.1, 0.4])
SLOPES = np.array([-1.2, 3.0, 0.2, 0.8, 0.1])
"""Log odds per unit of each feature."""

DAY_MS = 86_400_000
FIRST_MS = 1_734_307_200_000
"""2024-12-16 00:00 UTC, a Monday."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Grids with the truth behind them."""

    features: FloatArray
    stopped: FloatArray
    week: IntArray
    truth: FloatArray
    """The probability of each."""


def true_probability(features: FloatArray) -> FloatArray:
    return logistic(INTERCEPT + (features - CENTER) @ SLOPES)


def sample(
    rng: np.random.Generator, *, weeks: int, per_week: int, together: float = 0.0
) -> Sample:
    """Grids whose outcomes share ``together`` of their luck within a week."""
    count = weeks * per_week
    week = np.repeat(np.arange(weeks), per_week)
    features = CENTER + SPREAD * rng.normal(size=(count, 5))
    truth = true_probability(features)
    luck = np.sqrt(together) * rng.normal(size=weeks)[week]
    luck += np.sqrt(1 - together) * rng.normal(size=count)
    return Sample(
        features=features,
        stopped=(norm.cdf(luck) < truth).astype(np.float64),
        week=week,
        truth=truth,
    )


def model(**changes: Any) -> StopOutModel:
    """A model whose probabilities are those of `true_probability`."""
    made = StopOutModel(
        horizon_days=7,
        center=CENTER.copy(),
        scale=SPREAD.copy(),
        coefficients=SLOPES * SPREAD,
        intercept=INTERCEPT,
        covariance=np.diag([0.04, 0.01, 0.01, 0.01, 0.01, 0.01]),
        cluster_count=28,
        period=("2024-12-16", "2025-06-23"),
        data_hash="0123456789abcdef" * 4,
        sample_count=40_000,
        base_rate=0.19,
    )
    return replace(made, **changes)


def width_model(**changes: Any) -> WidthModel:
    """The same as told from moved bounds; ``changes`` are those of `model`."""
    shares = (0.44, 0.28, 0.19, 0.13, 0.09, 0.06)
    return WidthModel(model=model(**changes), study_shares=shares)
