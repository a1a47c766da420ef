"""Files of history: which there are, and their rows. Reads Parquet."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from monitor.domain.market import KlineInterval
from monitor.domain.typing import FloatArray, IntArray, Symbol
from monitor.market_data.history_assembly import BAR_COLUMNS, PRICES
from monitor.market_data.history_errors import HistoryUnreadable

SUFFIX = ".parquet"
KLINES, FUNDING = "klines", "funding"
MANIFEST_NAME = "manifest.json"
UNFINISHED_NAME = ".unfinished"
"""There while a store is written, and where that broke off."""
REPAIR = "run download_history, with --import where it was imported, again: it repairs"
"""What to do about a damaged file of a store."""
_RECORDED = re.compile(r"klines_([0-9]+[mhdwM])_.+\.parquet|(funding)_.+\.parquet")
_INTERVAL_FOLDER, _SYMBOL_FOLDER = "interval=", "symbol="


@dataclass(frozen=True, slots=True)
class HistoryPart:
    """One file; ``symbol`` None: the file has a column of symbols."""

    path: Path
    name: str
    """Relative to the folder of the history, with ``/``."""
    symbol: Symbol | None = None


@dataclass(frozen=True, slots=True)
class HistoryListing:
    """The files of a folder, by name."""

    klines: Mapping[KlineInterval, Sequence[HistoryPart]]
    funding: Sequence[HistoryPart]
    ignored: Sequence[str]
    """Names of Parquet files that are neither."""

    def parts(self) -> tuple[HistoryPart, ...]:
        """Return all files."""
        bars = [part for parts in self.klines.values() for part in parts]
        return (*bars, *self.funding)


@dataclass(frozen=True, slots=True)
class BarBatch:
    """Some bars of one file; see `PanelAssembly.add`."""

    symbols: Sequence[Symbol]
    codes: IntArray
    open_time: IntArray
    columns: Mapping[str, FloatArray]


@dataclass(slots=True)
class _Found:
    klines: dict[KlineInterval, list[HistoryPart]] = field(default_factory=dict)
    funding: list[HistoryPart] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def add(self, interval: str | None, part: HistoryPart) -> None:
        if interval is None:
            self.funding.append(part)
        elif interval in _EQUIDISTANT:
            self.klines.setdefault(KlineInterval(interval), []).append(part)
        else:
            self.ignored.append(part.name)


_EQUIDISTANT = frozenset(i.value for i in KlineInterval) - {KlineInterval.MONTH1.value}


def listed_parts(folder: Path) -> HistoryListing:
    """Return the files of a store or of a folder of recorded files.

    Raises
    ------
    HistoryUnreadable
        No such folder, or nothing in it.
    """
    found = _Found()
    try:
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            _add_recorded(found, path)
        for path in sorted((folder / KLINES).glob(f"{_INTERVAL_FOLDER}*/*/*{SUFFIX}")):
            interval = path.parent.parent.name.removeprefix(_INTERVAL_FOLDER)
            found.add(interval, _stored(folder, path))
        for path in sorted((folder / FUNDING).glob(f"*/*{SUFFIX}")):
            found.add(None, _stored(folder, path))
        is_folder = folder.is_dir()
    except OSError as error:
        raise HistoryUnreadable(str(folder), error.strerror or str(error)) from error
    if not is_folder:
        raise HistoryUnreadable(
            str(folder),
            "no such folder; name a store made by download_history, or a folder of "
            "klines_<interval>_*.parquet files",
        )
    if not found.klines:
        raise HistoryUnreadable(
            str(folder),
            "holds no bars; expected klines/interval=…/symbol=…/*.parquet of "
            "download_history, or klines_<interval>_*.parquet",
        )
    return HistoryListing(
        klines=found.klines, funding=found.funding, ignored=found.ignored
    )


def part_symbols(part: HistoryPart) -> frozenset[Symbol]:
    """Return whose rows a file holds."""
    if part.symbol is not None:
        return frozenset({part.symbol})
    import pyarrow.compute as pc

    with _reading(part) as file:
        column = file.read(columns=["symbol"])["symbol"]
        return frozenset(str(name) for name in pc.unique(column).to_pylist())


def part_range(part: HistoryPart) -> tuple[int, int] | None:
    """Return the earliest and latest open time of a file, None when it is empty."""
    with _reading(part) as file:
        metadata = file.metadata
        place = file.schema_arrow.get_field_index("open_time")
        groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
        groups = [group for group in groups if group.num_rows]
        if not groups:
            return None
        ranges = [group.column(place).statistics for group in groups]
        if all(found is not None and found.has_min_max for found in ranges):
            return min(r.min for r in ranges), max(r.max for r in ranges)
        times = file.read(columns=["open_time"])["open_time"].to_numpy()
        return int(times.min()), int(times.max())


def part_spans(part: HistoryPart) -> dict[Symbol, tuple[int, int]]:
    """Return the earliest and latest open time of each contract in a file."""
    if part.symbol is not None:
        whole = part_range(part)
        return {} if whole is None else {part.symbol: whole}
    with _reading(part) as file:
        rows = file.read(columns=["symbol", "open_time"])
        symbols, codes = _symbols(part, rows)
        times = _whole(part, rows["open_time"])
    first = np.full(len(symbols), np.iinfo(np.int64).max)
    last = np.full(len(symbols), -1)
    np.minimum.at(first, codes, times)
    np.maximum.at(last, codes, times)
    return {
        name: (int(first[code]), int(last[code]))
        for code, name in enumerate(symbols)
        if last[code] >= 0
    }


def manifest_names(folder: Path) -> tuple[str, ...]:
    """Return the files of bars and settlements that a store's manifest names.

    Empty without a manifest: it is made when a download ends.

    Raises
    ------
    HistoryUnreadable
        It cannot be read.
    """
    path = folder / MANIFEST_NAME
    try:
        document = orjson.loads(path.read_bytes())
        names = [
            f"{KLINES}/{_INTERVAL_FOLDER}{interval}/{_SYMBOL_FOLDER}{symbol}/{month}"
            for interval, contracts in document.get(KLINES, {}).items()
            for symbol, stated in contracts.items()
            for month in stated["months"]
        ]
        names += [
            f"{FUNDING}/{_SYMBOL_FOLDER}{symbol}/{month}"
            for symbol, stated in document.get(FUNDING, {}).items()
            for month in stated["months"]
        ]
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise HistoryUnreadable(str(path), f"not readable: {error}") from error
    return tuple(name + SUFFIX for name in names)


def bar_batches(part: HistoryPart) -> Iterator[BarBatch]:
    """Yield the bars of a file, a row group at a time."""
    with _reading(part) as file:
        there = set(file.schema_arrow.names)
        needed = {"open_time", *PRICES}
        if part.symbol is None:
            needed.add("symbol")
        if not needed <= there:
            missing = ", ".join(sorted(needed - there))
            raise HistoryUnreadable(str(part.path), f"has no column {missing}")
        columns = [name for name in BAR_COLUMNS if name in there]
        keys = ["open_time"] if part.symbol is not None else ["symbol", "open_time"]
        for group in range(file.metadata.num_row_groups):
            rows = file.read_row_group(group, columns=[*keys, *columns])
            symbols, codes = _symbols(part, rows)
            yield BarBatch(
                symbols=symbols,
                codes=codes,
                open_time=_whole(part, rows["open_time"]),
                columns={name: _numbers(part, name, rows[name]) for name in columns},
            )


def funding_rows(part: HistoryPart) -> tuple[Sequence[Symbol], IntArray, IntArray, Any]:
    """Return the symbols, codes, times and rates of a file of settlements."""
    needed = {"timestamp", "funding_rate"}
    if part.symbol is None:
        needed.add("symbol")
    with _reading(part) as file:
        missing = needed - set(file.schema_arrow.names)
        if missing:
            raise HistoryUnreadable(
                str(part.path), f"has no column {', '.join(sorted(missing))}"
            )
        rows = file.read(columns=sorted(needed))
        symbols, codes = _symbols(part, rows)
        return (
            symbols,
            codes,
            _whole(part, rows["timestamp"]),
            _numbers(part, "funding_rate", rows["funding_rate"]),
        )


def part_hash(part: HistoryPart) -> str:
    """Return the SHA-256 of a file."""
    try:
        with part.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise HistoryUnreadable(str(part.path), error.strerror or str(error)) from error


class _reading:  # noqa: N801  used like a function
    # an open Parquet file; whatever goes wrong in it is one typed error

    def __init__(self, part: HistoryPart) -> None:
        self._part = part
        self._file: Any = None

    def __enter__(self) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            self._file = pq.ParquetFile(
                self._part.path, page_checksum_verification=True
            )
        except (OSError, pa.ArrowException) as error:
            raise self._unreadable(error) from error
        return self._file

    def __exit__(
        self, kind: object, error: BaseException | None, trace: object
    ) -> None:
        import pyarrow as pa

        self._file.close()
        if isinstance(error, OSError | pa.ArrowException | KeyError):
            raise self._unreadable(error) from error

    def _unreadable(self, error: BaseException) -> HistoryUnreadable:
        strerror = getattr(error, "strerror", None)
        detail = strerror or (str(error).splitlines() or [type(error).__name__])[0]
        advice = "" if self._part.symbol is None else f"; {REPAIR}"
        return HistoryUnreadable(
            str(self._part.path), f"not readable: {detail}{advice}"
        )


def _add_recorded(found: _Found, path: Path) -> None:
    kind = _RECORDED.fullmatch(path.name)
    part = HistoryPart(path=path, name=path.name)
    if kind is None:
        found.ignored.append(path.name)
    else:
        found.add(kind[1], part)


def _stored(folder: Path, path: Path) -> HistoryPart:
    return HistoryPart(
        path=path,
        name=path.relative_to(folder).as_posix(),
        symbol=path.parent.name.removeprefix(_SYMBOL_FOLDER),
    )


def _symbols(part: HistoryPart, rows: Any) -> tuple[Sequence[Symbol], IntArray]:
    if part.symbol is not None:
        return (part.symbol,), np.zeros(rows.num_rows, dtype=np.int64)
    import pyarrow as pa

    column = rows["symbol"].combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # of no rows, in some versions
        column = pa.concat_arrays(column.chunks) if column.chunks else pa.array([])
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    if column.null_count:
        raise HistoryUnreadable(str(part.path), "has rows without a symbol")
    codes = column.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return [str(name) for name in column.dictionary.to_pylist()], codes


def _whole(part: HistoryPart, column: Any) -> IntArray:
    import pyarrow as pa

    if column.null_count or not pa.types.is_integer(column.type):
        raise HistoryUnreadable(
            str(part.path), "times must be whole milliseconds (int64), without nulls"
        )
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _numbers(part: HistoryPart, name: str, column: Any) -> Any:
    import pyarrow as pa

    kind = column.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        raise HistoryUnreadable(str(part.path), f"{name} must be numbers, was {kind}")
    return column.to_numpy()
