"""All factors of a snapshot, whole panels at once.

Rows are worked on in blocks whose temporaries stay in the processor's cache, and
what factors share (logarithm, differences, CVD) is computed once per block. The
values do not depend on the block size, on the number of workers, or on which other
symbols are in the snapshot.
"""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from grid_screening.calculators.hurst import ROW_BLOCK
from grid_screening.factor_groups import GROUPS, Rows
from grid_screening.factor_specs import (
    FACTOR_NAMES,
    FACTORS,
    Direction,
    FactorSpec,
    bars_needed,
)
from grid_screening.snapshot import MarketSnapshot
from monitor.domain.typing import FloatArray, Symbol

__all__ = [
    "FACTORS",
    "FACTOR_NAMES",
    "PARALLEL_BARS",
    "Direction",
    "FactorSpec",
    "FactorTable",
    "bars_needed",
    "factor_table",
]

PARALLEL_BARS = 1_000_000
"""Bars in the panel (symbols × bars) above which threads are used: below, handing
out the blocks costs what two cores gain."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FactorTable:
    """One value per symbol and factor; NaN: missing. Never infinite."""

    symbols: tuple[Symbol, ...]
    values: Mapping[str, FloatArray]
    """By factor name, each of shape ``(n_symbols,)``, read-only."""

    def __getitem__(self, name: str) -> FloatArray:
        """Return the values of one factor, in the order of ``symbols``."""
        return self.values[name]

    def row(self, symbol: Symbol) -> dict[str, float | None]:
        """Return the factors of one symbol, None where missing.

        Raises
        ------
        ValueError
            The symbol is not in the table.
        """
        at = self.symbols.index(symbol)
        values = {name: float(column[at]) for name, column in self.values.items()}
        return {
            name: None if np.isnan(value) else value for name, value in values.items()
        }


def factor_table(
    snapshot: MarketSnapshot,
    *,
    workers: int = 1,
    names: Collection[str] | None = None,
    row_block: int = ROW_BLOCK,
) -> FactorTable:
    """Every factor of every symbol.

    Parameters
    ----------
    snapshot : MarketSnapshot
        Closed bars and quotes.
    workers : int
        Threads, at least 1; used above `PARALLEL_BARS` only.
    names : collection of str, optional
        Compute only these factors (and what they share); None: all.
    row_block : int
        Symbols worked on at a time, at least 1. Changes the time, not the values.

    Returns
    -------
    FactorTable
        In the order of ``snapshot.symbols``. A factor whose window does not fit
        the bars is NaN for all. An infinite quote counts as missing.

    Raises
    ------
    ValueError
        ``workers`` or ``row_block`` is below 1, or a name is unknown.
    """
    _check_counts(workers=workers, row_block=row_block)
    wanted = _wanted(names)
    groups = [group for group in GROUPS if not set(wanted).isdisjoint(group.names)]
    market = _benchmark_return(snapshot)
    blocks = [
        Rows(snapshot, slice(start, start + row_block), market)
        for start in range(0, snapshot.symbol_count, row_block)
    ]
    columns = {name: np.full(snapshot.symbol_count, np.nan) for name in wanted}

    def fill(rows: Rows) -> None:
        for group in groups:
            for name, values in zip(group.names, group.values(rows), strict=True):
                if name in columns:
                    columns[name][rows.chosen] = values

    if workers > 1 and snapshot.close.size > PARALLEL_BARS:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(fill, blocks))
    else:
        for rows in blocks:
            fill(rows)
    for column in columns.values():
        column[np.isinf(column)] = np.nan
        column.flags.writeable = False
    return FactorTable(symbols=snapshot.symbols, values=columns)


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} must be at least 1, was {count}")


def _wanted(names: Collection[str] | None) -> tuple[str, ...]:
    if names is None:
        return FACTOR_NAMES
    unknown = sorted(set(names) - set(FACTOR_NAMES))
    if unknown:
        raise ValueError(f"names must be factors, has {unknown}")
    return tuple(name for name in FACTOR_NAMES if name in names)


def _benchmark_return(snapshot: MarketSnapshot) -> FloatArray:
    if snapshot.benchmark_close is None:
        return np.full(max(snapshot.bar_count - 1, 0), np.nan)
    return np.diff(np.log(snapshot.benchmark_close))
