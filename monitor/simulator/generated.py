"""The generated market: a pure function of seed, number of contracts and time."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from monitor.domain.market import DAY_MS, HOUR_MS, MINUTE_MS, KlineInterval
from monitor.domain.typing import IntArray, Symbol
from monitor.simulator.bars import Bars, Scale, aggregated, flat_bar, joined, no_bars
from monitor.simulator.bridge import hour_keys, minutes, uniforms
from monitor.simulator.contracts import STARTS_AT_MS, Contract
from monitor.simulator.day import STALE_BY_MS, contract_key, day_statistics
from monitor.simulator.instrument_rows import brackets, exchange_info
from monitor.simulator.intervals import bar_open
from monitor.simulator.listings import contracts
from monitor.simulator.market import (
    Book,
    DayStatistics,
    FundingTerms,
    Interest,
    Listing,
    Mark,
    Settlement,
)
from monitor.simulator.paths import HISTORY_HOUR, Paths
from monitor.simulator.sentiment import FUNDING_CAP, funding_rate, open_interest
from monitor.simulator.truth import Kind

_LATENESS_MS = 5
"""Fundings settle up to this long after the hour."""
_SPREAD = 0.00004
"""Half of the spread around the last price, at least half a tick."""


class GeneratedMarket:
    """`Market` with known ground truth; prices move once a minute.

    Parameters
    ----------
    count : int
        USDT perpetuals in trading; special contracts come in addition.
    seed : int
        At least 0.

    Raises
    ------
    ValueError
        ``count`` is out of range.
    """

    def __init__(self, *, count: int, seed: int) -> None:
        self.starts_at_ms = STARTS_AT_MS
        self._seed = seed
        self._contracts = {c.symbol: c for c in contracts(count, seed)}
        self._with_bars = [c for c in self._contracts.values() if c.has_bars]
        self._paths = Paths(seed)
        self._day: tuple[int, dict[Symbol, DayStatistics]] = (0, {})
        self._marks: tuple[int, dict[Symbol, Mark]] = (0, {})
        self.listings: Mapping[Symbol, Listing] = {
            c.symbol: _listing(c) for c in self._contracts.values()
        }
        self.description = (
            f"a generated market (seed {seed}): {count} USDT perpetuals and "
            f"{len(self._contracts) - count} other contracts"
        )

    def exchange_info(self) -> bytes:
        """Return the JSON body of ``exchangeInfo``."""
        return exchange_info(tuple(self._contracts.values()))

    def truths(self) -> Sequence[Mapping[str, object]]:
        """Return the parameters that each contract was generated with."""
        return [asdict(contract.truth) for contract in self._contracts.values()]

    def scale(self, symbol: Symbol) -> Scale:
        """Return the decimals of one contract."""
        return self._contracts[symbol].scale

    def bar_range(
        self, symbol: Symbol, interval: KlineInterval, now_ms: int
    ) -> tuple[int, int]:
        """Return the opens of the contract's first bar and of the open one."""
        listed = self._contracts[symbol].truth.listed_at
        first = max(listed, HISTORY_HOUR * HOUR_MS)
        return bar_open(interval, first), bar_open(interval, now_ms)

    def brackets(self, symbol: Symbol) -> Mapping[str, object]:
        """Return one row of ``leverageBracket``."""
        contract = self._contracts[symbol]
        return brackets(
            symbol,
            is_major=contract.base_asset in ("BTC", "ETH"),
            is_recent=contract.truth.kind is Kind.NEWLY_LISTED,
        )

    def bars(
        self,
        symbol: Symbol,
        interval: KlineInterval,
        *,
        first_ms: int,
        last_ms: int,
        now_ms: int,
    ) -> Bars:
        """Return bars with ``first_ms ≤ open_time ≤ last_ms``, the open one last."""
        contract = self._contracts[symbol]
        now = now_ms // MINUTE_MS * MINUTE_MS
        last_ms = min(last_ms, now_ms)
        if last_ms < first_ms or not contract.has_bars:
            return no_bars()
        end = min(now, bar_open(interval, last_ms) + interval.milliseconds + DAY_MS)
        start = bar_open(interval, first_ms)
        if interval.milliseconds < HOUR_MS:
            end = min(now, last_ms // HOUR_MS * HOUR_MS + HOUR_MS)
            source = self._minutes(contract, start, end)
        else:
            whole = self._paths.hours(contract, start // HOUR_MS, end // HOUR_MS)
            rest = self._minutes(contract, max(start, end // HOUR_MS * HOUR_MS), end)
            source = joined([whole, aggregated(rest, KlineInterval.H1)])
        shown = aggregated(source, interval)
        if bar_open(interval, now) == now and last_ms >= now:
            # nothing has traded in the open bar yet
            last = self.day_statistics(now_ms)[symbol].last
            shown = joined([shown, flat_bar(now, last)])
        return shown.between(first_ms, last_ms)

    def day_statistics(self, now_ms: int) -> Mapping[Symbol, DayStatistics]:
        """Return exact sums of the 1,440 one-minute bars that closed last."""
        now = now_ms // MINUTE_MS * MINUTE_MS
        if self._day[0] != now:
            listed, paths = self._with_bars, self._paths
            self._day = (now, day_statistics(listed, paths, self._seed, now))
        return self._day[1]

    def books(self, now_ms: int) -> Mapping[Symbol, Book]:
        """Return best bids and asks around the last price."""
        day = self.day_statistics(now_ms)
        return {symbol: self._book(row) for symbol, row in day.items()}

    def marks(self, now_ms: int) -> Mapping[Symbol, Mark]:
        """Return mark prices within 0.02 % of the last, index close to mark."""
        now = now_ms // MINUTE_MS
        if self._marks[0] != now:
            self._marks = (now, self._computed_marks(now_ms))
        return self._marks[1]

    def _computed_marks(self, now_ms: int) -> dict[Symbol, Mark]:
        day = self.day_statistics(now_ms)
        minute = np.array([now_ms // MINUTE_MS], dtype=np.int64)
        return {
            contract.symbol: self._mark(contract, day.get(contract.symbol), minute)
            for contract in self._contracts.values()
        }

    def funding_terms(self) -> Sequence[FundingTerms]:
        """Return a row for the contracts that state their interval."""
        return [
            FundingTerms(
                symbol=c.symbol,
                cap=0.003 if c.base_asset == "BTC" else FUNDING_CAP,
                interval_h=c.truth.funding_interval_h,
                updated_at=None if c.index % 14 == 0 else c.truth.listed_at,
            )
            for c in self._contracts.values()
            if c.truth.states_funding_interval
        ]

    def settlements(
        self, symbol: Symbol, *, first_ms: int, last_ms: int, now_ms: int
    ) -> Sequence[Settlement]:
        """Return settled fundings, up to 5 ms after the hour, oldest first."""
        contract = self._contracts[symbol]
        if not contract.has_bars or contract.truth.kind is Kind.QUARTERLY:
            return []
        step = contract.truth.funding_interval_h
        earliest = max(
            first_ms - _LATENESS_MS, contract.truth.listed_at, HISTORY_HOUR * HOUR_MS
        )
        first = -(-earliest // HOUR_MS // step) * step
        last = min(last_ms, now_ms) // HOUR_MS
        hours = np.arange(first, last + 1, step, dtype=np.int64)
        hours = hours[hours * HOUR_MS > contract.truth.listed_at]
        if hours.shape[0] == 0:
            return []
        rates = funding_rate(contract, self._seed, hours)
        bars = self._paths.hours(contract, int(hours[0]) - 1, int(hours[-1]))
        close_of = dict(
            zip(
                (bars.open_time // HOUR_MS + 1).tolist(),
                bars.close.tolist(),
                strict=True,
            )
        )
        rows = [
            Settlement(
                symbol=symbol,
                time=hour * HOUR_MS + (hour + contract.index) % (_LATENESS_MS + 1),
                rate=rate,
                mark_price=contract.scale.price(close_of[hour]),
            )
            for hour, rate in zip(hours.tolist(), rates.tolist(), strict=True)
            if hour in close_of
        ]
        return [row for row in rows if first_ms <= row.time <= min(last_ms, now_ms)]

    def open_interest(self, symbol: Symbol, now_ms: int) -> Interest | None:
        """Return the current open interest."""
        contract = self._contracts[symbol]
        now = now_ms // MINUTE_MS * MINUTE_MS
        price = self.day_statistics(now_ms)[symbol].last
        return self._interests(contract, [now], [price])[0]

    def open_interest_history(
        self, symbol: Symbol, *, period_ms: int, count: int, last_ms: int, now_ms: int
    ) -> Sequence[Interest] | None:
        """Return points on the period's grid; values use the last hourly close."""
        contract = self._contracts[symbol]
        last = min(last_ms, now_ms) // period_ms * period_ms
        times = list(range(last - (count - 1) * period_ms, last + 1, period_ms))
        bars = self._paths.hours(
            contract, times[0] // HOUR_MS - 1, times[-1] // HOUR_MS + 1
        )
        places = np.searchsorted(bars.open_time, np.array(times) - HOUR_MS, "right") - 1
        known = [(at, int(i)) for at, i in zip(times, places, strict=True) if i >= 0]
        closes = [int(bars.close[i]) for _, i in known]
        return self._interests(contract, [at for at, _ in known], closes)

    def _interests(
        self, contract: Contract, times: list[int], prices: list[int]
    ) -> list[Interest]:
        amounts = open_interest(contract, self._seed, np.array(times, dtype=np.int64))
        return [
            Interest(
                symbol=contract.symbol,
                time=at,
                base=amount,
                value=amount * contract.scale.price(price),
                decimals=contract.scale.volume_decimals,
            )
            for at, amount, price in zip(times, amounts.tolist(), prices, strict=True)
        ]

    def _minutes(self, contract: Contract, start: int, end: int) -> Bars:
        # whole minutes with start ≤ open < end (ms)
        if end <= start:
            return no_bars()
        hours = self._paths.hours(contract, start // HOUR_MS, -(-end // HOUR_MS))
        if hours.count == 0:
            return hours
        keys = hour_keys(contract_key(contract, self._seed), hours.open_time // HOUR_MS)
        return minutes(hours, keys).between(start, end - 1)

    def _book(self, row: DayStatistics) -> Book:
        contract = self._contracts[row.symbol]
        half = max(1, round(row.last * _SPREAD))
        draws = uniforms(
            hour_keys(contract_key(contract, self._seed), np.array([row.close_time])), 2
        )[0]
        depth = row.quote_volume / max(1, row.last) / 20_000
        quantities = [max(1, int(depth * (0.2 + draw))) for draw in draws]
        stale = contract.truth.has_stale_quotes
        return Book(
            symbol=row.symbol,
            scale=row.scale,
            bid=max(1, row.last - half // 2),
            bid_quantity=quantities[0],
            ask=max(1, row.last - half // 2) + max(1, half),
            ask_quantity=0 if stale and contract.index % 3 == 0 else quantities[1],
            tick=1,
            time=STARTS_AT_MS - STALE_BY_MS if stale else None,
        )

    def _mark(
        self, contract: Contract, day: DayStatistics | None, minute: IntArray
    ) -> Mark:
        if day is None:
            return Mark(
                symbol=contract.symbol,
                mark_price=0.0,
                index_price=0.0,
                funding_rate=0.0,
                interest_rate=0.0,
                next_funding_at=0,
            )
        draws = uniforms(hour_keys(contract_key(contract, self._seed) ^ 1, minute), 2)[
            0
        ]
        price = contract.scale.price(day.last)
        step = contract.truth.funding_interval_h
        settles = (int(minute[0]) // 60 // step + 1) * step
        is_perpetual = contract.truth.kind is not Kind.QUARTERLY
        rates = funding_rate(contract, self._seed, np.array([settles]))
        tradifi = contract.truth.kind is Kind.TRADIFI
        return Mark(
            symbol=contract.symbol,
            mark_price=price * (1 + 0.0004 * (draws[0] - 0.5)),
            index_price=price * (1 + 0.001 * (draws[1] - 0.5)),
            funding_rate=float(rates[0]) if is_perpetual else 0.0,
            interest_rate=0.0 if tradifi or not is_perpetual else 0.0001,
            next_funding_at=settles * HOUR_MS if is_perpetual else 0,
        )


def _listing(contract: Contract) -> Listing:
    return Listing(
        symbol=contract.symbol,
        pair=contract.pair,
        contract_type=contract.contract_type,
        status=contract.status,
        has_bars=contract.has_bars,
    )
