"""The flags of ``vp_analysis``, and what they ask for."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grid_screening.cli import readers
from grid_screening.cli.arguments import FLAGS, add_setting
from grid_screening.conf import ScreenerSettings
from monitor.cli.exit_codes import UsageError
from monitor.cli.flags import add_remarks, argument_type
from monitor.cli.output import STANDARD_OUTPUT
from monitor.cli.output_forms import form_of_name
from monitor.domain.market import KlineInterval
from vp_squeeze.analysis_report import Venue
from vp_squeeze.groups import Group
from vp_squeeze.services.squeeze_service import MINIMUM_BARS, AnalysisRequest

FORMATS = ("table", "json", "csv")
PICTURES = ("png", "svg")
MAX_LIMIT = 15_000
"""Bars: eleven requests for each timeframe of a contract."""
SHARED_FLAGS = ("interval", "quote", "min_volume", "io_workers", "max_wait_s", "cache")
"""Settings that mean the same as in a scan, with the same flags."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    _add_subject(parser)
    _add_shared(parser)
    _add_output(parser)


def _add_subject(parser: ArgumentParser) -> None:
    subject = parser.add_argument_group("what is analysed")
    subject.add_argument(
        "symbols",
        nargs="*",
        metavar="SYMBOL",
        type=argument_type(readers.symbols),
        help="contracts like BTCUSDT; A,B and @FILE too",
    )
    subject.add_argument(
        "--group",
        metavar="NAME|FILE",
        type=argument_type(readers.path),
        help="also top10 (by 24 h turnover), major (BTC ETH BNB SOL XRP DOGE ADA), "
        "alt (the rest above --min-volume), or a file of symbols",
    )
    subject.add_argument(
        "--limit",
        metavar="N",
        type=argument_type(_limit),
        default=AnalysisRequest().limit,
        help="closed bars of each timeframe; a whole number in "
        f"{MINIMUM_BARS}…{MAX_LIMIT} (default: %(default)s)",
    )
    default = ",".join(AnalysisRequest().timeframes)
    subject.add_argument(
        "--timeframes",
        metavar="A,B",
        type=argument_type(_timeframes),
        default=AnalysisRequest().timeframes,
        help=f"bar lengths whose levels are compared, or none (default: {default})",
    )
    subject.add_argument(
        "--market",
        choices=tuple(venue.value for venue in Venue),
        default=AnalysisRequest().venue.value,
        help="whose bars: the contracts', or the coins' on the spot market "
        "(default: %(default)s)",
    )
    subject.add_argument(
        "--compare-spot",
        action="store_true",
        help="show the boxes of the spot market beside those of the contracts",
    )
    subject.add_argument(
        "--demo",
        action="store_true",
        help="analyse a simulated exchange on this machine: no network, no keys",
    )


def _add_shared(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("as in a scan")
    defaults = ScreenerSettings()
    for flag in FLAGS:
        if flag.setting in SHARED_FLAGS:
            add_setting(group, flag, getattr(defaults, flag.setting))


def _add_output(parser: ArgumentParser) -> None:
    own = parser.add_argument_group("output")
    own.add_argument(
        "--format",
        choices=FORMATS,
        help="form of the report (default: by the output's name: .json, .csv; "
        "else table)",
    )
    own.add_argument(
        "--output",
        metavar="PATH",
        default=STANDARD_OUTPUT,
        type=argument_type(readers.path),
        help="file for the report, replaced atomically; - is standard output "
        "(default: -)",
    )
    own.add_argument(
        "--plot",
        metavar="FILE",
        type=argument_type(_picture),
        help="draw candles with the profile at their side: a .png or .svg; with "
        "several contracts one for each, its symbol before the suffix",
    )
    add_remarks(own)


def _limit(text: Any) -> int:
    limit = readers.whole(text)
    if not MINIMUM_BARS <= limit <= MAX_LIMIT:
        raise ValueError(
            f"must be a whole number in {MINIMUM_BARS}…{MAX_LIMIT}, was {limit}"
        )
    return limit


def _timeframes(text: Any) -> tuple[KlineInterval, ...]:
    if text == "none":
        return ()
    parts = text.split(",") if isinstance(text, str) else text
    found = dict.fromkeys(readers.interval(part) for part in parts)
    return tuple(sorted(found, key=lambda interval: interval.milliseconds))


def _picture(text: Any) -> str:
    path = readers.path(text)
    if Path(path).suffix.lower().removeprefix(".") not in PICTURES:
        raise ValueError(f"must end in .png or .svg, was {path!r}")
    return path


def report_form(options: Mapping[str, Any]) -> str:
    """Return the form of the report: as asked, or as the output's name says.

    Raises
    ------
    UsageError
        A name that belongs to no form.
    """
    asked = options["format"]
    if asked is not None:
        return str(asked)
    return form_of_name(options["output"], _FORM_OF_SUFFIX)


_FORM_OF_SUFFIX = {".json": "json", ".csv": "csv"}


def analysis_request(
    options: Mapping[str, Any], settings: ScreenerSettings
) -> AnalysisRequest:
    """Return what is asked for.

    Raises
    ------
    UsageError
        ``--group`` is neither a group nor a file of symbols; or spot is to be
        compared with itself.
    """
    venue = Venue(options["market"])
    if venue is Venue.SPOT and options["compare_spot"]:
        raise UsageError(
            "--compare-spot compares futures with spot: leave --market out"
        )
    symbols = [name for part in options["symbols"] for name in part]
    group = options["group"]
    if group is not None and group not in tuple(Group):
        try:
            symbols += readers.symbols(f"@{group}")
        except ValueError as error:
            names = ", ".join(Group)
            raise UsageError(
                f"--group must be {names} or a file of symbols: {error}"
            ) from error
        group = None
    return AnalysisRequest(
        symbols=tuple(symbols),
        group=None if group is None else Group(group),
        interval=settings.interval,
        limit=options["limit"],
        timeframes=options["timeframes"],
        quote=settings.quote,
        min_volume=settings.min_volume,
        workers=settings.io_workers,
        venue=venue,
        compares_spot=options["compare_spot"],
    )
