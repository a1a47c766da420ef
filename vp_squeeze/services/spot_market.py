"""Bars of the spot market, for profiles beside those of the contracts."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.api_clients.spot import BinanceSpotClient
from monitor.api_clients.spot_endpoints import MAX_SPOT_KLINES
from monitor.domain.instruments import SpotPair
from monitor.domain.market import KlineInterval, Klines
from monitor.domain.requests import RequestStatistics
from monitor.domain.typing import Symbol
from vp_squeeze.services.binance_kline_service import closed_klines


@dataclass(frozen=True, slots=True)
class SpotMarket:
    """The spot market through a client. Its bars are not kept on disk."""

    client: BinanceSpotClient

    def server_time(self) -> int:
        """Return the market's time, ms UTC."""
        return self.client.server_time()

    def pairs(self) -> Mapping[Symbol, SpotPair]:
        """Return all pairs by symbol."""
        return self.client.spot_info().pairs

    def closed_klines(
        self,
        symbol: Symbol,
        interval: KlineInterval,
        *,
        count: int,
        minimum: int | None = None,
        as_of_ms: int,
    ) -> Klines:
        """Return closed, checked bars as `binance_kline_service.closed_klines`."""
        return closed_klines(
            self.client,
            symbol,
            interval,
            count=count,
            minimum=minimum,
            as_of_ms=as_of_ms,
            most=MAX_SPOT_KLINES,
        )

    def statistics(self) -> RequestStatistics:
        """Return what has been sent so far."""
        return self.client.statistics()

    def give_up(self) -> None:
        """Wait for nothing more: nobody wants the answers."""
        self.client.give_up()
