from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.snapshots import random_panel
from vp_squeeze.indicators.resonance import (
    LevelKind,
    price_levels,
    resonance_zones,
    volume_share,
)
from vp_squeeze.indicators.volume_profile import (
    VolumeProfile,
    volume_nodes,
    volume_profile,
)


def at_prices(prices: list[float], volumes: list[float]) -> VolumeProfile:
    price, volume = np.array([*prices, 1000.0]), np.array([*volumes, 0.0])
    return volume_profile(price, price, price, volume, tick_size=1.0)


def random_profile(seed: int, bar_count: int = 60) -> VolumeProfile:
    bars = random_panel(1, bar_count, seed=seed)
    close = bars.close[0] * 100 / bars.close[0, -1]
    reach = 1 + 0.01 * np.random.default_rng(seed).random(bar_count)
    return volume_profile(close * reach, close / reach, close, bars.volume[0])


def test_levels_are_the_marks_of_the_profile() -> None:
    profile = at_prices([900.0, 910.0, 950.0], [30.0, 50.0, 20.0])
    levels = price_levels("1h", profile)
    kinds = [level.kind for level in levels]

    assert [level.price for level in levels] == sorted(level.price for level in levels)
    assert kinds.count(LevelKind.POC) == 1
    assert kinds.count(LevelKind.NODE) == len(volume_nodes(profile)[0])
    poc = next(level for level in levels if level.kind is LevelKind.POC)
    assert (poc.timeframe, poc.price) == ("1h", 910.5)


def test_agreeing_timeframes_make_one_zone() -> None:
    # one price each, 0.5 % apart: POC, both edges and the node of each are near
    profiles = {"1h": at_prices([900.0], [5.0]), "4h": at_prices([904.0], [7.0])}
    (zone,) = resonance_zones(profiles)

    assert (zone.low, zone.high) == (900.0, 905.0)
    assert zone.timeframes == ("1h", "4h")
    assert zone.node_count == 2
    assert zone.volume_share == 1.0
    assert zone.strength == pytest.approx(0.5 + 0.35 * 2 / 3 + 0.15 * 2 / 5)


def test_levels_too_far_apart_are_no_zone() -> None:
    profiles = {"1h": at_prices([900.0], [5.0]), "4h": at_prices([930.0], [7.0])}

    assert resonance_zones(profiles) == ()


def test_one_timeframe_agrees_with_nothing() -> None:
    assert resonance_zones({"4h": random_profile(1)}) == ()


def test_profile_without_volume_has_no_levels() -> None:
    empty = at_prices([900.0], [0.0])

    assert price_levels("1h", empty) == ()
    assert resonance_zones({"1h": empty, "4h": random_profile(1)}) == ()


def test_share_of_the_volume_is_pro_rata() -> None:
    profile = at_prices([900.0, 901.0, 902.0], [1.0, 2.0, 1.0])

    assert volume_share(profile, 901.5, 901.5) == 0.5  # exactly its bucket
    assert volume_share(profile, 901.0, 901.0) == 0.375  # half of either
    assert volume_share(profile, 0.0, 5000.0) == 1.0


@given(seeds=st.lists(st.integers(0, 1000), min_size=2, max_size=4, unique=True))
def test_zones_are_disjoint_narrow_and_ordered(seeds: list[int]) -> None:
    profiles = {f"{seed}m": random_profile(seed) for seed in seeds}
    zones = resonance_zones(profiles)

    strengths = [zone.strength for zone in zones]
    assert strengths == sorted(strengths, reverse=True)
    for zone in zones:
        assert zone.high <= zone.low * 1.02 * (1 + 1e-12)
        assert len(zone.timeframes) >= 2
        assert 0 <= zone.volume_share <= 1 + 1e-12
        assert 0 < zone.strength <= 1 + 1e-12
    for one, other in combinations(zones, 2):
        assert one.high < other.low or other.high < one.low


@given(seeds=st.lists(st.integers(0, 1000), min_size=2, max_size=3, unique=True))
def test_no_group_of_levels_is_stronger_than_the_first_zone(seeds: list[int]) -> None:
    profiles = {f"{seed}m": random_profile(seed) for seed in seeds}
    zones = resonance_zones(profiles)
    levels = [
        level
        for name, profile in profiles.items()
        for level in price_levels(name, profile)
    ]
    for start in levels:
        group = [
            level
            for level in levels
            if start.price <= level.price <= start.price * 1.02
        ]
        names = {level.timeframe for level in group}
        if len(names) < 2:
            continue
        high = max(level.price for level in group)
        share = np.mean(
            [volume_share(profiles[name], start.price, high) for name in names]
        )
        nodes = sum(level.kind is LevelKind.NODE for level in group)
        strength = (
            0.5 * share + 0.35 * min(1, len(names) / 3) + 0.15 * min(1, nodes / 5)
        )
        assert zones[0].strength >= strength - 1e-9
