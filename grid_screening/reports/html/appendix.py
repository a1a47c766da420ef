"""What the grids risk together, notes and effective settings."""

from collections.abc import Sequence

from grid_screening.reports import wording
from grid_screening.reports.html.markup import Html, items, tag
from grid_screening.reports.portfolio_text import portfolio_lines
from grid_screening.screening_report import ScreeningReport


def notes(report: ScreeningReport) -> Html | None:
    """Return the remarks for people; None without any."""
    remarks = wording.remarks(report)
    if not remarks:
        return None
    return tag("section", tag("h2", "Notes"), tag("ul", items(remarks)), id="notes")


def together(report: ScreeningReport) -> Html | None:
    """Return what the listed grids risk together; None without any."""
    lines = portfolio_lines(report)
    if not lines:
        return None
    return tag(
        "section", tag("h2", "All grids together"), tag("ul", items(lines)),
        id="together",
    )  # fmt: skip


def settings(report: ScreeningReport) -> Html:
    """Return every effective setting, the changed ones marked."""
    effective = wording.effective_settings(report)
    changed = sum(setting.changed for setting in effective)
    return tag(
        "section",
        tag("h2", "Settings"),
        tag(
            "details",
            tag("summary", f"{len(effective)} settings, {changed} not the default"),
            _table(effective),
        ),
        id="settings",
    )


def _table(effective: Sequence[wording.EffectiveSetting]) -> Html:
    headings = ("Setting", "Value", "Default", "")
    head = (tag("th", name, scope="col") if name else tag("td") for name in headings)
    return tag(
        "div",
        tag(
            "table",
            tag("thead", tag("tr", *head)),
            tag("tbody", *(_row(setting) for setting in effective)),
            class_="listing",
        ),
        class_="scroll",
        tabindex=0,
    )


def _row(setting: wording.EffectiveSetting) -> Html:
    return tag(
        "tr",
        tag("th", setting.name, scope="row"),
        tag("td", setting.value),
        tag("td", setting.default),
        tag("td", tag("mark", "changed") if setting.changed else None),
        class_="changed" if setting.changed else None,
    )
