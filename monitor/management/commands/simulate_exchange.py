"""``manage.py simulate_exchange``: the exchange's protocol on loopback."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from monitor.cli.one_line import OneLineCommand
from monitor.simulator.cli import add_flags, server_options
from monitor.simulator.server import SimulatorFailed, serve


class Command(OneLineCommand):
    """Serve a generated or recorded market until Ctrl-C (exit status 130)."""

    help = (
        "Serve the REST protocol of Binance USDⓈ-M futures on loopback, over a "
        "generated market (deterministic by seed) or a recorded one (--data). "
        "Ends with status 130 on Ctrl-C, 143 on SIGTERM; 2 when it cannot start."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the flags."""
        add_flags(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Serve."""
        try:
            status = serve(server_options(options))
        except (SimulatorFailed, ValueError) as error:
            raise CommandError(str(error), returncode=2) from None
        if status:
            sys.exit(status)
