"""429, and the weight of a clock minute: what the exchange's own log says."""

from collections.abc import Iterator

import pytest

from grid_screening import ScreenerSettings
from grid_screening.services.screening_service import screen
from monitor.api_clients.binance import BinanceFuturesClient
from monitor.conf import GatewayConfig
from monitor.domain.market import KlineInterval
from monitor.simulator.server import EmbeddedExchange
from tests.faults.rig import (
    IN_FLIGHT_MS,
    JSON_SCAN,
    KLINES,
    LIMIT,
    MINUTE_MS,
    SCAN,
    WORKERS,
    Commands,
    Rig,
    Row,
    between,
    calls,
    weight_by_minute,
)

SHARE = 0.8
TOO_MANY = {"code": -1003, "msg": "Too many requests."}


def refused(log: list[Row]) -> list[Row]:
    return [row for row in log if row["status"] == 429]


class TestTooManyRequests:
    """F01 and F02: 429 in the middle of a scan with 20 threads."""

    def test_retry_after_silences_every_process_and_all_scans_complete(
        self, rig: Rig, commands: Commands
    ) -> None:
        """F01."""
        rig.to_second(2)
        rig.script(
            {
                "path": "*",
                "from_weight": 150,
                "for_ms": 7000,
                "status": 429,
                "headers": {"Retry-After": "7"},
                "body": TOO_MANY,
            },
            {"path": "*", "delay_ms": 30, "times": None},
        )
        scans = [commands.start(*JSON_SCAN) for _ in range(2)]
        rig.wait_for_requests(100)
        first_ms = refused(rig.log())[0]["at_ms"]
        scans.append(commands.start(*JSON_SCAN))  # begins in the silence
        ended = [scan.ended() for scan in scans]
        log = rig.log()
        assert [(e.code, e.stderr) for e in ended] == [(0, "")] * 3
        assert between(log, first_ms + IN_FLIGHT_MS, first_ms + 7000) == []
        assert len(between(log, first_ms, first_ms + IN_FLIGHT_MS)) <= 2 * WORKERS
        # nobody asks again more often than he was refused, and once per refusal
        refusals, tries = calls(refused(log)), calls(log)
        assert max(refusals.values()) <= len(scans)
        for call, count in tries.items():
            assert count - len(scans) <= refusals[call], call
        retries = [e.document["requests"]["retries"] for e in ended]
        assert sum(retries) == len(refused(log))
        assert all(e.document["coverage"] == 1.0 for e in ended)

    def test_without_a_time_the_next_clock_minute_is_awaited(
        self, rig: Rig, commands: Commands
    ) -> None:
        """F02."""
        rig.to_second(50)
        rig.script(
            {
                "path": "*",
                "from_weight": 150,
                "for_ms": 1500,
                "status": 429,
                "body": TOO_MANY,
            }
        )
        ended = commands.run(*JSON_SCAN)
        log = rig.log()
        assert ended.code == 0, ended.stderr
        first_ms = refused(log)[0]["at_ms"]
        resumed_ms = (first_ms // MINUTE_MS + 1) * MINUTE_MS
        assert between(log, first_ms + IN_FLIGHT_MS, resumed_ms) == []
        later = [row["at_ms"] for row in log if row["at_ms"] >= resumed_ms]
        # programs on one address must not all return in the same instant
        assert later
        assert min(later) > resumed_ms + 50
        assert max(calls(log).values()) <= 2
        assert ended.document["coverage"] == 1.0

    def test_a_refusal_that_goes_on_ends_the_scan_after_one_retry(
        self, rig: Rig, commands: Commands
    ) -> None:
        """F01."""
        rig.script(
            {
                "path": "*",
                "from_weight": 150,
                "times": None,
                "status": 429,
                "headers": {"Retry-After": "1"},
                "body": TOO_MANY,
            }
        )
        ended = commands.run(*JSON_SCAN)
        log = rig.log()
        assert ended.code == 75
        assert "HTTP 429" in ended.complaint
        assert max(calls(log).values()) <= 2
        # the others, who wait for their own second try, need not have it any more
        asked: set[str] = set()
        for row in refused(log):
            call = row["path"] + row["query"]
            if call in asked:
                break
            asked.add(call)
        assert between(log, row["at_ms"] + IN_FLIGHT_MS, log[-1]["at_ms"] + 1) == []

    @pytest.mark.parametrize("path", ["/fapi/v1/time", "/fapi/v1/exchangeInfo"])
    def test_one_that_meets_the_first_requests_is_waited_out(
        self, path: str, rig: Rig, commands: Commands
    ) -> None:
        """F01, also before the exchange's time is known."""
        rig.script(
            {
                "path": path,
                "status": 429,
                "headers": {"Retry-After": "2"},
                "body": TOO_MANY,
            }
        )
        ended = commands.run(*JSON_SCAN)
        log = rig.log()
        assert ended.code == 0, ended.stderr
        first_ms = refused(log)[0]["at_ms"]
        assert between(log, first_ms + IN_FLIGHT_MS, first_ms + 2000) == []


@pytest.fixture(scope="module")
def _large_rig() -> Iterator[Rig]:
    with EmbeddedExchange(contracts=550, seed=7) as exchange:
        yield Rig(exchange)


@pytest.fixture
def large_rig(_large_rig: Rig) -> Rig:
    """A market that one minute's weight cannot hold."""
    _large_rig.reset()
    return _large_rig


class TestWeightPerMinute:
    """F04 and F05: never more than the share of what the exchange publishes."""

    def test_550_contracts_stay_within_80_percent_of_each_minute(
        self, large_rig: Rig, commands: Commands
    ) -> None:
        """F04."""
        large_rig.to_second(45)
        # plans for all of them: more than one minute holds
        ended = commands.run(*JSON_SCAN, "--top", "0", url=large_rig.base_url)
        log = large_rig.log()
        assert ended.code == 0, ended.stderr
        spent = weight_by_minute(log)
        assert sum(spent.values()) > SHARE * LIMIT
        assert max(spent.values()) <= SHARE * LIMIT
        assert {row["status"] for row in log} == {200}
        assert ended.document["requests"]["weight"] == sum(spent.values())
        assert ended.document["coverage"] == 1.0

    def test_a_lower_limit_in_exchange_info_is_obeyed(
        self, rig: Rig, commands: Commands
    ) -> None:
        """F04."""
        limit = 400
        rig.to_second(50)
        rig.script(
            {
                "path": "/fapi/v1/exchangeInfo",
                "times": None,
                "patch": {"/rateLimits/0/limit": limit},
            }
        )
        ended = commands.run(*JSON_SCAN, "--top", "3")
        assert ended.code == 0, ended.stderr
        spent = weight_by_minute(rig.log())
        assert max(spent.values()) <= SHARE * limit
        # all of it would have fitted into the minute by the limit known before
        assert len(spent) > 1
        assert sum(spent.values()) < SHARE * LIMIT - 200

    @pytest.mark.parametrize(
        ("bars", "weight"), [(50, 1), (98, 1), (99, 2), (300, 2), (600, 5), (1100, 10)]
    )
    def test_bars_are_charged_by_their_number(
        self, rig: Rig, bars: int, weight: int
    ) -> None:
        """F04."""
        settings = ScreenerSettings(
            symbols=("BTCUSDT", "ETHUSDT"),
            min_volume=0.0,
            interval=KlineInterval.H1,
            bars=bars,
        )
        config = GatewayConfig(base_url=rig.base_url)
        with BinanceFuturesClient(config) as client:
            report = screen(settings, client)
        log = rig.log()
        bars_rows = [
            row
            for row in log
            if row["path"] == KLINES and f"limit={bars + 1}" in row["query"]
        ]
        assert [row["weight"] for row in bars_rows] == [weight] * 2
        assert report.requests.weight == sum(row["weight"] for row in log)

    def test_what_others_have_used_is_adopted_from_the_first_answer(
        self, rig: Rig, commands: Commands
    ) -> None:
        """F05."""
        rig.to_second(50)
        rig.others(used_weight=1500)
        began_minute = rig.now_ms() // MINUTE_MS
        ended = commands.run(*JSON_SCAN)
        log = rig.log()
        assert ended.code == 0, ended.stderr
        assert {row["status"] for row in log} == {200}
        spent = weight_by_minute(log)
        assert 0 < spent[began_minute] <= SHARE * LIMIT - 1500
        assert len(spent) == 2  # the rest had to wait for the next minute
        assert ended.document["requests"]["budget_wait_s"] > 0

    def test_others_that_begin_in_the_middle_are_noticed_at_once(
        self, rig: Rig, commands: Commands
    ) -> None:
        """F05."""
        rig.to_second(50)
        rig.script({"path": "*", "delay_ms": 100, "times": None})
        scan = commands.start(*JSON_SCAN)
        rig.wait_for_requests(30)
        rig.others(used_weight=1700)
        ended = scan.ended()
        log = rig.log()
        assert ended.code == 0, ended.stderr
        assert {row["status"] for row in log} == {200}
        in_flight = 2 * WORKERS
        assert max(row["used_weight"] for row in log) <= SHARE * LIMIT + in_flight

    def test_a_full_minute_longer_than_allowed_is_try_later(
        self, rig: Rig, commands: Commands
    ) -> None:
        """F05."""
        rig.to_second(20)
        rig.others(used_weight=2300)
        ended = commands.run(*SCAN, "--max-wait", "2")
        assert ended.code == 75
        assert "request budget is used up" in ended.complaint
        assert {row["status"] for row in rig.log()} == {200}
