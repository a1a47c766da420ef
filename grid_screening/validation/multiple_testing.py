"""What many tests cost: placebo scores, their critical values, one list of p."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from monitor.domain.typing import BoolArray, FloatArray

NOMINAL_T = 1.96
_LEAST_PLACEBOS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceboLevel:
    """What |t| scores without meaning reach."""

    critical_t: float
    """95 % point of the largest |t| of ``family`` placebo scores."""
    single_t: float
    """95 % point of |t| of one placebo score."""
    nominal_rejections: float
    """Share of placebo scores with |t| > 1.96; 0.05 if the errors were right."""
    family: int
    count: int
    """Placebo scores whose t is known."""


def placebo_scores(count: int, contracts: int, seed: int) -> FloatArray:
    """Return random scores: one number per contract, the same at every origin.

    Parameters
    ----------
    count : int
        Scores, at least 1.
    contracts : int
        Columns of the study.
    seed : int
        Of the draws.

    Returns
    -------
    ndarray of shape (count, contracts)
        Uniform in [0, 1). Persistent as real factors are: a list that hardly
        changes from day to day is what makes overlapping errors too small.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, was {count}")
    return np.random.default_rng(seed).random((count, contracts))


def placebo_level(t: FloatArray, *, family: int, level: float = 0.95) -> PlaceboLevel:
    """Critical values from the t of placebo scores.

    Parameters
    ----------
    t : ndarray of shape (count,)
        Of `placebo_statistics`; NaN is left out.
    family : int
        Candidates that compete, at least 1. Given the outcomes, placebo scores are
        independent, so the largest of ``family`` stays below c with probability
        P(|t| ≤ c) ** family: the critical value is the level ** (1 ÷ family)
        quantile of |t|.
    level : float
        In (0, 1).

    Returns
    -------
    PlaceboLevel
        NaN with fewer than 20 placebo scores.

    Raises
    ------
    ValueError
        ``family`` is below 1 or ``level`` is no share.
    """
    if family < 1:
        raise ValueError(f"family must be at least 1, was {family}")
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, was {level}")
    size = np.abs(t[~np.isnan(t)])
    if size.size < _LEAST_PLACEBOS:
        return PlaceboLevel(
            critical_t=nan,
            single_t=nan,
            nominal_rejections=nan,
            family=family,
            count=size.size,
        )
    critical, single = np.quantile(size, (level ** (1 / family), level))
    return PlaceboLevel(
        critical_t=float(critical),
        single_t=float(single),
        nominal_rejections=float((size > NOMINAL_T).mean()),
        family=family,
        count=size.size,
    )


def placebo_p_values(t: FloatArray, placebo: FloatArray) -> FloatArray:
    """Share of placebo scores that reach |t|, two-sided.

    Parameters
    ----------
    t : ndarray of any shape
        Of what was tried; NaN: not known.
    placebo : ndarray of shape (count,)
        Of `placebo_statistics`; NaN is left out.

    Returns
    -------
    ndarray, as ``t``
        (1 + number of placebos with at least this |t|) ÷ (1 + their count), so never
        below 1 ÷ (count + 1). NaN of NaN, and without placebos.

    References
    ----------
    .. [1] Phipson, B. and Smyth, G. K. (2010) Stat. Appl. Genet. Mol. Biol. 9, 39.
    """
    sizes = np.sort(np.abs(placebo[~np.isnan(placebo)]))
    if sizes.size == 0:
        return np.full(np.shape(t), np.nan)
    below = np.searchsorted(sizes, np.abs(t), side="left")
    p = (1 + sizes.size - below) / (1 + sizes.size)
    return np.where(np.isnan(t), np.nan, p)


def benjamini_hochberg(
    p_values: FloatArray | Sequence[float], level: float = 0.05
) -> BoolArray:
    """Which tests stand when at most ``level`` of those that stand may be false.

    Parameters
    ----------
    p_values : sequence of float, shape (m,)
        In [0, 1]. NaN: not tested, does not count.
    level : float
        False discovery rate, in (0, 1).

    Returns
    -------
    ndarray of bool, shape (m,)
        Every p up to the largest p₍ᵢ₎ ≤ i ÷ m × level.

    Raises
    ------
    ValueError
        A p-value or ``level`` is out of range.

    References
    ----------
    .. [1] Benjamini, Y. and Hochberg, Y. (1995) JRSS B 57, 289–300.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, was {level}")
    values = np.asarray(p_values, dtype=np.float64)
    known = ~np.isnan(values)
    ascending = np.sort(values[known])
    if ascending.size and not 0 <= ascending[0] <= ascending[-1] <= 1:
        raise ValueError("p-values must be between 0 and 1")
    limits = np.arange(1, ascending.size + 1) / max(ascending.size, 1) * level
    passed = np.flatnonzero(ascending <= limits)
    if passed.size == 0:
        return np.zeros(values.shape, dtype=np.bool_)
    stands: BoolArray = known & (
        np.nan_to_num(values, nan=2.0) <= ascending[passed[-1]]
    )
    return stands
