"""Paths, weights and pools of the exchange's REST endpoints.

Weights are the documented ones: where a measured weight is smaller, the budget
keeps the safe side.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from monitor.domain.market import KlineInterval
from monitor.domain.typing import Symbol

Parameters = Mapping[str, str | int]

MAX_KLINES = 1500
"""Bars one request returns at most; more is refused, and still charged."""
MAX_OPEN_INTEREST_POINTS = 500
MAX_FUNDING_EVENTS = 1000

KLINES_WEIGHTS: tuple[tuple[int, int], ...] = ((99, 1), (499, 2), (1000, 5), (1500, 10))
"""(largest ``limit``, weight), ascending."""

OPEN_INTEREST_PERIODS = ("5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d")


class Pool(StrEnum):
    """Which of the exchange's counters a request draws on, each per IP address."""

    WEIGHT = "weight"
    FUNDING = "funding"
    FUTURES_DATA = "futures_data"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolQuota:
    """Requests that a pool without weights admits."""

    calls: int
    period_s: int


POOL_QUOTAS: Mapping[Pool, PoolQuota] = MappingProxyType(
    {
        Pool.FUNDING: PoolQuota(calls=500, period_s=300),
        Pool.FUTURES_DATA: PoolQuota(calls=1000, period_s=300),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One path with its cost."""

    path: str
    weight: int
    """Of the form without ``symbol``; klines are charged by `klines_weight`."""
    pool: Pool = Pool.WEIGHT
    reports_used_weight: bool = True
    """Whether its used-weight header may be believed."""
    defaults: Parameters = field(default_factory=dict)


PING = Endpoint(path="/fapi/v1/ping", weight=1)
SERVER_TIME = Endpoint(path="/fapi/v1/time", weight=1)
EXCHANGE_INFO = Endpoint(path="/fapi/v1/exchangeInfo", weight=1)
TICKERS_24H = Endpoint(path="/fapi/v1/ticker/24hr", weight=40)
MARK_PRICES = Endpoint(path="/fapi/v1/premiumIndex", weight=10)
BOOK_TICKERS = Endpoint(
    path="/fapi/v1/ticker/bookTicker", weight=5, reports_used_weight=False
)
PRICES = Endpoint(path="/fapi/v2/ticker/price", weight=2, reports_used_weight=False)
FUNDING_INTERVALS = Endpoint(
    path="/fapi/v1/fundingInfo", weight=0, pool=Pool.FUNDING, reports_used_weight=False
)
FUNDING_HISTORY = Endpoint(
    path="/fapi/v1/fundingRate",
    weight=0,
    pool=Pool.FUNDING,
    reports_used_weight=False,
    defaults={"limit": 100},
)
OPEN_INTEREST = Endpoint(path="/fapi/v1/openInterest", weight=1)
OPEN_INTEREST_HISTORY = Endpoint(
    path="/futures/data/openInterestHist",
    weight=0,
    pool=Pool.FUTURES_DATA,
    reports_used_weight=False,
    defaults={"limit": 30},
)
KLINES = Endpoint(path="/fapi/v1/klines", weight=5, defaults={"limit": 500})
LEVERAGE_BRACKETS = Endpoint(path="/fapi/v1/leverageBracket", weight=1)

ENDPOINTS: Mapping[str, Endpoint] = MappingProxyType(
    {
        endpoint.path: endpoint
        for endpoint in (
            PING,
            SERVER_TIME,
            EXCHANGE_INFO,
            TICKERS_24H,
            MARK_PRICES,
            BOOK_TICKERS,
            PRICES,
            FUNDING_INTERVALS,
            FUNDING_HISTORY,
            OPEN_INTEREST,
            OPEN_INTEREST_HISTORY,
            KLINES,
            LEVERAGE_BRACKETS,
        )
    }
)
"""Every endpoint by its path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetRequest:
    """One GET request, ready to be paid for and sent."""

    endpoint: Endpoint
    parameters: Parameters
    """Plain values; the transport percent-encodes them."""
    weight: int

    @property
    def path(self) -> str:
        """Path without query: the only part of the address that errors name."""
        return self.endpoint.path


def klines_weight(limit: int) -> int:
    """Weight of one klines request for ``limit`` bars, open bar included.

    Parameters
    ----------
    limit : int
        1 to 1,500.

    Raises
    ------
    ValueError
        ``limit`` is outside that range.
    """
    _check_limit("limit", limit, MAX_KLINES)
    return next(weight for largest, weight in KLINES_WEIGHTS if limit <= largest)


def request(endpoint: Endpoint) -> GetRequest:
    """Request for the whole market, or for an endpoint without parameters."""
    return GetRequest(
        endpoint=endpoint, parameters=endpoint.defaults, weight=endpoint.weight
    )


def open_interest_request(symbol: Symbol) -> GetRequest:
    """Request for the current open interest of one contract."""
    return GetRequest(
        endpoint=OPEN_INTEREST,
        parameters={"symbol": symbol},
        weight=OPEN_INTEREST.weight,
    )


def open_interest_history_request(
    symbol: Symbol,
    *,
    period: str,
    limit: int,
    start_time: int | None = None,
    end_time: int | None = None,
) -> GetRequest:
    """Request for the open-interest history (the last 30 days at most).

    Raises
    ------
    ValueError
        ``period`` is not one of `OPEN_INTEREST_PERIODS` or ``limit`` not in 1…500.
    """
    if period not in OPEN_INTEREST_PERIODS:
        legal = ", ".join(OPEN_INTEREST_PERIODS)
        raise ValueError(f"period must be one of {legal}, was {period!r}")
    _check_limit("limit", limit, MAX_OPEN_INTEREST_POINTS)
    parameters: dict[str, str | int] = {
        "symbol": symbol,
        "period": period,
        "limit": limit,
    }
    parameters |= _times(start_time, end_time)
    return GetRequest(endpoint=OPEN_INTEREST_HISTORY, parameters=parameters, weight=0)


def funding_history_request(
    symbol: Symbol | None,
    *,
    limit: int,
    start_time: int | None = None,
    end_time: int | None = None,
) -> GetRequest:
    """Request for settled fundings, of the whole market when ``symbol`` is None.

    Raises
    ------
    ValueError
        ``limit`` is not in 1…1,000.
    """
    _check_limit("limit", limit, MAX_FUNDING_EVENTS)
    parameters: dict[str, str | int] = {} if symbol is None else {"symbol": symbol}
    parameters |= {"limit": limit}
    parameters |= _times(start_time, end_time)
    return GetRequest(endpoint=FUNDING_HISTORY, parameters=parameters, weight=0)


def klines_request(
    symbol: Symbol,
    interval: KlineInterval,
    *,
    limit: int,
    start_time: int | None = None,
    end_time: int | None = None,
) -> GetRequest:
    """Request for bars; ``limit`` is always sent, since the default costs 5.

    Raises
    ------
    ValueError
        ``limit`` is not in 1…1,500.
    """
    weight = klines_weight(limit)
    parameters: dict[str, str | int] = {
        "symbol": symbol,
        "interval": interval.value,
        "limit": limit,
    }
    parameters |= _times(start_time, end_time)
    return GetRequest(endpoint=KLINES, parameters=parameters, weight=weight)


def _times(start_time: int | None, end_time: int | None) -> dict[str, str | int]:
    named = {"startTime": start_time, "endTime": end_time}
    return {name: at for name, at in named.items() if at is not None}


def _check_limit(name: str, value: int, largest: int) -> None:
    if not 1 <= value <= largest:
        raise ValueError(f"{name} must be in 1…{largest}, was {value}")
