"""Volume by price: buckets, point of control, value area, nodes, concentration.

Arrays are float64 with time as the last axis, ``(..., n_bars)``: one symbol or a whole
panel through the same code. The digits of a row do not depend on the rows beside it.

Symbols need different numbers of buckets. A panel's buckets are padded with NaN to the
longest row; `VolumeProfile.row` cuts one symbol out, without its padding.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from monitor.domain.typing import BoolArray, FloatArray, IntArray
from vp_squeeze.indicators.bucket_allocation import (
    allocated,
    bucket_grid,
    middle_share,
)
from vp_squeeze.indicators.value_area import (
    HIGH_VOLUME_PERCENTILE,
    LOW_VOLUME_PERCENTILE,
    VALUE_SHARE,
    percentile_masks,
    value_areas,
)

BUCKET_SHARE = 0.001
"""Width of a bucket as a share of the last close, before it is rounded up to tick."""
MAX_BUCKETS = 2_000
"""Most buckets of one profile; a larger range gets wider ones."""
SHARE_DECIMALS = 12
"""Buckets whose shares of the volume agree to 12 decimals are equally large."""

__all__ = [
    "BUCKET_SHARE",
    "HIGH_VOLUME_PERCENTILE",
    "LOW_VOLUME_PERCENTILE",
    "MAX_BUCKETS",
    "VALUE_SHARE",
    "PriceBox",
    "VolumeNode",
    "VolumeProfile",
    "volume_nodes",
    "volume_profile",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PriceBox:
    """The value area read as a box to trade in, per symbol; shapes (...)."""

    support: FloatArray
    """Value-area low, quote currency."""
    resistance: FloatArray
    """Value-area high, quote currency."""
    width_percent: FloatArray
    """Percent of the point of control, > 0."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VolumeProfile:
    """Traded volume by price, per symbol.

    Prices are in quote currency. A symbol without a profile (a NaN among its bars, no
    bars) has 0 buckets and NaN everywhere; one without volume has buckets of volume 0
    and NaN for what needs volume.
    """

    origin: FloatArray
    """Lower edge of the first bucket: the lowest low; shape (...)."""
    bucket_width: FloatArray
    """Price width of every bucket of the symbol, > 0; shape (...)."""
    bucket_count: IntArray
    """Buckets of the symbol, at most 2,000; shape (...)."""
    is_widened: BoolArray
    """The range did not fit in 2,000 buckets of 0.1 %: they are wider; shape (...)."""
    volume: FloatArray
    """Volume in each bucket, ≥ 0, lowest price first; shape (..., n_buckets), NaN
    from ``bucket_count`` on. The sum is the bars' volume within 1e-12 relative."""
    is_high_volume: BoolArray
    """Not empty and at or above the 80th percentile of those; shape of ``volume``."""
    is_low_volume: BoolArray
    """Not empty and at or below the 20th percentile of those; shape of ``volume``."""
    total_volume: FloatArray
    """Sum over the bars; shape (...)."""
    poc: FloatArray
    """Point of control: mid price of the largest bucket, the lowest of equals;
    shape (...)."""
    value_area_low: FloatArray
    """Lower edge of the value area; shape (...)."""
    value_area_high: FloatArray
    """Upper edge of the value area; shape (...)."""
    value_area_share: FloatArray
    """Share of the volume inside the value area, in [0.7, 1]; shape (...)."""
    concentration: FloatArray
    """Share of the volume in the middle half of the price range that the bars cover,
    in [0, 1]; 0.5 when spread evenly, 1 for a single price; shape (...)."""

    @property
    def box(self) -> PriceBox:
        """Support and resistance at the edges of the value area."""
        width = self.value_area_high - self.value_area_low
        return PriceBox(
            support=self.value_area_low,
            resistance=self.value_area_high,
            width_percent=100 * width / self.poc,
        )

    @property
    def edges(self) -> FloatArray:
        """Edges of the buckets; shape (..., n_buckets + 1), NaN beyond the last."""
        places = np.arange(self.volume.shape[-1] + 1)
        edges = self.origin[..., None] + places * self.bucket_width[..., None]
        return np.where(places <= self.bucket_count[..., None], edges, np.nan)

    def row(self, index: int) -> "VolumeProfile":
        """Return one symbol of a panel of shape (n_symbols,), without padding."""
        count = int(self.bucket_count[index])
        buckets = ("volume", "is_high_volume", "is_low_volume")
        return VolumeProfile(
            **{
                name: np.asarray(getattr(self, name)[index])[..., :count]
                if name in buckets
                else np.asarray(getattr(self, name)[index])
                for name in self.__dataclass_fields__
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeNode:
    """Contiguous buckets that trade much, or little."""

    low: float
    """Lower edge, quote currency."""
    high: float
    """Upper edge, quote currency."""
    share: float
    """Share of the profile's volume, in (0, 1]."""

    @property
    def price(self) -> float:
        """Middle of the node, quote currency."""
        return (self.low + self.high) / 2


def volume_profile(
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    volume: FloatArray,
    *,
    tick_size: FloatArray | float | None = None,
    bucket_share: float = BUCKET_SHARE,
    max_buckets: int = MAX_BUCKETS,
    value_share: float = VALUE_SHARE,
) -> VolumeProfile:
    """Volume by price, each bar's spread evenly over its range.

    Parameters
    ----------
    high, low, close : ndarray of shape (..., n_bars)
        Prices, quote currency, > 0, ``low <= close <= high``. Of the closes only the
        last counts.
    volume : ndarray of shape (..., n_bars)
        Per bar, ≥ 0; in quote currency where the bars have it.
    tick_size : float or ndarray of shape (...), optional
        Price step, > 0. None: widths are not rounded.
    bucket_share : float
        Width of a bucket as a share of the last close, > 0.
    max_buckets : int
        At least 1.
    value_share : float
        Share of the volume that the value area holds at least, in (0, 1].

    Returns
    -------
    VolumeProfile
        Arrays of shape (...) and (..., n_buckets). A NaN in any bar of a symbol makes
        its profile NaN with 0 buckets.

    Raises
    ------
    ValueError
        A parameter is out of its range.

    Notes
    -----
    Buckets begin at the lowest low and hold their lower edge; the highest one holds
    its upper edge as well. A bar's volume goes to the buckets pro rata to the overlap
    with its high–low range; a bar without range goes wholly into its bucket. Only the
    two buckets at a bar's ends are visited: the density between them enters and
    leaves a running sum, so the work grows with bars plus buckets, not with their
    product.

    The value area grows from the point of control to the larger neighbouring bucket,
    the upper one of equals, until it holds ``value_share``.

    References
    ----------
    .. [1] Steidlmayer, J. P. (1984) Market Profile, Chicago Board of Trade.
    """
    _check(bucket_share, max_buckets, value_share)
    shape = close.shape[:-1]
    rows = (prod(shape), close.shape[-1])
    bars = [column.reshape(rows) for column in (high, low, close, volume)]
    ticks = None if tick_size is None else np.broadcast_to(tick_size, shape).reshape(-1)
    grid = bucket_grid(bars, ticks, bucket_share, max_buckets)
    buckets = allocated(bars[0], bars[1], bars[3], grid)
    inside = np.arange(buckets.shape[-1]) < grid.count[:, None]
    total = np.where(grid.count > 0, bars[3].sum(axis=-1), np.nan)
    shares = np.zeros_like(buckets)
    np.divide(buckets, total[:, None], out=shares, where=total[:, None] > 0)
    shares = np.round(shares, SHARE_DECIMALS)
    area = value_areas(shares, grid.count, share=value_share)
    is_high, is_low = percentile_masks(shares, buckets > 0)
    trades = total > 0
    columns = {
        "origin": grid.origin,
        "bucket_width": grid.width,
        "bucket_count": grid.count,
        "is_widened": grid.is_widened,
        "total_volume": total,
        "poc": np.where(trades, grid.price(area.peak + 0.5), np.nan),
        "value_area_low": np.where(trades, grid.price(area.first), np.nan),
        "value_area_high": np.where(trades, grid.price(area.last + 1), np.nan),
        "value_area_share": np.where(trades, area.share, np.nan),
        "concentration": middle_share(bars[0], bars[1], bars[3], grid),
    }
    by_bucket = {
        "volume": np.where(inside, buckets, np.nan),
        "is_high_volume": is_high,
        "is_low_volume": is_low,
    }
    return VolumeProfile(
        **{name: column.reshape(shape) for name, column in columns.items()},
        **{
            name: column.reshape(*shape, buckets.shape[-1])
            for name, column in by_bucket.items()
        },
    )


def volume_nodes(
    profile: VolumeProfile,
) -> tuple[tuple[VolumeNode, ...], tuple[VolumeNode, ...]]:
    """High-volume and low-volume nodes of one symbol, lowest price first.

    Parameters
    ----------
    profile : VolumeProfile
        Of one symbol: arrays of shape () and (n_buckets,).

    Returns
    -------
    high, low : tuple of VolumeNode
        Contiguous buckets form one node; an empty bucket is in none. Both are empty
        without volume.
    """
    return (
        _nodes(profile, profile.is_high_volume),
        _nodes(profile, profile.is_low_volume),
    )


def _nodes(profile: VolumeProfile, mask: BoolArray) -> tuple[VolumeNode, ...]:
    edge = np.diff(np.concatenate(([False], mask, [False])).astype(np.int8))
    origin, width = float(profile.origin), float(profile.bucket_width)
    total = float(profile.total_volume)
    return tuple(
        VolumeNode(
            low=origin + first * width,
            high=origin + end * width,
            share=float(profile.volume[first:end].sum()) / total,
        )
        for first, end in zip(
            np.flatnonzero(edge > 0).tolist(),
            np.flatnonzero(edge < 0).tolist(),
            strict=True,
        )
    )


def _check(bucket_share: float, max_buckets: int, value_share: float) -> None:
    if not bucket_share > 0:
        raise ValueError(f"bucket_share must be above 0, was {bucket_share}")
    if max_buckets < 1:
        raise ValueError(f"max_buckets must be at least 1, was {max_buckets}")
    if not 0 < value_share <= 1:
        raise ValueError(f"value_share must be in (0, 1], was {value_share}")
