"""Lines for a terminal: wrapped at words, columns aligned, styled or plain."""

from collections.abc import Sequence
from io import StringIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

GAP = 2
"""Blank cells between two columns."""
_ROOM = 10_000
# wider than any line: lines are fitted before, rich must not wrap them


class Page:
    """Text that grows line by line.

    Parameters
    ----------
    width : int
        Cells of a line; wide characters take two.
    color : bool
        Whether ANSI styles are used.
    """

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
        """Return the lines, without trailing blanks, the last one ended."""
        lines = self._out.getvalue().split("\n")
        return "\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n"

    def blank(self) -> None:
        """Add an empty line."""
        self._console.print()

    def line(self, text: str, style: str = "") -> None:
        """Add one line as it is."""
        self._console.print(Text(text, style=style))

    def paragraph(
        self,
        label: str,
        pieces: Sequence[str],
        separator: str = " ",
        *,
        style: str = "",
    ) -> None:
        """Add pieces one after the other; a piece is never split over two lines."""
        for line in wrapped(label, pieces, separator, self.width):
            self.line(line, style)

    def columns(
        self,
        rows: Sequence[Sequence[str]],
        *,
        left: Sequence[int] = (0,),
        header: bool = False,
        indent: int = 0,
    ) -> None:
        """Add rows of cells, right-aligned but for the columns ``left``."""
        widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
        for number, row in enumerate(rows):
            cells = [
                cell + " " * (width - cell_len(cell))
                if place in left
                else " " * (width - cell_len(cell)) + cell
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            is_header = header and number == 0
            line = " " * indent + (" " * GAP).join(cells).rstrip()
            self.line(line, "bold" if is_header else "")


def wrapped(label: str, pieces: Sequence[str], separator: str, width: int) -> list[str]:
    """Return lines of at most ``width`` cells; a piece that is wider stands alone.

    Parameters
    ----------
    label : str
        What the first line begins with; further ones are indented by two cells.
    pieces : sequence of str
        What is kept whole.
    separator : str
        Between two pieces; what it holds besides blanks stays at the line's end.
    width : int
    """
    lines: list[str] = []
    line = label
    for number, piece in enumerate(pieces):
        is_last = number + 1 == len(pieces)
        tail = "" if is_last or not separator.strip() else separator.rstrip()
        gap = "" if line == label or not line.strip() else " "
        if gap and cell_len(line + gap + piece + tail) > width:
            lines.append(line)
            line, gap = "  ", ""
        line += gap + piece + tail
    return [*lines, line.rstrip()]
