"""One contract of a snapshot → its grid plan, as the settings ask for it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from math import isfinite
from typing import Any

import numpy as np

from grid_screening.bounds import (
    GridBounds,
    ProfilePlace,
    atr_bounds,
    quantile_bounds,
    value_area_bounds,
)
from grid_screening.calculators.squeeze_risk import tail_draw_down, tail_run_up
from grid_screening.conf import ScreenerSettings, decimal_fee
from grid_screening.deep_spacing import (
    best_spacing,
    measured_spacing,
    price_path,
    whole_ticks,
)
from grid_screening.grid_plan import (
    GridTerms,
    InfeasibleGrid,
    ShortGridPlan,
    Spacing,
    Start,
    short_grid_plan,
)
from grid_screening.ladder import GridRules, spacing_range
from grid_screening.plan_numbers import exact_decimal
from grid_screening.portfolio import portfolio_risk
from grid_screening.screening_report import PortfolioRisk, Reason
from grid_screening.snapshot import MarketSnapshot
from monitor.domain.market import DAY_MS, Klines
from monitor.domain.typing import Symbol
from vp_squeeze.indicators.volume_profile import VolumeProfile, volume_profile

QUANTILE_HORIZON_DAYS = 7
"""Days within which the highest rise and the deepest fall are taken: the validated
life of a grid."""
QUANTILE = 0.9

_SHARE_DECIMALS = 12
# beyond them a sum of buckets is rounding error

NO_MINUTE_BARS = "no_minute_bars"
"""Mark: the one-minute bars could not be had or read, the spacing is the default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """Average true ranges of one contract, quote currency."""

    daily: float
    hourly: float


def contract_plan(
    snapshot: MarketSnapshot,
    symbol: Symbol,
    ranges: Ranges,
    settings: ScreenerSettings,
    *,
    minute_bars: Klines | None = None,
) -> ShortGridPlan | InfeasibleGrid:
    """Plan the grid of one contract.

    Parameters
    ----------
    snapshot : MarketSnapshot
        Holds ``symbol``; its bars measure the tail run-up, the quantiles and the
        volume profile.
    symbol : str
        The contract.
    ranges : Ranges
        Exact average true ranges.
    settings : ScreenerSettings
        Capital, costs, bounds, spacing, start, deep.
    minute_bars : Klines, optional
        Closed one-minute bars, for ``settings.deep``.

    Returns
    -------
    ShortGridPlan or InfeasibleGrid
        With ``settings.deep`` the spacing is the one of the largest net harvest on
        the minute bars, where they judge one and it is legal; else the default one.
    """
    contract = _Contract.of(snapshot, symbol)
    profile = contract_profile(snapshot, symbol)
    bounds = contract.bounds(settings.bounds, profile)
    if isinstance(bounds, Reason):
        return InfeasibleGrid(reason=bounds, minimum_margin=None)
    request = contract.request(ranges, settings) | {"bounds": bounds}
    plan = short_grid_plan(**request)
    if isinstance(plan, ShortGridPlan) and settings.deep:
        plan = _deepened(plan, request, minute_bars)
    if isinstance(plan, ShortGridPlan):
        plan = replace(plan, profile=profile_place(profile, plan))
    return plan


def grid_terms(settings: ScreenerSettings, symbol: Symbol) -> GridTerms:
    """Return capital and costs of the grid of one contract."""
    return GridTerms(
        margin=Decimal(repr(settings.grid_margin_usdt)),
        max_leverage=settings.max_leverage,
        maker_fee=decimal_fee(settings.maker_fee),
        taker_fee=decimal_fee(settings.taker_fee),
        brackets=(settings.brackets or {}).get(symbol),
    )


def listed_risk(
    snapshot: MarketSnapshot,
    plans: Mapping[Symbol, ShortGridPlan | InfeasibleGrid],
    settings: ScreenerSettings,
) -> PortfolioRisk | None:
    """Return what the planned grids risk together, by the returns of the scan's bars.

    None: no grid is planned.
    """
    found = {s: plan for s, plan in plans.items() if isinstance(plan, ShortGridPlan)}
    rows = [snapshot.symbols.index(symbol) for symbol in found]
    return portfolio_risk(
        list(found.values()),
        np.diff(np.log(snapshot.close[rows]), axis=-1),
        maker_fee=settings.maker_fee,
        taker_fee=settings.taker_fee,
    )


def contract_profile(snapshot: MarketSnapshot, symbol: Symbol) -> VolumeProfile:
    """Return the profile of one contract's turnover on the scan's bars."""
    row = snapshot.symbols.index(symbol)
    return volume_profile(
        snapshot.high[row],
        snapshot.low[row],
        snapshot.close[row],
        snapshot.quote_volume[row],
        tick_size=float(snapshot.instruments[symbol].tick_size),
    )


