"""Which of the screener's errors lead to which exit code."""

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
from monitor.cli import exit_codes
from monitor.cli.exit_codes import CannotWrite, CodeTable, ExitCode, UsageError
from monitor.exceptions import ExchangeError, local_time
from monitor.market_data.history_errors import HistoryError


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

_CODES: CodeTable = (
    (
        (
            InvalidSettings,
            UnknownSymbols,
            UnreadableRecording,
            UnreadableReport,
            IncomparableScans,
        ),
        ExitCode.USAGE,
    ),
    ((AlreadyRunning,), ExitCode.TRY_LATER),
    ((AllRequestsFailed, EngineUnavailable), ExitCode.UNAVAILABLE),
    *exit_codes.CODES,
)


def exit_code(error: Exception) -> ExitCode:
    """Return the exit code of ``error``; `ExitCode.INTERNAL` for unknown ones."""
    return exit_codes.exit_code(error, _CODES)


def message(error: Exception) -> str:
    """Return what to tell the user about one of `KNOWN_ERRORS`."""
    if isinstance(error, AllRequestsFailed):
        return f"exchange unavailable: {error}"
    return exit_codes.message(error)
