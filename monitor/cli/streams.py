"""Standard streams that may be closed, full, or in another encoding."""

import errno
import io
import os
import sys
from typing import TextIO

_STANDARD = 3
"""File descriptors of the standard streams: below this number."""


class ClosedStream(io.TextIOBase):
    """A standard stream that was closed when the process began: it takes nothing."""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # io leaves it writable
        """Of text that nobody will read."""
        return "utf-8"

    def write(self, _text: str, /) -> int:
        """Refuse any text.

        Raises
        ------
        OSError
        """
        raise OSError(errno.EBADF, "it is closed")


def open_missing() -> None:
    """Give a process whose caller closed standard streams something in their place.

    Standard output then refuses what is written, for it was meant to arrive; standard
    error goes nowhere. The numbers of closed streams are taken up, so that no file
    opened later gets one and with it what a library prints there.
    """
    while (taken := os.open(os.devnull, os.O_RDWR)) < _STANDARD:
        pass
    os.close(taken)
    if sys.stdout is None:
        sys.stdout = ClosedStream()
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 -- never closed


def is_closed(stream: object) -> bool:
    """Return whether a standard stream was closed when the process began."""
    return stream is None or isinstance(stream, ClosedStream)


def prepare(stream: object, *, exact: bool) -> None:
    """Make ``stream`` able to take any text.

    Parameters
    ----------
    stream : object
        Standard output, or a substitute, which is left as it is.
    exact : bool
        True for formats that programs read: always UTF-8, line ends untouched.
        False for people: the terminal's encoding, with ``?`` for what it lacks.
    """
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is None:
        return
    if exact:
        reconfigure(encoding="utf-8", errors="strict", newline="")
    else:
        reconfigure(errors="replace")


def discard(stream: TextIO) -> None:
    """Point ``stream`` to nowhere, so that closing it later cannot fail.

    For a pipe whose reader has gone, or a full device: what is still buffered would
    otherwise raise at interpreter shutdown.
    """
    if is_closed(stream):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)


def finish() -> None:
    """Flush the standard streams; those that cannot be are discarded."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            discard(stream)
