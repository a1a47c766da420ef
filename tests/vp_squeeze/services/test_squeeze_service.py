"""Which contracts are fetched, and what happens when some cannot be."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from monitor.domain.instruments import ExchangeInfo, SpotPair
from monitor.domain.market import KlineInterval, Klines, MarketRows, Ticker24h
from monitor.domain.requests import RequestStatistics
from monitor.exceptions import ExchangeUnavailable, IpBanned, RequestRejected
from tests.builders import instrument, ticker
from tests.snapshots import AS_OF_MS
from tests.vp_squeeze.samples import klines
from vp_squeeze.analysis_report import Venue
from vp_squeeze.box_analysis import SpotReading
from vp_squeeze.exceptions import InsufficientKlines, NoContracts, UnknownContracts
from vp_squeeze.groups import Group
from vp_squeeze.services.squeeze_service import AnalysisRequest, analysis

M15, H1, H4 = KlineInterval.M15, KlineInterval.H1, KlineInterval.H4
Answer = Callable[[str, KlineInterval], Klines]


@dataclass(slots=True)
class ModelMarket:
    """Contracts with bars; ``failures`` by symbol, or symbol and interval."""

    symbols: tuple[str, ...] = ("BTCUSDT", "AUSDT", "BUSDT")
    failures: dict[Any, Exception] = field(default_factory=dict)
    asked: list[tuple[str, KlineInterval, int, int | None]] = field(
        default_factory=list
    )
    calls: list[str] = field(default_factory=list)

    def server_time(self) -> int:
        return AS_OF_MS

    def exchange_info(self) -> ExchangeInfo:
        rows = [instrument(s, tick_size=Decimal("0.01")) for s in self.symbols]
        return ExchangeInfo(instruments=tuple(rows), malformed=(), rate_limits=())

    def tickers_24h(self) -> MarketRows[Ticker24h]:
        self.calls.append("tickers")
        rows = {
            symbol: ticker(symbol, quote_volume_24h=1e8 * (number + 1))
            for number, symbol in enumerate(self.symbols)
        }
        return MarketRows(by_symbol=rows, malformed=())

    def closed_klines(
        self,
        symbol: str,
        interval: KlineInterval,
        *,
        count: int,
        minimum: int | None = None,
        as_of_ms: int,
        end_time: int | None = None,
    ) -> Klines:
        assert (as_of_ms, end_time) == (AS_OF_MS, None)
        self.asked.append((symbol, interval, count, minimum))
        failure = self.failures.get(symbol, self.failures.get((symbol, interval)))
        if failure is not None:
            raise failure
        return klines(symbol, interval, count=count)

    def statistics(self) -> RequestStatistics:
        return RequestStatistics(
            count=len(self.asked), weight=7, peak_weight_per_minute=7, retries=0
        )

    def check_bars(self, as_of_ms: int) -> None:
        assert as_of_ms == AS_OF_MS
        self.calls.append("check_bars")

    def give_up(self) -> None:
        self.calls.append("give_up")


def run(market: ModelMarket, **request: Any) -> Any:
    return analysis(market, AnalysisRequest(**request), source="live")


def test_contracts_come_in_the_order_asked_for_each_once() -> None:
    market = ModelMarket()
    report = run(market, symbols=("BUSDT", "BTCUSDT", "BUSDT"), group=Group.MAJOR)

    assert [row.symbol for row in report.contracts] == ["BUSDT", "BTCUSDT"]
    assert sorted(market.asked) == sorted(
        (symbol, interval, 100, 20)
        for symbol in ("BUSDT", "BTCUSDT")
        for interval in (H4, M15, H1)
    )
    assert market.calls == ["check_bars"]  # majors need no turnover
    assert report.coverage == 1.0


def test_group_by_turnover_asks_for_the_tickers() -> None:
    market = ModelMarket()
    report = run(market, group=Group.ALT, timeframes=(), min_volume=2.5e8)

    assert [row.symbol for row in report.contracts] == ["BUSDT"]
    assert "tickers" in market.calls
    assert report.contracts[0].zones == ()


def test_unknown_symbol_is_refused_before_any_bar_is_asked_for() -> None:
    market = ModelMarket()
    with pytest.raises(UnknownContracts) as caught:
        run(market, symbols=("BTCUSDT", "XUSDT", "YUSDT"))
    assert str(caught.value) == (
        "not on the exchange: XUSDT, YUSDT; symbols are spelled like BTCUSDT"
    )
    assert market.asked == []


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        ({}, "name symbols like BTCUSDT, or a --group"),
        (
            {"group": Group.ALT, "min_volume": 1e15},
            "nobody qualifies for the group alt; lower --min-volume, or name symbols",
        ),
    ],
)
def test_nothing_to_analyse_is_an_error(request_: dict[str, Any], text: str) -> None:
    with pytest.raises(NoContracts) as caught:
        run(ModelMarket(), **request_)
    assert str(caught.value) == text


def test_contract_whose_bars_cannot_be_had_is_left_out() -> None:
    market = ModelMarket(
        failures={
            "AUSDT": ExchangeUnavailable("/fapi/v1/klines", "no answer"),
            "BUSDT": InsufficientKlines("BUSDT", 3, 20),
        }
    )
    report = run(market, symbols=("AUSDT", "BUSDT", "BTCUSDT"))

    assert [row.symbol for row in report.contracts] == ["BTCUSDT"]
    assert [(row.symbol, row.is_failure) for row in report.left_out] == [
        ("AUSDT", True),
        ("BUSDT", False),
    ]
    assert report.coverage == pytest.approx(2 / 3)
    # who has no bars of the interval asked for is not asked for others
    assert [ask for ask in market.asked if ask[0] == "AUSDT"] == [
        ("AUSDT", H4, 100, 20)
    ]


def test_timeframe_that_cannot_be_had_is_missing_only() -> None:
    refusal = RequestRejected("/fapi/v1/klines", 400, -1120, "Invalid interval.")
    market = ModelMarket(failures={("AUSDT", M15): refusal})
    (row,) = run(market, symbols=("AUSDT",)).contracts

    assert tuple(row.timeframes) == (H1, H4)
    assert "Invalid interval" in row.missing[M15]


def test_ban_ends_the_run_and_what_waits_for_budget() -> None:
    market = ModelMarket(failures={"AUSDT": IpBanned(AS_OF_MS)})
    with pytest.raises(IpBanned):
        run(market, symbols=("BTCUSDT", "AUSDT", "BUSDT"), workers=1)
    assert "give_up" in market.calls


def test_progress_counts_contracts() -> None:
    steps: list[tuple[int, int]] = []
    analysis(
        ModelMarket(),
        AnalysisRequest(symbols=("AUSDT", "BUSDT")),
        source="live",
        on_progress=lambda done, total: steps.append((done, total)),
    )
    assert steps == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"limit": 19}, "limit must be at least 20, was 19"),
        ({"workers": 0}, "workers must be at least 1, was 0"),
    ],
)
def test_impossible_request_is_refused(fields: dict[str, int], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        AnalysisRequest(**fields)  # type: ignore[arg-type]


@dataclass(slots=True)
class ModelSpot(ModelMarket):
    """Pairs with bars; ``symbols`` are those it has."""

    def pairs(self) -> dict[str, SpotPair]:
        self.calls.append("pairs")
        tick = Decimal("0.001")
        return {
            s: SpotPair(symbol=s, status="TRADING", tick_size=tick)
            for s in self.symbols
        }


class TestSpot:
    def test_bars_come_from_spot_and_the_futures_are_not_asked(self) -> None:
        market, spot = ModelMarket(), ModelSpot(symbols=("BTCUSDT", "AUSDT"))
        asked = AnalysisRequest(
            symbols=("BTCUSDT", "BUSDT", "AUSDT"), venue=Venue.SPOT, timeframes=(H4,)
        )
        report = analysis(market, asked, source="live", spot=spot)
        assert [row.symbol for row in report.contracts] == ["BTCUSDT", "AUSDT"]
        assert report.missing_on_spot == ("BUSDT",)
        assert report.left_out == ()
        assert report.coverage == 1.0
        assert report.contracts[0].tick_size == Decimal("0.001")
        assert (market.asked, market.calls) == ([], [])
        assert report.spot_requests is not None
        assert report.spot_requests.count == 2

    def test_groups_are_of_contracts(self) -> None:
        market, spot = ModelMarket(), ModelSpot(symbols=("AUSDT",))
        asked = AnalysisRequest(group=Group.TOP10, venue=Venue.SPOT, timeframes=())
        report = analysis(market, asked, source="live", spot=spot)
        assert [row.symbol for row in report.contracts] == ["AUSDT"]
        assert report.missing_on_spot == ("BUSDT", "BTCUSDT")
        assert market.calls == ["tickers"]

    def test_nothing_of_it_on_spot_is_a_mistake(self) -> None:
        asked = AnalysisRequest(symbols=("BUSDT",), venue=Venue.SPOT)
        with pytest.raises(UnknownContracts) as caught:
            analysis(ModelMarket(), asked, source="live", spot=ModelSpot(symbols=()))
        assert str(caught.value) == (
            "not on the spot market: BUSDT; symbols are spelled like BTCUSDT"
        )

    def test_compared_spot_stands_beside_or_says_why_not(self) -> None:
        slow = ExchangeUnavailable("/api/v3/klines", "no answer")
        spot = ModelSpot(symbols=("BTCUSDT", "AUSDT"), failures={"AUSDT": slow})
        asked = AnalysisRequest(
            symbols=("BTCUSDT", "AUSDT", "BUSDT"), compares_spot=True, timeframes=()
        )
        report = analysis(ModelMarket(), asked, source="live", spot=spot)
        found, failed, missing = (row.spot for row in report.contracts)
        assert isinstance(found, SpotReading)
        assert found.tick_size == Decimal("0.001")
        assert found.poc == pytest.approx(
            float(report.contracts[0].reading.profile.poc), rel=1e-3
        )
        assert failed == str(slow)
        assert missing == "not on the spot market"
        assert report.missing_on_spot == ("BUSDT",)
        assert report.venue is Venue.FUTURES

    def test_ban_on_either_market_ends_all_waits(self) -> None:
        market = ModelMarket()
        spot = ModelSpot(failures={"AUSDT": IpBanned(AS_OF_MS + 1)})
        asked = AnalysisRequest(
            symbols=("BTCUSDT", "AUSDT"), compares_spot=True, timeframes=()
        )
        with pytest.raises(IpBanned):
            analysis(market, asked, source="live", spot=spot)
        assert "give_up" in market.calls
        assert "give_up" in spot.calls

    def test_spot_is_not_asked_unless_it_is_asked_for(self) -> None:
        spot = ModelSpot()
        report = analysis(
            ModelMarket(), AnalysisRequest(symbols=("AUSDT",)), source="live", spot=spot
        )
        assert (spot.calls, spot.asked, report.spot_requests) == ([], [], None)
        assert report.contracts[0].spot is None

    def test_asking_for_a_spot_market_that_is_not_there_is_a_bug(self) -> None:
        asked = AnalysisRequest(symbols=("AUSDT",), compares_spot=True)
        with pytest.raises(ValueError, match="there is none"):
            analysis(ModelMarket(), asked, source="live")
        with pytest.raises(ValueError, match="cannot be compared with itself"):
            AnalysisRequest(venue=Venue.SPOT, compares_spot=True)
