"""A recorded market, served by the rules written beside the recording.

The clock begins at the end of the recording and runs; no bar is added, so
klines end with the last closed bar. What was not recorded is filled by stated
rules: taker volume is synthetic by the rule `SYNTHETIC_TAKER`, quotes stand
around the last close.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import orjson

from monitor.domain.market import DAY_MS, HOUR_MS, KlineInterval
from monitor.domain.typing import Symbol
from monitor.simulator.bars import Bars, Scale, no_bars
from monitor.simulator.instrument_rows import brackets
from monitor.simulator.market import (
    Book,
    DayStatistics,
    FundingTerms,
    Interest,
    IntervalNotRecorded,
    Listing,
    Mark,
    Settlement,
)
from monitor.simulator.recorded_bars import (
    SYNTHETIC_TAKER,
    Columns,
    book,
    recorded_bars,
    recorded_scale,
    stated_tick,
    whole_bars,
)

_SOURCES = {
    KlineInterval.H1: KlineInterval.H1,
    KlineInterval.H2: KlineInterval.H1,
    KlineInterval.H4: KlineInterval.H4,
    KlineInterval.H6: KlineInterval.H1,
    KlineInterval.H8: KlineInterval.H4,
    KlineInterval.H12: KlineInterval.H4,
    KlineInterval.D1: KlineInterval.D1,
    KlineInterval.D3: KlineInterval.D1,
    KlineInterval.W1: KlineInterval.D1,
    KlineInterval.MONTH1: KlineInterval.D1,
}
"""Recorded bars that each interval is made of."""
_CAP = 0.02
_INTEREST_PERIOD_MS = 4 * HOUR_MS
_DEFAULT_INTERVAL_H = 8


class UnreadableRecording(ValueError):  # noqa: N818  named for what it is
    """The folder holds no recorded market."""


class RecordedMarket:
    """`Market` over one recording.

    Parameters
    ----------
    folder : Path
        The folder with ``exchangeInfo.json`` and the Parquet files, or the one
        above it when that holds exactly one ``market_*``.

    Raises
    ------
    UnreadableRecording
        A file is missing or cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = _market_folder(folder)
        self._tables: dict[str, dict[Symbol, Columns]] = {}
        self._bars: dict[tuple[Symbol, KlineInterval], Bars] = {}
        try:
            self._info = (self._folder / "exchangeInfo.json").read_bytes()
            rows = orjson.loads(self._info)["symbols"]
            hourly = self._table("klines_1h")
        except (OSError, ValueError, KeyError) as error:
            raise UnreadableRecording(f"{self._folder}: {error}") from error
        newest = max(int(columns["open_time"][-1]) for columns in hourly.values())
        self.starts_at_ms = newest + HOUR_MS
        self._rows = {row["symbol"]: row for row in rows}
        self._scales = {
            symbol: recorded_scale(columns, self._rows.get(symbol))
            for symbol, columns in hourly.items()
        }
        self.listings: Mapping[Symbol, Listing] = self._listed()
        self._day = {symbol: self._day_of(symbol) for symbol in hourly}
        self._interest = self._table("open_interest_4h")
        self._funding = self._table("funding")
        self.description = (
            f"the recorded market {self._folder.name}: {len(hourly)} contracts with "
            f"bars of 1h, 4h and 1d; taker volume is synthetic, share {SYNTHETIC_TAKER}"
        )

    def exchange_info(self) -> bytes:
        """Return the recorded body, unchanged."""
        return self._info

    def truths(self) -> Sequence[Mapping[str, object]]:
        """Return nothing: nobody knows the truth about a recorded market."""
        return []

    def scale(self, symbol: Symbol) -> Scale:
        """Return the decimals that occur in the recording."""
        return self._scales[symbol]

    def bar_range(
        self,
        symbol: Symbol,
        interval: KlineInterval,
        now_ms: int,  # noqa: ARG002  no bar is added as time goes on
    ) -> tuple[int, int]:
        """Return the opens of the oldest and the newest whole bar."""
        bars = self._all_bars(symbol, interval)
        if bars.count == 0:
            return self.starts_at_ms, self.starts_at_ms
        return int(bars.open_time[0]), int(bars.open_time[-1])

    def brackets(self, symbol: Symbol) -> Mapping[str, object]:
        """Return a generic schedule: brackets were not recorded."""
        return brackets(
            symbol, is_major=symbol in ("BTCUSDT", "ETHUSDT"), is_recent=False
        )

    def bars(
        self,
        symbol: Symbol,
        interval: KlineInterval,
        *,
        first_ms: int,
        last_ms: int,
        now_ms: int,  # noqa: ARG002  no bar is added as time goes on
    ) -> Bars:
        """Return recorded or aggregated bars, all of them closed."""
        return self._all_bars(symbol, interval).between(first_ms, last_ms)

    def day_statistics(self, now_ms: int) -> Mapping[Symbol, DayStatistics]:  # noqa: ARG002  as recorded
        """Return the last 24 bars of 1 h."""
        return self._day

    def books(self, now_ms: int) -> Mapping[Symbol, Book]:  # noqa: ARG002  as recorded
        """Return last close ∓ max(1 tick, 0.5 bp); both sides 5,000 in quote."""
        return {
            symbol: book(day, stated_tick(self._rows.get(symbol), day.scale))
            for symbol, day in self._day.items()
        }

    def marks(self, now_ms: int) -> Mapping[Symbol, Mark]:
        """Return mark = index = open-interest value ÷ open interest."""
        return {symbol: self._mark(symbol, now_ms) for symbol in self.listings}

    def funding_terms(self) -> Sequence[FundingTerms]:
        """Return intervals: the last gap between events, rounded to the hour."""
        return [
            FundingTerms(
                symbol=symbol,
                cap=_CAP,
                interval_h=self._interval_h(symbol),
                updated_at=None,
            )
            for symbol in self._funding
        ]

    def settlements(
        self, symbol: Symbol, *, first_ms: int, last_ms: int, now_ms: int
    ) -> Sequence[Settlement]:
        """Return recorded events; mark prices were not recorded."""
        columns = self._funding.get(symbol)
        if columns is None:
            return []
        pairs = zip(
            columns["timestamp"].tolist(), columns["funding_rate"].tolist(), strict=True
        )
        return [
            Settlement(symbol=symbol, time=at, rate=rate, mark_price=None)
            for at, rate in pairs
            if first_ms <= at <= min(last_ms, now_ms)
        ]

    def open_interest(self, symbol: Symbol, now_ms: int) -> Interest | None:
        """Return the newest recorded point."""
        rows = self.open_interest_history(
            symbol,
            period_ms=_INTEREST_PERIOD_MS,
            count=1,
            last_ms=now_ms,
            now_ms=now_ms,
        )
        return rows[-1] if rows else None

    def open_interest_history(
        self, symbol: Symbol, *, period_ms: int, count: int, last_ms: int, now_ms: int
    ) -> Sequence[Interest] | None:
        """Return recorded points every 4 h; None for other periods."""
        if period_ms != _INTEREST_PERIOD_MS:
            return None
        columns = self._interest.get(symbol)
        if columns is None:
            return []
        points = zip(
            columns["timestamp"].tolist(),
            columns["sum_open_interest"].tolist(),
            columns["sum_open_interest_value"].tolist(),
            strict=True,
        )
        rows = [
            Interest(symbol=symbol, time=at, base=base, value=value, decimals=3)
            for at, base, value in points
            if at <= min(last_ms, now_ms)
        ]
        return rows[-count:]

    def _listed(self) -> dict[Symbol, Listing]:
        # contracts with bars that exchangeInfo does not know are served, too
        known = {
            symbol: Listing(
                symbol=symbol,
                pair=row.get("pair", symbol),
                contract_type=row.get("contractType", ""),
                status=row.get("status", ""),
                has_bars=symbol in self._scales,
            )
            for symbol, row in self._rows.items()
        }
        unknown = {
            symbol: Listing(
                symbol=symbol,
                pair=symbol,
                contract_type="PERPETUAL",
                status="TRADING",
                has_bars=True,
            )
            for symbol in self._scales
            if symbol not in known
        }
        return known | unknown

    def _table(self, name: str) -> dict[Symbol, Columns]:
        if name not in self._tables:
            self._tables[name] = _read(self._folder / f"{name}.parquet")
        return self._tables[name]

    def _all_bars(self, symbol: Symbol, interval: KlineInterval) -> Bars:
        source = _SOURCES.get(interval)
        if source is None:
            raise IntervalNotRecorded(f"{interval.value} was not recorded.")
        key = (symbol, interval)
        if key not in self._bars:
            columns = self._table(f"klines_{source.value}").get(symbol)
            bars = no_bars()
            if columns is not None:
                bars = recorded_bars(symbol, columns, self._scales[symbol], source)
            self._bars[key] = whole_bars(bars, interval, source)
        return self._bars[key]

    def _day_of(self, symbol: Symbol) -> DayStatistics:
        bars = self._all_bars(symbol, KlineInterval.H1).part(slice(-24, None))
        return DayStatistics(
            symbol=symbol,
            scale=self._scales[symbol],
            open=int(bars.open[0]),
            high=int(bars.high.max()),
            low=int(bars.low.min()),
            last=int(bars.close[-1]),
            volume=int(bars.volume.sum()),
            quote_volume=int(bars.quote_volume.sum()),
            trades=int(bars.trades.sum()),
            open_time=self.starts_at_ms - DAY_MS,
            close_time=self.starts_at_ms,
        )

    def _interval_h(self, symbol: Symbol) -> int:
        columns = self._funding.get(symbol)
        if columns is None or columns["timestamp"].shape[0] < 2:  # noqa: PLR2004  one gap
            return _DEFAULT_INTERVAL_H
        gap = int(columns["timestamp"][-1] - columns["timestamp"][-2])
        return max(1, round(gap / HOUR_MS))

    def _mark(self, symbol: Symbol, now_ms: int) -> Mark:
        price, rate, settles = 0.0, 0.0, 0
        columns = self._interest.get(symbol)
        if symbol in self._day and columns is not None:
            amount = float(columns["sum_open_interest"][-1])
            price = float(columns["sum_open_interest_value"][-1]) / amount
        events = self._funding.get(symbol)
        if symbol in self._day and events is not None:
            rate = float(events["funding_rate"][-1])
        if symbol in self._day:
            step = self._interval_h(symbol) * HOUR_MS
            passed = (now_ms - self.starts_at_ms) // step
            settles = self.starts_at_ms + (passed + 1) * step
        return Mark(
            symbol=symbol,
            mark_price=price,
            index_price=price,
            funding_rate=rate,
            interest_rate=0.0001 if price else 0.0,
            next_funding_at=settles,
        )


def _market_folder(folder: Path) -> Path:
    if (folder / "exchangeInfo.json").is_file():
        return folder
    found = sorted(folder.glob("market_*/exchangeInfo.json"))
    if len(found) != 1:
        raise UnreadableRecording(
            f"{folder} holds no recorded market: exchangeInfo.json, klines_1h.parquet …"
        )
    return found[0].parent


def _read(path: Path) -> dict[Symbol, Columns]:
    # rows of one symbol are consecutive and in the order of time
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    encoded = table.column("symbol").combine_chunks()
    names = encoded.dictionary.to_pylist()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    time = "open_time" if "open_time" in table.column_names else "timestamp"
    order = np.lexsort((table.column(time).to_numpy(), codes))
    columns = {
        name: table.column(name).to_numpy()[order]
        for name in table.column_names
        if name != "symbol"
    }
    codes = codes[order]
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    ends = np.append(starts[1:], codes.shape[0])
    return {
        names[codes[start]]: {
            name: column[start:end] for name, column in columns.items()
        }
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    }
