"""The flags of ``screen_short_grid``: one per setting, and the command's own."""

from argparse import (
    SUPPRESS,
    ArgumentParser,
    BooleanOptionalAction,
    _ArgumentGroup,
)
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grid_screening.cli import readers
from grid_screening.cli.report_folder import DEFAULT_KEEP, is_folder
from grid_screening.conf import (
    FLAG_NAMES,
    MAX_BARS,
    MAX_FEE,
    MAX_LEVERAGE,
    MIN_BARS,
    MIN_RANK_DRAWS,
    MIN_SCAN_DEADLINE_S,
)
from monitor.cli.exit_codes import UsageError
from monitor.cli.flags import add_remarks, argument_type
from monitor.cli.output_forms import form_of_name

FORMATS = ("table", "json", "csv", "markdown", "html")

FORMAT_OF_SUFFIX = {
    ".json": "json",
    ".csv": "csv",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
}
"""Form of a report whose ``--format`` is not given, by the end of its file's name."""

Reader = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A flag that sets one field of `ScreenerSettings`."""

    setting: str
    """The field."""
    read: Reader
    legal: str
    """Legal values, for people."""
    help: str
    metavar: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The flag's first spelling."""
        return "--" + FLAG_NAMES.get(self.setting, self.setting).replace("_", "-")


def _flag(
    setting: str,
    read: Reader,
    metavar: str,
    legal: str,
    text: str,
    *aliases: str,
) -> Flag:
    return Flag(
        setting=setting,
        read=read,
        metavar=metavar,
        legal=legal,
        help=text,
        aliases=aliases,
    )


_AT_LEAST_0 = "a number ≥ 0, at most 100000"
_ABOVE_0 = "a number > 0, at most 1e+09"
_THREADS = "a whole number in 1…200"
_LIST = "A,B or @FILE"

