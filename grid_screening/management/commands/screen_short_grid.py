"""Rank the market once and print or write the report."""

import sys
import time
import traceback
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings as django_settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from grid_screening.cli import arguments, streams
from grid_screening.cli.effective_settings import effective_settings
from grid_screening.cli.exit_codes import (
    KNOWN_ERRORS,
    CannotWrite,
    ExitCode,
    UsageError,
    exit_code,
    message,
)
from grid_screening.cli.interruption import (
    Cancellation,
    Interrupted,
    leave_now,
    run_interruptible,
)
from grid_screening.cli.output import STANDARD_OUTPUT, check_target, write_atomically
from grid_screening.conf import ScreenerSettings
from grid_screening.screening_report import ScreeningReport
from monitor.conf import GatewayConfig
from monitor.exceptions import ExchangeUnavailable, RequestCancelled

NAME = "screen_short_grid"

FILE_WIDTH = 240
"""Columns of a table that is written to a file: room for all of them."""


class OneLineParser(CommandParser):
    """A parser whose complaints are one line."""

    def error(self, message: str) -> NoReturn:
        """Raise ``message`` with a hint, exit code 2."""
        raise CommandError(f"{message} (see --help)", returncode=ExitCode.USAGE)


class Command(BaseCommand):
    """``manage.py screen_short_grid``."""

    help = (
        "Rank Binance USDⓈ-M perpetuals for short grids and plan each grid. "
        "The score describes conditions, it does not forecast profit."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 -- declared so by Django
    requires_migrations_checks = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cancellation = Cancellation()

    def create_parser(
        self, prog_name: str, subcommand: str, **kwargs: Any
    ) -> CommandParser:
        """Return the parser; flags are never abbreviated."""
        parser = super().create_parser(
            prog_name, subcommand, allow_abbrev=False, **kwargs
        )
        parser.__class__ = OneLineParser  # Django's class is not a parameter
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add one flag per setting and the command's own."""
        defaults = ScreenerSettings()
        arguments.add_arguments(
            parser, {f.setting: getattr(defaults, f.setting) for f in arguments.FLAGS}
        )

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as a process: signals, closed pipes and exit codes are settled here."""
        show_traceback = "--traceback" in argv
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
            run_interruptible(lambda: self.execute(**options), self.cancellation)
        except CommandError as error:
            self._complain(str(error), error if show_traceback else None)
            # Django's own mistakes of use (--no-color with --force-color) say 1
            internal = error.returncode == ExitCode.INTERNAL
            return int(ExitCode.USAGE if internal else error.returncode)
        except Exception as error:  # noqa: BLE001 -- the outermost frame: one line
            hint = "" if show_traceback else "; run with --traceback"
            text = f"internal error: {type(error).__name__}: {error}{hint}"
            self._complain(text, error if show_traceback else None)
            return ExitCode.INTERNAL
        return ExitCode.OK

    def handle(self, *_: Any, **options: Any) -> None:
        """Scan once; every error with a message becomes a `CommandError`.

        Raises
        ------
        CommandError
            ``returncode`` as documented in ``contracts/cli.md``.
        """
        try:
            configured = _configured()
            settings = effective_settings(configured, options)
            options = options | {"format": arguments.report_format(options)}
            if options["dry_run"]:
                self._estimate(settings, configured, options)
                return
            if options["output"] != STANDARD_OUTPUT:
                check_target(Path(options["output"]))
            report, address = self._scan(settings, options)
            if self.cancellation.cancelled:
                raise RequestCancelled
            self._deliver(report, options)
            if not options["demo"]:
                self._store_counts(report, address, configured, options)
        except KNOWN_ERRORS as error:
            raise CommandError(message(error), returncode=exit_code(error)) from error
        _judge(report, fail_empty=options["fail_empty"])

    def _scan(
        self, settings: ScreenerSettings, options: Mapping[str, Any]
    ) -> tuple[ScreeningReport, str]:
        from grid_screening.cli.progress import progress_display
        from grid_screening.services import screening_service
        from monitor.api_clients.binance import BinanceFuturesClient

        with _market(settings, demo=options["demo"]) as (config, source):
            client = BinanceFuturesClient(config)
            self.cancellation.add(client.cancel)
            with (
                client,
                progress_display(
                    sys.stderr,
                    enabled=self.stderr.isatty() and not options["quiet"],
                    on_start=self.cancellation.add_display,
                    waiting=client.budget_wait,
                ) as on_progress,
            ):
                report = screening_service.screen(
                    settings, client, source=source, on_progress=on_progress
                )
        return report, config.base_url

    def _deliver(self, report: ScreeningReport, options: Mapping[str, Any]) -> None:
        form, width, color = options["format"], FILE_WIDTH, False
        if options["output"] == STANDARD_OUTPUT and form == "table":
            width, color = self._page(options)
        self._put(_rendered(report, form, width=width, color=color), options)

    def _put(self, text: str, options: Mapping[str, Any]) -> None:
        target = options["output"]
        if target == STANDARD_OUTPUT:
            streams.prepare(self.stdout, exact=options["format"] != "table")
            self._print(text)
            return
        write_atomically(Path(target), text.encode())
        if not options["quiet"]:
            self._complain(f"wrote {target}")

    def _page(self, options: Mapping[str, Any]) -> tuple[int, bool]:
        # rich knows COLUMNS, NO_COLOR, TERM and pipes
        from rich.console import Console

        console = Console(file=self.stdout)  # type: ignore[arg-type]  # a wrapped TextIO
        allowed = not (console.no_color or options["no_color"])
        wanted = console.is_terminal and console.color_system is not None
        return console.width, options["force_color"] or (wanted and allowed)

    def _print(self, text: str) -> None:
        try:
            self.stdout.write(text, ending="")
            self.stdout.flush()
        except BrokenPipeError:
            # the reader has seen enough: `… | head` ends quietly
            streams.discard(sys.stdout)
        except OSError as error:
            streams.discard(sys.stdout)
            raise CannotWrite("standard output", error) from error

    def _complain(self, text: str, error: BaseException | None = None) -> None:
        try:
            if error is not None:
                self.stderr.write("".join(traceback.format_exception(error)), str)
            # str: no style, whatever Django thinks of the terminal
            self.stderr.write(f"{NAME}: {' '.join(text.split())}", str)
            self.stderr.flush()
        except OSError:
            streams.discard(sys.stderr)

    def _estimate(
        self,
        settings: ScreenerSettings,
        configured: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> None:
        import orjson

        from grid_screening.cli import dry_run
        from grid_screening.cli.scan_counts import stored_counts

        if options["format"] not in dry_run.FORMATS:
            legal = " or ".join(dry_run.FORMATS)
            raise UsageError(
                f"--dry-run has no form {options['format']}: --format must be {legal}"
            )
        if options["output"] != STANDARD_OUTPUT:
            check_target(Path(options["output"]))
        address = _gateway(settings).base_url
        counts = stored_counts(_data_folder(configured), address)
        if options["demo"]:
            address, counts = "simulated exchange on this machine", None
        found = dry_run.estimate(settings, counts, now_ms=_now_ms())
        if options["format"] == "json":
            document = dry_run.estimate_document(found, address)
            text = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"
        else:
            text = dry_run.estimate_text(found, address)
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
            store_counts(_data_folder(configured), address, counts)
        except (OSError, CannotWrite) as error:
            if not options["quiet"]:
                self._complain(f"the counts for --dry-run were not stored: {error}")


def _configured() -> Mapping[str, Any]:
    configured = getattr(django_settings, "SCREENER", {})
    if not isinstance(configured, Mapping):
        raise UsageError("settings.SCREENER must be a dictionary")
    return configured


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _data_folder(configured: Mapping[str, Any]) -> Path:
    from platformdirs import user_data_path

    folder = configured.get("data_dir")
    return user_data_path("short-grid-screener") if folder is None else Path(folder)


def _gateway(settings: ScreenerSettings) -> GatewayConfig:
    from grid_screening.services.screening_service import gateway_config

    try:
        return gateway_config(settings)
    except (TypeError, ValueError) as error:
        raise UsageError(f"settings.SCREENER (BINANCE_FAPI_URL): {error}") from error


@contextmanager
def _market(
    settings: ScreenerSettings, *, demo: bool
) -> Iterator[tuple[GatewayConfig, str]]:
    # how to reach the market, and what the report calls it
    from grid_screening.services.screening_service import source_of

    config = _gateway(settings)
    if not demo:
        yield config, source_of(config.base_url)
        return
    from monitor.simulator.server import EmbeddedExchange, SimulatorFailed

    with ExitStack() as stack:
        try:
            exchange = stack.enter_context(EmbeddedExchange())
        except SimulatorFailed as error:
            raise ExchangeUnavailable("simulated exchange", str(error)) from error
        yield replace(config, base_url=exchange.base_url, proxy=None), "demo"


def _rendered(report: ScreeningReport, form: str, *, width: int, color: bool) -> str:
    if form == "json":
        from grid_screening.reports.json import report_json

        return report_json(report).decode()
    if form == "csv":
        from grid_screening.reports.csv import report_csv

        return report_csv(report)
    if form == "markdown":
        from grid_screening.reports.markdown import report_markdown

        return report_markdown(report)
    from grid_screening.reports.table import report_table

    return report_table(report, width=width, color=color)


def _judge(report: ScreeningReport, *, fail_empty: bool) -> None:
    if report.degraded:
        limit = report.settings["min_coverage"]
        raise CommandError(
            f"degraded: coverage {report.coverage:.1%} is below {limit:.1%}",
            returncode=ExitCode.DEGRADED,
        )
    if fail_empty and not report.ranked:
        raise CommandError("no contract qualified", returncode=ExitCode.EMPTY)
