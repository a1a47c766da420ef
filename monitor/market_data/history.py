"""Recorded history as rectangles of arrays, from files on disk."""

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import numpy as np

from monitor.domain.history import FundingBySymbol, HistoryPanel
from monitor.domain.market import KlineInterval
from monitor.domain.typing import FloatArray, IntArray, Symbol
from monitor.market_data.history_assembly import (
    PanelAssembly,
    funding_history,
    gaps,
)
from monitor.market_data.history_errors import HistoryUnreadable
from monitor.market_data.history_parts import (
    UNFINISHED_NAME,
    HistoryListing,
    HistoryPart,
    bar_batches,
    funding_rows,
    listed_parts,
    manifest_names,
    part_hash,
    part_range,
    part_spans,
    part_symbols,
)

__all__ = ["History", "HistoryUnreadable", "opened_history", "store_warning"]

UNFINISHED = (
    "the last download or import of this store did not finish, or still runs: "
    "contracts, bars and funding may be missing; run it again"
)
"""What a store says that is marked so."""

NAMED_CONTRACTS = 5
"""How many contracts a problem names."""


class History:
    """The bars and settlements of a folder; files are read when asked for.

    Contracts that ended trading are there like all others. Nothing is filled in:
    what was not recorded is NaN. Made by `opened_history`. Not for several threads
    at a time.
    """

    def __init__(
        self, folder: Path, listing: HistoryListing, *, warning: str | None = None
    ) -> None:
        self.warning = warning
        """What must be told before anything else; None when nothing."""
        self._folder = folder
        self._listing = listing
        self._symbols: dict[KlineInterval, tuple[Symbol, ...]] = {}
        self._ranges: dict[HistoryPart, tuple[int, int] | None] = {}

    @property
    def label(self) -> str:
        """Name of the folder."""
        return self._folder.resolve().name

    @property
    def intervals(self) -> tuple[KlineInterval, ...]:
        """Bar lengths there are, longest first."""
        return tuple(
            sorted(self._listing.klines, key=lambda i: i.milliseconds, reverse=True)
        )

    def symbols(self, interval: KlineInterval) -> tuple[Symbol, ...]:
        """Return whose bars of a length there are, in order; empty when none."""
        if interval not in self._symbols:
            found: set[Symbol] = set()
            for part in self._listing.klines.get(interval, ()):
                found |= part_symbols(part)
            self._symbols[interval] = tuple(sorted(found))
        return self._symbols[interval]

    def spans(self, interval: KlineInterval) -> dict[Symbol, tuple[int, int]]:
        """Return the open times of each contract's first and last bar, ms UTC.

        The universe of a past day are the contracts whose span holds it. Reads the
        times of all bars.
        """
        found: dict[Symbol, tuple[int, int]] = {}
        for part in self._listing.klines.get(interval, ()):
            for symbol, (first, last) in part_spans(part).items():
                before = found.get(symbol, (first, last))
                found[symbol] = (min(first, before[0]), max(last, before[1]))
        return {symbol: found[symbol] for symbol in sorted(found)}

    def time_range(self, interval: KlineInterval) -> tuple[int, int]:
        """Return the open times of the first and last bar of all contracts, ms UTC.

        Raises
        ------
        ValueError
            There are no bars of this length.
        """
        ranges = [
            found
            for part in self._listing.klines.get(interval, ())
            if (found := self._range(part)) is not None
        ]
        if not ranges:
            raise self._no_bars(interval)
        return min(first for first, _ in ranges), max(last for _, last in ranges)

    def panel(
        self,
        interval: KlineInterval,
        *,
        symbols: Iterable[Symbol] | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> HistoryPanel:
        """Return bars; 8 bytes a value: 428 contracts with 6,552 bars take 135 MB.

        Parameters
        ----------
        interval : KlineInterval
        symbols : iterable of str, optional
            Rows of the panel, in this order; by default all.
        start_ms, end_ms : int, optional
            Bars that open in ``[start_ms, end_ms)``, ms UTC. The time axis never
            exceeds `time_range`, whichever contracts are asked for.

        Raises
        ------
        ValueError
            No bars of this length, or of one of the contracts.
        HistoryUnreadable
            A file is not what its name says.
        """
        chosen = self.symbols(interval) if symbols is None else tuple(symbols)
        unknown = sorted(set(chosen) - set(self.symbols(interval)))
        if unknown:
            raise ValueError(
                f"history {self.label} has no {interval.value} bars of "
                f"{', '.join(unknown[:NAMED_CONTRACTS])}"
            )
        return self._assembly(interval, chosen, start_ms, end_ms).panel()

    def funding(self, symbols: Iterable[Symbol] | None = None) -> FundingBySymbol:
        """Return the settlements recorded, of these contracts or of all."""
        wanted = None if symbols is None else frozenset(symbols)
        times: dict[Symbol, list[IntArray]] = {}
        rates: dict[Symbol, list[FloatArray]] = {}
        for part in self._listing.funding:
            if wanted is not None and part.symbol not in {None, *wanted}:
                continue
            names, codes, time, rate = funding_rows(part)
            for code in np.unique(codes):
                name = names[code]
                if wanted is None or name in wanted:
                    own = codes == code
                    times.setdefault(name, []).append(time[own])
                    rates.setdefault(name, []).append(rate[own])
        return {
            name: funding_history(
                np.concatenate(times[name]), np.concatenate(rates[name])
            )
            for name in sorted(times)
        }

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the names and bytes of all files, in hexadecimal."""
        digest = hashlib.sha256()
        for part in sorted(self._listing.parts(), key=lambda part: part.name):
            digest.update(f"{part.name}\0{part_hash(part)}\n".encode())
        return digest.hexdigest()

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """What a reader should know, one line each; reads all bars once."""
        found = [] if self.warning is None else [self.warning]
        found += [f"{name}: not used, its name is unknown" for name in self._ignored()]
        there = {part.name for part in self._listing.parts()}
        found += [
            f"{name}: named by the manifest, and missing"
            for name in manifest_names(self._folder)
            if name not in there
        ]
        for interval in self.intervals:
            assembly = self._assembly(interval, self.symbols(interval), None, None)
            whose = _named(sorted(assembly.faults.symbols))
            found += [
                f"{interval.value}: {line} ({whose})"
                for line in assembly.faults.lines()
            ]
            missing = gaps(assembly.panel())
            if missing:
                bars = sum(gap.bar_count for gap in missing)
                names = sorted({gap.symbol for gap in missing})
                found.append(
                    f"{interval.value}: {len(missing):,} gaps of together {bars:,} "
                    f"bars inside the records of {len(names)} contracts "
                    f"({_named(names)})"
                )
        return tuple(found)

    def _ignored(self) -> Sequence[str]:
        return self._listing.ignored

    def _assembly(
        self,
        interval: KlineInterval,
        symbols: tuple[Symbol, ...],
        start_ms: int | None,
        end_ms: int | None,
    ) -> PanelAssembly:
        step = interval.milliseconds
        first_ms, last_ms = self.time_range(interval)
        if start_ms is not None and start_ms > first_ms:
            first_ms += -(-(start_ms - first_ms) // step) * step
        if end_ms is not None:
            last_ms = min(
                last_ms, first_ms + -(-(end_ms - first_ms) // step) * step - step
            )
        assembly = PanelAssembly(interval, symbols, first_ms=first_ms, last_ms=last_ms)
        wanted = frozenset(symbols)
        for part in self._listing.klines[interval]:
            if part.symbol is not None and part.symbol not in wanted:
                continue
            there = self._range(part)
            if there is None or there[1] < first_ms or there[0] > last_ms:
                continue
            for batch in bar_batches(part):
                assembly.add(batch.symbols, batch.codes, batch.open_time, batch.columns)
        return assembly

    def _range(self, part: HistoryPart) -> tuple[int, int] | None:
        if part not in self._ranges:
            self._ranges[part] = part_range(part)
        return self._ranges[part]

    def _no_bars(self, interval: KlineInterval) -> ValueError:
        there = ", ".join(i.value for i in self.intervals) or "none"
        return ValueError(
            f"history {self.label} has no {interval.value} bars, only {there}"
        )


def opened_history(folder: Path) -> History:
    """Return the history of a folder.

    Parameters
    ----------
    folder : Path
        A store made by ``download_history``, or a folder of recorded Parquet files:
        ``klines_<interval>_*.parquet`` (symbol, open_time, open, high, low, close, and
        where recorded volume, quote_volume, taker_buy_volume) and
        ``funding_*.parquet`` (symbol, timestamp, funding_rate).

    Raises
    ------
    HistoryUnreadable
        There is no such folder, or no bars in it.
    """
    # looked for before the files: a writer that ends meanwhile has them all
    warning = store_warning(folder)
    return History(folder, listed_parts(folder), warning=warning)


def store_warning(folder: Path) -> str | None:
    """Return what must be told before a store is used; None when nothing.

    A store whose last writing did not finish holds a part of what was asked for, and
    nothing else shows that. Any other folder has no such mark.
    """
    with suppress(OSError):  # opening it tells more
        if (folder / UNFINISHED_NAME).exists():
            return UNFINISHED
    return None


def _named(symbols: Sequence[Symbol]) -> str:
    named = ", ".join(symbols[:NAMED_CONTRACTS])
    more = len(symbols) - NAMED_CONTRACTS
    return f"{named} and {more} more" if more > 0 else named
