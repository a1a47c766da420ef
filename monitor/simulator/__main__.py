"""``python -m monitor.simulator``: the simulated exchange without Django."""

import sys
from argparse import ArgumentParser

from monitor.simulator.cli import InvalidOption, add_flags, server_options
from monitor.simulator.server import SimulatorFailed, serve

_USAGE = 2


def main() -> int:
    """Serve; return the exit status."""
    parser = ArgumentParser(prog="python -m monitor.simulator", description=__doc__)
    add_flags(parser)
    try:
        return serve(server_options(vars(parser.parse_args())))
    except (InvalidOption, SimulatorFailed, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return _USAGE


if __name__ == "__main__":
    sys.exit(main())
