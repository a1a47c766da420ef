"""The evidence page: answers first, then every number behind them."""

from functools import cache
from importlib.resources import files

from grid_screening.reports.html.markup import Html, items, joined, tag
from grid_screening.reports.html.opening import theme_choice
from grid_screening.validation.report import (
    method_sections,
    profit_sections,
    stop_out_sections,
)
from grid_screening.validation.report.answers import (
    Answer,
)
from grid_screening.validation.report.numbers import count, date, unbroken
from grid_screening.validation.report.verdicts import (
    in_short,
    verdicts,
)
from grid_screening.validation.results import StudyResult

TITLE = "What the short-grid score is worth"
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_MARKS = {
    Answer.YES: "✔",
    Answer.NO: "✘",
    Answer.NOT_SHOWN: "○",
    Answer.UNKNOWN: "?",
}
_LINKS = {
    "answers": "Answers",
    "data": "Data",
    "stop-outs": "Stop-outs",
    "gate": "Gate",
    "widening": "Width",
    "profit": "Profit",
    "ranks": "Ranks",
    "tenths": "Tenths",
    "lists": "Lists",
    "outcomes": "Outcomes",
    "tests": "Tests",
    "sensitivity": "Assumptions",
    "limits": "Limits",
}


def study_html(result: StudyResult) -> str:
    """Return the study as one HTML file.

    It needs nothing else: style and pictures are inside, nothing is fetched, no
    script runs. Every claim follows from the numbers of ``result``. The same result
    gives the same bytes (with the same matplotlib, which draws the pictures).

    Parameters
    ----------
    result : StudyResult
        At least one outcome; numbers that are not known are dashes.

    Returns
    -------
    str
        To be written as UTF-8; colours follow the reader's light or dark.
    """
    sections = [
        _answers(result),
        method_sections.data(result),
        stop_out_sections.stop_outs(result),
        stop_out_sections.gate(result),
        stop_out_sections.widening(result),
        profit_sections.profit(result),
        profit_sections.ranks(result),
        profit_sections.tenths(result),
        profit_sections.lists(result),
        profit_sections.outcomes(result),
        method_sections.tests(result),
        method_sections.sensitivity(result),
        method_sections.limits(result),
    ]
    body = tag("body", _opening(result), _navigation(sections), tag("main", *sections))
    document = tag("html", _head(), "\n", body, lang="en")
    return f"<!DOCTYPE html>\n{document}\n"


def _head() -> Html:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", TITLE),
        tag("style", Html(_style("report.css") + _style("evidence.css"))),
    )


def _opening(result: StudyResult) -> Html:
    main, origins = result.outcome[0], result.universe
    facts = [
        f"{count(main.grid_count)} simulated grids",
        f"origins: {len(origins)}"
        + (f" to {date(origins[-1].as_of_ms)}" if origins else ""),
        f"{count(result.data.contract_count)} contracts",
        f"version {result.version}",
    ]
    return tag(
        "header",
        tag("h1", TITLE),
        tag(
            "p",
            "Point-in-time scans of past markets against what the planned grids "
            "would have done.",
            class_="subtitle",
        ),
        tag("ul", items(facts), class_="facts"),
        theme_choice(),
    )


def _answers(result: StudyResult) -> Html:
    cards = (
        tag(
            "div",
            tag("h3", verdict.question),
            tag("p", f"{_MARKS[verdict.answer]} {verdict.answer}", class_="answer"),
            tag("p", unbroken(verdict.sentence)),
            class_=f"verdict {verdict.answer.name.lower().replace('_', '-')}",
        )
        for verdict in verdicts(result)
    )
    return tag(
        "section",
        tag("h2", "What was found"),
        tag("p", in_short(result), class_="short"),
        tag("p", "In brackets: 95 % intervals. Questions were declared first."),
        tag("div", joined(cards), class_="verdicts"),
        id="answers",
    )


def _navigation(sections: list[Html | None]) -> Html:
    there = joined(sections)
    return tag(
        "nav",
        *(
            tag("a", name, href=f"#{target}")
            for target, name in _LINKS.items()
            if f'id="{target}"' in there
        ),
        aria_label="Sections",
    )


@cache
def _style(name: str) -> str:
    path = files("grid_screening") / "reports" / "html" / "static" / name
    return path.read_text(encoding="utf-8")
