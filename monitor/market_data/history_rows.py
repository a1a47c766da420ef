"""Rows of one contract in one month, as the store keeps them. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

import numpy as np

from monitor.domain.market import MINUTE_MS, KlineInterval
from monitor.domain.typing import FloatArray, IntArray, Symbol


class HistoryKind(StrEnum):
    """What is recorded."""

    KLINES = "klines"
    FUNDING = "funding"
    METRICS = "metrics"

    @property
    def time_column(self) -> str:
        """Name of the times in files."""
        return "open_time" if self is HistoryKind.KLINES else "timestamp"

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the other columns in files, in order."""
        return _COLUMNS[self]

    @property
    def same_within_ms(self) -> int:
        """Two times that round to the same multiple of this are the same row."""
        # settlements are stamped some milliseconds after the hour, not always alike
        return MINUTE_MS if self is HistoryKind.FUNDING else 1


_COLUMNS: Mapping[HistoryKind, tuple[str, ...]] = {
    HistoryKind.KLINES: (
        "open",
        "high",
        "low",
        "close",
        "volume",
        "quote_volume",
        "trade_count",
        "taker_buy_volume",
        "taker_buy_quote_volume",
    ),
    HistoryKind.FUNDING: ("funding_rate", "funding_interval_h"),
    HistoryKind.METRICS: (
        "open_interest",
        "open_interest_value",
        "top_trader_account_ratio",
        "top_trader_position_ratio",
        "account_ratio",
        "taker_volume_ratio",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Whose history of which kind."""

    kind: HistoryKind
    symbol: Symbol
    interval: KlineInterval | None = None
    """Of klines only."""

    def __post_init__(self) -> None:
        if (self.interval is None) == (self.kind is HistoryKind.KLINES):
            raise ValueError("klines have an interval, other kinds have none")
        if not is_symbol(self.symbol):
            raise ValueError(f"{self.symbol!r} is not the name of a contract")

    def __str__(self) -> str:
        bar = "" if self.interval is None else f" {self.interval.value}"
        return f"{self.symbol} {self.kind.value}{bar}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HistoryRows:
    """Rows in order of time, each time once.

    Columns have shape ``(n_rows,)``; NaN: not recorded.
    """

    kind: HistoryKind
    time: IntArray
    """ms UTC, ascending; of klines the open time."""
    columns: Mapping[str, FloatArray]
    """Exactly those of ``kind``, in its order."""

    @property
    def row_count(self) -> int:
        """Number of rows."""
        return int(self.time.size)

    def opened_within(self, start_ms: int, end_ms: int) -> "HistoryRows":
        """Return the rows of ``[start_ms, end_ms)``."""
        chosen = slice(*np.searchsorted(self.time, (start_ms, end_ms)).tolist())
        return HistoryRows(
            kind=self.kind,
            time=self.time[chosen],
            columns={name: column[chosen] for name, column in self.columns.items()},
        )


def history_rows(
    kind: HistoryKind, time: IntArray, columns: Mapping[str, FloatArray]
) -> HistoryRows:
    """Return rows in order; of equal times the last row counts.

    Parameters
    ----------
    kind : HistoryKind
    time : ndarray of shape (n,)
        ms UTC, in any order.
    columns : mapping
        Some of the kind's columns; the others become NaN.
    """
    same = kind.same_within_ms
    keys = (time + same // 2) // same
    order = np.argsort(keys, kind="stable")
    is_last = np.ones(time.size, dtype=np.bool_)
    is_last[:-1] = np.diff(keys[order]) > 0
    chosen = order[is_last]
    nothing = np.full(chosen.size, np.nan)
    return HistoryRows(
        kind=kind,
        time=np.asarray(time[chosen], dtype=np.int64),
        columns={
            name: np.asarray(columns[name][chosen], dtype=np.float64)
            if name in columns
            else nothing
            for name in kind.columns
        },
    )


def united(older: HistoryRows | None, newer: HistoryRows) -> HistoryRows:
    """Return the rows of both; where both have a time, the newer row counts.

    What the newer row does not know (NaN) is not taken from the older one: it may be
    another version of the same bar.
    """
    if older is None:
        return newer
    return history_rows(
        newer.kind,
        np.concatenate([older.time, newer.time]),
        {
            name: np.concatenate([older.columns[name], newer.columns[name]])
            for name in newer.kind.columns
        },
    )


def rows_hash(rows: HistoryRows) -> str:
    """Return the SHA-256 of times and values, whichever file they are in."""
    digest = sha256(f"{rows.kind.value} {rows.row_count}\n".encode())
    digest.update(np.ascontiguousarray(rows.time, dtype="<i8").tobytes())
    for name, column in rows.columns.items():
        digest.update(name.encode())
        # NaNs differ in bits that mean nothing
        plain = np.where(np.isnan(column), np.nan, column)
        digest.update(np.ascontiguousarray(plain, dtype="<f8").tobytes())
    return digest.hexdigest()


_SYMBOL = re.compile(r"\w+", re.UNICODE)
MAX_SYMBOL = 40
"""Characters; the longest known has 15."""


def is_symbol(text: str) -> bool:
    """Tell whether a text can be a contract's name, and a folder's."""
    return (
        len(text) <= MAX_SYMBOL
        and _SYMBOL.fullmatch(text) is not None
        and text == text.upper()
    )


def month_of(time_ms: int) -> str:
    """Return the month of a time, ``"2025-01"``, UTC."""
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m}"


def month_bounds(month: str) -> tuple[int, int]:
    """Return the first ms of a month and the first ms after it."""
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    after = (first + timedelta(days=31)).replace(day=1)
    return _ms(first), _ms(after)


def months_between(start_ms: int, end_ms: int) -> Iterator[str]:
    """Yield the months that ``[start_ms, end_ms)`` touches, in order."""
    at_ms = start_ms
    while at_ms < end_ms:
        month = month_of(at_ms)
        yield month
        at_ms = month_bounds(month)[1]


def days_between(start_ms: int, end_ms: int) -> Iterator[str]:
    """Yield the days that ``[start_ms, end_ms)`` touches, ``"2025-01-31"``, UTC."""
    day = datetime.fromtimestamp(start_ms / 1000, UTC).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    while _ms(day) < end_ms:
        yield f"{day:%Y-%m-%d}"
        day += timedelta(days=1)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
