"""What the grids risk together, in every form of the report."""

import json
from dataclasses import replace
from pathlib import Path

from jsonschema import Draft202012Validator

from grid_screening.reports.html import report_html
from grid_screening.reports.json import report_json
from grid_screening.reports.markdown import report_markdown
from grid_screening.reports.portfolio_text import portfolio_lines
from grid_screening.reports.table import report_table
from grid_screening.screening_report import CommonSqueeze, PortfolioRisk
from tests.grid_screening.reports.html.reader import read
from tests.grid_screening.reports.samples import report

SCHEMA = json.loads(
    (
        Path(__file__).resolve().parents[3]
        / "specs/001-short-grid-screening/contracts/report.schema.json"
    ).read_text(encoding="utf-8")
)
RISK = PortfolioRisk(
    grids=2,
    margin=2000.0,
    loss_at_stops=1024.4,
    squeezes=(
        CommonSqueeze(rise=0.1, stopped=0, loss=412.6, loss_without_stops=412.6),
        CommonSqueeze(rise=0.2, stopped=2, loss=1024.4, loss_without_stops=1300.2),
    ),
    independent_bets=1.34,
)
WITH = report(portfolio=RISK)
LINES = [
    (
        "all 2 grids together: margin 2000 USDT, the most they can lose; "
        "1024 if all are stopped"
    ),
    (
        "common squeeze, USDT: +10 % −413 (0 stopped; −413 if no stop fills); "
        "+20 % −1024 (2 stopped; −1300 if no stop fills)"
    ),
    "1.3 independent bets among 2 (correlation of the bars' returns)",
]


def test_in_words() -> None:
    assert portfolio_lines(WITH) == LINES
    assert portfolio_lines(report()) == []


def test_unknown_bets_are_a_dash() -> None:
    unknown = report(portfolio=replace(RISK, independent_bets=None))
    assert portfolio_lines(unknown)[-1].startswith("– independent bets among 2")


def test_under_the_table() -> None:
    text = report_table(WITH, width=500)
    assert all(f"\n{line}\n" in text for line in LINES)
    assert "independent bets" not in report_table(report(), width=500)


def test_in_markdown() -> None:
    text = report_markdown(WITH)
    assert "**Together**" in text
    assert f"- {LINES[0]}" in text


def test_on_the_page() -> None:
    root = read(report_html(WITH))
    (section,) = [
        e for e in root.all("section") if e.attributes.get("id") == "together"
    ]
    assert [item.text for item in section.all("li")] == LINES
    targets = [e.attributes["href"] for e in root.all("a") if "href" in e.attributes]
    assert "#together" in targets
    assert 'id="together"' not in report_html(report())


def test_in_the_document() -> None:
    document = json.loads(report_json(WITH))
    assert document["portfolio"]["squeezes"][1] == {
        "rise": 0.2,
        "stopped": 2,
        "loss": 1024.4,
        "loss_without_stops": 1300.2,
    }
    assert list(Draft202012Validator(SCHEMA).iter_errors(document)) == []
    assert json.loads(report_json(report()))["portfolio"] is None
