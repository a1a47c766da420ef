"""A folder of Parquet files, one per contract and month.

::

    klines/interval=1h/symbol=BTCUSDT/2025-01.parquet
    funding/symbol=BTCUSDT/2025-01.parquet
    metrics/symbol=BTCUSDT/2025-01.parquet
    manifest.json

A file says itself what it was made of, and the hash of its rows: it is whole or not
there, and nothing else must be believed. The manifest is made from the files.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from monitor.domain.market import KlineInterval
from monitor.market_data.history_assembly import gaps_between
from monitor.market_data.history_errors import HistoryNotWritable
from monitor.market_data.history_lock import writer_lock
from monitor.market_data.history_parts import MANIFEST_NAME, UNFINISHED_NAME
from monitor.market_data.history_rows import (
    HistoryKind,
    HistoryRows,
    Series,
    history_rows,
    is_symbol,
    rows_hash,
)

VERSION = 1
"""Of the files; those of another version are made anew."""
FOOTER_KEY = b"short_grid_history"
PART_SUFFIX = ".part"
"""Of files that are being written; what a killed process left is removed."""

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
Span = tuple[int, int]
"""First and last time, ms UTC, both included."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Partition:
    """The rows of one contract and month, and where they are from."""

    rows: HistoryRows
    sources: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each file that was read, by month (``"2025-01"``), day
    (``"2025-01-31"``) or name of an imported file; empty where none is known."""
    confirmed: tuple[Span, ...] = ()
    """Missing bars of which the exchange has said that there are none."""

    @property
    def span(self) -> Span | None:
        """Times of the first and last row; None without rows."""
        time = self.rows.time
        return (int(time[0]), int(time[-1])) if time.size else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionSummary:
    """What the footer of a file says."""

    month: str
    row_count: int
    first_ms: int
    """Of the first row; 0 without rows, as ``last_ms``."""
    last_ms: int
    sha256: str
    sources: Mapping[str, str]
    gaps: tuple[Span, ...]
    """Of bars: missing ones inside the file."""
    confirmed: tuple[Span, ...]


class HistoryStore:
    """The files of a folder. Several threads may write different partitions.

    Parameters
    ----------
    root : Path
        Made on first write.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._is_marked = True

    def locked(self, *, now_ms: int) -> AbstractContextManager[None]:
        """Be the only writer, see `writer_lock`."""
        return writer_lock(self.root, now_ms=now_ms)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Have the store marked from the first file written until all are.

        The mark stays where the context ends with an error or the process is killed,
        and a former mark until a context ends well: what is there is then a part of
        what somebody asked for. Only for the one writer.

        Raises
        ------
        HistoryNotWritable
        """
        self._is_marked = False
        yield
        self._is_marked = True
        with self._written(self.root / UNFINISHED_NAME) as mark:
            mark.unlink(missing_ok=True)

    def path(self, series: Series, month: str) -> Path:
        """Return the file of a month."""
        return self._folder(series) / f"{month}.parquet"

    def series(self) -> Iterator[Series]:
        """Yield whose history of which kind there is, in order."""
        for path in sorted(self.root.glob("klines/interval=*/symbol=*")):
            with suppress(ValueError):  # a folder of somebody else
                yield Series(
                    kind=HistoryKind.KLINES,
                    symbol=path.name.removeprefix("symbol="),
                    interval=KlineInterval(path.parent.name.removeprefix("interval=")),
                )
        for kind in (HistoryKind.FUNDING, HistoryKind.METRICS):
            for path in sorted(self.root.glob(f"{kind.value}/symbol=*")):
                if is_symbol(symbol := path.name.removeprefix("symbol=")):
                    yield Series(kind=kind, symbol=symbol)

    def months(self, series: Series) -> tuple[str, ...]:
        """Return the months there are, in order."""
        names = (path.stem for path in self._folder(series).glob("*.parquet"))
        return tuple(sorted(name for name in names if _MONTH.fullmatch(name)))

    def read(self, series: Series, month: str) -> Partition | None:
        """Return a partition; None when it is not there, or not bit for bit whole."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.path(series, month)
        try:
            table = pq.read_table(
                path, page_checksum_verification=True, partitioning=None
            )
            footer = _footer(table.schema.metadata)
            rows = history_rows(
                series.kind,
                table[series.kind.time_column].to_numpy(),
                {
                    name: table[name].to_numpy()
                    for name in series.kind.columns
                    if name in table.column_names
                },
            )
        except (OSError, pa.ArrowException, KeyError, ValueError):
            return None
        if footer is None or footer["sha256"] != rows_hash(rows):
            return None
        return Partition(
            rows=rows,
            sources=footer["sources"],
            confirmed=tuple((a, b) for a, b in footer["confirmed"]),
        )

    def write(self, series: Series, month: str, partition: Partition) -> None:
        """Put a partition in the place of what was there.

        Raises
        ------
        HistoryNotWritable
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._mark()
        rows = partition.rows
        arrays = {series.kind.time_column: rows.time} | {
            name: column
            for name, column in rows.columns.items()
            if not np.isnan(column).all() or not rows.row_count
        }
        table = pa.table({name: pa.array(column) for name, column in arrays.items()})
        footer = {FOOTER_KEY: orjson.dumps(_statement(series, partition))}
        write = partial(
            pq.write_table,
            table.replace_schema_metadata(footer),
            compression="zstd",
            use_dictionary=False,
            write_page_checksum=True,
        )
        self._replace(self.path(series, month), write)

    def summary(self, series: Series, month: str) -> PartitionSummary | None:
        """Return what a file says of itself; None when it says nothing."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            schema = pq.read_schema(self.path(series, month))
        except (OSError, pa.ArrowException):
            return None
        footer = _footer(schema.metadata)
        if footer is None:
            return None
        return PartitionSummary(
            month=month,
            row_count=footer["rows"],
            first_ms=footer["first"],
            last_ms=footer["last"],
            sha256=footer["sha256"],
            sources=footer["sources"],
            gaps=tuple((a, b) for a, b in footer["gaps"]),
            confirmed=tuple((a, b) for a, b in footer["confirmed"]),
        )

    def summaries(self, series: Series) -> tuple[PartitionSummary, ...]:
        """Return what the files of a series say, in order of time."""
        found = (self.summary(series, month) for month in self.months(series))
        return tuple(each for each in found if each is not None)

    def write_manifest(self, document: Mapping[str, Any]) -> None:
        """Replace the manifest.

        Raises
        ------
        HistoryNotWritable
        """
        body = orjson.dumps(document, option=orjson.OPT_INDENT_2)
        self._replace(self.root / MANIFEST_NAME, lambda path: path.write_bytes(body))

    def sweep(self) -> None:
        """Remove what a killed writer left half done; only for the one writer."""
        for path in _half_files(self.root):
            with suppress(OSError):
                path.unlink()

    def _folder(self, series: Series) -> Path:
        folder = self.root / series.kind.value
        if series.interval is not None:
            folder /= f"interval={series.interval.value}"
        return folder / f"symbol={series.symbol}"

    def _mark(self) -> None:
        if self._is_marked:
            return
        with self._written(self.root / UNFINISHED_NAME) as mark:
            self.root.mkdir(parents=True, exist_ok=True)
            mark.touch()
        self._is_marked = True

    def _replace(self, path: Path, write: Any) -> None:
        half = path.with_name(f".{path.name}.{os.getpid()}{PART_SUFFIX}")
        with self._written(path):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                write(half)
                half.replace(path)
            except OSError:
                with suppress(OSError):
                    half.unlink(missing_ok=True)
                raise

    @contextmanager
    def _written(self, path: Path) -> Iterator[Path]:
        try:
            yield path
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise HistoryNotWritable(str(path), reason) from error


