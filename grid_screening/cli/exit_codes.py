"""Exit codes of the commands, and which error leads to which."""

from enum import IntEnum

from grid_screening.exceptions import (
    AllRequestsFailed,
    EngineUnavailable,
    IncomparableScans,
    InvalidSettings,
    ScreeningError,
    UnknownSymbols,
    UnreadableRecording,
    UnreadableReport,
)
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
    local_time,
)
from monitor.market_data.history_errors import HistoryError


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


class AlreadyRunning(Exception):  # noqa: N818 -- named like the gateway's errors
    """Another process is making this report; ``pid`` None: it has only just begun."""

    def __init__(self, target: str, pid: int | None, since_ms: int | None) -> None:
        self.target = target
        self.pid = pid
        self.since_ms = since_ms
        super().__init__(target, pid, since_ms)

    def __str__(self) -> str:
        since = "" if self.since_ms is None else f", since {local_time(self.since_ms)}"
        who = "" if self.pid is None else f" (pid {self.pid}{since})"
        return f"a scan for {self.target} is already running{who}; try later"


KNOWN_ERRORS = (
    UsageError,
    CannotWrite,
    AlreadyRunning,
    ScreeningError,
    HistoryError,
    ExchangeError,
)
"""Errors with a message for people; everything else is a bug."""

_CODES: tuple[tuple[tuple[type[Exception], ...], ExitCode], ...] = (
    (
        (
            UsageError,
            InvalidSettings,
            UnknownSymbols,
            UnreadableRecording,
            UnreadableReport,
            IncomparableScans,
            HistoryError,
        ),
        ExitCode.USAGE,
    ),
    ((CannotWrite, LedgerUnavailable), ExitCode.CANNOT_WRITE),
    (
        (IpBanned, WaitTooLong, RateLimited, DailyBudgetSpent, AlreadyRunning),
        ExitCode.TRY_LATER,
    ),
    ((RequestCancelled,), ExitCode.INTERRUPTED),
    # whatever else the gateway says about whole-market answers ends the scan
    ((AllRequestsFailed, EngineUnavailable, ExchangeError), ExitCode.UNAVAILABLE),
)


def exit_code(error: Exception) -> ExitCode:
    """Return the exit code of ``error``; `ExitCode.INTERNAL` for unknown ones."""
    for types, code in _CODES:
        if isinstance(error, types):
            return code
    return ExitCode.INTERNAL


def message(error: Exception) -> str:
    """Return what to tell the user about one of `KNOWN_ERRORS`."""
    is_engine = isinstance(error, EngineUnavailable)
    if exit_code(error) is ExitCode.UNAVAILABLE and not is_engine:
        hint = " (BINANCE_FAPI_URL names another server, --demo needs none)"
        lost = isinstance(error, ExchangeUnavailable | ExchangeTimeout)
        lost = lost and "simulated exchange" not in str(error)
        return f"exchange unavailable: {error}{hint if lost else ''}"
    return str(error)
