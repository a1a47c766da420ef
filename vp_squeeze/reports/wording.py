"""Words and number formats of the analysis's reports."""

from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite

from vp_squeeze.box_analysis import BoxReading
from vp_squeeze.indicators.resonance import LevelKind
from vp_squeeze.indicators.squeeze import ACTIVE_BARS

MISSING = "–"
DISCLAIMER = (
    "A box describes where volume traded and how quiet the price was; "
    "it does not forecast."
)
SIMULATED = "SIMULATED MARKET: no contract or price here is real."
SIMULATED_SOURCES = ("demo", "simulated")
LEVEL_WORDS = {
    LevelKind.POC: "point of control",
    LevelKind.VALUE_AREA_LOW: "value area low",
    LevelKind.VALUE_AREA_HIGH: "value area high",
    LevelKind.NODE: "high-volume node",
}
"""What each kind of level is called."""


def utc(at_ms: int) -> str:
    """Return ``at_ms`` (ms UTC) as ``2026-10-07 12:00 UTC``."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def price_decimals(tick_size: Decimal) -> int:
    """Return how many decimals prices on the tick have."""
    exponent = tick_size.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def clean_price(price: float, tick_size: Decimal) -> float | None:
    """Return ``price`` without the rounding of its computation; None for NaN.

    Levels are on the tick or, between two edges, on half of one.
    """
    if not isfinite(price):
        return None
    return round(price, price_decimals(tick_size) + 1)


def price_text(price: float, tick_size: Decimal) -> str:
    """Return ``price`` with the decimals of the tick, half a tick with one more."""
    if not isfinite(price):
        return MISSING
    decimals = price_decimals(tick_size)
    text = f"{price:.{decimals + 1}f}"
    return text.removesuffix("0").removesuffix(".") if text.endswith("0") else text


def rounded(value: float, decimals: int, *, sign: bool = False) -> str:
    """Return ``value`` with ``decimals`` digits after the point; a dash for NaN."""
    if not isfinite(value):
        return MISSING
    text = format(value, f"{'+' if sign else ''}.{decimals}f")
    return text.replace("-", "−")


def percent(share: float, decimals: int = 0, *, sign: bool = False) -> str:
    """Return a fraction as ``12 %``; a dash for NaN."""
    text = rounded(100 * share, decimals, sign=sign)
    return text if text == MISSING else f"{text} %"


def level_words(kind: LevelKind, level: float, price: float) -> str:
    """Return what a level is called where the price is.

    An edge of the value area is support only below the price, resistance only above.
    """
    words = LEVEL_WORDS[kind]
    if kind is LevelKind.VALUE_AREA_LOW and level < price:
        return f"{words} (support)"
    if kind is LevelKind.VALUE_AREA_HIGH and level > price:
        return f"{words} (resistance)"
    return words


def box_text(reading: BoxReading, tick_size: Decimal) -> str:
    """Return the value area ``low–high``, or a dash where there is no volume."""
    box = reading.profile.box
    low, high = (
        price_text(float(price), tick_size) for price in (box.support, box.resistance)
    )
    return MISSING if low == MISSING else f"{low}–{high}"


def squeeze_words(reading: BoxReading) -> str:
    """Return ``active 5``, ``on 2``, ``off``, or a dash where it is not known."""
    bars = float(reading.squeeze.bars[-1])
    if not isfinite(bars):
        return MISSING
    if bars == 0:
        return "off"
    return f"{'active' if bars >= ACTIVE_BARS else 'on'} {bars:.0f}"
