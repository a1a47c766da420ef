"""Where a bar's volume falls on a grid of price buckets."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.domain.typing import BoolArray, FloatArray, IntArray

SNAP = 1e-9
"""A price within this share of a bucket from an edge is on the edge: binary fractions
of decimal prices would be on either side of it."""
TICK_SNAP = 1e-6
"""A width within this share of a tick from a whole number of ticks is one."""
MIDDLE_SHARE = 0.5
"""Share of the covered price range that `VolumeProfile.concentration` looks at."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BucketGrid:
    """Equally wide price buckets of each row, arrays of shape (n_rows,).

    A row without one has 0 buckets and NaN prices.
    """

    origin: FloatArray
    """Lower edge of the first bucket: the lowest low, quote currency."""
    top: FloatArray
    """The highest high, quote currency."""
    width: FloatArray
    """Of a bucket, quote currency, > 0."""
    count: IntArray
    """Buckets, at least 1."""
    is_widened: BoolArray
    """The wished width needed too many buckets."""

    def price(self, place: NDArray[Any]) -> FloatArray:
        """Return the price at ``place`` buckets above the origin, shape (n_rows,)."""
        return np.asarray(self.origin + place * self.width)


def bucket_grid(
    bars: list[FloatArray],
    ticks: FloatArray | None,
    bucket_share: float,
    max_buckets: int,
) -> BucketGrid:
    """Buckets for the bars of each row.

    Parameters
    ----------
    bars : high, low, close, volume, each of shape (n_rows, n_bars)
    ticks : ndarray of shape (n_rows,) or None
        Price step that widths are rounded up to.
    bucket_share : float
        Wished width as a share of the last close.
    max_buckets : int
        Wider buckets where more were needed.

    Returns
    -------
    BucketGrid
        No buckets for a row with a NaN in any bar, or without bars.
    """
    high, low, close, _ = bars
    row_count, bar_count = close.shape
    origin, top, last = (np.full(row_count, np.nan) for _ in range(3))
    if bar_count > 0:
        is_known = ~np.isnan(np.sum(bars, axis=0)).any(axis=-1)
        origin[is_known] = low[is_known].min(axis=-1)
        top[is_known] = high[is_known].max(axis=-1)
        last[is_known] = close[is_known, -1]
    span = top - origin
    wanted = _on_ticks(bucket_share * last, ticks)
    needed = np.ceil(_snapped(span / wanted, SNAP))
    is_widened = needed > max_buckets
    width = np.where(is_widened, _on_ticks(span / max_buckets, ticks), wanted)
    count = np.ceil(_snapped(span / width, SNAP))
    return BucketGrid(
        origin=origin,
        top=top,
        width=width,
        count=np.where(np.isnan(count), 0, np.maximum(count, 1)).astype(np.int64),
        is_widened=is_widened,
    )


def _on_ticks(width: FloatArray, ticks: FloatArray | None) -> FloatArray:
    if ticks is None:
        return width
    steps = np.ceil(_snapped(width / ticks, TICK_SNAP))
    return np.asarray(np.maximum(steps, 1) * ticks)


def allocated(
    high: FloatArray, low: FloatArray, volume: FloatArray, grid: BucketGrid
) -> FloatArray:
    """Volume in each bucket.

    Parameters
    ----------
    high, low, volume : ndarray of shape (n_rows, n_bars)
    grid : BucketGrid

    Returns
    -------
    ndarray of shape (n_rows, n_buckets)
        ≥ 0; 0 beyond a row's buckets. Exactly 0 where no bar with volume was. The
        rounding of a bucket is relative to the row's volume, not to its own.
    """
    row_count = grid.count.size
    stride = int(grid.count.max(initial=0)) + 1  # one more: where densities leave
    rows, bars = np.nonzero((grid.count[:, None] > 0) & (volume > 0))
    amount = volume[rows, bars]
    bottom = _position(low[rows, bars], rows, grid)
    top = _position(high[rows, bars], rows, grid)
    span = top - bottom
    first = np.minimum(np.floor(bottom), grid.count[rows] - 1)
    last = np.clip(np.ceil(top) - 1, first, grid.count[rows] - 1)
    is_inside_one = first == last
    density = np.zeros_like(amount)
    np.divide(amount, span, out=density, where=~is_inside_one)
    base = rows * stride
    at_first = base + first.astype(np.int64)
    at_last = base + last.astype(np.int64)

    def added(at: IntArray, values: FloatArray | None) -> FloatArray:
        sums = np.bincount(at, values, minlength=row_count * stride)
        return sums.reshape(row_count, stride).astype(np.float64)

    at_bottom = np.where(is_inside_one, amount, density * (first + 1 - bottom))
    at_top = np.where(is_inside_one, 0, density * (top - last))
    ends = added(at_first, at_bottom) + added(at_last, at_top)
    between = np.minimum(at_first + 1, at_last)
    flow = added(between, density) - added(at_last, density)
    # Whole numbers tell where nothing is: the running sum leaves rounding there.
    crossing = np.cumsum(added(between, None) - added(at_last, None), axis=-1)
    passing = np.where(crossing > 0, np.cumsum(flow, axis=-1), 0)
    return np.asarray((ends + np.maximum(passing, 0))[:, :-1])


def _position(prices: FloatArray, rows: IntArray, grid: BucketGrid) -> FloatArray:
    return _snapped((prices - grid.origin[rows]) / grid.width[rows], SNAP)


def _snapped(values: FloatArray, tolerance: float) -> FloatArray:
    whole = np.rint(values)
    return np.where(np.abs(values - whole) <= tolerance, whole, values)


def middle_share(
    high: FloatArray, low: FloatArray, volume: FloatArray, grid: BucketGrid
) -> FloatArray:
    """Share of the volume in the middle half of the price range that bars cover.

    From the bars themselves, since the middle's edges need not be buckets' edges.

    Parameters
    ----------
    high, low, volume : ndarray of shape (n_rows, n_bars)
    grid : BucketGrid

    Returns
    -------
    ndarray of shape (n_rows,)
        In [0, 1]; 1 for a single price, NaN without volume or buckets.
    """
    reach = (1 - MIDDLE_SHARE) / 2 * (grid.top - grid.origin)
    bottom, top = (grid.origin + reach)[:, None], (grid.top - reach)[:, None]
    span = high - low
    inside = ((low >= bottom) & (high <= top)).astype(np.float64)
    overlap = np.minimum(high, top) - np.maximum(low, bottom)
    np.divide(np.maximum(overlap, 0), span, out=inside, where=span > 0)
    total = volume.sum(axis=-1)
    out = np.full(total.shape, np.nan)
    np.divide(
        np.vecdot(inside, volume), total, out=out, where=(grid.count > 0) & (total > 0)
    )
    return np.minimum(out, 1.0)
