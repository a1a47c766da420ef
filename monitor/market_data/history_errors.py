"""Errors of the recorded history. Pure.

::

    HistoryError
    └── HistoryUnreadable      a folder or file of history that cannot be read
"""


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
