"""Standard streams that may be closed, full, or in another encoding."""

import os
import sys
from typing import TextIO


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
