"""Parquet files of history, as tests need them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HOUR = 3_600_000
START = 1_735_689_600_000
"""2025-01-01 00:00 UTC."""

Bar = tuple[str, int, float, float, float, float, float]
"""symbol, open_time, open, high, low, close, volume"""


def a_bar(symbol: str, hour: int, price: float = 10.0, volume: float = 5.0) -> Bar:
    """Return a possible bar whose close is ``price``."""
    time = START + hour * HOUR
    return (symbol, time, price * 0.99, price * 1.02, price * 0.98, price, volume)


def write_bars(
    path: Path,
    bars: Sequence[Bar],
    *,
    kind: Any = np.float64,
    more: Mapping[str, Sequence[float]] | None = None,
    without: Sequence[str] = (),
    rows_per_group: int = 1 << 20,
) -> None:
    names = ("symbol", "open_time", "open", "high", "low", "close", "volume")
    columns: dict[str, Any] = dict(
        zip(names, zip(*bars, strict=True), strict=True) if bars else {}
    )
    table = {
        "symbol": pa.array(columns.get("symbol", ()), pa.string()).dictionary_encode(),
        "open_time": pa.array(columns.get("open_time", ()), pa.int64()),
    }
    for name in names[2:]:
        table[name] = pa.array(np.asarray(columns.get(name, ()), dtype=kind))
    for name, values in (more or {}).items():
        table[name] = pa.array(np.asarray(values, dtype=kind))
    for name in without:
        del table[name]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table), path, row_group_size=rows_per_group)


def write_funding(path: Path, events: Sequence[tuple[str, int, float]]) -> None:
    symbols, times, rates = zip(*events, strict=True)
    table = {"symbol": list(symbols), "timestamp": list(times)}
    pq.write_table(pa.table({**table, "funding_rate": list(rates)}), path)
