"""The grid of a contract as a scan at a past time would have planned it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from grid_screening.backtest.assumed_instruments import assumed_instrument
from grid_screening.backtest.point_in_time import HistoricalMarket
from grid_screening.calculators.volatility import ATR_BARS, ATR_WINDOW
from grid_screening.conf import MIN_BARS, ScreenerSettings
from grid_screening.contract_plan import Ranges, contract_plan
from grid_screening.grid_plan import InfeasibleGrid, ShortGridPlan
from grid_screening.screening_report import Reason
from monitor.domain.market import DAY_MS, KlineInterval
from monitor.domain.typing import Symbol

WARM_UP_MS = (ATR_BARS + 1) * DAY_MS
"""History before a begin that a plan may look at, with the default bounds."""

_NO_FILTER = {
    "min_volume": 0.0,
    "min_days": 0.0,
    "min_natr": 0.0,
    "max_natr": 1e5,
    "max_tick_share": 1.0,
    "include_tradifi": True,
    "symbols": None,
    "exclude": (),
}
"""Whoever names a contract wants it, whatever a scan would have thought of it."""

_NO_ATR = (
    f"its ATR needs {ATR_WINDOW + 1} closed daily and hourly bars without a gap before "
    "this time"
)

_ATR_ONLY = {"interval": KlineInterval.H1, "bars": MIN_BARS}
"""What the default bounds need of the snapshot's own bars; others measure on them."""


def past_plans(
    market: HistoricalMarket,
    as_of_ms: int,
    symbols: Sequence[Symbol],
    settings: ScreenerSettings,
) -> Mapping[Symbol, ShortGridPlan | InfeasibleGrid]:
    """Return the plan of each of ``symbols``, or why there is none.

    Bars closed at ``as_of_ms`` and funding settled before it count, nothing else. The
    filters of a scan do not apply. The mark price, which was not recorded, is taken
    to be the last price; trading rules are assumed
    (`grid_screening.backtest.assumed_instruments`).

    Parameters
    ----------
    market : HistoricalMarket
        Holds the contracts.
    as_of_ms : int
        ms UTC.
    symbols : sequence of str
    settings : ScreenerSettings
        Margin, leverage, fees, brackets, bounds, spacing, start; for bounds that are
        not the ATR's also interval and bars.
    """
    found: dict[Symbol, ShortGridPlan | InfeasibleGrid] = {}
    daily, hourly = market.average_true_ranges(as_of_ms)
    places = {symbol: row for row, symbol in enumerate(market.symbols)}
    narrow = _ATR_ONLY if settings.bounds == "atr" else {}
    for quote in sorted({_quote_of(symbol) for symbol in symbols}):
        seen = settings.merged({**_NO_FILTER, **narrow, "quote": quote})
        try:
            then = market.at(as_of_ms, seen)
        except ValueError:
            continue  # no contract had a bar: told below
        reasons = {excluded.symbol: excluded.reason for excluded in then.excluded}
        snapshot = replace(then.snapshot, mark_price=then.snapshot.last_price.copy())
        for symbol in symbols:
            if symbol in snapshot.symbols:
                row = places[symbol]
                ranges = Ranges(daily=float(daily[row]), hourly=float(hourly[row]))
                found[symbol] = _taught(
                    contract_plan(snapshot, symbol, ranges, settings)
                )
            elif symbol in reasons and _quote_of(symbol) == quote:
                found[symbol] = _none(reasons[symbol])
    missing = Reason(code="not_trading", text="no bar closed at this time")
    return {symbol: found.get(symbol, _none(missing)) for symbol in symbols}


def _taught(
    plan: ShortGridPlan | InfeasibleGrid,
) -> ShortGridPlan | InfeasibleGrid:  # fmt: skip
    # an ATR of past bars is missing for one reason
    if isinstance(plan, InfeasibleGrid) and plan.reason.code == "atr_missing":
        return _none(Reason(code="atr_missing", text=_NO_ATR))
    return plan


def _none(reason: Reason) -> InfeasibleGrid:
    return InfeasibleGrid(reason=reason, minimum_margin=None)


def _quote_of(symbol: Symbol) -> str:
    return assumed_instrument(symbol, 1.0, 0).quote_asset
