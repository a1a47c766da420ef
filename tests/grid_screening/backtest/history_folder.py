"""A small history in the recorded layout: seeded walks, 15 min and 1 h bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from monitor.domain.typing import FloatArray, IntArray

START_MS = 1_735_689_600_000
"""2025-01-01 00:00 UTC, a Wednesday."""
DAY_MS = 86_400_000
QUARTER_MS = 900_000
HOUR_MS = 3_600_000
WIDE = "币安人生USDT"
SYMBOLS = ("ALPHAUSDT", "BETAUSDT", WIDE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Bars of one contract."""

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray


def walk(bar_count: int, *, seed: int, price: float, volatility: float = 0.004) -> Walk:
    """Return quarter-hour bars of a random walk with extremes beside its way."""
    rng = np.random.default_rng(seed)
    steps = rng.standard_normal(bar_count) * volatility
    close = price * np.exp(np.cumsum(steps))
    opens = np.concatenate([[price], close[:-1]])
    spread = 1 + np.abs(rng.standard_normal((2, bar_count))) * volatility / 2
    return Walk(
        open=opens,
        high=np.maximum(opens, close) * spread[0],
        low=np.minimum(opens, close) / spread[1],
        close=close,
    )


def coarser(fine: Walk, factor: int) -> Walk:
    """Return the same walk in longer bars."""

    def rows(column: FloatArray) -> FloatArray:
        return column.reshape(-1, factor)

    return Walk(
        open=rows(fine.open)[:, 0],
        high=rows(fine.high).max(axis=1),
        low=rows(fine.low).min(axis=1),
        close=rows(fine.close)[:, -1],
    )


def write_klines(
    path: Path, walks: Mapping[str, Walk], *, start_ms: int, step_ms: int
) -> None:
    tables = []
    for symbol, bars in walks.items():
        count = bars.close.size
        times: IntArray = start_ms + step_ms * np.arange(count, dtype=np.int64)
        columns: dict[str, object] = {
            "symbol": pa.array([symbol] * count).dictionary_encode(),
            "open_time": times,
        }
        for name in ("open", "high", "low", "close"):
            columns[name] = np.asarray(getattr(bars, name), np.float64)
        columns["volume"] = np.full(count, 1e6)
        tables.append(pa.table(columns))
    pq.write_table(pa.concat_tables(tables).unify_dictionaries(), path)


def write_funding(
    path: Path, symbols: Sequence[str], *, start_ms: int, days: int
) -> None:
    times = start_ms + 8 * HOUR_MS * np.arange(3 * days, dtype=np.int64)
    table = {
        "symbol": [symbol for symbol in symbols for _ in times],
        "timestamp": np.tile(times, len(symbols)),
        "funding_rate": np.full(times.size * len(symbols), 1e-4),
    }
    pq.write_table(pa.table(table), path)


def write_history(
    folder: Path,
    *,
    symbols: Sequence[str] = SYMBOLS,
    days: int = 70,
    start_ms: int = START_MS,
    prices: Sequence[float] = (100.0, 2.5, 0.031),
) -> Path:
    """Write 1 h bars of the whole time and 15 min bars of its last 50 days.

    The first contract has no finer bars, the second one no funding.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fine = {
        symbol: walk(days * 96, seed=7 + number, price=price)
        for number, (symbol, price) in enumerate(zip(symbols, prices, strict=False))
    }
    hourly = {symbol: coarser(bars, 4) for symbol, bars in fine.items()}
    write_klines(
        folder / "klines_1h_test.parquet", hourly, start_ms=start_ms, step_ms=HOUR_MS
    )
    cut = (days - 50) * 96
    late = {
        symbol: Walk(
            open=bars.open[cut:],
            high=bars.high[cut:],
            low=bars.low[cut:],
            close=bars.close[cut:],
        )
        for symbol, bars in list(fine.items())[1:]
    }
    write_klines(
        folder / "klines_15m_test.parquet",
        late,
        start_ms=start_ms + (days - 50) * DAY_MS,
        step_ms=QUARTER_MS,
    )
    with_funding = [symbols[0], *symbols[2:]]
    write_funding(
        folder / "funding_test.parquet", with_funding, start_ms=start_ms, days=days
    )
    return folder
