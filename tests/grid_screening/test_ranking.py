"""Eligibility, ranking, coverage: the pure middle of the street."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from grid_screening.conf import ScreenerSettings
from grid_screening.eligibility import eligibility
from grid_screening.factors import factor_table
from grid_screening.listing import coverage_share, listed_rows
from grid_screening.profile import load_profile
from grid_screening.ranking import factor_rows, ranking
from grid_screening.services.screening_service import source_of
from tests.builders import instrument, snapshot

CLASSIC = load_profile("classic")


class TestEligibility:
    def test_flat_contract_has_no_movement(self) -> None:
        market = snapshot()
        flat = {
            name: np.vstack([np.full((1, 60), 10.0), getattr(market, name)[1:]])
            for name in ("open", "high", "low", "close")
        }
        market = replace(market, **flat)
        found = eligibility(market, factor_table(market), ScreenerSettings())
        assert found.excluded[0].symbol == market.symbols[0]
        assert found.excluded[0].reason.code == "no_movement"
        assert not found.eligible[0]

    def test_natr_limits_are_inclusive(self) -> None:
        market = snapshot()
        table = factor_table(market)
        lowest, highest = float(min(table["natr"])), float(max(table["natr"]))
        kept = eligibility(
            market, table, ScreenerSettings(min_natr=lowest, max_natr=highest)
        )
        assert kept.eligible.all()
        cut = eligibility(
            market,
            table,
            ScreenerSettings(
                min_natr=float(np.nextafter(lowest, np.inf)), max_natr=highest
            ),
        )
        (exclusion,) = cut.excluded
        assert exclusion.reason.code == "natr"
        assert exclusion.reason.value == lowest
        assert exclusion.reason.limit == np.nextafter(lowest, np.inf)

    def test_coarse_tick_is_excluded_with_its_share(self) -> None:
        market = snapshot()
        coarse = instrument(market.symbols[0], tick_size=Decimal("0.05"))
        market = replace(
            market, instruments={**market.instruments, market.symbols[0]: coarse}
        )
        table = factor_table(market)
        found = eligibility(market, table, ScreenerSettings())
        (exclusion,) = found.excluded
        assert exclusion.reason.code == "tick_share"
        spacing = 0.5 * table["atr_hourly_estimated"][0]
        assert exclusion.reason.value == pytest.approx(0.05 / spacing)
        assert [stage.count for stage in found.funnel] == [3, 3, 2]


class TestRanking:
    def test_scored_and_excluded_are_the_snapshot(self) -> None:
        market = snapshot(n_symbols=12, n_bars=120)
        found = ranking(market, ScreenerSettings(min_natr=1.0), CLASSIC)
        names = [*found.factors.symbols, *(e.symbol for e in found.excluded)]
        assert sorted(names) == sorted(market.symbols)
        assert found.scores.symbols == found.factors.symbols
        assert found.funnel[-1].count == len(found.factors.symbols)

    def test_empty_snapshot_ranks_nobody(self) -> None:
        market = snapshot(symbols=(), n_bars=0, benchmark_close=None)
        found = ranking(market, ScreenerSettings(), CLASSIC)
        assert found.factors.symbols == ()
        assert found.excluded == ()
        assert listed_rows(found, 0) == []

    def test_strict_keeps_percentile_ranks_and_renumbers(self) -> None:
        market = snapshot(n_symbols=120, n_bars=300, seed=5)
        plain = ranking(market, ScreenerSettings(), CLASSIC)
        strict = ranking(market, ScreenerSettings(strict=True), CLASSIC)
        assert 0 < len(strict.factors.symbols) < len(plain.factors.symbols)
        gss = dict(zip(plain.scores.symbols, plain.scores.gss, strict=True))
        for symbol, value in zip(strict.scores.symbols, strict.scores.gss, strict=True):
            assert value == gss[symbol]
        assert min(strict.scores.rank) == 1
        assert strict.funnel[-2].stage == "strict"

    def test_vetoed_contracts_are_listed_only_with_all(self) -> None:
        market = snapshot(n_symbols=4, n_bars=60)
        # A straight climb from zero to 10 in 60 bars: 1/60 of the close per bar.
        line = np.linspace(0.2, 10.0, 60)
        columns = {
            name: np.vstack([line[None] * factor, getattr(market, name)[1:]])
            for name, factor in (
                ("open", 1.0),
                ("close", 1.0),
                ("high", 1.01),
                ("low", 0.99),
            )
        }
        market = replace(market, **columns)
        found = ranking(market, ScreenerSettings(max_natr=100.0), CLASSIC)
        row = found.factors.symbols.index(market.symbols[0])
        assert found.scores.vetoed[row]
        assert row not in listed_rows(found, 4)
        assert listed_rows(found, 0)[-1] == row
        assert len(listed_rows(found, 2)) == 2

    def test_rows_of_a_table_keep_their_values(self) -> None:
        market = snapshot()
        table = factor_table(market)
        kept = factor_rows(table, np.array([True, False, True]))
        assert kept.symbols == (market.symbols[0], market.symbols[2])
        np.testing.assert_array_equal(kept["natr"], table["natr"][[0, 2]])


def test_coverage_of_nothing_requested_is_complete() -> None:
    assert coverage_share(requested=0, unreadable=0, incomplete=0) == 1.0


def test_coverage_loses_unreadable_and_incomplete_symbols() -> None:
    found = coverage_share(requested=10, unreadable=1, incomplete=2)
    assert found == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://fapi.binance.com", "live"),
        ("http://127.0.0.1:8900", "simulated"),
        ("http://localhost:8900", "simulated"),
        ("http://[::1]:8900", "simulated"),
        ("https://demo-fapi.binance.com", "live"),
    ],
)
def test_source_is_told_from_the_address(url: str, source: str) -> None:
    assert source_of(url) == source
