"""What the flags of all commands share."""

from argparse import ArgumentParser, ArgumentTypeError, _ArgumentGroup
from collections.abc import Callable
from typing import Any

from monitor.cli.logs import FORMS

Reader = Callable[[Any], Any]
"""Text → value; ``ValueError`` says what is legal."""


def argument_type(read: Reader) -> Reader:
    """Return ``read`` as a flag's type: its ``ValueError`` is the complaint."""

    def argument(text: Any) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from None

    return argument


def add_history(group: ArgumentParser | _ArgumentGroup, read: Reader) -> None:
    """Add ``--history``, which `screener_settings.history_folder` makes a folder of."""
    group.add_argument(
        "--history",
        metavar="DIR",
        type=argument_type(read),
        help="folder made by download_history, or of recorded Parquet files (default: "
        "where download_history puts it)",
    )


def add_remarks(group: ArgumentParser | _ArgumentGroup) -> None:
    """Add ``--quiet`` and ``--log``: what is said beside the report."""
    group.add_argument(
        "--quiet",
        action="store_true",
        help="no progress and no remarks on standard error; errors stay",
    )
    group.add_argument(
        "--log",
        choices=FORMS,
        help="log lines on standard error: key=value, or one JSON object each",
    )
