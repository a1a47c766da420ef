"""``manage.py api_budget``: what the shared request ledger says."""

import signal
import sys
import time
from argparse import ArgumentParser
from contextlib import closing
from typing import IO, Any, cast

from django.core.management.base import CommandError

from monitor.cli.budget_reading import BudgetReading, CannotForget
from monitor.cli.exit_codes import UsageError
from monitor.cli.one_line import OneLineCommand
from monitor.cli.screener_settings import screener_settings
from monitor.exceptions import LedgerUnavailable
from monitor.ratelimit.gauge import document

_USAGE, _UNUSABLE, _INTERRUPTED = 2, 74, 130
_REDRAW_S = 1.0
_NAP_S = 0.05


class Command(OneLineCommand):
    """Show request weight, waiting processes, blocks and the day's count."""

    help = (
        "Show how much request weight this machine has used at each exchange, who "
        "waits, and whether the exchange has paused or banned it. Sends nothing and "
        "changes nothing, but for --forget. Ends with status 2 on wrong usage, 74 "
        "when the ledger cannot be used, 130 on Ctrl-C."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the flags."""
        parser.add_argument(
            "--format", choices=("table", "json"), default="table", dest="form"
        )
        parser.add_argument(
            "--watch", action="store_true", help="draw anew each second until Ctrl-C"
        )
        parser.add_argument(
            "--forget",
            metavar="ADDRESS",
            help="forget a simulated exchange on this machine (host:port as shown), "
            "after a restart with another clock",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Show the ledger."""
        try:
            with closing(_reading()) as reading:
                self._run(reading, options)
        except CannotForget as error:
            raise CommandError(str(error), returncode=_USAGE) from None
        except LedgerUnavailable as error:
            raise CommandError(str(error), returncode=_UNUSABLE) from None
        except KeyboardInterrupt:
            sys.exit(_INTERRUPTED)

    def _run(self, reading: BudgetReading, options: dict[str, Any]) -> None:
        if options["forget"] is not None:
            reading.forget(options["forget"])
            self.stdout.write(f"forgot {options['forget']}")
        elif options["form"] == "json":
            if options["watch"]:
                raise CommandError(
                    "--watch draws a table; --format json prints once",
                    returncode=_USAGE,
                )
            self._print_json(reading)
        elif options["watch"]:
            self._watch(reading)
        else:
            self._print_table(reading)

    def _print_table(self, reading: BudgetReading) -> None:
        from rich.console import Console

        Console(file=cast(IO[str], self.stdout), highlight=False).print(
            self._table(reading)
        )

    def _print_json(self, reading: BudgetReading) -> None:
        import orjson

        shown = {
            "ledger": reading.where,
            "exists": reading.exists(),
            "addresses": [document(gauge) for gauge in reading.gauges()],
        }
        self.stdout.write(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())

    def _watch(self, reading: BudgetReading) -> None:
        from rich.console import Console
        from rich.live import Live

        console = Console()
        if not console.is_terminal:
            raise CommandError("--watch needs a terminal", returncode=_USAGE)
        # a flag: an exception raised inside a finaliser would be lost, and an Event
        # set while this thread waits on it locks itself out
        asked_to_end: list[int] = []
        before = signal.signal(
            signal.SIGINT, lambda number, _: asked_to_end.append(number)
        )
        try:
            with Live(console=console, auto_refresh=False, screen=True) as live:
                while not asked_to_end:
                    live.update(self._table(reading), refresh=True)
                    _sleep(_REDRAW_S, asked_to_end)
        finally:
            signal.signal(signal.SIGINT, before)
        raise KeyboardInterrupt

    def _table(self, reading: BudgetReading) -> Any:
        from monitor.cli.budget_table import budget_text

        where = reading.where
        if not reading.is_shared:
            where += "; other processes cannot be seen"
        elif not reading.exists():
            where += " (not made yet: nothing was sent with this data folder)"
        return budget_text(reading.gauges(), where)


def _sleep(seconds: float, asked_to_end: list[int]) -> None:
    # in short naps: a signal does not end one
    until_s = time.monotonic() + seconds
    while not asked_to_end and time.monotonic() < until_s:
        time.sleep(_NAP_S)


def _reading() -> BudgetReading:
    try:
        return BudgetReading(screener_settings())
    except (UsageError, ValueError) as error:  # of the ledger's address or folder
        raise CommandError(str(error), returncode=_USAGE) from None
