"""What a reader must see first: warnings, what this is, how old it is."""

from datetime import datetime

from grid_screening.reports import wording
from grid_screening.reports.html.markup import Html, items, joined, tag
from grid_screening.screening_report import ScreeningReport
from monitor.domain.market import KlineInterval

STALE_BARS = 2
"""A report older than this many bars is stale."""


def warnings(report: ScreeningReport) -> Html:
    """Return what stays in sight while the page scrolls: banner, notice of age."""
    notice = tag("p", id="stale", class_="stale", role="alert", hidden=True)
    return tag("div", banner(report), notice, id="warnings")


def banner(report: ScreeningReport) -> Html | None:
    """Return the warnings that no reader may miss; None without any."""
    lines = wording.banner(report)
    if not lines:
        return None
    return tag("div", joined(tag("p", line) for line in lines), class_="banner")


def opening(report: ScreeningReport) -> Html:
    """Return title, age and facts of the scan."""
    what, _, how = wording.title(report).partition(" · ")
    return tag(
        "header",
        tag("h1", what),
        tag("p", how, class_="subtitle"),
        _age(report),
        tag("ul", items(wording.facts(report)), class_="facts"),
        tag("p", wording.DISCLAIMER, class_="disclaimer"),
        theme_choice(),
    )


def dated_ms(report: ScreeningReport) -> int:
    """Return the time from which the report ages, ms UTC.

    The time of its data; of a simulated market, whose clock is its own, the time
    the report was made.

    Raises
    ------
    ValueError
        ``generated_at`` is not an ISO-8601 time.
    """
    if report.source in wording.SIMULATED_SOURCES:
        return round(datetime.fromisoformat(report.generated_at).timestamp() * 1000)
    return report.as_of_ms


def fresh_ms(report: ScreeningReport) -> int | None:
    """Return how long the report is fresh; None: its bar length is unknown."""
    interval = report.settings.get("interval")
    if interval not in tuple(KlineInterval):
        return None
    return STALE_BARS * KlineInterval(interval).milliseconds


def _age(report: ScreeningReport) -> Html:
    dated, fresh = dated_ms(report), fresh_ms(report)
    label = "Made" if report.source in wording.SIMULATED_SOURCES else "As of"
    limit = "The length of its bars is unknown: judge its age yourself."
    if fresh is not None:
        bars = f"{STALE_BARS} bars of {report.settings['interval']}"
        limit = f"Stale from {wording.utc(dated + fresh)} on ({bars})."
    return tag(
        "div",
        tag("p", f"{label} ", tag("strong", wording.utc(dated)), class_="when"),
        tag("p", limit, class_="limit"),
        tag("p", id="age", aria_live="polite", hidden=True),
        id="dated",
        data_dated=dated,
        data_fresh=fresh,
    )


def theme_choice() -> Html:
    """Return the choice of colours, which needs no script."""
    choices = (("auto", "as the system"), ("light", "light"), ("dark", "dark"))
    return tag(
        "fieldset",
        tag("legend", "Colours"),
        *(
            tag(
                "label",
                tag(
                    "input",
                    type="radio",
                    name="theme",
                    id=f"theme-{name}",
                    checked=name == "auto",
                ),
                f" {label}",
            )
            for name, label in choices
        ),
        class_="theme",
    )
