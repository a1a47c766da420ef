"""The benchmark's peer: what a scan fetches, fetched with ccxt's async client.

Run as ``python -m tests.benchmarks.ccxt_peer BASE_URL CONNECTIONS SYMBOL…``; prints
the seconds from process start to the last answer.
"""

import asyncio
import sys
import time
from typing import Any

STARTED = time.monotonic()


def client(base_url: str) -> Any:
    """Return ccxt's async USDⓈ-M client talking to ``base_url``."""
    import ccxt.async_support as ccxt

    exchange = ccxt.binanceusdm({"enableRateLimit": False})
    for name, url in list(exchange.urls["api"].items()):
        if name.startswith("fapi"):
            exchange.urls["api"][name] = f"{base_url}/fapi/{url.rsplit('/', 1)[1]}"
    exchange.options["fetchMarkets"] = {"types": ["linear"]}
    return exchange


async def fetch(base_url: str, connections: int, symbols: list[str]) -> None:
    """Fetch the market and, for ``symbols``, 301 bars of 4 h and open interest."""
    exchange = client(base_url)
    gate = asyncio.Semaphore(connections)

    async def gated(call: Any, *args: Any, **kwargs: Any) -> None:
        async with gate:
            await call(*args, **kwargs)

    try:
        markets = await exchange.load_markets()
        names = {m["id"]: m["symbol"] for m in markets.values()}
        await asyncio.gather(
            gated(exchange.fetch_tickers),
            gated(exchange.fetch_funding_rates),
            gated(exchange.fetch_bids_asks),
            *(gated(exchange.fetch_ohlcv, names[s], "4h", limit=301) for s in symbols),
            *(gated(exchange.fetch_open_interest, names[s]) for s in symbols),
        )
    finally:
        await exchange.close()


if __name__ == "__main__":
    asyncio.run(fetch(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
    sys.stdout.write(f"{time.monotonic() - STARTED:.3f}\n")