def series_gaps(
    series: Series, summaries: Iterable[PartitionSummary]
) -> tuple[Span, ...]:
    """Return the gaps of a series of bars, between its files too; else none.

    Parameters
    ----------
    series : Series
    summaries : iterable of PartitionSummary
        In order of time, all with rows.
    """
    if series.interval is None:
        return ()
    step = series.interval.milliseconds
    found: list[Span] = []
    before: int | None = None
    for each in summaries:
        if before is not None and each.first_ms - before > step:
            found.append((before + step, each.first_ms - step))
        found += each.gaps
        before = each.last_ms
    return tuple(found)


def _statement(series: Series, partition: Partition) -> dict[str, Any]:
    span = partition.span
    inside: tuple[Span, ...] = ()
    if series.interval is not None:
        found = gaps_between(series.symbol, partition.rows.time, series.interval)
        inside = tuple((gap.first_ms, gap.last_ms) for gap in found)
    return {
        "version": VERSION,
        "rows": partition.rows.row_count,
        "first": 0 if span is None else span[0],
        "last": 0 if span is None else span[1],
        "sha256": rows_hash(partition.rows),
        "sources": dict(partition.sources),
        "gaps": inside,
        "confirmed": partition.confirmed,
    }


def _footer(metadata: Mapping[bytes, bytes] | None) -> dict[str, Any] | None:
    try:
        stated = orjson.loads((metadata or {})[FOOTER_KEY])
    except (KeyError, orjson.JSONDecodeError):
        return None
    if not isinstance(stated, dict) or stated.get("version") != VERSION:
        return None
    return stated


def _half_files(root: Path) -> Iterator[Path]:
    yield from root.glob(f".*{PART_SUFFIX}")
    yield from root.glob(f"*/*/.*{PART_SUFFIX}")
    yield from root.glob(f"*/*/*/.*{PART_SUFFIX}")