FLAGS: tuple[Flag, ...] = (
    _flag("top", readers.whole, "N", "a whole number in 0…100000; 0 lists all",
          "symbols listed", "--top-n"),
    _flag("profile", readers.word, "NAME", "a file of grid_screening/profiles",
          "score profile"),
    _flag("weights", readers.weights, "W1,W2,W3,W4",
          "four finite numbers ≥ 0 with sum 1",
          "weights of volatility, inefficiency, trend, microstructure"),
    _flag("strict", readers.switch, "", "", "keep only NATR in the top 20 pct, "
          "KER < 0.3, H < 0.5, funding > 0 (found to have no benefit)"),
    _flag("quote", readers.asset, "ASSET", "an asset", "quote asset of the universe"),
    _flag("include_tradifi", readers.switch, "", "",
          "also stocks, metals and indices"),
    _flag("symbols", readers.symbols, "A,B|@FILE", _LIST, "only these symbols"),
    _flag("exclude", readers.exclusions, "A,B|@FILE", _LIST, "leave these out"),
    _flag("interval", readers.interval, "BAR", "1m…1w, an interval of the exchange",
          "bar length"),
    _flag("bars", readers.whole, "N", f"a whole number in {MIN_BARS}…{MAX_BARS}",
          "closed bars per symbol"),
    _flag("min_volume", readers.number, "AMOUNT", "a number ≥ 0, at most 1e+15",
          "24 h turnover must exceed this, quote currency", "--min-quote-volume"),
    _flag("min_days", readers.number, "DAYS", _AT_LEAST_0, "listed longer than this"),
    _flag("min_natr", readers.number, "PERCENT", _AT_LEAST_0,
          "lowest NATR, percent of close"),
    _flag("max_natr", readers.number, "PERCENT",
          "a number ≥ --min-natr, at most 100000",
          "highest NATR, percent of close"),
    _flag("max_tick_share", readers.number, "SHARE", "in [0, 1]",
          "largest share of the spacing that one tick may be"),
    _flag("max_quote_age_s", readers.number, "SECONDS", _ABOVE_0,
          "oldest best bid and ask"),
    _flag("min_delivery_days", readers.number, "DAYS", _AT_LEAST_0,
          "a nearer delivery date excludes"),
    _flag("grid_margin_usdt", readers.number, "AMOUNT", _ABOVE_0,
          "margin of one grid, quote currency"),
    _flag("max_leverage", readers.whole, "N", f"a whole number in 1…{MAX_LEVERAGE}",
          "upper limit of the planned leverage"),
    _flag("maker_fee", readers.number, "FRACTION", f"in [0, {MAX_FEE:g})",
          "fee per side, as a fraction"),
    _flag("taker_fee", readers.number, "FRACTION", f"in [0, {MAX_FEE:g})",
          "fee per side, as a fraction"),
    _flag("brackets", readers.brackets, "FILE",
          "a file with the JSON of /fapi/v1/leverageBracket",
          "maintenance brackets; without it a conservative assumption"),
    _flag("bounds", readers.word, "SOURCE", "atr, quantile or value-area",
          "what the bounds of a grid are measured by"),
    _flag("spacing", readers.word, "KIND", "arithmetic or geometric",
          "levels evenly apart, or each the same ratio above the last"),
    _flag("start", readers.word, "HELD", "loaded or flat",
          "short one lot for each level below the price at once, or nothing"),
    _flag("deep", readers.switch, "", "",
          "choose the spacing of listed contracts on a day of one-minute bars"),
    _flag("min_coverage", readers.number, "SHARE", "in [0, 1]",
          "below this share of symbols with complete data the scan is degraded"),
    _flag("io_workers", readers.whole, "N", _THREADS, "threads that fetch"),
    _flag("calculator_workers", readers.whole, "N", _THREADS,
          "threads that calculate, used on large panels only"),
    _flag("max_wait_s", readers.number, "SECONDS", "a number > 0, at most 3600",
          "longest wait of one request for budget; beyond it exit 75"),
    _flag("scan_deadline_s", readers.number, "SECONDS",
          f"a number in {MIN_SCAN_DEADLINE_S}…3600",
          "end the scan then with what it has, waits for budget not counted"),
    _flag("cache", readers.switch, "", "",
          "keep closed bars on disk and ask only for new ones"),
    _flag("rank_draws", readers.whole, "N",
          f"a whole number in {MIN_RANK_DRAWS}…1000, or 0",
          "bootstrap draws behind the rank intervals; 0 leaves them out"),
    _flag("hold", readers.whole, "RANKS", "a whole number in 0…100000",
          "with --diff: contracts of that list stay down to so many ranks below it"),
)  # fmt: skip
"""One per field of `ScreenerSettings`."""


def add_arguments(parser: ArgumentParser, defaults: Mapping[str, Any]) -> None:
    """Add all flags to ``parser``.

    Flags that are not given leave no value: defaults are merged later.

    Parameters
    ----------
    parser : ArgumentParser
        Gets one option per flag; ``dest`` is the setting's field name.
    defaults : mapping
        Default per field, shown in the help.
    """
    scan = parser.add_argument_group("what is scanned, and how")
    for flag in FLAGS:
        add_setting(scan, flag, defaults[flag.setting])
    _add_source_arguments(parser)
    _add_output_arguments(parser)


def add_setting(group: _ArgumentGroup, flag: Flag, default: Any) -> None:
    """Add the flag of a setting; not given, it leaves no value.

    Parameters
    ----------
    group : argument group
        Of any command that takes this setting.
    flag : Flag
        A row of `FLAGS`.
    default : object
        Shown in the help.
    """
    if flag.read is readers.switch:
        group.add_argument(
            flag.name,
            dest=flag.setting,
            action=BooleanOptionalAction,
            default=SUPPRESS,
            help=flag.help,
        )
        return
    group.add_argument(
        flag.name,
        *flag.aliases,
        dest=flag.setting,
        type=argument_type(flag.read),
        metavar=flag.metavar,
        default=SUPPRESS,
        help=f"{flag.help}; {flag.legal} (default: {_shown(default)})",
    )


