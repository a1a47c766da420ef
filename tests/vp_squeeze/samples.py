"""Bars, contracts and reports of the analysis, for tests."""

from decimal import Decimal
from typing import Any

import numpy as np

from monitor.domain.market import KlineInterval, Klines
from monitor.domain.requests import RequestStatistics
from tests.snapshots import AS_OF_MS
from vp_squeeze.analysis_report import AnalysisReport, LeftOut
from vp_squeeze.box_analysis import ContractAnalysis, contract_analysis

TICK = Decimal("0.01")
TIMEFRAMES = (KlineInterval.M15, KlineInterval.H1, KlineInterval.H4)


def klines(
    symbol: str = "BTCUSDT",
    interval: KlineInterval = KlineInterval.H4,
    *,
    count: int = 100,
    seed: int = 1,
    scale: float = 0.01,
    traded: float = 1.0,
) -> Klines:
    """A random walk near 100 on a tick of 0.01 that ends at `AS_OF_MS`."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, scale, count)))
    open_ = np.concatenate(([100.0], close[:-1]))
    high = np.maximum(open_, close) * (1 + scale * rng.random(count))
    low = np.minimum(open_, close) * (1 - scale * rng.random(count))
    volume = traded * rng.lognormal(3, 1, count)
    open_time = AS_OF_MS - interval.milliseconds * np.arange(count, 0, -1)
    prices = [np.round(column, 2) for column in (open_, high, low, close)]
    return Klines(
        symbol=symbol,
        interval=interval,
        open_time=open_time,
        open=prices[0],
        high=np.maximum.reduce([prices[1], prices[0], prices[3]]),
        low=np.minimum.reduce([prices[2], prices[0], prices[3]]),
        close=prices[3],
        volume=volume,
        close_time=open_time + interval.milliseconds - 1,
        quote_volume=volume * 100,
        trade_count=np.full(count, 5),
        taker_buy_volume=volume / 2,
        taker_buy_quote_volume=volume * 50,
    )


def contract(symbol: str = "BTCUSDT", **options: Any) -> ContractAnalysis:
    """A contract with bars of 4 h, compared with 15 m and 1 h."""
    main = klines(symbol, **options)
    compared = {
        interval: main
        if interval is main.interval
        else klines(symbol, interval, seed=2, scale=0.003)
        for interval in TIMEFRAMES
    }
    return contract_analysis(main, TICK, compared)


def analysis_report(*contracts: ContractAnalysis, **overrides: Any) -> AnalysisReport:
    """A report of ``contracts``, live unless told otherwise."""
    fields: dict[str, Any] = {
        "as_of_ms": AS_OF_MS,
        "source": "live",
        "interval": KlineInterval.H4,
        "limit": 100,
        "timeframes": TIMEFRAMES,
        "contracts": contracts,
        "left_out": (),
        "requests": RequestStatistics(
            count=5, weight=8, peak_weight_per_minute=8, retries=0
        ),
    }
    return AnalysisReport(**{**fields, **overrides})


FAILED = LeftOut(
    symbol="FAILUSDT", reason="/fapi/v1/klines: no answer", is_failure=True
)
YOUNG = LeftOut(
    symbol="YOUNGUSDT", reason="YOUNGUSDT: 3 closed bars, 20 needed", is_failure=False
)
