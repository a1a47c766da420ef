"""The statements behind the file of bar series: tables, rows, transactions."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from monitor.market_data.kline_codec import EncodedSeries, SeriesKey

VERSION = 1
"""Of the tables; a file with another one is moved aside."""

_SCHEMA = """
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    exchange TEXT NOT NULL,
    symbol TEXT NOT NULL,
    interval TEXT NOT NULL,
    first_open INTEGER NOT NULL,
    last_open INTEGER NOT NULL,
    bar_count INTEGER NOT NULL,
    beginning INTEGER NOT NULL,
    size INTEGER NOT NULL,
    checksum BLOB NOT NULL,
    used_at INTEGER NOT NULL,  -- of a counter, not of a clock
    UNIQUE (exchange, symbol, interval)
);
CREATE INDEX series_used_at ON series (used_at);
CREATE TABLE bars (series_id INTEGER PRIMARY KEY, columns BLOB NOT NULL);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
WHOSE = "exchange = ? AND symbol = ? AND interval = ?"


class UnusableFile(Exception):  # noqa: N818  named for what it is
    """The file cannot be read or written now; the message says why."""


class DamagedFile(Exception):  # noqa: N818  named for what it is
    """The file is not one of ours, or no longer."""


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables when there are none.

    Raises
    ------
    DamagedFile
        There are others.
    """
    version = pragma(connection, "user_version")
    connection.execute("PRAGMA synchronous = NORMAL")
    if version == VERSION:
        return
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version != 0 or tables > 0:
        raise DamagedFile(f"tables of version {version}, not {VERSION}")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    with transaction(connection):
        for statement in _SCHEMA.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")


def put(connection: sqlite3.Connection, series: EncodedSeries) -> None:
    """Keep a series in the place of the one under its key."""
    values = (
        *series.key,
        series.first_open,
        series.last_open,
        series.bar_count,
        series.beginning,
        len(series.columns),
        series.checksum,
    )
    delete(connection, WHOSE, series.key)
    cursor = connection.execute(
        "INSERT INTO series (exchange, symbol, interval, first_open, last_open, "
        "bar_count, beginning, size, checksum, used_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
        values,
    )
    connection.execute(
        "INSERT OR REPLACE INTO bars (series_id, columns) VALUES (?, ?)",
        (cursor.lastrowid, series.columns),
    )


def delete(
    connection: sqlite3.Connection, where: str, values: tuple[object, ...]
) -> int:
    """Remove series and their bars; return how many."""
    connection.execute(
        "DELETE FROM bars WHERE series_id IN "  # noqa: S608  our own conditions
        f"(SELECT id FROM series WHERE {where})",
        values,
    )
    deleted = connection.execute(f"DELETE FROM series WHERE {where}", values)  # noqa: S608
    return deleted.rowcount


def note_use(connection: sqlite3.Connection, used: Iterable[SeriesKey]) -> None:
    """Mark the series under the keys as used after all others, in this order."""
    latest = connection.execute("SELECT max(used_at) FROM series").fetchone()[0] or 0
    connection.executemany(
        f"UPDATE series SET used_at = ? WHERE {WHOSE}",  # noqa: S608
        ((latest + turn, *key) for turn, key in enumerate(used, 1)),
    )


def add_counts(connection: sqlite3.Connection, counts: Mapping[str, int]) -> None:
    """Add to the counters."""
    connection.executemany(
        "INSERT INTO counters (name, value) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
        [(name, count) for name, count in counts.items() if count],
    )


def pragma(connection: sqlite3.Connection, name: str) -> int:
    """Return a number that SQLite tells."""
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def free_bytes(connection: sqlite3.Connection) -> int:
    """Return the bytes of the pages that hold nothing."""
    return pragma(connection, "freelist_count") * pragma(connection, "page_size")


def shrink(connection: sqlite3.Connection) -> None:
    """Give pages that hold nothing back to the disk."""
    # not `execute`, which takes a single step of it: one page
    connection.executescript("PRAGMA incremental_vacuum")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do all that is inside, or nothing; waits for other writers."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
