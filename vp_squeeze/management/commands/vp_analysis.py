"""``manage.py vp_analysis``: boxes, squeezes and where timeframes agree."""

import logging
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from django.core.management.base import CommandError

from grid_screening.cli.effective_settings import effective_settings
from grid_screening.cli.exit_codes import KNOWN_ERRORS, exit_code, message
from grid_screening.cli.market import OpenMarket, exchange_market
from grid_screening.conf import ScreenerSettings
from grid_screening.exceptions import AllRequestsFailed
from monitor.cli import streams
from monitor.cli.exit_codes import ExitCode
from monitor.cli.logs import begin_logging
from monitor.cli.output import STANDARD_OUTPUT, check_target, write_atomically
from monitor.cli.report_command import ReportCommand
from monitor.cli.screener_settings import screener_settings
from monitor.domain.progress import Progress
from monitor.domain.typing import Symbol
from monitor.exceptions import IpBanned
from vp_squeeze.analysis_report import AnalysisReport
from vp_squeeze.exceptions import ContractError
from vp_squeeze.management.vp_arguments import (
    SHARED_FLAGS,
    add_arguments,
    analysis_request,
    report_form,
)
from vp_squeeze.services.squeeze_service import AnalysisRequest, analysis

FILE_WIDTH = 240
"""Columns of a table that is written to a file: room for all of them."""

logger = logging.getLogger("vp_squeeze.analysis")


class Command(ReportCommand):
    """``manage.py vp_analysis``."""

    help = (
        "Show where volume traded (point of control, value area, nodes), whether the "
        "price is in a squeeze, and where timeframes agree. Describes, does not "
        "forecast."
    )
    name = "vp_analysis"
    stopping = "stopping, nothing further is sent"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the flags."""
        add_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        """Analyse once; every error with a message becomes a `CommandError`.

        Raises
        ------
        CommandError
            ``returncode`` as documented in ``contracts/vp_analysis.md``.
        """
        if options["log"] is not None:
            begin_logging(options["log"])
        try:
            self._run(options)
        except ContractError as error:
            raise CommandError(str(error), returncode=ExitCode.USAGE) from error
        except KNOWN_ERRORS as error:
            raise CommandError(message(error), returncode=exit_code(error)) from error

    def _run(self, options: Mapping[str, Any]) -> None:
        shared = {name: options.get(name) for name in SHARED_FLAGS}
        settings = effective_settings(screener_settings(), shared)
        request = analysis_request(options, settings)
        form = report_form(options)
        if options["output"] == STANDARD_OUTPUT:
            self.check_standard_output()
        else:
            check_target(Path(options["output"]))
        if options["plot"] is not None:
            check_target(Path(options["plot"]))
        report, problem = self._analysed(request, settings, options)
        if problem is not None and not options["quiet"]:
            self.complain(f"bars are not kept on disk: {problem}")
        _check_any_data(report)
        self._draw(report, options)
        self._deliver(report, form, options)
        if report.coverage < settings.min_coverage:
            failure = next(row.reason for row in report.left_out if row.is_failure)
            raise CommandError(
                f"degraded: coverage {report.coverage:.1%} is below "
                f"{settings.min_coverage:.1%}; first failure: {failure}",
                returncode=ExitCode.DEGRADED,
            )

    def _analysed(
        self,
        request: AnalysisRequest,
        settings: ScreenerSettings,
        options: Mapping[str, Any],
    ) -> tuple[AnalysisReport, str | None]:
        from monitor.cli.progress_display import progress_display

        with exchange_market(
            settings,
            demo=options["demo"],
            on_cancel=self.cancellation.add,
            with_spot=request.asks_spot,
        ) as market:
            logger.info(
                "analysis_started source=%s exchange=%s", market.label, market.address
            )
            with progress_display(
                sys.stderr,
                enabled=self.stderr.isatty() and not options["quiet"],
                on_start=self.cancellation.add_display,
                waiting=market.waiting,
            ) as show:
                report = _analysis(
                    market,
                    request,
                    lambda done, total: show(
                        Progress(stage="bars", done=done, total=total)
                    ),
                )
            return report, market.problem()

    def _draw(self, report: AnalysisReport, options: Mapping[str, Any]) -> None:
        if options["plot"] is None:
            return
        from vp_squeeze.reports.picture import PictureForm, analysis_picture

        target = Path(options["plot"])
        form = cast(PictureForm, target.suffix.lower().removeprefix("."))
        is_alone = len(report.contracts) + len(report.left_out) == 1
        for contract in report.contracts:
            self.check_interrupted()
            path = target if is_alone else _named(target, contract.symbol)
            write_atomically(path, analysis_picture(contract, report, form))
            if not options["quiet"]:
                self.complain(f"wrote {path}")

    def _deliver(
        self, report: AnalysisReport, form: str, options: Mapping[str, Any]
    ) -> None:
        target = options["output"]
        width, color = FILE_WIDTH, False
        if target == STANDARD_OUTPUT and form == "table":
            width, color = self.page(options)
        text = _rendered(report, form, width=width, color=color)
        self.check_interrupted()
        if target == STANDARD_OUTPUT:
            streams.prepare(self.stdout, exact=form != "table")
            self.put_out(text)
            return
        write_atomically(Path(target), text.encode())
        if not options["quiet"]:
            self.complain(f"wrote {target}")


def _analysis(
    market: OpenMarket,
    request: AnalysisRequest,
    on_progress: Callable[[int, int], object],
) -> AnalysisReport:
    try:
        return analysis(
            market.source,
            request,
            source=market.label,
            spot=market.spot,
            on_progress=on_progress,
        )
    except IpBanned as banned:
        # whoever met it first may have seen its headers only, which say less
        raise IpBanned(market.banned_until_ms() or banned.until_ms) from banned


def _check_any_data(report: AnalysisReport) -> None:
    failures = [row.reason for row in report.left_out if row.is_failure]
    if failures and not report.contracts:
        raise AllRequestsFailed(len(report.left_out), failures[0])


def _named(target: Path, symbol: Symbol) -> Path:
    return target.with_name(f"{target.stem}-{symbol}{target.suffix}")


def _rendered(report: AnalysisReport, form: str, *, width: int, color: bool) -> str:
    # each form is loaded only when it is wanted
    if form == "json":
        from vp_squeeze.reports.document import analysis_json

        return analysis_json(report)
    if form == "csv":
        from vp_squeeze.reports.csv import analysis_csv

        return analysis_csv(report)
    from vp_squeeze.reports.table import analysis_table

    return analysis_table(report, width=width, color=color)
