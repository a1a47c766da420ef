"""The transport over real sockets: what goes out, what is tried again, when it ends."""

import logging
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from gc import collect
from gzip import compress
from pathlib import Path
from threading import Event, Thread
from threading import enumerate as running_threads
from time import monotonic
from weakref import ref

import pytest

from monitor.api_clients import endpoints
from monitor.api_clients.sockets import DeadlineKeeper, SocketWatch
from monitor.api_clients.transport import RetryDetails, Transport
from monitor.conf import GatewayConfig
from monitor.domain.market import KlineInterval
from monitor.exceptions import (
    AccessDenied,
    ExchangeError,
    ExchangeTimeout,
    ExchangeUnavailable,
    GarbledAnswer,
    IpBanned,
    RateLimited,
    RequestCancelled,
    RequestRejected,
    WaitTooLong,
)
from monitor.ratelimit.budget import WeightBudget
from monitor.ratelimit.limiter import WeightLimiter
from tests.monitor.loopback import Loopback, Reply, Script, Seen
from tests.monitor.tls import self_signed

PING = endpoints.request(endpoints.PING)
KLINES = endpoints.klines_request("币安人生USDT", KlineInterval.H4, limit=301)
OK = Reply()
DEADLINE_S = 0.5

FAST = GatewayConfig(
    connect_timeout_s=0.4,
    read_timeout_s=5.0,
    total_deadline_s=5.0,
    backoff_initial_s=0.001,
    backoff_max_s=0.002,
)


@pytest.fixture(autouse=True)
def no_keeper_of_an_earlier_test() -> None:
    """Wait for deadline threads of clients that others left unclosed."""
    for thread in running_threads():
        if thread.name == "request-deadlines":
            thread.join(10)


class Rig:
    """A transport, what it was told to do, and what it reported."""

    def __init__(self, config: GatewayConfig) -> None:
        self.budget = WeightBudget(
            weight_per_minute=config.weight_per_minute,
            safety_share=config.safety_share,
            reserved_weight=config.reserved_weight,
        )
        self.limiter = WeightLimiter(self.budget)
        self.clock = self.limiter.clock
        # the middle of a minute, so that headers are believed
        local_ms = self.clock.local_ms()
        self.clock.adopt(
            1_790_000_070_000, sent_at_ms=local_ms, received_at_ms=local_ms
        )
        self.resyncs = 0
        self.retries: list[RetryDetails] = []
        self.transport = Transport(
            config,
            limiter=self.limiter,
            resync=self.resync,
            on_retry=self.retries.append,
        )

    def resync(self) -> None:
        self.resyncs += 1

    def used(self) -> int:
        return self.budget.used_weight(self.clock.now_ms())


@contextmanager
def rig(script: Script, config: GatewayConfig = FAST) -> Iterator[tuple[Rig, Loopback]]:
    with Loopback(script) as server:
        made = Rig(replace(config, base_url=server.base_url))
        try:
            yield made, server
        finally:
            made.transport.close()


def first(*replies: Reply, then: Reply = OK) -> Script:
    def script(seen: Seen) -> Reply:
        return replies[seen.number] if seen.number < len(replies) else then

    return script


def always(reply: Reply) -> Script:
    return lambda _: reply


class TestWhatGoesOut:
    def test_symbols_are_percent_encoded(self) -> None:
        with rig(always(OK)) as (made, server):
            made.transport.get(KLINES)
        (seen,) = server.log
        assert seen.raw_query == (
            "symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT&interval=4h&limit=301"
        )

    def test_gzip_is_asked_for_and_read(self) -> None:
        packed = Reply(body=compress(b'{"a":1}'), headers={"Content-Encoding": "gzip"})
        with rig(always(packed)) as (made, server):
            assert made.transport.get(PING).payload == {"a": 1}
        assert server.log[0].headers["accept-encoding"] == "gzip"

    def test_connections_are_reused(self) -> None:
        with rig(always(OK)) as (made, server):
            for _ in range(5):
                made.transport.get(PING)
            assert server.connection_count == 1

    def test_the_pool_holds_as_many_connections_as_workers(self) -> None:
        with (
            rig(always(Reply(hold_s=0.05))) as (made, server),
            ThreadPoolExecutor(20) as threads,
        ):
            for _ in range(3):
                list(threads.map(lambda _: made.transport.get(PING), range(20)))
            assert server.connection_count <= 20

    def test_weight_and_count_are_reported(self) -> None:
        with rig(first(Reply(status=503))) as (made, _):
            made.transport.get(KLINES)
            statistics = made.transport.statistics()
        assert (statistics.count, statistics.weight) == (2, 4)
        assert (statistics.peak_weight_per_minute, statistics.retries) == (4, 1)

    def test_redirects_are_not_followed(self) -> None:
        moved = Reply(status=302, headers={"Location": "/elsewhere"})
        with rig(always(moved)) as (made, server):
            with pytest.raises(RequestRejected):
                made.transport.get(PING)
            assert server.paths() == ["/fapi/v1/ping"]


