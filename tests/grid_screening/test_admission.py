"""Every filter that stops a contract; snapshots cut and joined."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from grid_screening.admission import (
    failed_factor_rules,
    failed_rules,
    snapshot_rows,
    snapshot_with,
)
from grid_screening.conf import ScreenerSettings
from grid_screening.eligibility import eligibility
from grid_screening.factors import factor_table
from grid_screening.universe import MarketQuotes, candidate_selection
from monitor.domain.market import DAY_MS
from tests.builders import (
    AS_OF_MS,
    book,
    exchange_info,
    instrument,
    rows,
    snapshot,
    ticker,
)

SETTINGS = ScreenerSettings()


class TestRules:
    def test_every_rule_that_fails_is_named_in_order(self) -> None:
        young = instrument(onboarded_at=AS_OF_MS - 3 * DAY_MS, status="BREAK")
        quotes = MarketQuotes(
            tickers=rows(ticker(quote_volume_24h=1e6)),
            book_tickers=rows(),
            as_of_ms=AS_OF_MS,
        )
        failed = failed_rules(young, quotes, SETTINGS)
        assert [e.stage for e in failed] == ["status", "turnover", "age", "quotes"]
        selection = candidate_selection(exchange_info(young), quotes, SETTINGS)
        assert failed[0] == selection.excluded[0]

    def test_no_ticker_leaves_the_turnover_open(self) -> None:
        quotes = MarketQuotes(
            tickers=rows(), book_tickers=rows(book()), as_of_ms=AS_OF_MS
        )
        failed = failed_rules(instrument(), quotes, SETTINGS)
        assert [e.stage for e in failed] == ["ticker"]

    def test_who_passes_fails_nothing(self) -> None:
        quotes = MarketQuotes(
            tickers=rows(ticker()), book_tickers=rows(book()), as_of_ms=AS_OF_MS
        )
        assert failed_rules(instrument(), quotes, SETTINGS) == ()


class TestFactorRules:
    def test_low_natr_does_not_hide_a_coarse_tick(self) -> None:
        market = snapshot()
        symbol = market.symbols[1]
        coarse = instrument(symbol, tick_size=Decimal("0.5"))
        market = replace(market, instruments={**market.instruments, symbol: coarse})
        tight = ScreenerSettings(min_natr=9.0)
        failed = failed_factor_rules(market, symbol, tight)
        assert [e.stage for e in failed] == ["natr", "tick"]
        first = eligibility(market, factor_table(market), tight).excluded
        assert failed[0] in first

    def test_a_coarse_tick_alone(self) -> None:
        market = snapshot()
        symbol = market.symbols[1]
        coarse = instrument(symbol, tick_size=Decimal("0.5"))
        market = replace(market, instruments={**market.instruments, symbol: coarse})
        failed = failed_factor_rules(market, symbol, SETTINGS)
        assert [e.stage for e in failed] == ["tick"]

    def test_who_passes_fails_nothing(self) -> None:
        market = snapshot()
        assert failed_factor_rules(market, market.symbols[0], SETTINGS) == ()

    def test_unknown_contract_is_refused(self) -> None:
        with pytest.raises(ValueError, match="not in tuple"):
            failed_factor_rules(snapshot(), "XUSDT", SETTINGS)


class TestSnapshots:
    def test_parts_joined_are_the_whole(self) -> None:
        market = snapshot(n_symbols=4)
        first = snapshot_rows(market, market.symbols[:3])
        last = snapshot_rows(market, market.symbols[3:])
        joined = snapshot_with(first, last)
        assert joined.symbols == market.symbols
        for name in ("open", "high", "low", "close", "volume", "funding_rate"):
            np.testing.assert_array_equal(getattr(joined, name), getattr(market, name))
        assert joined.benchmark_close is market.benchmark_close

    def test_rows_follow_the_symbols(self) -> None:
        market = snapshot()
        turned = snapshot_rows(market, market.symbols[::-1])
        np.testing.assert_array_equal(turned.close, market.close[::-1])

    def test_an_empty_scan_takes_the_contract_as_it_is(self) -> None:
        market = snapshot()
        empty = snapshot(symbols=(), n_bars=0, benchmark_close=None)
        assert snapshot_with(empty, market) is market

    def test_other_bars_cannot_be_joined(self) -> None:
        with pytest.raises(ValueError, match="both snapshots must have the same bars"):
            snapshot_with(snapshot(), snapshot(symbols=("XUSDT",), n_bars=59))

    def test_a_contract_cannot_be_in_both(self) -> None:
        market = snapshot()
        with pytest.raises(ValueError, match="symbols must be distinct"):
            snapshot_with(market, snapshot_rows(market, market.symbols[:1]))
