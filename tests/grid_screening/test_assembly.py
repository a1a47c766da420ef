"""Whole-market replies, bars and open interest become one snapshot."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from grid_screening.assembly import Market, funding_interval_h, market_snapshot
from grid_screening.snapshot import MarketSnapshot
from grid_screening.universe import MarketQuotes
from monitor.domain.instruments import MalformedRow
from monitor.domain.market import (
    FundingInterval,
    KlineInterval,
    Klines,
    MarkPrice,
    OpenInterest,
)
from tests.builders import AS_OF_MS, book, exchange_info, instrument, rows, ticker

STEP = KlineInterval.H4.milliseconds
FIRST = AS_OF_MS // STEP * STEP - 3 * STEP
SYMBOLS = ("AUSDT", "BUSDT")


def klines(symbol: str, *, first: int = FIRST) -> Klines:
    close = np.array([10.0, 11.0, 12.0])
    open_time = first + STEP * np.arange(3)
    return Klines(
        symbol=symbol,
        interval=KlineInterval.H4,
        open_time=open_time,
        open=close,
        high=close + 1,
        low=close - 1,
        close=close,
        volume=np.full(3, 5.0),
        close_time=open_time + STEP - 1,
        quote_volume=np.full(3, 50.0),
        trade_count=np.full(3, 7),
        taker_buy_volume=np.full(3, 2.0),
        taker_buy_quote_volume=np.full(3, 20.0),
    )


def mark(symbol: str, **overrides: Any) -> MarkPrice:
    values: dict[str, Any] = {
        "symbol": symbol,
        "mark_price": 12.5,
        "index_price": 12.4,
        "funding_rate": 0.0002,
        "next_funding_at": AS_OF_MS,
        "time": AS_OF_MS,
    }
    return MarkPrice(**(values | overrides))


def interval(symbol: str, hours: int) -> FundingInterval:
    return FundingInterval(
        symbol=symbol, funding_interval_h=hours, rate_cap=None, rate_floor=None
    )


def market(**overrides: Any) -> Market:
    instruments = tuple(instrument(s) for s in SYMBOLS)
    values: dict[str, Any] = {
        "exchange_info": exchange_info(*instruments),
        "quotes": MarketQuotes(
            tickers=rows(*(ticker(s, last_price=12.0) for s in SYMBOLS)),
            book_tickers=rows(*(book(s) for s in SYMBOLS)),
            as_of_ms=AS_OF_MS,
        ),
        "mark_prices": rows(*(mark(s) for s in SYMBOLS)),
        "funding_intervals": rows(interval("AUSDT", 4)),
    }
    return Market(**(values | overrides))


def built(found: Market | None = None, **bars: Klines) -> MarketSnapshot:
    found = market() if found is None else found
    return market_snapshot(
        found,
        found.exchange_info.instruments,
        {s: klines(s) for s in SYMBOLS} | bars,
        {"AUSDT": OpenInterest(symbol="AUSDT", open_interest=99.0, time=AS_OF_MS)},
        KlineInterval.H4,
    )


def test_rows_follow_the_instruments() -> None:
    found = built()
    assert found.symbols == SYMBOLS
    np.testing.assert_array_equal(found.close, [[10, 11, 12], [10, 11, 12]])
    np.testing.assert_array_equal(found.last_price, [12, 12])
    np.testing.assert_array_equal(found.mark_price, [12.5, 12.5])


def test_what_is_not_known_is_nan() -> None:
    found = built()
    np.testing.assert_array_equal(found.open_interest, [99.0, np.nan])
    silent = market(mark_prices=rows(mark("AUSDT", mark_price=0.0, funding_rate=None)))
    found = built(silent)
    assert np.isnan(found.mark_price).all()
    assert np.isnan(found.funding_rate).all()


def test_funding_interval_is_stated_default_or_unreadable() -> None:
    unreadable = MalformedRow(symbol="CUSDT", detail="fundingIntervalHours was ''")
    stated = rows(interval("AUSDT", 4), malformed=(unreadable,))
    assert funding_interval_h(stated, "AUSDT") == 4.0
    assert funding_interval_h(stated, "BUSDT") == 8.0
    assert np.isnan(funding_interval_h(stated, "CUSDT"))


def test_benchmark_comes_along_without_being_a_row() -> None:
    assert built().benchmark_close is None
    found = built(BTCUSDT=replace(klines("BTCUSDT"), close=np.array([10.5, 11, 12])))
    assert found.symbols == SYMBOLS
    np.testing.assert_array_equal(found.benchmark_close, [10.5, 11, 12])


def test_bars_that_open_at_other_times_are_refused() -> None:
    shifted = klines("BUSDT", first=FIRST - STEP)
    with pytest.raises(ValueError, match="bars of BUSDT must open when all others do"):
        built(BUSDT=shifted)


def test_nobody_makes_an_empty_snapshot() -> None:
    found = market_snapshot(market(), (), {}, {}, KlineInterval.H4)
    assert found.symbol_count == found.bar_count == 0
