"""One SQLite file of bar series, shared by the processes of one machine."""

import fcntl
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from monitor.market_data.kline_codec import EncodedSeries, SeriesKey
from monitor.market_data.kline_statistics import SeriesGroup
from monitor.market_data.kline_tables import (
    WHOSE,
    DamagedFile,
    UnusableFile,
    add_counts,
    delete,
    free_bytes,
    note_use,
    pragma,
    prepare,
    put,
    shrink,
    transaction,
)

FILE_NAME = "klines.sqlite3"
ASIDE_SUFFIX = ".damaged"
"""Where a damaged file goes; the one before it there is overwritten."""

BUSY_TIMEOUT_S = 10.0
"""Longest wait for another process's write."""
SERIES_OVERHEAD = 4_608
"""Bytes of a series besides its columns, at most: its rows and a last page that is
not full."""
ROOM_SHARE = 0.9
"""Making room goes on to this share of the limit, so that it is rarely needed."""

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class KlineFile:
    """The file: rows in and out, in transactions that are whole or not there.

    Opened on first use, and again after `close`. Not thread-safe. A connection must
    not be carried over a fork.

    Parameters
    ----------
    path : Path
        Its folder is made when it is missing.
    max_bytes : int
        Size of the file; its write-ahead log adds a few MB while it is in use.
    """

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._connection: sqlite3.Connection | None = None
        self._inode: int | None = None

    def read(self, key: SeriesKey) -> EncodedSeries | None:
        """Return one series as it is, None when there is none.

        Raises
        ------
        UnusableFile, DamagedFile
            As everything here.
        """
        with self._opened() as connection:
            row = connection.execute(
                "SELECT first_open, last_open, bar_count, beginning, "  # noqa: S608
                "columns, checksum "
                "FROM series LEFT JOIN bars ON bars.series_id = series.id "
                f"WHERE {WHOSE}",
                key,
            ).fetchone()
        if row is None:
            return None
        first_open, last_open, bar_count, beginning, columns, checksum = row
        return EncodedSeries(
            key=key,
            first_open=first_open,
            last_open=last_open,
            bar_count=bar_count,
            beginning=beginning,
            columns=columns,
            checksum=checksum,
        )

    def keys(self, exchange: str, *, first_symbol: str, limit: int) -> list[SeriesKey]:
        """Return whose bars there are: ``first_symbol`` first, then as last used."""
        with self._opened() as connection:
            rows = connection.execute(
                "SELECT exchange, symbol, interval FROM series WHERE exchange = ? "
                "ORDER BY symbol = ? DESC, used_at DESC LIMIT ?",
                (exchange, first_symbol, limit),
            ).fetchall()
        return [SeriesKey(*row) for row in rows]

    def write(
        self,
        batch: Sequence[EncodedSeries],
        *,
        used: Iterable[SeriesKey],
        counts: Mapping[str, int],
    ) -> int:
        """Keep series, note what was used and add to the counters, all at once.

        Parameters
        ----------
        batch : sequence of EncodedSeries
            Replace what was kept under their keys.
        used : iterable of SeriesKey
            Ascending: the last one was used last.
        counts : mapping
            Increments of the counters by name.

        Returns
        -------
        int
            How many series made room.
        """
        with self._opened() as connection:
            with transaction(connection):
                incoming = sum(len(s.columns) + SERIES_OVERHEAD for s in batch)
                evicted = self._make_room(connection, incoming)
                if incoming <= self._max_bytes:
                    for series in batch:
                        put(connection, series)
                note_use(connection, used)
                add_counts(connection, {**counts, "evicted": evicted})
            if self._size(connection) > self._max_bytes:
                shrink(connection)
        return evicted

    def drop(self, damaged: EncodedSeries) -> None:
        """Remove exactly this version of a series."""
        with self._opened() as connection, transaction(connection):
            delete(
                connection,
                f"{WHOSE} AND checksum IS ?",
                (*damaged.key, damaged.checksum),
            )

    def clear(self, *, exchange: str | None = None, symbol: str | None = None) -> int:
        """Remove all series, or those of one exchange, or of its one symbol.

        Returns
        -------
        int
            How many.
        """
        conditions = {"exchange": exchange, "symbol": symbol}
        wanted = {name: value for name, value in conditions.items() if value}
        where = " AND ".join(f"{name} = ?" for name in wanted) or "1"
        with self._opened() as connection:
            with transaction(connection):
                count = delete(connection, where, tuple(wanted.values()))
            shrink(connection)
        return count

    def groups(self) -> tuple[SeriesGroup, ...]:
        """Return what is kept, by exchange and interval."""
        with self._opened() as connection:
            rows = connection.execute(
                "SELECT exchange, interval, count(*), sum(bar_count), "
                "min(first_open), max(last_open), sum(size) "
                "FROM series GROUP BY exchange, interval ORDER BY exchange, interval"
            ).fetchall()
        names = SeriesGroup.__slots__
        return tuple(SeriesGroup(**dict(zip(names, row, strict=True))) for row in rows)

    def counters(self) -> dict[str, int]:
        """Return the counters by name."""
        with self._opened() as connection:
            return dict(connection.execute("SELECT name, value FROM counters"))

    def close(self) -> None:
        """Close the connection; everything written is already safe."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with _translated():
                connection.close()

    def move_aside(self) -> bool:
        """Put the file out of the way, unless another process has done so.

        Returns
        -------
        bool
            Whether it was this process that did.
        """
        with suppress(UnusableFile, DamagedFile):
            self.close()
        with _translated(), _locked(self.path):
            if not self.path.exists() or self.path.stat().st_ino != self._inode:
                return False
            self.path.replace(self.path.with_name(self.path.name + ASIDE_SUFFIX))
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        return True

    def forget_aside(self) -> None:
        """Delete the damaged file that was put out of the way, if there is one."""
        with _translated():
            self.path.with_name(self.path.name + ASIDE_SUFFIX).unlink(missing_ok=True)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with _translated():
            if self._connection is None:
                self._connection = self._connect()
            yield self._connection

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(self.path):  # nobody makes or moves the file meanwhile
            connection = sqlite3.connect(
                self.path,
                timeout=BUSY_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                self._inode = self.path.stat().st_ino
                prepare(connection)
            except BaseException:
                connection.close()
                raise
        return connection

    def _make_room(self, connection: sqlite3.Connection, incoming: int) -> int:
        used = self._size(connection) - free_bytes(connection)
        if used + incoming <= self._max_bytes:
            return 0
        to_free = used + incoming - self._max_bytes * ROOM_SHARE
        chosen = []
        # the cursor must be done before anything is deleted
        with closing(
            connection.execute("SELECT id, size FROM series ORDER BY used_at, id")
        ) as oldest_first:
            for series_id, size in oldest_first:
                if to_free <= 0:
                    break
                chosen.append((series_id,))
                to_free -= size
        connection.executemany("DELETE FROM bars WHERE series_id = ?", chosen)
        connection.executemany("DELETE FROM series WHERE id = ?", chosen)
        return len(chosen)

    def _size(self, connection: sqlite3.Connection) -> int:
        return pragma(connection, "page_count") * pragma(connection, "page_size")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE:
            raise DamagedFile(str(error)) from error
        raise UnusableFile(str(error)) from error
    except UnicodeDecodeError as error:  # a text of the file, or an error quoting it
        raise DamagedFile("text that is not UTF-8") from error
    except OSError as error:
        raise UnusableFile(error.strerror or str(error)) from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.with_name(path.name + ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # ends with the file, also after kill −9
        yield
