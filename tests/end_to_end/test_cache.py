"""Bars on disk change what a scan asks for, never what it finds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grid_screening.conf import ScreenerSettings
from grid_screening.services.scan_service import Scan, scan
from grid_screening.services.screening_service import live_market
from monitor.api_clients.binance import BinanceFuturesClient
from monitor.conf import GatewayConfig
from monitor.market_data.kline_store import KlineStore
from monitor.simulator.server import EmbeddedExchange
from tests.end_to_end.conftest import control

BAR_MS = 4 * 3_600_000
MARKET_WEIGHT = 57
ADDRESS = "http://one.address"
SETTINGS = ScreenerSettings(min_volume=0.0, top=5, rank_draws=0)


@pytest.fixture
def markets() -> Iterator[list[EmbeddedExchange]]:
    with (
        EmbeddedExchange(contracts=40, seed=7) as first,
        EmbeddedExchange(contracts=40, seed=8) as second,
    ):
        yield [first, second]


def scanned(exchange: EmbeddedExchange, folder: Path | None) -> Scan:
    """Scan in a minute of its own, with the bars of ``folder`` or with none."""
    control(exchange, "clock", {"to_second": 1})
    config = GatewayConfig(base_url=exchange.base_url, ledger_url="memory://")
    with BinanceFuturesClient(config) as client:
        if folder is None:
            return scan(SETTINGS, live_market(client), source="simulated")
        with KlineStore(folder, exchange=ADDRESS) as store:
            return scan(SETTINGS, live_market(client, store), source="simulated")


def bars(done: Scan) -> dict[str, bytes]:
    columns = ("open_time", "open", "high", "low", "close", "volume")
    names = (*columns, "taker_buy_volume")
    return {name: getattr(done.snapshot, name).tobytes() for name in names}


def asked(exchange: EmbeddedExchange, path: str) -> list[dict[str, Any]]:
    return [row for row in control(exchange, "requests") if row["path"] == path]


def test_a_warm_scan_asks_for_one_series_and_finds_the_same(
    markets: list[EmbeddedExchange], tmp_path: Path
) -> None:
    exchange = markets[0]
    cold = scanned(exchange, tmp_path)
    # young contracts are asked once more, for what may be older
    scanned(exchange, tmp_path)
    control(exchange, "reset")
    warm = scanned(exchange, tmp_path)
    sent = asked(exchange, "/fapi/v1/klines")
    assert [row["symbol"] for row in sent] == ["BTCUSDT"]
    # the whole market, the one series, open interest of each contract
    interest = asked(exchange, "/fapi/v1/openInterest")
    assert warm.report.requests.weight == MARKET_WEIGHT + 1 + len(interest)
    assert bars(warm) == bars(cold) == bars(scanned(exchange, None))


def test_one_new_bar_costs_one_weight_a_contract(
    markets: list[EmbeddedExchange], tmp_path: Path
) -> None:
    exchange = markets[0]
    scanned(exchange, tmp_path)
    control(exchange, "clock", {"advance_ms": BAR_MS})
    control(exchange, "reset")
    warm = scanned(exchange, tmp_path)
    assert {row["weight"] for row in asked(exchange, "/fapi/v1/klines")} == {1}
    assert bars(warm) == bars(scanned(exchange, None))


def test_another_market_under_the_same_address_is_noticed(
    markets: list[EmbeddedExchange], tmp_path: Path
) -> None:
    first, second = markets
    scanned(first, tmp_path)
    found = scanned(second, tmp_path)
    expected = scanned(second, None)
    assert found.snapshot.symbols == expected.snapshot.symbols
    assert bars(found) == bars(expected)
    assert [row.symbol for row in found.report.ranked] == [
        row.symbol for row in expected.report.ranked
    ]
