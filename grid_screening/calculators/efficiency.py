"""How straight a path is: Kaufman's efficiency ratio."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from monitor.domain.typing import FloatArray

EFFICIENCY_WINDOW = 10
"""Bars; Kaufman's own choice."""


def efficiency_ratio(
    close: FloatArray, *, window: int = EFFICIENCY_WINDOW
) -> FloatArray:
    """Kaufman efficiency ratio: net move divided by path length, at every bar.

    Parameters
    ----------
    close : ndarray of shape (..., n_bars)
        Close prices, quote currency.
    window : int
        Steps, at least 1: the net move is ``|close_t − close_{t−window}|``.

    Returns
    -------
    ndarray of shape (..., n_bars)
        Dimensionless, in [0, 1]: 1 is a straight line, 0 ends where it began; a
        random walk reads about 1/√window (0.32 at 10). The first ``window`` bars
        are NaN, so is a window that holds a NaN, and a window without any move:
        "no path" is not "inefficient path".

    Raises
    ------
    ValueError
        ``window`` is below 1.

    References
    ----------
    .. [1] Kaufman, P. J. (1995) Smarter Trading. McGraw-Hill.
    """
    if window < 1:
        raise ValueError(f"window must be at least 1, was {window}")
    out = np.full(close.shape, np.nan)
    if close.shape[-1] <= window:
        return out
    net = np.abs(close[..., window:] - close[..., :-window])
    steps = np.abs(np.diff(close, axis=-1))
    path = sliding_window_view(steps, window, axis=-1).sum(axis=-1)
    np.divide(net, path, out=out[..., window:], where=path > 0)
    # Rounding of a straight line's steps may leave 1 + 2e-16.
    np.minimum(out, 1.0, out=out)
    return out
