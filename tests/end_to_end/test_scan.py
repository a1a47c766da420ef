"""The scan as a function, against the generated market."""

import math
import statistics
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import enumerate as threads
from typing import Any

import jsonschema
import orjson
import pytest
import requests

from grid_screening import (
    Progress,
    ScreenerSettings,
    ScreeningReport,
    screen_short_grid,
)
from grid_screening.exceptions import AllRequestsFailed, UnknownSymbols
from grid_screening.reports.json import report_json
from grid_screening.services.screening_service import screen
from monitor.api_clients.binance import BinanceFuturesClient
from monitor.conf import GatewayConfig
from monitor.exceptions import ExchangeUnavailable, IpBanned
from monitor.simulator.server import EmbeddedExchange
from tests.end_to_end.conftest import ROOT, control

SCHEMA = ROOT / "specs/001-short-grid-screening/contracts/report.schema.json"
EVERYTHING = ScreenerSettings(min_volume=0.0, top=0)


def scan(
    exchange: EmbeddedExchange, settings: ScreenerSettings = EVERYTHING
) -> ScreeningReport:
    with BinanceFuturesClient(GatewayConfig(base_url=exchange.base_url)) as client:
        return screen(settings, client)


@pytest.fixture(scope="module")
def full_exchange() -> Iterator[EmbeddedExchange]:
    # As many as one minute's weight admits when all of them are listed.
    with EmbeddedExchange(contracts=350, seed=7) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def full_scan(full_exchange: EmbeddedExchange) -> ScreeningReport:
    """All contracts listed that can be scored."""
    return scan(full_exchange)


class TestWholeMarket:
    def test_universe_is_scored_plus_excluded(self, full_scan: ScreeningReport) -> None:
        scored = [row.symbol for row in full_scan.ranked]
        scored += [row.symbol for row in full_scan.not_listed]
        left_out = [row.symbol for row in full_scan.excluded]
        assert len(set(scored + left_out)) == len(scored) + len(left_out)
        counts = {stage.stage: stage.count for stage in full_scan.funnel}
        assert counts["universe"] == len(scored) + len(left_out)
        assert counts["scored"] == len(scored)
        assert full_scan.coverage == 1.0
        assert not full_scan.degraded

    def test_funnel_agrees_with_the_exclusions(
        self, full_scan: ScreeningReport
    ) -> None:
        by_stage = Counter(row.stage for row in full_scan.excluded)
        left = full_scan.funnel[0].count
        for stage in full_scan.funnel[1:-1]:
            left -= by_stage[stage.stage]
            assert stage.count == left, stage.stage

    def test_document_satisfies_the_published_schema(
        self, full_scan: ScreeningReport
    ) -> None:
        document = orjson.loads(report_json(full_scan))
        schema = orjson.loads(SCHEMA.read_bytes())
        jsonschema.Draft202012Validator(schema).validate(document)
        assert b"NaN" not in report_json(full_scan)

    def test_no_ranked_number_is_nan_or_infinite(
        self, full_scan: ScreeningReport
    ) -> None:
        for row in full_scan.ranked:
            assert math.isfinite(row.gss)
            numbers = [*row.factors.values(), *row.score_breakdown.values()]
            if row.grid is not None:
                numbers += [v for v in row.grid.values() if not isinstance(v, str)]
            assert all(v is None or math.isfinite(v) for v in numbers)

    def test_every_listed_contract_has_a_plan_or_a_reason(
        self, full_scan: ScreeningReport
    ) -> None:
        for row in full_scan.ranked:
            assert (row.grid is None) == (row.grid_reason is not None)
        assert sum(row.grid is not None for row in full_scan.ranked) > 200

    def test_every_listed_contract_has_its_profile_with_or_without_a_plan(
        self, full_scan: ScreeningReport
    ) -> None:
        for row in full_scan.ranked:
            assert row.box is not None
            low, high = row.box.value_area_low, row.box.value_area_high
            poc, confidence = row.box.point_of_control, row.box.confidence
            assert low is not None
            assert high is not None
            assert poc is not None
            assert confidence is not None
            assert low < poc < high
            assert 0 <= confidence <= 1
            if row.grid is not None:
                assert (row.grid["value_area_low"], row.grid["value_area_high"]) == (
                    low,
                    high,
                )
        assert {row.box.squeeze for row in full_scan.ranked if row.box} == {
            "off",
            "on",
            "active",
        }

    def test_weight_stays_within_the_bound(
        self, full_exchange: EmbeddedExchange
    ) -> None:
        control(full_exchange, "reset")
        report = scan(full_exchange, ScreenerSettings(min_volume=0.0, top=20))
        counts = {stage.stage: stage.count for stage in report.funnel}
        fetched = counts["quotes"]
        assert report.requests.weight <= 60 + 3 * fetched + 2 * len(report.ranked)
        log = control(full_exchange, "requests")
        assert sum(row["weight"] for row in log) == report.requests.weight
        assert len(log) == report.requests.count
        assert report.requests.peak_weight_per_minute <= 0.8 * 2400

    def test_mean_reverting_contracts_outrank_trending_ones(
        self,
        full_exchange: EmbeddedExchange,
        full_scan: ScreeningReport,
    ) -> None:
        kinds = {
            t["symbol"]: t["kind"] for t in control(full_exchange, "truth").values()
        }
        scores: dict[str, list[float]] = {}
        for row in (*full_scan.ranked, *full_scan.not_listed):
            scores.setdefault(kinds[row.symbol], []).append(row.gss)
        reverting = statistics.mean(scores["mean_reverting"])
        trending = statistics.mean(scores["trending_up"] + scores["trending_down"])
        assert reverting > trending + 0.05


