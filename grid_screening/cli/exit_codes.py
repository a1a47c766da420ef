"""Exit codes of the commands, and which error leads to which."""

from enum import IntEnum

from grid_screening.exceptions import (
    AllRequestsFailed,
    InvalidSettings,
    ScreeningError,
    UnknownSymbols,
)
from monitor.exceptions import (
    ExchangeError,
    IpBanned,
    RateLimited,
    RequestCancelled,
    WaitTooLong,
)


class ExitCode(IntEnum):
    """What a command tells its caller; values follow ``sysexits.h``."""

    OK = 0
    """Also when nothing qualified."""
    INTERNAL = 1
    """A bug."""
    USAGE = 2
    """An argument or setting is wrong."""
    DEGRADED = 3
    """The report is written, but too many symbols lacked data."""
    EMPTY = 4
    """Nothing qualified, and ``--fail-empty`` was given."""
    UNAVAILABLE = 69
    """The exchange cannot be used."""
    CANNOT_WRITE = 74
    """The report could not be written; an older one is untouched."""
    TRY_LATER = 75
    """Banned, or the request budget is used up."""
    INTERRUPTED = 130
    """Ctrl-C."""
    TERMINATED = 143
    """SIGTERM."""


class UsageError(Exception):
    """What was asked for is not possible; the message says what is legal."""


class CannotWrite(Exception):  # noqa: N818 -- named like the gateway's errors
    """A report that could not be written."""

    def __init__(self, target: str, cause: OSError) -> None:
        self.target = target
        self.cause = cause
        super().__init__(target, cause)

    def __str__(self) -> str:
        return f"cannot write {self.target}: {self.cause.strerror or self.cause}"


KNOWN_ERRORS = (UsageError, CannotWrite, ScreeningError, ExchangeError)
"""Errors with a message for people; everything else is a bug."""

_CODES: tuple[tuple[tuple[type[Exception], ...], ExitCode], ...] = (
    ((UsageError, InvalidSettings, UnknownSymbols), ExitCode.USAGE),
    ((CannotWrite,), ExitCode.CANNOT_WRITE),
    ((IpBanned, WaitTooLong, RateLimited), ExitCode.TRY_LATER),
    ((RequestCancelled,), ExitCode.INTERRUPTED),
    # whatever else the gateway says about whole-market answers ends the scan
    ((AllRequestsFailed, ExchangeError), ExitCode.UNAVAILABLE),
)


def exit_code(error: Exception) -> ExitCode:
    """Return the exit code of ``error``; `ExitCode.INTERNAL` for unknown ones."""
    for types, code in _CODES:
        if isinstance(error, types):
            return code
    return ExitCode.INTERNAL


def message(error: Exception) -> str:
    """Return what to tell the user about one of `KNOWN_ERRORS`."""
    if exit_code(error) is ExitCode.UNAVAILABLE:
        return f"exchange unavailable: {error}"
    return str(error)
