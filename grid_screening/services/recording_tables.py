"""A recorded scan ↔ Parquet tables, one per kind of answer."""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from grid_screening.recording.columns import (
    Column,
    column_types,
    columns_of,
    rows_of,
)
from grid_screening.recording.failures import SymbolError, failure_of, failure_text
from grid_screening.recording.recording import KlineWish, Recording
from monitor.domain.instruments import (
    ExchangeInfo,
    Instrument,
    MalformedRow,
    RateLimit,
)
from monitor.domain.market import (
    BookTicker,
    FundingInterval,
    KlineInterval,
    Klines,
    MarketRows,
    MarkPrice,
    OpenInterest,
    Ticker24h,
)

_MARKET_TABLES: Mapping[str, type] = {
    "tickers": Ticker24h,
    "mark_prices": MarkPrice,
    "funding_intervals": FundingInterval,
    "book_tickers": BookTicker,
}
_INFO_TABLES: Mapping[str, type] = {
    "instruments": Instrument,
    "malformed": MalformedRow,
    "rate_limits": RateLimit,
    "malformed_limits": MalformedRow,
}
_BAR_COLUMNS = tuple(
    f.name for f in fields(Klines) if f.name not in {"symbol", "interval"}
)
_INTEGER_COLUMNS = ("open_time", "close_time", "trade_count")


def tables_of(recording: Recording) -> Iterable[tuple[str, bytes]]:
    """Yield the name and the Parquet content of each table."""
    for name, kind in _INFO_TABLES.items():
        rows = getattr(recording.exchange_info, name)
        yield name, _rows_table(rows, kind)
    for name, kind in _MARKET_TABLES.items():
        rows = getattr(recording, name)
        yield name, _rows_table(list(rows.by_symbol.values()), kind)
        yield f"{name}_malformed", _rows_table(rows.malformed, MalformedRow)
    yield "open_interest", _open_interest_table(recording)
    yield from _kline_tables(recording)


def _rows_table(rows: Sequence[Any], kind: type) -> bytes:
    return _parquet(columns_of(rows, kind), column_types(kind))


def _open_interest_table(recording: Recording) -> bytes:
    symbols = sorted(recording.open_interest)
    answers = [recording.open_interest[symbol] for symbol in symbols]
    found = [a if isinstance(a, OpenInterest) else None for a in answers]
    return _parquet(
        {
            "symbol": symbols,
            "open_interest": [None if a is None else a.open_interest for a in found],
            "time": [None if a is None else a.time for a in found],
            "failure": [_failure(a) for a in answers],
        },
        {
            "symbol": Column.TEXT,
            "open_interest": Column.NUMBER,
            "time": Column.INTEGER,
            "failure": Column.TEXT,
        },
    )


_WISH_TYPES = {
    "symbol": Column.TEXT,
    "interval": Column.TEXT,
    "count": Column.INTEGER,
    "minimum": Column.INTEGER,
    "bars": Column.INTEGER,
    "failure": Column.TEXT,
}
_KLINE_TYPES = {
    "symbol": Column.TEXT,
    "interval": Column.TEXT,
    **{
        name: Column.INTEGER if name in _INTEGER_COLUMNS else Column.NUMBER
        for name in _BAR_COLUMNS
    },
}


def _kline_tables(recording: Recording) -> Iterable[tuple[str, bytes]]:
    # the wishes say how many rows of the bars, one after the other, are whose
    wishes = sorted(
        recording.klines,
        key=lambda w: (w.interval.value, w.symbol, w.count, w.minimum or 0),
    )
    answers = [recording.klines[wish] for wish in wishes]
    found = [answer for answer in answers if isinstance(answer, Klines)]
    counts = [a.bar_count if isinstance(a, Klines) else 0 for a in answers]
    yield (
        "kline_wishes",
        _parquet(
            {
                "symbol": [wish.symbol for wish in wishes],
                "interval": [wish.interval.value for wish in wishes],
                "count": [wish.count for wish in wishes],
                "minimum": [wish.minimum for wish in wishes],
                "bars": counts,
                "failure": [_failure(answer) for answer in answers],
            },
            _WISH_TYPES,
        ),
    )
    columns: dict[str, Any] = {
        "symbol": [k.symbol for k in found for _ in range(k.bar_count)],
        "interval": [k.interval.value for k in found for _ in range(k.bar_count)],
    }
    for name in _BAR_COLUMNS:
        parts = [getattr(klines, name) for klines in found]
        columns[name] = np.concatenate(parts) if parts else []
    yield "klines", _parquet(columns, _KLINE_TYPES)


