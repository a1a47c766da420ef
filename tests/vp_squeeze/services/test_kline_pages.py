"""More bars than one request serves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.api_clients.binance import BinanceFuturesClient
from monitor.conf import GatewayConfig
from monitor.domain.market import KlineInterval, Klines
from monitor.market_data.conf import KlineStoreConfig
from monitor.market_data.kline_store import KlineStore
from monitor.simulator.server import EmbeddedExchange
from tests.end_to_end.conftest import control
from tests.kline_builders import (
    H4,
    START,
    SYMBOL,
    ModelExchange,
    as_dict,
    bars,
    rows,
    with_value,
)
from vp_squeeze.exceptions import (
    GapKind,
    ImpossibleKlines,
    InsufficientKlines,
    KlineGap,
)
from vp_squeeze.services.binance_kline_service import closed_klines

LENGTH = 6500
AS_OF_MS = START + (LENGTH - 1) * H4 + H4 // 2
"""The last bar is open."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KlineStore]:
    with KlineStore(tmp_path, exchange="http://model") as opened:
        yield opened


def ask(
    exchange: ModelExchange,
    store: KlineStore | None = None,
    *,
    count: int,
    **options: Any,
) -> Klines:
    return closed_klines(
        exchange,
        SYMBOL,
        KlineInterval.H4,
        count=count,
        as_of_ms=AS_OF_MS,
        store=store,
        **options,
    )


def newest(count: int, *, before: int = LENGTH - 1) -> dict[int, tuple[bytes, ...]]:
    return as_dict(bars(count, first=before - count))


def test_pages_repeat_one_bar_each() -> None:
    exchange = ModelExchange(bars(LENGTH))
    found = ask(exchange, count=4000)

    assert exchange.limits() == [1500, 1500, 1003]
    assert as_dict(found) == newest(4000)


@pytest.mark.parametrize("count", [1499, 1500, 2998, 2999])
def test_borders_of_pages_lose_no_bar(count: int) -> None:
    assert as_dict(ask(ModelExchange(bars(LENGTH)), count=count)) == newest(count)


@settings(max_examples=30)
@given(count=st.integers(1, 7000), end_bar=st.none() | st.integers(1, LENGTH - 1))
def test_any_count_gives_the_newest_bars_there_are(
    count: int, end_bar: int | None
) -> None:
    last = LENGTH - 1 if end_bar is None else end_bar
    end_time = None if end_bar is None else START + end_bar * H4 - 1
    found = ask(ModelExchange(bars(LENGTH)), count=count, minimum=1, end_time=end_time)

    assert as_dict(found) == newest(min(count, last), before=last)


def test_a_young_contract_ends_the_pages() -> None:
    young = rows(bars(LENGTH), slice(LENGTH - 2000, None))
    with pytest.raises(InsufficientKlines) as caught:
        ask(ModelExchange(young), count=4000)
    assert (caught.value.bar_count, caught.value.needed) == (1999, 4000)
    assert caught.value.kind is GapKind.BEFORE_LISTING

    exchange = ModelExchange(young)
    assert ask(exchange, count=4000, minimum=100).bar_count == 1999
    assert exchange.limits() == [1500, 1500]


def test_listing_at_the_border_of_a_page_is_found() -> None:
    exchange = ModelExchange(rows(bars(LENGTH), slice(LENGTH - 1500, None)))

    assert ask(exchange, count=4000, minimum=1).bar_count == 1499
    assert exchange.limits() == [1500, 1500]


@pytest.mark.parametrize("place", [LENGTH - 1 - 1499 - 1, LENGTH - 3000, LENGTH - 1500])
def test_a_gap_is_found_wherever_it_lies(place: int) -> None:
    exchange = ModelExchange(bars(LENGTH))
    exchange.without([place])
    with pytest.raises(KlineGap) as caught:
        ask(exchange, count=4000)
    assert caught.value.kind is GapKind.HALTED
    assert caught.value.after_ms == START + (place - 1) * H4


def test_pages_that_disagree_are_impossible() -> None:
    exchange = ModelExchange(bars(LENGTH))
    exchange.accidents = [
        lambda answer: answer,
        lambda answer: with_value(answer, "close", -1, answer.close[-1] + 0.25),
    ]
    with pytest.raises(ImpossibleKlines, match="two different bars opened"):
        ask(exchange, count=2000)


class TestWithStore:
    def test_second_time_nothing_is_asked(self, store: KlineStore) -> None:
        exchange = ModelExchange(bars(LENGTH))
        cold = ask(exchange, store, count=4000)
        assert exchange.limits() == [1500, 1500, 1003]
        warm = ask(exchange, store, count=4000)

        assert exchange.limits() == [1500, 1500, 1003]
        assert as_dict(cold) == as_dict(warm) == newest(4000)

    def test_kept_bars_grow_towards_the_past(self, store: KlineStore) -> None:
        exchange = ModelExchange(bars(LENGTH))
        ask(exchange, store, count=300)
        found = ask(exchange, store, count=1800)

        assert as_dict(found) == newest(1800)
        assert ask(exchange, store, count=1700).bar_count == 1700
        assert exchange.limits() == [301, 1500, 302]

    def test_more_than_is_kept_is_fetched_again(self, tmp_path: Path) -> None:
        config = KlineStoreConfig(max_bars=2000)
        exchange = ModelExchange(bars(LENGTH))
        with KlineStore(tmp_path, exchange="http://m", config=config) as store:
            for _ in range(2):
                assert as_dict(ask(exchange, store, count=5000)) == newest(5000)
            kept = store.series(SYMBOL, KlineInterval.H4)
        assert kept is not None
        assert kept.klines.bar_count == 2000
        assert kept.last_open == START + (LENGTH - 2) * H4


@pytest.mark.parametrize("interval", [KlineInterval.M15, KlineInterval.H1])
def test_pages_of_the_simulated_exchange_join_without_a_gap(
    interval: KlineInterval,
) -> None:
    with (
        EmbeddedExchange(contracts=40, seed=7) as running,
        BinanceFuturesClient(GatewayConfig(base_url=running.base_url)) as client,
    ):
        found = closed_klines(
            client, "BTCUSDT", interval, count=3200, as_of_ms=client.now_ms()
        )
        sent = control(running, "requests")

    assert found.bar_count == 3200
    weights = [row["weight"] for row in sent if row["path"] == "/fapi/v1/klines"]
    assert weights == [10, 10, 2]


def test_pages_are_as_long_as_the_market_allows() -> None:
    exchange = ModelExchange(bars(LENGTH))
    found = ask(exchange, count=2500, most=1000)
    assert as_dict(found) == newest(2500)
    assert all(request.limit <= 1000 for request in exchange.asked)
    assert len(exchange.asked) == 3
