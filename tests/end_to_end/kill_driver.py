"""Runs ``screen_short_grid`` again and again in forked children that die suddenly.

``python -m tests.end_to_end.kill_driver OUTPUT`` reads delays in seconds from standard
input, one per line (``-``: none), and answers each with the child's wait status and
how long it lived. A child dies by the default action of its own timer: the kernel ends
it wherever it is, without a word to Python, as `kill -9` does.
"""

import os
import signal
import sys
import time

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"


def main() -> None:
    """Answer delays until standard input ends."""
    import django

    django.setup()
    # what a scan loads, loaded once
    import grid_screening.reports.json
    import grid_screening.services.screening_service  # noqa: F401
    from grid_screening.management.commands.screen_short_grid import Command

    argv = ["manage.py", "screen_short_grid", "--min-volume", "0", "--top", "5"]
    argv += ["--rank-draws", "0", "--quiet", "--output", sys.argv[1]]
    for line in sys.stdin:
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            if line.strip() != "-":
                signal.setitimer(signal.ITIMER_REAL, float(line))
            Command().run_from_argv(argv)
        _, status = os.waitpid(child, 0)
        print(status, time.monotonic() - began, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
