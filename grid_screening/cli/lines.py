"""Lines for a terminal: wrapped at words and aligned in cells."""

from collections.abc import Sequence

from rich.cells import cell_len

_LEAST = 20


def wrapped(text: str, width: int, *, first: str = "", then: str = "") -> list[str]:
    """Return ``text`` in lines of at most ``width`` cells.

    Parameters
    ----------
    text : str
        Words; blanks between them count as one.
    width : int
        Cells of a line; wide characters take two. A word that is wider stands
        alone, uncut.
    first, then : str
        What the first line, and every further one, begins with.
    """
    lines = []
    line, empty = first, True
    for word in text.split():
        gap = "" if empty else " "
        if not empty and cell_len(line + gap + word) > width:
            lines.append(line)
            line, gap = then, ""
        line, empty = line + gap + word, False
    return [*lines, line]


def aligned(
    rows: Sequence[tuple[str, ...]], width: int, *, indent: int = 2
) -> list[str]:
    """Return rows whose columns begin at the same cell.

    The last column is wrapped where it begins; all others are left as they are.
    """
    columns = list(zip(*rows, strict=True))[:-1]
    widths = [max(cell_len(cell) for cell in column) for column in columns]
    margin = " " * indent
    hanging = " " * (indent + sum(widths) + 2 * len(widths))
    lines = []
    for row in rows:
        cells = zip(row, widths, strict=False)
        head = "".join(c + " " * (w - cell_len(c) + 2) for c, w in cells)
        room = max(width, len(hanging) + _LEAST)
        lines += wrapped(row[-1], room, first=margin + head, then=hanging)
    return [line.rstrip() for line in lines]
