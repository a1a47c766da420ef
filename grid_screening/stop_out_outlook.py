"""The stop-out outlook of one planned grid: probabilities, inputs, other widths."""

from collections.abc import Mapping

import numpy as np

from grid_screening.grid_plan import ShortGridPlan
from grid_screening.screening_report import (
    StopOutEstimate,
    StopOutOutlook,
)
from grid_screening.stop_out import FEATURES, StopOutModel, stop_out_features
from grid_screening.stop_out_curve import Replan, stop_out_curve
from grid_screening.stop_out_file import MODEL_INTERVAL
from grid_screening.stop_out_width import StopOutModels
from monitor.domain.market import KlineInterval
from monitor.domain.typing import FloatArray

LEVEL = 0.95
"""Of the intervals."""


def plan_features(
    plan: ShortGridPlan, factors: Mapping[str, float | None]
) -> FloatArray:
    """Return the stop-out features of a plan.

    Parameters
    ----------
    plan : ShortGridPlan
        With its ``range_to_volatility``.
    factors : mapping
        Of the contract, by name; None: missing.

    Returns
    -------
    ndarray of shape (5,)
        NaN where an input is missing.
    """

    def column(name: str) -> FloatArray:
        value = factors.get(name)
        return np.array([np.nan if value is None else value])

    features: FloatArray = stop_out_features(
        width=np.array([plan.range_to_volatility]),
        return_7d=column("return_7d"),
        volume_surge=column("volume_surge"),
        distance_to_30d_high=column("distance_to_30d_high"),
        natr=column("natr"),
    )[0]
    return features


def stop_out_outlook(
    plan: ShortGridPlan,
    factors: Mapping[str, float | None],
    *,
    interval: KlineInterval,
    models: StopOutModels,
    replan: Replan,
) -> StopOutOutlook | None:
    """Return how often grids like ``plan`` were stopped out.

    Parameters
    ----------
    plan : ShortGridPlan
        As planned.
    factors : mapping
        Of the contract, by name; None: missing.
    interval : KlineInterval
        Of the bars behind the factors.
    models : StopOutModels
        Those by horizon tell of the plan, the one by width of other bounds.
    replan : callable
        As for `stop_out_curve`.

    Returns
    -------
    StopOutOutlook or None
        None where an input is missing, and on bars of another interval than the
        models were fitted on: their NATR is another quantity.
    """
    if interval is not MODEL_INTERVAL:
        return None
    features = plan_features(plan, factors)
    if np.isnan(features).any():
        return None
    return StopOutOutlook(
        level=LEVEL,
        estimates=tuple(
            _estimate(models.by_horizon[days], features[None])
            for days in sorted(models.by_horizon)
        ),
        features=dict(zip(FEATURES, features.tolist(), strict=True)),
        curve=stop_out_curve(plan, features, models.width, replan),
    )


def _estimate(model: StopOutModel, features: FloatArray) -> StopOutEstimate:
    low, high = model.interval(features, level=LEVEL)
    return StopOutEstimate(
        horizon_days=model.horizon_days,
        probability=float(model.probability(features)[0]),
        low=float(low[0]),
        high=float(high[0]),
    )
