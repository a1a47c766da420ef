"""How outcomes are spread, in few enough numbers to keep."""

from dataclasses import dataclass

import numpy as np

from monitor.domain.typing import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How values are spread; from `outcome_histogram`."""

    edges: tuple[float, ...]
    """Ascending, one more than ``counts``."""
    counts: tuple[int, ...]
    """Values in [edge, next edge); the last with its upper edge."""
    below: int
    above: int


def outcome_histogram(
    values: FloatArray, *, low: float, high: float, bins: int
) -> Histogram:
    """Return how many ``values`` lie in equal steps from ``low`` to ``high``.

    Parameters
    ----------
    values : ndarray of any shape
        NaN is left out.
    low, high : float
        Ends of the steps, ``low < high``; what lies outside is counted apart.
    bins : int
        Steps, at least 1.

    Returns
    -------
    Histogram
        Sum of counts, below and above: the number of known values.

    Raises
    ------
    ValueError
        ``bins`` is below 1 or ``low`` is not below ``high``.
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1, was {bins}")
    if not low < high:
        raise ValueError(f"low must be below high, were {low} and {high}")
    known = values[~np.isnan(values)]
    counts, edges = np.histogram(known, bins=bins, range=(low, high))
    return Histogram(
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
        below=int((known < low).sum()),
        above=int((known > high).sum()),
    )
