"""What a score owes to the size of outcomes alone."""

import numpy as np

from monitor.domain.typing import FloatArray

_LEAST_CONTRACTS = 2


def shuffled_scale_control(
    outcome_r: FloatArray, scale: FloatArray, *, seed: int
) -> FloatArray:
    """Each contract's own risk times another contract's outcome in units of risk.

    Where outcomes are skewed, rank correlation rises with anything that goes with
    their size. This control keeps each contract's size and takes its outcome away:
    correlation that stays is due to size alone.

    Parameters
    ----------
    outcome_r : ndarray of shape (n_origins, n)
        PnL ÷ loss at the upper bound; NaN: not known.
    scale : ndarray of shape (n_origins, n)
        Loss at the upper bound per notional, positive; NaN: not known.
    seed : int
        Of the draw.

    Returns
    -------
    ndarray of shape (n_origins, n)
        Within an origin the known contracts stand in one random ring and each takes
        the outcome of the next: nobody keeps their own. NaN where either is not
        known, and at an origin with fewer than two contracts.
    """
    rng = np.random.default_rng(seed)
    known = ~(np.isnan(outcome_r) | np.isnan(scale))
    control = np.full(outcome_r.shape, np.nan)
    for origin in range(outcome_r.shape[0]):
        ring = rng.permutation(np.flatnonzero(known[origin]))
        if ring.size < _LEAST_CONTRACTS:
            continue
        others = outcome_r[origin, np.roll(ring, 1)]
        control[origin, ring] = others * scale[origin, ring]
    return control
