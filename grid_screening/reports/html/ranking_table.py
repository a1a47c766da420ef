"""The ranked contracts as a table that sorts and filters."""

from collections.abc import Sequence

from grid_screening.reports import wording
from grid_screening.reports.html.markup import Html, isolated, items, joined, tag
from grid_screening.reports.table_columns import Column, column_legend, report_columns
from grid_screening.screening_report import RankedSymbol, ScreeningReport

_TEXT_HEADERS = ("Symbol", "Mk")
_WIDTH_CLASSES = ((20, "x"), (15, "w"), (10, "u"), (1, "v"))
# least priority of columns that give way in a window that is too narrow, v on a
# telephone only; the names are short since they stand in every row
_ALWAYS = ("NATR%", "Mk")
# beside those of priority 0: what fits a telephone

WITHOUT_GRID = "without a grid"
VETOED = "vetoed"


def ranking(report: ScreeningReport) -> Html:
    """Return the table of ranked contracts with its controls and its legend."""
    columns = report_columns(report)
    labels = filter_labels(report)
    return tag(
        "section",
        tag("h2", "Ranking"),
        *(tag("p", line, class_="remark") for line in wording.indistinct_ranks(report)),
        _controls(labels),
        tag("p", id="shown", role="status", hidden=True),
        tag(
            "div",
            tag(
                "table",
                tag("caption", "Ranked contracts, best first"),
                tag("thead", tag("tr", *(_heading(column) for column in columns))),
                tag(
                    "tbody",
                    *(
                        _row(number, row, columns, labels)
                        for number, row in enumerate(report.ranked)
                    ),
                ),
                class_="ranking",
                id="ranking",
            ),
            class_="scroll",
            tabindex=0,
            role="region",
            aria_label="Ranked contracts, scrolls sideways",
        ),
        _legend(report, columns),
        id="ranked",
    )


def contract_id(number: int) -> str:
    """Return the id of the details of the contract in this place of the list."""
    return f"c{number + 1}"


def filter_labels(report: ScreeningReport) -> tuple[str, ...]:
    """Return what rows can be hidden for: marks of some rows, no grid, a veto."""
    everywhere = wording.common_marks(report)
    used = {name for row in report.ranked for name in _traits(row)} - everywhere
    known = [mark for mark in wording.MARKS if mark in used]
    return (*known, *sorted(used - set(known)))


def trait_numbers(row: RankedSymbol, labels: Sequence[str]) -> str:
    """Return the places in ``labels`` of what holds for ``row``, as the page wants."""
    traits = _traits(row)
    return " ".join(str(n) for n, label in enumerate(labels) if label in traits)


def _traits(row: RankedSymbol) -> set[str]:
    held = {VETOED: row.vetoed, WITHOUT_GRID: row.grid is None and not row.vetoed}
    return {*row.marks, *(name for name, holds in held.items() if holds)}


def _controls(labels: Sequence[str]) -> Html:
    boxes = (
        tag(
            "label",
            tag("input", type="checkbox", class_="hides", value=number),
            f" {_words(label)}",
        )
        for number, label in enumerate(labels)
    )
    hides = tag("fieldset", tag("legend", "Hide"), *boxes) if labels else None
    return tag(
        "div",
        tag(
            "div",
            tag(
                "label",
                "Symbol contains ",
                tag("input", type="search", id="symbol-filter", autocomplete="off"),
            ),
            hides,
            id="filters",
            hidden=True,
        ),
        tag(
            "label",
            tag("input", type="checkbox", id="all-columns"),
            " all columns, at any width",
            class_="columns-choice",
        ),
        class_="controls",
    )


def _words(label: str) -> str:
    if label not in wording.MARKS:
        return label
    letter, meaning = wording.MARKS[label]
    return f"{letter} {meaning.partition(':')[0].partition(' (')[0]}"


def _heading(column: Column) -> Html:
    return tag(
        "th",
        tag("span", column.header),
        tag("small", column.unit) if column.unit else None,
        scope="col",
        title=column.meaning or None,
        class_=_classes(column),
        data_text=column.header in _TEXT_HEADERS,
        aria_sort="ascending" if column.header == "#" else None,
    )


def _row(
    number: int, row: RankedSymbol, columns: Sequence[Column], labels: Sequence[str]
) -> Html:
    cells = []
    for column in columns:
        text = column.cell(row)
        if column.header == "Symbol":
            link = tag("a", isolated(text), href=f"#{contract_id(number)}")
            cells.append(tag("th", link, scope="row", class_=_classes(column)))
        else:
            cells.append(tag("td", text, class_=_classes(column)))
    return tag(
        "tr",
        *cells,
        class_="vetoed" if row.vetoed else None,
        data_traits=trait_numbers(row, labels) or None,
    )


def _classes(column: Column) -> str | None:
    names = []
    if column.left:
        names.append("text")
    if column.header not in _ALWAYS:
        fitting = (name for least, name in _WIDTH_CLASSES if column.priority >= least)
        names += list(fitting)[:1]
    return " ".join(names) or None


def _legend(report: ScreeningReport, columns: Sequence[Column]) -> Html:
    marks = wording.legend(report)
    return tag(
        "details",
        tag("summary", "Columns and marks explained"),
        tag("ul", items(column_legend(columns)), class_="legend"),
        joined((tag("h3", "Marks"), tag("ul", items(marks), class_="legend")))
        if marks
        else None,
    )
