"""Whole-market replies, bars and open interest → `MarketSnapshot`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grid_screening.snapshot import BENCHMARK, MarketSnapshot
from grid_screening.universe import MarketQuotes
from monitor.domain.instruments import ExchangeInfo, Instrument
from monitor.domain.market import (
    FundingInterval,
    KlineInterval,
    Klines,
    MarketRows,
    MarkPrice,
    OpenInterest,
)
from monitor.domain.typing import FloatArray, Symbol

DEFAULT_FUNDING_INTERVAL_H = 8.0
"""Of contracts without a ``fundingInfo`` row, by the exchange's rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Whole-market replies as of one server time."""

    exchange_info: ExchangeInfo
    quotes: MarketQuotes
    mark_prices: MarketRows[MarkPrice]
    funding_intervals: MarketRows[FundingInterval]


def market_snapshot(
    market: Market,
    instruments: Sequence[Instrument],
    klines: Mapping[Symbol, Klines],
    open_interest: Mapping[Symbol, OpenInterest],
    interval: KlineInterval,
) -> MarketSnapshot:
    """Join whole-market replies, bars and open interest into one snapshot.

    Parameters
    ----------
    market : Market
        Quotes, mark prices and funding as of one server time.
    instruments : sequence of Instrument
        The contracts of the snapshot, in its row order.
    klines : mapping
        Closed, checked bars, equally many for each instrument; the benchmark's
        too when they are known.
    open_interest : mapping
        Of the contracts for which it is known; the others get NaN.
    interval : KlineInterval
        Bar length of ``klines``.

    Raises
    ------
    ValueError
        As `MarketSnapshot`.
    """
    symbols = tuple(instrument.symbol for instrument in instruments)
    tickers = market.quotes.tickers.by_symbol
    marks = market.mark_prices.by_symbol
    benchmark = klines.get(BENCHMARK)
    open_time = klines[symbols[0]].open_time if symbols else np.empty(0, np.int64)

    for row in (*(klines[s] for s in symbols), *([benchmark] if benchmark else [])):
        if symbols and not np.array_equal(row.open_time, open_time):
            raise ValueError(f"bars of {row.symbol} must open when all others do")

    def panel(column: str) -> FloatArray:
        rows = [getattr(klines[s], column) for s in symbols]
        return np.array(rows, dtype=np.float64).reshape(len(symbols), open_time.size)

    def quotes(values: Iterable[float]) -> FloatArray:
        return np.fromiter(values, dtype=np.float64, count=len(symbols))

    return MarketSnapshot(
        as_of_ms=market.quotes.as_of_ms,
        interval=interval,
        symbols=symbols,
        instruments={i.symbol: i for i in instruments},
        open_time=open_time,
        open=panel("open"),
        high=panel("high"),
        low=panel("low"),
        close=panel("close"),
        volume=panel("volume"),
        quote_volume=panel("quote_volume"),
        taker_buy_volume=panel("taker_buy_volume"),
        last_price=quotes(tickers[s].last_price for s in symbols),
        quote_volume_24h=quotes(tickers[s].quote_volume_24h for s in symbols),
        mark_price=quotes(_mark(marks.get(s)) for s in symbols),
        open_interest=quotes(
            open_interest[s].open_interest if s in open_interest else np.nan
            for s in symbols
        ),
        funding_rate=quotes(_funding_rate(marks.get(s)) for s in symbols),
        funding_interval_h=quotes(
            funding_interval_h(market.funding_intervals, s) for s in symbols
        ),
        benchmark_close=benchmark.close if symbols and benchmark else None,
    )


def _mark(row: MarkPrice | None) -> float:
    return row.mark_price if row is not None and row.mark_price > 0 else np.nan


def _funding_rate(row: MarkPrice | None) -> float:
    if row is None or row.funding_rate is None:
        return np.nan
    return row.funding_rate


def funding_interval_h(rows: MarketRows[FundingInterval], symbol: Symbol) -> float:
    """Return the funding interval in hours; NaN when the contract's row is unreadable.

    Contracts without a row settle every 8 hours.
    """
    if symbol in rows.by_symbol:
        return float(rows.by_symbol[symbol].funding_interval_h)
    if any(row.symbol == symbol for row in rows.malformed):
        return np.nan
    return DEFAULT_FUNDING_INTERVAL_H