def profile_place(profile: VolumeProfile, plan: ShortGridPlan) -> ProfilePlace:
    """Return where the bounds of ``plan`` sit in the profile of its contract.

    A bucket that a bound cuts counts with its share below or above.
    """
    low, high = value_area(profile, plan.tick_size)
    if low is None:
        return ProfilePlace(
            point_of_control=None,
            value_area_low=None,
            value_area_high=None,
            volume_below_grid=None,
            volume_above_grid=None,
        )
    edges = profile.edges

    def below(price: Decimal) -> float:
        inside = (float(price) - edges[:-1]) / np.diff(edges)
        part = float((profile.volume * np.clip(inside, 0.0, 1.0)).sum())
        return round(min(part / float(profile.total_volume), 1.0), _SHARE_DECIMALS)

    return ProfilePlace(
        point_of_control=float(f"{profile.poc:.12g}"),
        value_area_low=low,
        value_area_high=high,
        volume_below_grid=below(plan.lower_bound),
        volume_above_grid=round(1 - below(plan.upper_bound), _SHARE_DECIMALS),
    )


def value_area(
    profile: VolumeProfile, tick_size: Decimal
) -> tuple[Decimal, Decimal] | tuple[None, None]:
    """Return the edges of the value area on tick, None without volume."""
    edges = (float(profile.value_area_low), float(profile.value_area_high))
    if not all(map(isfinite, edges)):
        return None, None
    low, high = (
        (exact_decimal(edge) / tick_size).to_integral_value() * tick_size
        for edge in edges
    )
    return low, high


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contract:
    snapshot: MarketSnapshot
    symbol: Symbol
    row: int

    @classmethod
    def of(cls, snapshot: MarketSnapshot, symbol: Symbol) -> "_Contract":
        return cls(snapshot=snapshot, symbol=symbol, row=snapshot.symbols.index(symbol))

    def bounds(self, source: str, profile: VolumeProfile) -> GridBounds | Reason | None:
        # None: the plan's default, or its reason when there is no price
        s, row = self.snapshot, self.row
        price = float(s.last_price[row])
        if source == "atr" or not price > 0:
            return None
        if source == "value-area":
            tick = s.instruments[self.symbol].tick_size
            low, high = value_area(profile, tick)
            return value_area_bounds(exact_decimal(price), low=low, high=high)
        horizon = max(QUANTILE_HORIZON_DAYS * DAY_MS // s.interval.milliseconds, 1)
        rise = tail_run_up(
            s.high[row], s.close[row], horizon=horizon, quantile=QUANTILE
        )
        fall = tail_draw_down(
            s.low[row], s.close[row], horizon=horizon, quantile=QUANTILE
        )
        return quantile_bounds(exact_decimal(price), rise=float(rise), fall=float(fall))

    def request(self, ranges: Ranges, settings: ScreenerSettings) -> dict[str, Any]:
        s, row = self.snapshot, self.row
        return {
            "instrument": s.instruments[self.symbol],
            "price": float(s.last_price[row]),
            "mark_price": float(s.mark_price[row]),
            "atr_daily": ranges.daily,
            "atr_hourly": ranges.hourly,
            "funding_rate": float(s.funding_rate[row]),
            "funding_interval_h": float(s.funding_interval_h[row]),
            "terms": grid_terms(settings, self.symbol),
            "spacing": Spacing(settings.spacing),
            "start": Start[settings.start.upper()],
            "tail_run_up": float(tail_run_up(s.high[row], s.close[row])),
        }


def _deepened(
    plan: ShortGridPlan, request: dict[str, Any], bars: Klines | None
) -> ShortGridPlan:
    if bars is None:
        return replace(plan, marks=(*plan.marks, NO_MINUTE_BARS))
    terms: GridTerms = request["terms"]
    bounds: GridBounds | None = request["bounds"]
    if bounds is None:
        bounds = atr_bounds(plan.price, exact_decimal(plan.atr_daily))
    tick = plan.tick_size
    rules = GridRules()
    path = whole_ticks(price_path(bars.open, bars.high, bars.low, bars.close), tick)
    least, most = spacing_range(
        price=plan.price,
        lower=bounds.lower,
        upper=bounds.upper,
        widest=rules.widest_spacing_atr_multiple * exact_decimal(plan.atr_hourly),
        maker_fee=terms.maker_fee,
        instrument=request["instrument"],
        rules=rules,
        spacing=request["spacing"],
    )
    best = best_spacing(
        path,
        least=int(least / tick),
        most=int(most / tick),
        fee=float(terms.maker_fee * plan.price / tick),
    )
    chosen = plan
    if best is not None:
        found = short_grid_plan(**request, grid_step=best * tick)
        if isinstance(found, ShortGridPlan):
            chosen = found
    measured = measured_spacing(
        path,
        tick_size=tick,
        price=plan.price,
        grid_step=chosen.grid_step,
        default_step=plan.grid_step,
        close=bars.close,
    )
    return replace(chosen, deep=measured)
