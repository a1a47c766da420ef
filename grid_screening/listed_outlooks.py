"""The stop-out outlooks of the contracts that a scan lists."""

from collections.abc import Mapping
from decimal import Decimal

from grid_screening.bounds import GridBounds
from grid_screening.conf import ScreenerSettings
from grid_screening.contract_plan import grid_terms
from grid_screening.factors import FactorTable
from grid_screening.grid_plan import (
    InfeasibleGrid,
    ShortGridPlan,
    Spacing,
    Start,
    short_grid_plan,
)
from grid_screening.screening_report import StopOutOutlook
from grid_screening.snapshot import MarketSnapshot
from grid_screening.stop_out_curve import Replan
from grid_screening.stop_out_outlook import stop_out_outlook
from grid_screening.stop_out_width import StopOutModels
from monitor.domain.typing import Symbol


def listed_outlooks(
    snapshot: MarketSnapshot,
    factors: FactorTable,
    plans: Mapping[Symbol, ShortGridPlan | InfeasibleGrid],
    settings: ScreenerSettings,
    models: StopOutModels,
) -> Mapping[Symbol, StopOutOutlook]:
    """Return the outlook of every planned grid.

    Parameters
    ----------
    snapshot : MarketSnapshot
        Holds the contracts of ``plans``.
    factors : FactorTable
        Holds them too.
    plans : mapping
        Of the listed contracts.
    settings : ScreenerSettings
        Capital, costs, start.
    models : StopOutModels

    Returns
    -------
    mapping of Symbol to StopOutOutlook
        Without those that have no grid or lack an input.
    """
    found = {}
    for symbol, plan in plans.items():
        if not isinstance(plan, ShortGridPlan):
            continue
        outlook = stop_out_outlook(
            plan,
            factors.row(symbol),
            interval=snapshot.interval,
            models=models,
            replan=_replan(snapshot, symbol, plan, settings),
        )
        if outlook is not None:
            found[symbol] = outlook
    return found


def _replan(
    snapshot: MarketSnapshot,
    symbol: Symbol,
    plan: ShortGridPlan,
    settings: ScreenerSettings,
) -> Replan:
    row = snapshot.symbols.index(symbol)
    terms = grid_terms(settings, symbol)

    def replan(
        bounds: GridBounds, grid_step: Decimal
    ) -> ShortGridPlan | InfeasibleGrid:
        return short_grid_plan(
            instrument=snapshot.instruments[symbol],
            price=float(snapshot.last_price[row]),
            mark_price=float(snapshot.mark_price[row]),
            atr_daily=plan.atr_daily,
            atr_hourly=plan.atr_hourly,
            funding_rate=None,
            funding_interval_h=None,
            terms=terms,
            bounds=bounds,
            grid_step=grid_step,
            spacing=Spacing(settings.spacing),
            start=Start[settings.start.upper()],
        )

    return replan
