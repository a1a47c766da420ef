"""Flags of the simulated exchange, shared by its two commands."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path

from monitor.simulator.server import ServerOptions

DEFAULT_PORT = 8900
_LARGEST_PORT = 65_535
_LARGEST_SEED = 2**31 - 1
_LONGEST_LATENCY_MS = 60_000


class InvalidOption(ValueError):  # noqa: N818  named for what it is
    """A flag has a value it must not have."""


def add_flags(parser: ArgumentParser) -> None:
    """Declare the flags; values are checked by `server_options`."""
    parser.add_argument(
        "--port", default=str(DEFAULT_PORT), help="loopback port, 0 for a free one"
    )
    parser.add_argument(
        "--contracts", default="540", help="USDT perpetuals of the generated market"
    )
    parser.add_argument("--seed", default="7", help="seed of the generated market")
    parser.add_argument(
        "--latency-ms", default="0", help="delay of every answer, milliseconds"
    )
    parser.add_argument(
        "--data", metavar="DIR", help="serve the recorded market in this folder"
    )
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="end with the standard input (for embedding)",
    )


def server_options(flags: Mapping[str, object]) -> ServerOptions:
    """Check the flags and return the options.

    Raises
    ------
    InvalidOption
        One sentence that names the flag, the rule and the value.
    """
    folder = flags.get("data")
    if folder is not None and not Path(str(folder)).is_dir():
        raise InvalidOption(f"--data must be a folder, was {folder}")
    return ServerOptions(
        port=_integer(flags, "port", 0, _LARGEST_PORT),
        contracts=_integer(flags, "contracts", 1, None),
        seed=_integer(flags, "seed", 0, _LARGEST_SEED),
        latency_ms=_integer(flags, "latency_ms", 0, _LONGEST_LATENCY_MS),
        data=None if folder is None else Path(str(folder)),
        until_stdin_closes=bool(flags.get("until_stdin_closes")),
    )


def _integer(
    flags: Mapping[str, object], name: str, least: int, most: int | None
) -> int:
    sent = str(flags[name])
    flag = "--" + name.replace("_", "-")
    upper = "" if most is None else f"…{most}"
    rule = f"{flag} must be a whole number {least}{upper}" + (" or more" * (not upper))
    digits = sent.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise InvalidOption(f"{rule}, was {sent!r}")
    value = int(sent)
    if value < least or (most is not None and value > most):
        raise InvalidOption(f"{rule}, was {value}")
    return value
