#!/usr/bin/env python
"""Command line of the project."""

import os
import sys


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def is_interruption(error: BaseException | None) -> bool:
    """Return whether Ctrl-C is behind ``error``: an import may wrap it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, KeyboardInterrupt):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, Exception) as error:
        # before a command has taken over
        if not is_interruption(error):
            raise
        sys.exit(130)
