"""Prices at which the volume profiles of several timeframes agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from vp_squeeze.indicators.volume_profile import VolumeProfile, volume_nodes

ZONE_SHARE = 0.02
"""Levels of one zone are at most this far apart, as a share of the lowest."""
MINIMUM_TIMEFRAMES = 2
"""Fewer do not agree with anything."""
VOLUME_WEIGHT = 0.50
TIMEFRAME_WEIGHT = 0.35
NODE_WEIGHT = 0.15
FULL_TIMEFRAMES = 3
"""Timeframes from which on their part of the strength is whole."""
FULL_NODES = 5
"""Nodes from which on their part of the strength is whole."""


class LevelKind(StrEnum):
    """What makes a price a level."""

    POC = "poc"
    VALUE_AREA_LOW = "value_area_low"
    VALUE_AREA_HIGH = "value_area_high"
    NODE = "high_volume_node"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLevel:
    """One level of one timeframe."""

    timeframe: str
    kind: LevelKind
    price: float
    """Quote currency; of a node its middle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResonanceZone:
    """Levels of at least two timeframes within 2 % of each other."""

    levels: tuple[PriceLevel, ...]
    """Lowest price first."""
    volume_share: float
    """Share of the volume traded between the lowest and the highest level, half a
    bucket more on either side; mean over the zone's timeframes, in [0, 1]."""

    @property
    def low(self) -> float:
        """Lowest level, quote currency."""
        return self.levels[0].price

    @property
    def high(self) -> float:
        """Highest level, quote currency."""
        return self.levels[-1].price

    @property
    def timeframes(self) -> tuple[str, ...]:
        """Timeframes that have a level here, in order of their lowest."""
        return tuple(dict.fromkeys(level.timeframe for level in self.levels))

    @property
    def node_count(self) -> int:
        """High-volume nodes among the levels."""
        return sum(level.kind is LevelKind.NODE for level in self.levels)

    @property
    def strength(self) -> float:
        """0.50 volume share + 0.35 timeframes/3 + 0.15 nodes/5, in [0, 1]."""
        return (
            VOLUME_WEIGHT * self.volume_share
            + TIMEFRAME_WEIGHT * min(1.0, len(self.timeframes) / FULL_TIMEFRAMES)
            + NODE_WEIGHT * min(1.0, self.node_count / FULL_NODES)
        )


def price_levels(timeframe: str, profile: VolumeProfile) -> tuple[PriceLevel, ...]:
    """Point of control, edges of the value area and high-volume nodes.

    Parameters
    ----------
    timeframe : str
        Named in each level.
    profile : VolumeProfile
        Of one symbol.

    Returns
    -------
    tuple of PriceLevel
        Lowest price first; empty for a profile without volume.
    """
    if not profile.total_volume > 0:
        return ()
    marked = [
        (LevelKind.POC, float(profile.poc)),
        (LevelKind.VALUE_AREA_LOW, float(profile.value_area_low)),
        (LevelKind.VALUE_AREA_HIGH, float(profile.value_area_high)),
        *((LevelKind.NODE, node.price) for node in volume_nodes(profile)[0]),
    ]
    levels = (
        PriceLevel(timeframe=timeframe, kind=kind, price=price)
        for kind, price in marked
    )
    return tuple(sorted(levels, key=lambda level: level.price))


def resonance_zones(
    profiles: Mapping[str, VolumeProfile],
) -> tuple[ResonanceZone, ...]:
    """Zones in which levels of several timeframes agree.

    Parameters
    ----------
    profiles : mapping of str to VolumeProfile
        Timeframe → profile of the one symbol.

    Returns
    -------
    tuple of ResonanceZone
        Strongest first, the lower of equals first; no level is in two of them. The
        strongest group of levels within 2 % becomes a zone, then the strongest of
        the levels that remain, and so on.
    """
    levels = [
        level
        for name, profile in profiles.items()
        for level in price_levels(name, profile)
    ]
    levels.sort(key=lambda level: level.price)
    known: dict[tuple[PriceLevel, ...], ResonanceZone] = {}
    zones: list[ResonanceZone] = []
    while groups := _groups(levels):
        for group in groups:
            if group not in known:
                known[group] = _zone(group, profiles)
        strongest = max((known[group] for group in groups), key=_strength)
        zones.append(strongest)
        taken = set(strongest.levels)
        levels = [level for level in levels if level not in taken]
    return tuple(zones)


def _strength(zone: ResonanceZone) -> float:
    return zone.strength


def _groups(levels: Sequence[PriceLevel]) -> list[tuple[PriceLevel, ...]]:
    prices = np.array([level.price for level in levels])
    ends = np.searchsorted(prices, prices * (1 + ZONE_SHARE), side="right")
    groups = (tuple(levels[first:end]) for first, end in enumerate(ends.tolist()))
    return [
        group
        for group in groups
        if len({level.timeframe for level in group}) >= MINIMUM_TIMEFRAMES
    ]


def _zone(
    levels: tuple[PriceLevel, ...], profiles: Mapping[str, VolumeProfile]
) -> ResonanceZone:
    low, high = levels[0].price, levels[-1].price
    names = dict.fromkeys(level.timeframe for level in levels)
    shares = [volume_share(profiles[name], low, high) for name in names]
    return ResonanceZone(levels=levels, volume_share=sum(shares) / len(shares))


def volume_share(profile: VolumeProfile, low: float, high: float) -> float:
    """Share of the volume between two prices, half a bucket more on either side.

    Parameters
    ----------
    profile : VolumeProfile
        Of one symbol, with volume.
    low, high : float
        Quote currency, ``low <= high``.

    Returns
    -------
    float
        In [0, 1]; buckets count pro rata to the overlap.
    """
    reach = float(profile.bucket_width) / 2
    below = np.concatenate(([0.0], np.cumsum(profile.volume)))
    inside = np.interp([low - reach, high + reach], profile.edges, below)
    return float(inside[1] - inside[0]) / float(below[-1])
