"""A backtest for a terminal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from grid_screening.backtest.backtest import Backtest, quote_of
from grid_screening.backtest.backtest_run import FundingRecord, GridRun
from grid_screening.reports import wording
from grid_screening.reports.backtest import words

LEAST_WIDTH = 40
_READABLE_WIDTH = 100
# of sentences, however wide the terminal
_GAP = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    header: str
    cell: Callable[[GridRun], str]
    priority: int
    """0: always shown; the larger, the sooner it gives way."""
    meaning: str = ""
    """Of the header; none: it speaks for itself."""
    is_text: bool = False


def backtest_table(backtest: Backtest, *, width: int = 80) -> str:
    """Return the backtest as text.

    Parameters
    ----------
    backtest : Backtest
        What to print.
    width : int
        Terminal cells. Columns that do not fit are left out and named; wide
        characters count two cells.

    Returns
    -------
    str
        Lines without trailing blanks, the last one ended.
    """
    width = max(width, LEAST_WIDTH)
    prose = min(width, _READABLE_WIDTH)
    lines = _wrapped(words.title(backtest), prose)
    if len(backtest.runs) == 1:
        lines += ["", *_one(backtest.runs[0], width)]
    elif backtest.runs:
        lines += ["", *_many(backtest.runs, width)]
    if backtest.summary is not None:
        summary = backtest.summary
        lines += ["", *_wrapped(words.summary_title(summary), prose)]
        lines += _pairs(words.summary_lines(summary), prose)
        lines += _wrapped(words.summary_caution(summary), prose)
    lines += ["", *_joined(words.facts(backtest), prose)]
    for remark in words.remarks(backtest):
        lines += _wrapped(f"note: {remark}", prose)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _one(run: GridRun, width: int) -> list[str]:
    quote = quote_of([run])
    rows: list[tuple[str, ...]] = [(run.symbol, quote, "% margin", "% notional", "")]
    rows += [
        (
            part.label,
            words.signed(part.amount),
            *(words.percent(share) for share in _shares(part.amount, run)),
            part.remark,
        )
        for part in words.parts(run)
    ]
    lines = _grid(rows, texts=(0, 4), width=width)
    return [*lines, "", *_pairs(words.facts_of(run), width)]


def _shares(
    amount: float | None, run: GridRun
) -> tuple[float | None, float | None]:  # fmt: skip
    if amount is None:
        return None, None
    return amount / run.design.margin, amount / run.design.notional


def _many(runs: Sequence[GridRun], width: int) -> list[str]:
    shown = list(_COLUMNS)
    while True:
        rows = [tuple(column.header for column in shown)]
        rows += [tuple(column.cell(run) for column in shown) for run in runs]
        needed = sum(_widths(rows)) + _GAP * (len(shown) - 1)
        last = max(shown, key=lambda column: column.priority)
        if needed <= width or last.priority == 0:
            break
        shown.remove(last)
    texts = tuple(n for n, column in enumerate(shown) if column.is_text)
    lines = _grid(rows, texts=texts, width=None)
    prose = min(width, _READABLE_WIDTH)
    meanings = (f"{c.header}: {c.meaning}" for c in shown if c.meaning)
    legend = " · ".join(["Percent of the margin unless it says otherwise", *meanings])
    lines += ["", *_wrapped(legend, prose)]
    hidden = [column.header for column in _COLUMNS if column not in shown]
    if hidden:
        named = f"hidden at this width: {', '.join(hidden)}; --format json has all"
        lines += _wrapped(named, prose)
    return lines


def _percent_of_margin(name: str) -> Callable[[GridRun], str]:
    return lambda run: words.percent(getattr(run, name) / run.design.margin)


def _funding(run: GridRun) -> str:
    if run.funding_record is FundingRecord.NONE:
        return wording.MISSING
    partly = "~" if run.funding_record is FundingRecord.PART else ""
    return partly + words.percent(run.funding / run.design.margin)


_COLUMNS = (
    _Column(header="Symbol", cell=lambda r: r.symbol, priority=0, is_text=True),
    _Column(
        header="Begin",
        cell=lambda r: words.minute(r.begin_ms)[2:10],
        priority=0,
        is_text=True,
    ),
    _Column(
        header="PnL%",
        cell=_percent_of_margin("pnl"),
        priority=0,
        meaning="fills in candle order",
    ),
    _Column(
        header="LowFirst",
        cell=_percent_of_margin("pnl_low_first"),
        priority=0,
        meaning="PnL with the low first in all bars",
    ),
    _Column(
        header="HighFirst",
        cell=_percent_of_margin("pnl_high_first"),
        priority=0,
        meaning="PnL with the high first in all bars",
    ),
    _Column(
        header="Static",
        cell=_percent_of_margin("static_short"),
        priority=0,
        meaning="the initial short alone",
    ),
    _Column(
        header="Trips",
        cell=lambda r: str(r.round_trips),
        priority=0,
        meaning="round trips, a number",
    ),
    _Column(
        header="In%",
        cell=lambda r: wording.rounded(r.inside_share * 100, 0),
        priority=2,
        meaning="percent of its bars that closed between the bounds",
    ),
    _Column(
        header="Worst",
        cell=_percent_of_margin("worst_equity"),
        priority=1,
        meaning="lowest equity",
    ),
    _Column(
        header="DD",
        cell=lambda r: words.percent(-r.max_drawdown / r.design.margin),
        priority=5,
        meaning="largest fall from a peak",
    ),
    _Column(
        header="Harvest",
        cell=_percent_of_margin("harvest"),
        priority=6,
        meaning="half a cell for each fill",
    ),
    _Column(
        header="Displ",
        cell=_percent_of_margin("displacement"),
        priority=7,
        meaning="displacement, what the inventory the grid added earned",
    ),
    _Column(
        header="Initial",
        cell=_percent_of_margin("initial_short"),
        priority=8,
        meaning="initial short, inside the bounds",
    ),
    _Column(
        header="Stop",
        cell=_percent_of_margin("stop_loss"),
        priority=9,
        meaning="loss beyond the upper bound",
    ),
    _Column(
        header="Fund",
        cell=_funding,
        priority=11,
        meaning="funding received, – not recorded, ~ in part",
    ),
    _Column(
        header="Fees",
        cell=lambda r: words.percent(-r.fees / r.design.margin),
        priority=10,
        meaning="fees paid",
    ),
    _Column(
        header="Days",
        cell=lambda r: f"{(r.ended_ms - r.begin_ms) / 86_400_000:.1f}",
        priority=3,
        meaning="how long it ran",
    ),
    _Column(
        header="End",
        cell=lambda r: words.ENDS[r.end_reason],
        priority=0,
        meaning="horizon, stopped, profit (lower bound reached), liquid. (liquidated) "
        "or no data (no further bars)",
        is_text=True,
    ),
)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    columns = zip(*rows, strict=True)
    return [max(cell_len(cell) for cell in column) for column in columns]


def _grid(
    rows: Sequence[Sequence[str]], *, texts: Sequence[int], width: int | None
) -> list[str]:
    # with a width, a last column that does not fit is left out
    gap = 2 if width is not None else _GAP
    widths = _widths(rows)
    if width is not None and sum(widths) + gap * (len(widths) - 1) > width:
        rows = [row[:-1] for row in rows]
        widths = widths[:-1]
    lines = []
    for row in rows:
        cells = [
            cell + " " * (room - cell_len(cell))
            if number in texts
            else " " * (room - cell_len(cell)) + cell
            for number, (cell, room) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append((" " * gap).join(cells))
    return lines


def _pairs(pairs: Sequence[tuple[str, str]], width: int) -> list[str]:
    room = max(cell_len(label) for label, _ in pairs)
    lines = []
    for label, text in pairs:
        head = label + " " * (room - cell_len(label) + 2)
        lines += _wrapped(text, width, first=head, then=" " * (room + 2))
    return lines


def _joined(texts: Sequence[str], width: int) -> list[str]:
    return _wrapped(" · ".join(texts), width)


def _wrapped(text: str, width: int, *, first: str = "", then: str = "") -> list[str]:
    lines, line, is_empty = [], first, True
    for word in text.split():
        gap = "" if is_empty else " "
        if not is_empty and cell_len(line + gap + word) > width:
            lines.append(line)
            line, gap = then, ""
        line, is_empty = line + gap + word, False
    return [*lines, line]
