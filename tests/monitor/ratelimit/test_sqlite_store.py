"""Ledgers in a SQLite file: shared, cheap to read, refusing when it must."""

import resource
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from monitor.exceptions import LedgerUnavailable
from monitor.ratelimit import sqlite_store
from monitor.ratelimit.sqlite_store import SqliteStore
from tests.recorded import ROOT

A, B = "a:443", "b:443"


def put(
    store: SqliteStore, address: str, blob: bytes, *, durable: bool = False
) -> None:
    store.update(address, lambda _: (blob, None), is_durable=durable)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "ledger.sqlite3"


def test_nothing_is_made_before_the_first_use(path: Path) -> None:
    store = SqliteStore(path)
    assert store.where == str(path)
    assert not path.parent.exists()


def test_what_one_writes_the_other_reads(path: Path) -> None:
    one, other = SqliteStore(path), SqliteStore(path)
    assert one.read(A) is None
    put(one, A, b"1")
    put(other, B, b"2")
    assert other.read(A) == b"1"
    assert one.rows() == {A: b"1", B: b"2"}
    assert one.forget(A)
    assert not other.forget(A)
    one.close()
    other.close()
    other.close()
    assert other.read(B) == b"2", "a later use opens it anew"
    other.close()


def test_a_step_sees_what_is_kept_and_its_answer_is_returned(path: Path) -> None:
    store = SqliteStore(path)
    for number in range(3):
        answer = store.update(A, lambda kept: ((kept or b"") + b"x", kept))
        assert answer == (b"x" * number or None)
    store.close()


def test_a_step_that_fails_changes_nothing_and_leaves_no_lock(path: Path) -> None:
    store, other = SqliteStore(path), SqliteStore(path, busy_s=0.01)
    put(store, A, b"1")

    def fail(_: bytes | None) -> tuple[bytes, None]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.update(A, fail)
    put(other, B, b"2")
    assert store.rows() == {A: b"1", B: b"2"}
    store.close()
    other.close()


def version(database: sqlite3.Connection) -> int:
    found: int = database.execute("PRAGMA data_version").fetchone()[0]
    return found


def test_unchanged_bytes_are_not_written(path: Path) -> None:
    store = SqliteStore(path)
    put(store, A, b"1")
    watcher = sqlite3.connect(path)
    before = version(watcher)
    put(store, A, b"1")
    store.read(A)
    assert version(watcher) == before
    put(store, A, b"2")
    assert version(watcher) != before
    watcher.close()
    store.close()


def test_only_durable_writes_wait_for_the_disk(path: Path) -> None:
    store = SqliteStore(path)
    put(store, A, b"0")
    seen: list[str] = []
    connection = store._connection
    assert connection is not None
    connection.set_trace_callback(seen.append)

    def modes(*, durable: bool) -> list[str]:
        seen.clear()
        put(store, A, str(time.monotonic_ns()).encode(), durable=durable)
        return [s for s in seen if "synchronous" in s or s == "COMMIT"]

    assert modes(durable=False) == ["COMMIT"]
    assert modes(durable=True) == [
        "PRAGMA synchronous = FULL",
        "COMMIT",
        "PRAGMA synchronous = NORMAL",
    ]
    assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()


def test_a_file_held_too_long_is_an_error(path: Path) -> None:
    store = SqliteStore(path, busy_s=0.05)
    put(store, A, b"1")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerUnavailable) as caught:
        put(store, A, b"2")
    assert caught.value.problem == "another process has held it for more than 0.05 s"
    assert store.read(A) == b"1", "readers are not held up"
    holder.execute("ROLLBACK")
    put(store, A, b"2")
    holder.close()
    store.close()


def test_a_new_file_held_too_long_is_an_error(path: Path) -> None:
    path.parent.mkdir()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    holder.execute("CREATE TABLE other (x)")
    with pytest.raises(LedgerUnavailable, match="another process has held it"):
        SqliteStore(path, busy_s=0.05).read(A)
    holder.close()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"this is not a database, but it is long enough to be one " * 20, "not a led"),
        (b"SQLite format 3\0" + bytes(4096), "it is"),
    ],
)
def test_a_file_that_is_no_ledger_is_an_error(
    path: Path, content: bytes, problem: str
) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(LedgerUnavailable) as caught:
        SqliteStore(path).read(A)
    assert problem in caught.value.problem
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content, "what is not ours is left alone"


