"""The spot market beside the contracts: fewer symbols, other prices. Pure."""

from dataclasses import replace

import orjson

from monitor.domain.instruments import ContractType
from monitor.domain.market import KlineInterval
from monitor.domain.typing import IntArray, Symbol
from monitor.simulator.bars import Bars, Scale
from monitor.simulator.market import Listing, Market
from monitor.simulator.payloads import kline_rows

SPOT_WEIGHT_PER_MINUTE = 6000
_BASIS_PART = 2_000
# contracts stand a 2,000th above the spot price
_VOLUME_PART = 4
# a quarter of the contracts' volume


def is_on_spot(listing: Listing) -> bool:
    """Return whether the coin of a contract is traded on spot under the same symbol.

    Contracts on a multiple of a coin (1000PEPE) have another symbol there, stocks,
    dated contracts and names beyond ASCII have none.
    """
    return (
        listing.contract_type == ContractType.PERPETUAL
        and listing.is_trading
        and listing.has_bars
        and listing.symbol.isascii()
        and not listing.symbol[0].isdigit()
    )


def spot_exchange_info(market: Market) -> bytes:
    """JSON body of the spot market's ``exchangeInfo``."""
    rows = orjson.loads(market.exchange_info())["symbols"]
    return orjson.dumps(
        {
            "timezone": "UTC",
            "serverTime": market.starts_at_ms,
            "rateLimits": [
                {
                    "rateLimitType": "REQUEST_WEIGHT",
                    "interval": "MINUTE",
                    "intervalNum": 1,
                    "limit": SPOT_WEIGHT_PER_MINUTE,
                }
            ],
            "exchangeFilters": [],
            "symbols": [_row(row) for row in rows if _is_listed(market, row["symbol"])],
        }
    )


def spot_rows(bars: Bars, interval: KlineInterval, scale: Scale) -> bytes:
    """Encode bars of the spot market: lower prices, less volume."""
    prices = {
        name: _below(getattr(bars, name)) for name in ("open", "high", "low", "close")
    }
    volumes = {
        name: getattr(bars, name) // _VOLUME_PART
        for name in ("volume", "quote_volume", "taker_volume", "taker_quote_volume")
    }
    return kline_rows(replace(bars, **prices, **volumes), interval, scale)


def _below(prices: IntArray) -> IntArray:
    return prices - prices // _BASIS_PART


def _is_listed(market: Market, symbol: Symbol) -> bool:
    listing = market.listings.get(symbol)
    return listing is not None and is_on_spot(listing)


def _row(row: dict[str, object]) -> dict[str, object]:
    filters = row["filters"]
    assert isinstance(filters, list)  # noqa: S101  our own JSON
    kept = ("PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE")
    return {
        "symbol": row["symbol"],
        "status": row["status"],
        "baseAsset": row["baseAsset"],
        "quoteAsset": row["quoteAsset"],
        "isSpotTradingAllowed": True,
        "filters": [f for f in filters if f["filterType"] in kept],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }
