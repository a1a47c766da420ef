"""Whether grids can be simulated on given paths."""

import numpy as np

from grid_screening.backtest.grids import GridBatch, Start
from grid_screening.backtest.paths import PricePaths
from monitor.domain.typing import BoolArray, FloatArray


def check_grids(paths: PricePaths, grids: GridBatch) -> None:
    """Refuse grids that mean nothing.

    Raises
    ------
    ValueError
        Naming the first such grid, what was wrong and what is legal.
    """
    count = grids.row.size
    for name in GridBatch.__dataclass_fields__:
        shape = getattr(grids, name).shape
        if shape != (count,):
            raise ValueError(f"{name} must have shape ({count},), was {shape}")
    rows, bars = paths.close.shape
    geometric = grids.grid_ratio > 1
    last = grids.level_count - 1
    upper = np.where(
        geometric,
        grids.lower_bound * np.where(geometric, grids.grid_ratio, 1.0) ** last,
        grids.lower_bound + last * grids.grid_step,
    )
    for name, holds, legal in (
        ("row", (grids.row >= 0) & (grids.row < rows), f"in [0, {rows})"),
        ("begin", (grids.begin >= 0) & (grids.begin < bars), f"in [0, {bars})"),
        ("end", grids.end > grids.begin, "above begin"),
        ("level_count", last > 0, "at least 2"),
        ("quantity", _positive(grids.quantity), "finite and > 0"),
        ("lower_bound", _positive(grids.lower_bound), "finite and > 0"),
        ("grid_ratio", np.isfinite(grids.grid_ratio), "finite; 1: arithmetic"),
        ("grid_step", geometric | _positive(grids.grid_step), "finite and > 0"),
        ("price", grids.price > grids.lower_bound, "above the lower bound"),
        ("price", grids.price < grids.stop_price, "below the stop price"),
        ("stop_price", grids.stop_price > upper, "above the upper bound"),
        ("margin", grids.margin > 0, "> 0; infinite: never liquidated"),
        ("start", np.isin(grids.start, list(Start)), "0 (loaded) or 1 (flat)"),
    ):
        wrong = np.flatnonzero(~holds)
        if wrong.size > 0:
            value = getattr(grids, name)[wrong[0]]
            raise ValueError(
                f"{name} of grid {wrong[0]} must be {legal}, was {value:g}"
            )


def _positive(values: FloatArray) -> BoolArray:
    return np.isfinite(values) & (values > 0)
