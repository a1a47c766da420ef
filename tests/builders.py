"""Small market objects with sensible values, each overridable by keyword."""

from decimal import Decimal
from typing import Any

import numpy as np

from grid_screening.snapshot import MarketSnapshot
from monitor.domain.instruments import (
    PERPETUAL_DELIVERY_AT,
    ExchangeInfo,
    Instrument,
    MalformedRow,
)
from monitor.domain.market import (
    DAY_MS,
    BookTicker,
    KlineInterval,
    MarketRows,
    Ticker24h,
)

AS_OF_MS = 1_767_587_400_000
"""2026-01-05 04:30:00 UTC."""


def instrument(symbol: str = "AAAUSDT", **overrides: Any) -> Instrument:
    values: dict[str, Any] = {
        "symbol": symbol,
        "pair": symbol,
        "contract_type": "PERPETUAL",
        "status": "TRADING",
        "base_asset": symbol.removesuffix("USDT"),
        "quote_asset": "USDT",
        "margin_asset": "USDT",
        "underlying_type": "COIN",
        "onboarded_at": AS_OF_MS - 400 * DAY_MS,
        "delivery_at": PERPETUAL_DELIVERY_AT,
        "tick_size": Decimal("0.0001"),
        "min_price": Decimal("0.0001"),
        "max_price": Decimal(100_000),
        "step_size": Decimal("0.1"),
        "min_quantity": Decimal("0.1"),
        "max_quantity": Decimal(10_000_000),
        "market_step_size": Decimal("0.1"),
        "market_min_quantity": Decimal("0.1"),
        "market_max_quantity": Decimal(1_000_000),
        "min_notional": Decimal(5),
        "max_order_count": 200,
        "multiplier_up": Decimal("1.05"),
        "multiplier_down": Decimal("0.95"),
    }
    return Instrument(**(values | overrides))


def ticker(symbol: str = "AAAUSDT", **overrides: Any) -> Ticker24h:
    values: dict[str, Any] = {
        "symbol": symbol,
        "last_price": 10.0,
        "open_price": 9.5,
        "high_price": 10.5,
        "low_price": 9.0,
        "volume_24h": 10_000_000.0,
        "quote_volume_24h": 100_000_000.0,
        "trade_count": 1000,
        "close_time": AS_OF_MS,
    }
    return Ticker24h(**(values | overrides))


def book(symbol: str = "AAAUSDT", **overrides: Any) -> BookTicker:
    values: dict[str, Any] = {
        "symbol": symbol,
        "bid_price": 9.9999,
        "bid_quantity": 100.0,
        "ask_price": 10.0001,
        "ask_quantity": 100.0,
        "time": AS_OF_MS - 1000,
    }
    return BookTicker(**(values | overrides))


def rows(*items: Any, malformed: tuple[MalformedRow, ...] = ()) -> MarketRows[Any]:
    return MarketRows(by_symbol={i.symbol: i for i in items}, malformed=malformed)


def exchange_info(
    *instruments: Instrument, malformed: tuple[MalformedRow, ...] = ()
) -> ExchangeInfo:
    return ExchangeInfo(instruments=instruments, malformed=malformed, rate_limits=())


def snapshot(
    n_symbols: int = 3, n_bars: int = 60, *, seed: int = 1, **overrides: Any
) -> MarketSnapshot:
    """Return a random-walk market of 4 h bars ending before ``AS_OF_MS``."""
    rng = np.random.default_rng(seed)
    interval = overrides.pop("interval", KlineInterval.H4)
    step = interval.milliseconds
    symbols = overrides.pop("symbols", tuple(f"S{i:02d}USDT" for i in range(n_symbols)))
    n_symbols = len(symbols)
    steps = 0.01 * rng.standard_normal((n_symbols, n_bars))
    close = 10 * np.exp(np.cumsum(steps, axis=-1))
    start = np.full((n_symbols, 1), 10.0)
    open_ = np.concatenate([start, close], axis=-1)[:, :n_bars]
    wick = 1 + 0.005 * rng.random((n_symbols, n_bars))
    volume = 1000 * (1 + rng.random((n_symbols, n_bars)))
    values: dict[str, Any] = {
        "as_of_ms": AS_OF_MS,
        "interval": interval,
        "symbols": symbols,
        "instruments": {s: instrument(s) for s in symbols},
        "open_time": (AS_OF_MS // step - n_bars + np.arange(n_bars)) * step,
        "open": open_,
        "high": np.maximum(open_, close) * wick,
        "low": np.minimum(open_, close) / wick,
        "close": close,
        "volume": volume,
        "quote_volume": volume * close,
        "taker_buy_volume": volume * rng.random((n_symbols, n_bars)),
        "last_price": close[:, -1].copy() if n_bars else np.full(n_symbols, 10.0),
        "quote_volume_24h": np.full(n_symbols, 1e8),
        "mark_price": close[:, -1].copy() if n_bars else np.full(n_symbols, 10.0),
        "open_interest": np.full(n_symbols, 1e6),
        "funding_rate": np.full(n_symbols, 0.0001),
        "funding_interval_h": np.full(n_symbols, 8.0),
        "benchmark_close": close[0].copy() if n_symbols else None,
    }
    return MarketSnapshot(**(values | overrides))
