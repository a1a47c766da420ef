"""Digits beside other people's definitions, on one random market."""

import numpy as np
import talib

from grid_screening.calculators.trend import linear_fit
from grid_screening.calculators.volatility import natr
from tests.benchmarks.rows import BenchRow
from tests.snapshots import random_panel, snapshot_of

NATR_BOUND = 1e-9
SLOPE_BOUND = 1e-9


def rows() -> list[BenchRow]:
    """Return the largest differences over 500 × 300 bars."""
    market = snapshot_of(random_panel(500, 300))
    ours = natr(market.high, market.low, market.close)
    bars = zip(market.high, market.low, market.close, strict=True)
    theirs = np.array([talib.NATR(high, low, close, 14) for high, low, close in bars])
    known = np.isfinite(theirs)
    natr_error = np.max(np.abs(ours[known] / theirs[known] - 1))
    slope = linear_fit(market.close).normalized_slope
    last = market.close[:, -1]
    reference = np.array([talib.LINEARREG_SLOPE(c, 300)[-1] for c in market.close])
    slope_error = np.max(np.abs(slope - reference / last * 1e4))
    return [
        BenchRow(
            name="NATR, largest relative difference, every bar",
            ours=f"{natr_error:.1e}",
            bound=f"≤ {NATR_BOUND:g}",
            reached=bool(natr_error <= NATR_BOUND),
            peer="TA-Lib NATR",
        ),
        BenchRow(
            name="slope, largest difference, bp per bar",
            ours=f"{slope_error:.1e}",
            bound=f"≤ {SLOPE_BOUND:g}",
            reached=bool(slope_error <= SLOPE_BOUND),
            peer="TA-Lib LINEARREG_SLOPE",
        ),
    ]
