"""An analysis for a terminal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from vp_squeeze.analysis_report import AnalysisReport, Venue
from vp_squeeze.box_analysis import ContractAnalysis, SpotReading
from vp_squeeze.indicators.volume_profile import MAX_BUCKETS
from vp_squeeze.reports.details import add_details
from vp_squeeze.reports.page import GAP, Page
from vp_squeeze.reports.wording import (
    DISCLAIMER,
    MISSING,
    SIMULATED,
    SIMULATED_SOURCES,
    box_text,
    percent,
    price_text,
    rounded,
    squeeze_words,
    utc,
)

DETAILED = 3
"""Up to so many contracts are told in detail."""
_MIN_WIDTH = 20


def analysis_table(
    report: AnalysisReport, *, width: int = 80, color: bool = False
) -> str:
    """Return the report as a table, with details for a few contracts.

    Parameters
    ----------
    report : AnalysisReport
    width : int
        Terminal cells. Decides which columns are shown: no cell is cut or wrapped.
        Below 80 the details may exceed it.
    color : bool
        Whether ANSI styles are used.

    Returns
    -------
    str
        Lines without trailing blanks, the last one ended.
    """
    page = Page(width=max(width, _MIN_WIDTH), color=color)
    is_simulated = report.source in SIMULATED_SOURCES
    if is_simulated:
        page.paragraph("", SIMULATED.split(), style="bold red")
    page.paragraph("", _title(report), " · ", style="bold")
    if report.contracts:
        page.blank()
        _add_rows(page, report.contracts)
    if len(report.contracts) <= DETAILED:
        for row in report.contracts:
            page.blank()
            add_details(page, row)
    page.blank()
    _add_remarks(page, report)
    if is_simulated:
        page.paragraph("", SIMULATED.split(), style="bold red")
    return page.text()


def _title(report: AnalysisReport) -> list[str]:
    return [
        "Volume profile and squeeze",
        f"{_bars(report)} × {report.interval.value} bars",
        *([report.venue.value] if report.venue is Venue.SPOT else []),
        report.source,
        utc(report.as_of_ms),
    ]


def _bars(report: AnalysisReport) -> str:
    # those there are: a young contract has fewer than were asked for
    counts = [row.reading.klines.bar_count for row in report.contracts]
    least, most = min(counts, default=report.limit), max(counts, default=report.limit)
    return f"{least:,}" if least == most else f"{least:,}–{most:,}"


def _add_remarks(page: Page, report: AnalysisReport) -> None:
    for gone in report.left_out:
        page.paragraph(f"left out: {gone.symbol}: ", gone.reason.split())
    widened = [r.symbol for r in report.contracts if r.reading.profile.is_widened]
    if widened:
        limit = f"wider than 0.1 % of the price (at most {MAX_BUCKETS:,}):"
        page.paragraph("buckets ", [*limit.split(), *widened])
    short = [
        f"{r.symbol} {r.reading.klines.bar_count}"
        for r in report.contracts
        if r.reading.klines.bar_count < report.limit
    ]
    if short:
        page.paragraph("younger than the bars asked for: ", short, ", ")
    if report.missing_on_spot:
        page.paragraph("not on the spot market: ", report.missing_on_spot, ", ")
    facts = [f"prices are closes up to {_newest(report)}"]
    sent = {"": report.requests, "spot ": report.spot_requests}
    facts += [
        f"{name}{spent.count} requests, weight {spent.weight}"
        for name, spent in sent.items()
        if spent is not None and (spent.count or report.spot_requests is None)
    ]
    page.paragraph("", facts, " · ", style="dim")
    page.paragraph("", DISCLAIMER.split())


def _newest(report: AnalysisReport) -> str:
    closed = [row.newest.closed_at_ms + 1 for row in report.contracts]
    return utc(max(closed)) if closed else MISSING


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    header: str
    meaning: str  # empty: plain from the header
    cell: Callable[[ContractAnalysis], str]
    priority: int  # 0 is always shown; the larger, the sooner it is left out
    left: bool = False


def _column(
    header: str,
    meaning: str,
    priority: int,
    cell: Callable[[ContractAnalysis], str],
    *,
    left: bool = False,
) -> _Column:
    return _Column(
        header=header, meaning=meaning, cell=cell, priority=priority, left=left
    )


def _to(name: str) -> Callable[[ContractAnalysis], str]:
    def cell(row: ContractAnalysis) -> str:
        level = float(getattr(row.reading.profile, name))
        return rounded(100 * row.distance(level), 1, sign=True)

    return cell


def _box(row: ContractAnalysis) -> str:
    return box_text(row.reading, row.tick_size)


def _spot_poc(row: ContractAnalysis) -> str:
    if not isinstance(row.spot, SpotReading):
        return MISSING
    return price_text(row.spot.poc, row.spot.tick_size)


def _spot_box(row: ContractAnalysis) -> str:
    if not isinstance(row.spot, SpotReading):
        return MISSING
    return box_text(row.spot.reading, row.spot.tick_size)


def _zone(row: ContractAnalysis) -> str:
    if not row.zones:
        return MISSING
    zone = row.zones[0]
    low, high = (price_text(p, row.tick_size) for p in (zone.low, zone.high))
    return f"{low}–{high} ({zone.strength:.2f})"


_COLUMNS = (
    _column("Symbol", "", 0, lambda row: row.symbol, left=True),
    _column("Price", "newest close", 0,
            lambda row: price_text(row.price, row.tick_size)),
    _column("POC", "point of control", 1,
            lambda row: price_text(float(row.reading.profile.poc), row.tick_size)),
    _column("Box", "value area, 70 % of the turnover", 1, _box),
    _column("Box%", "its width in % of the POC", 4,
            lambda row: rounded(float(row.reading.profile.box.width_percent), 1)),
    _column("→POC%", "from the price to the POC", 7, _to("poc")),
    _column("→Low%", "to the value area's low", 5, _to("value_area_low")),
    _column("→High%", "to its high", 5, _to("value_area_high")),
    _column("Squeeze", "state and bars in it, active from 3", 2,
            lambda row: squeeze_words(row.reading), left=True),
    _column("Mom", "momentum in bp of the close per bar", 6,
            lambda row: rounded(float(row.reading.squeeze.momentum[-1]), 1, sign=True)),
    _column("Conc", "turnover in the middle half of the range", 8,
            lambda row: percent(float(row.reading.profile.concentration))),
    _column("BB%", "width of the Bollinger bands", 9,
            lambda row: rounded(
                float(row.reading.squeeze.bollinger.width_percent[-1]), 1)),
    _column("Conf", "confidence that it is a box, 0…1", 3,
            lambda row: rounded(float(row.reading.confidence.total), 2)),
    _column("Zone", "strongest resonance of the timeframes (strength)", 10, _zone),
)  # fmt: skip

_SPOT_COLUMNS = (
    _column("Spot POC", "point of control of the spot market", 1, _spot_poc),
    _column("Spot box", "its value area", 1, _spot_box),
)


def _add_rows(page: Page, rows: Sequence[ContractAnalysis]) -> None:
    is_compared = any(row.spot is not None for row in rows)
    columns = (*_COLUMNS, *_SPOT_COLUMNS) if is_compared else _COLUMNS
    shown = _fitting(columns, rows, page.width)
    cells = [[column.header for column in shown]]
    cells += [[column.cell(row) for column in shown] for row in rows]
    left = [place for place, column in enumerate(shown) if column.left]
    page.columns(cells, left=left, header=True)
    page.blank()
    legend = [f"{c.header} {c.meaning}" for c in shown if c.meaning]
    page.paragraph("columns: ", [*legend, f"{MISSING} missing"], " · ", style="dim")
    hidden = [column.header for column in columns if column not in shown]
    if hidden:
        names = f"{', '.join(hidden)}; widen the terminal or set COLUMNS;"
        words = [*names.split(), "--format", "csv", "has", "all"]
        page.paragraph("hidden at this width: ", words, style="dim")


def _fitting(
    columns: Sequence[_Column], rows: Sequence[ContractAnalysis], width: int
) -> tuple[_Column, ...]:
    chosen: list[_Column] = []
    taken = -GAP
    for column in sorted(columns, key=lambda column: column.priority):
        texts = (column.header, *(column.cell(row) for row in rows))
        needed = max(map(cell_len, texts)) + GAP
        if column.priority == 0 or taken + needed <= width:
            chosen.append(column)
            taken += needed
    return tuple(column for column in columns if column in chosen)
