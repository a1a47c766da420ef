"""What stands out in a volume profile: its peak, its value area, its extremes."""

from dataclasses import dataclass

import numpy as np

from monitor.domain.typing import BoolArray, FloatArray, IntArray

VALUE_SHARE = 0.70
"""Share of the volume that a value area holds at least."""
VALUE_SHARE_SLACK = 1e-9
"""A value area that lacks less than this is complete: rounding of the shares."""
HIGH_VOLUME_PERCENTILE = 80
"""Buckets at or above it, among those that are not empty, are high-volume."""
LOW_VOLUME_PERCENTILE = 20
"""Buckets at or below it, among those that are not empty, are low-volume."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ValueAreas:
    """Bucket numbers per row, shape (n_rows,); meaningless where all shares are 0."""

    peak: IntArray
    """The largest bucket, the lowest of equals."""
    first: IntArray
    """Lowest bucket of the value area."""
    last: IntArray
    """Highest bucket of the value area."""
    share: FloatArray
    """Share of the volume inside, in [0, 1]."""


def value_areas(shares: FloatArray, count: IntArray, *, share: float) -> ValueAreas:
    """Peak and value area of each row.

    Parameters
    ----------
    shares : ndarray of shape (n_rows, n_buckets)
        Share of the row's volume in each bucket, ≥ 0, no NaN; 0 beyond ``count``.
    count : ndarray of shape (n_rows,)
        Buckets of each row.
    share : float
        The value area grows until it holds this much, in (0, 1].

    Returns
    -------
    ValueAreas
        Growing takes the larger of the two neighbours, the upper one of equals.

    Notes
    -----
    Growing is a merge. Going up, a bucket cannot be taken before the smaller ones
    between it and the peak, so its turn comes with the smallest of these; going down
    likewise. Sorting the buckets by that running minimum, the upper ones first among
    equals, gives the order in which they are taken: no loop over buckets.
    """
    row_count, bucket_count = shares.shape
    if bucket_count == 0:
        nothing = np.zeros(row_count, dtype=np.int64)
        return ValueAreas(
            peak=nothing, first=nothing, last=nothing, share=np.zeros(row_count)
        )
    places = np.arange(bucket_count)
    peak = shares.argmax(axis=-1)
    at_peak = peak[:, None]
    upward = np.minimum.accumulate(np.where(places > at_peak, shares, np.inf), axis=-1)
    downward = np.minimum.accumulate(
        np.where(places < at_peak, shares, np.inf)[:, ::-1], axis=-1
    )[:, ::-1]
    turn = np.where(places > at_peak, upward, downward)
    turn[np.arange(row_count), peak] = np.inf
    turn[places >= count[:, None]] = -np.inf
    # Peak, then the upper buckets upwards, then the lower ones downwards: two runs
    # already in order, which the stable sort merges.
    is_up = places < bucket_count - at_peak
    start = np.where(is_up, at_peak + places, bucket_count - 1 - places)
    keys = -np.take_along_axis(turn, start, axis=-1)
    order = np.argsort(keys, axis=-1, kind="stable")
    taken = np.take_along_axis(start, order, axis=-1)
    held = np.cumsum(np.take_along_axis(shares, taken, axis=-1), axis=-1)
    size = 1 + np.count_nonzero(held < share - VALUE_SHARE_SLACK, axis=-1)
    size = np.minimum(size, np.maximum(count, 1))
    is_taken = places < size[:, None]
    return ValueAreas(
        peak=peak,
        first=np.where(is_taken, taken, bucket_count).min(axis=-1),
        last=np.where(is_taken, taken, -1).max(axis=-1),
        share=np.minimum(held[np.arange(row_count), size - 1], 1.0),
    )


def percentile_masks(
    shares: FloatArray, is_filled: BoolArray
) -> tuple[BoolArray, BoolArray]:
    """Which buckets are high-volume and low-volume.

    Parameters
    ----------
    shares : ndarray of shape (n_rows, n_buckets)
        Share of the row's volume in each bucket, no NaN.
    is_filled : ndarray of shape (n_rows, n_buckets)
        Buckets that count; False beyond a row's buckets.

    Returns
    -------
    is_high, is_low : ndarray of shape (n_rows, n_buckets)
        At or above the 80th, at or below the 20th percentile (linear) of the row's
        filled buckets. Both for a row of equal buckets; none for an empty row.
    """
    if shares.shape[-1] == 0:
        return is_filled.copy(), is_filled.copy()
    ordered = np.sort(np.where(is_filled, shares, np.nan), axis=-1)  # NaN come last
    filled = np.count_nonzero(is_filled, axis=-1)
    high = _percentile(ordered, filled, HIGH_VOLUME_PERCENTILE)
    low = _percentile(ordered, filled, LOW_VOLUME_PERCENTILE)
    return (
        is_filled & (shares >= high[:, None]),
        is_filled & (shares <= low[:, None]),
    )


def _percentile(ordered: FloatArray, filled: IntArray, percent: int) -> FloatArray:
    place = percent * np.maximum(filled - 1, 0) / 100
    lower = np.floor(place).astype(np.int64)
    upper = np.ceil(place).astype(np.int64)
    rows = np.arange(filled.size)
    at_lower, at_upper = ordered[rows, lower], ordered[rows, upper]
    return np.asarray(at_lower + (place - lower) * (at_upper - at_lower))
