"""`BinanceSpotClient`: what the spot market tells about bars, typed."""

from dataclasses import replace

from monitor.api_clients import schemas
from monitor.api_clients.client import BinanceClient
from monitor.api_clients.endpoints import request
from monitor.api_clients.schemas_spot import spot_info
from monitor.api_clients.spot_endpoints import (
    SPOT_EXCHANGE_INFO,
    SPOT_KLINES,
    SPOT_SERVER_TIME,
    SPOT_WEIGHT_PER_MINUTE,
    spot_klines_request,
)
from monitor.conf import GatewayConfig
from monitor.domain.instruments import SpotInfo
from monitor.domain.market import KlineInterval, Klines
from monitor.domain.typing import Symbol


class BinanceSpotClient(BinanceClient):
    """Public bars of Binance's spot market.

    As `monitor.api_clients.binance.BinanceFuturesClient`, with connections and a
    budget of its own: the ledger keeps it apart from the futures', also where both
    are served under one address.
    """

    SERVER_TIME = SPOT_SERVER_TIME
    MARKET = "spot"

    def spot_info(self) -> SpotInfo:
        """Return all pairs; the published weight limit is adopted."""
        found = spot_info(self._get(request(SPOT_EXCHANGE_INFO)))
        if found.weight_per_minute is not None:
            self._limiter.set_limit(found.weight_per_minute)
        return found

    def klines(
        self,
        symbol: Symbol,
        interval: KlineInterval,
        *,
        limit: int,
        start_time: int | None = None,
        end_time: int | None = None,
    ) -> Klines:
        """Return up to ``limit`` (≤ 1,000) bars as sent, the open one included.

        ``start_time`` and ``end_time`` bound the bars' open times, ms UTC.
        """
        asked = spot_klines_request(
            symbol, interval, limit=limit, start_time=start_time, end_time=end_time
        )
        return schemas.klines(self._get(asked), symbol, interval, path=SPOT_KLINES.path)


def spot_gateway(config: GatewayConfig) -> GatewayConfig:
    """Return how the spot market is asked where futures are asked as in ``config``."""
    return replace(
        config, base_url=config.spot_url, weight_per_minute=SPOT_WEIGHT_PER_MINUTE
    )
