"""The conservative limiter and the daily budget, by the simulated exchange's log."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from monitor.api_clients.binance import BinanceFuturesClient, weight_limiter
from monitor.conf import DailyBudgetConfig, GatewayConfig
from monitor.exceptions import DailyBudgetSpent, ExchangeUnavailable
from monitor.ratelimit.daily import DailyBudget, DayUse
from monitor.ratelimit.ledger import ledger_address
from monitor.ratelimit.safe_limiter import SafeRateLimiter
from monitor.ratelimit.shared import SharedLedger
from monitor.ratelimit.stores import open_store
from monitor.simulator.server import EmbeddedExchange
from tests.end_to_end.conftest import control

SYMBOL = "BTCUSDT"


@pytest.fixture(scope="module")
def _served() -> Iterator[EmbeddedExchange]:
    with EmbeddedExchange(contracts=5, seed=7, latency_ms=30) as served:
        yield served


@pytest.fixture
def exchange(_served: EmbeddedExchange) -> EmbeddedExchange:
    control(_served, "reset")
    return _served


def log(exchange: EmbeddedExchange) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = control(exchange, "requests")
    return rows


def gaps_ms(rows: list[dict[str, Any]]) -> list[int]:
    times = [row["at_ms"] for row in rows]
    return [late - early for early, late in pairwise(times)]


def day_ledger(config: GatewayConfig) -> SharedLedger:
    return SharedLedger(
        open_store(config.ledger_url, config.data_dir),
        ledger_address(config.base_url, None),
        weight_per_minute=config.weight_per_minute,
        safety_share=config.safety_share,
        reserved_weight=config.reserved_weight,
    )


def test_requests_of_many_threads_keep_their_distance(
    exchange: EmbeddedExchange,
) -> None:
    pace = SafeRateLimiter(
        max_workers=3, requests_per_minute=6000, min_delay_seconds=0.05
    )
    config = GatewayConfig(base_url=exchange.base_url)
    with (
        BinanceFuturesClient(config, pace=pace) as client,
        ThreadPoolExecutor(10) as threads,
    ):
        list(threads.map(lambda _: client.open_interest(SYMBOL), range(20)))
    assert len(log(exchange)) == 21
    # they are on their way for a different time each: by 10 ms at most here
    assert min(gaps_ms(log(exchange))) >= 25
    assert pace.running == 0


def test_a_429_slows_everybody_down(exchange: EmbeddedExchange) -> None:
    refused = {"path": "/fapi/v1/openInterest", "after": 2, "times": 1, "status": 429}
    control(exchange, "faults", [{**refused, "headers": {"Retry-After": "1"}}])
    pace = SafeRateLimiter(
        max_workers=5,
        requests_per_minute=6000,
        min_delay_seconds=0.0,
        backoff_initial_s=1.5,
    )
    config = GatewayConfig(base_url=exchange.base_url)
    with BinanceFuturesClient(config, pace=pace) as client:
        for _ in range(4):
            client.open_interest(SYMBOL)
    rows = log(exchange)
    assert [row["status"] for row in rows] == [200, 200, 200, 429, 200, 200]
    assert gaps_ms(rows)[3] >= 1500, "longer than the exchange itself asked for"


def test_the_day_ends_requests_and_slows_them_down_before(
    exchange: EmbeddedExchange,
) -> None:
    config = GatewayConfig(base_url=exchange.base_url)
    alerts: list[DayUse] = []
    shared = day_ledger(config)
    limiter = weight_limiter(config)
    daily = DailyBudget(
        shared,
        limiter.clock,
        config=DailyBudgetConfig(requests_per_day=10, slow_factor=8),
        on_alert=alerts.append,
    )
    pace = SafeRateLimiter(requests_per_minute=6000, min_delay_seconds=0.05)
    with BinanceFuturesClient(config, limiter=limiter) as first:
        first.server_time()  # the day is the exchange's from here on
    control(exchange, "reset")
    with BinanceFuturesClient(
        config, limiter=limiter, pace=pace, daily=daily
    ) as client:
        for _ in range(10):
            client.open_interest(SYMBOL)
        with pytest.raises(DailyBudgetSpent):
            client.open_interest(SYMBOL)
    rows = log(exchange)
    assert len(rows) == 10
    # the eighth raises the alert; the ninth and tenth wait eight times as long
    assert max(gaps_ms(rows)[:7]) < 390
    assert min(gaps_ms(rows)[7:]) >= 390
    assert [use.count for use in alerts] == [8]
    # a process that comes later finds it spent
    with (
        BinanceFuturesClient(config, daily=daily) as later,
        pytest.raises(DailyBudgetSpent),
    ):
        later.ping()
    assert len(log(exchange)) == 10
    limiter.close()
    shared.close()


def test_what_never_left_costs_nothing_of_the_day() -> None:
    config = GatewayConfig(base_url="http://127.0.0.1:9", max_attempts=1)
    shared = day_ledger(config)
    limiter = weight_limiter(config)
    daily = DailyBudget(shared, limiter.clock)
    with (
        BinanceFuturesClient(config, limiter=limiter, daily=daily) as client,
        pytest.raises(ExchangeUnavailable),
    ):
        client.ping()
    assert daily.use().count == 0
    limiter.close()
    shared.close()