def _add_source_arguments(parser: ArgumentParser) -> None:
    source = parser.add_argument_group("source")
    source.add_argument(
        "--demo",
        action="store_true",
        help="scan a simulated exchange on this machine: no network, no keys",
    )
    source.add_argument(
        "--snapshot",
        metavar="FILE",
        type=argument_type(readers.path),
        help="replay a recorded scan, with its settings where no flag says otherwise",
    )
    source.add_argument(
        "--record",
        metavar="FILE",
        type=argument_type(readers.path),
        help="write everything that the scan read, for --snapshot and --diff",
    )
    source.add_argument(
        "--dry-run",
        action="store_true",
        help="print requests, weight and expected seconds; send nothing",
    )


def _add_output_arguments(parser: ArgumentParser) -> None:
    own = parser.add_argument_group("output")
    own.add_argument(
        "--format",
        choices=FORMATS,
        help="form of the report (default: by the name of the output: .json, .csv, "
        ".md, .markdown, .html, .htm; html in a folder; .txt, .log or no suffix: "
        "table)",
    )
    own.add_argument(
        "--output",
        metavar="PATH",
        default="-",
        help="file for the report, replaced atomically; a folder gets dated reports "
        "and latest.*; - is standard output (default: -)",
    )
    own.add_argument(
        "--keep",
        metavar="N",
        type=argument_type(readers.count),
        help="dated reports that stay in an output folder; 0 keeps all "
        f"(default: {DEFAULT_KEEP})",
    )
    own.add_argument(
        "--explain",
        metavar="A,B|@FILE",
        type=argument_type(readers.symbols),
        help="say why these contracts are where they are, and what would list them",
    )
    own.add_argument(
        "--diff",
        metavar="FILE",
        type=argument_type(readers.path),
        help="say who entered and left since an earlier scan: a recording or a "
        "JSON report",
    )
    add_remarks(own)
    own.add_argument(
        "--fail-empty",
        action="store_true",
        help="exit 4 when nothing qualified",
    )


def report_format(options: Mapping[str, Any]) -> str:
    """Return the form of the report: as asked, or as the output's name says.

    Raises
    ------
    UsageError
        No such form, no output, or a name that belongs to no form.
    """
    output, asked = options["output"], options["format"]
    if not isinstance(output, str) or not output.strip():
        raise UsageError(f"--output must be a path or -, was {output!r}")
    if asked is None and is_folder(output):
        return "html"
    if asked is None:
        return form_of_name(output, FORMAT_OF_SUFFIX)
    if asked not in FORMATS:
        raise UsageError(f"--format must be one of {', '.join(FORMATS)}, was {asked!r}")
    return str(asked)


def is_one_file(options: Mapping[str, Any]) -> bool:
    """Return whether the report would replace the recording."""
    record, output = options["record"], options["output"]
    if record is None or not isinstance(output, str):
        return False
    return Path(record).resolve() == Path(output).resolve()


def check_combination(options: Mapping[str, Any]) -> None:
    """Refuse flags that contradict each other.

    Raises
    ------
    UsageError
        Names both.
    """
    replayed = options["snapshot"] is not None
    for flag in ("demo", "dry_run", "record"):
        if replayed and options[flag]:
            raise UsageError(
                f"--snapshot and --{flag.replace('_', '-')} exclude each other"
            )
    if options["keep"] is not None and not is_folder(options["output"]):
        raise UsageError("--keep counts reports in a folder: --output must name one")
    if (options.get("hold") or 0) > 0 and options["diff"] is None and not replayed:
        raise UsageError("--hold needs --diff: the earlier list whose members stay")
    if is_one_file(options):
        raise UsageError("--record and --output must name different files")
    for flag in ("record", "explain", "diff"):
        if options["dry_run"] and options[flag]:
            raise UsageError(
                f"--dry-run and --{flag} exclude each other: nothing is read"
            )


def _shown(default: Any) -> str:
    if default is None or default == ():
        return "none"
    if isinstance(default, float) and default.is_integer():
        return str(int(default))
    return str(default)
