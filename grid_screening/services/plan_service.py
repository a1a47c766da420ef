"""Grid plans of the listed contracts: exact ATRs are fetched, the rest is pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial

from grid_screening.calculators.volatility import (
    ATR_WINDOW,
    latest_average_true_range,
)
from grid_screening.conf import ScreenerSettings, decimal_fee
from grid_screening.grid_plan import (
    GridTerms,
    InfeasibleGrid,
    short_grid_plan,
)
from grid_screening.listing import Plan
from grid_screening.progress import ProgressHook
from grid_screening.screening_report import Reason
from grid_screening.services.fan_out import (
    ScanTime,
    SymbolError,
    attempt,
    follow,
    io_pool,
    outcome,
)
from grid_screening.services.market_source import MarketSource
from grid_screening.snapshot import MarketSnapshot
from grid_screening.universe import REQUEST_FAILED
from monitor.domain.market import KlineInterval
from monitor.domain.typing import Symbol
from monitor.exceptions import ExchangeError

ATR_BARS = 99
"""Closed bars behind an exact ATR: the most that weigh 1, and the seed's share of
the result is below 0.2 %."""
ATR_MINIMUM_BARS = ATR_WINDOW + 1


def fetch_plans(
    market: MarketSource,
    snapshot: MarketSnapshot,
    symbols: Sequence[Symbol],
    settings: ScreenerSettings,
    *,
    on_progress: ProgressHook,
    scan_time: ScanTime,
) -> Mapping[Symbol, Plan]:
    """Fetch the daily and hourly ATR of ``symbols`` and plan a grid for each.

    A contract whose ATR cannot be had gets an `InfeasibleGrid` with the reason.

    Raises
    ------
    ExchangeError
        One of `SCAN_ENDING`.
    """
    with io_pool(settings.io_workers, give_up=market.give_up) as pool:
        daily, hourly = (
            {
                symbol: pool.submit(
                    attempt,
                    partial(_average_true_range, market, interval, snapshot.as_of_ms),
                    symbol,
                    scan_time,
                )
                for symbol in symbols
            }
            for interval in (KlineInterval.D1, KlineInterval.H1)
        )
        follow(
            [*daily.values(), *hourly.values()],
            stage="plans",
            patience=settings.io_workers,
            on_progress=on_progress,
        )
    return {
        symbol: _plan(
            snapshot, symbol, outcome(daily[symbol]), outcome(hourly[symbol]), settings
        )
        for symbol in symbols
    }


def _average_true_range(
    market: MarketSource, interval: KlineInterval, as_of_ms: int, symbol: Symbol
) -> float:
    step = interval.milliseconds
    bars = market.closed_klines(
        symbol,
        interval,
        count=ATR_BARS,
        minimum=ATR_MINIMUM_BARS,
        as_of_ms=as_of_ms,
        end_time=as_of_ms // step * step - 1,
    )
    return float(latest_average_true_range(bars.high, bars.low, bars.close))


def _plan(
    snapshot: MarketSnapshot,
    symbol: Symbol,
    atr_daily: float | SymbolError,
    atr_hourly: float | SymbolError,
    settings: ScreenerSettings,
) -> Plan:
    if isinstance(atr_daily, Exception):
        return _without_range(atr_daily)
    if isinstance(atr_hourly, Exception):
        return _without_range(atr_hourly)
    row = snapshot.symbols.index(symbol)
    brackets = settings.brackets or {}
    return short_grid_plan(
        instrument=snapshot.instruments[symbol],
        price=float(snapshot.last_price[row]),
        mark_price=float(snapshot.mark_price[row]),
        atr_daily=atr_daily,
        atr_hourly=atr_hourly,
        funding_rate=float(snapshot.funding_rate[row]),
        funding_interval_h=float(snapshot.funding_interval_h[row]),
        terms=GridTerms(
            margin=Decimal(repr(settings.grid_margin_usdt)),
            max_leverage=settings.max_leverage,
            maker_fee=decimal_fee(settings.maker_fee),
            taker_fee=decimal_fee(settings.taker_fee),
            brackets=brackets.get(symbol),
        ),
    )


def _without_range(error: SymbolError) -> InfeasibleGrid:
    failed = isinstance(error, ExchangeError)
    code = REQUEST_FAILED if failed else "atr_missing"
    reason = Reason(code=code, text=str(error))
    return InfeasibleGrid(reason=reason, minimum_margin=None)
