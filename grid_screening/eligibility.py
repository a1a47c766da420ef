"""Which contracts may be scored: the rules that need factors."""

from dataclasses import dataclass

import numpy as np

from grid_screening.conf import ScreenerSettings
from grid_screening.factors import FactorTable
from grid_screening.ladder import GridRules
from grid_screening.screening_report import Exclusion, FunnelStage, Reason
from grid_screening.snapshot import MarketSnapshot
from monitor.domain.typing import BoolArray

SPACING_PER_HOURLY_ATR = float(GridRules().spacing_atr_multiple)
"""Planned spacing ÷ hourly ATR."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """Which rows may be scored, and why the others may not."""

    eligible: BoolArray
    """Shape ``(n_symbols,)``."""
    excluded: tuple[Exclusion, ...]
    funnel: tuple[FunnelStage, ...]


def eligibility(
    snapshot: MarketSnapshot, table: FactorTable, settings: ScreenerSettings
) -> Eligibility:
    """Return which contracts move, are volatile enough and have fine enough ticks.

    Rules, in this order: NATR and the efficiency ratio exist (a window without
    any move has neither), NATR within ``[min_natr, max_natr]``, one tick at most
    ``max_tick_share`` of the estimated spacing (half the hourly ATR).
    """
    natr, efficiency = table["natr"], table["efficiency_ratio"]
    ticks = np.array(
        [float(snapshot.instruments[s].tick_size) for s in snapshot.symbols]
    )
    spacing = SPACING_PER_HOURLY_ATR * table["atr_hourly_estimated"]
    left = np.ones(len(snapshot.symbols), dtype=np.bool_)
    excluded: list[Exclusion] = []
    funnel: list[FunnelStage] = []

    def apply(stage: str, passes: BoolArray, reasons: list[Reason]) -> None:
        for i in np.flatnonzero(left & ~passes):
            symbol = snapshot.symbols[i]
            excluded.append(Exclusion(symbol=symbol, stage=stage, reason=reasons[i]))
        left[:] = left & passes
        funnel.append(FunnelStage(stage=stage, count=int(left.sum())))

    apply(
        "movement",
        np.isfinite(natr) & np.isfinite(efficiency),
        [Reason(code="no_movement", text="no price movement in the window")]
        * len(snapshot.symbols),
    )
    apply(
        "natr",
        (natr >= settings.min_natr) & (natr <= settings.max_natr),
        [
            Reason(
                code="natr",
                text=f"NATR {value:.2f} % is outside "
                f"{settings.min_natr:g}…{settings.max_natr:g} %",
                value=float(value),
                limit=settings.min_natr
                if value < settings.min_natr
                else settings.max_natr,
            )
            for value in natr
        ],
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        share = ticks / spacing
    apply(
        "tick",
        share <= settings.max_tick_share,
        [
            Reason(
                code="tick_share",
                text=f"one tick is {value:.0%} of the estimated spacing",
                value=float(value),
                limit=settings.max_tick_share,
            )
            for value in share
        ],
    )
    return Eligibility(eligible=left, excluded=tuple(excluded), funnel=tuple(funnel))
