"""Ranks with ties, as every rank statistic here takes them."""

import numpy as np

from monitor.domain.typing import FloatArray


def midranks(values: FloatArray) -> FloatArray:
    """Return ranks along the last axis, 1 for the least; ties get their mean rank.

    Parameters
    ----------
    values : ndarray of shape (..., n)
        NaN is not ranked and takes no place.

    Returns
    -------
    ndarray of shape (..., n)
        In [1, count of the known]; NaN where ``values`` is NaN. As
        ``scipy.stats.rankdata(values, "average")``, whose import takes longer than a
        scan's arithmetic.
    """
    first, last = tied_places(values)
    ranks = (first + last) / 2 + 1
    ranks[np.isnan(values)] = np.nan
    return ranks


def tied_places(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the first and last place of each value's ties, in ascending order.

    Parameters
    ----------
    values : ndarray of shape (..., n)
        NaN goes last.

    Returns
    -------
    tuple of ndarray of shape (..., n)
        Places from 0; a value without equals has both alike.
    """
    count = values.shape[-1]
    order = np.argsort(values, axis=-1, kind="stable")
    ascending = np.take_along_axis(values, order, axis=-1)
    places = np.broadcast_to(np.arange(count), values.shape)
    begins = np.ones(values.shape, dtype=bool)
    begins[..., 1:] = ascending[..., 1:] != ascending[..., :-1]
    ends = np.ones(values.shape, dtype=bool)
    ends[..., :-1] = begins[..., 1:]
    first_sorted = np.maximum.accumulate(np.where(begins, places, 0), axis=-1)
    backwards = np.where(ends, places, count)[..., ::-1]
    last_sorted = np.minimum.accumulate(backwards, axis=-1)[..., ::-1]
    first, last = np.empty(values.shape), np.empty(values.shape)
    np.put_along_axis(first, order, first_sorted.astype(np.float64), axis=-1)
    np.put_along_axis(last, order, last_sorted.astype(np.float64), axis=-1)
    return first, last
