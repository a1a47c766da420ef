"""A screening report for a terminal."""

from collections.abc import Sequence
from io import StringIO
from math import ceil

from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from grid_screening.reports import wording
from grid_screening.reports.portfolio_text import portfolio_lines
from grid_screening.reports.table_columns import (
    GAP,
    Column,
    column_legend,
    fitting_columns,
    full_width,
    report_columns,
)
from grid_screening.screening_report import RankedSymbol, ScreeningReport

_MIN_WIDTH = 20
_ROOM = 10_000
# wider than any row: columns are chosen before, rich must not shrink them
_WARNING = Style(color="red", bold=True)
_DIM = Style(dim=True)


def report_table(
    report: ScreeningReport, *, width: int = 80, color: bool = False
) -> str:
    """Return the report as a table with everything below it that explains it.

    Parameters
    ----------
    report : ScreeningReport
        What to print.
    width : int
        Terminal cells. Decides which columns are shown: no cell is cut, none is
        wrapped; wide characters count two cells. Below about 60 the columns that
        are always shown may exceed it.
    color : bool
        Whether ANSI styles are used.

    Returns
    -------
    str
        Lines without trailing blanks, the last one ended.
    """
    page = _Page(width=max(width, _MIN_WIDTH), color=color)
    banner = wording.banner(report)
    page.paragraphs(banner, _WARNING)
    page.paragraphs([wording.title(report)], Style(bold=True))
    if report.ranked:
        page.blank()
        _print_rows(page, report)
    emptiness = wording.emptiness(report)
    if emptiness:
        page.blank()
        page.paragraphs(emptiness, Style(bold=True))
    page.blank()
    page.steps("funnel: ", wording.funnel_steps(report), " → ")
    page.paragraphs([" · ".join(wording.facts(report))])
    changed = wording.changed_settings(report)
    if changed:
        page.steps("settings: ", changed, " ")
    page.paragraphs(portfolio_lines(report))
    page.paragraphs([f"note: {remark}" for remark in wording.remarks(report)])
    page.paragraphs([wording.DISCLAIMER])
    page.paragraphs(banner, _WARNING)
    return page.text()


def _print_rows(page: "_Page", report: ScreeningReport) -> None:
    columns = report_columns(report)
    shown = fitting_columns(columns, report.ranked, page.width, cell_len)
    page.table(shown, report.ranked)
    page.blank()
    page.steps("marks: ", wording.legend(report) or ["none"], " · ")
    page.steps("columns: ", column_legend(shown), " · ")
    hidden = [column.header for column in columns if column not in shown]
    if hidden:
        needed = ceil(full_width(columns, report.ranked, cell_len) / 10) * 10
        ways = f"widen the terminal or set COLUMNS={needed}; --format csv has all"
        page.paragraphs([f"hidden at this width: {', '.join(hidden)}; {ways}"])


class _Page:
    """Lines of text, styled or plain, wrapped at words to the width."""

    def __init__(self, *, width: int, color: bool) -> None:
        self.width = width
        self._out = StringIO()
        self._console = Console(
            file=self._out,
            width=_ROOM,
            force_terminal=color,
            force_jupyter=False,
            force_interactive=False,
            color_system="standard" if color else None,
            no_color=not color,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
        )

    def text(self) -> str:
        lines = self._out.getvalue().split("\n")
        return "\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n"

    def blank(self) -> None:
        self._console.print()

    def paragraphs(self, texts: Sequence[str], style: Style | None = None) -> None:
        for text in texts:
            for line in _wrapped("", text.split(), " ", self.width):
                self._console.print(Text(line, style=style or ""))

    def steps(self, label: str, steps: Sequence[str], separator: str) -> None:
        """Print steps one after another; a step is never split over two lines."""
        for line in _wrapped(label, steps, separator, self.width):
            self._console.print(Text(line, style=_DIM))

    def table(self, columns: Sequence[Column], rows: Sequence[RankedSymbol]) -> None:
        table = Table(
            box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold"
        )
        for column in columns:
            table.add_column(
                Text(column.header),
                justify="left" if column.left else "right",
                no_wrap=True,
                overflow="crop",
            )
        for row in rows:
            style = Style(color="red") if row.vetoed else None
            table.add_row(*(Text(column.cell(row)) for column in columns), style=style)
        self._console.print(table)


def _wrapped(
    label: str, pieces: Sequence[str], separator: str, width: int
) -> list[str]:
    # an arrow or dot stays at the end of the line it belongs to
    lines: list[str] = []
    line = label
    for number, piece in enumerate(pieces):
        tail = separator.rstrip() and number + 1 < len(pieces)
        addition = piece + (separator if tail else "")
        gap = "" if line == label or line.endswith(" ") else " "
        fits = cell_len(f"{line}{gap}{addition}".rstrip()) <= width
        if line != label and not fits:
            lines.append(line.rstrip())
            line, gap = " " * (2 if label else 0), ""
        line += gap + addition
    return [*lines, line.rstrip()]
