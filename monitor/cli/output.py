"""Where a report goes: a file replaced atomically, or standard output."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from monitor.cli.exit_codes import CannotWrite

STANDARD_OUTPUT = "-"

ABANDONED_AFTER_S = 3600
"""A temporary file lives for milliseconds; one this old is a killed process's."""

_TEMPORARY = ".report-{}.tmp"
_NEW_FILE_MODE = 0o666
# the umask decides, as for any file a program creates


def check_target(path: Path) -> None:
    """Find out before a scan whether its report could be written.

    Raises
    ------
    CannotWrite
        No such folder, a folder of that name, or no permission.
    """
    try:
        if is_special(path):
            return
        if path.is_dir():
            raise IsADirectoryError(0, "is a folder")
        folder = _final(path).parent
        folder.stat()
        if not folder.is_dir():
            raise NotADirectoryError(0, f"{folder} is not a folder")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(0, f"no permission to write in {folder}")
    except OSError as error:
        raise CannotWrite(str(path), error) from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` so that ``path`` holds the old or the new file, never a part.

    A temporary file in the same folder is written, flushed to the disk and renamed.
    A symbolic link stays one; its target is replaced. An existing file's permissions
    are kept. Devices and pipes are written directly.

    Raises
    ------
    CannotWrite
        The old file is untouched and the temporary one removed.
    """
    try:
        if is_special(path):
            with path.open("wb") as device:
                device.write(content)
        else:
            _replace(_final(path), content)
    except OSError as error:
        raise CannotWrite(str(path), error) from error


def remove_abandoned(folder: Path, *, now_s: float) -> None:
    """Remove temporary files that a killed process has left in ``folder``.

    What cannot be removed, since it is somebody else's, stays.
    """
    for path in folder.glob(_TEMPORARY.format("*")):
        with suppress(OSError):
            if path.stat().st_mtime < now_s - ABANDONED_AFTER_S:
                path.unlink()


def _replace(path: Path, content: bytes) -> None:
    # a short name of its own: the report's may already be as long as is allowed
    temporary = path.with_name(_TEMPORARY.format(token_hex(8)))
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    descriptor = os.open(temporary, flags, _NEW_FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if path.exists():
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # some network file systems refuse; the file itself is safe
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_special(path: Path) -> bool:
    """Return whether ``path`` is a device or a pipe."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _final(path: Path) -> Path:
    return path.resolve() if path.is_symlink() else path
