"""Requests that fail: server errors, broken bodies, contracts that vanish."""

import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.chaos import UNTOUCHED, ChaosProxy, Treatment
from tests.faults.rig import (
    JSON_SCAN,
    KLINES,
    MARKET_PATHS,
    OPEN_INTEREST,
    SCAN,
    TIME,
    Commands,
    Rig,
    calls,
    essence,
    fetched_symbols,
    interval_of,
    played,
    reason_codes,
)

SERVER_ERRORS = (500, 502, 503, 504)
MAX_TRIES = 3


@pytest.fixture
def clean(rig: Rig, commands: Commands, tmp_path: Path) -> dict[str, Any]:
    """The report of an undisturbed scan, early in a minute whose prices then hold."""
    rig.to_second(1)
    ended = commands.run(*JSON_SCAN, folder=tmp_path / "clean")
    assert ended.code == 0, ended.stderr
    document = ended.document
    assert document["coverage"] == 1.0
    document["fetched"] = fetched_symbols(rig.log())
    rig.reset()
    return document


def same_market(document: Mapping[str, Any], clean: Mapping[str, Any]) -> bool:
    """Whether both reports say the same of the market."""
    ours = essence({k: v for k, v in document.items() if k != "fetched"})
    return ours == essence({k: v for k, v in clean.items() if k != "fetched"})


class TestServerErrors:
    """F07."""

    def test_a_burst_on_30_percent_of_the_calls_changes_nothing(
        self, rig: Rig, commands: Commands, clean: dict[str, Any], rng: Random
    ) -> None:
        symbols = clean["fetched"]
        share = round(0.3 * len(symbols))
        bursts = [
            {"path": path, "symbol": symbol}
            for path in (KLINES, OPEN_INTEREST)
            for symbol in rng.sample(symbols, share)
        ]
        bursts += [{"path": path} for path in rng.sample(MARKET_PATHS, 2)]
        for burst in bursts:
            burst["status"] = rng.choice(SERVER_ERRORS)
            burst["times"] = rng.randint(1, MAX_TRIES - 1)
            burst["html"] = rng.random() < 0.5
        rig.script(*bursts)
        ended = commands.run(*JSON_SCAN)
        log = rig.log()
        assert ended.code == 0, ended.stderr
        assert same_market(ended.document, clean)
        assert len(played(log)) == sum(burst["times"] for burst in bursts)
        assert ended.document["requests"]["retries"] == len(played(log))
        assert ended.document["requests"]["count"] == len(log)
        assert max(calls(log).values()) <= MAX_TRIES

    def test_failures_of_30_percent_of_all_tries_exclude_whom_they_hit_thrice(
        self, rig: Rig, commands: Commands, fault_seed: int
    ) -> None:
        rig.script({"path": "*", "share": 0.3, "seed": fault_seed, "status": 503})
        ended = commands.run(*JSON_SCAN)
        log = rig.log()
        assert max(calls(log).values()) <= MAX_TRIES
        lost = {
            call
            for call, count in calls(played(log)).items()
            if count == calls(log)[call] == MAX_TRIES
        }
        if any(path in MARKET_PATHS for path, _, _ in lost):
            assert ended.code == 69
            assert "HTTP 503" in ended.complaint
            return
        if [row["path"] for row in played(log)[:3]] == [TIME] * MAX_TRIES:
            assert ended.code == 69
            return
        document = ended.document
        codes = reason_codes(document)
        for path, symbol, interval in lost:
            if path == KLINES and interval == "4h" and symbol is not None:
                assert codes[symbol] == "request_failed"
        assert document["degraded"] == (document["coverage"] < 0.9)
        assert ended.code == (3 if document["degraded"] else 0)

    def test_an_exchange_in_trouble_for_a_second_is_outlasted(
        self, rig: Rig, commands: Commands, clean: dict[str, Any]
    ) -> None:
        rig.script({"path": "*", "after": 40, "for_ms": 100, "status": 502})
        ended = commands.run(*JSON_SCAN)
        assert ended.code in (0, 3), ended.stderr
        assert played(rig.log())
        assert max(calls(rig.log()).values()) <= MAX_TRIES
        document = ended.document
        incomplete = 1 - document["coverage"]
        assert ended.code == 0 or incomplete > 0.1
        if document["coverage"] == 1.0:
            assert same_market(document, clean)


