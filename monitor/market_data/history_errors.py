"""Errors of the recorded history. Pure.

::

    HistoryError
    ├── HistoryUnreadable      a folder or file of history that cannot be read
    ├── HistoryNotWritable     the store cannot be written
    ├── HistoryBusy            another process writes to the store
    ├── ArchiveUnavailable     the public archive cannot be reached, or says so itself
    ├── ArchiveRefused         the archive answers something else than files
    └── DownloadCancelled      the download was asked to end
"""

from monitor.exceptions import local_time


class HistoryError(Exception):
    """Root of the errors about recorded history."""


class HistoryUnreadable(HistoryError):  # noqa: N818  named for what it is
    """A folder or file that cannot be read as history."""

    def __init__(self, where: str, problem: str) -> None:
        self.where = where
        self.problem = problem
        super().__init__(where, problem)

    def __str__(self) -> str:
        return f"history {self.where}: {self.problem}"


class HistoryNotWritable(HistoryError):  # noqa: N818  named for what it is
    """The store cannot be written; what was in it is untouched."""

    def __init__(self, where: str, problem: str) -> None:
        self.where = where
        self.problem = problem
        super().__init__(where, problem)

    def __str__(self) -> str:
        return f"cannot write {self.where}: {self.problem}"


class HistoryBusy(HistoryError):  # noqa: N818  named for what it is
    """Another process writes to the store; ``pid`` None: it has only just begun."""

    def __init__(self, where: str, pid: int | None, since_ms: int | None) -> None:
        self.where = where
        self.pid = pid
        self.since_ms = since_ms
        super().__init__(where, pid, since_ms)

    def __str__(self) -> str:
        since = "" if self.since_ms is None else f", since {local_time(self.since_ms)}"
        who = "" if self.pid is None else f" (pid {self.pid}{since})"
        return f"another download writes to {self.where}{who}; try later"


class ArchiveUnavailable(HistoryError):  # noqa: N818  named for what it is
    """No answer, or one that says that there is none now (429, 5xx).

    ``status`` is None when no HTTP answer arrived.
    """

    def __init__(self, problem: str, *, status: int | None = None) -> None:
        self.problem = problem
        self.status = status
        super().__init__(problem, status)

    def __str__(self) -> str:
        http = "" if self.status is None else f"HTTP {self.status}: "
        return f"{http}{self.problem}"


class ArchiveRefused(HistoryError):  # noqa: N818  named for what it is
    """An answer that another try would give again (403, a page of a proxy)."""

    def __init__(self, problem: str, *, status: int | None = None) -> None:
        self.problem = problem
        self.status = status
        super().__init__(problem, status)

    def __str__(self) -> str:
        http = "" if self.status is None else f"HTTP {self.status}: "
        return f"{http}{self.problem}"


class DownloadCancelled(HistoryError):  # noqa: N818  named for what it is
    """The download was asked to end; what is stored stays."""

    def __str__(self) -> str:
        return "cancelled"