def test_two_scans_of_one_market_are_the_same(exchange: EmbeddedExchange) -> None:
    control(exchange, "clock", {"to_second": 1})  # prices change with the minute
    first, second = scan(exchange), scan(exchange)
    assert first.ranked == second.ranked
    assert [(e.symbol, e.reason.code) for e in first.excluded] == [
        (e.symbol, e.reason.code) for e in second.excluded
    ]


def test_four_scans_at_once_share_a_client_and_leave_nothing_behind(
    exchange: EmbeddedExchange,
) -> None:
    settings = [
        ScreenerSettings(min_volume=0.0, top=3),
        ScreenerSettings(min_volume=0.0, top=3),
        ScreenerSettings(min_volume=0.0, top=3),
        ScreenerSettings(symbols=("NOSUCHUSDT",)),
    ]
    config = GatewayConfig(base_url=exchange.base_url)
    with BinanceFuturesClient(config) as client, ThreadPoolExecutor(4) as pool:
        running = [pool.submit(screen, one, client) for one in settings]
        with pytest.raises(UnknownSymbols):
            running[3].result()
        reports = [future.result() for future in running[:3]]
    assert reports[0].ranked == reports[1].ranked == reports[2].ranked
    counts = {stage.stage: stage.count for stage in reports[0].funnel}
    for report in reports:  # each counts its own requests
        # 5 whole-market replies and the time (and once more for the clock), bars
        # and open interest, the benchmark, two ATRs for each of three plans.
        assert 6 <= report.requests.count - 2 * counts["quotes"] <= 6 + 1 + 1 + 6
    assert {row["status"] for row in control(exchange, "requests")} == {200}
    assert [t.name for t in threads() if t.name.startswith("scan-io")] == []


def test_progress_comes_in_order_and_from_this_thread(
    exchange: EmbeddedExchange,
) -> None:
    seen: list[Progress] = []
    with BinanceFuturesClient(GatewayConfig(base_url=exchange.base_url)) as client:
        screen(ScreenerSettings(), client, on_progress=seen.append)
    stages = list(dict.fromkeys(step.stage for step in seen))
    assert stages == ["market", "symbols", "factors", "plans"]
    assert all(0 <= step.done <= step.total for step in seen)


def test_asking_for_a_symbol_that_is_not_there_names_it(
    exchange: EmbeddedExchange,
) -> None:
    settings = ScreenerSettings(symbols=("BTCUSDT", "NOSUCHUSDT"))
    with pytest.raises(UnknownSymbols, match="not on the exchange: NOSUCHUSDT"):
        scan(exchange, settings)


