"""Bars made by hand."""

import numpy as np

from grid_screening.screening_report import PriceBars, PriceVolumes
from tests.grid_screening.reports.samples import AS_OF_MS

BAR_MS = 4 * 3_600_000


def bars(count: int = 120, *, level: float = 0.125, seed: int = 1) -> PriceBars:
    """A calm walk around ``level``."""
    rng = np.random.default_rng(seed)
    close = level * np.exp(np.cumsum(rng.normal(0, 0.01, count)))
    return PriceBars(
        open_time=AS_OF_MS - BAR_MS * np.arange(count, 0, -1),
        high=close * 1.01,
        low=close * 0.99,
        close=close,
    )


VOLUMES = PriceVolumes(
    low=0.1125, step=0.0025, share=np.array([0.05, 0.1, 0.15, 0.25, 0.2, 0.15, 0.1])
)
"""Seven steps from 0.1125 to 0.13; the value area of `samples.BOX` holds the middle of
three or four of them."""
