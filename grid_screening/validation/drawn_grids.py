"""The plans of one past scan, drawn the scan's way or with one thing changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from grid_screening.backtest.point_in_time import HistoricalMarket
from grid_screening.bounds import GridBounds, atr_bounds, moved_bounds
from grid_screening.conf import ScreenerSettings
from grid_screening.grid_plan import InfeasibleGrid, ShortGridPlan
from grid_screening.plan_numbers import exact_decimal
from grid_screening.snapshot import MarketSnapshot
from grid_screening.validation.study_settings import Drawing
from monitor.domain.typing import FloatArray, IntArray, Symbol


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnGrids:
    """The contracts that got a legal grid, and those grids."""

    places: IntArray
    """Rows of the snapshot."""
    plans: tuple[ShortGridPlan, ...]
    by_symbol: Mapping[Symbol, ShortGridPlan | InfeasibleGrid]
    """Of every contract, those without a legal grid too."""

    def column(self, name: str, count: int) -> FloatArray:
        """Return one number of the plans, NaN for rows without a plan.

        Parameters
        ----------
        name : str
            Field of `ShortGridPlan`.
        count : int
            Rows of the snapshot.
        """
        out = np.full(count, np.nan)
        out[self.places] = [float(getattr(plan, name)) for plan in self.plans]
        return out


def drawn_grids(
    market: HistoricalMarket,
    snapshot: MarketSnapshot,
    settings: ScreenerSettings,
    drawing: Drawing,
) -> DrawnGrids:
    """Plan a grid for every contract of ``snapshot``.

    Parameters
    ----------
    market : HistoricalMarket
        Gives the exact ATRs.
    snapshot : MarketSnapshot
        Of that market.
    settings : ScreenerSettings
        Capital and fees: the same for every drawing, so that a wider grid gets
        smaller lots.
    drawing : Drawing
        What is not the plan's own way.
    """
    daily, hourly = market.average_true_ranges(snapshot.as_of_ms)
    rows = {symbol: row for row, symbol in enumerate(market.symbols)}
    ranges = {
        symbol: _Ranges(
            price=float(snapshot.last_price[place]),
            daily=float(daily[rows[symbol]]),
            hourly=float(hourly[rows[symbol]]),
        )
        for place, symbol in enumerate(snapshot.symbols)
    }
    known = {symbol: r for symbol, r in ranges.items() if r.are_known}
    plans = market.plans(
        snapshot,
        settings,
        bounds=_bounds(known, drawing.width),
        grid_step=_steps(known, drawing.spacing),
        start=drawing.start,
    )
    return _legal(snapshot, plans)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ranges:
    price: float
    daily: float
    hourly: float

    @property
    def are_known(self) -> bool:
        return self.daily > 0 and self.hourly > 0


def _bounds(
    ranges: Mapping[Symbol, _Ranges], width: float | None
) -> Mapping[Symbol, GridBounds] | None:
    if width is None:
        return None
    moved = {}
    for symbol, each in ranges.items():
        price, hourly = exact_decimal(each.price), exact_decimal(each.hourly)
        moved[symbol] = moved_bounds(
            atr_bounds(price, exact_decimal(each.daily)),
            price=price,
            atr_hourly=hourly,
            width=width,
        )
    return moved


def _steps(
    ranges: Mapping[Symbol, _Ranges], spacing: float | None
) -> Mapping[Symbol, Decimal] | None:
    if spacing is None:
        return None
    return {
        symbol: exact_decimal(spacing * each.hourly) for symbol, each in ranges.items()
    }


def _legal(
    snapshot: MarketSnapshot,
    plans: Mapping[Symbol, ShortGridPlan | InfeasibleGrid],
) -> DrawnGrids:
    places, legal = [], []
    for place, symbol in enumerate(snapshot.symbols):
        plan = plans[symbol]
        if isinstance(plan, ShortGridPlan):
            places.append(place)
            legal.append(plan)
    return DrawnGrids(
        places=np.array(places, np.int64), plans=tuple(legal), by_symbol=plans
    )