class TestRetries:
    @pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
    def test_server_errors_are_tried_again(self, status: int) -> None:
        with rig(first(Reply(status=status), Reply(status=status))) as (made, server):
            assert made.transport.get(PING).payload == {}
            assert len(server.log) == 3
        assert [details.attempt for details in made.retries] == [1, 2]

    @pytest.mark.parametrize(
        "bad",
        [
            Reply(body=b"<html>gateway</html>"),
            Reply(body=b'[[1,"2'),
            Reply(body=b""),
            Reply(body=b"[" + b"1," * 5000, reset_after=4000),
            Reply(raw=b"\x00\xff garbage\r\n\r\n"),
            Reply(raw=b""),
            Reply(raw=b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n"),
            Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            Reply(body=b"not gzip", headers={"Content-Encoding": "gzip"}),
        ],
        ids=[
            "html",
            "cut json",
            "empty",
            "reset",
            "no http",
            "nothing",
            "too many headers",
            "bad chunk",
            "bad gzip",
        ],
    )
    def test_broken_bodies_are_tried_again(self, bad: Reply) -> None:
        with rig(first(bad)) as (made, server):
            assert made.transport.get(PING).payload == {}
            assert len(server.log) == 2

    def test_attempts_end_at_the_limit(self) -> None:
        with rig(always(Reply(status=503))) as (made, server):
            with pytest.raises(ExchangeUnavailable):
                made.transport.get(PING)
            assert len(server.log) == FAST.max_attempts

    def test_a_garbled_answer_that_stays_is_an_error(self) -> None:
        with (
            rig(always(Reply(body=b"<html>"))) as (made, _),
            pytest.raises(GarbledAnswer),
        ):
            made.transport.get(PING)

    @pytest.mark.parametrize("status", [400, 401, 404, 409])
    def test_rejections_are_not_tried_again(self, status: int) -> None:
        body = b'{"code":-1121,"msg":"Invalid symbol."}'
        with rig(always(Reply(status=status, body=body))) as (made, server):
            with pytest.raises(RequestRejected) as caught:
                made.transport.get(KLINES)
            assert len(server.log) == 1
        assert str(caught.value) == (
            f"/fapi/v1/klines: HTTP {status} (code -1121): Invalid symbol."
        )

    @pytest.mark.parametrize("status", [403, 451])
    def test_refused_access_is_not_tried_again(self, status: int) -> None:
        with rig(always(Reply(status=status, body=b"<html>"))) as (made, server):
            with pytest.raises(AccessDenied):
                made.transport.get(PING)
            assert len(server.log) == 1

    def test_a_rejected_timestamp_is_tried_once_after_a_resync(self) -> None:
        late = Reply(status=400, body=b'{"code":-1021,"msg":"Timestamp"}')
        with rig(first(late)) as (made, server):
            made.transport.get(PING)
            assert (made.resyncs, len(server.log)) == (1, 2)
        with rig(always(late)) as (made, server):
            with pytest.raises(RequestRejected):
                made.transport.get(PING)
            assert (made.resyncs, len(server.log)) == (1, 2)

    def test_waits_have_full_jitter_below_the_ceiling(self) -> None:
        slow = replace(FAST, backoff_initial_s=0.01, backoff_max_s=0.015)
        with rig(always(Reply(status=500)), slow) as (made, _):
            for _ in range(10):
                with pytest.raises(ExchangeUnavailable):
                    made.transport.get(PING)
        waits = [details.wait_s for details in made.retries]
        assert all(0 <= wait <= 0.015 for wait in waits)
        assert len({round(wait, 6) for wait in waits}) > 10

    def test_retries_are_logged_one_line_each(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        with Loopback(first(Reply(status=503, body=b'{"msg":"busy"}'))) as server:
            made = Rig(replace(FAST, base_url=server.base_url))
            logging_transport = Transport(
                replace(FAST, base_url=server.base_url),
                limiter=made.limiter,
                resync=made.resync,
            )
            with caplog.at_level(logging.INFO, "monitor.api_clients.transport"):
                logging_transport.get(KLINES)
            logging_transport.close()
            made.transport.close()
        (record,) = caplog.records
        assert record.getMessage().startswith("retry path=/fapi/v1/klines attempt=1")
        assert record.getMessage().endswith("HTTP 503: busy")


class TestRateLimits:
    def test_429_stops_every_thread_until_retry_after(self) -> None:
        flipped = Event()
        answered_at: list[float] = []

        def script(seen: Seen) -> Reply:
            if seen.number >= 30 and not flipped.is_set():
                flipped.set()
                answered_at.append(monotonic())
                return Reply(status=429, headers={"Retry-After": "1"})
            return OK

        with rig(script) as (made, server), ThreadPoolExecutor(20) as threads:
            answers = list(
                threads.map(lambda _: made.transport.get(KLINES), range(200))
            )
            in_flight_s = 0.1
            too_early = [
                seen
                for seen in server.log
                if answered_at[0] + in_flight_s < seen.at_s < answered_at[0] + 1
            ]
        assert len(answers) == 200
        assert too_early == []
        assert len(server.log) == 201

    def test_429_is_retried_once_only(self) -> None:
        limited = Reply(status=429, headers={"Retry-After": "1"})
        with rig(always(limited)) as (made, server):
            with pytest.raises(RateLimited):
                made.transport.get(PING)
            assert len(server.log) == 2
            assert server.log[1].at_s - server.log[0].at_s >= 1

    def test_429_with_too_long_a_wait_is_not_slept_through(self) -> None:
        limited = Reply(status=429, headers={"Retry-After": "600"})
        began = monotonic()
        with rig(always(limited)) as (made, server):
            with pytest.raises(WaitTooLong):
                made.transport.get(PING)
            assert len(server.log) == 1
        assert monotonic() - began < 5

    def test_418_is_never_retried_and_nothing_is_sent_afterwards(self) -> None:
        until_ms = 1_790_000_500_000
        body = f'{{"code":-1003,"msg":"IP banned until {until_ms}."}}'.encode()
        with rig(always(Reply(status=418, body=body))) as (made, server):
            for _ in range(3):
                with pytest.raises(IpBanned) as caught:
                    made.transport.get(PING)
                assert caught.value.until_ms == until_ms
            with pytest.raises(IpBanned):
                made.transport.get(endpoints.request(endpoints.FUNDING_INTERVALS))
            assert len(server.log) == 1

    def test_a_grant_in_hand_is_not_spent_once_another_thread_met_a_429(
        self,
    ) -> None:
        with rig(always(OK)) as (made, server):
            made.limiter.block_until(made.clock.now_ms() + 300, is_banned=False)
            answers = iter((True, False))
            made.limiter.is_blocked = lambda: next(answers)  # type: ignore[method-assign]
            began = monotonic()
            made.transport.get(KLINES)
            assert monotonic() - began >= 0.29
            assert next(answers, None) is None
            assert len(server.log) == 1
            assert made.used() == 2

    def test_a_block_that_arrives_while_connecting_is_obeyed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        attach = SocketWatch.attach
        with rig(always(OK)) as (made, server):
            blocked_at: list[float] = []

            def attach_and_block(watch: SocketWatch, connected: socket.socket) -> None:
                attach(watch, connected)
                if not blocked_at:
                    blocked_at.append(monotonic())
                    until_ms = made.clock.now_ms() + 300
                    made.limiter.block_until(until_ms, is_banned=False)

            monkeypatch.setattr(SocketWatch, "attach", attach_and_block)
            made.transport.get(KLINES)
            (seen,) = server.log
            assert seen.at_s - blocked_at[0] >= 0.29
            assert made.used() == 2
            statistics = made.transport.statistics()
            assert (statistics.count, statistics.retries) == (1, 0)

    def test_a_ban_that_arrives_while_connecting_is_obeyed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with rig(always(OK)) as (made, server):

            def ban(_: SocketWatch, __: socket.socket) -> None:
                made.limiter.block_until(made.clock.now_ms() + 9000, is_banned=True)

            monkeypatch.setattr(SocketWatch, "attach", ban)
            with pytest.raises(IpBanned):
                made.transport.get(KLINES)
            assert server.log == []
            assert made.used() == 0

    @pytest.mark.parametrize("status", [418, 429])
    def test_headers_block_before_the_body_is_there(self, status: int) -> None:
        slow = Reply(
            status=status,
            headers={"Retry-After": "60"},
            body=b"x" * 300,
            drip_body_s=0.05,
        )
        with rig(always(slow)) as (made, _):
            ended: list[ExchangeError] = []

            def run() -> None:
                try:
                    made.transport.get(PING)
                except ExchangeError as error:
                    ended.append(error)

            thread = Thread(target=run)
            thread.start()
            assert within(3, made.limiter.is_blocked)
            assert ended == []
            made.transport.close()
            thread.join(10)
            assert isinstance(ended[0], RequestCancelled)

    def test_a_refusal_whose_body_breaks_off_is_a_refusal(self) -> None:
        broken = Reply(
            status=418, headers={"Retry-After": "60"}, body=b"x" * 999, reset_after=10
        )
        with rig(always(broken)) as (made, server):
            with pytest.raises(IpBanned):
                made.transport.get(PING)
            assert len(server.log) == 1
            assert made.retries == []

    def test_used_weight_of_others_is_adopted_from_the_first_header(self) -> None:
        told = Reply(headers={"x-mbx-used-weight-1m": "1500"})
        with rig(always(told)) as (made, _):
            made.transport.get(PING)
            assert made.used() == 1500

    def test_headers_of_refusals_count_too(self) -> None:
        told = Reply(status=400, headers={"X-MBX-USED-WEIGHT-1M": "900"})
        with rig(always(told)) as (made, _):
            with pytest.raises(RequestRejected):
                made.transport.get(PING)
            assert made.used() == 900

    def test_the_book_tickers_header_is_ignored(self) -> None:
        told = Reply(body=b"[]", headers={"X-MBX-USED-WEIGHT-1M": "1500"})
        with rig(always(told)) as (made, _):
            made.transport.get(endpoints.request(endpoints.BOOK_TICKERS))
            assert made.used() == 5

    def test_a_full_budget_sends_nothing(self) -> None:
        small = replace(FAST, weight_per_minute=10, max_wait_s=0.5, reserved_weight=0)
        with rig(always(OK), small) as (made, server):
            for _ in range(4):
                made.transport.get(KLINES)
            with pytest.raises(WaitTooLong):
                made.transport.get(KLINES)
            assert len(server.log) == 4


class TestUnreachable:
    def test_a_refused_connection_costs_no_weight(self) -> None:
        with Loopback(always(OK)) as server:
            closed = server.base_url
        made = Rig(replace(FAST, base_url=closed))
        with pytest.raises(ExchangeUnavailable) as caught:
            made.transport.get(KLINES)
        made.transport.close()
        assert str(caught.value) == "/fapi/v1/klines: 127.0.0.1: Connection refused"
        assert made.used() == 0
        assert made.transport.statistics().count == 0
        assert len(made.retries) == 2

    def test_a_connection_that_never_comes_ends_at_the_connect_timeout(self) -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            queue = [socket.socket() for _ in range(4)]
            for waiting in queue:  # nobody accepts: later connections hang
                waiting.setblocking(False)  # noqa: FBT003  the socket API's own
                waiting.connect_ex(full.getsockname())
            port = full.getsockname()[1]
            made = Rig(
                replace(FAST, base_url=f"http://127.0.0.1:{port}", max_attempts=1)
            )
            began = monotonic()
            with pytest.raises(ExchangeTimeout) as caught:
                made.transport.get(PING)
            took_s = monotonic() - began
            made.transport.close()
            for waiting in queue:
                waiting.close()
        assert took_s <= FAST.connect_timeout_s * 3
        assert caught.value.after_s == FAST.connect_timeout_s
        assert made.used() == 0

    def test_an_unknown_host_is_unavailable(self) -> None:
        made = Rig(replace(FAST, base_url="http://nowhere.invalid", max_attempts=1))
        with pytest.raises(ExchangeError) as caught:
            made.transport.get(KLINES)
        made.transport.close()
        assert str(caught.value).startswith("/fapi/v1/klines: nowhere.invalid: ")

    def test_errors_never_show_the_query(self) -> None:
        secret = endpoints.GetRequest(
            endpoint=endpoints.KLINES, parameters={"signature": "canary"}, weight=1
        )
        script = first(
            Reply(body=b"x" * 999, reset_after=10), Reply(status=500), Reply(body=b"<")
        )
        seen: list[BaseException] = []
        with rig(script) as (made, _):
            with pytest.raises(GarbledAnswer) as caught:
                made.transport.get(secret)
            seen += [details.caused_by for details in made.retries] + [caught.value]
        gone = Rig(replace(FAST, base_url="http://127.0.0.1:9", max_attempts=1))
        with pytest.raises(ExchangeUnavailable) as refused:
            gone.transport.get(secret)
        gone.transport.close()
        seen.append(refused.value)
        assert len(seen) == 4
        for error in seen:
            chain: BaseException | None = error
            while chain is not None:
                assert "canary" not in repr(chain)
                assert "canary" not in str(chain)
                chain = chain.__cause__ or chain.__context__


class TestDeadlines:
    @pytest.mark.parametrize(
        "slow",
        [
            Reply(body=b'{"a":"' + b"x" * 500, drip_body_s=0.05),
            Reply(body=b'{"a":"' + b"x" * 500, drip_body_s=0.05, close=True),
            Reply(drip_headers_s=0.05),
            Reply(hold_s=30),
        ],
        ids=["body", "body of a closing connection", "headers", "silence"],
    )
    def test_a_slow_answer_ends_at_the_total_deadline(self, slow: Reply) -> None:
        brief = replace(FAST, total_deadline_s=DEADLINE_S, max_attempts=1)
        with rig(always(slow), brief) as (made, _):
            began = monotonic()
            with pytest.raises(ExchangeTimeout) as caught:
                made.transport.get(PING)
            took_s = monotonic() - began
        assert DEADLINE_S * 0.9 <= took_s <= DEADLINE_S * 3
        assert caught.value.after_s == DEADLINE_S

    def test_a_drip_on_a_reused_connection_ends_too(self) -> None:
        brief = replace(FAST, total_deadline_s=DEADLINE_S, max_attempts=1)
        drip = Reply(body=b"[" + b"1," * 300, drip_body_s=0.05)
        with rig(first(OK, then=drip), brief) as (made, server):
            made.transport.get(PING)
            began = monotonic()
            with pytest.raises(ExchangeTimeout):
                made.transport.get(PING)
            assert monotonic() - began <= DEADLINE_S * 3
            assert server.connection_count == 1

    def test_silence_ends_at_the_read_timeout(self) -> None:
        brief = replace(FAST, read_timeout_s=0.3, max_attempts=1)
        with rig(always(Reply(hold_s=30)), brief) as (made, _):
            began = monotonic()
            with pytest.raises(ExchangeTimeout) as caught:
                made.transport.get(PING)
            assert monotonic() - began <= 0.9
        assert caught.value.after_s == 0.3

    def test_the_request_after_a_timeout_is_served(self) -> None:
        brief = replace(FAST, read_timeout_s=0.2)
        with rig(first(Reply(hold_s=30)), brief) as (made, server):
            assert made.transport.get(PING).payload == {}
            assert len(server.log) == 2

    def test_all_tries_of_a_request_share_the_deadline(self) -> None:
        patient = replace(
            FAST, read_timeout_s=0.3, total_deadline_s=DEADLINE_S, max_attempts=50
        )
        with rig(always(Reply(hold_s=30)), patient) as (made, server):
            began = monotonic()
            with pytest.raises(ExchangeTimeout):
                made.transport.get(PING)
            assert monotonic() - began <= DEADLINE_S * 3
            assert len(server.log) == 2

    def test_the_deadline_thread_ends_with_the_transport(self) -> None:
        running: list[set[str]] = []

        def script(_: Seen) -> Reply:
            running.append({t.name for t in running_threads()})
            return OK

        with rig(script) as (made, _):
            made.transport.get(PING)
        assert "request-deadlines" in running[0]
        assert "request-deadlines" not in {t.name for t in running_threads()}

    def test_the_deadline_thread_ends_when_nothing_is_watched(self) -> None:
        keeper = DeadlineKeeper(monotonic, linger_s=0.01)
        for _ in range(2):
            watch = keeper.watch(monotonic() + 3600, lambda: True)
            (thread,) = (t for t in running_threads() if t.name == "request-deadlines")
            with watch:
                pass
            thread.join(10)
            assert not thread.is_alive()

    def test_an_unclosed_transport_leaves_no_thread(self) -> None:
        patient = replace(FAST, total_deadline_s=3600)
        with rig(always(Reply(hold_s=0.05)), patient) as (made, _):
            made.transport.get(PING)
            for thread in running_threads():
                if thread.name == "request-deadlines":
                    thread.join(10)
            assert "request-deadlines" not in {t.name for t in running_threads()}

    def test_finished_requests_are_forgotten_at_once(self) -> None:
        keeper = DeadlineKeeper(monotonic)
        forgotten = ref(keeper.watch(monotonic() + 3600, lambda: True))
        watch = forgotten()
        assert watch is not None
        with watch:
            pass
        del watch
        collect()
        assert forgotten() is None
        keeper.close()

    def test_a_closed_keeper_shuts_what_it_is_given(self) -> None:
        keeper = DeadlineKeeper(monotonic)
        keeper.close()
        ours, theirs = socket.socketpair()
        with ours, theirs, keeper.watch(monotonic() + 3600, lambda: True) as watch:
            watch.attach(ours)
            assert theirs.recv(1) == b""


def within(seconds: float, condition: Callable[[], object]) -> bool:
    """Whether the condition came true in time."""
    deadline = monotonic() + seconds
    pause = Event()
    while not condition():
        if monotonic() > deadline:
            return False
        pause.wait(0.005)
    return True


def ended_by_cancel(made: Rig, started: Event) -> tuple[BaseException | None, float]:
    """Cancel as soon as the request is under way; return how and how fast it ended."""
    ended: list[BaseException] = []

    def run() -> None:
        try:
            made.transport.get(PING)
        except ExchangeError as error:
            ended.append(error)

    thread = Thread(target=run)
    thread.start()
    assert started.wait(10)
    began = monotonic()
    made.transport.cancel()
    thread.join(10)
    took_s = monotonic() - began
    assert not thread.is_alive()
    return (ended[0] if ended else None), took_s


def telling(started: Event, reply: Reply) -> Callable[[Seen], Reply]:
    def script(_: Seen) -> Reply:
        started.set()
        return reply

    return script


class TestCancel:
    @pytest.mark.parametrize(
        "stuck",
        [
            Reply(hold_s=30),
            Reply(body=b"[" + b"1," * 300, drip_body_s=0.05),
            Reply(status=429, headers={"Retry-After": "60"}),
        ],
        ids=["silence", "drip", "429"],
    )
    def test_cancel_ends_what_is_under_way(self, stuck: Reply) -> None:
        started = Event()
        with rig(telling(started, stuck)) as (made, server):
            error, took_s = ended_by_cancel(made, started)
            assert isinstance(error, RequestCancelled)
            assert took_s < 1
            assert len(server.log) == 1

    def test_cancel_ends_the_wait_before_a_retry(self) -> None:
        started = Event()
        patient = replace(FAST, backoff_initial_s=10_000, backoff_max_s=10_000)
        with rig(telling(started, Reply(status=500)), patient) as (made, server):
            error, took_s = ended_by_cancel(made, started)
            assert isinstance(error, RequestCancelled)
            assert took_s < 1
            assert len(server.log) == 1

    def test_nothing_is_sent_after_cancel(self) -> None:
        with rig(always(OK)) as (made, server):
            made.transport.cancel()
            for request in (PING, endpoints.request(endpoints.FUNDING_INTERVALS)):
                with pytest.raises(RequestCancelled):
                    made.transport.get(request)
            assert server.log == []


class TestClose:
    @pytest.mark.parametrize(
        "stuck",
        [
            Reply(hold_s=30),
            Reply(body=b"[" + b"1," * 300, drip_body_s=0.05),
            Reply(status=429, headers={"Retry-After": "60"}),
            Reply(status=500),
        ],
        ids=["silence", "drip", "429", "back off"],
    )
    def test_closing_ends_everything_under_way(self, stuck: Reply) -> None:
        patient = replace(FAST, backoff_initial_s=10_000, backoff_max_s=10_000)
        workers = 8
        with (
            rig(always(stuck), patient) as (made, server),
            ThreadPoolExecutor(workers) as threads,
        ):
            ended = [threads.submit(made.transport.get, PING) for _ in range(workers)]
            assert within(10, lambda: server.log)
            began = monotonic()
            made.transport.close()
            for one in ended:
                assert isinstance(one.exception(10), RequestCancelled)
            assert monotonic() - began < 2
            sent = len(server.log)
            with pytest.raises(RequestCancelled):
                made.transport.get(PING)
            assert len(server.log) == sent
        assert "request-deadlines" not in {t.name for t in running_threads()}


class TestBudgetWait:
    def test_it_is_told_while_it_lasts_and_counted(self) -> None:
        limited = Reply(status=429, headers={"Retry-After": "60"})
        with rig(always(limited)) as (made, _), ThreadPoolExecutor(2) as threads:
            assert made.transport.budget_wait() is None
            ended = [threads.submit(made.transport.get, PING) for _ in range(2)]
            assert within(10, lambda: made.transport.budget_wait() is not None)
            left_s = made.transport.budget_wait()
            assert left_s is not None
            assert 50 < left_s <= 60.5
            assert within(10, lambda: made.transport.statistics().budget_wait_s > 0)
            made.transport.cancel()
            for one in ended:
                assert isinstance(one.exception(10), RequestCancelled)
            assert made.transport.budget_wait() is None
            waited_s = made.transport.statistics().budget_wait_s
            assert 0 < waited_s < 30
            assert made.transport.statistics().budget_wait_s == waited_s


class TestTls:
    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (None, "No such file or directory"),
            ("", "holds no certificate"),
            ("not a certificate", "holds no certificate"),
        ],
    )
    def test_an_unusable_bundle_is_told_in_one_line(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        content: str | None,
        problem: str,
    ) -> None:
        bundle = tmp_path / "bundle.pem"
        if content is not None:
            bundle.write_text(content, encoding="utf-8")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        with pytest.raises(ExchangeUnavailable) as caught:
            Rig(replace(FAST, base_url="https://127.0.0.1:9"))
        assert str(caught.value) == (
            f"TLS: certificate bundle {bundle} (REQUESTS_CA_BUNDLE): {problem}"
        )
        assert caught.value.__suppress_context__ or caught.value.__context__ is None

    def test_an_untrusted_certificate_is_refused(self, tmp_path: Path) -> None:
        context, _ = self_signed(tmp_path)
        with Loopback(always(OK), tls=context) as server:
            made = Rig(replace(FAST, base_url=server.base_url, max_attempts=1))
            with pytest.raises(ExchangeUnavailable) as caught:
                made.transport.get(PING)
            made.transport.close()
            assert server.log == []
        assert "certificate not trusted: self-signed certificate" in str(caught.value)

    def test_a_certificate_trusted_by_the_environment_is_accepted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        context, bundle = self_signed(tmp_path)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        with Loopback(always(OK), tls=context) as server:
            made = Rig(replace(FAST, base_url=server.base_url))
            for _ in range(3):
                assert made.transport.get(PING).payload == {}
            made.transport.close()
            assert server.connection_count == 1

    def test_a_trusted_certificate_of_another_host_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        context, bundle = self_signed(tmp_path, host="127.0.0.2")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        with Loopback(always(OK), tls=context) as server:
            made = Rig(replace(FAST, base_url=server.base_url, max_attempts=1))
            with pytest.raises(ExchangeUnavailable, match="certificate not trusted"):
                made.transport.get(PING)
            made.transport.close()
            assert server.log == []

    def test_a_folder_of_certificates_may_be_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        context, _ = self_signed(tmp_path)
        empty = tmp_path / "empty"
        empty.mkdir()
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(empty))
        with Loopback(always(OK), tls=context) as server:
            made = Rig(replace(FAST, base_url=server.base_url, max_attempts=1))
            with pytest.raises(ExchangeUnavailable, match="certificate not trusted"):
                made.transport.get(PING)
            made.transport.close()

    def test_a_server_that_speaks_no_tls_is_unavailable(self) -> None:
        with Loopback(always(OK)) as server:
            address = server.base_url.replace("http://", "https://")
            made = Rig(replace(FAST, base_url=address, max_attempts=1))
            with pytest.raises(ExchangeUnavailable) as caught:
                made.transport.get(PING)
            made.transport.close()
        assert str(caught.value).startswith("/fapi/v1/ping: 127.0.0.1: ")

    def test_a_drip_inside_tls_ends_at_the_deadline(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        context, bundle = self_signed(tmp_path)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        drip = Reply(body=b"[" + b"1," * 300, drip_body_s=0.05)
        brief = replace(FAST, total_deadline_s=DEADLINE_S, max_attempts=1)
        with Loopback(always(drip), tls=context) as server:
            made = Rig(replace(brief, base_url=server.base_url))
            began = monotonic()
            with pytest.raises(ExchangeTimeout):
                made.transport.get(PING)
            assert monotonic() - began <= DEADLINE_S * 3
            made.transport.close()


class TestProxies:
    def test_the_configured_proxy_is_used(self) -> None:
        with Loopback(always(OK)) as proxy:
            config = replace(
                FAST, base_url="http://exchange.invalid", proxy=proxy.base_url
            )
            made = Rig(config)
            assert made.transport.get(PING).payload == {}
            made.transport.close()
        assert proxy.log[0].headers["host"] == "exchange.invalid"

    def test_the_environments_proxy_is_used(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Loopback(always(OK)) as proxy:
            monkeypatch.setenv("http_proxy", proxy.base_url)
            made = Rig(replace(FAST, base_url="http://exchange.invalid"))
            made.transport.get(PING)
            made.transport.close()
            assert len(proxy.log) == 1

    def test_answers_through_a_proxy_end_at_the_deadline(self) -> None:
        drip = Reply(body=b"[" + b"1," * 300, drip_body_s=0.05)
        with Loopback(always(drip)) as proxy:
            config = replace(
                FAST,
                base_url="http://exchange.invalid",
                proxy=proxy.base_url,
                total_deadline_s=DEADLINE_S,
                max_attempts=1,
            )
            made = Rig(config)
            began = monotonic()
            with pytest.raises(ExchangeTimeout):
                made.transport.get(PING)
            assert monotonic() - began <= DEADLINE_S * 3
            made.transport.close()

    def test_the_password_of_a_dead_proxy_is_not_shown(self) -> None:
        config = replace(
            FAST,
            base_url="http://exchange.invalid",
            proxy="http://user:canary@127.0.0.1:9",
            max_attempts=1,
        )
        made = Rig(config)
        with pytest.raises(ExchangeUnavailable) as caught:
            made.transport.get(PING)
        made.transport.close()
        assert "proxy: Connection refused" in str(caught.value)
        assert "canary" not in repr(caught.value)

    def test_a_socks_proxy_carries_requests_and_names(self) -> None:
        # SOCKS5 (RFC 1928) answered by hand; then the same socket speaks HTTP.
        asked: list[bytes] = []

        def serve(listener: socket.socket) -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(16)
                peer.sendall(b"\x05\x00")
                asked.append(peer.recv(256))
                peer.sendall(b"\x05\x00\x00\x01" + bytes(6))
                peer.recv(4096)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = Thread(target=serve, args=(listener,))
            server.start()
            proxy = f"socks5h://127.0.0.1:{listener.getsockname()[1]}"
            config = replace(FAST, base_url="http://exchange.invalid", proxy=proxy)
            made = Rig(config)
            assert made.transport.get(PING).payload == {}
            made.transport.close()
            server.join()
        assert b"exchange.invalid" in asked[0]
