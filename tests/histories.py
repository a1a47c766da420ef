"""Recorded history made up: hourly bars of many contracts with known ways."""

from typing import Any

import numpy as np

from monitor.domain.history import FundingHistory, HistoryPanel
from monitor.domain.market import DAY_MS, HOUR_MS, KlineInterval
from monitor.domain.typing import FloatArray

START_MS = 1_730_419_200_000
"""2024-11-01 00:00 UTC."""


def hourly_history(
    symbol_count: int = 8,
    days: float = 60,
    *,
    seed: int = 1,
    drift: FloatArray | float = 0.0,
    volatility: FloatArray | float = 0.01,
    turnover: float = 1e6,
    **overrides: Any,
) -> HistoryPanel:
    """Return random walks; ``drift`` and ``volatility`` per hour, one each or all.

    ``turnover`` is the hourly one, quote currency. The first row is BTCUSDT.
    """
    rng = np.random.default_rng(seed)
    count = round(days * 24)
    shape = (symbol_count, count)
    mean = np.broadcast_to(np.asarray(drift, np.float64), symbol_count)[:, None]
    scale = np.broadcast_to(np.asarray(volatility, np.float64), symbol_count)[:, None]
    steps = mean + scale * rng.standard_normal(shape)
    close = 10 * np.exp(np.cumsum(steps, axis=-1))
    open_ = np.concatenate([np.full((symbol_count, 1), 10.0), close[:, :-1]], axis=-1)
    reach = 1 + 0.5 * scale * rng.random((2, *shape))
    values: dict[str, Any] = {
        "interval": KlineInterval.H1,
        "symbols": ("BTCUSDT", *(f"S{i:02d}USDT" for i in range(1, symbol_count))),
        "open_time": START_MS + HOUR_MS * np.arange(count, dtype=np.int64),
        "open": open_,
        "high": np.maximum(open_, close) * reach[0],
        "low": np.minimum(open_, close) / reach[1],
        "close": close,
        "volume": turnover * (0.5 + rng.random(shape)) / close,
        "quote_volume": np.full(shape, np.nan),
        "taker_buy_volume": np.full(shape, np.nan),
    }
    return HistoryPanel(**(values | overrides))


def changed_history(panel: HistoryPanel, **columns: Any) -> HistoryPanel:
    """Return ``panel`` with other columns."""
    names = ("open", "high", "low", "close", "volume", "quote_volume")
    values = {name: getattr(panel, name) for name in (*names, "taker_buy_volume")}
    values |= {name: getattr(panel, name) for name in ("interval", "symbols")}
    return HistoryPanel(**(values | {"open_time": panel.open_time} | columns))


def without_bars(panel: HistoryPanel, row: int, chosen: slice) -> HistoryPanel:
    """Return ``panel`` with the bars ``chosen`` of one contract missing."""
    names = ("open", "high", "low", "close", "volume", "quote_volume")
    columns = {name: getattr(panel, name).copy() for name in names}
    for column in columns.values():
        column[row, chosen] = np.nan
    return changed_history(panel, **columns)


def day_ms(number: float) -> int:
    """Return the time of ``number`` days after the history begins."""
    return START_MS + round(number * DAY_MS)


def funding_every_8h(days: float, rate: float = 0.0001) -> FundingHistory:
    """Return a constant rate settled every 8 h from the beginning on."""
    times = START_MS + 8 * HOUR_MS * np.arange(round(days * 3), dtype=np.int64)
    return FundingHistory(time=times, rate=np.full(times.size, rate))
