"""Where all the other contracts went."""

from grid_screening.reports import wording
from grid_screening.reports.advice import needed_change
from grid_screening.reports.html.markup import Html, isolated, joined, tag
from grid_screening.screening_report import ScreeningReport

_BAR = 100


def funnel(report: ScreeningReport) -> Html:
    """Return the stages with what each dropped, then who was dropped and why."""
    return tag(
        "section",
        tag("h2", "Funnel"),
        _stages(report),
        _excluded(report),
        _not_listed(report),
        id="funnel",
    )


def _stages(report: ScreeningReport) -> Html:
    whole = max((stage.count for stage in report.funnel), default=0) or 1
    rows: list[Html] = []
    before: int | None = None
    for stage in report.funnel:
        lost = 0 if before is None else before - stage.count
        dropped = f"−{lost}" if lost and stage.stage != "listed" else ""
        bar = tag(
            "svg",
            tag("rect", width=f"{stage.count / whole * _BAR:.1f}", height=10),
            viewBox=f"0 0 {_BAR} 10",
            preserveAspectRatio="none",
            class_="bar",
            aria_hidden="true",
        )
        rows.append(
            tag(
                "tr",
                tag("th", wording.words(stage.stage), scope="row"),
                tag("td", str(stage.count)),
                tag("td", dropped),
                tag("td", bar, class_="bar"),
            )
        )
        before = stage.count
    head = _head("Stage", "Left", "Dropped", "")
    return tag("table", head, tag("tbody", *rows), class_="stages")


def _excluded(report: ScreeningReport) -> Html | None:
    if not report.excluded:
        return None
    rows = (
        tag(
            "tr",
            tag("th", isolated(row.symbol), scope="row"),
            tag("td", wording.words(row.stage)),
            tag("td", row.reason.text),
            tag("td", needed_change(row.reason, report.settings) or ""),
        )
        for row in report.excluded
    )
    return tag(
        "details",
        tag("summary", f"{len(report.excluded)} excluded, and why"),
        tag(
            "p",
            tag(
                "label",
                "Symbol, stage or reason contains ",
                tag("input", type="search", id="excluded-filter", autocomplete="off"),
            ),
            " ",
            tag("span", id="excluded-shown", role="status"),
            id="excluded-search",
            hidden=True,
        ),
        _wide_table(
            "excluded-rows",
            _head("Symbol", "Stage", "Reason", "To pass it"),
            joined(rows),
        ),
        id="excluded",
    )


def _not_listed(report: ScreeningReport) -> Html | None:
    if not report.not_listed:
        return None
    rows = (
        tag(
            "tr",
            tag("td", str(row.rank)),
            tag("th", isolated(row.symbol), scope="row"),
            tag("td", "vetoed" if row.vetoed else wording.rounded(row.gss, 3)),
        )
        for row in report.not_listed
    )
    vetoed = sum(row.vetoed for row in report.not_listed)
    count = f"{len(report.not_listed)} scored but not listed"
    return tag(
        "details",
        tag("summary", f"{count}, {vetoed} of them vetoed" if vetoed else count),
        _wide_table("not-listed", _head("#", "Symbol", "GSS"), joined(rows)),
    )


def _head(*names: str) -> Html:
    cells = (tag("th", name, scope="col") if name else tag("td") for name in names)
    return tag("thead", tag("tr", *cells))


def _wide_table(ident: str, head: Html, rows: Html) -> Html:
    table = tag("table", head, tag("tbody", rows), id=ident, class_="listing")
    return tag("div", table, class_="scroll", tabindex=0)
