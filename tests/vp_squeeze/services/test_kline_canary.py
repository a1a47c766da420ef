"""Another market under the same address is found out."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.domain.market import KlineInterval
from monitor.exceptions import ExchangeTimeout, IpBanned, RequestRejected
from monitor.market_data.kline_store import KlineStore
from monitor.market_data.series import KlineSeries
from tests.kline_builders import H4, START, SYMBOL, ModelExchange, bars, with_value
from vp_squeeze.services.kline_canary import Verdict, check_market, market_verdict
from vp_squeeze.services.kline_source import KlineRequest

AS_OF_MS = START + 399 * H4 + 1


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KlineStore]:
    with KlineStore(tmp_path, exchange="http://model") as opened:
        yield opened


def filled(store: KlineStore, *symbols: str) -> None:
    for symbol in symbols:
        store.keep(KlineSeries(klines=bars(399, symbol=symbol)))


def test_nothing_kept_costs_nothing(store: KlineStore) -> None:
    exchange = ModelExchange(bars(400))
    check_market(store, exchange, as_of_ms=AS_OF_MS)
    assert exchange.asked == []


def test_the_same_market_stays(store: KlineStore) -> None:
    filled(store, "AAAUSDT", "BTCUSDT", SYMBOL)
    exchange = ModelExchange(bars(400, symbol="BTCUSDT"))
    check_market(store, exchange, as_of_ms=AS_OF_MS)
    assert exchange.asked == [
        KlineRequest(limit=99, start_time=START + 300 * H4, end_time=START + 398 * H4)
    ]
    assert exchange.weight == 1
    assert store.series(SYMBOL, KlineInterval.H4) is not None


def test_without_the_usual_contract_the_last_one_used_is_compared(
    store: KlineStore,
) -> None:
    filled(store, "AAAUSDT", SYMBOL)
    exchange = ModelExchange(bars(400))
    check_market(store, exchange, as_of_ms=AS_OF_MS)
    assert len(exchange.asked) == 1


@pytest.mark.parametrize(
    "other",
    [
        bars(400, first=7, start=START - 7 * H4, symbol="BTCUSDT"),
        bars(0, symbol="BTCUSDT"),
        RequestRejected("/fapi/v1/klines", 400, -1121, "Invalid symbol."),
    ],
)
def test_another_market_empties_the_store(
    store: KlineStore, other: object, caplog: pytest.LogCaptureFixture
) -> None:
    filled(store, "AAAUSDT", "BTCUSDT")
    exchange = ModelExchange(bars(400, symbol="BTCUSDT"))
    exchange.accidents = [other if isinstance(other, Exception) else lambda _: other]  # type: ignore[list-item,return-value]
    check_market(store, exchange, as_of_ms=AS_OF_MS)
    assert store.series("AAAUSDT", KlineInterval.H4) is None
    assert store.statistics().contradicted == 1
    assert "another market answers" in caplog.text
    check_market(store, exchange, as_of_ms=AS_OF_MS)
    assert len(exchange.asked) == 1


def test_a_corrected_bar_is_not_another_market(store: KlineStore) -> None:
    filled(store, "AAAUSDT", "BTCUSDT")
    exchange = ModelExchange(with_value(bars(400, symbol="BTCUSDT"), "volume", 390, 9))
    exchange.held = with_value(exchange.held, "taker_buy_volume", 390, 1)
    check_market(store, exchange, as_of_ms=AS_OF_MS)
    assert store.series("BTCUSDT", KlineInterval.H4) is None
    assert store.series("AAAUSDT", KlineInterval.H4) is not None
    assert store.statistics().corrected == 1


def test_without_an_answer_the_store_is_not_used(
    store: KlineStore, caplog: pytest.LogCaptureFixture
) -> None:
    filled(store, "BTCUSDT")
    store.flush()
    exchange = ModelExchange(bars(400, symbol="BTCUSDT"))
    exchange.accidents = [ExchangeTimeout("/fapi/v1/klines", 15)]
    with caplog.at_level(logging.WARNING):
        check_market(store, exchange, as_of_ms=AS_OF_MS)
    assert store.series("BTCUSDT", KlineInterval.H4) is None
    assert store.problem is not None
    assert len(caplog.records) == 1
    with KlineStore(store.path.parent, exchange="http://model") as later:
        assert later.series("BTCUSDT", KlineInterval.H4) is not None


def test_what_ends_a_scan_ends_it_here_too(store: KlineStore) -> None:
    filled(store, "BTCUSDT")
    exchange = ModelExchange(bars(400, symbol="BTCUSDT"))
    exchange.accidents = [IpBanned(5)]
    with pytest.raises(IpBanned):
        check_market(store, exchange, as_of_ms=AS_OF_MS)


def test_bars_of_the_future_are_not_compared(store: KlineStore) -> None:
    filled(store, "BTCUSDT")
    exchange = ModelExchange(bars(400, symbol="BTCUSDT"))
    check_market(store, exchange, as_of_ms=START + 50 * H4)
    assert exchange.asked[-1].end_time == START + 49 * H4
    check_market(store, exchange, as_of_ms=START)
    assert len(exchange.asked) == 1


def test_half_of_the_bars_decide() -> None:
    kept = bars(10)
    assert market_verdict(kept, bars(10)) is Verdict.SAME
    assert market_verdict(kept, bars(5)) is Verdict.CORRECTED
    assert market_verdict(kept, bars(4)) is Verdict.OTHER
