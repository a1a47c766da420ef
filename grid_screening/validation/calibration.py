"""Whether told probabilities came true: Brier score, reliability, AUC."""

from dataclasses import dataclass
from math import nan

import numpy as np

from grid_screening.block_bootstrap import (
    DRAWS,
    LEVEL,
    block_bootstrap_interval,
)
from grid_screening.calculators.ranks import midranks
from monitor.domain.typing import BoolArray, FloatArray, IntArray

BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanDifference:
    """A mean difference with its bootstrap interval."""

    difference: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Cases with like probabilities: what was told and what came."""

    predicted: float
    """Mean told probability."""
    observed: float
    """Share that came."""
    low: float
    """Interval of ``observed``."""
    high: float
    count: int


def brier_losses(probability: FloatArray, came: FloatArray) -> FloatArray:
    """Return (probability − outcome)² case by case.

    Parameters
    ----------
    probability : ndarray of any shape
        In [0, 1]; NaN: not told.
    came : ndarray, same shape
        1.0 or 0.0; NaN: not known.

    Returns
    -------
    ndarray, same shape
        In [0, 1]; NaN where either is NaN.

    Raises
    ------
    ValueError
        A probability is outside [0, 1] or an outcome is neither 0 nor 1.
    """
    _check(probability, came)
    losses: FloatArray = (probability - came) ** 2
    return losses


def brier_score(probability: FloatArray, came: FloatArray) -> float:
    """Mean of `brier_losses`: 0 is perfect, a constant p of base rate b has b(1 − b).

    NaN without a case that is known.

    References
    ----------
    .. [1] Brier, G. W. (1950) Monthly Weather Review 78, 1–3.
    """
    losses = brier_losses(probability, came)
    known = losses[~np.isnan(losses)]
    return float(known.mean()) if known.size else nan


def brier_difference(
    probability: FloatArray,
    baseline: FloatArray,
    came: FloatArray,
    block_keys: IntArray,
    *,
    draws: int = DRAWS,
    seed: int = 1,
    level: float = LEVEL,
) -> MeanDifference:
    """Brier score of ``probability`` less that of ``baseline``, same cases.

    Parameters
    ----------
    probability, baseline, came : ndarray of any one shape
        As in `brier_losses`; a case with a NaN in any of them is left out.
    block_keys : ndarray, same shape
        Block of each case: `week_blocks` of the origins, as long as the outcome.
    draws, seed, level
        As in `block_bootstrap_interval`.

    Returns
    -------
    MeanDifference
        Below zero: better than the baseline.
    """
    gain = brier_losses(probability, came) - brier_losses(baseline, came)
    known = gain[~np.isnan(gain)]
    low, high = block_bootstrap_interval(
        gain.ravel(), block_keys.ravel(), draws, seed, level
    )
    return MeanDifference(
        difference=float(known.mean()) if known.size else nan,
        low=low,
        high=high,
        count=known.size,
    )


def reliability_bins(
    probability: FloatArray,
    came: FloatArray,
    block_keys: IntArray,
    *,
    bins: int = BINS,
    draws: int = DRAWS,
    seed: int = 1,
    level: float = LEVEL,
) -> tuple[ReliabilityBin, ...]:
    """Cases in ``bins`` groups of like size, by told probability.

    Parameters
    ----------
    probability, came : ndarray of any one shape
        As in `brier_losses`; cases with a NaN are left out.
    block_keys : ndarray, same shape
        As in `brier_difference`.
    bins : int
        At least 1. Equal probabilities are in one bin, so there may be fewer.
    draws, seed, level
        As in `block_bootstrap_interval`.

    Returns
    -------
    tuple of ReliabilityBin
        Ascending; empty without cases.

    Raises
    ------
    ValueError
        ``bins`` is below 1; values as in `brier_losses`.
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1, was {bins}")
    _check(probability, came)
    known = ~(np.isnan(probability) | np.isnan(came))
    told, real = probability[known], came[known]
    if told.size == 0:
        return ()
    keys = block_keys[known]
    share = (midranks(told) - 0.5) / told.size
    group = np.minimum((share * bins).astype(np.int64), bins - 1)
    found = []
    for number in np.unique(group):
        inside = group == number
        observed, count = float(real[inside].mean()), int(inside.sum())
        low, high = block_bootstrap_interval(
            real[inside], keys[inside], draws, seed, level
        )
        found.append(
            ReliabilityBin(
                predicted=float(told[inside].mean()),
                observed=observed,
                low=low,
                high=high,
                count=count,
            )
        )
    return tuple(found)


def auc(probability: FloatArray, came: FloatArray) -> float:
    """Probability that a case that came was told higher than one that did not.

    Parameters
    ----------
    probability : ndarray of any shape
        Any score, higher for likelier; NaN is left out.
    came : ndarray, same shape
        1.0 or 0.0; NaN is left out.

    Returns
    -------
    float
        0.5 says nothing, 1 parts them wholly; ties count half (Mann–Whitney). NaN
        where all came or none.
    """
    known = ~(np.isnan(probability) | np.isnan(came))
    told: FloatArray = probability[known]
    real: BoolArray = came[known] > 0
    positive = int(real.sum())
    negative = real.size - positive
    if positive == 0 or negative == 0:
        return nan
    ranks = float(midranks(told)[real].sum())
    return (ranks - positive * (positive + 1) / 2) / (positive * negative)


def _check(probability: FloatArray, came: FloatArray) -> None:
    if bool(((probability < 0) | (probability > 1)).any()):
        raise ValueError("probabilities must be between 0 and 1")
    if not bool((np.isnan(came) | (came == 0) | (came == 1)).all()):
        raise ValueError("outcomes must be 0, 1 or NaN")
