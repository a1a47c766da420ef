"""How a score orders outcomes: rank correlation, top N, deciles, by origin."""

import numpy as np

from grid_screening.calculators.ranks import midranks, tied_places
from monitor.domain.typing import BoolArray, FloatArray

LEAST_PAIRS = 5
"""Fewer contracts with score and outcome say nothing about an origin."""
DECILES = 10


def rank_ic(score: FloatArray, outcome: FloatArray) -> FloatArray:
    """Spearman's correlation of score and outcome across contracts.

    Parameters
    ----------
    score, outcome : ndarray of shape (..., n_origins, n)
        Any unit; broadcast against each other. NaN: not known.

    Returns
    -------
    ndarray of shape (..., n_origins)
        In [−1, 1]: 1 orders outcomes as the score does. Ties have midranks; pairs
        with a NaN are left out. NaN with fewer than `LEAST_PAIRS` pairs, and where
        score or outcome does not differ. Without connection its standard deviation
        is 1 ÷ √(pairs − 1): 0.076 for 175 contracts.
    """
    known = _known(score, outcome)
    scored = _centred(midranks(np.where(known, score, np.nan)), known)
    came = _centred(midranks(np.where(known, outcome, np.nan)), known)
    products = (scored * came).sum(axis=-1)
    scale = np.sqrt((scored**2).sum(axis=-1) * (came**2).sum(axis=-1))
    told = (known.sum(axis=-1) >= LEAST_PAIRS) & (scale > 0)
    ic = np.full(products.shape, np.nan)
    np.divide(products, scale, out=ic, where=told)
    clipped: FloatArray = np.clip(ic, -1.0, 1.0)
    return clipped


def top_minus_universe(score: FloatArray, outcome: FloatArray, top: int) -> FloatArray:
    """Mean outcome of the ``top`` highest scores less that of all contracts.

    Parameters
    ----------
    score : ndarray of shape (n_origins, n)
        NaN: not offered by this score (dropped by a gate, an input missing).
    outcome : ndarray of shape (n_origins, n)
        NaN: not in the universe of that origin.
    top : int
        At least 1. Where the score offers fewer, all that it offers.

    Returns
    -------
    ndarray of shape (n_origins,)
        In units of ``outcome``. The universe is every contract with an outcome,
        whatever its score. Contracts tied at the cut share the places that are
        left, so the order of the columns does not matter. NaN where none is offered,
        and where the universe is not larger than ``top``.

    Raises
    ------
    ValueError
        ``top`` is below 1.
    """
    weights = top_weights(score, outcome, top)
    universe = ~np.isnan(outcome)
    size = universe.sum(axis=-1)
    told = (weights.sum(axis=-1) > 0) & (size > top)
    value = np.where(universe, outcome, 0.0)
    chosen = (weights * value).sum(axis=-1)
    excess = np.full(size.shape, np.nan)
    np.divide(chosen, weights.sum(axis=-1), out=excess, where=told)
    mean = np.full(size.shape, np.nan)
    np.divide(value.sum(axis=-1), size, out=mean, where=told)
    return excess - mean


def top_weights(score: FloatArray, outcome: FloatArray, top: int) -> FloatArray:
    """Return who is among the ``top``: 1, 0, or the share of a place in a tie.

    Shapes and NaN as in `top_minus_universe`; the sum is ``top`` or the number offered.
    """
    if top < 1:
        raise ValueError(f"top must be at least 1, was {top}")
    known = _known(score, outcome)
    offered = known.sum(axis=-1, keepdims=True)
    places = np.minimum(offered, top)
    # a contract tied with others takes the ranks first…last of its group
    value = np.where(known, -score, np.nan)
    first, last = tied_places(value)
    share = np.clip((places - first) / (last - first + 1), 0.0, 1.0)
    return np.where(known, share, 0.0)


def decile_excess(
    score: FloatArray, outcome: FloatArray, count: int = DECILES
) -> FloatArray:
    """Mean outcome of each tenth of the scores less that of all, by origin.

    Parameters
    ----------
    score, outcome : ndarray of shape (n_origins, n)
        Pairs with a NaN are left out.
    count : int
        Groups, at least 1.

    Returns
    -------
    ndarray of shape (n_origins, count)
        Lowest scores first, in units of ``outcome``. A contract of midrank r among
        m is in group floor((r − ½) ÷ m × count); equal scores are in one group.
        NaN where a group is empty, and with fewer than ``count`` pairs.

    Raises
    ------
    ValueError
        ``count`` is below 1.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, was {count}")
    known = _known(score, outcome)
    size = known.sum(axis=-1, keepdims=True)
    ranks = midranks(np.where(known, score, np.nan))
    share = np.where(known, ranks - 0.5, 0.0) / np.maximum(size, 1)
    group = np.minimum((share * count).astype(np.int64), count - 1)
    value = np.where(known, outcome, 0.0)
    mean = value.sum(axis=-1, keepdims=True) / np.maximum(size, 1)
    excess = np.full((*known.shape[:-1], count), np.nan)
    for number in range(count):
        inside = known & (group == number)
        members = inside.sum(axis=-1)
        total = np.where(inside, value - mean, 0.0).sum(axis=-1)
        told = (members > 0) & (size[..., 0] >= count)
        np.divide(total, members, out=excess[..., number], where=told)
    return excess


def decile_means(
    score: FloatArray, outcome: FloatArray, count: int = DECILES
) -> FloatArray:
    """Return `decile_excess` averaged over the origins, shape ``(count,)``.

    Each origin weighs the same; NaN for a group that is empty at every origin.
    """
    excess = decile_excess(score, outcome, count)
    known = ~np.isnan(excess)
    total = np.where(known, excess, 0.0).sum(axis=0)
    origins = known.sum(axis=0)
    means = np.full(count, np.nan)
    np.divide(total, origins, out=means, where=origins > 0)
    return means


def _known(score: FloatArray, outcome: FloatArray) -> BoolArray:
    known: BoolArray = ~(np.isnan(score) | np.isnan(outcome))
    return known


def _centred(ranks: FloatArray, known: BoolArray) -> FloatArray:
    # the mean of the ranks 1…m is (m + 1) ÷ 2 whatever the ties
    middle = (known.sum(axis=-1, keepdims=True) + 1) / 2
    return np.where(known, ranks - middle, 0.0)