def test_chinese_symbol_alone_is_fetched_and_scored(
    exchange: EmbeddedExchange,
) -> None:
    report = scan(
        exchange,
        ScreenerSettings(
            symbols=("币安人生USDT",), min_volume=0.0, min_days=0.0, min_natr=0.0
        ),
    )
    assert [row.symbol for row in report.ranked] == ["币安人生USDT"]
    assert report.ranked[0].factors["beta_btc"] is not None


def test_strict_lists_only_what_passes_and_renumbers(
    exchange: EmbeddedExchange,
) -> None:
    report = scan(exchange, ScreenerSettings(min_volume=0.0, top=0, strict=True))
    assert any(row.stage == "strict" for row in report.excluded)
    for row in report.ranked:
        assert row.factors["hurst_exponent"] is not None
        assert row.factors["hurst_exponent"] < 0.5
    if report.ranked:
        assert report.ranked[0].rank == 1


class TestPartialFailure:
    """Replies scripted at the exchange; a broken contract never stops the others."""

    def one_broken(
        self, exchange: EmbeddedExchange, fault: dict[str, object]
    ) -> ScreeningReport:
        plain = scan(exchange)
        victim = plain.ranked[0].symbol
        control(exchange, "reset")
        control(
            exchange,
            "faults",
            [{"path": "/fapi/v1/klines", "symbol": victim, "times": 99, **fault}],
        )
        report = scan(exchange)
        excluded = {row.symbol: row for row in report.excluded}
        assert victim in excluded
        assert len(report.ranked) == len(plain.ranked) - 1
        self.reason = excluded[victim].reason
        self.stage = excluded[victim].stage
        return report

    @pytest.mark.parametrize(
        ("fault", "stage", "code"),
        [
            ({"body_text": "[]"}, "bars", "too_few_bars"),
            ({"body_text": "[[1,2,3]]"}, "data", "malformed_payload"),
            ({"body_text": "{}"}, "data", "malformed_payload"),
            ({"body_text": "<html>hello</html>"}, "data", "malformed_payload"),
            ({"body_text": "[[176758"}, "data", "malformed_payload"),
            (
                {
                    "status": 400,
                    "body_text": '{"code":-1122,"msg":"Invalid symbol status."}',
                },
                "data",
                "request_failed",
            ),
            ({"status": 500, "body_text": "oops"}, "data", "request_failed"),
        ],
    )
    def test_broken_bars_exclude_one_contract(
        self,
        exchange: EmbeddedExchange,
        fault: dict[str, object],
        stage: str,
        code: str,
    ) -> None:
        report = self.one_broken(exchange, fault)
        assert (self.stage, self.reason.code) == (stage, code)
        assert (report.coverage < 1.0) == (stage == "data")

    def test_missing_open_interest_lowers_confidence_only(
        self, exchange: EmbeddedExchange
    ) -> None:
        victim = scan(exchange).ranked[0].symbol
        control(exchange, "reset")
        control(
            exchange,
            "faults",
            [
                {
                    "path": "/fapi/v1/openInterest",
                    "symbol": victim,
                    "times": 99,
                    "body_text": '{"symbol":"X","openInterest":"NaN","time":1}',
                }
            ],
        )
        report = scan(exchange)
        row = next(r for r in report.ranked if r.symbol == victim)
        assert row.factors["open_interest_ratio"] is None
        assert row.confidence == pytest.approx(1 - 0.075)
        assert any("open interest missing for 1 of" in note for note in report.notes)
        assert 0.9 < report.coverage < 1.0

    def test_all_bars_failing_is_an_error_not_an_empty_list(
        self, exchange: EmbeddedExchange
    ) -> None:
        control(
            exchange,
            "faults",
            [{"path": "/fapi/v1/klines", "times": 10_000, "status": 500}],
        )
        with pytest.raises(AllRequestsFailed, match="no data for any of the"):
            scan(exchange)

    def test_unreadable_ticker_rows_are_excluded_and_cost_coverage(
        self, exchange: EmbeddedExchange
    ) -> None:
        control(
            exchange,
            "faults",
            [
                {
                    "path": "/fapi/v1/ticker/24hr",
                    "times": 1,
                    "body_text": '[{"symbol":"BTCUSDT","quoteVolume":"NaN"}]',
                }
            ],
        )
        report = scan(exchange)
        codes = {row.symbol: row.reason.code for row in report.excluded}
        assert codes["BTCUSDT"] == "malformed_payload"
        assert codes["ETHUSDT"] == "no_ticker"
        assert report.coverage == 0.0
        assert report.degraded

    def test_exchange_that_falls_silent_is_not_asked_for_all_the_others(
        self, exchange: EmbeddedExchange
    ) -> None:
        silence = {"times": None, "delay_ms": 3000}
        control(
            exchange,
            "faults",
            [
                {"path": "/fapi/v1/klines", "after": 30, **silence},
                {"path": "/fapi/v1/openInterest", **silence},
            ],
        )
        impatient = GatewayConfig(base_url=exchange.base_url, total_deadline_s=0.3)
        with BinanceFuturesClient(impatient) as client:
            report = screen(EVERYTHING, client)
        reasons = [row.reason for row in report.excluded if row.stage == "data"]
        assert any("no complete answer within" in reason.text for reason in reasons)
        assert any("had stopped answering" in reason.text for reason in reasons)
        assert {reason.code for reason in reasons} == {"request_failed"}
        assert report.degraded
        assert 0 < len(report.ranked) <= 30
        assert {row.grid_reason.text for row in report.ranked if row.grid_reason} == {
            "not planned: the exchange had stopped answering"
        }


