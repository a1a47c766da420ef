"""Files of the public archive → rows. Pure: nothing is unpacked to disk."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np

from monitor.domain.market import DAY_MS, KlineInterval
from monitor.domain.typing import FloatArray, IntArray
from monitor.market_data.archive_names import stem
from monitor.market_data.history_rows import (
    HistoryKind,
    HistoryRows,
    Series,
    history_rows,
    month_bounds,
)

_SPELLED: Mapping[HistoryKind, Mapping[str, str]] = {
    HistoryKind.KLINES: {
        "open_time": "open_time",
        "open": "open",
        "high": "high",
        "low": "low",
        "close": "close",
        "volume": "volume",
        "close_time": "",
        "quote_volume": "quote_volume",
        "count": "trade_count",
        "taker_buy_volume": "taker_buy_volume",
        "taker_buy_quote_volume": "taker_buy_quote_volume",
        "ignore": "",
    },
    HistoryKind.FUNDING: {
        "calc_time": "timestamp",
        "funding_interval_hours": "funding_interval_h",
        "last_funding_rate": "funding_rate",
    },
    HistoryKind.METRICS: {
        "create_time": "timestamp",
        "symbol": "",
        "sum_open_interest": "open_interest",
        "sum_open_interest_value": "open_interest_value",
        "count_toptrader_long_short_ratio": "top_trader_account_ratio",
        "sum_toptrader_long_short_ratio": "top_trader_position_ratio",
        "count_long_short_ratio": "account_ratio",
        "sum_taker_long_short_vol_ratio": "taker_volume_ratio",
    },
}
"""The archive's columns in their order, and ours; empty: not kept. Files of before
2022 have no line of headings."""

_MAY_BE_EMPTY = HistoryKind.METRICS
FIRST_MICROSECOND = 10**14
"""A larger time is in µs: as ms it would lie beyond the year 5138."""

_WRITTEN_TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}", re.ASCII)

_BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,  # places outside the file
    RuntimeError,  # encrypted
    NotImplementedError,  # another way to pack
)


class BadArchiveFile(Exception):  # noqa: N818  named for what it is
    """What the archive sent is not what it should be; the message says why."""


def rows_of_zip(
    body: bytes, series: Series, label: str, *, max_bytes: int
) -> HistoryRows:
    """Return the rows of one file.

    Parameters
    ----------
    body : bytes
        The zip file.
    series : Series
        Whose file it should be.
    label : str
        Of which month (``"2025-01"``) or day.
    max_bytes : int
        More is not unpacked.

    Raises
    ------
    BadArchiveFile
        Not a zip file with exactly the expected table, or rows of another time.
    """
    return rows_of_csv(_member(body, stem(series, label), max_bytes), series, label)


def rows_of_csv(table: bytes, series: Series, label: str) -> HistoryRows:
    """Return the rows of a table, with or without headings.

    Raises
    ------
    BadArchiveFile
        A row cannot be read, or is of another time.
    """
    try:
        lines = table.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise BadArchiveFile("the table is not text") from None
    lines = [line for line in lines if line.strip()]
    names = list(_SPELLED[series.kind])
    if lines and not lines[0][:1].isdigit():
        names = [name.strip() for name in lines.pop(0).split(",")]
    places = _places(names, series.kind)
    if not lines:
        return history_rows(series.kind, np.empty(0, np.int64), {})
    cells = [line.split(",") for line in lines]
    width = len(names)
    if any(len(row) < width for row in cells):
        raise BadArchiveFile(f"a row has fewer than {width} columns")
    columns = list(zip(*cells, strict=False))
    time = _times(columns[places[series.kind.time_column]])
    _check_period(time, series, label)
    return history_rows(
        series.kind,
        time,
        {
            name: _numbers(name, columns[place], series.kind)
            for name, place in places.items()
            if name != series.kind.time_column
        },
    )


def _member(body: bytes, expected: str, max_bytes: int) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            names = archive.namelist()
            if names != [f"{expected}.csv"]:
                shown = ", ".join(repr(name) for name in names[:3])
                raise BadArchiveFile(f"holds {shown}, not only {expected}.csv")
            with archive.open(names[0]) as member:
                table = member.read(max_bytes + 1)
                if len(table) > max_bytes:
                    raise BadArchiveFile(f"unpacks to more than {max_bytes:,} bytes")
                return table
    except _BROKEN_ZIP as error:
        raise BadArchiveFile(f"not a whole zip file: {error}") from error


def _places(names: list[str], kind: HistoryKind) -> dict[str, int]:
    spelled = _SPELLED[kind]
    found = {
        spelled[name]: place
        for place, name in enumerate(names)
        if spelled.get(name, "") != ""
    }
    missing = [name for name, ours in spelled.items() if ours and ours not in found]
    if missing:
        raise BadArchiveFile(f"has no column {', '.join(missing)}")
    return found


def _times(texts: tuple[str, ...]) -> IntArray:
    try:
        if all(_WRITTEN_TIME.fullmatch(text) for text in texts):
            moments = np.array([text.replace(" ", "T") for text in texts])
            time = moments.astype("datetime64[ms]").astype(np.int64)
        else:
            time = np.array([int(text) for text in texts], dtype=np.int64)
    except (ValueError, OverflowError):
        raise BadArchiveFile("a time cannot be read") from None
    return np.where(time >= FIRST_MICROSECOND, time // 1000, time)


def _numbers(name: str, texts: tuple[str, ...], kind: HistoryKind) -> FloatArray:
    try:
        values = np.array(
            [
                float(text) if text.strip() or kind is not _MAY_BE_EMPTY else np.nan
                for text in texts
            ]
        )
    except ValueError:
        raise BadArchiveFile(f"{name} has a value that is no number") from None
    if kind is not _MAY_BE_EMPTY and not np.isfinite(values).all():
        raise BadArchiveFile(f"{name} has a value that is not finite")
    return values


def _check_period(time: IntArray, series: Series, label: str) -> None:
    start, end = label_bounds(label)
    # a bar may begin before its month, the last metrics of a day are of midnight
    step = series.interval or KlineInterval.D1
    slack = max(step.milliseconds, DAY_MS)
    if np.any(time < start - slack) or np.any(time >= end + slack):
        raise BadArchiveFile(f"has rows of another time than {label}")


def label_bounds(label: str) -> tuple[int, int]:
    """Return the first ms of a month or day, and the first ms after it."""
    if len(label) == len("2025-01"):
        return month_bounds(label)
    first = datetime.strptime(label, "%Y-%m-%d").replace(tzinfo=UTC)
    after = first + timedelta(days=1)
    return int(first.timestamp() * 1000), int(after.timestamp() * 1000)
