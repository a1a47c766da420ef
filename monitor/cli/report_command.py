"""Commands that make one report: signals, streams and exit codes are settled here."""

import errno
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, OutputWrapper

from monitor.cli import streams
from monitor.cli.exit_codes import CannotWrite, ExitCode
from monitor.cli.interruption import (
    Cancellation,
    Interrupted,
    leave_now,
    run_interruptible,
)
from monitor.cli.logs import silence_logging
from monitor.cli.one_line import OneLineCommand
from monitor.exceptions import RequestCancelled


class ReportCommand(OneLineCommand):
    """A command that ends as ``contracts/cli.md`` says, whatever happens.

    Its ``handle`` turns every error with a message into a `CommandError` that carries
    the exit code.
    """

    name: str
    """What its complaints begin with."""

    stopping = "stopping; nothing further is written"
    """What Ctrl-C and SIGTERM are answered with."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cancellation = Cancellation()

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as a process: signals, closed pipes and exit codes are settled here."""
        show_traceback = "--traceback" in argv
        self._open_missing_streams()
        silence_logging()
        code: int | str | None
        try:
            code = self._exit_code(argv, show_traceback=show_traceback)
        except Interrupted as interrupted:
            leave_now(128 + interrupted.signal_number)
        except SystemExit as leaving:  # --help, --version
            code = leaving.code
        streams.finish()
        sys.exit(code)

    def _exit_code(self, argv: list[str], *, show_traceback: bool) -> int:
        try:
            options = vars(self.create_parser(argv[0], argv[1]).parse_args(argv[2:]))
            run_interruptible(
                lambda: self.execute(**options),
                self.cancellation,
                stopping=lambda: self.stopping,
            )
        except CommandError as error:
            self.complain(str(error), error if show_traceback else None)
            # Django's own mistakes of use (--no-color with --force-color) say 1
            internal = error.returncode == ExitCode.INTERNAL
            return int(ExitCode.USAGE if internal else error.returncode)
        except Exception as error:  # noqa: BLE001 -- the outermost frame: one line
            hint = "" if show_traceback else "; run with --traceback"
            text = f"internal error: {type(error).__name__}: {error}{hint}"
            self.complain(text, error if show_traceback else None)
            return ExitCode.INTERNAL
        return ExitCode.OK

    def _open_missing_streams(self) -> None:
        missing_out, missing_err = sys.stdout is None, sys.stderr is None
        streams.open_missing()
        if missing_out:
            self.stdout = OutputWrapper(sys.stdout)
        if missing_err:
            self.stderr = OutputWrapper(sys.stderr)

    def check_standard_output(self) -> None:
        """Find out before the work whether standard output takes anything at all.

        Raises
        ------
        CannotWrite
            It was closed when the process began.
        """
        if streams.is_closed(sys.stdout):
            cause = OSError(errno.EBADF, "it is closed")
            raise CannotWrite("standard output", cause)

    def warn_of_history(self, folder: Path) -> None:
        """Say, even when asked to be quiet, that a store is not whole."""
        from monitor.market_data.history import store_warning

        warning = store_warning(folder)
        if warning is not None:
            self.complain(f"warning: history {folder}: {warning}")

    def check_interrupted(self) -> None:
        """End the work here when the command was asked to end.

        Raises
        ------
        RequestCancelled
        """
        if self.cancellation.cancelled:
            raise RequestCancelled

    def page(self, options: Mapping[str, Any]) -> tuple[int, bool]:
        """Return the width of standard output and whether it takes styles."""
        # rich knows COLUMNS, NO_COLOR, TERM and pipes
        from rich.console import Console

        console = Console(file=self.stdout)  # type: ignore[arg-type]  # a wrapped TextIO
        allowed = not (console.no_color or options["no_color"])
        wanted = console.is_terminal and console.color_system is not None
        return console.width, options["force_color"] or (wanted and allowed)

    def put_out(self, text: str) -> None:
        """Print ``text`` as it is.

        Raises
        ------
        CannotWrite
            Standard output takes no more; a pipe whose reader left is no error.
        """
        try:
            self.stdout.write(text, ending="")
            self.stdout.flush()
        except BrokenPipeError:
            # the reader has seen enough: `… | head` ends quietly
            streams.discard(sys.stdout)
        except OSError as error:
            streams.discard(sys.stdout)
            raise CannotWrite("standard output", error) from error

    def complain(self, text: str, error: BaseException | None = None) -> None:
        """Print one line on standard error, after the traceback of ``error``."""
        try:
            if error is not None:
                self.stderr.write("".join(traceback.format_exception(error)), str)
            # str: no style, whatever Django thinks of the terminal
            self.stderr.write(f"{self.name}: {' '.join(text.split())}", str)
            self.stderr.flush()
        except OSError:
            streams.discard(sys.stderr)
