"""Rank the market once and print or write the report."""

import logging
import sys
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from grid_screening.cli import arguments
from grid_screening.cli.effective_settings import effective_settings
from grid_screening.cli.exit_codes import KNOWN_ERRORS, exit_code, message
from grid_screening.cli.job import (
    FinishedScan,
    ScanJob,
    earlier_scan,
    finished_scan,
    opened_market,
    recorded_scan,
)
from grid_screening.cli.market import gateway
from grid_screening.cli.rendering import check_addenda, rendered
from grid_screening.cli.report_folder import (
    DEFAULT_KEEP,
    is_folder,
    make_folder,
    write_into,
)
from grid_screening.cli.report_lock import report_lock
from grid_screening.conf import ScreenerSettings
from grid_screening.screening_report import ScreeningReport
from monitor.cli import streams
from monitor.cli.exit_codes import CannotWrite, ExitCode
from monitor.cli.logs import begin_logging
from monitor.cli.output import (
    STANDARD_OUTPUT,
    check_target,
    is_special,
    remove_abandoned,
    write_atomically,
)
from monitor.cli.report_command import ReportCommand
from monitor.cli.screener_settings import screener_settings
from monitor.data_folder import data_folder

logger = logging.getLogger("grid_screening.scan")

FILE_WIDTH = 240
"""Columns of a table that is written to a file: room for all of them."""


