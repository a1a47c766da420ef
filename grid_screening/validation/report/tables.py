"""Tables of the evidence page."""

from collections.abc import Iterable, Sequence

from grid_screening.reports.html.markup import Html, tag
from grid_screening.validation.report.numbers import Unit, interval
from grid_screening.validation.results import Estimate

Cell = str
Row = Sequence[str]


def table(head: Sequence[str], rows: Iterable[Row], *, caption: str) -> Html:
    """Return a table that scrolls sideways; the first column names the rows.

    Parameters
    ----------
    head : sequence of str
        Names of the columns.
    rows : iterable of sequence of str
        Texts, or markup from `estimate_cell`; each as long as ``head``.
    caption : str
        What the numbers are, with their units.
    """
    names = tag("tr", *(tag("th", name, scope="col") for name in head))
    lines = [
        tag(
            "tr",
            tag("th", row[0], scope="row"),
            *(tag("td", cell) for cell in row[1:]),
        )
        for row in rows
    ]
    found = tag(
        "table",
        tag("caption", caption),
        tag("thead", names),
        tag("tbody", *lines),
        class_="evidence",
    )
    return tag("div", found, class_="scroll", tabindex=0)


def estimate_cell(estimate: Estimate, unit: Unit) -> Html:
    """Return mean over interval, in two lines."""
    shown = interval(estimate, unit)
    mean = tag("span", unit.text(estimate.mean))
    return mean if not shown else Html(mean + tag("small", shown))


def folded(summary: str, *parts: Html | None) -> Html:
    """Return parts that open on demand."""
    return tag("details", tag("summary", summary), *parts)