class TestOddButUsable:
    """What the exchange sends now and then, and what must come of it."""

    def bars(self, exchange: EmbeddedExchange, symbol: str) -> list[list[object]]:
        url = f"{exchange.base_url}/fapi/v1/klines"
        query = {"symbol": symbol, "interval": "4h", "limit": 301}
        answer = requests.get(url, params=query, timeout=10)
        rows: list[list[object]] = answer.json()
        return rows

    def served(
        self,
        exchange: EmbeddedExchange,
        symbol: str,
        rows: list[list[object]],
        *,
        times: int = 1,
    ) -> ScreeningReport:
        fault = {"path": "/fapi/v1/klines", "symbol": symbol, "body": rows}
        fault |= {"times": times}
        control(exchange, "faults", [fault])
        return scan(exchange)

    def test_unsorted_and_repeated_bars_give_the_same_scores(
        self, exchange: EmbeddedExchange
    ) -> None:
        plain = scan(exchange)
        symbol = plain.ranked[0].symbol
        rows = self.bars(exchange, symbol)
        control(exchange, "reset")
        report = self.served(exchange, symbol, [*reversed(rows), rows[5]])
        assert [(r.symbol, r.gss) for r in report.ranked] == [
            (r.symbol, r.gss) for r in plain.ranked
        ]

    def test_gap_excludes_with_the_number_of_missing_bars(
        self, exchange: EmbeddedExchange
    ) -> None:
        symbol = scan(exchange).ranked[0].symbol
        rows = self.bars(exchange, symbol)
        control(exchange, "reset")
        gapped = [*rows[:100], *rows[103:]]
        report = self.served(exchange, symbol, gapped, times=2)
        reason = next(e.reason for e in report.excluded if e.symbol == symbol)
        assert (reason.code, reason.value) == ("gap", 3)
        assert report.coverage == 1.0

    def test_a_gap_that_is_filled_on_a_second_look_excludes_nobody(
        self, exchange: EmbeddedExchange
    ) -> None:
        plain = scan(exchange)
        symbol = plain.ranked[0].symbol
        rows = self.bars(exchange, symbol)
        control(exchange, "reset")
        report = self.served(exchange, symbol, [*rows[:100], *rows[103:]])
        assert [(r.symbol, r.gss) for r in report.ranked] == [
            (r.symbol, r.gss) for r in plain.ranked
        ]

    def test_missing_newest_bar_is_stale(self, exchange: EmbeddedExchange) -> None:
        symbol = scan(exchange).ranked[0].symbol
        rows = self.bars(exchange, symbol)
        control(exchange, "reset")
        report = self.served(exchange, symbol, rows[:-2])
        reason = next(e.reason for e in report.excluded if e.symbol == symbol)
        assert reason.code == "stale_bars"

    def test_no_funding_intervals_mean_eight_hours(
        self, exchange: EmbeddedExchange
    ) -> None:
        fault = {"path": "/fapi/v1/fundingInfo", "times": 1, "body": []}
        control(exchange, "faults", [fault])
        report = scan(exchange)
        assert {r.factors["funding_interval_h"] for r in report.ranked} == {8.0}
        assert all(r.confidence == 1.0 for r in report.ranked)

    def test_empty_funding_rate_is_missing_not_zero(
        self, exchange: EmbeddedExchange
    ) -> None:
        rows = requests.get(
            f"{exchange.base_url}/fapi/v1/premiumIndex", timeout=10
        ).json()
        for row in rows:
            row["lastFundingRate"] = ""
        control(exchange, "reset")
        control(
            exchange,
            "faults",
            [{"path": "/fapi/v1/premiumIndex", "times": 1, "body": rows}],
        )
        report = scan(exchange)
        assert {r.factors["funding_rate_8h"] for r in report.ranked} == {None}
        assert {r.confidence for r in report.ranked} == {0.925}
        assert all(
            r.grid is None or r.grid["funding_per_day_initial"] is None
            for r in report.ranked
        )

    def test_unknown_status_is_excluded_with_its_name(
        self, exchange: EmbeddedExchange
    ) -> None:
        info = requests.get(
            f"{exchange.base_url}/fapi/v1/exchangeInfo", timeout=10
        ).json()
        place = next(
            i for i, row in enumerate(info["symbols"]) if row["symbol"] == "ETHUSDT"
        )
        fault = {
            "path": "/fapi/v1/exchangeInfo",
            "times": 1,
            "patch": {f"/symbols/{place}/status": "HALF_ASLEEP"},
        }
        control(exchange, "faults", [fault])
        report = scan(exchange)
        reason = next(e.reason for e in report.excluded if e.symbol == "ETHUSDT")
        assert (reason.code, reason.value) == ("status", "HALF_ASLEEP")


