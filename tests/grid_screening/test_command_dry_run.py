"""What a scan would cost."""

from pathlib import Path

import pytest

from grid_screening.cli import dry_run, scan_counts
from grid_screening.cli.dry_run import estimate, estimate_document, estimate_text
from grid_screening.cli.scan_counts import (
    FILE_NAME,
    ScanCounts,
    counts_of,
    filter_values,
    store_counts,
    stored_counts,
)
from grid_screening.conf import ScreenerSettings
from monitor.exceptions import local_time
from monitor.ratelimit.gauge import BudgetGauge
from monitor.ratelimit.ledger import Block, Lane
from tests.grid_screening.reports.samples import funnel, report

NOW_MS = 1_791_374_400_000
URL = "https://fapi.binance.com"


def counts(
    settings: ScreenerSettings | None = None, *, candidates: int = 200
) -> ScanCounts:
    made = ScreenerSettings() if settings is None else settings
    return ScanCounts(
        stored_at_ms=NOW_MS - 3_600_000,
        universe=540,
        candidates=candidates,
        listed=20,
        filters=filter_values(made.by_flag()),
    )


def test_without_a_stored_scan_the_worst_case_is_assumed() -> None:
    found = estimate(ScreenerSettings(), None, now_ms=NOW_MS)
    assert found.candidates == (700, 700)
    # 6 for the market, 701 × bars, 700 × open interest, 2 × 20 for plans
    assert found.requests == (1447, 1447)
    # 57 + 701 × 2 + 700 + 40
    assert found.weight == (2199, 2199)
    assert "worst case, 700 symbols" in found.basis


def test_counts_of_the_same_filters_are_exact() -> None:
    found = estimate(ScreenerSettings(), counts(), now_ms=NOW_MS)
    assert found.candidates == (200, 200)
    assert found.weight == (57 + 201 * 2 + 200 + 40,) * 2
    assert found.basis.startswith("200 of 540 symbols passed the filters, scan of ")
    assert found.basis.endswith(", 1 h ago")


def test_counts_of_other_filters_are_a_range_up_to_the_universe() -> None:
    settings = ScreenerSettings(min_volume=1e6)
    found = estimate(settings, counts(), now_ms=NOW_MS)
    assert found.candidates == (0, 540)
    assert found.requests[0] == 6
    assert "other filters than now" in found.basis


def test_scoring_settings_do_not_change_the_counts() -> None:
    settings = ScreenerSettings(top=5, weights=(0.25,) * 4, grid_margin_usdt=50.0)
    assert estimate(settings, counts(), now_ms=NOW_MS).candidates == (200, 200)


def test_symbols_that_are_asked_for_are_the_most() -> None:
    settings = ScreenerSettings(symbols=("BTCUSDT", "ETHUSDT"))
    found = estimate(settings, None, now_ms=NOW_MS)
    assert found.candidates == (2, 2)
    assert found.requests == (6 + 3 + 2 + 4,) * 2


def test_all_symbols_listed_means_plans_for_all() -> None:
    top_0 = estimate(ScreenerSettings(top=0), counts(), now_ms=NOW_MS)
    top_20 = estimate(ScreenerSettings(top=20), counts(), now_ms=NOW_MS)
    assert top_0.requests[0] - top_20.requests[0] == 2 * 180


def test_a_day_of_minutes_for_each_listed_contract_weighs_10() -> None:
    found = estimate(ScreenerSettings(deep=True), counts(), now_ms=NOW_MS)
    assert found.requests == (6 + 201 + 200 + 60,) * 2
    assert found.weight == (57 + 201 * 2 + 200 + 40 + 200,) * 2
    warm = estimate(ScreenerSettings(deep=True), counts(), now_ms=NOW_MS, has_bars=True)
    assert warm.weight == (57 + 1 + 200, found.weight[1])


def test_weight_within_the_minute_needs_no_wait() -> None:
    found = estimate(ScreenerSettings(), counts(), now_ms=NOW_MS)
    # 2 + ceil(401 / 20) + 2 rounds of 50…300 ms
    assert found.seconds == (round(25 * 0.05, 1), 7.5)


def test_weight_beyond_the_minute_waits_for_the_next_at_most() -> None:
    found = estimate(ScreenerSettings(), None, now_ms=NOW_MS)
    assert found.weight[1] > found.weight_per_minute == 1920
    assert found.seconds[0] < 60 < found.seconds[1]


def test_more_bars_weigh_more() -> None:
    heavy = estimate(ScreenerSettings(bars=1000), counts(), now_ms=NOW_MS)
    light = estimate(ScreenerSettings(bars=98), counts(), now_ms=NOW_MS)
    assert heavy.weight[0] - light.weight[0] == 201 * (10 - 1)


def test_text_and_document_say_the_same() -> None:
    found = estimate(ScreenerSettings(), counts(), now_ms=NOW_MS)
    text = estimate_text(found, URL)
    assert text.startswith("dry run: nothing is sent\n")
    assert f"requests  {found.requests[0]}\n" in text
    assert "seconds   1.2–7.5 (latency 50–300 ms, 20 workers)" in text
    document = estimate_document(found, URL)
    assert document["requests"] == [447, 447]
    assert document["exchange"] == URL


