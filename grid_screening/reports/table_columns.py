"""Columns of the tables for people, and which of them fit a width."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

from grid_screening.reports.box_text import squeeze_words, value_area_words
from grid_screening.reports.stop_out_text import probability
from grid_screening.reports.wording import (
    MISSING,
    common_marks,
    exact,
    mark_letters,
    quote_asset,
    rounded,
)
from grid_screening.screening_report import (
    SHOWN_DAYS,
    RankedSymbol,
    ScreeningReport,
)

GAP = 1
"""Blank cells between two columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: what it prints, and how soon it gives way."""

    header: str
    meaning: str
    """For the line that explains; empty: plain from the header."""
    cell: Callable[[RankedSymbol], str]
    priority: int
    """0 is always shown; the larger, the sooner it is left out."""
    left: bool = False
    """Whether texts are aligned left."""
    unit: str = ""
    """For headers with room for it; empty: a bare number, or in the header."""


def _factor(
    name: str, decimals: int, *, scale: float = 1.0, sign: bool = False
) -> Callable[[RankedSymbol], str]:
    def cell(row: RankedSymbol) -> str:
        value = row.factors.get(name)
        return rounded(None if value is None else value * scale, decimals, sign=sign)

    return cell


def _grid(
    name: str, decimals: int | None = None, *, scale: float = 1.0, sign: bool = False
) -> Callable[[RankedSymbol], str]:
    def cell(row: RankedSymbol) -> str:
        value: Any = None if row.grid is None else row.grid.get(name)
        if value is None or decimals is None:
            return exact(value)
        return rounded(float(value) * scale, decimals, sign=sign)

    return cell


def _score(row: RankedSymbol) -> str:
    return "vetoed" if row.vetoed else rounded(row.gss, 3)


def _range(row: RankedSymbol) -> str:
    if row.grid is None:
        return "no grid"
    return f"{exact(row.grid['lower_bound'])}–{exact(row.grid['upper_bound'])}"


def _ladder(row: RankedSymbol) -> str:
    if row.grid is None:
        return MISSING
    ratio, count = row.grid.get("grid_ratio"), exact(row.grid["level_count"])
    if row.grid.get("spacing") == "geometric" and isinstance(ratio, Decimal):
        return f"{rounded((float(ratio) - 1) * 100, 2)}%×{count}"
    return f"{exact(row.grid['grid_step'])}×{count}"


def _column(
    header: str,
    meaning: str,
    priority: int,
    cell: Callable[[RankedSymbol], str],
    *,
    left: bool = False,
    unit: str = "",
) -> Column:
    return Column(
        header=header,
        meaning=meaning,
        cell=cell,
        priority=priority,
        left=left,
        unit=unit,
    )


def _confidence(row: RankedSymbol) -> str:
    return f"{row.confidence:.0%}" if isfinite(row.confidence) else MISSING


_MARKET_COLUMNS = (
    _column("#", "rank, equal numbers are ties", 0, lambda row: str(row.rank)),
    _column("Symbol", "", 0, lambda row: row.symbol, left=True),
    _column("GSS", "score, describes conditions", 0, _score, unit="0…1"),
    _column("Conf", "confidence", 17, _confidence),
    _column("NATR%", "NATR(14) in % of close", 4, _factor("natr", 1)),
    _column("KER", "efficiency ratio(10)", 7, _factor("efficiency_ratio", 2),
            unit="0…1"),
    _column("H", "Hurst exponent", 14, _factor("hurst_exponent", 2)),
    _column("z", "z-score(20)", 15, _factor("z_score", 1, sign=True), unit="σ"),
    _column("bp/bar", "slope in bp of the close per bar", 25,
            _factor("normalized_slope", 1, sign=True)),
    _column("R²", "fit of the slope", 26, _factor("r_squared", 2), unit="0…1"),
    _column("VRz", "variance ratio(8), robust z", 24,
            _factor("variance_ratio_z", 1, sign=True), unit="σ"),
    _column("HL", "half-life in bars", 27, _factor("half_life_bars", 0),
            unit="bars"),
    _column("F8h%", "funding per 8 h in %", 3,
            _factor("funding_rate_8h", 3, scale=100)),
    _column("Fh", "funding interval in hours", 28,
            _factor("funding_interval_h", 0), unit="hours"),
    _column("OI/V", "open interest ÷ 24 h turnover", 14,
            _factor("open_interest_ratio", 2), unit="days"),
    _column("CVDc", "CVD change ÷ volume, 5 bars", 29,
            _factor("cvd_change_ratio", 2, sign=True)),
    _column("30dH%", "distance to the 30-day high in %", 30,
            _factor("distance_to_30d_high", 1, scale=100)),
    _column("Tail%", "tail run-up over 18 bars in %", 23,
            _factor("tail_run_up", 1, scale=100)),
    _column("β", "beta to BTC", 31, _factor("beta_btc", 2)),
)  # fmt: skip


_RANKS = Column(
    header="Ranks",
    meaning="best–worst rank that the bars do not rule out",
    cell=lambda row: (
        MISSING
        if row.rank_interval is None
        else f"{row.rank_interval[0]}–{row.rank_interval[1]}"
    ),
    priority=9,
)


def _stop_out(row: RankedSymbol) -> str:
    if row.stop_out is None:
        return MISSING
    week = next(e for e in row.stop_out.estimates if e.horizon_days == SHOWN_DAYS)
    return probability(week.probability, week.low, week.high, unit="")


_STOP_OUT = Column(
    header="Out7d%",
    meaning="share of such grids stopped out within 7 days in % (95 % interval)",
    cell=_stop_out,
    priority=3,
)


def report_columns(report: ScreeningReport) -> tuple[Column, ...]:
    """Return all columns in the order of display.

    A mark that every row carries stands in the legend only; the columns of rank
    intervals, of stop-out probabilities and of the volume profile are there when some
    row has one.
    """
    rank, *others = _MARKET_COLUMNS
    with_intervals = any(row.rank_interval is not None for row in report.ranked)
    with_boxes = any(row.box is not None for row in report.ranked)
    hidden = common_marks(report)
    quote = quote_asset(report)
    return (
        rank,
        *((_RANKS,) if with_intervals else ()),
        *others,
        *(_box_columns(quote) if with_boxes else ()),
        *_grid_columns(quote),
        *((_STOP_OUT,) if any(row.stop_out for row in report.ranked) else ()),
        _column("Mk", "", 5, lambda row: mark_letters(row, hidden), left=True),
    )


def _box_columns(quote: str) -> tuple[Column, ...]:
    return (
        _column("VA low–high", "value area: 70 % of the bars' turnover", 21,
                lambda row: value_area_words(row.box), unit=quote),
        _column("POC", "point of control: price with the most turnover", 22,
                lambda row: exact(row.box and row.box.point_of_control), unit=quote),
        _column("Sq", "squeeze and its bars, active from 3", 20,
                lambda row: squeeze_words(row.box), left=True, unit="bars"),
    )  # fmt: skip


def _grid_columns(quote: str) -> tuple[Column, ...]:
    return (
        _column("Price", "last price", 16, _grid("price"), unit=quote),
        _column("Range", "lower–upper bound", 1, _range, unit=quote),
        _column("Step×N", "spacing × levels (dialog: N − 1 grids)", 2, _ladder,
                unit=f"{quote} × count"),
        _column("Lev", "leverage", 6, _grid("leverage"), unit="×"),
        _column("Stop", "stop price", 10, _grid("stop_price"), unit=quote),
        _column("Liq", "liquidation price, fully loaded", 11,
                _grid("liquidation_price"), unit=quote),
        _column("x", "range ÷ daily volatility", 13, _grid("range_to_volatility", 1)),
        _column("Qty", "quantity per level in the base asset", 18,
                _grid("quantity_per_level"), unit="base asset"),
        _column("Cell%", "net profit per round trip in %", 19,
                _grid("cell_profit_rate", 2, scale=100)),
        _column("Loss", f"worst loss at the stop in {quote} at that margin", 12,
                _grid("loss_at_stop", 0), unit=quote),
        _column("F/d", f"funding per day in {quote}, fully loaded, + received", 32,
                _grid("funding_per_day_loaded", 2, sign=True), unit=f"{quote} a day"),
        _column("MinM", f"minimum margin in {quote}", 33, _grid("minimum_margin", 0),
                unit=quote),
        _column("Net", f"net exposure at the start in {quote} at the price", 34,
                _grid("net_exposure", 0), unit=quote),
        _column("Net%", "the same in % of the fully loaded notional", 35,
                _grid("net_exposure_share", 0, scale=100), unit="%"),
        _column("LevT", "leverage with liquidation beyond the tail run-up too", 36,
                _grid("leverage_beyond_tail"), unit="×"),
    )  # fmt: skip


def fitting_columns(
    columns: Sequence[Column],
    rows: Sequence[RankedSymbol],
    width: int,
    cell_width: Callable[[str], int],
) -> tuple[Column, ...]:
    """Return the columns that fit ``width`` with no cell cut, in display order.

    Columns are admitted by priority until one does not fit; among the essential
    ones (priority below 8) a later one may still take the place that is left.
    Columns of priority 0 are always there.
    """
    chosen: set[str] = set()
    taken = 0
    for column in sorted(columns, key=lambda c: c.priority):
        needed = _width(column, rows, cell_width) + (GAP if chosen else 0)
        if column.priority == 0 or taken + needed <= width:
            chosen.add(column.header)
            taken += needed
        elif column.priority > _LAST_ESSENTIAL:
            break
    return tuple(column for column in columns if column.header in chosen)


_LAST_ESSENTIAL = 7


def full_width(
    columns: Iterable[Column],
    rows: Sequence[RankedSymbol],
    cell_width: Callable[[str], int],
) -> int:
    """Return the cells that all ``columns`` side by side need."""
    widths = [_width(column, rows, cell_width) for column in columns]
    return sum(widths) + GAP * (len(widths) - 1)


def column_legend(columns: Iterable[Column]) -> list[str]:
    """Return the meaning of each column that needs one, and of a dash."""
    meanings = [f"{c.header} {c.meaning}" for c in columns if c.meaning]
    return [*meanings, f"{MISSING} missing"]


def _width(
    column: Column, rows: Sequence[RankedSymbol], cell_width: Callable[[str], int]
) -> int:
    return max(cell_width(text) for text in (column.header, *map(column.cell, rows)))
