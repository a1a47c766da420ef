"""A finished scan in each form, with what was asked besides."""

import json
from typing import Any

import jsonschema
import pytest

from grid_screening.cli.job import FinishedScan
from grid_screening.cli.rendering import check_addenda, rendered
from grid_screening.conf import ScreenerSettings
from grid_screening.explanation import explanation
from grid_screening.profile import load_profile
from grid_screening.ranking import ranking
from grid_screening.scan_diff import scan_diff
from monitor.cli.exit_codes import UsageError
from tests.builders import snapshot
from tests.grid_screening.reports.samples import report
from tests.recorded import ROOT

SCHEMA = ROOT / "specs/001-short-grid-screening/contracts/report.schema.json"
SETTINGS = ScreenerSettings(min_natr=0.0, top=1)


def finished(*, with_addenda: bool = True) -> FinishedScan:
    market = snapshot(4, 120)
    result = ranking(market, SETTINGS, load_profile("classic"))
    shown = report()
    if not with_addenda:
        return FinishedScan(report=shown, address="x", settings=SETTINGS)
    explained = explanation(
        result.scores.symbols[2],
        report=shown,
        result=result,
        snapshot=market,
        market=None,  # type: ignore[arg-type]  # only excluded contracts need it
        settings=SETTINGS,
    )
    return FinishedScan(
        report=shown,
        address="x",
        settings=SETTINGS,
        explanations=(explained,),
        diff=scan_diff(report().to_dict(), shown),
    )


@pytest.mark.parametrize("form", ["table", "markdown", "html"])
def test_people_read_explanation_and_changes(form: str) -> None:
    done = finished()
    symbol = done.explanations[0].symbol
    text = rendered(done, form, width=100, color=False)
    assert f"{symbol}: " in text
    assert "nobody entered, left or moved" in text
    plain = rendered(finished(with_addenda=False), form, width=100, color=False)
    assert "nobody entered" not in plain
    assert "addendum" not in plain.partition("<body")[2]


def test_json_holds_them_as_values() -> None:
    done = finished()
    document = json.loads(rendered(done, "json", width=0, color=False))
    assert document["explanations"][0]["symbol"] == done.explanations[0].symbol
    assert document["diff"]["entered"] == []
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)


def test_json_is_the_published_one_when_nothing_more_was_asked() -> None:
    document = json.loads(
        rendered(finished(with_addenda=False), "json", width=0, color=False)
    )
    assert "explanations" not in document
    assert "diff" not in document


@pytest.mark.parametrize("flag", ["explain", "diff"])
def test_csv_has_no_place_for_them(flag: str) -> None:
    options: dict[str, Any] = {"format": "csv", "explain": None, "diff": None}
    check_addenda(options)
    with pytest.raises(UsageError, match=f"--format csv has no place for --{flag}"):
        check_addenda(options | {flag: "x"})
