"""Bars through the gateway from the simulated exchange, over real sockets."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from monitor.api_clients.binance import BinanceFuturesClient
from monitor.conf import GatewayConfig
from monitor.domain.market import DAY_MS, KlineInterval, Klines
from monitor.exceptions import ExchangeError, GarbledAnswer, MalformedPayload
from monitor.market_data.columns import are_equal
from monitor.market_data.kline_store import KlineStore
from monitor.simulator.server import EmbeddedExchange
from tests.end_to_end.conftest import control
from vp_squeeze.exceptions import GapKind, ImpossibleKlines, KlineError, KlineGap
from vp_squeeze.services.binance_kline_service import closed_klines
from vp_squeeze.services.kline_canary import check_market

KLINES = "/fapi/v1/klines"
H4 = KlineInterval.H4
COUNT = 300
ANYWHERE = "http://one.address"
"""Two markets are made to look like one."""


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedExchange]:
    with EmbeddedExchange(contracts=60, seed=7) as exchange:
        yield exchange


@pytest.fixture
def exchange(running: EmbeddedExchange) -> EmbeddedExchange:
    control(running, "reset")
    return running


@pytest.fixture
def client(exchange: EmbeddedExchange) -> Iterator[BinanceFuturesClient]:
    with BinanceFuturesClient(GatewayConfig(base_url=exchange.base_url)) as opened:
        yield opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KlineStore]:
    with KlineStore(tmp_path, exchange=ANYWHERE) as opened:
        yield opened


def ask(
    client: BinanceFuturesClient,
    store: KlineStore | None,
    symbol: str = "BTCUSDT",
    *,
    as_of_ms: int | None = None,
    count: int = COUNT,
    **options: Any,
) -> Klines:
    return closed_klines(
        client,
        symbol,
        H4,
        count=count,
        as_of_ms=client.now_ms() if as_of_ms is None else as_of_ms,
        store=store,
        **options,
    )


def asked(exchange: EmbeddedExchange) -> list[int]:
    """Return the weights of the requests for bars."""
    log = control(exchange, "requests")
    return [row["weight"] for row in log if row["path"] == KLINES]


def fault(exchange: EmbeddedExchange, **what: Any) -> None:
    control(exchange, "faults", [{"path": KLINES, **what}])


def raw(client: BinanceFuturesClient, exchange: EmbeddedExchange) -> list[Any]:
    """Return the rows of one answer as they come over the wire."""
    import requests

    query = {"symbol": "BTCUSDT", "interval": "4h", "limit": COUNT + 1}
    query["endTime"] = client.now_ms()
    found = requests.get(f"{exchange.base_url}{KLINES}", params=query, timeout=10)
    rows: list[Any] = found.json()
    return rows


def outcome(call: Any) -> Any:
    try:
        return call()
    except (KlineError, ExchangeError) as error:
        return type(error), error.args


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, Klines) and isinstance(theirs, Klines):
        return are_equal(ours, theirs)
    return bool(ours == theirs)


class TestWholeMarket:
    def test_every_contract_has_the_same_bars_with_the_store_and_without(
        self, exchange: EmbeddedExchange, client: BinanceFuturesClient, tmp_path: Path
    ) -> None:
        symbols = [i.symbol for i in client.exchange_info().instruments]
        as_of_ms = client.server_time()
        # a day ago, now, and now once more: cold, some bars later, warm
        times = (as_of_ms - DAY_MS, as_of_ms, as_of_ms)
        weights = []
        for at_ms in times:
            control(exchange, "reset")

            def bars(store: KlineStore | None, at_ms: int, symbol: str) -> Any:
                return outcome(lambda: ask(client, store, symbol, as_of_ms=at_ms))

            with (
                KlineStore(tmp_path, exchange=exchange.base_url) as store,
                ThreadPoolExecutor(20) as pool,
            ):
                check_market(store, client, as_of_ms=at_ms)
                kept = list(pool.map(partial(bars, store, at_ms), symbols))
                weights.append(sum(asked(exchange)))
                assert store.problem is None
                plain = list(pool.map(partial(bars, None, at_ms), symbols))
            assert [
                s
                for s, a, b in zip(symbols, kept, plain, strict=True)
                if not same(a, b)
            ] == []
            assert sum(isinstance(k, Klines) for k in kept) > 40
        cold, one_day, warm = weights
        assert one_day <= 0.6 * cold
        assert warm <= 0.15 * cold  # dead and newly listed ones are asked for again

    def test_the_clock_may_move_on(
        self,
        exchange: EmbeddedExchange,
        client: BinanceFuturesClient,
        store: KlineStore,
    ) -> None:
        ask(client, store)
        control(exchange, "clock", {"advance_ms": H4.milliseconds})
        as_of_ms = client.server_time()
        control(exchange, "reset")
        found = ask(client, store, as_of_ms=as_of_ms)
        assert asked(exchange) == [1]
        assert are_equal(found, ask(client, None, as_of_ms=as_of_ms))


class TestFaults:
    def test_bars_dropped_from_one_answer_are_repaired(
        self,
        exchange: EmbeddedExchange,
        client: BinanceFuturesClient,
        store: KlineStore,
    ) -> None:
        rows = raw(client, exchange)
        control(exchange, "reset")
        fault(exchange, body_text=json.dumps(rows[:100] + rows[103:]))
        found = ask(client, store)
        assert asked(exchange) == [2, 1]
        assert are_equal(found, ask(client, None))
        assert store.statistics().repaired == 3
        assert are_equal(found, ask(client, store))
        assert len(asked(exchange)) == 3  # the last one came from the disk

    def test_bars_dropped_from_every_answer_are_a_halt(
        self,
        exchange: EmbeddedExchange,
        client: BinanceFuturesClient,
        store: KlineStore,
    ) -> None:
        rows = raw(client, exchange)
        fault(exchange, body_text=json.dumps(rows[:100] + rows[103:]))
        fault(exchange, body_text="[]")
        with pytest.raises(KlineGap) as caught:
            ask(client, store)
        assert caught.value.kind is GapKind.HALTED
        assert store.series("BTCUSDT", H4) is None

    def test_an_unreadable_second_answer_leaves_a_gap_unexplained(
        self,
        exchange: EmbeddedExchange,
        client: BinanceFuturesClient,
        store: KlineStore,
    ) -> None:
        rows = raw(client, exchange)
        fault(exchange, body_text=json.dumps(rows[:100] + rows[103:]))
        fault(exchange, patch={"/0/4": "NaN"})
        with pytest.raises(KlineGap) as caught:
            ask(client, store)
        assert caught.value.kind is GapKind.UNKNOWN

    def test_a_corrected_bar_brings_the_whole_window(
        self,
        exchange: EmbeddedExchange,
        client: BinanceFuturesClient,
        store: KlineStore,
    ) -> None:
        as_of_ms = client.server_time()
        ask(client, store, as_of_ms=as_of_ms - H4.milliseconds)
        control(exchange, "reset")
        fault(exchange, patch={"/1/8": 1}, times=1)
        found = ask(client, store, as_of_ms=as_of_ms)
        assert asked(exchange) == [1, 2]
        assert store.statistics().corrected == 1
        assert are_equal(found, ask(client, None, as_of_ms=as_of_ms))

    @pytest.mark.parametrize(
        ("what", "error"),
        [
            ({"patch": {"/5/4": "NaN"}}, MalformedPayload),
            ({"patch": {"/5/4": "0"}}, ImpossibleKlines),
            ({"patch": {"/5/5": "-1"}}, MalformedPayload),
            ({"body_text": '[[1,"2"', "times": 3}, GarbledAnswer),
            ({"html": True, "times": 3}, GarbledAnswer),
        ],
    )
    def test_garbage_is_an_error_and_never_kept(
        self,
        exchange: EmbeddedExchange,
        client: BinanceFuturesClient,
        store: KlineStore,
        what: dict[str, Any],
        error: type[Exception],
    ) -> None:
        fault(exchange, **what)
        with pytest.raises(error):
            ask(client, store)
        assert store.series("BTCUSDT", H4) is None
        assert are_equal(ask(client, store), ask(client, None))


class TestOtherMarket:
    def test_another_seed_under_the_same_address_is_found_out(
        self, client: BinanceFuturesClient, tmp_path: Path
    ) -> None:
        symbols = [i.symbol for i in client.exchange_info().instruments][:10]
        as_of_ms = client.server_time()
        with KlineStore(tmp_path, exchange=ANYWHERE) as store:
            for symbol in ["BTCUSDT", *symbols]:
                outcome(partial(ask, client, store, symbol, as_of_ms=as_of_ms))
        with (
            EmbeddedExchange(contracts=60, seed=8) as second,
            BinanceFuturesClient(GatewayConfig(base_url=second.base_url)) as other,
            KlineStore(tmp_path, exchange=ANYWHERE) as store,
        ):
            assert store.series("BTCUSDT", H4) is not None
            as_of_ms = other.server_time()
            check_market(store, other, as_of_ms=as_of_ms)
            assert store.statistics().contradicted == 1
            assert asked(second) == [1]
            for symbol in symbols:
                ours = outcome(partial(ask, other, store, symbol, as_of_ms=as_of_ms))
                plain = outcome(partial(ask, other, None, symbol, as_of_ms=as_of_ms))
                assert same(ours, plain)
            check_market(store, other, as_of_ms=as_of_ms)
            assert store.statistics().contradicted == 1

    def test_the_same_seed_started_again_keeps_its_bars(
        self, client: BinanceFuturesClient, store: KlineStore
    ) -> None:
        ask(client, store)
        with (
            EmbeddedExchange(contracts=60, seed=7) as second,
            BinanceFuturesClient(GatewayConfig(base_url=second.base_url)) as other,
        ):
            as_of_ms = other.server_time()
            check_market(store, other, as_of_ms=as_of_ms)
            assert store.statistics().contradicted == 0
            assert are_equal(
                ask(other, store, as_of_ms=as_of_ms),
                ask(other, None, as_of_ms=as_of_ms),
            )
