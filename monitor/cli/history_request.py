"""What ``download_history`` was asked for."""

import re
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monitor.domain.market import KlineInterval
from monitor.domain.typing import Symbol
from monitor.market_data.archive_rows import label_bounds
from monitor.market_data.history_rows import HistoryKind, Series, is_symbol

DEFAULT_KINDS = "klines,funding"
DEFAULT_INTERVAL = "1h"
DEFAULT_QUOTE = "USDT"
_NAMED = 3
# contracts that a complaint names
_LABEL = re.compile(r"\d{4}-\d{2}(-\d{2})?", re.ASCII)
_ASSET = re.compile(r"[A-Z0-9]{2,10}", re.ASCII)
INTERVALS = tuple(i.value for i in KlineInterval if i is not KlineInterval.MONTH1)
"""Bars of a month are not equally long."""


class WrongRequest(ValueError):  # noqa: N818  named for what it is
    """What was asked for is not possible; the message says what is legal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRequest:
    """What is wanted."""

    symbols: tuple[Symbol, ...]
    """Empty with ``wants_all`` or ``import_from``."""
    wants_all: bool
    quote: str
    intervals: tuple[KlineInterval, ...]
    kinds: tuple[HistoryKind, ...]
    start_ms: int
    end_ms: int
    """Excluded; not after now."""
    asks_exchange: bool
    import_from: Path | None = None

    def series(self, symbols: Sequence[Symbol]) -> tuple[Series, ...]:
        """Return the series of these contracts, contract by contract."""
        found = []
        for symbol in symbols:
            for kind in self.kinds:
                if kind is HistoryKind.KLINES:
                    found += [
                        Series(kind=kind, symbol=symbol, interval=interval)
                        for interval in self.intervals
                    ]
                else:
                    found.append(Series(kind=kind, symbol=symbol))
        return tuple(found)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("symbols", nargs="*", metavar="SYMBOL", help="contracts")
    parser.add_argument(
        "--all",
        action="store_true",
        dest="wants_all",
        help="every perpetual the archive knows, delisted ones included",
    )
    parser.add_argument(
        "--quote",
        default=DEFAULT_QUOTE,
        metavar="ASSET",
        help=f"with --all: those of this quote asset (default {DEFAULT_QUOTE})",
    )
    parser.add_argument(
        "--interval",
        default=DEFAULT_INTERVAL,
        metavar="BAR,…",
        help=f"bar lengths, {INTERVALS[0]}…{INTERVALS[-1]} (default 1h)",
    )
    parser.add_argument(
        "--kind",
        default=DEFAULT_KINDS,
        metavar="KIND,…",
        help=f"klines, funding, metrics (default {DEFAULT_KINDS})",
    )
    parser.add_argument(
        "--start", metavar="DATE", help="first day, 2025-01-31 or 2025-01; UTC"
    )
    parser.add_argument(
        "--end",
        metavar="DATE",
        help="last day, included (a month: its last day); default: until now",
    )
    parser.add_argument(
        "--folder",
        metavar="FOLDER",
        help="the store (default: history in the data folder)",
    )
    parser.add_argument(
        "--archive-only",
        action="store_true",
        help="do not ask the exchange itself for what the archive lacks",
    )
    parser.add_argument(
        "--import",
        dest="import_from",
        metavar="FOLDER",
        help="put recorded files (klines_<interval>_*.parquet, funding_*.parquet) "
        "into the store instead of downloading",
    )
    parser.add_argument(
        "--quiet", action="store_true", help="print mistakes only, draw nothing"
    )


def history_request(options: Mapping[str, Any], *, now_ms: int) -> HistoryRequest:
    """Return what the flags ask for.

    Raises
    ------
    WrongRequest
    """
    symbols = _symbols(options["symbols"])
    wants_all, source = options["wants_all"], options["import_from"]
    given = [
        words
        for words, is_given in (
            (f"contracts ({', '.join(symbols[:_NAMED])})", bool(symbols)),
            ("--all", wants_all),
            ("--import", source is not None),
        )
        if is_given
    ]
    if not given:
        raise WrongRequest("name contracts, or say --all, or --import FOLDER")
    if len(given) > 1:
        raise WrongRequest(f"{' and '.join(given)} exclude each other: give one")
    start, end = options["start"], options["end"]
    if source is not None and (start or end):
        raise WrongRequest("--import takes everything: leave out --start and --end")
    if source is None and start is None:
        raise WrongRequest("--start is missing: a day or month like 2025-01")
    start_ms = 0 if start is None else _bounds("--start", start)[0]
    end_ms = now_ms if end is None else min(_bounds("--end", end)[1], now_ms)
    if start_ms >= end_ms:
        before = "now" if end is None or end_ms == now_ms else f"--end {end}"
        raise WrongRequest(f"--start must lie before {before}, was {start}")
    if not _ASSET.fullmatch(options["quote"]):
        raise WrongRequest(f"--quote must be an asset, was {options['quote']!r}")
    return HistoryRequest(
        symbols=symbols,
        wants_all=wants_all,
        quote=options["quote"],
        intervals=tuple(
            KlineInterval(name)
            for name in _choices("--interval", options["interval"], INTERVALS)
        ),
        kinds=tuple(
            HistoryKind(name)
            for name in _choices("--kind", options["kind"], tuple(HistoryKind))
        ),
        start_ms=start_ms,
        end_ms=end_ms,
        asks_exchange=not options["archive_only"],
        import_from=None if source is None else Path(source).expanduser(),
    )


def _symbols(texts: Sequence[str]) -> tuple[Symbol, ...]:
    names = [name for text in texts for name in text.split(",") if name]
    wrong = [name for name in names if not is_symbol(name)]
    if wrong:
        raise WrongRequest(
            f"a contract is spelled like BTCUSDT, upper case, was {wrong[0]!r}"
        )
    return tuple(dict.fromkeys(names))


def _choices(flag: str, text: str, legal: Sequence[str]) -> tuple[str, ...]:
    names = text.split(",")
    if not set(names) <= set(legal):
        raise WrongRequest(f"{flag} must be among {', '.join(legal)}, was {text!r}")
    return tuple(dict.fromkeys(names))


def _bounds(flag: str, text: str) -> tuple[int, int]:
    try:
        if _LABEL.fullmatch(text):
            return label_bounds(text)
    except ValueError:  # a month 13
        pass
    raise WrongRequest(
        f"{flag} must be a day or month like 2025-01-31 or 2025-01, was {text!r}"
    )


def day_text(at_ms: int) -> str:
    """Return a time as a day and minute, UTC."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M}"
