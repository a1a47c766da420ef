"""Paths, their weights (the documented column) and pools. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from monitor.simulator.answers import Answer, Answers
from monitor.simulator.ledger import Pool
from monitor.simulator.queries import Query, depth_weight, klines_weight


def _fixed(weight: int) -> Callable[[Query], int]:
    return lambda _: weight


def _by_scope(one: int, everything: int) -> Callable[[Query], int]:
    return lambda query: everything if query.symbol() is None else one


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One endpoint."""

    answer: Callable[[Answers, Query], Answer]
    weight: Callable[[Query], int]
    """Calls instead of weight in the pools that have none."""
    pool: Pool = Pool.WEIGHT


ROUTES: Mapping[str, Route] = MappingProxyType(
    {
        "/fapi/v1/ping": Route(answer=Answers.ping, weight=_fixed(1)),
        "/fapi/v1/time": Route(answer=Answers.server_time, weight=_fixed(1)),
        "/fapi/v1/exchangeInfo": Route(answer=Answers.exchange_info, weight=_fixed(1)),
        "/fapi/v1/ticker/24hr": Route(
            answer=Answers.day_tickers, weight=_by_scope(1, 40)
        ),
        "/fapi/v1/ticker/price": Route(answer=Answers.prices, weight=_by_scope(1, 2)),
        "/fapi/v2/ticker/price": Route(answer=Answers.prices, weight=_by_scope(1, 2)),
        "/fapi/v1/ticker/bookTicker": Route(
            answer=Answers.book_tickers, weight=_by_scope(2, 5)
        ),
        "/fapi/v1/premiumIndex": Route(
            answer=Answers.mark_prices, weight=_by_scope(1, 10)
        ),
        "/fapi/v1/fundingInfo": Route(
            answer=Answers.funding_info, weight=_fixed(1), pool=Pool.FUNDING
        ),
        "/fapi/v1/fundingRate": Route(
            answer=Answers.funding_history, weight=_fixed(1), pool=Pool.FUNDING
        ),
        "/fapi/v1/openInterest": Route(answer=Answers.open_interest, weight=_fixed(1)),
        "/futures/data/openInterestHist": Route(
            answer=Answers.open_interest_history,
            weight=_fixed(1),
            pool=Pool.FUTURES_DATA,
        ),
        "/fapi/v1/klines": Route(answer=Answers.klines, weight=klines_weight),
        "/fapi/v1/continuousKlines": Route(
            answer=Answers.continuous_klines, weight=klines_weight
        ),
        "/fapi/v1/indexPriceKlines": Route(
            answer=Answers.price_klines, weight=klines_weight
        ),
        "/fapi/v1/markPriceKlines": Route(
            answer=Answers.price_klines, weight=klines_weight
        ),
        "/api/v3/ping": Route(answer=Answers.ping, weight=_fixed(1), pool=Pool.SPOT),
        "/api/v3/time": Route(
            answer=Answers.server_time, weight=_fixed(1), pool=Pool.SPOT
        ),
        "/api/v3/exchangeInfo": Route(
            answer=Answers.spot_info, weight=_fixed(20), pool=Pool.SPOT
        ),
        "/api/v3/klines": Route(
            answer=Answers.spot_klines, weight=_fixed(2), pool=Pool.SPOT
        ),
        "/fapi/v1/depth": Route(answer=Answers.depth, weight=depth_weight),
        "/fapi/v1/leverageBracket": Route(
            answer=Answers.leverage_brackets, weight=_fixed(1)
        ),
    }
)
