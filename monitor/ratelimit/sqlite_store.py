"""Ledgers in one SQLite file, shared by the processes of a machine."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

from monitor.exceptions import LedgerUnavailable
from monitor.ratelimit.stores import Answer, Step

BUSY_S = 10.0
"""How long another process may hold the file; a call takes it for microseconds."""
_SCHEMA_VERSION = 1
_RETRY_S = 0.01
_CREATE = """
CREATE TABLE IF NOT EXISTS ledger (
    address TEXT PRIMARY KEY, state BLOB NOT NULL, used_at REAL NOT NULL
) STRICT, WITHOUT ROWID
"""
_READ = "SELECT state FROM ledger WHERE address = ?"
_WRITE = (
    "INSERT INTO ledger VALUES (?, ?, ?) ON CONFLICT (address) DO UPDATE "
    "SET state = excluded.state, used_at = excluded.used_at"
)
_TAKEN = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_PROBLEMS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_NOTADB: "it is not a ledger; remove it to start a new one",
    sqlite3.SQLITE_CORRUPT: "it is damaged; remove it to start a new one",
    sqlite3.SQLITE_IOERR: "it cannot be read or written",
}
_PRIMARY = 0xFF
"""Extended result codes carry the primary one in the lowest byte."""


class SqliteStore:
    """Bytes by address in a file in WAL mode. Thread-safe, not across forks.

    Ordinary writes survive a crash of the process; durable ones a loss of power.

    Parameters
    ----------
    path : Path
        Made with its folder on the first write.
    busy_s : float, optional
        A wait for another process that takes longer is an error.
    is_read_only : bool, optional
        Writes are refused, and nothing is made.
    """

    def __init__(
        self, path: Path, *, busy_s: float = BUSY_S, is_read_only: bool = False
    ) -> None:
        self.path = path
        self.where = str(path)
        self._busy_s = busy_s
        self._is_read_only = is_read_only
        self._connection: sqlite3.Connection | None = None
        self._lock = RLock()

    def read(self, address: str) -> bytes | None:
        """Return what is kept."""
        with self._lock, self._explained():
            row = self._opened().execute(_READ, (address,)).fetchone()
        return None if row is None else bytes(row[0])

    def update(
        self, address: str, step: Step[Answer], *, is_durable: bool = False
    ) -> Answer:
        """Apply ``step`` in a transaction that begins with the write lock."""
        with self._lock, self._explained():
            database = self._opened()
            if is_durable:
                database.execute("PRAGMA synchronous = FULL")
            try:
                return self._transaction(database, address, step)
            finally:
                if is_durable:
                    database.execute("PRAGMA synchronous = NORMAL")

    def rows(self) -> dict[str, bytes]:
        """Return everything that is kept."""
        with self._lock, self._explained():
            found = self._opened().execute("SELECT address, state FROM ledger")
            return {str(address): bytes(state) for address, state in found}

    def prune(self, unused_s: float, is_dispensable: Callable[[bytes], bool]) -> None:
        """Forget what was not written for ``unused_s``, if it is dispensable."""
        with self._lock, self._explained():
            database = self._opened()
            before = time.time() - unused_s
            old = database.execute(
                "SELECT address, state FROM ledger WHERE used_at < ?", (before,)
            ).fetchall()
            for address, state in old:
                if is_dispensable(bytes(state)):
                    database.execute(
                        "DELETE FROM ledger WHERE address = ? AND used_at < ?",
                        (address, before),
                    )

    def forget(self, address: str) -> bool:
        """Forget one address; whether there was something."""
        with self._lock, self._explained():
            done = self._opened().execute(
                "DELETE FROM ledger WHERE address = ?", (address,)
            )
            return done.rowcount > 0

    def close(self) -> None:
        """Close the file; a later use opens it anew."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _transaction(
        self, database: sqlite3.Connection, address: str, step: Step[Answer]
    ) -> Answer:
        database.execute("BEGIN IMMEDIATE")
        try:
            row = database.execute(_READ, (address,)).fetchone()
            kept = None if row is None else bytes(row[0])
            fresh, answer = step(kept)
            if fresh != kept:
                database.execute(_WRITE, (address, fresh, time.time()))
                database.execute("COMMIT")
            return answer
        finally:
            if database.in_transaction:
                database.execute("ROLLBACK")

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            deadline_s = time.monotonic() + self._busy_s
            while True:
                try:
                    self._connection = self._open()
                    break
                except sqlite3.OperationalError as problem:
                    # turning a new file to WAL does not wait for others by itself
                    if _code(problem) not in _TAKEN or time.monotonic() > deadline_s:
                        raise
                    time.sleep(_RETRY_S)
        return self._connection

    def _open(self) -> sqlite3.Connection:
        if not self._is_read_only:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        mode = "rw" if self._is_read_only else "rwc"
        database = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=self._busy_s,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._prepare(database)
        except BaseException:
            database.close()
            raise
        return database

    def _prepare(self, database: sqlite3.Connection) -> None:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _SCHEMA_VERSION):
            raise LedgerUnavailable(
                self.where, "another version of this program made it"
            )
        if self._is_read_only:
            if version == 0:  # made this instant, or emptied: nothing is counted yet
                database.execute(_CREATE.replace("TABLE", "TEMP TABLE", 1))
            database.execute("PRAGMA query_only = ON")
            return
        database.execute("PRAGMA synchronous = NORMAL")
        if version == 0:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("BEGIN IMMEDIATE")
            database.execute(_CREATE)
            database.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
            database.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as problem:
            raise LedgerUnavailable(self.where, self._problem(problem)) from None
        except OSError as problem:  # of the folder
            detail = problem.strerror or str(problem)
            raise LedgerUnavailable(self.where, detail) from None

    def _problem(self, problem: sqlite3.Error) -> str:
        code = _code(problem)
        if code in _TAKEN:
            return f"another process has held it for more than {self._busy_s:g} s"
        return _PROBLEMS.get(code, str(problem))


def _code(problem: sqlite3.Error) -> int:
    # errors of the module itself, such as a value of a wrong type, have none
    return getattr(problem, "sqlite_errorcode", 0) & _PRIMARY
