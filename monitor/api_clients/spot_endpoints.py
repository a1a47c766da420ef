"""Paths and weights of the spot market's REST endpoints.

Another server with another budget: 6,000 weight a minute.
"""

from dataclasses import replace

from monitor.api_clients.endpoints import Endpoint, GetRequest, klines_request
from monitor.domain.market import KlineInterval
from monitor.domain.typing import Symbol

MAX_SPOT_KLINES = 1000
"""Bars one request returns at most."""
SPOT_WEIGHT_PER_MINUTE = 6000
"""Assumed until ``exchangeInfo.rateLimits`` is read."""

SPOT_SERVER_TIME = Endpoint(path="/api/v3/time", weight=1)
SPOT_EXCHANGE_INFO = Endpoint(path="/api/v3/exchangeInfo", weight=20)
SPOT_KLINES = Endpoint(path="/api/v3/klines", weight=2)


def spot_klines_request(
    symbol: Symbol,
    interval: KlineInterval,
    *,
    limit: int,
    start_time: int | None = None,
    end_time: int | None = None,
) -> GetRequest:
    """Request for bars; whatever ``limit``, it weighs 2.

    Raises
    ------
    ValueError
        ``limit`` is not in 1…1,000.
    """
    if not 1 <= limit <= MAX_SPOT_KLINES:
        raise ValueError(f"limit must be in 1…{MAX_SPOT_KLINES}, was {limit}")
    asked = klines_request(
        symbol, interval, limit=limit, start_time=start_time, end_time=end_time
    )
    return replace(asked, endpoint=SPOT_KLINES, weight=SPOT_KLINES.weight)