class TestBrokenAnswers:
    """F10."""

    def test_they_are_asked_for_again_counted_and_never_kept(
        self, rig: Rig, commands: Commands, clean: dict[str, Any], rng: Random
    ) -> None:
        kinds: list[dict[str, object]] = [
            {"reset": True},
            {"truncate_at": 0},
            {"truncate_at": rng.randint(1, 3000)},
            {"body_text": '[[1767585600000,"0.1","0.2'},
            {"body_text": ""},
            {"body_text": "[[1767585600000,NaN]]"},
            {"html": True},
        ]
        victims = rng.sample(clean["fetched"], 5 * len(kinds))
        faults = [
            {"path": KLINES, "symbol": symbol, "times": rng.randint(1, 2), **kind}
            for symbol, kind in zip(victims, kinds * 5, strict=True)
        ]
        faults += [{"path": path, "html": True} for path in MARKET_PATHS]
        rig.script(*faults)
        cold = commands.run(*JSON_SCAN)
        log = rig.log()
        assert cold.code == 0, cold.stderr
        assert same_market(cold.document, clean)
        assert len(played(log)) == sum(int(str(f.get("times", 1))) for f in faults)
        assert cold.document["requests"]["retries"] == len(played(log))
        assert max(calls(log).values()) <= MAX_TRIES
        # what was kept of that scan is what a scan without faults would have kept
        rig.reset()
        warm = commands.run(*JSON_SCAN)
        assert warm.code == 0, warm.stderr
        assert same_market(warm.document, clean)

    def test_answers_that_stay_broken_exclude_the_contract_and_are_not_kept(
        self, rig: Rig, commands: Commands, clean: dict[str, Any], rng: Random
    ) -> None:
        victims = rng.sample(clean["fetched"], 3)
        kinds: list[dict[str, object]] = [
            {"html": True},
            {"body_text": "[[176758"},
            {"truncate_at": 700},
        ]
        rig.script(
            *(
                {"path": KLINES, "symbol": symbol, "times": None, **kind}
                for symbol, kind in zip(victims, kinds, strict=True)
            )
        )
        cold = commands.run(*JSON_SCAN)
        assert cold.code == 0, cold.stderr
        codes = reason_codes(cold.document)
        assert {codes[symbol] for symbol in victims} <= {
            "malformed_payload",
            "request_failed",
        }
        rig.reset()
        warm = commands.run(*JSON_SCAN)
        assert same_market(warm.document, clean)

    @pytest.mark.parametrize("how", ["reset_after", "cut_after"])
    def test_connections_that_break_in_the_middle_of_bodies_change_nothing(
        self,
        how: str,
        rig: Rig,
        commands: Commands,
        clean: dict[str, Any],
        rng: Random,
    ) -> None:
        # two of them: the third try of whoever meets both is a good one
        places = {n: rng.randint(500, 20_000) for n in rng.sample(range(10), 2)}

        def choose(number: int) -> Treatment:
            if number not in places:
                return UNTOUCHED
            if how == "cut_after":
                return Treatment(cut_after=places[number])
            return Treatment(reset_after=places[number])

        with ChaosProxy(rig.base_url, choose=choose) as proxy:
            ended = commands.run(*JSON_SCAN, url=proxy.base_url)
        assert ended.code == 0, ended.stderr
        assert ended.document["coverage"] == 1.0
        assert same_market(ended.document, clean)
        assert ended.document["requests"]["retries"] > 0
        assert max(calls(rig.log()).values()) <= MAX_TRIES

    def test_bytes_that_arrive_in_slices_are_whole(
        self, rig: Rig, commands: Commands, clean: dict[str, Any]
    ) -> None:
        with ChaosProxy(rig.base_url, Treatment(slice_bytes=701)) as proxy:
            ended = commands.run(*JSON_SCAN, url=proxy.base_url)
        assert ended.code == 0, ended.stderr
        assert same_market(ended.document, clean)
        assert ended.document["requests"]["retries"] == 0


