"""One scan per report at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from grid_screening.cli.exit_codes import AlreadyRunning
from monitor.cli.exit_codes import CannotWrite


@contextmanager
def report_lock(target: Path, *, now_ms: int) -> Iterator[None]:
    """Hold the lock of a report for as long as the context lasts.

    The lock is the kernel's: it ends with the process, however that ends. The file
    beside the report says who holds it, and goes with the lock.

    Parameters
    ----------
    target : Path
        File or folder of the report; its folder exists.
    now_ms : int
        This machine's clock, ms UTC: what others are told.

    Raises
    ------
    AlreadyRunning
        Another process holds it.
    CannotWrite
        The folder cannot be written.
    """
    import orjson

    path = lock_path(target)
    try:
        descriptor = _locked(path)
    except BlockingIOError:
        raise AlreadyRunning(str(target), *_owner(path)) from None
    except OSError as error:
        raise CannotWrite(str(path), error) from error
    try:
        owner = {"pid": os.getpid(), "since_ms": now_ms, "report": str(target)}
        owner["since"] = f"{datetime.fromtimestamp(now_ms / 1000, UTC):%FT%TZ}"
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, orjson.dumps(owner) + b"\n", 0)
        yield
    finally:
        # still locked: nobody can have taken the name over; where the folder has
        # become read-only the file stays, and is no lock
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)


def lock_path(target: Path) -> Path:
    """Return the lock file of a report, a hidden one in the same folder.

    All spellings of one report (links, ``..``) have the same.
    """
    final = target.resolve()
    # the report's own name may already be as long as is allowed
    mark = sha256(os.fsencode(final.name)).hexdigest()[:16]
    folder = final if final.is_dir() else final.parent
    return folder / f".scan-{mark}.lock"


def _locked(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same_file(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        # whoever held it has just removed the file: a lock that nobody else sees
        os.close(descriptor)


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(descriptor))


def _owner(path: Path) -> tuple[int | None, int | None]:
    import orjson

    try:
        owner = orjson.loads(path.read_bytes())
        return int(owner["pid"]), int(owner["since_ms"])
    except (OSError, ValueError, KeyError, TypeError):
        return None, None  # it is being written, or gone by now
