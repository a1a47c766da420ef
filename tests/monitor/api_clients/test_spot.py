"""The spot market's client against the simulated exchange, over real sockets."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.api_clients.binance import BinanceFuturesClient
from monitor.api_clients.schemas_spot import spot_info
from monitor.api_clients.spot import BinanceSpotClient, spot_gateway
from monitor.api_clients.spot_endpoints import spot_klines_request
from monitor.conf import GatewayConfig
from monitor.domain.market import KlineInterval
from monitor.exceptions import MalformedPayload, RequestRejected
from monitor.ratelimit.ledger import ledger_address
from monitor.ratelimit.shared import SharedLedger
from monitor.ratelimit.stores import open_store
from monitor.simulator.server import EmbeddedExchange
from tests.end_to_end.conftest import control

H4 = KlineInterval.H4


@pytest.fixture(scope="module")
def _running() -> Iterator[EmbeddedExchange]:
    with EmbeddedExchange(contracts=24, seed=7) as running:
        yield running


@pytest.fixture
def exchange(_running: EmbeddedExchange) -> EmbeddedExchange:
    control(_running, "reset")
    return _running


@pytest.fixture
def config(exchange: EmbeddedExchange, tmp_path: Path) -> GatewayConfig:
    url = exchange.base_url
    return GatewayConfig(base_url=url, spot_url=url, data_dir=tmp_path)


@pytest.fixture
def client(config: GatewayConfig) -> Iterator[BinanceSpotClient]:
    with BinanceSpotClient(spot_gateway(config)) as opened:
        yield opened


def test_pairs_are_those_whose_coin_has_the_contracts_name(
    client: BinanceSpotClient, config: GatewayConfig
) -> None:
    pairs = client.spot_info().pairs
    with BinanceFuturesClient(config) as futures:
        contracts = {row.symbol: row for row in futures.exchange_info().instruments}
    assert set(pairs) < set(contracts)
    assert "1000PEPEUSDT" in contracts
    assert "1000PEPEUSDT" not in pairs
    assert pairs["BTCUSDT"].tick_size == contracts["BTCUSDT"].tick_size
    assert pairs["BTCUSDT"].status == "TRADING"


def test_bars_are_another_market_s_at_the_same_times(
    client: BinanceSpotClient, config: GatewayConfig
) -> None:
    with BinanceFuturesClient(config) as contracts:
        futures = contracts.klines("BTCUSDT", H4, limit=50)
    spot = client.klines("BTCUSDT", H4, limit=50)
    assert spot.open_time.tolist() == futures.open_time.tolist()
    share = spot.close[:-1] / futures.close[:-1]
    assert ((share > 0.999) & (share < 1)).all()
    assert (spot.quote_volume[:-1] < futures.quote_volume[:-1]).all()
    assert (spot.high >= spot.close).all()
    assert (spot.low <= spot.open).all()


def test_a_symbol_that_spot_lacks_is_refused(client: BinanceSpotClient) -> None:
    with pytest.raises(RequestRejected) as caught:
        client.klines("1000PEPEUSDT", H4, limit=50)
    assert caught.value.code == -1121


def used_weight(config: GatewayConfig, market: str, now_ms: int) -> int:
    """What the ledger on disk says was used in this minute."""
    ledger = SharedLedger(
        open_store(None, config.data_dir),
        ledger_address(config.base_url, None, market=market),
        weight_per_minute=2400,
        safety_share=0.8,
        reserved_weight=200,
    )
    try:
        return ledger.used_weight(now_ms)
    finally:
        ledger.close()


def test_budgets_of_the_two_markets_are_apart(
    exchange: EmbeddedExchange, client: BinanceSpotClient, config: GatewayConfig
) -> None:
    control(exchange, "clock", {"to_second": 1})
    # the futures' budget is used up by somebody else
    control(exchange, "others", {"used_weight": 2399})
    client.spot_info()
    client.klines("BTCUSDT", H4, limit=1000)
    now_ms = client.now_ms()
    assert used_weight(config, "spot", now_ms) >= 22
    assert used_weight(config, "", now_ms) == 0
    log = control(exchange, "requests")
    assert {row["path"]: row["weight"] for row in log} == {
        "/api/v3/time": 1,
        "/api/v3/exchangeInfo": 20,
        "/api/v3/klines": 2,
    }
    sent = client.statistics().weight
    assert sum(row["weight"] for row in log) == sent
    assert max(row["used_weight"] for row in log) == sent


def test_the_published_limit_is_adopted(
    client: BinanceSpotClient, exchange: EmbeddedExchange
) -> None:
    # a body whose limit nothing fits into: the next request must wait too long
    small = {"symbols": [], "rateLimits": [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1,
         "limit": 1}
    ]}  # fmt: skip
    control(exchange, "faults", [{"path": "/api/v3/exchangeInfo", "body": small}])
    found = client.spot_info()
    assert (dict(found.pairs), found.weight_per_minute) == ({}, 1)


@pytest.mark.parametrize("limit", [0, 1001])
def test_impossible_limit_is_refused_before_it_is_sent(limit: int) -> None:
    with pytest.raises(
        ValueError, match=re.escape(f"limit must be in 1…1000, was {limit}")
    ):
        spot_klines_request("BTCUSDT", H4, limit=limit)


def test_every_request_weighs_two_and_bounds_times() -> None:
    asked = spot_klines_request("AUSDT", H4, limit=1000, start_time=1, end_time=2)
    assert (asked.path, asked.weight) == ("/api/v3/klines", 2)
    assert asked.parameters == {
        "symbol": "AUSDT", "interval": "4h", "limit": 1000,
        "startTime": 1, "endTime": 2,
    }  # fmt: skip


PAIR: dict[str, Any] = {
    "symbol": "AUSDT",
    "status": "BREAK",
    "filters": [{"filterType": "PRICE_FILTER", "tickSize": "0.010"}],
}
LIMITS = [
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1,
     "limit": 6000},
]  # fmt: skip


def test_pairs_that_cannot_be_read_are_not_there() -> None:
    broken = [{**PAIR, "symbol": "BUSDT", "filters": []}, None, {"symbol": 5}]
    found = spot_info({"symbols": [PAIR, *broken], "rateLimits": LIMITS})
    assert list(found.pairs) == ["AUSDT"]
    assert str(found.pairs["AUSDT"].tick_size) == "0.010"
    assert found.weight_per_minute == 6000


@pytest.mark.parametrize("payload", [None, [], {"symbols": []}, {"rateLimits": []}])
def test_answer_without_its_lists_is_malformed(payload: object) -> None:
    with pytest.raises(MalformedPayload, match="/api/v3/exchangeInfo"):
        spot_info(payload)
