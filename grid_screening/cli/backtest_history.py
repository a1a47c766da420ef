"""What a backtest reads of the history, and what is legal to ask of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from grid_screening.reports.wording import utc
from monitor.cli.exit_codes import UsageError
from monitor.domain.market import HOUR_MS, KlineInterval
from monitor.domain.typing import Symbol
from monitor.market_data.history import History, opened_history

_NEAR = 3
# names suggested for one that is not there


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenHistory:
    """A history and the part of it that is asked for."""

    history: History
    folder: str
    symbols: tuple[Symbol, ...]
    interval: KlineInterval
    """Of the bars that fills are simulated on."""
    start_ms: int
    end_ms: int
    """Excluded; never beyond the last bar."""


def asked_history(
    folder: str,
    symbols: Sequence[Symbol],
    *,
    interval: KlineInterval | None,
    start_ms: int,
    end_ms: int | None,
) -> OpenHistory:
    """Open a history and find the bars that are asked for.

    Parameters
    ----------
    folder : str
    symbols : sequence of str
    interval : KlineInterval, optional
        None: the finest that has all symbols and the whole period.
    start_ms, end_ms : int
        ms UTC; without an end, to the end of the history.

    Raises
    ------
    UsageError
        Says what the history has instead.
    HistoryUnreadable
        As `opened_history`.
    """
    history = opened_history(Path(folder).expanduser())
    listing = _Listing(
        history=history,
        by_interval={i: frozenset(history.symbols(i)) for i in history.intervals},
        symbols=tuple(symbols),
    )
    known = frozenset().union(*listing.by_interval.values())
    for symbol in symbols:
        if symbol not in known:
            raise UsageError(_unknown(symbol, known, folder))
    chosen = _interval(listing, interval, start_ms, end_ms)
    first, last = _covered(history, chosen)
    if not first <= start_ms < last:
        raise UsageError(
            f"--start {utc(start_ms)} lies outside the history: {listing.ranges()}"
        )
    if end_ms is not None and end_ms > last:
        raise UsageError(
            f"--end {utc(end_ms)} lies outside the history: {listing.ranges()}"
        )
    end_ms = last if end_ms is None else end_ms
    if end_ms - start_ms < chosen.milliseconds:
        raise UsageError(
            f"--end must be at least one {chosen.value} bar after --start "
            f"{utc(start_ms)}, was {utc(end_ms)}"
        )
    return OpenHistory(
        history=history,
        folder=folder,
        symbols=tuple(symbols),
        interval=chosen,
        start_ms=start_ms,
        end_ms=end_ms,
    )


def planning_interval(opened: OpenHistory) -> KlineInterval:
    """Return the coarsest bars of one hour or less that have all symbols.

    Raises
    ------
    UsageError
        There are none: a plan needs the hourly ATR.
    """
    for interval in opened.history.intervals:  # longest first
        if interval.milliseconds > HOUR_MS:
            continue
        if frozenset(opened.symbols) <= frozenset(opened.history.symbols(interval)):
            first, last = _covered(opened.history, interval)
            if first < opened.start_ms <= last:
                return interval
    raise UsageError(
        "planning needs bars of 1h or less before --start, which the history lacks "
        "for these symbols; --plan FILE needs none"
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Listing:
    history: History
    by_interval: Mapping[KlineInterval, frozenset[Symbol]]
    symbols: tuple[Symbol, ...]

    def ranges(self) -> str:
        there = []
        for interval in self.history.intervals:
            count = len(self.by_interval[interval].intersection(self.symbols))
            if not count:
                continue
            first, last = _covered(self.history, interval)
            whose = f" ({count} of {len(self.symbols)} symbols)"
            period = f"{utc(first)[:16]} to {utc(last)[:16]} UTC"
            partly = count < len(self.symbols)
            there.append(f"{interval.value} bars {period}{whose if partly else ''}")
        return ", ".join(there)


def _interval(
    listing: _Listing,
    asked: KlineInterval | None,
    start_ms: int,
    end_ms: int | None,
) -> KlineInterval:
    history, wanted = listing.history, frozenset(listing.symbols)
    if asked is not None:
        lacking = sorted(wanted - listing.by_interval.get(asked, frozenset()))
        if lacking:
            raise UsageError(
                f"--interval {asked.value}: the history has no such bars of "
                f"{lacking[0]}, it has {listing.ranges()}"
            )
        return asked
    complete = [i for i in history.intervals if wanted <= listing.by_interval[i]]
    if not complete:
        raise UsageError(
            "no bar length of the history has all symbols: "
            f"{listing.ranges()}; backtest them one by one"
        )
    for interval in reversed(complete):  # finest first
        first, last = _covered(history, interval)
        if first <= start_ms < last and (end_ms is None or end_ms <= last):
            return interval
    return complete[0]


def _covered(history: History, interval: KlineInterval) -> tuple[int, int]:
    first, last = history.time_range(interval)
    return first, last + interval.milliseconds


def _unknown(symbol: Symbol, known: frozenset[Symbol], folder: str) -> str:
    near = get_close_matches(symbol, sorted(known), n=_NEAR, cutoff=0.5)
    hint = f"near names: {', '.join(near)}" if near else f"it has {len(known)} others"
    return f"no {symbol} in the history {folder}; {hint}"
