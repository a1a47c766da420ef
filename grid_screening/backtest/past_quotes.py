"""Whole-market quotes of a past time, as far as bars and settlements tell them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from grid_screening.assembly import DEFAULT_FUNDING_INTERVAL_H
from grid_screening.universe import MarketQuotes
from monitor.domain.history import FundingBySymbol
from monitor.domain.instruments import Instrument
from monitor.domain.market import (
    DAY_MS,
    HOUR_MS,
    BookTicker,
    MarketRows,
    Ticker24h,
)
from monitor.domain.typing import Symbol

LONGEST_FUNDING_AGE_MS = DAY_MS
"""A rate settled longer ago is no longer known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A contract that trades, and at what price."""

    instrument: Instrument
    price: float
    turnover: float


def past_quotes(offered: Mapping[Symbol, Offer], as_of_ms: int) -> MarketQuotes:
    """Return tickers, and fresh books one tick wide: the real ones are not known."""
    tickers, books = {}, {}
    for symbol, offer in offered.items():
        tick = float(offer.instrument.tick_size)
        tickers[symbol] = Ticker24h(
            symbol=symbol,
            last_price=offer.price,
            open_price=offer.price,
            high_price=offer.price,
            low_price=offer.price,
            volume_24h=offer.turnover / offer.price,
            quote_volume_24h=offer.turnover,
            trade_count=0,
            close_time=as_of_ms,
        )
        books[symbol] = BookTicker(
            symbol=symbol,
            bid_price=offer.price,
            bid_quantity=1.0,
            ask_price=offer.price + tick,
            ask_quantity=1.0,
            time=as_of_ms,
        )
    return MarketQuotes(
        tickers=MarketRows(by_symbol=tickers, malformed=()),
        book_tickers=MarketRows(by_symbol=books, malformed=()),
        as_of_ms=as_of_ms,
    )


def funding_at(
    funding: FundingBySymbol, symbol: Symbol, as_of_ms: int
) -> tuple[float, float]:
    """Return the rate settled last before ``as_of_ms`` and its interval in hours.

    NaN: not known at that time.
    """
    events = funding.get(symbol)
    known = 0 if events is None else int(np.searchsorted(events.time, as_of_ms))
    if events is None or known == 0:
        return np.nan, np.nan
    if as_of_ms - events.time[known - 1] > LONGEST_FUNDING_AGE_MS:
        return np.nan, np.nan
    interval_h = DEFAULT_FUNDING_INTERVAL_H  # where only one settlement is known
    if known > 1:
        gap_ms = int(events.time[known - 1] - events.time[known - 2])
        interval_h = float(max(round(gap_ms / HOUR_MS), 1))
    return float(events.rate[known - 1]), interval_h
