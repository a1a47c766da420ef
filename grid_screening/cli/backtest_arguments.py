"""The flags of ``backtest_short_grid``."""

from argparse import SUPPRESS, ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grid_screening.backtest.sweep import LOCAL, check_engine
from grid_screening.cli import backtest_readers, readers
from grid_screening.cli.arguments import FLAGS, add_setting
from grid_screening.conf import (
    BOUNDS_SOURCES,
    MAX_FEE,
    SPACINGS,
    STARTS,
    ScreenerSettings,
)
from grid_screening.exceptions import InvalidSettings
from monitor.cli.exit_codes import UsageError
from monitor.cli.flags import add_history, add_remarks, argument_type
from monitor.cli.output_forms import form_of_name

FORMATS = ("table", "json", "html")
FORMAT_OF_SUFFIX = {".json": "json", ".html": "html", ".htm": "html"}
PLOT_SUFFIXES = (".png", ".svg")

PLAN_SETTINGS = (
    "grid_margin_usdt",
    "max_leverage",
    "maker_fee",
    "taker_fee",
    "brackets",
)
"""Settings with the flags they have for a scan."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add all flags to ``parser``; settings that are not given leave no value."""
    parser.add_argument(
        "contracts",
        nargs="+",
        metavar="SYMBOL",
        type=argument_type(readers.symbols),
        help="like BTCUSDT; also A,B or @FILE",
    )
    _add_period(parser)
    _add_grid(parser)
    _add_output(parser)


def _add_period(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("history and period")
    add_history(group, readers.path)
    group.add_argument(
        "--start",
        dest="begin_ms",
        metavar="TIME",
        type=argument_type(backtest_readers.moment),
        help="when the grid begins and is planned, like 2025-04-01, UTC (default with "
        "--plan: the time of that report)",
    )
    group.add_argument(
        "--end",
        dest="end_ms",
        metavar="TIME",
        type=argument_type(backtest_readers.moment),
        help="when the last grid is closed at the latest (default: end of the history)",
    )
    group.add_argument(
        "--interval",
        dest="bar",
        metavar="BAR",
        type=argument_type(readers.interval),
        help="bars on which fills are simulated (default: the finest that all symbols "
        "have for the period)",
    )
    group.add_argument(
        "--every",
        metavar="SPAN",
        type=argument_type(backtest_readers.span),
        help="begin a new grid at each such step, like 7d, each planned anew",
    )
    group.add_argument(
        "--horizon",
        metavar="SPAN",
        type=argument_type(backtest_readers.span),
        help="close each grid after this long; must fit before --end (default: "
        "--every, else until --end)",
    )


def _add_grid(parser: ArgumentParser) -> None:
    defaults = ScreenerSettings()
    group = parser.add_argument_group("grid and costs")
    group.add_argument(
        "--plan",
        metavar="FILE",
        type=argument_type(readers.path),
        help="take the grids from a report of screen_short_grid --format json instead "
        "of planning them: its bounds, levels, quantity, margin, leverage and start, "
        "entered at the open of the first bar",
    )
    for flag in FLAGS:
        if flag.setting in PLAN_SETTINGS:
            add_setting(group, flag, getattr(defaults, flag.setting))
    group.add_argument(
        "--bounds",
        choices=BOUNDS_SOURCES,
        default=SUPPRESS,
        help=f"what the bounds are measured by (default: {defaults.bounds})",
    )
    group.add_argument(
        "--spacing",
        choices=SPACINGS,
        default=SUPPRESS,
        help="levels evenly apart, or each the same ratio above the last "
        f"(default: {defaults.spacing})",
    )
    group.add_argument(
        "--start-variant",
        dest="start",
        choices=STARTS,
        default=SUPPRESS,
        help="short one lot for each level below the price at once, or nothing "
        f"(default: {defaults.start})",
    )
    group.add_argument(
        "--slippage",
        metavar="FRACTION",
        type=argument_type(_slippage),
        default=0.0,
        help=f"added to the stop's price; in [0, {MAX_FEE:g}) (default: 0)",
    )
    group.add_argument(
        "--engine",
        default=LOCAL,
        type=argument_type(_engine),
        metavar="ENGINE",
        help="local, or dask://HOST:PORT of a Dask scheduler (default: local)",
    )


def _add_output(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "--format",
        choices=FORMATS,
        help="form of the report (default: by the name of the output: .json, .html, "
        ".htm; .txt, .log or no suffix: table)",
    )
    group.add_argument(
        "--output",
        metavar="PATH",
        default="-",
        help="file for the report, replaced atomically; - is standard output "
        "(default: -)",
    )
    group.add_argument(
        "--plot",
        metavar="FILE",
        type=argument_type(_picture),
        help="picture of price, levels, fills and equity: a name ending in .png or "
        ".svg, replaced atomically",
    )
    add_remarks(group)


def report_format(options: Mapping[str, Any]) -> str:
    """Return the form of the report: as asked, or as the output's name says.

    Raises
    ------
    UsageError
        No output, a folder, or a name that belongs to no form.
    """
    output, asked = options["output"], options["format"]
    if not isinstance(output, str) or not output.strip():
        raise UsageError(f"--output must be a path or -, was {output!r}")
    if output.endswith("/"):
        raise UsageError(f"--output must be a file or -, was the folder {output}")
    plot = options["plot"]
    if plot is not None and Path(plot).resolve() == Path(output).resolve():
        raise UsageError("--plot and --output must name different files")
    if asked is None:
        return form_of_name(output, FORMAT_OF_SUFFIX)
    return str(asked)


def _slippage(text: str) -> float:
    value = readers.number(text)
    if not 0 <= value < MAX_FEE:
        raise ValueError(f"must be in [0, {MAX_FEE:g}), was {value:g}")
    return float(value)


def _engine(text: str) -> str:
    try:
        return check_engine(text)
    except InvalidSettings as error:
        raise ValueError(f"must be {error.legal}, was {error.value!r}") from None


def _picture(text: str) -> str:
    if Path(text).suffix.lower() not in PLOT_SUFFIXES:
        raise ValueError(f"must end in {' or '.join(PLOT_SUFFIXES)}, was {text!r}")
    return text
