"""Plans of a published scan, read back."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from grid_screening.backtest.design import GridDesign
from grid_screening.backtest.plan_file import report_plans
from grid_screening.exceptions import UnreadableReport
from grid_screening.reports.json import report_json
from tests.grid_screening.reports.samples import ranked, report


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a scan of the simulated exchange wrote."""
    path: Path = tmp_path_factory.mktemp("scan") / "scan.json"
    call_command(
        "screen_short_grid", "--demo", "--top", "4", "--quiet", "--output", str(path)
    )
    return path.read_bytes()


def changed(content: bytes, **grid: Any) -> bytes:
    document = json.loads(content)
    row = next(row for row in document["ranked"] if row["grid"] is not None)
    row["grid"] |= grid
    return json.dumps(document).encode()


def test_every_listed_plan_of_a_scan_is_read_as_published(scanned: bytes) -> None:
    plans = report_plans(scanned, name="scan.json")
    document = json.loads(scanned)
    listed = {row["symbol"]: row["grid"] for row in document["ranked"]}
    assert plans.as_of_ms == document["as_of_ms"]
    assert plans.source == "demo"
    assert set(plans.designs) == {s for s, grid in listed.items() if grid is not None}
    for symbol, design in plans.designs.items():
        grid = listed[symbol]
        assert design.levels[0] == grid["lower_bound"]
        assert design.levels[-1] == pytest.approx(grid["upper_bound"], rel=1e-12)
        assert design.levels.size == grid["level_count"]
        assert design.quantity == grid["quantity_per_level"]
        assert (design.margin, design.leverage) == (grid["margin"], grid["leverage"])
        assert design.stop_price == grid["stop_price"]


def test_who_has_no_plan_there_has_a_reason(scanned: bytes) -> None:
    plans = report_plans(scanned, name="scan.json")
    document = json.loads(scanned)
    excluded = document["excluded"][0]
    told = plans.reasons[excluded["symbol"]]
    assert told == f"excluded there: {excluded['reason']['text']}"
    below = document["not_listed"][0]["symbol"]
    assert "not listed there" in plans.reasons[below]


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ({"price": None}, "price must be a finite number, was missing"),
        ({"price": -1}, "price must be > 0, was -1"),
        ({"price": True}, "price must be a finite number, was True"),
        ({"level_count": 1}, "level_count must be at least 2, was 1"),
        ({"level_count": 2.5}, "level_count must be a whole number in 1…10000"),
        ({"leverage": 0}, "leverage must be a whole number in 1…10000, was 0"),
        ({"stop_price": 0.0}, "lower_bound < upper_bound < stop_price must hold"),
        ({"grid_step": 1e9}, "upper_bound must be lower_bound + (level_count − 1)"),
        ({"spacing": "wavy"}, "spacing must be arithmetic or geometric, was 'wavy'"),
        ({"quantity_per_level": "x"}, "quantity_per_level must be a finite number"),
        ({"liquidation_price": []}, "liquidation_price must be a finite number"),
    ],
)
def test_a_grid_that_is_none_is_explained(
    scanned: bytes, grid: dict[str, Any], words: str
) -> None:
    with pytest.raises(UnreadableReport) as caught:
        report_plans(changed(scanned, **grid), name="scan.json")
    assert words in str(caught.value)
    assert "grid of " in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"{]"])
def test_a_file_that_is_no_report_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableReport, match=r"^x\.json is not a readable report: "):
        report_plans(content, name="x.json")


def test_a_listed_contract_without_a_grid_has_the_scans_reason() -> None:
    content = report_json(report(ranked=(ranked("AUSDT", grid=None),)))
    plans = report_plans(content, name="x.json")
    assert plans.designs == {}
    assert "AUSDT" in plans.reasons


def test_geometric_levels_have_one_quotient() -> None:
    design = GridDesign(
        price=3.0, lower_bound=1.0, upper_bound=8.0, grid_step=1.0,
        spacing="geometric", level_count=4, quantity=2.0, stop_price=9.0,
        margin=10.0, leverage=1, liquidation_price=None,
    )  # fmt: skip
    assert design.levels == pytest.approx([1, 2, 4, 8])
    assert design.notional == 3 * 2 * 8