def _failure(answer: object) -> str | None:
    return failure_text(answer) if isinstance(answer, Exception) else None  # type: ignore[arg-type]  # answers are values or `SymbolError`


def recording_of(members: Mapping[str, bytes], *, as_of_ms: int) -> Recording:
    """Return the recording whose tables ``members`` holds as ``NAME.parquet``.

    Raises
    ------
    KeyError, TypeError, ValueError
        A table or column is missing, or holds what it must not.
    """

    def rows(name: str, kind: type) -> tuple[Any, ...]:
        return tuple(rows_of(_columns(members[f"{name}.parquet"]), kind))

    def market(name: str) -> MarketRows[Any]:
        found = rows(name, _MARKET_TABLES[name])
        return MarketRows(
            by_symbol={row.symbol: row for row in found},
            malformed=rows(f"{name}_malformed", MalformedRow),
        )

    return Recording(
        as_of_ms=as_of_ms,
        exchange_info=ExchangeInfo(
            **{name: rows(name, kind) for name, kind in _INFO_TABLES.items()}
        ),
        **{name: market(name) for name in _MARKET_TABLES},
        open_interest=_open_interest(members),
        klines=_klines(members),
    )


def _open_interest(
    members: Mapping[str, bytes],
) -> dict[str, OpenInterest | SymbolError]:
    columns = _columns(members["open_interest.parquet"])
    names = ("symbol", "open_interest", "time", "failure")
    return {
        symbol: OpenInterest(symbol=symbol, open_interest=amount, time=time)
        if failure is None
        else failure_of(failure)
        for symbol, amount, time, failure in zip(
            *(columns[name] for name in names), strict=True
        )
    }


def _klines(members: Mapping[str, bytes]) -> dict[KlineWish, Klines | SymbolError]:
    wishes = _columns(members["kline_wishes.parquet"])
    bars = _arrays(members["klines.parquet"])
    answers: dict[KlineWish, Klines | SymbolError] = {}
    at = 0
    for symbol, interval, count, minimum, length, failure in zip(
        *(wishes[name] for name in _WISH_TYPES), strict=True
    ):
        kind = KlineInterval(interval)
        wish = KlineWish(symbol=symbol, interval=kind, count=count, minimum=minimum)
        if failure is not None:
            answers[wish] = failure_of(failure)
            continue
        part = slice(at, at + length)
        answers[wish] = Klines(
            symbol=symbol,
            interval=kind,
            **{name: bars[name][part] for name in _BAR_COLUMNS},
        )
        at += length
    return answers


def _parquet(columns: Mapping[str, Any], types: Mapping[str, Column]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    of: Mapping[Column, Callable[[], Any]] = {
        Column.TEXT: pa.string,
        Column.INTEGER: pa.int64,
        Column.NUMBER: pa.float64,
    }
    schema = pa.schema([(name, of[kind]()) for name, kind in types.items()])
    out = io.BytesIO()
    pq.write_table(pa.table(dict(columns), schema=schema), out, compression="zstd")
    return out.getvalue()


def _columns(content: bytes) -> dict[str, list[Any]]:
    import pyarrow.parquet as pq

    columns: dict[str, list[Any]] = pq.read_table(io.BytesIO(content)).to_pydict()
    return columns


def _arrays(content: bytes) -> dict[str, Any]:
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(content), columns=list(_BAR_COLUMNS))
    return {name: table[name].to_numpy() for name in _BAR_COLUMNS}
