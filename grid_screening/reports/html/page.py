"""The HTML report: head, order of sections, what may run."""

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files

from grid_screening.reports import wording
from grid_screening.reports.html.appendix import notes, settings, together
from grid_screening.reports.html.contract import contracts
from grid_screening.reports.html.funnel import funnel
from grid_screening.reports.html.markup import Html, joined, tag
from grid_screening.reports.html.opening import banner, opening, warnings
from grid_screening.reports.html.ranking_table import ranking
from grid_screening.screening_report import ScreeningReport


def report_html(
    report: ScreeningReport, addenda: Sequence[tuple[str, str]] = ()
) -> str:
    """Return the report as one HTML file.

    It needs nothing else: style and script are inside, nothing is fetched, and a
    content security policy forbids everything but that one script. Without
    scripts everything is readable; sorting, filtering and the running age need
    them. Every text is escaped. The same report gives the same bytes.

    Parameters
    ----------
    report : ScreeningReport
        What to show. Pictures are drawn for rows with ``bars``.
    addenda : sequence of (title, text), optional
        Sections before the ranking, their lines as they are.

    Returns
    -------
    str
        To be written as UTF-8. Missing numbers are dashes; NaN and infinity do not
        occur.

    Raises
    ------
    ValueError
        ``generated_at`` of a simulated market is not an ISO-8601 time.
    """
    body = tag(
        "body",
        warnings(report),
        opening(report),
        _links(report),
        tag("main", *_addenda(addenda), *_sections(report)),
        tag("footer", tag("p", wording.DISCLAIMER), banner(report)),
        _script_element(),
    )
    document = tag("html", _head(report), "\n", body, lang="en")
    return f"<!DOCTYPE html>\n{document}\n"


def script() -> str:
    """Return the one script of the page; the same for every report."""
    return _asset("report.js")


def _sections(report: ScreeningReport) -> list[Html | None]:
    advice = wording.emptiness(report)
    empty = joined(tag("p", line) for line in advice)
    return [
        tag("section", empty, class_="empty") if advice else None,
        ranking(report) if report.ranked else None,
        contracts(report) if report.ranked else None,
        together(report),
        funnel(report),
        notes(report),
        settings(report),
    ]


def _addenda(addenda: Sequence[tuple[str, str]]) -> list[Html]:
    return [
        tag("section", tag("h2", title), tag("pre", text), class_="addendum")
        for title, text in addenda
    ]


def _links(report: ScreeningReport) -> Html:
    targets = {
        "ranked": "Ranking" if report.ranked else None,
        "contracts": "Contracts" if report.ranked else None,
        "together": "Together" if report.portfolio is not None else None,
        "funnel": "Funnel",
        "notes": "Notes" if wording.remarks(report) else None,
        "settings": "Settings",
    }
    return tag(
        "nav",
        *(
            tag("a", name, href=f"#{target}")
            for target, name in targets.items()
            if name is not None
        ),
        aria_label="Sections",
    )


def _head(report: ScreeningReport) -> Html:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag(
            "meta", http_equiv="Content-Security-Policy", content=_security_policy()
        ),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", wording.title(report)),
        tag("style", Html(_asset("report.css"))),
    )  # fmt: skip


def _security_policy() -> str:
    digest = b64encode(sha256(script().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _script_element() -> Html:
    return tag("script", Html(script()))


@cache
def _asset(name: str) -> str:
    path = files("grid_screening") / "reports" / "html" / "static" / name
    return path.read_text(encoding="utf-8")
