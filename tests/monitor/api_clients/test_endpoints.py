import pytest
import requests

from monitor.api_clients import endpoints
from monitor.api_clients.endpoints import Pool
from monitor.domain.market import KlineInterval


@pytest.mark.parametrize(
    ("limit", "weight"),
    [
        (1, 1),
        (99, 1),
        (100, 2),
        (301, 2),
        (499, 2),
        (500, 5),
        (1000, 5),
        (1001, 10),
        (1500, 10),
    ],
)
def test_klines_weigh_by_limit(limit: int, weight: int) -> None:
    assert endpoints.klines_weight(limit) == weight


@pytest.mark.parametrize("limit", [0, -1, 1501])
def test_impossible_klines_limit_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match=rf"limit must be in 1…1500, was {limit}"):
        endpoints.klines_weight(limit)


@pytest.mark.parametrize(
    ("path", "weight", "pool"),
    [
        ("/fapi/v1/exchangeInfo", 1, Pool.WEIGHT),
        ("/fapi/v1/ticker/24hr", 40, Pool.WEIGHT),
        ("/fapi/v1/premiumIndex", 10, Pool.WEIGHT),
        ("/fapi/v1/ticker/bookTicker", 5, Pool.WEIGHT),
        ("/fapi/v1/openInterest", 1, Pool.WEIGHT),
        ("/fapi/v1/fundingInfo", 0, Pool.FUNDING),
        ("/fapi/v1/fundingRate", 0, Pool.FUNDING),
        ("/futures/data/openInterestHist", 0, Pool.FUTURES_DATA),
    ],
)
def test_endpoint_costs_what_the_exchange_documents(
    path: str, weight: int, pool: Pool
) -> None:
    endpoint = endpoints.ENDPOINTS[path]
    assert (endpoint.weight, endpoint.pool) == (weight, pool)


def test_pools_without_weight_have_the_documented_quotas() -> None:
    quotas = {
        pool: (quota.calls, quota.period_s)
        for pool, quota in endpoints.POOL_QUOTAS.items()
    }
    assert quotas == {Pool.FUNDING: (500, 300), Pool.FUTURES_DATA: (1000, 300)}


def test_headers_of_book_ticker_and_price_v2_are_not_believed() -> None:
    unreliable = {
        path for path, e in endpoints.ENDPOINTS.items() if not e.reports_used_weight
    }
    assert {"/fapi/v1/ticker/bookTicker", "/fapi/v2/ticker/price"} <= unreliable
    assert "/fapi/v1/klines" not in unreliable


def test_times_are_sent_only_when_given() -> None:
    request = endpoints.klines_request(
        "AAAUSDT", KlineInterval.H4, limit=301, end_time=5
    )
    assert dict(request.parameters) == {
        "symbol": "AAAUSDT",
        "interval": "4h",
        "limit": 301,
        "endTime": 5,
    }
    assert request.weight == 2


def test_a_start_time_of_zero_is_sent() -> None:
    request = endpoints.funding_history_request(None, limit=10, start_time=0)
    assert dict(request.parameters) == {"limit": 10, "startTime": 0}


def test_unknown_period_is_refused() -> None:
    with pytest.raises(ValueError, match=r"period must be one of 5m, .* was '3h'"):
        endpoints.open_interest_history_request("AAAUSDT", period="3h", limit=5)


def test_non_ascii_symbols_are_percent_encoded() -> None:
    request = endpoints.open_interest_request("币安人生USDT")
    url = (
        requests.Request("GET", "http://127.0.0.1/x", params=dict(request.parameters))
        .prepare()
        .url
    )
    assert url == "http://127.0.0.1/x?symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT"
