"""A screening report as GitHub-flavoured Markdown."""

from collections.abc import Sequence

from grid_screening.reports import wording
from grid_screening.reports.portfolio_text import portfolio_lines
from grid_screening.reports.table_columns import Column, column_legend, report_columns
from grid_screening.screening_report import ScreeningReport

_SPECIAL = "\\`*_[]<>|"


def report_markdown(
    report: ScreeningReport, addenda: Sequence[tuple[str, str]] = ()
) -> str:
    """Return the report as Markdown: one table with all columns, then the rest.

    ``addenda`` are (title, text), each a section of its own, lines as they are.

    Marks are letters explained below the table; texts are escaped, so no symbol or
    reason can break the table.
    """
    banner = [f"> **{_escaped(line)}**" for line in wording.banner(report)]
    lines = [f"# {_escaped(wording.title(report))}", "", *banner]
    if banner:
        lines.append("")
    lines += [*(_escaped(line) for line in wording.emptiness(report))]
    if report.ranked:
        columns = report_columns(report)
        lines += [*_table(report, columns), ""]
        lines += [f"Columns: {_escaped(' · '.join(column_legend(columns)))}", ""]
        lines += _bullets("Marks", wording.legend(report))
    lines += _bullets("Together", portfolio_lines(report))
    funnel = " → ".join(wording.funnel_steps(report))
    lines += ["", f"Funnel: {_escaped(funnel)}", ""]
    lines += _bullets("Scan", wording.facts(report))
    lines += _bullets("Settings", wording.changed_settings(report))
    lines += _bullets("Notes", wording.remarks(report))
    for heading, text in addenda:
        lines += ["", f"## {_escaped(heading)}", ""]
        lines += [f"    {line}".rstrip() for line in text.splitlines()]
    lines += ["", f"*{wording.DISCLAIMER}*"]
    if banner:
        lines += ["", *banner]
    return "\n".join(lines) + "\n"


def _table(report: ScreeningReport, columns: Sequence[Column]) -> list[str]:
    lines = [
        _row([_escaped(column.header) for column in columns]),
        _row([":--" if column.left else "--:" for column in columns]),
    ]
    lines += [
        _row([_escaped(column.cell(row)) for column in columns])
        for row in report.ranked
    ]
    return lines


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _bullets(heading: str, texts: list[str]) -> list[str]:
    if not texts:
        return []
    return ["", f"**{heading}**", "", *(f"- {_escaped(text)}" for text in texts)]


def _escaped(text: str) -> str:
    for character in _SPECIAL:
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", " ")
