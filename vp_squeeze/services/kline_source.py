"""What bars are asked of, and one request for them."""

from dataclasses import dataclass
from typing import Protocol

from monitor.api_clients.endpoints import klines_weight
from monitor.domain.market import KlineInterval, Klines
from monitor.domain.typing import Symbol


class KlineSource(Protocol):
    """What bars are asked of: `monitor.api_clients.binance.BinanceFuturesClient`."""

    def klines(
        self,
        symbol: Symbol,
        interval: KlineInterval,
        *,
        limit: int,
        start_time: int | None = None,
        end_time: int | None = None,
    ) -> Klines:
        """Return bars as the exchange sends them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KlineRequest:
    """One request; times bound the bars' open times, ms UTC."""

    limit: int
    start_time: int | None = None
    end_time: int | None = None

    @property
    def weight(self) -> int:
        """What the exchange charges."""
        return klines_weight(self.limit)

    def send(
        self, client: KlineSource, symbol: Symbol, interval: KlineInterval
    ) -> Klines:
        """Return what the exchange answers; raises what the client raises."""
        return client.klines(
            symbol,
            interval,
            limit=self.limit,
            start_time=self.start_time,
            end_time=self.end_time,
        )
