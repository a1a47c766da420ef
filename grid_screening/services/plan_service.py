"""Grid plans of the listed contracts: exact ATRs are fetched, the rest is pure."""

from collections.abc import Mapping, Sequence
from functools import partial

from grid_screening.calculators.volatility import (
    ATR_BARS,
    ATR_WINDOW,
    latest_average_true_range,
)
from grid_screening.conf import ScreenerSettings
from grid_screening.contract_plan import Ranges, contract_plan
from grid_screening.grid_plan import InfeasibleGrid
from grid_screening.listing import Plan
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
from monitor.domain.market import KlineInterval, Klines
from monitor.domain.progress import ProgressHook
from monitor.domain.typing import Symbol
from monitor.exceptions import ExchangeError

ATR_MINIMUM_BARS = ATR_WINDOW + 1
DEEP_BARS = 1440
"""One-minute bars behind a spacing: a day, in one request of weight 10."""


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

    With ``settings.deep`` a day of one-minute bars as well. A contract whose ATR
    cannot be had gets an `InfeasibleGrid` with the reason; one whose minute bars
    cannot keeps the default spacing and is marked.

    Raises
    ------
    ExchangeError
        One of `SCAN_ENDING`.
    """
    as_of_ms = snapshot.as_of_ms
    wishes = (
        partial(_range, market, KlineInterval.D1, as_of_ms),
        partial(_range, market, KlineInterval.H1, as_of_ms),
    )
    with io_pool(settings.io_workers, give_up=market.give_up) as pool:
        daily, hourly = (
            {
                symbol: pool.submit(attempt, wish, symbol, scan_time)
                for symbol in symbols
            }
            for wish in wishes
        )
        minutes = {
            symbol: pool.submit(
                attempt, partial(_minute_bars, market, as_of_ms), symbol, scan_time
            )
            for symbol in (symbols if settings.deep else ())
        }
        follow(
            [*daily.values(), *hourly.values(), *minutes.values()],
            stage="plans",
            patience=settings.io_workers,
            on_progress=on_progress,
        )
    return {
        symbol: _plan(
            snapshot,
            symbol,
            (outcome(daily[symbol]), outcome(hourly[symbol])),
            settings,
            minutes=_known(outcome(minutes[symbol])) if symbol in minutes else None,
        )
        for symbol in symbols
    }


def _range(
    market: MarketSource, interval: KlineInterval, as_of_ms: int, symbol: Symbol
) -> float:
    bars = _last_bars(
        market, interval, as_of_ms, symbol, count=ATR_BARS, minimum=ATR_MINIMUM_BARS
    )
    return float(latest_average_true_range(bars.high, bars.low, bars.close))


def _minute_bars(market: MarketSource, as_of_ms: int, symbol: Symbol) -> Klines:
    return _last_bars(market, KlineInterval.M1, as_of_ms, symbol, count=DEEP_BARS)


def _last_bars(
    market: MarketSource,
    interval: KlineInterval,
    as_of_ms: int,
    symbol: Symbol,
    *,
    count: int,
    minimum: int | None = None,
) -> Klines:
    step = interval.milliseconds
    return market.closed_klines(
        symbol,
        interval,
        count=count,
        minimum=minimum,
        as_of_ms=as_of_ms,
        end_time=as_of_ms // step * step - 1,
    )


def _plan(
    snapshot: MarketSnapshot,
    symbol: Symbol,
    found: tuple[float | SymbolError, float | SymbolError],
    settings: ScreenerSettings,
    *,
    minutes: Klines | None,
) -> Plan:
    daily, hourly = found
    if isinstance(daily, Exception):
        return _without_range(daily)
    if isinstance(hourly, Exception):
        return _without_range(hourly)
    return contract_plan(
        snapshot,
        symbol,
        Ranges(daily=daily, hourly=hourly),
        settings,
        minute_bars=minutes,
    )


def _known(minutes: Klines | SymbolError) -> Klines | None:
    # the plan says by a mark that there are none
    return None if isinstance(minutes, Exception) else minutes


def _without_range(error: SymbolError) -> InfeasibleGrid:
    failed = isinstance(error, ExchangeError)
    code = REQUEST_FAILED if failed else "atr_missing"
    reason = Reason(code=code, text=str(error))
    return InfeasibleGrid(reason=reason, minimum_margin=None)