class Command(ReportCommand):
    """``manage.py screen_short_grid``."""

    help = (
        "Rank Binance USDⓈ-M perpetuals for short grids and plan each grid. "
        "The score describes conditions, it does not forecast profit."
    )
    name = "screen_short_grid"
    stopping = "stopping, nothing further is sent"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add one flag per setting and the command's own."""
        defaults = ScreenerSettings()
        arguments.add_arguments(
            parser, {f.setting: getattr(defaults, f.setting) for f in arguments.FLAGS}
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Scan once; every error with a message becomes a `CommandError`.

        Raises
        ------
        CommandError
            ``returncode`` as documented in ``contracts/cli.md``.
        """
        if options["log"] is not None:
            begin_logging(options["log"])
        try:
            done = self._run(options)
        except KNOWN_ERRORS as error:
            raise CommandError(message(error), returncode=exit_code(error)) from error
        if done is not None:
            _judge(done, options)

    def _run(self, options: Mapping[str, Any]) -> FinishedScan | None:
        arguments.check_combination(options)
        options = {**options, "format": arguments.report_format(options)}
        check_addenda(options)
        replayed = recorded_scan(options["snapshot"])
        before = earlier_scan(options["diff"])
        configured = screener_settings() if replayed is None else {}
        settings = effective_settings(
            configured,
            options,
            defaults=ScreenerSettings() if replayed is None else replayed.settings,
        )
        if options["dry_run"]:
            self._estimate(settings, configured, options)
            return None
        with ExitStack() as stack:
            self._claim(options, stack)
            job = ScanJob(
                settings=settings,
                replayed=replayed,
                before=before,
                explain=options["explain"] or (),
                is_demo=options["demo"],
                is_recorded=options["record"] is not None,
            )
            done = self._scan(job, options)
            self._record(done, options)
            self._deliver(done, options)
            if not options["demo"] and replayed is None:
                self._store_counts(done.report, done.address, configured, options)
        logger.info("scan_finished %s", done.summary())
        return done

    def _record(self, done: FinishedScan, options: Mapping[str, Any]) -> None:
        if done.problem is not None and not options["quiet"]:
            self.complain(f"bars are not kept on disk: {done.problem}")
        target = options["record"]
        if target is None or done.broke_off:
            return
        content = done.recording()
        self.check_interrupted()
        write_atomically(Path(target), content)
        if not options["quiet"]:
            self.complain(f"wrote {target}")

    def _claim(self, options: Mapping[str, Any], stack: ExitStack) -> None:
        # whatever would stop the report from being written is found out first
        output = options["output"]
        if options["record"] is not None:
            check_target(Path(options["record"]))
        if output == STANDARD_OUTPUT:
            self.check_standard_output()
            return
        if is_folder(output):
            make_folder(Path(output))
            check_target(Path(output) / "latest")
        else:
            check_target(Path(output))
        if not is_special(Path(output)):
            stack.enter_context(report_lock(Path(output), now_ms=_now_ms()))
            folder = Path(output) if is_folder(output) else Path(output).parent
            remove_abandoned(folder, now_s=time.time())

    def _scan(self, job: ScanJob, options: Mapping[str, Any]) -> FinishedScan:
        from monitor.cli.progress_display import progress_display

        with opened_market(job, on_cancel=self.cancellation.add) as market:
            logger.info(
                "scan_started source=%s exchange=%s output=%s",
                market.label,
                market.address,
                options["output"],
            )
            with progress_display(
                sys.stderr,
                enabled=self.stderr.isatty() and not options["quiet"],
                on_start=self.cancellation.add_display,
                waiting=market.waiting,
            ) as on_progress:
                return finished_scan(job, market, on_progress)

    def _deliver(self, done: FinishedScan, options: Mapping[str, Any]) -> None:
        form, width, color = options["format"], FILE_WIDTH, False
        if options["output"] == STANDARD_OUTPUT and form == "table":
            width, color = self.page(options)
        text = rendered(done, form, width=width, color=color)
        self._put(text, options, as_of_ms=done.report.as_of_ms)

    def _put(
        self, text: str, options: Mapping[str, Any], *, as_of_ms: int | None = None
    ) -> None:
        target = options["output"]
        self.check_interrupted()
        if target == STANDARD_OUTPUT:
            streams.prepare(self.stdout, exact=options["format"] != "table")
            self.put_out(text)
            return
        if as_of_ms is not None and is_folder(target):
            target = write_into(
                Path(target),
                text.encode(),
                form=options["format"],
                as_of_ms=as_of_ms,
                keep=DEFAULT_KEEP if options["keep"] is None else options["keep"],
            )
        else:
            write_atomically(Path(target), text.encode())
        if not options["quiet"]:
            self.complain(f"wrote {target}")

    def _estimate(
        self,
        settings: ScreenerSettings,
        configured: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> None:
        from grid_screening.cli.dry_run_report import check_form, dry_run_report

        check_form(options["format"])
        if options["output"] != STANDARD_OUTPUT:
            check_target(Path(options["output"]))
        text = dry_run_report(
            settings,
            configured,
            gateway(settings),
            form=options["format"],
            demo=options["demo"],
            now_ms=_now_ms(),
        )
        self._put(text, options)

    def _store_counts(
        self,
        report: ScreeningReport,
        address: str,
        configured: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> None:
        from grid_screening.cli.scan_counts import counts_of, store_counts

        counts = counts_of(report, now_ms=_now_ms())
        if counts is None:
            return
        try:
            store_counts(data_folder(configured.get("data_dir")), address, counts)
        except (OSError, CannotWrite) as error:
            if not options["quiet"]:
                self.complain(f"the counts for --dry-run were not stored: {error}")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _judge(done: FinishedScan, options: Mapping[str, Any]) -> None:
    report = done.report
    problems = []
    if report.degraded:
        limit = report.settings["min_coverage"]
        problems.append(f"coverage {report.coverage:.1%} is below {limit:.1%}")
        cause = next((e.reason.text for e in report.excluded if e.stage == "data"), "")
        problems += [f"first failure: {cause}"] if cause else []
    if done.broke_off and options["record"] is not None:
        problems.append(
            f"{options['record']} not written: a scan that broke off has no replay"
        )
    if problems:
        raise CommandError(
            f"degraded: {'; '.join(problems)}", returncode=ExitCode.DEGRADED
        )
    if options["fail_empty"] and not report.ranked:
        raise CommandError("no contract qualified", returncode=ExitCode.EMPTY)