def test_symbols_of_an_unknown_exclusion_are_named(exchange: EmbeddedExchange) -> None:
    report = scan(exchange, ScreenerSettings(exclude=("NOSUCHUSDT",)))
    note = "to be excluded, but not on the exchange: NOSUCHUSDT"
    assert note in report.notes


def test_report_shows_the_effective_weights(exchange: EmbeddedExchange) -> None:
    assert scan(exchange).settings["weights"] == [0.2, 0.2, 0.3, 0.3]


def test_configured_settings_fill_what_was_not_given(
    exchange: EmbeddedExchange, settings: Any
) -> None:
    settings.SCREENER = {
        "base_url": exchange.base_url,
        "min_volume": 0.0,
        "top": 3,
        "interval": "1h",
    }
    report = screen_short_grid(ScreenerSettings(top=5))
    assert len(report.ranked) == 5
    assert report.settings["min_volume"] == 0.0
    assert report.settings["interval"] == "1h"
    assert report.source == "simulated"


class TestScanEndingErrors:
    def test_ban_ends_the_scan_and_nothing_more_is_sent(
        self, exchange: EmbeddedExchange
    ) -> None:
        control(
            exchange,
            "faults",
            [
                {
                    "path": "/fapi/v1/klines",
                    "times": 1,
                    "status": 418,
                    "headers": {"Retry-After": "120"},
                    "body_text": '{"code":-1003,"msg":"banned"}',
                }
            ],
        )
        with BinanceFuturesClient(GatewayConfig(base_url=exchange.base_url)) as client:
            with pytest.raises(IpBanned, match="banned this IP address"):
                screen(EVERYTHING, client)
            sent = len(control(exchange, "requests"))
            with pytest.raises(IpBanned):
                screen(EVERYTHING, client)
        assert len(control(exchange, "requests")) == sent

    def test_nobody_listening_is_unavailable(self) -> None:
        config = GatewayConfig(base_url="http://127.0.0.1:9", backoff_initial_s=0.01)
        with (
            BinanceFuturesClient(config) as client,
            pytest.raises(ExchangeUnavailable),
        ):
            screen(EVERYTHING, client)


def test_schema_file_is_itself_valid() -> None:
    schema = orjson.loads(Path(SCHEMA).read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
