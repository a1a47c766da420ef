"""F08 and F09: an exchange that is not there, hangs, or drips."""

from collections.abc import Iterator

import pytest

from grid_screening import ScreenerSettings
from grid_screening.services.screening_service import screen
from monitor.api_clients.binance import BinanceFuturesClient
from monitor.conf import GatewayConfig
from monitor.simulator.server import EmbeddedExchange
from tests.chaos import ChaosProxy, Treatment, full_address, refusing_address
from tests.faults.rig import (
    JSON_SCAN,
    KLINES,
    OPEN_INTEREST,
    PATIENCE,
    SCAN,
    Commands,
    Ended,
    Rig,
    fetched_symbols,
    played,
)

SCAN_DEADLINE_S = 60.0
REQUEST_DEADLINE_S = 15.0
CONNECT_TIMEOUT_S = 3.0
BLACKHOLE = Treatment(blackhole=True)
DRIP = Treatment(slice_bytes=1, pause_s=1.0)


def check(ended: Ended, *, deadline_s: float, why: str) -> None:
    """69, one line that says why, and in time."""
    assert ended.code == 69, ended.stderr
    assert why in ended.complaint
    assert ended.took_s <= deadline_s * PATIENCE


class TestNotThere:
    """F08: from the beginning. Side by side, since all they do is wait."""

    def test_every_kind_of_absence_ends_in_time_with_its_reason(
        self, rig: Rig, commands: Commands
    ) -> None:
        with (
            full_address() as full,
            ChaosProxy(rig.base_url, BLACKHOLE) as silent,
            ChaosProxy(rig.base_url, DRIP) as dripping,
        ):
            refused = commands.start(*SCAN, url=refusing_address())
            unknown = commands.start(*SCAN, url="http://nowhere.invalid")
            unconnected = commands.start(*SCAN, url=full)
            unanswered = commands.start(*SCAN, url=silent.base_url)
            # F09: 1 byte per second passes every read timeout
            dripped = commands.start(*SCAN, url=dripping.base_url)
            check(refused.ended(), deadline_s=5.0, why="Connection refused")
            check(unknown.ended(), deadline_s=SCAN_DEADLINE_S, why="nowhere.invalid")
            check(
                unconnected.ended(),
                deadline_s=CONNECT_TIMEOUT_S * 3 + 1,
                why="no complete answer within 3 s",
            )
            for running in (unanswered, dripped):
                check(
                    running.ended(),
                    deadline_s=REQUEST_DEADLINE_S + 1,
                    why="no complete answer within",
                )
        assert rig.log() == [] or {row["path"] for row in rig.log()} == {
            "/fapi/v1/time"
        }


class TestGoneInTheMiddle:
    """F08: a scan ends with what it has."""

    @pytest.mark.parametrize("how", ["blackhole", "refused"])
    def test_the_rest_is_not_waited_for(
        self, how: str, rig: Rig, commands: Commands
    ) -> None:
        rig.script({"path": "*", "delay_ms": 100, "times": None})
        with ChaosProxy(rig.base_url) as proxy:
            scan = commands.start(*JSON_SCAN, url=proxy.base_url)
            rig.wait_for_requests(50, KLINES)
            proxy.treat(BLACKHOLE)
            if how == "refused":
                proxy.refuse()
            proxy.reset_all()
            ended = scan.ended()
        assert ended.took_s <= SCAN_DEADLINE_S * PATIENCE
        assert ended.code == 3, ended.stderr
        document = ended.document
        assert document["degraded"]
        assert document["ranked"]
        codes = {
            e["reason"]["code"] for e in document["excluded"] if e["stage"] == "data"
        }
        assert codes == {"request_failed"}


class TestHanging:
    """F08: an exchange that hangs now and then must not hold a scan for ever."""

    def test_the_scan_ends_at_its_deadline_with_what_it_has(
        self, rig: Rig, commands: Commands, fault_seed: int
    ) -> None:
        deadline_s = 30.0
        hanging = {"share": 0.33, "seed": fault_seed, "hang": True}
        rig.script(
            *({"path": path, **hanging} for path in (KLINES, OPEN_INTEREST)),
        )
        # with four workers the hanging ones alone would take minutes
        ended = commands.run(
            *JSON_SCAN, "--scan-deadline", f"{deadline_s:.0f}", "--workers", "4"
        )
        log = rig.log()
        assert ended.took_s <= deadline_s * PATIENCE
        assert ended.code in (3, 69), ended.stderr
        assert played(log)
        sent_for_ms = log[-1]["at_ms"] - log[0]["at_ms"]
        assert sent_for_ms <= deadline_s * 1000
        if ended.code == 3:
            assert ended.document["seconds"] <= deadline_s * PATIENCE
            assert ended.document["degraded"]


class TestDrip:
    """F09: the deadline is of the whole answer."""

    @pytest.fixture
    def dripping(self) -> Iterator[Rig]:
        with EmbeddedExchange(contracts=20, seed=7) as exchange:
            yield Rig(exchange)

    def test_contracts_whose_bars_drip_are_left_out_and_the_scan_goes_on(
        self, dripping: Rig
    ) -> None:
        deadline_s = 1.5
        settings = ScreenerSettings(min_volume=0.0)
        config = GatewayConfig(
            base_url=dripping.base_url, total_deadline_s=deadline_s, read_timeout_s=1.0
        )
        with BinanceFuturesClient(config) as client:
            screen(settings, client)
            victims = fetched_symbols(dripping.log())[:3]
            dripping.reset()
            # 20 bytes a second: far below any read timeout, far from the end
            dripping.script(
                {"path": KLINES, "symbols": victims, "drip_ms": 50},
            )
            report = screen(settings, client)
        assert report.seconds <= deadline_s * 2 * PATIENCE
        reasons = {row.symbol: row.reason for row in report.excluded}
        for victim in victims:
            assert reasons[victim].code == "request_failed"
            assert f"no complete answer within {deadline_s:g} s" in reasons[victim].text
        assert report.ranked
