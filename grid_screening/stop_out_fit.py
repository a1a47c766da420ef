"""Fit of the stop-out model: ridge logistic regression, errors by blocks of weeks."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from grid_screening.stop_out import FEATURES, StopOutModel, logistic
from monitor.domain.market import DAY_MS
from monitor.domain.typing import FloatArray, IntArray

RIDGE = 1.0
"""Penalty on the standardised coefficients, fixed before the study."""

SMALLEST_SAMPLE = 50
"""Complete grids below which nothing is fitted: five slopes need some."""

_SMALLEST_STEP = 2.0**-30
# of a Newton step: a shorter one is rounding


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WalkForward:
    """Predictions of each month from what was known before it; shape ``(n,)``."""

    probability: FloatArray
    """NaN before the first month, where a feature is missing, and in months before
    which too few outcomes, or only outcomes of one kind, were known."""
    base_rate: FloatArray
    """Share stopped out in the same training sample; NaN where ``probability`` is,
    so that the two are compared on the same grids."""


def fitted_model(
    features: FloatArray,
    stopped: FloatArray,
    *,
    horizon_days: int,
    clusters: IntArray,
    period: tuple[str, str],
    data_hash: str,
    ridge: float = RIDGE,
) -> StopOutModel:
    """Fit the stop-out probability.

    Parameters
    ----------
    features : ndarray of shape (n, 5)
        `stop_out_features`; rows with a NaN are left out.
    stopped : ndarray of shape (n,)
        1: stopped out within the horizon, 0: not, NaN: unknown, left out.
    horizon_days : int
        At least 1.
    clusters : ndarray of shape (n,)
        Which observations hang together: `week_blocks` of the origins, as long as
        the horizon. At least 4.
    period : tuple of 2 str
        First and last origin, ISO dates; kept as given.
    data_hash : str
        Fingerprint of the history; kept as given.
    ridge : float
        > 0.

    Returns
    -------
    StopOutModel
        The minimum of ``−log likelihood + ridge/2 · Σ coefficient²`` (intercept not
        penalised) on standardised features; a feature without variation has scale 1
        and coefficient 0.

    Raises
    ------
    ValueError
        Shapes disagree, a value of ``stopped`` is not 0, 1 or NaN, fewer than
        `SMALLEST_SAMPLE` complete rows, outcomes of one kind only, too few clusters,
        ``ridge`` is not > 0.

    Notes
    -----
    Covariance: sandwich ``H⁻¹ (Σ_g s_g s_gᵀ) H⁻¹ · G/(G−1)`` with H the Hessian of
    the penalised likelihood, s_g the score summed over cluster g of G [1]_. Contracts
    move together and outcomes of neighbouring days overlap; both stay inside a block
    of weeks no shorter than the horizon for the most part.

    References
    ----------
    .. [1] Cameron, A. C. and Miller, D. L. (2015) A practitioner's guide to
       cluster-robust inference. Journal of Human Resources 50, 317–372.
    """
    _check_sample(features, stopped, clusters, ridge)
    keep = _complete(features, stopped)
    outcome, week = stopped[keep], clusters[keep]
    problem = _problem(outcome)
    if problem is not None:
        raise ValueError(problem)
    fit = _fit(features[keep], outcome, ridge)
    scores = (outcome - logistic(fit.design @ fit.weights))[:, None] * fit.design
    _, group = np.unique(week, return_inverse=True)
    count = int(group.max()) + 1
    sums = np.zeros((count, fit.design.shape[1]))
    np.add.at(sums, group, scores)
    bread = np.linalg.inv(_hessian(fit.design, fit.weights, ridge))
    covariance = bread @ (sums.T @ sums) @ bread * (count / max(count - 1, 1))
    return StopOutModel(
        horizon_days=horizon_days,
        center=fit.center,
        scale=fit.scale,
        coefficients=fit.weights[1:],
        intercept=float(fit.weights[0]),
        covariance=(covariance + covariance.T) / 2,
        cluster_count=count,
        period=period,
        data_hash=data_hash,
        sample_count=len(outcome),
        base_rate=float(outcome.mean()),
    )


def walk_forward(
    features: FloatArray,
    stopped: FloatArray,
    origin_ms: IntArray,
    *,
    horizon_days: int,
    first_month: str,
    ridge: float = RIDGE,
) -> WalkForward:
    """Predict each calendar month by a fit on what was known before it began.

    Parameters
    ----------
    features : ndarray of shape (n, 5)
        `stop_out_features`.
    stopped : ndarray of shape (n,)
        1, 0 or NaN, as for `fitted_model`.
    origin_ms : ndarray of shape (n,)
        When each grid begins, ms UTC; any order.
    horizon_days : int
        An outcome is known that long after its origin.
    first_month : str
        ``YYYY-MM``; earlier months are training only.
    ridge : float
        > 0.

    Returns
    -------
    WalkForward
        A training sample holds the grids with ``origin + horizon`` at or before the
        first instant of the month (UTC), and nothing of the month itself.

    Raises
    ------
    ValueError
        Shapes disagree, a value of ``stopped`` is not 0, 1 or NaN, ``ridge`` is not
        > 0, or ``first_month`` is not of this form.
    """
    _check_sample(features, stopped, origin_ms, ridge)
    try:
        first = datetime.strptime(first_month, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"first_month must be YYYY-MM, was {first_month!r}") from None
    months = origin_ms.astype("datetime64[ms]").astype("datetime64[M]")
    begins = months.astype("datetime64[ms]").astype(np.int64)
    probability = np.full(len(stopped), np.nan)
    base_rate = np.full(len(stopped), np.nan)
    known = _complete(features, stopped)
    for begin in np.unique(begins[begins >= first.timestamp() * 1000]):
        training = known & (origin_ms + horizon_days * DAY_MS <= begin)
        if _problem(stopped[training]) is not None:
            continue
        fit = _fit(features[training], stopped[training], ridge)
        month = (begins == begin) & np.isfinite(features).all(axis=1)
        probability[month] = logistic(fit.design_of(features[month]) @ fit.weights)
        base_rate[month] = stopped[training].mean()
    return WalkForward(probability=probability, base_rate=base_rate)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fit:
    design: FloatArray
    weights: FloatArray
    center: FloatArray
    scale: FloatArray

    def design_of(self, features: FloatArray) -> FloatArray:
        return _design((features - self.center) / self.scale)


def _design(standard: FloatArray) -> FloatArray:
    return np.concatenate([np.ones((len(standard), 1)), standard], axis=1)


def _fit(features: FloatArray, outcome: FloatArray, ridge: float) -> _Fit:
    center, spread = features.mean(axis=0), features.std(axis=0)
    # what differs by rounding only does not vary
    varies = spread > 1e-12 * np.maximum(np.abs(center), 1.0)
    scale = np.where(varies, spread, 1.0)
    design = _design(np.where(varies, (features - center) / scale, 0.0))
    return _Fit(
        design=design,
        weights=_newton(design, outcome, ridge),
        center=center,
        scale=scale,
    )


def _newton(design: FloatArray, outcome: FloatArray, ridge: float) -> FloatArray:
    share = float(outcome.mean())
    weights = np.zeros(design.shape[1])
    weights[0] = np.log(share / (1 - share))
    loss = _loss(design, outcome, weights, ridge)
    while True:
        gradient = design.T @ (logistic(design @ weights) - outcome)
        gradient[1:] += ridge * weights[1:]
        step = np.linalg.solve(_hessian(design, weights, ridge), gradient)
        size = 1.0
        tried, reached = weights - step, _loss(design, outcome, weights - step, ridge)
        while reached > loss and size > _SMALLEST_STEP:
            size /= 2
            tried = weights - size * step
            reached = _loss(design, outcome, tried, ridge)
        if reached >= loss:
            # strictly convex: where no step leads down is the minimum
            return weights
        weights, loss = tried, reached


def _loss(
    design: FloatArray, outcome: FloatArray, weights: FloatArray, ridge: float
) -> float:
    odds = design @ weights
    misfit = np.logaddexp(0.0, odds) - outcome * odds
    return float(misfit.sum() + ridge / 2 * (weights[1:] ** 2).sum())


def _hessian(design: FloatArray, weights: FloatArray, ridge: float) -> FloatArray:
    share = logistic(design @ weights)
    hessian: FloatArray = (design * (share * (1 - share))[:, None]).T @ design
    hessian[np.arange(1, len(weights)), np.arange(1, len(weights))] += ridge
    return hessian


def _complete(features: FloatArray, stopped: FloatArray) -> np.ndarray:
    return np.isfinite(features).all(axis=1) & np.isfinite(stopped)


def _problem(outcome: FloatArray) -> str | None:
    if len(outcome) < SMALLEST_SAMPLE:
        return (
            f"the sample must have at least {SMALLEST_SAMPLE} complete grids, "
            f"had {len(outcome)}"
        )
    if outcome.min() == outcome.max():
        return (
            f"the sample must have both outcomes, all {len(outcome)} were "
            f"{'stopped out' if outcome[0] else 'not stopped out'}"
        )
    return None


def _check_sample(
    features: FloatArray, stopped: FloatArray, beside: IntArray, ridge: float
) -> None:
    if not ridge > 0:
        raise ValueError(f"ridge must be > 0, was {ridge}")
    count = len(stopped)
    if features.shape != (count, len(FEATURES)):
        raise ValueError(
            f"features must have shape {(count, len(FEATURES))}, was {features.shape}"
        )
    if beside.shape != (count,):
        raise ValueError(
            f"clusters and origins must have shape {(count,)}, was {beside.shape}"
        )
    if not np.all(np.isnan(stopped) | (stopped == 0) | (stopped == 1)):
        raise ValueError("stopped must be 0, 1 or NaN everywhere")
