"""Columns of the terminal table, and which of them fit a width."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from grid_screening.reports.wording import MISSING, exact, mark_letters, rounded
from grid_screening.screening_report import RankedSymbol

GAP = 1
"""Blank cells between two columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: what it prints, and how soon it gives way."""

    header: str
    meaning: str
    """For the line that explains or names hidden columns."""
    cell: Callable[[RankedSymbol], str]
    priority: int
    """0 is always shown; the larger, the sooner it is left out."""
    left: bool = False
    """Whether texts are aligned left."""


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
    return f"{exact(row.grid['grid_step'])}×{exact(row.grid['level_count'])}"


def table_columns(common_marks: frozenset[str]) -> tuple[Column, ...]:
    """Return all columns in the order of display.

    Parameters
    ----------
    common_marks : frozenset of str
        Marks that stand in the legend only, since every row carries them.
    """

    def column(
        header: str,
        meaning: str,
        priority: int,
        cell: Callable[[RankedSymbol], str],
        *,
        left: bool = False,
    ) -> Column:
        return Column(
            header=header, meaning=meaning, cell=cell, priority=priority, left=left
        )

    return (
        column("#", "rank", 0, lambda row: str(row.rank)),
        column("Symbol", "symbol", 0, lambda row: row.symbol, left=True),
        column("GSS", "score", 0, _score),
        column("Conf", "confidence", 17, _percent_of("confidence")),
        column("NATR%", "NATR(14) in % of close", 4, _factor("natr", 1)),
        column("KER", "efficiency ratio(10)", 7, _factor("efficiency_ratio", 2)),
        column("H", "Hurst exponent", 8, _factor("hurst_exponent", 2)),
        column("z", "z-score(20)", 15, _factor("z_score", 1, sign=True)),
        column("bp/bar", "slope", 22, _factor("normalized_slope", 1, sign=True)),
        column("R²", "of the slope", 23, _factor("r_squared", 2)),
        column("VRz", "variance ratio(8), robust z", 21,
               _factor("variance_ratio_z", 1, sign=True)),
        column("HL", "half-life in bars", 24, _factor("half_life_bars", 0)),
        column("F8h%", "funding per 8 h in %", 3,
               _factor("funding_rate_8h", 3, scale=100)),
        column("Fh", "funding interval in hours", 25,
               _factor("funding_interval_h", 0)),
        column("OI/V", "open interest ÷ 24 h turnover", 14,
               _factor("open_interest_ratio", 2)),
        column("CVDc", "CVD change ÷ volume, 5 bars", 26,
               _factor("cvd_change_ratio", 2, sign=True)),
        column("30dH%", "distance to the 30-day high in %", 27,
               _factor("distance_to_30d_high", 1, scale=100)),
        column("Tail%", "tail run-up over 18 bars in %", 20,
               _factor("tail_run_up", 1, scale=100)),
        column("β", "beta to BTC", 28, _factor("beta_btc", 2)),
        column("Price", "last price", 16, _grid("price")),
        column("Range", "lower–upper bound", 1, _range),
        column("Step×N", "spacing × levels", 2, _ladder),
        column("Lev", "leverage", 6, _grid("leverage")),
        column("Stop", "stop price", 10, _grid("stop_price")),
        column("Liq", "liquidation price, fully loaded", 11,
               _grid("liquidation_price")),
        column("x", "range ÷ daily volatility", 13, _grid("range_to_volatility", 1)),
        column("Qty", "quantity per level", 18, _grid("quantity_per_level")),
        column("Cell%", "net profit per round trip in %", 19,
               _grid("cell_profit_rate", 2, scale=100)),
        column("Loss", "worst loss at the stop, quote currency", 12,
               _grid("loss_at_stop", 0)),
        column("F/d", "funding per day, fully loaded", 29,
               _grid("funding_per_day_loaded", 2, sign=True)),
        column("MinM", "minimum margin", 30, _grid("minimum_margin", 0)),
        column("Mk", "marks", 5, lambda row: mark_letters(row, common_marks),
               left=True),
    )  # fmt: skip


def _percent_of(name: str) -> Callable[[RankedSymbol], str]:
    return lambda row: f"{getattr(row, name):.0%}"


def fitting_columns(
    columns: Sequence[Column],
    rows: Sequence[RankedSymbol],
    width: int,
    cell_width: Callable[[str], int],
) -> tuple[Column, ...]:
    """Return the columns that fit ``width`` with no cell cut, in display order.

    Columns are admitted by priority until one does not fit; among the essential
    ones (priority below 9) a later one may still take the place that is left.
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


_LAST_ESSENTIAL = 8


def hidden_columns(
    columns: Iterable[Column], shown: Sequence[Column]
) -> tuple[Column, ...]:
    """Return the essential columns that are not shown."""
    headers = {column.header for column in shown}
    return tuple(
        c for c in columns if c.priority <= _LAST_ESSENTIAL and c.header not in headers
    )


def _width(
    column: Column, rows: Sequence[RankedSymbol], cell_width: Callable[[str], int]
) -> int:
    return max(cell_width(text) for text in (column.header, *map(column.cell, rows)))
