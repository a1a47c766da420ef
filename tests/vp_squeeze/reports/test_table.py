from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from rich.cells import cell_len

from monitor.domain.market import KlineInterval
from monitor.domain.requests import RequestStatistics
from tests.vp_squeeze.samples import (
    FAILED,
    TICK,
    YOUNG,
    analysis_report,
    contract,
    klines,
)
from vp_squeeze.analysis_report import AnalysisReport, Venue
from vp_squeeze.box_analysis import SpotReading, box_reading, contract_analysis
from vp_squeeze.indicators.resonance import LevelKind
from vp_squeeze.reports.table import analysis_table
from vp_squeeze.reports.wording import (
    DISCLAIMER,
    SIMULATED,
    clean_price,
    level_words,
    price_text,
)


def many(count: int) -> list[object]:
    return [contract(f"S{number}USDT", seed=number) for number in range(1, count + 1)]


@pytest.mark.parametrize("width", [80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    rows = [*many(2), contract("币安人生USDT", seed=7)]
    text = analysis_table(analysis_report(*rows, left_out=(FAILED, YOUNG)), width=width)

    assert max(map(cell_len, text.splitlines())) <= width
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_all_columns_are_shown_where_there_is_room() -> None:
    rows = many(4)

    assert "hidden at this width" in analysis_table(analysis_report(*rows), width=80)
    wide = analysis_table(analysis_report(*rows), width=240)
    assert "hidden at this width" not in wide
    assert "Zone" in wide.splitlines()[2]


def test_few_contracts_are_told_in_detail() -> None:
    few = analysis_table(analysis_report(*many(3)))
    lot = analysis_table(analysis_report(*many(4)))

    assert few.count("point of control  ") == 3
    assert few.count("confidence 0.") == 3
    assert few.count("timeframe  ") == 3
    assert "resonance" in few
    assert "confidence 0." not in lot


def test_row_shows_the_levels_and_their_distance() -> None:
    row = contract()
    cells = analysis_table(analysis_report(row), width=240).splitlines()[3].split()
    profile = row.reading.profile

    assert cells[0] == "BTCUSDT"
    assert cells[1] == price_text(row.price, TICK)
    assert cells[2] == price_text(float(profile.poc), TICK)
    low, _, high = cells[3].partition("–")
    assert (low, high) == (
        price_text(float(profile.value_area_low), TICK),
        price_text(float(profile.value_area_high), TICK),
    )
    expected = 100 * (float(profile.poc) / row.price - 1)
    assert float(cells[5].replace("−", "-")) == pytest.approx(expected, abs=0.051)


def test_missing_timeframe_tells_why() -> None:
    row = contract_analysis(klines(), TICK, {KlineInterval.M15: "15m was not recorded"})
    text = analysis_table(analysis_report(row))

    assert "15m is missing: 15m was not recorded" in text
    assert "no price at which timeframes agree" in text


def test_what_is_too_small_for_the_details_is_counted() -> None:
    compared = {
        interval: klines(interval=interval, count=300, scale=0.03)
        for interval in (KlineInterval.M15, KlineInterval.H1)
    }
    row = contract_analysis(klines(count=300, scale=0.03), TICK, compared)
    nodes = len(row.levels) - 3
    text = analysis_table(analysis_report(row))

    assert nodes > 6
    assert len(row.zones) > 5
    assert f"and {nodes - 6} smaller nodes (--format json)" in text
    weaker = len(row.zones) - 5
    assert f"and {weaker} weaker zones (--format json)" in text


def test_zone_around_the_price_has_no_distance() -> None:
    compared = {
        interval: klines(interval=interval, scale=0.001, seed=seed)
        for seed, interval in enumerate((KlineInterval.H4, KlineInterval.H1))
    }
    row = contract_analysis(klines(scale=0.001, seed=0), TICK, compared)

    assert row.zones[0].low <= row.price <= row.zones[0].high
    assert "inside" in analysis_table(analysis_report(row))


def test_contract_without_volume_has_dashes() -> None:
    row = contract_analysis(klines(traded=0.0), TICK, {})
    cells = analysis_table(analysis_report(row), width=240).splitlines()[3].split()

    assert cells[2:5] == ["–", "–", "–"]


def test_left_out_young_and_widened_contracts_are_named() -> None:
    young = contract("YUSDT", count=30)
    wild = contract_analysis(
        klines("WILDUSDT", scale=0.4, count=60), Decimal("0.01"), {}
    )
    report = analysis_report(young, wild, left_out=(FAILED,))
    text = analysis_table(report, width=120)

    assert "left out: FAILUSDT: /fapi/v1/klines: no answer" in text
    assert "younger than the bars asked for: YUSDT 30, WILDUSDT 60" in text
    assert "buckets wider than 0.1 % of the price (at most 2,000): WILDUSDT" in text


@pytest.mark.parametrize("source", ["demo", "simulated"])
def test_market_that_is_not_real_is_named_first_and_last(source: str) -> None:
    lines = analysis_table(
        analysis_report(contract(), source=source), width=100
    ).splitlines()

    assert lines[0] == lines[-1] == SIMULATED
    live = analysis_table(analysis_report(contract()), width=100)
    assert SIMULATED not in live
    assert live.splitlines()[-1] == DISCLAIMER


def test_nothing_but_left_out_contracts_is_still_a_report() -> None:
    text = analysis_table(analysis_report(left_out=(YOUNG,)))

    assert "left out: YOUNGUSDT" in text
    assert "prices are closes up to –" in text


@pytest.mark.parametrize(
    ("price", "tick", "text"),
    [
        (0.1 + 0.2, "0.1", "0.3"),
        (96307.45, "0.1", "96307.45"),
        (7.0, "1", "7"),
        (7.5, "1", "7.5"),
        (100.0, "0.01", "100.00"),
        (float("nan"), "0.01", "–"),
    ],
)
def test_prices_have_the_decimals_of_the_tick(
    price: float, tick: str, text: str
) -> None:
    assert price_text(price, Decimal(tick)) == text


def test_clean_price_drops_the_rounding_of_the_computation() -> None:
    assert clean_price(0.1 + 0.2, Decimal("0.1")) == 0.3
    assert clean_price(float("nan"), Decimal("0.1")) is None


def beside(**changes: Any) -> AnalysisReport:
    row = contract()
    spot = SpotReading(
        tick_size=Decimal("0.001"),
        reading=box_reading(klines(seed=3), Decimal("0.001")),
    )
    return analysis_report(replace(row, **({"spot": spot} | changes)))


def test_spot_stands_beside_the_futures() -> None:
    report = beside()
    (row,) = report.contracts
    assert isinstance(row.spot, SpotReading)
    text = analysis_table(report, width=80)
    assert "Spot POC" in text
    assert price_text(row.spot.poc, Decimal("0.001")) in text
    away = 100 * (row.spot.poc / float(row.reading.profile.poc) - 1)
    words = f"{away:+.2f}".replace("-", "−")
    assert f"point of control of spot from the futures': {words} %" in text
    markets = [line.split()[0] for line in text.splitlines() if line.split()]
    assert markets.count("futures") == markets.count("spot") == 1
    assert max(map(cell_len, text.splitlines())) <= 80


def test_missing_spot_says_why_and_missing_symbols_are_one_line() -> None:
    report = replace(
        beside(spot="not on the spot market"), missing_on_spot=("AUSDT", "BUSDT")
    )
    text = analysis_table(report, width=80)
    assert "  spot is missing: not on the spot market\n" in text
    assert "not on the spot market: AUSDT, BUSDT\n" in text


def test_requests_to_both_markets_are_told_apart() -> None:
    spent = RequestStatistics(count=2, weight=23, peak_weight_per_minute=23, retries=0)
    text = analysis_table(replace(beside(), spot_requests=spent), width=120)
    assert "5 requests, weight 8 · spot 2 requests, weight 23" in text
    assert "spot" not in analysis_table(analysis_report(contract()), width=120)


def test_title_says_that_bars_are_of_spot() -> None:
    report = replace(analysis_report(contract()), venue=Venue.SPOT)
    assert " · spot · live" in analysis_table(report, width=120).splitlines()[0]


def test_an_edge_is_support_only_below_the_price_and_resistance_only_above() -> None:
    low, high = LevelKind.VALUE_AREA_LOW, LevelKind.VALUE_AREA_HIGH
    assert level_words(low, 9.0, price=10.0) == "value area low (support)"
    assert level_words(high, 11.0, price=10.0) == "value area high (resistance)"
    for level in (10.0, 11.0):
        assert level_words(low, level, price=10.0) == "value area low"
    for level in (9.0, 10.0):
        assert level_words(high, level, price=10.0) == "value area high"
    assert level_words(LevelKind.POC, 9.0, price=10.0) == "point of control"


def test_the_title_has_the_bars_there_are() -> None:
    report = replace(analysis_report(contract("AUSDT")), limit=15_000)
    there = report.contracts[0].reading.klines.bar_count
    first = analysis_table(report, width=120).splitlines()
    assert any(f"{there} × " in line for line in first[:3])
    assert not any("15000" in line or "15,000" in line for line in first[:3])
    nothing = analysis_table(replace(report, contracts=()), width=120)
    assert "15,000 × " in nothing
