import csv
import io
import json
from dataclasses import replace
from decimal import Decimal
from math import isfinite
from typing import Any

import pytest

from monitor.domain.market import KlineInterval
from tests.vp_squeeze.samples import (
    FAILED,
    TICK,
    YOUNG,
    analysis_report,
    contract,
    klines,
)
from vp_squeeze.analysis_report import AnalysisReport
from vp_squeeze.box_analysis import SpotReading, box_reading, contract_analysis
from vp_squeeze.indicators.volume_profile import volume_nodes
from vp_squeeze.reports.csv import COLUMNS, analysis_csv
from vp_squeeze.reports.document import analysis_document, analysis_json


def published(report: AnalysisReport) -> Any:
    return json.loads(analysis_json(report))


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [n for part in value.values() for n in numbers(part)]
    if isinstance(value, list):
        return [n for part in value for n in numbers(part)]
    return [value] if isinstance(value, float) else []


def test_document_holds_what_was_found() -> None:
    row = contract()
    document = published(analysis_report(row, left_out=(FAILED, YOUNG)))
    (found,) = document["contracts"]
    profile = row.reading.profile

    assert document["schema_version"] == "1.0"
    assert document["coverage"] == pytest.approx(2 / 3)
    assert [gone["failed"] for gone in document["left_out"]] == [True, False]
    assert found["profile"]["poc"] == pytest.approx(float(profile.poc), abs=1e-9)
    assert found["box"]["support"] == found["profile"]["value_area_low"]
    high, low = volume_nodes(profile)
    assert len(found["profile"]["high_volume_nodes"]) == len(high)
    assert len(found["profile"]["low_volume_nodes"]) == len(low)
    assert list(found["timeframes"]) == ["15m", "1h", "4h"]
    assert len(found["resonance"]) == len(row.zones)
    assert found["squeeze"]["bars"] == row.reading.squeeze.bars[-1]
    assert len(found["levels"]) == 3 + len(high)
    for level in found["levels"]:
        assert level["distance"] == pytest.approx(
            level["price"] / found["price"] - 1, abs=1e-6
        )


def test_prices_are_clean_and_numbers_finite() -> None:
    text = analysis_json(analysis_report(contract()))
    document = json.loads(text)
    found = document["contracts"][0]

    assert all(isfinite(number) for number in numbers(document))
    for name in ("poc", "value_area_low", "value_area_high", "bucket_width"):
        digits = repr(found["profile"][name]).partition(".")[2]
        assert len(digits) <= 3
    assert text.endswith("}\n")


def test_missing_values_are_null() -> None:
    row = contract_analysis(
        klines(traded=0.0, count=20), TICK, {KlineInterval.M15: "not recorded"}
    )
    (found,) = published(analysis_report(row))["contracts"]

    assert found["profile"]["poc"] is None
    assert found["box"]["width_percent"] is None
    assert found["squeeze"]["momentum_bp"] is None
    assert found["confidence"]["total"] is None
    assert found["timeframes"] == {"15m": {"missing": "not recorded"}}


def test_state_of_the_squeeze_is_null_before_it_is_known() -> None:
    row = contract_analysis(klines(count=19), TICK, {})
    (found,) = published(analysis_report(row))["contracts"]

    assert found["squeeze"] == {
        "on": None,
        "active": None,
        "bars": None,
        "momentum_bp": None,
    }


def test_csv_has_a_row_for_each_contract() -> None:
    rows = [contract("AUSDT"), contract_analysis(klines("BUSDT", traded=0.0), TICK, {})]
    report = analysis_report(*rows, left_out=(YOUNG,))
    read = list(csv.DictReader(io.StringIO(analysis_csv(report))))
    document = published(report)

    assert [row["symbol"] for row in read] == ["AUSDT", "BUSDT"]
    assert tuple(read[0]) == COLUMNS
    first = document["contracts"][0]
    assert float(read[0]["poc"]) == first["profile"]["poc"]
    assert float(read[0]["confidence_total"]) == first["confidence"]["total"]
    assert read[0]["squeeze_on"] in {"true", "false"}
    assert float(read[0]["zone_strength"]) == first["resonance"][0]["strength"]
    assert read[0]["zone_timeframes"] == " ".join(first["resonance"][0]["timeframes"])
    assert (read[1]["poc"], read[1]["zone_low"], read[1]["distance_to_poc"]) == (
        "",
        "",
        "",
    )


def test_csv_symbol_is_no_formula() -> None:
    read = analysis_csv(analysis_report(contract("=1+2USDT")))

    assert read.splitlines()[1].startswith("'=1+2USDT,")


def test_spot_is_published_on_its_own_tick_or_why_it_is_missing() -> None:
    tick = Decimal("0.001")
    spot = SpotReading(tick_size=tick, reading=box_reading(klines(seed=3), tick))
    report = analysis_report(
        replace(contract(), spot=spot),
        replace(contract(), spot="not on the spot market"),
        contract(),
        missing_on_spot=("AUSDT",),
    )
    document = analysis_document(report)
    first, second, third = (row["spot"] for row in document["contracts"])
    assert first["tick_size"] == 0.001
    assert first["profile"]["poc"] == pytest.approx(spot.poc)
    assert second == {"missing": "not on the spot market"}
    assert third is None
    assert (document["market"], document["spot_requests"]) == ("futures", None)
    assert document["missing_on_spot"] == ["AUSDT"]
    rows = list(csv.DictReader(io.StringIO(analysis_csv(report))))
    assert float(rows[0]["spot_poc"]) == first["profile"]["poc"]
    assert {rows[1][name] for name in rows[1] if name.startswith("spot_")} == {""}
