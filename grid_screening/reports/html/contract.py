"""Everything known about one ranked contract, opened on demand."""

from collections.abc import Mapping
from typing import Any

from grid_screening.factor_specs import FACTORS
from grid_screening.reports import wording
from grid_screening.reports.html.chart import chart
from grid_screening.reports.html.markup import Html, isolated, items, joined, tag
from grid_screening.reports.html.plan import plan
from grid_screening.reports.html.ranking_table import (
    contract_id,
    filter_labels,
    trait_numbers,
)
from grid_screening.reports.html.score import score, term_meanings
from grid_screening.reports.html.stop_out import stop_out
from grid_screening.reports.html.volume_box import volume_box
from grid_screening.screening_report import RankedSymbol, ScreeningReport

_UNITS: Mapping[str, str] = {spec.name: spec.unit for spec in FACTORS}


def contracts(report: ScreeningReport) -> Html:
    """Return one closed block for each ranked contract, in the table's order."""
    labels = filter_labels(report)
    return tag(
        "section",
        tag("h2", "Contracts"),
        tag(
            "div",
            *(
                _contract(number, row, report, trait_numbers(row, labels))
                for number, row in enumerate(report.ranked)
            ),
            id="contract-list",
        ),
        tag(
            "details",
            tag("summary", "Factors and terms of the score explained"),
            tag("dl", *_meanings(), class_="meanings"),
        ),
        id="contracts",
    )


def _contract(
    number: int, row: RankedSymbol, report: ScreeningReport, traits: str
) -> Html:
    ident, quote = contract_id(number), wording.quote_asset(report)
    return tag(
        "details",
        tag(
            "summary",
            tag("span", f"{row.rank}"),
            " ",
            tag("strong", isolated(row.symbol)),
            " ",
            tag("small", _gist(row)),
        ),
        tag(
            "div",
            tag("div", chart(row, quote, ident), class_="picture"),
            plan(row, quote),
            volume_box(row, quote),
            stop_out(row, quote),
            score(row, report),
            _factors(row.factors),
            _marks(row),
            class_="cards",
        ),
        id=ident,
        data_traits=traits or None,
    )


def _gist(row: RankedSymbol) -> str:
    state = "vetoed" if row.vetoed else f"GSS {wording.rounded(row.gss, 3)}"
    if row.grid is None:
        return f"{state} · no grid"
    bounds = "–".join(
        wording.exact(row.grid[name]) for name in ("lower_bound", "upper_bound")
    )
    return f"{state} · {bounds}"


def _factors(factors: Mapping[str, float | None]) -> Html:
    return tag(
        "section",
        tag("h3", "Factors"),
        tag(
            "table",
            tag(
                "thead",
                tag(
                    "tr",
                    tag("th", "Factor", scope="col"),
                    tag("th", "Value", scope="col"),
                    tag("th", "Unit", scope="col"),
                ),
            ),
            tag("tbody", *(_factor(name, value) for name, value in factors.items())),
            class_="factors",
        ),
    )


def _factor(name: str, value: Any) -> Html:
    # fractions are read as percent, as in the table
    unit = _UNITS.get(name, "")
    if unit.startswith("fraction"):
        unit = unit.replace("fraction", "%", 1)
        value = None if value is None else value * 100
    return tag(
        "tr",
        tag("th", wording.words(name), scope="row"),
        tag("td", wording.significant(value)),
        tag("td", unit),
    )


def _marks(row: RankedSymbol) -> Html | None:
    if not row.marks:
        return None
    texts = [" ".join(wording.MARKS.get(mark, (mark,))) for mark in row.marks]
    return tag(
        "section",
        tag("h3", "Marks"),
        tag("ul", items(texts), class_="marks"),
    )


def _meanings() -> list[Html]:
    meanings = {spec.name: f"{spec.description}; {spec.unit}" for spec in FACTORS}
    meanings |= term_meanings()
    return [
        joined((tag("dt", wording.words(name)), tag("dd", text)))
        for name, text in meanings.items()
    ]
