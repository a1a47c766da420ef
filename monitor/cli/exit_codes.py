"""Exit codes of the commands, and which of the exchange's errors lead to which."""

from collections.abc import Sequence
from enum import IntEnum

from monitor.exceptions import (
    DailyBudgetSpent,
    ExchangeError,
    ExchangeTimeout,
    ExchangeUnavailable,
    IpBanned,
    LedgerUnavailable,
    RateLimited,
    RequestCancelled,
    WaitTooLong,
)
from monitor.market_data.history_errors import (
    ArchiveRefused,
    ArchiveUnavailable,
    DownloadCancelled,
    HistoryBusy,
    HistoryError,
    HistoryNotWritable,
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
    """The exchange, or the cluster asked for, cannot be used."""
    CANNOT_WRITE = 74
    """The report, or the ledger of requests, cannot be written; an older report is
    untouched."""
    TRY_LATER = 75
    """Banned, the request budget is used up, or another scan makes this report."""
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


SPOT_PREFIX = "/api/"
"""Paths of the spot market begin so, those of futures with ``/fapi/``."""

CodeTable = Sequence[tuple[tuple[type[Exception], ...], ExitCode]]
"""Errors and their codes; the first row that fits counts."""

CODES: CodeTable = (
    ((CannotWrite, LedgerUnavailable, HistoryNotWritable), ExitCode.CANNOT_WRITE),
    (
        (IpBanned, WaitTooLong, RateLimited, DailyBudgetSpent, HistoryBusy),
        ExitCode.TRY_LATER,
    ),
    ((RequestCancelled, DownloadCancelled), ExitCode.INTERRUPTED),
    ((ArchiveUnavailable, ArchiveRefused), ExitCode.UNAVAILABLE),
    ((UsageError, HistoryError), ExitCode.USAGE),
    # whatever else the gateway says about whole-market answers ends the work
    ((ExchangeError,), ExitCode.UNAVAILABLE),
)


def exit_code(error: Exception, table: CodeTable = CODES) -> ExitCode:
    """Return the exit code of ``error``; `ExitCode.INTERNAL` for unknown ones."""
    for types, code in table:
        if isinstance(error, types):
            return code
    return ExitCode.INTERNAL


def message(error: Exception, *, instead: str = "--demo needs none") -> str:
    """Return what to tell the user about an error that `CODES` knows.

    Parameters
    ----------
    error : Exception
    instead : str
        How the command does without the exchange, where that cannot be reached.
    """
    if isinstance(error, ArchiveUnavailable | ArchiveRefused):
        return (
            f"archive unavailable: {error} (BINANCE_ARCHIVE_URL names a mirror, "
            "download_history --import takes recorded files instead)"
        )
    known = isinstance(error, ExchangeError)
    if not known or exit_code(error) is not ExitCode.UNAVAILABLE:
        return str(error)
    hint = ""
    if (
        isinstance(error, ExchangeUnavailable | ExchangeTimeout)
        and "simulated exchange" not in error.path
    ):
        is_spot = error.path.startswith(SPOT_PREFIX)
        variable = "BINANCE_SPOT_URL" if is_spot else "BINANCE_FAPI_URL"
        hint = f" ({variable} names another server, {instead})"
    return f"exchange unavailable: {error}{hint}"
