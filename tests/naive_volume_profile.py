"""Definition-level twins of the volume profile, bands and squeeze: plain loops.

One symbol, the standard library alone. Prices and volumes become fractions, so that
the twin of the profile has no rounding at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor, isnan, nan, sqrt

from tests import naive

Series = Sequence[float]

SHARE = Fraction(1, 10**12)
"""Shares of the volume are compared in these steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NaiveProfile:
    """What `vp_squeeze.indicators.volume_profile.VolumeProfile` says, of one symbol."""

    width: Fraction
    volume: list[Fraction]
    is_widened: bool
    poc_bucket: int
    value_area: tuple[int, int]
    """First and last bucket."""
    high: list[bool]
    low: list[bool]
    concentration: Fraction


def on_grid(value: float, tick: Fraction) -> Fraction:
    return round(Fraction(value) / tick) * tick


def rounded_up(value: Fraction, tick: Fraction) -> Fraction:
    return max(1, ceil(value / tick)) * tick


def profile(
    high: Series,
    low: Series,
    close: Series,
    volume: Series,
    *,
    tick: Fraction,
    max_buckets: int = 2000,
) -> NaiveProfile:
    """Walk over all buckets for every bar; prices are multiples of ``tick``."""
    highs = [on_grid(price, tick) for price in high]
    lows = [on_grid(price, tick) for price in low]
    volumes = [Fraction(traded) for traded in volume]
    bottom, top = min(lows), max(highs)
    width = rounded_up(on_grid(close[-1], tick) / 1000, tick)
    is_widened = ceil((top - bottom) / width) > max_buckets
    if is_widened:
        width = rounded_up((top - bottom) / max_buckets, tick)
    count = max(1, ceil((top - bottom) / width))
    buckets = [Fraction(0)] * count
    for h, lo, traded in zip(highs, lows, volumes, strict=True):
        if h == lo:
            buckets[min(floor((h - bottom) / width), count - 1)] += traded
            continue
        for number in range(count):
            edge = bottom + number * width
            overlap = min(h, edge + width) - max(lo, edge)
            if overlap > 0:
                buckets[number] += traded * overlap / (h - lo)
    total = sum(volumes)
    poc, area, is_high, is_low = levels(buckets)
    quarter = (top - bottom) / 4
    inside = sum(
        traded * share_within(lo, h, bottom + quarter, top - quarter)
        for h, lo, traded in zip(highs, lows, volumes, strict=True)
    )
    return NaiveProfile(
        width=width,
        volume=buckets,
        is_widened=is_widened,
        poc_bucket=poc,
        value_area=area,
        high=is_high,
        low=is_low,
        concentration=inside / total if total else Fraction(-1),
    )


def share_within(
    low: Fraction, high: Fraction, bottom: Fraction, top: Fraction
) -> Fraction:
    if low == high:
        return Fraction(bottom <= low <= top)
    return max(Fraction(0), min(high, top) - max(low, bottom)) / (high - low)


def levels(
    buckets: list[Fraction],
) -> tuple[int, tuple[int, int], list[bool], list[bool]]:
    """Return POC, value area, high-volume and low-volume buckets."""
    total = sum(buckets)
    if total == 0:
        nothing = [False] * len(buckets)
        return 0, (0, 0), nothing, nothing
    shares = [round(traded / total / SHARE) * SHARE for traded in buckets]
    poc = shares.index(max(shares))
    filled = sorted(
        share for share, traded in zip(shares, buckets, strict=True) if traded > 0
    )
    top, bottom = percentile(filled, 80), percentile(filled, 20)
    pairs = list(zip(shares, buckets, strict=True))
    return (
        poc,
        value_area(shares, poc),
        [traded > 0 and share >= top for share, traded in pairs],
        [traded > 0 and share <= bottom for share, traded in pairs],
    )