def test_a_damaged_file_is_an_error(path: Path) -> None:
    store = SqliteStore(path)
    for number in range(200):
        put(store, f"{number}:443", bytes(4000))
    store.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    damaged = SqliteStore(path)
    with pytest.raises(LedgerUnavailable, match="it is damaged; remove it"):
        damaged.read(A)
    damaged.close()


def test_a_ledger_of_a_newer_version_is_an_error(path: Path) -> None:
    path.parent.mkdir()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 2")
    database.close()
    with pytest.raises(LedgerUnavailable, match="another version of this program"):
        SqliteStore(path).read(A)


def test_a_folder_that_cannot_be_made_is_an_error() -> None:
    with pytest.raises(LedgerUnavailable) as caught:
        put(SqliteStore(Path("/proc/ledgers/ledger.sqlite3")), A, b"1")
    assert str(caught.value) == (
        "request ledger /proc/ledgers/ledger.sqlite3: No such file or directory; "
        "nothing is sent without it (RATE_LEDGER_URL=memory:// goes without sharing)"
    )


def test_a_file_that_cannot_be_made_is_an_error() -> None:
    with pytest.raises(LedgerUnavailable, match="it cannot be opened"):
        put(SqliteStore(Path("/proc/ledger.sqlite3")), A, b"1")


def test_a_disk_without_room_is_an_error(path: Path) -> None:
    store = SqliteStore(path)
    put(store, A, b"1")
    connection = store._connection
    assert connection is not None
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerUnavailable, match="the disk is full"):
        put(store, A, bytes(50_000))
    assert store.read(A) == b"1"
    store.close()


WRITER = """
import sys
from pathlib import Path
from monitor.exceptions import LedgerUnavailable
from monitor.ratelimit.sqlite_store import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
try:
    for number in range(100_000):
        store.update("a", lambda kept: (bytes(3000) + str(number).encode(), None))
except LedgerUnavailable as error:
    print(error.problem)
"""


def test_a_file_that_may_not_grow_is_an_error(path: Path) -> None:
    def no_large_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        preexec_fn=no_large_files,
    )
    assert done.stdout.strip() in {"it cannot be read or written", "the disk is full"}


def test_rows_unused_for_long_are_forgotten_if_they_are_dispensable(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore(path)
    now_s = time.time()
    for address, blob, age_s in (
        ("old:1", b"free", 100),
        ("old:2", b"blocked", 100),
        ("new:1", b"free", 98),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(sqlite_store.time, "time", lambda age_s=age_s: now_s - age_s)
            put(store, address, blob)
    store.prune(99, lambda blob: blob == b"free")
    assert set(store.rows()) == {"old:2", "new:1"}
    store.close()


def test_a_read_only_store_makes_and_changes_nothing(path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="it cannot be opened"):
        SqliteStore(path, is_read_only=True).rows()
    assert not path.parent.exists()
    writer = SqliteStore(path)
    put(writer, A, b"1")
    reader = SqliteStore(path, is_read_only=True)
    assert reader.rows() == {A: b"1"}
    with pytest.raises(LedgerUnavailable, match="it is read-only"):
        put(reader, A, b"2")
    put(writer, A, b"3")
    assert reader.read(A) == b"3"
    writer.close()
    reader.close()


def test_many_may_make_the_file_at_once(path: Path) -> None:
    barrier = threading.Barrier(8)
    failures: list[Exception] = []

    def begin(number: int) -> None:
        store = SqliteStore(path)
        barrier.wait()
        try:
            for _ in range(20):
                put(store, f"{number}:443", str(time.monotonic_ns()).encode())
        except LedgerUnavailable as failure:
            failures.append(failure)
        store.close()

    threads = [threading.Thread(target=begin, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    store = SqliteStore(path)
    assert len(store.rows()) == 8
    store.close()