def gauge(*, used: int = 0, block: Block | None = None) -> BudgetGauge:
    return BudgetGauge(
        address="fapi.binance.com:443",
        now_ms=NOW_MS,
        limit=2400,
        is_published=True,
        safety_share=0.8,
        granted=dict.fromkeys(Lane, 0),
        others=used,
        used=used,
        stated=None,
        waiting=dict.fromkeys(Lane, 0),
        block=block,
        largest=None,
        today=None,
    )


def test_what_the_minute_has_used_already_makes_waiting_likelier() -> None:
    free = estimate(ScreenerSettings(), counts(), now_ms=NOW_MS, budget=gauge())
    used = estimate(
        ScreenerSettings(), counts(), now_ms=NOW_MS, budget=gauge(used=1500)
    )
    assert free.seconds == (1.2, 7.5)
    assert used.seconds == (1.2, 67.5)
    text = estimate_text(used, URL)
    assert "(budget 1920 a clock minute, 1500 of it used)" in text


def test_a_ban_is_waited_for_and_told() -> None:
    block = Block(until_ms=NOW_MS + 120_000, is_banned=True)
    found = estimate(
        ScreenerSettings(), counts(), now_ms=NOW_MS, budget=gauge(block=block)
    )
    assert found.seconds == (120.0, 127.5)
    until = local_time(NOW_MS + 120_000)
    assert f"blocked   nothing is sent before {until}\n" in estimate_text(found, URL)
    assert estimate_document(found, URL)["blocked_until_ms"] == NOW_MS + 120_000


def test_bars_on_disk_lower_the_least_a_scan_costs() -> None:
    cold = estimate(ScreenerSettings(), counts(), now_ms=NOW_MS)
    warm = estimate(ScreenerSettings(), counts(), now_ms=NOW_MS, has_bars=True)
    assert (warm.requests[1], warm.weight[1]) == (cold.requests[1], cold.weight[1])
    # the market, one bar request that looks whether they are right, open interest
    assert warm.requests[0] == 6 + 1 + 200
    assert warm.weight[0] == 57 + 1 + 200
    assert "(least: all bars are on disk)" in estimate_text(warm, URL)


def test_the_market_requests_weigh_57() -> None:
    assert sum(endpoint.weight for endpoint in dry_run.MARKET) == 57


def test_counts_survive_on_disk_per_address(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    store_counts(folder, URL, counts())
    store_counts(folder, "http://127.0.0.1:8900", counts(candidates=7))
    assert stored_counts(folder, URL) == counts()
    other = stored_counts(folder, "http://127.0.0.1:8900")
    assert other is not None
    assert other.candidates == 7
    assert stored_counts(folder, "https://elsewhere") is None


def test_only_the_latest_addresses_are_kept(tmp_path: Path) -> None:
    for port in range(20):
        store_counts(tmp_path, f"http://127.0.0.1:{port}", counts())
    assert stored_counts(tmp_path, "http://127.0.0.1:0") is None
    assert stored_counts(tmp_path, "http://127.0.0.1:19") is not None
    assert (tmp_path / FILE_NAME).stat().st_size < 10_000


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"https://fapi.binance.com": 5}',
        '{"https://fapi.binance.com": {"universe": 5}}',
        '{"https://fapi.binance.com": {"filters": {}, "stored_at_ms": "x"}}',
    ],
)
def test_a_damaged_file_is_no_stored_scan(content: str, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(content, encoding="utf-8")
    assert stored_counts(tmp_path, URL) is None
    store_counts(tmp_path, URL, counts())
    assert stored_counts(tmp_path, URL) == counts()


def test_counts_are_taken_from_the_funnel() -> None:
    made = report(
        funnel=funnel(
            ("universe", 540), ("turnover", 210), ("quotes", 205), ("data", 204),
            ("bars", 200), ("scored", 150), ("listed", 3),
        )
    )  # fmt: skip
    found = counts_of(made, now_ms=NOW_MS)
    assert found is not None
    assert (found.universe, found.candidates, found.listed) == (540, 205, 3)
    assert found.stored_at_ms == NOW_MS
    assert found.filters == filter_values(made.settings)


def test_a_funnel_without_fetching_has_no_counts() -> None:
    made = report(funnel=funnel(("universe", 5), ("scored", 5)))
    assert counts_of(made, now_ms=NOW_MS) is None


def test_filters_are_known_settings() -> None:
    assert set(scan_counts.FILTER_SETTINGS) <= set(ScreenerSettings().by_flag())


def test_a_gate_costs_the_plans_of_twice_as_many_contracts() -> None:
    guarded = ScreenerSettings(profile="guarded")
    found = estimate(guarded, counts(), now_ms=NOW_MS)
    assert found.weight == (57 + 201 * 2 + 200 + 80,) * 2
    few = estimate(guarded, counts(candidates=30), now_ms=NOW_MS)
    assert few.weight == (57 + 31 * 2 + 30 + 60,) * 2
