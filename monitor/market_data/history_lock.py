"""One writer per store at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from monitor.market_data.history_errors import HistoryBusy, HistoryNotWritable

LOCK_NAME = ".writer.lock"


@contextmanager
def writer_lock(root: Path, *, now_ms: int) -> Iterator[None]:
    """Hold the store for as long as the context lasts; its folder is made.

    The lock is the kernel's: it ends with the process, however that ends. The file
    stays, and is no lock by itself.

    Parameters
    ----------
    root : Path
        Folder of the store.
    now_ms : int
        This machine's clock, ms UTC: what others are told.

    Raises
    ------
    HistoryBusy
        Another process holds it.
    HistoryNotWritable
        The folder cannot be made or written.
    """
    path = root / LOCK_NAME
    try:
        root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise HistoryNotWritable(str(root), error.strerror or str(error)) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HistoryBusy(str(root), *_owner(path)) from None
        except OSError as error:
            raise HistoryNotWritable(str(path), str(error.strerror)) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, orjson.dumps({"pid": os.getpid(), "since": now_ms}), 0)
        yield
    finally:
        os.close(descriptor)


def _owner(path: Path) -> tuple[int | None, int | None]:
    try:
        owner = orjson.loads(path.read_bytes())
        return int(owner["pid"]), int(owner["since"])
    except (OSError, ValueError, KeyError, TypeError):
        return None, None  # it is being written
