"""Grid plans of the listed contracts: exact ATRs are fetched, the rest is pure."""

from collections.abc import Mapping, Sequence
from concurrent.futures import as_completed
from decimal import Decimal

from grid_screening.calculators.volatility import (
    ATR_WINDOW,
    latest_average_true_range,
)
from grid_screening.conf import ScreenerSettings, decimal_fee
from grid_screening.grid_plan import (
    GridTerms,
    InfeasibleGrid,
    ShortGridPlan,
    short_grid_plan,
)
from grid_screening.progress import Progress, ProgressHook
from grid_screening.screening_report import Reason
from grid_screening.services.snapshot_service import SCAN_ENDING, io_pool
from grid_screening.snapshot import MarketSnapshot
from monitor.api_clients.binance import BinanceFuturesClient
from monitor.domain.market import KlineInterval
from monitor.domain.typing import Symbol
from monitor.exceptions import ExchangeError
from vp_squeeze.exceptions import KlineError
from vp_squeeze.services.binance_kline_service import closed_klines

ATR_BARS = 99
"""Closed bars behind an exact ATR: the most that weigh 1, and the seed's share of
the result is below 0.2 %."""
ATR_MINIMUM_BARS = ATR_WINDOW + 1

Plan = ShortGridPlan | InfeasibleGrid


def fetch_plans(
    client: BinanceFuturesClient,
    snapshot: MarketSnapshot,
    symbols: Sequence[Symbol],
    settings: ScreenerSettings,
    on_progress: ProgressHook,
) -> Mapping[Symbol, Plan]:
    """Fetch the daily and hourly ATR of ``symbols`` and plan a grid for each.

    A contract whose ATR cannot be had gets an `InfeasibleGrid` with the reason.

    Raises
    ------
    ExchangeError
        One of `SCAN_ENDING`.
    """
    with io_pool(settings.io_workers) as pool:
        ranges = {
            (symbol, interval): pool.submit(
                _average_true_range, client, symbol, interval, snapshot.as_of_ms
            )
            for symbol in symbols
            for interval in (KlineInterval.D1, KlineInterval.H1)
        }
        for done, _ in enumerate(as_completed(ranges.values()), 1):
            on_progress(Progress(stage="plans", done=done, total=len(ranges)))
        return {
            symbol: _plan(
                snapshot,
                symbol,
                ranges[symbol, KlineInterval.D1].result(),
                ranges[symbol, KlineInterval.H1].result(),
                settings,
            )
            for symbol in symbols
        }


def _average_true_range(
    client: BinanceFuturesClient,
    symbol: Symbol,
    interval: KlineInterval,
    as_of_ms: int,
) -> float | ExchangeError | KlineError:
    step = interval.milliseconds
    try:
        bars = closed_klines(
            client,
            symbol,
            interval,
            count=ATR_BARS,
            minimum=ATR_MINIMUM_BARS,
            as_of_ms=as_of_ms,
            end_time=as_of_ms // step * step - 1,
        )
    except SCAN_ENDING:
        raise
    except (ExchangeError, KlineError) as error:
        return error
    return float(latest_average_true_range(bars.high, bars.low, bars.close))


def _plan(
    snapshot: MarketSnapshot,
    symbol: Symbol,
    atr_daily: float | ExchangeError | KlineError,
    atr_hourly: float | ExchangeError | KlineError,
    settings: ScreenerSettings,
) -> Plan:
    for atr in (atr_daily, atr_hourly):
        if isinstance(atr, Exception):
            return InfeasibleGrid(
                reason=Reason(code="atr_missing", text=str(atr)), minimum_margin=None
            )
    row = snapshot.symbols.index(symbol)
    brackets = settings.brackets or {}
    return short_grid_plan(
        instrument=snapshot.instruments[symbol],
        price=float(snapshot.last_price[row]),
        mark_price=float(snapshot.mark_price[row]),
        atr_daily=float(atr_daily),  # type: ignore[arg-type]  # errors returned above
        atr_hourly=float(atr_hourly),  # type: ignore[arg-type]
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
