"""Bars of one contract → its box, its squeeze and where timeframes agree. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from monitor.domain.market import KlineInterval, Klines
from monitor.domain.typing import Symbol
from vp_squeeze.indicators.confidence import BoxConfidence, box_confidence
from vp_squeeze.indicators.resonance import (
    PriceLevel,
    ResonanceZone,
    price_levels,
    resonance_zones,
)
from vp_squeeze.indicators.squeeze import Squeeze, squeeze
from vp_squeeze.indicators.volume_profile import VolumeProfile, volume_profile


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoxReading:
    """What the bars of one timeframe say."""

    klines: Klines
    profile: VolumeProfile
    """Of turnover (quote volume)."""
    squeeze: Squeeze
    """At every bar."""
    confidence: BoxConfidence
    """At the last bar; arrays of shape ()."""

    @property
    def interval(self) -> KlineInterval:
        """Length of the bars."""
        return self.klines.interval

    @property
    def close(self) -> float:
        """Last close, quote currency."""
        return float(self.klines.close[-1])

    @property
    def closed_at_ms(self) -> int:
        """When the last bar closed, ms UTC."""
        return int(self.klines.close_time[-1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpotReading:
    """What the bars of the same coin on the spot market say."""

    tick_size: Decimal
    """Of the spot market."""
    reading: BoxReading
    """Of the interval asked for."""

    @property
    def poc(self) -> float:
        """Point of control, quote currency; NaN without volume."""
        return float(self.reading.profile.poc)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContractAnalysis:
    """What the bars of one contract say."""

    symbol: Symbol
    tick_size: Decimal
    reading: BoxReading
    """Of the interval asked for."""
    timeframes: Mapping[KlineInterval, BoxReading]
    """Those that are compared, as far as their bars could be had."""
    missing: Mapping[KlineInterval, str]
    """Why the others are not there."""
    zones: tuple[ResonanceZone, ...]
    """Where the compared timeframes agree, strongest first."""
    spot: SpotReading | str | None = None
    """The spot market beside it, or why it is not there; None: not asked for."""

    @property
    def newest(self) -> BoxReading:
        """The reading whose last bar closed last."""
        readings = (self.reading, *self.timeframes.values())
        return max(readings, key=lambda reading: reading.closed_at_ms)

    @property
    def price(self) -> float:
        """The newest close of all timeframes, quote currency."""
        return self.newest.close

    @property
    def levels(self) -> tuple[PriceLevel, ...]:
        """Levels of the interval asked for, lowest price first."""
        return price_levels(self.reading.interval.value, self.reading.profile)

    def distance(self, level: float) -> float:
        """Return how far ``level`` is above the price, as a fraction of the price."""
        return level / self.price - 1


def box_reading(klines: Klines, tick_size: Decimal) -> BoxReading:
    """Profile, squeeze and confidence of one timeframe.

    Parameters
    ----------
    klines : Klines
        Closed, checked bars, at least one.
    tick_size : Decimal
        Price step, quote currency.
    """
    profile = volume_profile(
        klines.high,
        klines.low,
        klines.close,
        klines.quote_volume,
        tick_size=float(tick_size),
    )
    state = squeeze(klines.high, klines.low, klines.close)
    return BoxReading(
        klines=klines,
        profile=profile,
        squeeze=state,
        confidence=last_confidence(profile, state),
    )


def last_confidence(profile: VolumeProfile, state: Squeeze) -> BoxConfidence:
    """Confidence of one contract at its last bar; arrays of shape ()."""
    return box_confidence(
        squeeze_bars=np.asarray(state.bars[-1]),
        concentration=profile.concentration,
        bollinger_width=np.asarray(state.bollinger.width_percent[-1]),
        value_area_width=profile.box.width_percent,
    )


def contract_analysis(
    klines: Klines,
    tick_size: Decimal,
    compared: Mapping[KlineInterval, Klines | str],
) -> ContractAnalysis:
    """Return the readings of all timeframes, and where they agree.

    Parameters
    ----------
    klines : Klines
        Closed, checked bars of the interval asked for, at least one.
    tick_size : Decimal
        Price step, quote currency.
    compared : mapping of KlineInterval to Klines or str
        Bars of each timeframe that is compared, or why there are none.
    """
    reading = box_reading(klines, tick_size)
    timeframes: dict[KlineInterval, BoxReading] = {}
    missing: dict[KlineInterval, str] = {}
    for interval, bars in compared.items():
        if isinstance(bars, str):
            missing[interval] = bars
        elif bars is klines:
            timeframes[interval] = reading
        else:
            timeframes[interval] = box_reading(bars, tick_size)
    return ContractAnalysis(
        symbol=klines.symbol,
        tick_size=tick_size,
        reading=reading,
        timeframes=timeframes,
        missing=missing,
        zones=resonance_zones(
            {name.value: found.profile for name, found in timeframes.items()}
        ),
    )
