"""One contract of a finished scan: where it is, why, and what would list it."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from grid_screening.admission import snapshot_rows
from grid_screening.assembly import Market
from grid_screening.conf import ScreenerSettings
from grid_screening.exceptions import UnknownSymbols
from grid_screening.explanation import Explanation, Status, explanation
from grid_screening.listing import listed_rows
from grid_screening.profile import load_profile
from grid_screening.ranking import Ranking, ranking
from grid_screening.screening_report import Exclusion, Reason, ScreeningReport
from grid_screening.snapshot import MarketSnapshot
from grid_screening.universe import MarketQuotes, candidate_selection
from monitor.domain.instruments import Instrument
from tests.builders import AS_OF_MS, book, exchange_info, instrument, rows, ticker
from tests.grid_screening.reports.samples import ranked, report
from tests.snapshots import random_panel, snapshot_of

CLASSIC = load_profile("classic")
OPEN = ScreenerSettings(min_natr=0.0, max_natr=100.0, max_tick_share=1.0, top=5)
CHEAP = "S0011USDT"
"""Its turnover is too small for a scan that asks for some."""


@dataclass(frozen=True, kw_only=True)
class FinishedScan:
    settings: ScreenerSettings
    market: Market
    snapshot: MarketSnapshot
    result: Ranking
    report: ScreeningReport

    def explain(self, symbol: str, **extra: Any) -> Explanation:
        return explanation(
            symbol,
            report=self.report,
            result=self.result,
            snapshot=self.snapshot,
            market=self.market,
            settings=self.settings,
            **extra,
        )


def whole_market(count: int = 12, **changes: Any) -> MarketSnapshot:
    made = snapshot_of(random_panel(count, 200, seed=6))
    return replace(made, **changes)


def finished(
    snapshot: MarketSnapshot, settings: ScreenerSettings = OPEN
) -> FinishedScan:
    """Scan ``snapshot``, of which `CHEAP` has too little turnover."""
    contracts: list[Instrument] = [snapshot.instruments[s] for s in snapshot.symbols]
    tickers = [
        ticker(s, quote_volume_24h=1e6 if s == CHEAP else 1e8) for s in snapshot.symbols
    ]
    quotes = MarketQuotes(
        tickers=rows(*tickers),
        book_tickers=rows(*(book(s) for s in snapshot.symbols)),
        as_of_ms=AS_OF_MS,
    )
    market = Market(
        exchange_info=exchange_info(*contracts),
        quotes=quotes,
        mark_prices=rows(),
        funding_intervals=rows(),
    )
    selection = candidate_selection(market.exchange_info, quotes, settings)
    known = snapshot_rows(snapshot, tuple(i.symbol for i in selection.candidates))
    result = ranking(known, settings, CLASSIC)
    listed = [result.scores.symbols[row] for row in listed_rows(result, settings.top)]
    return FinishedScan(
        settings=settings,
        market=market,
        snapshot=known,
        result=result,
        report=report(
            settings=settings.by_flag(),
            ranked=tuple(ranked(symbol) for symbol in listed),
            excluded=selection.excluded + result.excluded,
        ),
    )


class TestScored:
    def test_listed_contract_has_its_rank_and_needs_nothing(self) -> None:
        scan = finished(whole_market())
        symbol = scan.report.ranked[0].symbol
        found = scan.explain(symbol, rank_intervals={symbol: (1, 7)})
        assert found.status is Status.RANKED
        assert (found.rank, found.scored, found.top) == (1, 11, 5)
        assert found.rank_interval == (1, 7)
        assert found.failures == ()
        assert found.rank_if_admitted is None
        assert found.counterfactuals is not None
        assert found.counterfactuals.changes == ()

    def test_terms_make_the_parts_and_the_parts_the_score(self) -> None:
        scan = finished(whole_market())
        weights = {"trend": 0.3, "microstructure": 0.3}
        for symbol in scan.result.scores.symbols:
            found = scan.explain(symbol)
            for part, value in found.parts.items():
                terms = [t for t in found.terms if t.part == part]
                total = sum(t.contribution or 0.0 for t in terms)
                most = weights.get(part, 1.0)
                assert value == pytest.approx(min(max(total, 0.0), most))
            if found.status is not Status.VETOED:
                total = sum(value or 0.0 for value in found.parts.values())
                assert found.gss == pytest.approx(total)

    def test_contract_below_the_list_learns_what_would_list_it(self) -> None:
        scan = finished(whole_market())
        row = int(scan.result.scores.order[5])
        found = scan.explain(scan.result.scores.symbols[row])
        assert found.status is Status.NOT_LISTED
        assert found.rank == 6
        assert found.rank_interval is None
        assert found.counterfactuals is not None
        assert found.counterfactuals.changes

    def test_vetoed_contract_learns_what_lifts_the_veto(self) -> None:
        market = snapshot_of(random_panel(12, 100, seed=6))
        # from nothing to 10 in 100 bars: 100 bp of the close per bar, quite straight
        line = np.linspace(0.1, 10.0, 100)
        columns = {
            name: np.vstack([line * factor, getattr(market, name)[1:]])
            for name, factor in (
                ("open", 1.0),
                ("close", 1.0),
                ("high", 1.01),
                ("low", 0.99),
            )
        }
        market = replace(market, **columns)
        scan = finished(market, OPEN.merged({"top": 0}))
        found = scan.explain(market.symbols[0])
        assert found.status is Status.VETOED
        assert found.gss == 0.0
        assert found.counterfactuals is not None
        changes = {change.factor for change in found.counterfactuals.changes}
        assert changes == {"normalized_slope", "r_squared"}

    def test_missing_inputs_tell_the_confidence_they_cost(self) -> None:
        missing = np.full(12, np.nan)
        scan = finished(whole_market(open_interest=missing, mark_price=missing.copy()))
        found = scan.explain(scan.result.scores.symbols[0])
        assert [(m.factor, m.confidence_lost) for m in found.missing] == [
            ("open_interest_ratio", 0.075)
        ]
        assert found.confidence == pytest.approx(0.925)
        terms = {term.name: term for term in found.terms}
        assert terms["open_interest_adjustment"].points is None
        assert terms["open_interest_adjustment"].contribution is None


class TestExcluded:
    def test_every_filter_is_named_with_what_it_needs(self) -> None:
        young = instrument(CHEAP, onboarded_at=AS_OF_MS - 86_400_000)
        market = whole_market()
        market = replace(market, instruments={**market.instruments, CHEAP: young})
        found = finished(market).explain(CHEAP)
        assert found.status is Status.EXCLUDED
        stages = [failure.exclusion.stage for failure in found.failures]
        assert stages == ["turnover", "age"]
        assert found.failures[0].needs == "needs 24 h turnover +49,000,000"
        assert found.failures[1].needs == "needs days listed +29.0"
        assert found.rank_if_admitted is None
        assert found.counterfactuals is None
        assert (found.rank, found.gss, found.terms) == (None, None, ())

    def test_with_its_bars_it_has_the_rank_of_a_scan_without_the_filter(self) -> None:
        market = whole_market()
        scan = finished(market)
        own = snapshot_rows(market, (CHEAP,))
        found = scan.explain(CHEAP, own=own)
        without = ranking(market, OPEN, CLASSIC)
        row = without.scores.symbols.index(CHEAP)
        assert found.rank_if_admitted == without.scores.rank[row]
        assert found.counterfactuals is not None
        listed = without.scores.rank[row] <= OPEN.top
        assert (found.counterfactuals.changes == ()) == listed

    def test_what_stopped_its_bars_is_named_too(self) -> None:
        gap = Exclusion(
            symbol=CHEAP,
            stage="gap",
            reason=Reason(code="gap", text="3 bars missing", value=3, limit=0),
        )
        found = finished(whole_market()).explain(CHEAP, own_excluded=(gap,))
        stages = [failure.exclusion.stage for failure in found.failures]
        assert stages == ["turnover", "gap"]

    def test_filters_on_factors_are_named_all(self) -> None:
        market = whole_market()
        symbol = market.symbols[2]
        coarse = instrument(symbol, tick_size=Decimal(50))
        market = replace(market, instruments={**market.instruments, symbol: coarse})
        tight = ScreenerSettings(min_natr=2.0, max_natr=2.5, max_tick_share=0.1, top=5)
        scan = finished(market, tight)
        found = scan.explain(symbol)
        stages = [failure.exclusion.stage for failure in found.failures]
        assert stages == ["natr", "tick"]
        assert found.rank_if_admitted is not None

    def test_a_contract_that_stands_still_has_no_hypothetical_rank(self) -> None:
        market = whole_market()
        columns = {}
        for name in ("open", "high", "low", "close"):
            column = getattr(market, name).copy()
            column[2] = 10.0
            columns[name] = column
        found = finished(replace(market, **columns)).explain(market.symbols[2])
        stages = [failure.exclusion.stage for failure in found.failures]
        assert stages == ["movement"]
        assert found.rank_if_admitted is None
        assert found.counterfactuals is None

    def test_strict_filter_tells_all_its_conditions_and_the_rank_without(self) -> None:
        market = whole_market()
        scan = finished(market, OPEN.merged({"strict": True}))
        symbol = next(e.symbol for e in scan.report.excluded if e.stage == "strict")
        found = scan.explain(symbol)
        codes = [failure.exclusion.reason.code for failure in found.failures]
        assert codes
        assert all(code.startswith("strict_") for code in codes)
        passed = len(scan.result.scores.symbols)
        assert found.rank_if_admitted is not None
        assert 1 <= found.rank_if_admitted <= passed + 1

    def test_unreadable_contract_has_the_reason_of_the_report(self) -> None:
        scan = finished(whole_market())
        odd = Exclusion(
            symbol="ODDUSDT",
            stage="readable",
            reason=Reason(code="malformed_payload", text="no tick size"),
        )
        scan = replace(scan, report=replace(scan.report, excluded=(odd,)))
        found = scan.explain("ODDUSDT")
        assert [failure.exclusion for failure in found.failures] == [odd]
        assert found.failures[0].needs is None

    def test_unknown_contract_is_refused(self) -> None:
        with pytest.raises(UnknownSymbols, match="not on the exchange: XUSDT"):
            finished(whole_market()).explain("XUSDT")