def value_area(shares: list[Fraction], poc: int) -> tuple[int, int]:
    first = last = poc
    held = shares[poc]
    while held < Fraction(7, 10) - Fraction(1, 10**9):
        above = shares[last + 1] if last + 1 < len(shares) else None
        below = shares[first - 1] if first > 0 else None
        if below is None or (above is not None and above >= below):
            assert above is not None
            last, held = last + 1, held + above
        else:
            first, held = first - 1, held + below
    return first, last


def percentile(ordered: list[Fraction], percent: int) -> Fraction:
    place = Fraction(percent * (len(ordered) - 1), 100)
    lower = floor(place)
    upper = min(lower + 1, len(ordered) - 1)
    return ordered[lower] + (place - lower) * (ordered[upper] - ordered[lower])


def nodes(mask: list[bool]) -> list[tuple[int, int]]:
    """Return first and last bucket of each run."""
    out: list[tuple[int, int]] = []
    for number, is_in in enumerate(mask):
        if is_in and number > 0 and mask[number - 1]:
            out[-1] = (out[-1][0], number)
        elif is_in:
            out.append((number, number))
    return out


# --- bands and squeeze ---------------------------------------------------------


def mean(values: Series) -> float:
    return sum(values) / len(values)


def has_nan(*series: Series) -> bool:
    return any(isnan(value) for values in series for value in values)


def bollinger(close: Series, t: int, window: int = 20) -> tuple[float, float]:
    """Return the lower and the upper band at bar ``t``."""
    last = close[t - window + 1 : t + 1] if t >= window - 1 else [nan]
    if has_nan(last):
        return nan, nan
    middle = mean(last)
    deviation = sqrt(mean([(price - middle) ** 2 for price in last]))
    return middle - 2 * deviation, middle + 2 * deviation


def exponential(values: Series, t: int, window: int = 20) -> float:
    if t < window - 1 or has_nan(values[: t + 1]):
        return nan
    average = mean(values[:window])
    for value in values[window : t + 1]:
        average = average * (1 - 2 / (window + 1)) + value * 2 / (window + 1)
    return average


def keltner(high: Series, low: Series, close: Series, t: int) -> tuple[float, float]:
    """Return the lower and the upper band at bar ``t``."""
    middle = exponential(close, t)
    average = naive.wilder_average(naive.true_range(high, low, close), 10)[t]
    return middle - 1.5 * average, middle + 1.5 * average


def squeeze_bars(high: Series, low: Series, close: Series) -> list[float]:
    out: list[float] = []
    count = 0
    for t in range(len(close)):
        (low_b, high_b), (low_k, high_k) = (
            bollinger(close, t),
            keltner(high, low, close, t),
        )
        count = count + 1 if low_b > low_k and high_b < high_k else 0
        out.append(nan if has_nan([low_b, low_k]) else count)
    return out


def squeeze_momentum(
    high: Series, low: Series, close: Series, window: int = 20
) -> list[float]:
    distances = []
    for t in range(len(close)):
        if t < window - 1:
            distances.append(nan)
            continue
        bars = range(t - window + 1, t + 1)
        highs, lows = [high[i] for i in bars], [low[i] for i in bars]
        closes = [close[i] for i in bars]
        if has_nan(highs, lows, closes):
            distances.append(nan)
            continue
        middle = (max(highs) + min(lows)) / 2
        distances.append(close[t] - mean([middle, mean(closes)]))
    out = []
    for t in range(len(close)):
        last = distances[max(0, t - window + 1) : t + 1]
        if len(last) < window or has_nan(last):
            out.append(nan)
        else:
            slope = naive.ols_slope(list(range(window)), last)
            out.append(10_000 * slope / close[t])
    return out


def by_table(value: float, table: Sequence[tuple[float, float]]) -> float:
    if isnan(value):
        return nan
    if value <= table[0][0]:
        return table[0][1]
    for (left, a), (right, b) in pairwise(table):
        if value <= right:
            return a + (b - a) * (value - left) / (right - left)
    return table[-1][1]
