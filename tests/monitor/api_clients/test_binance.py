"""The client over real sockets: one thin method per endpoint, one clock."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from monitor.api_clients import clock
from monitor.api_clients.binance import (
    BinanceFuturesClient,
    effective_proxy,
    weight_limiter,
)
from monitor.conf import GatewayConfig
from monitor.domain.market import KlineInterval
from monitor.exceptions import (
    ExchangeError,
    ExchangeUnavailable,
    IpBanned,
    LedgerUnavailable,
    LimitTooSmall,
    MalformedPayload,
    RequestCancelled,
    WaitTooLong,
)
from monitor.ratelimit.sqlite_store import SqliteStore
from tests.monitor import payloads
from tests.monitor.loopback import Loopback, Reply, Script, Seen, json_reply

SYMBOL = "AAAUSDT"
FAST = GatewayConfig(backoff_initial_s=0.001, backoff_max_s=0.002)

ANSWERS: dict[str, Any] = {
    "/fapi/v1/ping": {},
    "/fapi/v1/time": payloads.TIME,
    "/fapi/v1/exchangeInfo": payloads.EXCHANGE_INFO,
    "/fapi/v1/ticker/24hr": payloads.TICKERS,
    "/fapi/v1/premiumIndex": payloads.MARK_PRICES,
    "/fapi/v1/fundingInfo": payloads.FUNDING_INTERVALS,
    "/fapi/v1/ticker/bookTicker": payloads.BOOK_TICKERS,
    "/fapi/v1/openInterest": payloads.OPEN_INTEREST,
    "/futures/data/openInterestHist": payloads.OPEN_INTEREST_HISTORY,
    "/fapi/v1/fundingRate": payloads.FUNDING_HISTORY,
    "/fapi/v1/klines": payloads.KLINES,
}


def exchange(seen: Seen) -> Reply:
    return json_reply(ANSWERS[seen.path])


@contextmanager
def client(
    script: Script = exchange, config: GatewayConfig = FAST
) -> Iterator[tuple[BinanceFuturesClient, Loopback]]:
    with (
        Loopback(script) as server,
        BinanceFuturesClient(replace(config, base_url=server.base_url)) as made,
    ):
        yield made, server


@pytest.mark.parametrize(
    ("call", "path", "query", "weight"),
    [
        (lambda c: c.exchange_info(), "/fapi/v1/exchangeInfo", {}, 1),
        (lambda c: c.tickers_24h(), "/fapi/v1/ticker/24hr", {}, 40),
        (lambda c: c.mark_prices(), "/fapi/v1/premiumIndex", {}, 10),
        (lambda c: c.funding_intervals(), "/fapi/v1/fundingInfo", {}, 0),
        (lambda c: c.book_tickers(), "/fapi/v1/ticker/bookTicker", {}, 5),
        (
            lambda c: c.open_interest(SYMBOL),
            "/fapi/v1/openInterest",
            {"symbol": SYMBOL},
            1,
        ),
        (
            lambda c: c.open_interest_history(SYMBOL, period="4h", limit=30),
            "/futures/data/openInterestHist",
            {"symbol": SYMBOL, "period": "4h", "limit": "30"},
            0,
        ),
        (
            lambda c: c.funding_history(SYMBOL, limit=90, start_time=5),
            "/fapi/v1/fundingRate",
            {"symbol": SYMBOL, "limit": "90", "startTime": "5"},
            0,
        ),
        (
            lambda c: c.klines(SYMBOL, KlineInterval.H4, limit=301, end_time=7),
            "/fapi/v1/klines",
            {"symbol": SYMBOL, "interval": "4h", "limit": "301", "endTime": "7"},
            2,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_method_asks_its_endpoint_once(
    call: Callable[[BinanceFuturesClient], object],
    path: str,
    query: dict[str, str],
    weight: int,
) -> None:
    with client() as (made, server):
        assert call(made) is not None
        assert server.paths() == ["/fapi/v1/time", path]
        assert server.log[-1].query == query
        assert made.statistics().weight == 1 + weight


def test_ping_is_one_request() -> None:
    with client() as (made, server):
        made.ping()
        assert server.paths() == ["/fapi/v1/ping"]


def test_the_exchanges_clock_is_measured_once_and_used() -> None:
    with client() as (made, server):
        assert not made.clock.is_synced()
        first, second = made.now_ms(), made.now_ms()
        assert server.paths() == ["/fapi/v1/time"]
    assert payloads.AT_MS <= first <= second <= payloads.AT_MS + 30_000


def test_server_time_is_the_exchanges_answer() -> None:
    with client() as (made, server):
        assert made.server_time() == payloads.AT_MS
        assert made.server_time() == payloads.AT_MS
        assert len(server.log) == 2


def test_twenty_threads_measure_the_clock_once() -> None:
    with client() as (made, server), ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda _: made.open_interest(SYMBOL), range(100)))
        assert server.paths().count("/fapi/v1/time") == 1
        assert made.statistics().count == 101


def test_threads_share_the_failure_of_one_measurement() -> None:
    def failure(made: BinanceFuturesClient) -> str:
        with pytest.raises(ExchangeUnavailable) as caught:
            made.open_interest(SYMBOL)
        return str(caught.value)

    with (
        client(lambda _: Reply(status=503, hold_s=0.1)) as (made, server),
        ThreadPoolExecutor(20) as threads,
    ):
        found = set(threads.map(lambda _: failure(made), range(20)))
        assert found == {"/fapi/v1/time: HTTP 503: {}"}
        # one measurement of three tries, perhaps a second by a late thread
        assert len(server.log) <= 6


def test_published_limits_feed_the_budget() -> None:
    info = dict(payloads.EXCHANGE_INFO)
    info["rateLimits"] = [{**payloads.RATE_LIMITS[0], "limit": 6000}]

    def script(seen: Seen) -> Reply:
        is_info = seen.path == "/fapi/v1/exchangeInfo"
        return json_reply(info) if is_info else exchange(seen)

    small = replace(FAST, weight_per_minute=50, max_wait_s=0.2)
    with client(script, small) as (made, _):
        made.exchange_info()
        # weighs 40, more than a scan's part of 50
        assert made.tickers_24h().by_symbol


def test_unreadable_answers_for_one_symbol_are_not_asked_for_again() -> None:
    def script(seen: Seen) -> Reply:
        is_wanted = seen.path == "/fapi/v1/openInterest"
        return json_reply({"symbol": SYMBOL}) if is_wanted else exchange(seen)

    with client(script) as (made, server):
        with pytest.raises(MalformedPayload) as caught:
            made.open_interest(SYMBOL)
        assert len(server.log) == 2
    assert str(caught.value) == (
        "/fapi/v1/openInterest of AAAUSDT: unreadable answer: openInterest is missing"
    )


def test_clients_can_share_one_budget() -> None:
    def banning(seen: Seen) -> Reply:
        until_ms = payloads.AT_MS + 600_000
        banned = Reply(status=418, body=f"banned until {until_ms}".encode())
        return exchange(seen) if seen.path == "/fapi/v1/time" else banned

    with client(banning) as (first, server):
        config = replace(FAST, base_url=server.base_url)
        first.server_time()
        shared = weight_limiter(config)
        with (
            BinanceFuturesClient(config, limiter=shared) as one,
            BinanceFuturesClient(config, limiter=shared) as other,
        ):
            with pytest.raises(IpBanned):
                one.tickers_24h()
            sent = len(server.log)
            with pytest.raises(IpBanned):
                other.tickers_24h()
            assert len(server.log) == sent


@pytest.mark.parametrize(("status", "error"), [(429, WaitTooLong), (418, IpBanned)])
def test_a_client_that_never_asked_the_time_obeys_what_another_met(
    status: int, error: type[ExchangeError]
) -> None:
    refused = Reply(status=status, headers={"Retry-After": "60"})

    def script(seen: Seen) -> Reply:
        return refused if seen.path == "/fapi/v1/ticker/24hr" else exchange(seen)

    with Loopback(script) as server:
        config = replace(FAST, base_url=server.base_url, max_wait_s=0.2)
        shared = weight_limiter(config)
        with (
            BinanceFuturesClient(config, limiter=shared) as unsynced,
            BinanceFuturesClient(config, limiter=shared) as other,
        ):
            with pytest.raises(error):
                other.tickers_24h()
            sent = len(server.log)
            for call in (unsynced.ping, unsynced.mark_prices, other.ping):
                with pytest.raises(error):
                    call()
            assert len(server.log) == sent
            assert unsynced.clock is other.clock is shared.clock


@pytest.mark.parametrize(("blurred", "asked"), [(0, 1), (1, 2), (2, 3), (99, 3)])
def test_a_blurred_clock_is_measured_again(
    blurred: int, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "SHARP_ROUND_TRIP_MS", 100)

    def script(seen: Seen) -> Reply:
        return json_reply(payloads.TIME, hold_s=0.15 * (seen.number < blurred))

    with client(script) as (made, server):
        made.now_ms()
        made.now_ms()
        assert len(server.log) == asked
        assert made.clock.is_sharp() == (blurred < 3)


def test_a_blurred_measurement_does_if_the_next_one_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "SHARP_ROUND_TRIP_MS", -1)

    def script(seen: Seen) -> Reply:
        return json_reply(payloads.TIME) if seen.number == 0 else Reply(status=503)

    with client(script) as (made, server):
        assert made.now_ms() >= payloads.AT_MS
        assert len(server.log) == 1 + FAST.max_attempts


def test_sessions_count_their_own_requests_and_share_the_rest() -> None:
    with client() as (made, server):
        with made.session() as one, made.session() as other:
            one.tickers_24h()
            other.mark_prices()
            other.open_interest(SYMBOL)
            assert one.clock is other.clock is made.clock
        made.ping()
        counted = [c.statistics() for c in (one, other, made)]
        assert [s.count for s in counted] == [2, 2, 5]
        assert [s.weight for s in counted] == [41, 11, 53]
        assert server.connection_count == 1
        assert server.paths().count("/fapi/v1/time") == 1


def test_sessions_end_with_their_client() -> None:
    with client() as (made, server):
        session = made.session()
        made.close()
        with pytest.raises(RequestCancelled):
            session.ping()
        assert server.log == []
        assert session.budget_wait() is None


def test_an_unreadable_limit_leaves_the_assumed_one() -> None:
    info = dict(payloads.EXCHANGE_INFO)
    info["rateLimits"] = [{**payloads.RATE_LIMITS[0], "limit": "1"}]

    def script(seen: Seen) -> Reply:
        is_info = seen.path == "/fapi/v1/exchangeInfo"
        return json_reply(info) if is_info else exchange(seen)

    with client(script) as (made, _):
        assert made.exchange_info().malformed == ()
        made.tickers_24h()


def test_a_published_limit_that_holds_no_request_is_named() -> None:
    info = dict(payloads.EXCHANGE_INFO)
    info["rateLimits"] = [{**payloads.RATE_LIMITS[0], "limit": 40}]

    def script(seen: Seen) -> Reply:
        is_info = seen.path == "/fapi/v1/exchangeInfo"
        return json_reply(info) if is_info else exchange(seen)

    with client(script) as (made, _):
        made.exchange_info()
        with pytest.raises(LimitTooSmall) as caught:
            made.tickers_24h()
    assert str(caught.value) == (
        "a request of weight 40 never fits: the limit of this IP address leaves it "
        "16 a minute, safety share and reserve deducted"
    )


class TestSharedLedger:
    """Clients that were given no limiter."""

    def test_they_share_what_one_of_them_meets(self) -> None:
        def banning(seen: Seen) -> Reply:
            banned = Reply(status=418, headers={"Retry-After": "600"})
            return banned if seen.path == "/fapi/v1/ticker/24hr" else exchange(seen)

        with client(banning) as (made, server):
            with pytest.raises(IpBanned) as caught:
                made.tickers_24h()
            sent = len(server.log)
            config = replace(FAST, base_url=server.base_url)
            for chosen in (config, replace(config, safety_share=0.1)):
                with (
                    BinanceFuturesClient(chosen) as other,
                    pytest.raises(IpBanned) as again,
                ):
                    other.ping()
                assert abs(again.value.until_ms - caught.value.until_ms) < 50
            assert len(server.log) == sent

    def test_they_begin_with_the_limit_that_was_published(self) -> None:
        info = dict(payloads.EXCHANGE_INFO)
        info["rateLimits"] = [{**payloads.RATE_LIMITS[0], "limit": 40}]

        def script(seen: Seen) -> Reply:
            is_info = seen.path == "/fapi/v1/exchangeInfo"
            return json_reply(info) if is_info else exchange(seen)

        with client(script) as (made, server):
            made.exchange_info()
            config = replace(FAST, base_url=server.base_url)
            with BinanceFuturesClient(config) as other, pytest.raises(LimitTooSmall):
                other.tickers_24h()

    def test_memory_is_not_shared(self) -> None:
        with Loopback(exchange) as server:
            config = replace(FAST, base_url=server.base_url, ledger_url="memory://")
            with (
                BinanceFuturesClient(config) as one,
                BinanceFuturesClient(config) as other,
            ):
                one.tickers_24h()
                other.mark_prices()
                assert one.statistics().peak_weight_per_minute == 40
                assert other.statistics().peak_weight_per_minute == 10

    def test_statistics_outlive_the_client(self, tmp_path: Path) -> None:
        with client(config=replace(FAST, data_dir=tmp_path / "data")) as (made, _):
            made.tickers_24h()
        rmtree(tmp_path / "data")
        assert made.statistics().peak_weight_per_minute == 40
        assert list(tmp_path.iterdir()) == []

    def test_without_a_usable_ledger_there_is_no_client(self) -> None:
        with pytest.raises(LedgerUnavailable) as caught:
            BinanceFuturesClient(replace(FAST, data_dir=Path("/proc/none")))
        assert str(caught.value).startswith(
            "request ledger /proc/none/rate_ledger.sqlite3: No such file or directory"
        )

    @pytest.mark.parametrize("status", [429, 418])
    def test_a_refusal_that_cannot_be_stored_ends_everything(
        self, status: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full_disk(*_: object, **__: object) -> None:
            raise LedgerUnavailable("ledger.sqlite3", "the disk is full")

        refused = Reply(status=status, headers={"Retry-After": "1"})

        def script(seen: Seen) -> Reply:
            if seen.path != "/fapi/v1/ticker/24hr":
                return exchange(seen)
            monkeypatch.setattr(SqliteStore, "update", full_disk)
            return refused

        with client(script) as (made, server):
            with pytest.raises(LedgerUnavailable):
                made.tickers_24h()
            sent = len(server.log)
            monkeypatch.undo()
            for call in (made.ping, made.mark_prices):
                with pytest.raises(LedgerUnavailable, match="the disk is full"):
                    call()
            assert len(server.log) == sent

    def test_another_proxy_is_another_address(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config = GatewayConfig(base_url="http://exchange.example")
        assert effective_proxy(config) is None
        monkeypatch.setenv("http_proxy", "http://proxy.example:8080")
        assert effective_proxy(config) == "http://proxy.example:8080"
        own = replace(config, proxy="socks5h://other.example:1080")
        assert effective_proxy(own) == "socks5h://other.example:1080"


def test_cancel_is_final() -> None:
    with client() as (made, server):
        made.cancel()
        with pytest.raises(RequestCancelled):
            made.tickers_24h()
        with pytest.raises(RequestCancelled):
            made.now_ms()
        assert server.log == []


def test_close_can_be_repeated() -> None:
    with client() as (made, _):
        made.ping()
        made.close()
        made.close()
        with pytest.raises(RequestCancelled):
            made.ping()
