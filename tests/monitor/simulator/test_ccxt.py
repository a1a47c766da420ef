"""A public client that nobody here wrote reads the exchange."""

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest

from monitor.simulator.server import EmbeddedExchange

CHINESE = "币安人生/USDT:USDT"


@pytest.fixture(scope="module")
def client(exchange: EmbeddedExchange) -> Iterator[Any]:
    client = ccxt.binanceusdm(
        {
            "options": {
                "fetchMarkets": {"types": ["linear"]},
                "fetchCurrencies": False,
            },
            "enableRateLimit": False,
            "has": {"fetchCurrencies": False},
        }
    )
    for name, address in client.urls["api"].items():
        if isinstance(address, str) and "/fapi" in address:
            version = address.rsplit("/", 1)[1]
            client.urls["api"][name] = f"{exchange.base_url}/fapi/{version}"
        elif isinstance(address, str) and "/futures/data" in address:
            client.urls["api"][name] = f"{exchange.base_url}/futures/data"
    yield client
    client.session.close()


def test_it_lists_the_markets(client: Any) -> None:
    markets = {market["symbol"]: market for market in client.fetch_markets()}
    assert markets["BTC/USDT:USDT"]["precision"]["price"] == pytest.approx(0.1)
    assert markets["BTC/USDT:USDT"]["limits"]["cost"]["min"] == 50
    assert markets[CHINESE]["active"] is True
    assert markets["BLZ/USDT:USDT"]["active"] is False


def test_it_reads_tickers_bars_funding_and_open_interest(client: Any) -> None:
    client.load_markets()
    tickers = client.fetch_tickers()
    assert tickers["BTC/USDT:USDT"]["quoteVolume"] > 1e9
    for symbol in ("BTC/USDT:USDT", CHINESE):
        bars = client.fetch_ohlcv(symbol, "4h", limit=300)
        assert len(bars) == 300
        for _, open_, high, low, close, volume in bars:
            assert low <= min(open_, close) <= max(open_, close) <= high
            assert volume >= 0
    rates = client.fetch_funding_rates()
    assert abs(rates["ETH/USDT:USDT"]["fundingRate"]) < 0.02
    assert rates[CHINESE]["markPrice"] > 0
    interest = client.fetch_open_interest("ETH/USDT:USDT")
    assert interest["openInterestAmount"] > 0


def test_it_recognises_the_errors(client: Any) -> None:
    client.load_markets()
    with pytest.raises(ccxt.BadSymbol):
        client.fapiPublicGetKlines({"symbol": "NOPE", "interval": "1h"})
    with pytest.raises(ccxt.BadRequest):
        client.fapiPublicGetKlines({"symbol": "BTCUSDT", "interval": "1s"})
