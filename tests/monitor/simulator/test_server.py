"""The exchange over real sockets."""

import gzip
import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from monitor.simulator.server import EmbeddedExchange, SimulatorFailed

ROOT = Path(__file__).resolve().parents[3]
KLINES = "/fapi/v1/klines"
START = 1_767_587_400_000
CHINESE = "币安人生USDT"
MISSING = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."


class Client:
    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.session = requests.Session()

    def get(self, path: str, **parameters: object) -> requests.Response:
        return self.session.get(
            self.base_url + path,
            params={name: str(value) for name, value in parameters.items()},
            timeout=10,
        )

    def json(self, path: str, **parameters: object) -> Any:
        answer = self.get(path, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def error(self, path: str, **parameters: object) -> tuple[int, int, str]:
        answer = self.get(path, **parameters)
        body = answer.json()
        return answer.status_code, body["code"], body["msg"]

    def post(self, path: str, payload: object = None) -> requests.Response:
        return self.session.post(self.base_url + path, json=payload, timeout=10)

    def log(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.json("/sim/requests")
        return rows


@pytest.fixture
def client(exchange: EmbeddedExchange) -> Iterator[Client]:
    client = Client(exchange.base_url)
    client.post("/sim/reset")
    yield client
    client.post("/sim/reset")
    client.session.close()


@pytest.fixture(scope="module")
def movable_exchange() -> Iterator[EmbeddedExchange]:
    """An exchange whose clock may be moved; it does not go back for the others."""
    with EmbeddedExchange(contracts=3) as running:
        yield running


@pytest.fixture
def movable(movable_exchange: EmbeddedExchange) -> Iterator[Client]:
    client = Client(movable_exchange.base_url)
    client.post("/sim/reset")
    yield client
    client.session.close()


class TestAnswers:
    def test_the_clock_begins_at_its_fixed_instant(self, client: Client) -> None:
        now = client.json("/fapi/v1/time")["serverTime"]
        assert START <= now < START + 10 * 60_000

    def test_klines_have_twelve_columns_of_the_live_types(self, client: Client) -> None:
        rows = client.json(KLINES, symbol="ETHUSDT", interval="4h", limit=301)
        assert len(rows) == 301
        kinds = [int, *[str] * 5, int, str, int, str, str, str]
        for row in rows:
            assert [type(value) for value in row] == kinds
            assert row[6] == row[0] + 4 * 3_600_000 - 1
        now = client.json("/fapi/v1/time")["serverTime"]
        assert rows[-1][6] > now > rows[-2][6]

    def test_symbols_may_be_lower_case_and_chinese(self, client: Client) -> None:
        assert client.json(KLINES, symbol="ethusdt", interval="1h", limit=2)
        encoded = quote(CHINESE)
        assert encoded == "%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT"
        address = f"{client.base_url}{KLINES}?symbol={encoded}&interval=1h&limit=2"
        assert len(client.session.get(address, timeout=10).json()) == 2
        assert client.json("/fapi/v1/ticker/24hr", symbol=CHINESE)["symbol"] == CHINESE

    def test_times_choose_bars(self, client: Client) -> None:
        hour = 3_600_000
        base = START // hour * hour - 100 * hour
        ask = {"symbol": "ETHUSDT", "interval": "1h"}

        def opens(**parameters: object) -> list[int]:
            return [row[0] for row in client.json(KLINES, **ask, **parameters)]

        assert opens(startTime=base, limit=3) == [base, base + hour, base + 2 * hour]
        assert opens(startTime=base + 1, limit=1) == [base + hour]
        assert opens(endTime=base, limit=2) == [base - hour, base]
        assert opens(endTime=base + hour - 1, limit=1) == [base]
        both = opens(startTime=base, endTime=base + 5 * hour - 1, limit=50)
        assert both == [base + i * hour for i in range(5)]
        assert opens(startTime=0, limit=2)[0] < base
        assert opens(endTime=1000, limit=5) == []
        assert len(opens()) == 500

    def test_price_klines_have_zeros_for_volumes(self, client: Client) -> None:
        for path, name in (("markPriceKlines", "symbol"), ("indexPriceKlines", "pair")):
            ask = {name: "ETHUSDT", "interval": "1h", "limit": 2}
            row = client.json(f"/fapi/v1/{path}", **ask)[0]
            assert (row[5], row[7], row[8], row[9:]) == ("0", "0", 3600, ["0"] * 3)

    def test_continuous_klines_find_the_contract(self, client: Client) -> None:
        path, kind = "/fapi/v1/continuousKlines", "CURRENT_QUARTER"
        ask = {"pair": "BTCUSDT", "contractType": kind, "interval": "1h", "limit": 3}
        wanted = client.json(KLINES, symbol="BTCUSDT_260327", interval="1h", limit=3)
        assert client.json(path, **ask) == wanted

    def test_whole_market_replies_agree(self, client: Client) -> None:
        info = client.json("/fapi/v1/exchangeInfo", symbol="NOTHING")
        trading = {r["symbol"] for r in info["symbols"] if r["status"] == "TRADING"}
        tickers = client.json("/fapi/v1/ticker/24hr")
        books = client.json("/fapi/v1/ticker/bookTicker")
        prices = client.json("/fapi/v2/ticker/price")
        for rows in (tickers, books, prices):
            assert {row["symbol"] for row in rows} == trading
        marks = client.json("/fapi/v1/premiumIndex")
        assert {row["symbol"] for row in marks} == {
            r["symbol"] for r in info["symbols"]
        }
        settling = next(r for r in marks if r["symbol"] == "BLZUSDT")
        assert settling["markPrice"] == "0.00000000"
        now = client.json("/fapi/v1/time")["serverTime"]
        fresh = next(row for row in books if row["symbol"] == "BTCUSDT")
        assert 0 <= now - fresh["time"] < 5_000
        assert float(fresh["bidPrice"]) < float(fresh["askPrice"])
        assert info["serverTime"] < now - 3 * 3_600_000

    def test_funding_info_has_the_live_oddities(self, client: Client) -> None:
        rows = {row["symbol"]: row for row in client.json("/fapi/v1/fundingInfo")}
        assert "BTCUSD_PERP" in rows
        assert rows["BTCUSDT"]["updateTime"] is None
        assert {row["fundingIntervalHours"] for row in rows.values()} <= {1, 4, 8}
        trading = {row["symbol"] for row in client.json("/fapi/v1/ticker/24hr")}
        assert trading - set(rows)

    def test_funding_history_is_ascending_and_limited(self, client: Client) -> None:
        path = "/fapi/v1/fundingRate"
        rows = client.json(path, symbol="ETHUSDT", limit=10)
        times = [row["fundingTime"] for row in rows]
        assert len(rows) == 10
        assert times == sorted(times)
        first = client.json(path, symbol="ETHUSDT", startTime=times[0], limit=2)
        assert first == rows[:2]
        assert len(client.json(path)) == 100

    def test_open_interest_history(self, client: Client) -> None:
        path = "/futures/data/openInterestHist"
        rows = client.json(path, symbol="ETHUSDT", period="4h", limit=180)
        gaps = {b["timestamp"] - a["timestamp"] for a, b in pairwise(rows)}
        assert (len(rows), gaps) == (180, {4 * 3_600_000})
        old = client.error(
            path, symbol="ETHUSDT", period="4h", startTime=START - 40 * 86_400_000
        )
        assert old == (400, -1130, "parameter 'startTime' is invalid.")

    def test_depth_is_sorted_around_the_best_quotes(self, client: Client) -> None:
        book = client.json("/fapi/v1/depth", symbol="ETHUSDT", limit=20)
        bids, asks = (
            [float(level[0]) for level in book[side]] for side in ("bids", "asks")
        )
        assert bids == sorted(bids, reverse=True)
        assert asks == sorted(asks)
        assert bids[0] < asks[0]

    def test_brackets_want_a_key_and_a_signature(self, client: Client) -> None:
        path = "/fapi/v1/leverageBracket"
        assert client.error(path) == (401, -2014, "API-key format invalid.")
        address = client.base_url + path
        headers = {"X-MBX-APIKEY": "k"}
        unsigned = client.session.get(address, headers=headers, timeout=10)
        assert unsigned.json()["code"] == -1102
        signed = {"timestamp": "1", "signature": "x", "symbol": "ETHUSDT"}
        rows = client.session.get(
            address, headers=headers, params=signed, timeout=10
        ).json()
        steps = rows[0]["brackets"]
        for before, step in pairwise(steps):
            edge = step["notionalFloor"]
            assert edge == before["notionalCap"]
            owed = [edge * b["maintMarginRatio"] - b["cum"] for b in (before, step)]
            assert owed[0] == pytest.approx(owed[1])

    def test_truths_are_told(self, client: Client) -> None:
        truths = client.json("/sim/truth")
        assert truths["SOLUSDT"]["kind"] == "mean_reverting"
        assert truths["SOLUSDT"]["half_life_hours"] > 0


class TestErrors:
    @pytest.mark.parametrize(
        ("parameters", "expected"),
        [
            (
                {"interval": "1h"},
                (
                    400,
                    -1102,
                    MISSING.format("symbol"),
                ),
            ),
            (
                {"symbol": "ETHUSDT"},
                (
                    400,
                    -1102,
                    MISSING.format("interval"),
                ),
            ),
            ({"symbol": "NOPEUSDT", "interval": "1h"}, (400, -1121, "Invalid symbol.")),
            (
                {"symbol": "ETHUSDT", "interval": "1s"},
                (400, -1120, "Invalid interval."),
            ),
            (
                {"symbol": "ETHUSDT", "interval": "1h", "limit": 1501},
                (400, -1130, "Data sent for parameter 'limit' is not valid."),
            ),
            (
                {"symbol": "BLZUSDT", "interval": "1h"},
                (400, -1122, "Invalid symbol status."),
            ),
            (
                {"symbol": "ETHUSDT", "interval": "1h", "startTime": 2, "endTime": 1},
                (400, -1023, "Start time is greater than end time."),
            ),
        ],
    )
    def test_klines(
        self,
        client: Client,
        parameters: dict[str, object],
        expected: tuple[int, int, str],
    ) -> None:
        assert client.error(KLINES, **parameters) == expected

    def test_others(self, client: Client) -> None:
        bad_depth = client.error("/fapi/v1/depth", symbol="ETHUSDT", limit=7)
        assert bad_depth == (400, -4021, "7 is not valid depth limit")
        for symbol in ("BLZUSDT", "NEWAUSDT"):
            status, code, _ = client.error("/fapi/v1/openInterest", symbol=symbol)
            assert (status, code) == (400, -4108)
        missing = client.error("/fapi/v1/openInterest")
        assert missing[:2] == (400, -1102)
        unknown = client.error("/fapi/v1/aggTrades", symbol="ETHUSDT")
        assert unknown == (404, -5000, "Path /fapi/v1/aggTrades, Method GET is invalid")

    @pytest.mark.parametrize("value", ["--5", "abc", "", "9" * 5000, "1.5", "٣"])
    def test_unreadable_numbers_are_refused(self, client: Client, value: str) -> None:
        ask = {"symbol": "ETHUSDT", "interval": "1h", "limit": value}
        assert client.error(KLINES, **ask) == (400, -1102, MISSING.format("limit"))

    def test_refused_requests_cost_weight(self, client: Client) -> None:
        client.get(KLINES, symbol="ETHUSDT", interval="1h", limit=1501)
        client.get("/fapi/v1/openInterest", symbol="NOPE")
        rows = client.log()
        assert [row["weight"] for row in rows] == [10, 1]
        assert [row["status"] for row in rows] == [400, 400]


class TestLimits:
    @pytest.mark.parametrize(
        ("path", "parameters", "weight"),
        [
            ("/fapi/v1/ping", {}, 1),
            ("/fapi/v1/exchangeInfo", {}, 1),
            ("/fapi/v1/ticker/24hr", {}, 40),
            ("/fapi/v1/ticker/24hr", {"symbol": "BTCUSDT"}, 1),
            ("/fapi/v1/ticker/bookTicker", {}, 5),
            ("/fapi/v1/ticker/bookTicker", {"symbol": "BTCUSDT"}, 2),
            ("/fapi/v2/ticker/price", {}, 2),
            ("/fapi/v1/premiumIndex", {}, 10),
            ("/fapi/v1/premiumIndex", {"symbol": "BTCUSDT"}, 1),
            ("/fapi/v1/openInterest", {"symbol": "BTCUSDT"}, 1),
            *(
                (
                    KLINES,
                    {"symbol": "BTCUSDT", "interval": "4h", "limit": limit},
                    weight,
                )
                for limit, weight in (
                    *((1, 1), (99, 1), (100, 2), (499, 2)),
                    *((500, 5), (1000, 5), (1001, 10), (1500, 10)),
                )
            ),
            (KLINES, {"symbol": "BTCUSDT", "interval": "4h"}, 5),
            ("/fapi/v1/depth", {"symbol": "BTCUSDT", "limit": 500}, 10),
            ("/fapi/v1/depth", {"symbol": "BTCUSDT"}, 1),
        ],
    )
    def test_weights(
        self, client: Client, path: str, parameters: dict[str, object], weight: int
    ) -> None:
        answer = client.get(path, **parameters)
        assert answer.status_code == 200
        assert answer.headers["X-MBX-USED-WEIGHT-1M"] == str(weight)

    def test_the_header_is_lower_case_on_the_wire(self, client: Client) -> None:
        host, port = client.base_url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(b"GET /fapi/v1/ping HTTP/1.0\r\n\r\n")
            reply = b"".join(iter(lambda: connection.recv(4096), b""))
        assert b"\r\nx-mbx-used-weight-1m: 1\r\n" in reply

    @pytest.mark.parametrize(
        ("path", "parameters"),
        [
            ("/fapi/v1/fundingInfo", {}),
            ("/fapi/v1/fundingRate", {"symbol": "BTCUSDT"}),
            ("/futures/data/openInterestHist", {"symbol": "BTCUSDT", "period": "4h"}),
        ],
    )
    def test_pools_without_weight_send_no_header(
        self, client: Client, path: str, parameters: dict[str, object]
    ) -> None:
        answer = client.get(path, **parameters)
        assert answer.status_code == 200
        assert "X-MBX-USED-WEIGHT-1M" not in answer.headers
        assert client.log()[-1]["weight"] == 0

    @staticmethod
    def reached(client: Client, status: int) -> requests.Response:
        for _ in range(100):
            answer = client.get("/fapi/v1/premiumIndex")
            if answer.status_code == status:
                return answer
            if answer.status_code == 200:
                # at first, and when the clock minute turns in between
                client.post("/sim/reset", {"used_weight": 2395})
        pytest.fail(f"status {status} never came")

    def test_429_then_418(self, client: Client) -> None:
        refused = self.reached(client, 429)
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert refused.json() == {
            "code": -1003,
            "msg": "Too many requests; current limit of IP(127.0.0.1) is 2400 requests "
            "per minute. Please use the websocket for live updates to avoid polling "
            "the API.",
        }
        banned = self.reached(client, 418)
        message = banned.json()["msg"]
        until = int(message.split("banned until ")[1].split(".")[0])
        assert until == pytest.approx(client.log()[-1]["at_ms"] + 120_000, abs=2_000)
        assert int(banned.headers["Retry-After"]) in (119, 120)
        assert client.get("/fapi/v1/ping").status_code == 418
        client.post("/sim/reset")
        assert client.get("/fapi/v1/ping").status_code == 200

    def test_the_log_tells_what_was_asked(self, client: Client) -> None:
        client.get(KLINES, symbol=CHINESE, interval="4h", limit=301)
        (row,) = client.log()
        at, port = row.pop("at_ms"), row.pop("port")
        assert at >= START
        assert 1024 <= port <= 65_535
        assert row == {
            "path": KLINES,
            "query": f"symbol={quote(CHINESE)}&interval=4h&limit=301",
            "symbol": CHINESE,
            "weight": 2,
            "status": 200,
            "used_weight": 2,
            "fault": None,
        }


class TestWire:
    def test_large_bodies_are_compressed_only_when_asked(self, client: Client) -> None:
        path = f"{KLINES}?symbol=BTCUSDT&interval=4h&limit=100"
        host = client.base_url.removeprefix("http://")
        bodies = {}
        for coding in ("gzip", "identity"):
            connection = http.client.HTTPConnection(host, timeout=10)
            connection.request("GET", path, headers={"Accept-Encoding": coding})
            answer = connection.getresponse()
            bodies[coding] = answer.read()
            zipped = answer.getheader("Content-Encoding") == "gzip"
            assert zipped == (coding == "gzip")
            connection.close()
        assert gzip.decompress(bodies["gzip"]) == bodies["identity"]
        assert len(bodies["gzip"]) < len(bodies["identity"]) / 2
        small = client.get("/fapi/v1/time")
        assert "Content-Encoding" not in small.headers

    def test_latency_delays_every_answer(self) -> None:
        with EmbeddedExchange(contracts=1, latency_ms=80) as slow:
            answer = requests.get(slow.base_url + "/fapi/v1/ping", timeout=10)
            assert answer.elapsed.total_seconds() >= 0.08


class TestFaults:
    def test_a_status_with_headers_and_body(self, client: Client) -> None:
        fault = {
            "path": KLINES,
            "symbol": "ETHUSDT",
            "status": 503,
            "headers": {"Retry-After": "7"},
            "body": {"msg": "Service Unavailable."},
        }
        assert client.post("/sim/faults", [fault]).json() == {"added": 1}
        ask = {"interval": "1h", "limit": 1}
        assert client.get(KLINES, symbol="BTCUSDT", **ask).status_code == 200
        broken = client.get(KLINES, symbol="ETHUSDT", **ask)
        assert (broken.status_code, broken.headers["Retry-After"]) == (503, "7")
        assert client.get(KLINES, symbol="ETHUSDT", **ask).status_code == 200
        assert [row["status"] for row in client.log()] == [200, 503, 200]

    def test_patched_and_html_bodies(self, client: Client) -> None:
        client.post(
            "/sim/faults",
            [
                {"path": "/fapi/v1/ticker/24hr", "patch": {"/0/quoteVolume": "NaN"}},
                {"path": "/fapi/v1/time", "html": True},
            ],
        )
        assert client.json("/fapi/v1/ticker/24hr")[0]["quoteVolume"] == "NaN"
        assert client.get("/fapi/v1/time").text.startswith("<!DOCTYPE html>")

    def test_a_cut_body_breaks_the_connection(self, client: Client) -> None:
        client.post("/sim/faults", [{"path": KLINES, "truncate_at": 100}])
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            client.get(KLINES, symbol="ETHUSDT", interval="1h", limit=5)
        assert client.get("/fapi/v1/ping").status_code == 200

    def test_a_reset_connection(self, client: Client) -> None:
        client.post("/sim/faults", [{"path": "/fapi/v1/ping", "reset": True}])
        with pytest.raises(requests.exceptions.ConnectionError):
            client.get("/fapi/v1/ping")
        assert client.get("/fapi/v1/ping").status_code == 200

    def test_a_slow_drip_sends_all_bytes(self, client: Client) -> None:
        client.post("/sim/faults", [{"path": "/fapi/v1/ping", "drip_ms": 5}])
        assert client.get("/fapi/v1/ping").json() == {}

    def test_a_request_that_hangs_is_never_answered(self, client: Client) -> None:
        client.post("/sim/faults", [{"path": "/fapi/v1/time", "hang": True}])
        with pytest.raises(requests.exceptions.ReadTimeout):
            client.session.get(client.base_url + "/fapi/v1/time", timeout=0.2)
        assert client.get("/fapi/v1/time").status_code == 200
        assert [(r["status"], r["fault"]) for r in client.log()] == [
            (0, 0),
            (200, None),
        ]

    def test_the_log_names_the_fault_that_was_played(self, client: Client) -> None:
        faults = [
            {"path": "/fapi/v1/time", "reset": True},
            {"path": "/fapi/v1/ping", "status": 503},
        ]
        client.post("/sim/faults", faults)
        client.get("/fapi/v1/ping")
        with pytest.raises(requests.exceptions.ConnectionError):
            client.get("/fapi/v1/time")
        client.get("/fapi/v1/ping")
        rows = [(row["status"], row["fault"]) for row in client.log()]
        assert rows == [(503, 1), (0, 0), (200, None)]

    def test_the_exchange_flips_to_429_at_a_weight_for_a_while(
        self, movable: Client
    ) -> None:
        movable.post("/sim/clock", {"to_second": 0})
        flip = {"path": "*", "from_weight": 41, "for_ms": 7000, "status": 429}
        movable.post("/sim/faults", [flip])
        statuses = [
            movable.get(f"/fapi/v1/{path}").status_code
            for path in ("ticker/24hr", "ping", "ping")
        ]
        movable.post("/sim/clock", {"advance_ms": 7000})
        statuses.append(movable.get("/fapi/v1/ping").status_code)
        assert statuses == [200, 429, 429, 200]

    @pytest.mark.parametrize("told", [{}, {"told_ban_ms": 60_000}])
    def test_a_scripted_ban_is_in_the_exchanges_books(
        self, movable: Client, told: dict[str, object]
    ) -> None:
        ban = {"path": "/fapi/v1/ping", "status": 418, "ban_ms": 60_000, **told}
        movable.post("/sim/faults", [ban])
        first = movable.get("/fapi/v1/ping")
        at_ms = movable.log()[0]["at_ms"]
        assert "Retry-After" not in first.headers
        assert (f"banned until {at_ms + 60_000}." in first.text) == bool(told)
        later = movable.get("/fapi/v1/time")
        assert f"banned until {at_ms + 60_000}." in later.text
        assert int(later.headers["Retry-After"]) in (59, 60)
        movable.post("/sim/clock", {"advance_ms": 60_000})
        assert movable.get("/fapi/v1/time").status_code == 200
        assert [row["status"] for row in movable.log()] == [418, 418, 200]

    def test_a_share_of_the_symbols_fails(self, client: Client) -> None:
        trading = [row["symbol"] for row in client.json("/fapi/v1/ticker/24hr")]
        fault = {
            "path": "/fapi/v1/openInterest",
            "symbol_share": 0.4,
            "seed": 3,
            "status": 500,
        }
        client.post("/sim/faults", [fault])
        statuses = [
            [client.get("/fapi/v1/openInterest", symbol=s).status_code for s in trading]
            for _ in range(2)
        ]
        assert statuses[0] == statuses[1]
        assert set(statuses[0]) == {200, 500}

    @pytest.mark.parametrize(
        ("what", "body", "error"),
        [
            ("faults", [{"where": 1}], "a fault must be an object with a path"),
            (
                "faults",
                [{"path": "*", "hang": True, "html": True}],
                "nothing is answered, so not with html",
            ),
            ("others", {}, "used_weight or weight_per_second must be given"),
            (
                "clock",
                {"to_second": 61},
                "to_second must be an integer in 0…59, was 61",
            ),
        ],
    )
    def test_what_is_not_understood_is_refused(
        self, client: Client, what: str, body: object, error: str
    ) -> None:
        answer = client.post(f"/sim/{what}", body)
        assert answer.status_code == 400
        assert answer.json() == {"error": error}


class TestOthers:
    def test_what_others_use_shows_in_headers_and_counts(self, movable: Client) -> None:
        movable.post("/sim/clock", {"to_second": 0})
        movable.post("/sim/others", {"used_weight": 2398})
        answers = [movable.get("/fapi/v1/ping") for _ in range(3)]
        used = [answer.headers["X-MBX-USED-WEIGHT-1M"] for answer in answers]
        assert used == ["2399", "2400", "2400"]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert [row["weight"] for row in movable.log()] == [1, 1, 1]


class TestClock:
    def test_bars_follow_the_clock(self, movable: Client) -> None:
        ask = {"symbol": "ETHUSDT", "interval": "4h", "limit": 300}
        before = movable.json(KLINES, **ask)
        moved = movable.post("/sim/clock", {"advance_ms": 4 * 3_600_000}).json()
        now = movable.json("/fapi/v1/time")["serverTime"]
        assert 0 <= now - moved["now_ms"] < 5_000
        after = movable.json(KLINES, **ask)
        assert after[:-2] == before[1:-1]
        assert after[-1][0] == before[-1][0] + 4 * 3_600_000
        assert after[-1][0] <= now <= after[-1][6]

    def test_a_year_ahead_the_market_is_still_there(self, movable: Client) -> None:
        movable.post("/sim/clock", {"advance_ms": 366 * 86_400_000})
        rows = movable.json(KLINES, symbol="ETHUSDT", interval="1d", limit=5)
        now = movable.json("/fapi/v1/time")["serverTime"]
        assert len(rows) == 5
        assert rows[-1][0] <= now <= rows[-1][6]


class TestLifecycle:
    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @pytest.mark.parametrize(
        ("flags", "line"),
        [
            (["--port", "x"], "--port must be a whole number 0…65535, was 'x'"),
            (["--port", "70000"], "--port must be a whole number 0…65535, was 70000"),
            (
                ["--contracts", "0"],
                "--contracts must be a whole number 1 or more, was 0",
            ),
            (["--seed", "-1"], "--seed must be a whole number 0…2147483647, was -1"),
            (["--data", "/nowhere"], "--data must be a folder, was /nowhere"),
        ],
    )
    @pytest.mark.parametrize(
        "program", [["-m", "monitor.simulator"], ["manage.py", "simulate_exchange"]]
    )
    def test_wrong_flags_are_one_line_and_status_2(
        self, program: list[str], flags: list[str], line: str
    ) -> None:
        done = self.run(*program, *flags)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.strip().endswith(line)
        assert done.stderr.count("\n") == 1

    def test_a_folder_without_a_recording_is_refused(self, tmp_path: Path) -> None:
        done = self.run(
            "-m", "monitor.simulator", "--data", str(tmp_path), "--port", "0"
        )
        assert done.returncode == 2
        assert f"{tmp_path} holds no recorded market" in done.stderr
        assert done.stderr.count("\n") == 1

    def test_a_taken_port_is_refused(self, exchange: EmbeddedExchange) -> None:
        port = exchange.base_url.rsplit(":", 1)[1]
        done = self.run("-m", "monitor.simulator", "--port", port)
        assert done.returncode == 2
        assert done.stderr == (
            f"error: cannot listen on 127.0.0.1:{port}: Address already in use\n"
        )

    @pytest.mark.parametrize(
        ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
    )
    def test_signals_end_it_quietly(self, number: signal.Signals, status: int) -> None:
        child = subprocess.Popen(
            [sys.executable, "manage.py", "simulate_exchange", "--port", "0"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        assert "simulated exchange on http://127.0.0.1:" in child.stdout.readline()
        child.send_signal(number)
        out, complaints = child.communicate(timeout=20)
        assert (child.returncode, out, complaints) == (status, "", "")

    def test_the_child_ends_with_its_parents_pipe(self) -> None:
        child = subprocess.Popen(
            [
                *(sys.executable, "-m", "monitor.simulator", "--port", "0"),
                *("--contracts", "1", "--until-stdin-closes"),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        child.stdout.readline()
        child.communicate(timeout=20)
        assert child.returncode == 0

    def test_a_failed_start_says_the_childs_last_line(self) -> None:
        with (
            pytest.raises(
                SimulatorFailed, match=r"^--contracts must be a whole number 1 or more"
            ),
            EmbeddedExchange(contracts=0),
        ):
            pytest.fail("must not start")

    def test_the_address_is_valid_only_inside(self) -> None:
        embedded = EmbeddedExchange(contracts=1)
        with pytest.raises(RuntimeError, match="only inside its context"):
            _ = embedded.base_url

    def test_two_exchanges_run_side_by_side(self) -> None:
        with EmbeddedExchange(contracts=1) as one, EmbeddedExchange(contracts=1) as two:
            assert one.base_url != two.base_url
            texts = [
                requests.get(e.base_url + "/fapi/v1/exchangeInfo", timeout=10).text
                for e in (one, two)
            ]
        assert texts[0] == texts[1]
        assert json.loads(texts[0])["symbols"]


class TestSpot:
    def test_has_its_own_weight_beside_the_futures(self, client: Client) -> None:
        before = client.get("/fapi/v1/ping").headers["x-mbx-used-weight-1m"]
        spot = client.get("/api/v3/klines", symbol="BTCUSDT", interval="4h")
        again = client.get("/api/v3/ping")
        after = client.get("/fapi/v1/ping").headers["x-mbx-used-weight-1m"]
        used = [int(r.headers["x-mbx-used-weight-1m"]) for r in (spot, again)]
        assert used[1] == used[0] + 1
        assert int(after) == int(before) + 1

    def test_refuses_beyond_6000_a_minute_and_the_futures_go_on(
        self, client: Client
    ) -> None:
        client.post("/sim/clock", {"to_second": 1})
        statuses = {client.get("/api/v3/exchangeInfo").status_code for _ in range(301)}
        assert statuses == {200, 429}
        assert client.get("/fapi/v1/ping").status_code == 200
        client.post("/sim/reset")

    def test_gives_at_most_1000_bars(self, client: Client) -> None:
        rows = client.json(
            "/api/v3/klines", symbol="BTCUSDT", interval="1h", limit=1500
        )
        assert len(rows) == 1000

    def test_stocks_dated_and_multiple_contracts_are_unknown(
        self, client: Client
    ) -> None:
        listed = {r["symbol"] for r in client.json("/api/v3/exchangeInfo")["symbols"]}
        contracts = client.json("/fapi/v1/exchangeInfo")["symbols"]
        away = [row for row in contracts if row["symbol"] not in listed]
        assert {row["contractType"] for row in away} > {"TRADIFI_PERPETUAL"}
        assert "1000PEPEUSDT" in {row["symbol"] for row in away}
        for row in away:
            status, code, _ = client.error(
                "/api/v3/klines", symbol=row["symbol"], interval="4h"
            )
            assert (status, code) == (400, -1121)
