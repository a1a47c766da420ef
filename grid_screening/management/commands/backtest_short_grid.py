"""Run planned short grids over recorded prices."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from grid_screening.cli import backtest_arguments
from grid_screening.cli.effective_settings import effective_settings
from grid_screening.cli.exit_codes import KNOWN_ERRORS, exit_code, message
from monitor.cli import streams
from monitor.cli.exit_codes import ExitCode
from monitor.cli.logs import begin_logging
from monitor.cli.output import (
    STANDARD_OUTPUT,
    check_target,
    write_atomically,
)
from monitor.cli.report_command import ReportCommand
from monitor.cli.screener_settings import history_folder, screener_settings

if TYPE_CHECKING:
    from grid_screening.cli.backtest_job import FinishedBacktest

FILE_WIDTH = 240
"""Columns of a table that is written to a file: room for all of them."""

_NAMED = 3
# reasons told when no contract has a grid


class Command(ReportCommand):
    """``manage.py backtest_short_grid``."""

    help = (
        "Run short grids over recorded prices: fills, fees, funding, stop, "
        "liquidation. One backtest is one path, no forecast. Needs no network."
    )
    name = "backtest_short_grid"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the command's flags."""
        backtest_arguments.add_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        """Backtest once; every error with a message becomes a `CommandError`.

        Raises
        ------
        CommandError
            ``returncode`` as documented in ``contracts/backtest.md``.
        """
        if options["log"] is not None:
            begin_logging(options["log"])
        try:
            self._run(options)
        except KNOWN_ERRORS as error:
            raise CommandError(message(error), returncode=exit_code(error)) from error

    def _run(self, options: Mapping[str, Any]) -> None:
        form = backtest_arguments.report_format(options)
        settings = effective_settings(screener_settings(), options)
        if options["output"] == STANDARD_OUTPUT:
            self.check_standard_output()
        for target in (options["output"], options["plot"]):
            if target not in (None, STANDARD_OUTPUT):
                check_target(Path(target))
        folder = history_folder(options["history"])
        self.warn_of_history(folder)
        from grid_screening.cli.backtest_job import backtest_job, finished_backtest

        job = backtest_job({**options, "history": str(folder)}, settings)
        with self._progress(options) as on_progress:
            done = finished_backtest(job, on_progress)
        self.check_interrupted()
        if not done.backtest.runs:
            reasons = {
                f"{gone.symbol}: {gone.reason}" for gone in done.backtest.missing
            }
            raise CommandError(
                f"no grid to run; {'; '.join(sorted(reasons)[:_NAMED])}",
                returncode=ExitCode.EMPTY,
            )
        if options["plot"] is not None:
            self._plot(done, options)
        self._deliver(done, form, options)

    @contextmanager
    def _progress(self, options: Mapping[str, Any]) -> Iterator[Any]:
        from monitor.cli.progress_display import progress_display
        from monitor.domain.progress import Progress

        with progress_display(
            sys.stderr,
            enabled=self.stderr.isatty() and not options["quiet"],
            on_start=self.cancellation.add_display,
        ) as show:

            def on_progress(stage: str, done: int, total: int) -> None:
                self.check_interrupted()
                show(Progress(stage=stage, done=done, total=total))

            yield on_progress

    def _plot(self, done: "FinishedBacktest", options: Mapping[str, Any]) -> None:
        from grid_screening.reports.backtest import picture

        target = Path(options["plot"])
        pictures = done.pictures(picture.MOST_DRAWN)
        is_svg = target.suffix.lower() == ".svg"
        content = picture.svg(pictures) if is_svg else picture.png(pictures)
        self.check_interrupted()
        write_atomically(target, content)
        if not options["quiet"]:
            more = len(done.backtest.runs) - len(pictures)
            left = f" (the first {len(pictures)} of {len(pictures) + more} runs)"
            self.complain(f"wrote {target}{left if more else ''}")

    def _deliver(
        self, done: "FinishedBacktest", form: str, options: Mapping[str, Any]
    ) -> None:
        target = options["output"]
        width = FILE_WIDTH
        if target == STANDARD_OUTPUT and form == "table":
            width, _ = self.page(options)
        text = _rendered(done, form, width)
        self.check_interrupted()
        if target == STANDARD_OUTPUT:
            streams.prepare(self.stdout, exact=form != "table")
            self.put_out(text)
            return
        write_atomically(Path(target), text.encode())
        if not options["quiet"]:
            self.complain(f"wrote {target}")


def _rendered(done: "FinishedBacktest", form: str, width: int) -> str:
    # each form is loaded only when it is wanted
    if form == "json":
        from grid_screening.reports.backtest.document import backtest_json

        return backtest_json(done.backtest).decode()
    if form == "html":
        from grid_screening.reports.backtest.page import MOST_PICTURES, backtest_html

        return backtest_html(done.backtest, done.pictures(MOST_PICTURES))
    from grid_screening.reports.backtest.table import backtest_table

    return backtest_table(done.backtest, width=width)
