"""Commands whose complaints are one line."""

import re
import sys
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser

USAGE = 2
"""Exit code of a mistake in the arguments."""


_NEGATIVE = re.compile(r"-\d")


class OneLineParser(CommandParser):
    """A parser whose complaints are one line."""

    def error(self, message: str) -> NoReturn:
        """Raise ``message`` with a hint, exit code 2."""
        raise CommandError(f"{message} (see --help)", returncode=USAGE)


class OneLineCommand(BaseCommand):
    """A command that says in one line what was wrong, under its own name."""

    requires_system_checks: list[str] = []  # noqa: RUF012  Django's own declaration
    requires_migrations_checks = False

    def create_parser(
        self, prog_name: str, subcommand: str, **kwargs: Any
    ) -> CommandParser:
        """Return the parser; flags are never abbreviated."""
        parser = super().create_parser(
            prog_name, subcommand, allow_abbrev=False, **kwargs
        )
        parser.__class__ = OneLineParser  # Django's class is not a parameter
        # a value like -7d is no flag: whoever reads it says what is legal
        parser._negative_number_matcher = _NEGATIVE  # noqa: SLF001
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as a process; a `CommandError` is told in one line."""
        try:
            options = vars(self.create_parser(argv[0], argv[1]).parse_args(argv[2:]))
            self.execute(*options.pop("args", ()), **options)
        except CommandError as error:
            if "--traceback" in argv:
                raise
            # str: no style, whatever Django thinks of the terminal
            self.stderr.write(f"{argv[1]}: {' '.join(str(error).split())}", str)
            sys.exit(error.returncode)
