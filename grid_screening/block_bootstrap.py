"""Intervals of means whose values are alike within a block of time."""

import numpy as np

from monitor.domain.typing import FloatArray, IntArray

DRAWS = 2_000
LEVEL = 0.95
LEAST_BLOCKS = 8
"""Fewer blocks than this say too little: see `block_bootstrap_interval`."""


def block_bootstrap_means(
    series: FloatArray, block_keys: IntArray, draws: int, seed: int
) -> FloatArray:
    """Means of ``series`` with whole blocks drawn again, with replacement.

    Parameters
    ----------
    series : ndarray of shape (n,)
        Values; NaN is left out.
    block_keys : ndarray of shape (n,)
        Which block each value belongs to: `week_blocks` of the origins, as long as
        the outcomes. Contracts of one block share one key, so that what moved
        together stays together.
    draws : int
        At least 1.
    seed : int
        The same seed and data give the same draws.

    Returns
    -------
    ndarray of shape (draws,)
        Σ of the drawn blocks' values ÷ their number: a long block weighs more. All
        NaN with fewer than `LEAST_BLOCKS` blocks that hold a value.

    Raises
    ------
    ValueError
        Shapes differ or ``draws`` is below 1.

    References
    ----------
    .. [1] Field, C. A. and Welsh, A. H. (2007) JRSS B 69, 369–390 (cluster bootstrap).
    """
    if series.shape != block_keys.shape:
        raise ValueError(
            f"series and block_keys must have one shape, "
            f"were {series.shape} and {block_keys.shape}"
        )
    if draws < 1:
        raise ValueError(f"draws must be at least 1, was {draws}")
    known = ~np.isnan(series)
    _, block = np.unique(block_keys[known], return_inverse=True)
    counts = np.bincount(block).astype(np.float64)
    if counts.size < LEAST_BLOCKS:
        return np.full(draws, np.nan)
    sums = np.bincount(block, weights=series[known])
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, counts.size, (draws, counts.size))
    means: FloatArray = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return means


def block_bootstrap_interval(
    series: FloatArray,
    block_keys: IntArray,
    draws: int = DRAWS,
    seed: int = 1,
    level: float = LEVEL,
) -> tuple[float, float]:
    """Interval of the mean by `block_bootstrap_means` (percentiles).

    Parameters
    ----------
    series, block_keys, draws, seed
        As there.
    level : float
        Share of draws inside, in (0, 1).

    Returns
    -------
    tuple of float
        Low and high end; both NaN with fewer than `LEAST_BLOCKS` blocks. Of 2,000
        samples of independent normal blocks, 95 % intervals held the mean in 0.49
        with 2 blocks, 0.84 with 5, 0.89 with 8, 0.91 with 10 and 0.93 with 25.

    Raises
    ------
    ValueError
        As there, or ``level`` is not in (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, was {level}")
    means = block_bootstrap_means(series, block_keys, draws, seed)
    if bool(np.isnan(means).any()):
        return (float("nan"), float("nan"))
    tail = (1 - level) / 2
    low, high = np.quantile(means, (tail, 1 - tail))
    return (float(low), float(high))
