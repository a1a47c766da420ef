"""The flags of ``validate_gss``."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grid_screening.backtest.sweep import LOCAL, check_engine
from grid_screening.cli import backtest_readers, readers
from grid_screening.exceptions import InvalidSettings
from monitor.cli.exit_codes import UsageError
from monitor.cli.flags import add_history, add_remarks, argument_type
from monitor.domain.market import DAY_MS, HOUR_MS

OUTPUTS = ("output", "json", "readme", "write_model")
"""Options that name a file to write."""

_MULTIPLES = {"k": 1e3, "M": 1e6, "G": 1e9}
_MOST_TOP = 1_000


def add_arguments(parser: ArgumentParser) -> None:
    """Add all flags to ``parser``."""
    _add_history(parser)
    _add_study(parser)
    _add_output(parser)


def _add_history(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("history and period")
    add_history(group, readers.path)
    group.add_argument(
        "--start",
        dest="start_ms",
        metavar="TIME",
        type=argument_type(backtest_readers.moment),
        help="first scan, like 2024-12-16, UTC (default: the declared one, as far as "
        "the history covers it)",
    )
    group.add_argument(
        "--end",
        dest="end_ms",
        metavar="TIME",
        type=argument_type(backtest_readers.moment),
        help="last scan at the latest (default: the declared one)",
    )
    group.add_argument(
        "--every",
        dest="every_ms",
        metavar="SPAN",
        default="1d",
        type=argument_type(_hours),
        help="time between scans, whole hours (default: 1d)",
    )


def _add_study(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("study")
    group.add_argument(
        "--horizon",
        dest="horizon_ms",
        metavar="SPAN",
        default="7d",
        type=argument_type(_hours),
        help="life of a grid, whole hours (default: 7d)",
    )
    group.add_argument(
        "--universe-volume",
        metavar="USDT",
        default="10M",
        type=argument_type(turnover),
        help="24 h turnover that a contract must exceed, like 10M (default: 10M)",
    )
    group.add_argument(
        "--top",
        metavar="N",
        default="20",
        type=argument_type(_top),
        help="contracts of a list (default: 20)",
    )
    group.add_argument(
        "--no-sensitivity",
        action="store_true",
        help="leave out what other assumptions would have given",
    )
    group.add_argument(
        "--engine",
        default=LOCAL,
        type=argument_type(_engine),
        metavar="ENGINE",
        help="local, or dask://HOST:PORT of a Dask scheduler whose workers have the "
        "history at the same path (default: local)",
    )


def _add_output(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    for name, text in (
        ("--output", "the evidence page, HTML"),
        ("--json", "every number, JSON"),
        ("--readme", "a Markdown file whose evidence section is replaced"),
        ("--write-model", "the stop-out models, TOML"),
    ):
        group.add_argument(
            name,
            metavar="FILE",
            type=argument_type(readers.path),
            help=f"{text}; replaced atomically",
        )
    add_remarks(group)


_SUFFIXES = {
    "output": (".html", ".htm"),
    "json": (".json",),
    "write_model": (".toml",),
}


def check_outputs(options: Mapping[str, Any]) -> None:
    """Find out whether the outputs name different files, each of its form.

    Raises
    ------
    UsageError
    """
    taken: dict[Path, str] = {}
    for name in OUTPUTS:
        if options[name] is None:
            continue
        flag, path = f"--{name.replace('_', '-')}", Path(options[name]).resolve()
        if path in taken:
            raise UsageError(f"{taken[path]} and {flag} must name different files")
        taken[path] = flag
    for name, legal in _SUFFIXES.items():
        path = options[name]
        if path is not None and Path(path).suffix.lower() not in legal:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag} must end in {' or '.join(legal)}, was {path!r}")


def turnover(text: str) -> float:
    """Return an amount like ``10M``; k, M and G are thousands, millions, billions.

    Raises
    ------
    ValueError
        ``must be …, was …``.
    """
    multiple = _MULTIPLES.get(text[-1:], 1.0)
    try:
        value = readers.number(text[:-1] if multiple > 1 else text) * multiple
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1e15:  # noqa: PLR2004 -- the setting's own limit
        raise ValueError(
            "must be an amount ≥ 0 like 10M or 10000000, with no suffix or k, M or G "
            f"(thousand, million, billion), was {text!r}"
        )
    return float(value)


def _hours(text: str) -> int:
    span = backtest_readers.span(text)
    if span % HOUR_MS:
        raise ValueError(f"must be whole hours, like 12h or 7d, was {text!r}")
    if span > 366 * DAY_MS:
        raise ValueError(f"must be at most a year, was {text!r}")
    return span


def _top(text: str) -> int:
    value = readers.whole(text)
    if not 1 <= value <= _MOST_TOP:
        raise ValueError(f"must be in 1…{_MOST_TOP}, was {value}")
    return value


def _engine(text: str) -> str:
    try:
        return check_engine(text)
    except InvalidSettings as error:
        raise ValueError(f"must be {error.legal}, was {error.value!r}") from None
