"""Volume profile and squeeze of one contract on the bars of a scan. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from math import ceil, isfinite

import numpy as np

from grid_screening.contract_plan import contract_profile, value_area
from grid_screening.plan_numbers import exact_decimal
from grid_screening.planned_grid import decimals_of
from grid_screening.screening_report import (
    BoxConfidenceParts,
    PriceVolumes,
    SqueezeState,
    VolumeBox,
)
from grid_screening.snapshot import MarketSnapshot
from monitor.domain.typing import FloatArray, Symbol
from vp_squeeze.box_analysis import last_confidence
from vp_squeeze.indicators.squeeze import ACTIVE_BARS, squeeze
from vp_squeeze.indicators.volume_profile import VolumeProfile

PICTURE_STEPS = 150
"""Buckets of a picture at most: a profile may have 2,000."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContractVolumes:
    """What the bars of one contract say, in numbers and for a picture."""

    box: VolumeBox
    volumes: PriceVolumes | None
    """None: no volume."""


def contract_volumes(snapshot: MarketSnapshot, symbol: Symbol) -> ContractVolumes:
    """Return profile, squeeze and confidence of one contract at its last bar.

    Parameters
    ----------
    snapshot : MarketSnapshot
        Holds ``symbol``. All its bars count.
    symbol : str

    Returns
    -------
    ContractVolumes
        As ``manage.py vp_analysis`` tells the same bars. Without turnover no profile
        and no confidence; below 20 bars no squeeze, below 39 no momentum.
    """
    row = snapshot.symbols.index(symbol)
    tick = snapshot.instruments[symbol].tick_size
    profile = contract_profile(snapshot, symbol)
    low, high = value_area(profile, tick)
    state = squeeze(snapshot.high[row], snapshot.low[row], snapshot.close[row])
    parts = last_confidence(profile, state)
    bars = _number(state.bars[-1])
    return ContractVolumes(
        box=VolumeBox(
            point_of_control=_on_half_tick(float(profile.poc), tick),
            value_area_low=None if low is None else low.quantize(decimals_of(tick)),
            value_area_high=None if high is None else high.quantize(decimals_of(tick)),
            squeeze=None if bars is None else _state(bars),
            bars_in_squeeze=None if bars is None else int(bars),
            squeeze_momentum=_number(state.momentum[-1]),
            confidence=_number(parts.total),
            confidence_parts=BoxConfidenceParts(
                squeeze=_number(parts.squeeze),
                concentration=_number(parts.concentration),
                bollinger_width=_number(parts.bollinger_width),
                value_area_width=_number(parts.value_area_width),
            ),
        ),
        volumes=picture_volumes(profile),
    )


def picture_volumes(profile: VolumeProfile) -> PriceVolumes | None:
    """Return a profile in at most 150 steps of whole buckets; None without volume.

    Parameters
    ----------
    profile : VolumeProfile
        Of one contract: arrays of shape () and (n_buckets,).
    """
    if not profile.total_volume > 0:
        return None
    count = int(profile.bucket_count)
    together = ceil(count / PICTURE_STEPS)
    shares = np.zeros(ceil(count / together) * together)
    shares[:count] = profile.volume[:count] / float(profile.total_volume)
    return PriceVolumes(
        low=float(profile.origin),
        step=together * float(profile.bucket_width),
        share=shares.reshape(-1, together).sum(axis=-1),
    )


def _state(bars: float) -> SqueezeState:
    if bars == 0:
        return "off"
    return "active" if bars >= ACTIVE_BARS else "on"


def _on_half_tick(price: float, tick: Decimal) -> Decimal | None:
    # the middle of a bucket; with the decimals of the tick where it is on tick
    if not isfinite(price):
        return None
    half = tick / 2
    found = (exact_decimal(price) / half).to_integral_value() * half
    on_tick = found.quantize(decimals_of(tick))
    return on_tick if on_tick == found else found


def _number(value: FloatArray | float) -> float | None:
    number = float(value)
    return number if isfinite(number) else None
