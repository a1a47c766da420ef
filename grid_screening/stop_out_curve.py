"""What a wider or narrower grid would do to the stop-out probability and the harvest.

The same contract, the same capital, the same lower bound and spacing; only the upper
bound moves. The probability at another width is read from the width model
(`grid_screening.stop_out_width`), fitted on grids simulated that way.
"""

from collections.abc import Callable
from decimal import Decimal
from math import pi

import numpy as np

from grid_screening.bounds import GridBounds, moved_bounds
from grid_screening.grid_plan import InfeasibleGrid, ShortGridPlan
from grid_screening.plan_numbers import exact_decimal
from grid_screening.screening_report import StopOutPoint
from grid_screening.stop_out import FEATURES
from grid_screening.stop_out_width import WIDTHS, WidthModel
from monitor.domain.typing import FloatArray

_TERMS = 2_000
# of a series that falls like 1/k³: an error below 1e-6 days in any planned grid

Replan = Callable[[GridBounds, Decimal], ShortGridPlan | InfeasibleGrid]
"""Bounds and spacing → the plan with the same capital and costs."""


def stop_out_curve(
    plan: ShortGridPlan, features: FloatArray, moved: WidthModel, replan: Replan
) -> tuple[StopOutPoint, ...]:
    """Return the outlook of ``plan`` at each of `WIDTHS`.

    Parameters
    ----------
    plan : ShortGridPlan
        As planned; its lower bound and spacing are kept.
    features : ndarray of shape (5,)
        `stop_out_features` of the plan, none missing.
    moved : WidthModel
        Its horizon is that of the probability and of the expected trips.
    replan : callable
        Plans between other bounds. A grid of too many levels gets a wider spacing,
        as in any plan.

    Returns
    -------
    tuple of StopOutPoint
        Numbers of the grid are None where none is legal; the probability is there.
    """
    model = moved.model
    own = GridBounds(lower=plan.lower_bound, upper=plan.upper_bound, source=plan.bounds)
    rows = np.tile(features, (len(WIDTHS), 1))
    rows[:, FEATURES.index("log_width")] = np.log(WIDTHS)
    probability = model.probability(rows)
    low, high = model.interval(rows)
    points = []
    for place, width in enumerate(WIDTHS):
        bounds = moved_bounds(
            own,
            price=plan.price,
            atr_hourly=exact_decimal(plan.atr_hourly),
            width=width,
        )
        found = replan(bounds, plan.planned_step)
        grid = found if isinstance(found, ShortGridPlan) else None
        points.append(
            StopOutPoint(
                range_to_volatility=width,
                probability=float(probability[place]),
                low=float(low[place]),
                high=float(high[place]),
                study_share=moved.study_shares[place],
                upper_bound=None if grid is None else grid.upper_bound,
                quantity_per_level=None if grid is None else grid.quantity_per_level,
                expected_trips=None
                if grid is None
                else expected_trips(grid, model.horizon_days),
                harvest_per_day=None if grid is None else harvest_per_day(grid),
            )
        )
    return tuple(points)


def expected_trips(plan: ShortGridPlan, days: float) -> float:
    """Return the round trips expected within ``days``, none after leaving the bounds.

    Parameters
    ----------
    plan : ShortGridPlan
        With its trips a day inside and its bounds.
    days : float
        ≥ 0.

    Returns
    -------
    float
        ``expected_trips_per_day`` × `expected_days_inside` of a driftless Brownian
        motion that has these trips a day (variance a day ``2 · step² · trips``). No
        forecast: what the trips earn there the displacement loses on average.
    """
    step = float(plan.grid_step)
    inside = expected_days_inside(
        below=float(plan.price - plan.lower_bound),
        above=float(plan.upper_bound - plan.price),
        variance_per_day=2 * step**2 * plan.expected_trips_per_day,
        days=days,
    )
    return plan.expected_trips_per_day * inside


def harvest_per_day(plan: ShortGridPlan) -> float:
    """Return what the trips of a day inside the bounds earn net of maker fees.

    Quote currency, at the price; before the loss from displacement and funding.
    """
    trip = plan.cell_profit_rate * float(plan.price * plan.quantity_per_level)
    return plan.expected_trips_per_day * trip


def expected_days_inside(
    *, below: float, above: float, variance_per_day: float, days: float
) -> float:
    """Return how long a Brownian motion stays between two absorbing bounds.

    Parameters
    ----------
    below, above : float
        Distances to the bounds, any unit; where one is not > 0, no time is spent.
    variance_per_day : float
        In that unit squared, > 0. No drift.
    days : float
        Horizon, ≥ 0.

    Returns
    -------
    float
        ``E[min(τ, days)]``, in [0, days]; at most ``below · above / variance``, its
        value without a horizon.

    Notes
    -----
    With ``w = below + above`` and ``λ_k = k²π²σ²/(2w²)``, the survival function is
    ``Σ_{k odd} 4/(kπ) · sin(kπ·below/w) · e^{−λ_k t}`` [1]_; integrated over the
    horizon, every exponential becomes ``(1 − e^{−λ_k·days})/λ_k``.

    References
    ----------
    .. [1] Feller, W. (1971) An Introduction to Probability Theory and Its
       Applications, vol. II, 2nd ed., ch. X.5.
    """
    if below <= 0 or above <= 0 or days <= 0:
        return 0.0
    width = below + above
    k = np.arange(1, 2 * _TERMS, 2, dtype=np.float64)
    decay = (k * pi / width) ** 2 * variance_per_day / 2
    share = 4 / (k * pi) * np.sin(k * pi * below / width)
    total = float((share * -np.expm1(-decay * days) / decay).sum())
    return min(max(total, 0.0), days, below * above / variance_per_day)
