import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from grid_screening.factors import FACTORS
from grid_screening.planned_grid import published_names
from grid_screening.reports.columns import FACTOR_NAMES, GRID_NAMES, SCORE_NAMES
from grid_screening.reports.document import plain, report_document
from grid_screening.reports.json import _exact, report_json
from grid_screening.score_terms import BREAKDOWN
from grid_screening.screening_report import ScreeningReport
from tests.grid_screening.reports import samples

CONTRACTS = (
    Path(__file__).resolve().parents[3]
    / "specs"
    / "001-short-grid-screening"
    / "contracts"
)
SCHEMA = json.loads((CONTRACTS / "report.schema.json").read_text(encoding="utf-8"))

EMPTY = samples.empty(samples.funnel(("universe", 0), ("scored", 0)), ())


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} in JSON")


@pytest.mark.parametrize(
    "report",
    [
        samples.report(),
        samples.report(degraded=True, coverage=0.5),
        samples.with_intervals(),
        samples.with_stop_outs(),
        samples.with_boxes(),
        EMPTY,
    ],
    ids=["full", "degraded", "intervals", "stop-outs", "boxes", "empty"],
)
def test_document_satisfies_the_published_schema(report: ScreeningReport) -> None:
    document = json.loads(report_json(report), parse_constant=no_constant)
    Draft202012Validator.check_schema(SCHEMA)
    errors = Draft202012Validator(SCHEMA).iter_errors(document)
    assert [f"{list(e.path)}: {e.message}" for e in errors] == []


@pytest.mark.parametrize("missing", ["ranked", "settings", "schema_version", "funnel"])
def test_schema_refuses_a_document_without_a_required_part(missing: str) -> None:
    document = json.loads(report_json(samples.report()))
    del document[missing]
    assert not Draft202012Validator(SCHEMA).is_valid(document)


def test_every_field_of_the_schema_is_described() -> None:
    def nameless(node: object, where: str) -> list[str]:
        found = []
        if isinstance(node, dict):
            for key, child in node.get("properties", {}).items():
                if "description" not in child and "$ref" not in child:
                    found.append(f"{where}.{key}")
            for key, child in node.items():
                found += nameless(child, f"{where}.{key}")
        return found

    assert nameless(SCHEMA, "") == []


def test_schema_lists_every_factor_score_part_and_grid_number() -> None:
    ranked = SCHEMA["$defs"]["ranked"]["properties"]
    assert list(ranked["factors"]["properties"]) == list(FACTOR_NAMES)
    assert list(ranked["score_breakdown"]["properties"]) == list(SCORE_NAMES)
    assert list(SCHEMA["$defs"]["grid"]["properties"]) == list(GRID_NAMES)


def test_published_names_are_those_of_factors_score_and_plan() -> None:
    assert set(FACTOR_NAMES) == {spec.name for spec in FACTORS}
    assert list(SCORE_NAMES) == list(BREAKDOWN)
    assert published_names() == GRID_NAMES


def test_prices_keep_the_decimals_of_the_tick() -> None:
    text = report_json(samples.report()).decode()
    assert '"lower_bound": 0.10010,' in text
    assert '"quantity_per_level": 237,' in text
    assert text.endswith("}\n")


def test_tiny_prices_are_not_written_with_an_exponent() -> None:
    grid = {**samples.GRID, "grid_step": Decimal("1E-7")}
    report = samples.report(ranked=(samples.ranked(grid=grid),))
    assert '"grid_step": 0.0000001,' in report_json(report).decode()


def test_symbols_are_written_as_they_are() -> None:
    assert '"币安人生USDT"' in report_json(samples.report()).decode()


def test_nan_and_infinity_become_null() -> None:
    factors = {
        **samples.FACTORS,
        "natr": float("nan"),
        "beta_btc": float("-inf"),
        "z_score": np.float64("nan"),
    }
    row = samples.ranked(factors=factors)
    document = report_document(samples.report(ranked=(row,)))
    written = document["ranked"][0]["factors"]
    assert written["natr"] is None
    assert written["beta_btc"] is None
    assert written["z_score"] is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(1), True),
        (True, True),
        (Decimal("NaN"), None),
        ((1, "a"), [1, "a"]),
        ({"a": (np.int64(1),)}, {"a": [1]}),
    ],
)
def test_values_become_plain(value: object, expected: object) -> None:
    comp = plain(value)
    assert comp == expected
    assert type(comp) is type(expected)


def test_decimals_stay_decimals_in_the_document() -> None:
    grid = report_document(samples.report())["ranked"][0]["grid"]
    assert grid["lower_bound"] == Decimal("0.10010")
    assert str(grid["lower_bound"]) == "0.10010"


def test_unknown_types_are_refused() -> None:
    with pytest.raises(TypeError, match="no place in a report for object"):
        plain(object())


def test_excluded_symbols_say_what_they_lack() -> None:
    row = report_document(samples.report())["excluded"][0]
    assert row["needs"] == "needs 24 h turnover +8,000,000"
    assert row["reason"]["limit"] == 50e6


def test_rank_intervals_are_pairs_or_null() -> None:
    document = report_document(samples.with_intervals())
    found = [row["rank_interval"] for row in document["ranked"]]
    assert found == [[1, 2], [1, 6], None]
    assert document["rank_stability"] == {
        "draws": 50,
        "level": 0.9,
        "block_bars": 10,
        "indistinct": [[1, 2], [3, 9]],
    }
    assert report_document(samples.report())["rank_stability"] is None


@pytest.mark.parametrize("wrong", [[1], [0, 2], [1, 2, 3], "1–2"])
def test_schema_refuses_what_is_no_rank_interval(wrong: object) -> None:
    document = json.loads(report_json(samples.with_intervals()))
    document["ranked"][0]["rank_interval"] = wrong
    assert not Draft202012Validator(SCHEMA).is_valid(document)


def test_bars_are_no_part_of_the_document() -> None:
    assert "bars" not in report_document(samples.report())["ranked"][0]


def test_to_dict_is_the_document() -> None:
    report = samples.report()
    assert report.to_dict() == report_document(report)


def test_only_prices_are_spelled_by_hand_in_json() -> None:
    with pytest.raises(TypeError, match="no place in a report for set"):
        _exact({1})


def test_stop_outs_are_published_with_what_they_are_told_from() -> None:
    first, second, _ = report_document(samples.with_stop_outs())["ranked"]
    assert first["stop_out"]["horizons"][1] == {
        "days": 7, "probability": 0.1402, "low": 0.118, "high": 0.169,
    }  # fmt: skip
    assert first["stop_out"]["features"] == samples.STOP_OUT.features
    assert first["stop_out"]["curve"][0]["upper_bound"] == Decimal("0.13450")
    assert first["stop_out"]["curve"][1]["expected_trips"] is None
    assert second["stop_out"] is None


def test_boxes_are_published_by_their_names_and_what_is_unknown_is_null() -> None:
    text = report_json(samples.with_boxes()).decode()
    assert '"point_of_control": 0.122505,' in text
    assert '"value_area_low": 0.11870,' in text
    first, second, third = (row["box"] for row in json.loads(text)["ranked"])
    assert list(first) == list(SCHEMA["$defs"]["box"]["properties"])
    assert first["confidence"] == {
        "total": 0.6375,
        "squeeze": 0.8,
        "concentration": 0.5,
        "bollinger_width": 0.75,
        "value_area_width": 0.5,
    }
    assert set(second.pop("confidence").values()) == set(second.values()) == {None}
    assert third is None