class TestVanishedContracts:
    """F13."""

    def test_contracts_delisted_during_the_scan_are_left_out_with_a_reason(
        self, rig: Rig, commands: Commands, clean: dict[str, Any], rng: Random
    ) -> None:
        listed = [row["symbol"] for row in clean["ranked"]]
        unknown, halted, without_interest, settling = rng.sample(listed[1:], 4)
        info = json.loads(rig.body("/fapi/v1/exchangeInfo"))
        place = next(
            at for at, row in enumerate(info["symbols"]) if row["symbol"] == settling
        )
        rig.reset()
        rig.script(
            {
                "path": KLINES,
                "symbol": unknown,
                "times": None,
                "status": 400,
                "body": {"code": -1121, "msg": "Invalid symbol."},
            },
            {
                "path": KLINES,
                "symbol": halted,
                "times": None,
                "status": 400,
                "body": {"code": -1122, "msg": "Invalid symbol status."},
            },
            {
                "path": OPEN_INTEREST,
                "symbol": without_interest,
                "times": None,
                "status": 400,
                "body": {"code": -4108, "msg": "Symbol is on delivering."},
            },
            {
                "path": "/fapi/v1/exchangeInfo",
                "patch": {f"/symbols/{place}/status": "SETTLING"},
            },
        )
        ended = commands.run(*JSON_SCAN, "--top", "0")
        document = ended.document
        assert ended.code == 0, ended.stderr
        codes = reason_codes(document)
        assert codes[unknown] == codes[halted] == "request_failed"
        assert codes[settling] == "status"
        excluded = {row["symbol"]: row["reason"] for row in document["excluded"]}
        assert "-1121" in excluded[unknown]["text"]
        assert "-1122" in excluded[halted]["text"]
        assert excluded[settling]["value"] == "SETTLING"
        ranked = {row["symbol"]: row for row in document["ranked"]}
        assert ranked[without_interest]["factors"]["open_interest_ratio"] is None
        assert ranked[without_interest]["confidence"] < 1
        # nobody else is affected, and a refusal is not asked for again
        others = set(listed) - {unknown, halted, settling}
        assert others <= set(ranked)
        assert set(calls(played(rig.log())).values()) == {1}

    def test_a_contract_that_vanishes_before_its_plan_stays_without_one(
        self, rig: Rig, commands: Commands, clean: dict[str, Any]
    ) -> None:
        victim = clean["ranked"][0]["symbol"]
        rig.script(
            {
                "path": KLINES,
                "symbol": victim,
                "after": 1,
                "times": None,
                "status": 400,
                "body": {"code": -1122, "msg": "Invalid symbol status."},
            }
        )
        ended = commands.run(*JSON_SCAN)
        assert ended.code == 0, ended.stderr
        first = ended.document["ranked"][0]
        assert (first["symbol"], first["grid"]) == (victim, None)
        assert first["grid_reason"]["code"] == "request_failed"
        assert {interval_of(row) for row in played(rig.log())} == {"1d", "1h"}


class TestCoverage:
    """F14."""

    def failing(self, rig: Rig, symbols: list[str]) -> None:
        fault = {"path": KLINES, "symbols": symbols, "status": 500}
        rig.script(fault)

    @pytest.mark.parametrize("percent", [5, 20])
    def test_it_is_printed_and_below_90_percent_the_report_is_degraded(
        self,
        percent: int,
        rig: Rig,
        commands: Commands,
        clean: dict[str, Any],
        rng: Random,
    ) -> None:
        code = 3 if percent > 10 else 0
        symbols = [s for s in clean["fetched"] if s != "BTCUSDT"]
        victims = rng.sample(symbols, round(percent / 100 * len(symbols)))
        self.failing(rig, victims)
        report = commands.folder.with_name("report.json")
        report.write_text("yesterday")
        ended = commands.run(*JSON_SCAN, "--output", str(report))
        document = json.loads(report.read_text(encoding="utf-8"))
        coverage = 1 - len(victims) / len(clean["fetched"])
        assert ended.code == code
        assert document["coverage"] == pytest.approx(coverage, abs=0.005)
        assert document["degraded"] == (code == 3)
        assert {reason_codes(document)[v] for v in victims} == {"request_failed"}
        if code == 3:
            assert f"degraded: coverage {document['coverage']:.1%}" in ended.complaint
        rig.reset()
        self.failing(rig, victims)
        table = commands.run(*SCAN, folder=commands.folder.with_name("other"))
        assert table.code == code
        assert f"coverage {document['coverage']:.1%}" in table.stdout
        assert ("DEGRADED" in table.stdout.upper()) == (code == 3)

    def test_nothing_at_all_exits_69_and_leaves_the_old_report(
        self, rig: Rig, commands: Commands, tmp_path: Path
    ) -> None:
        report = tmp_path / "report.json"
        report.write_text("yesterday")
        rig.script({"path": KLINES, "symbol_share": 1, "status": 500})
        ended = commands.run(*JSON_SCAN, "--output", str(report))
        assert ended.code == 69
        assert "no data for any of the" in ended.complaint
        assert report.read_text() == "yesterday"
        assert [p.name for p in tmp_path.iterdir() if p.is_file()] == [report.name]
