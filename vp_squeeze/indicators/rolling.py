"""True range, Wilder smoothing and rolling moments: the only ones in the project.

Arrays are float64 with time as the last axis, ``(..., n_bars)``, oldest bar first:
one symbol or a whole panel through the same code. The digits of a row do not
depend on the rows beside it.
"""

from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from monitor.domain.typing import FloatArray


def true_range(high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
    """Largest distance between a bar's high, its low and the close before it.

    Parameters
    ----------
    high, low, close : ndarray of shape (..., n_bars)
        Prices, quote currency; ``low <= high``.

    Returns
    -------
    ndarray of shape (..., n_bars)
        ``max(high − low, |high − previous|, |low − previous|)``, quote currency,
        ≥ 0. The first bar is NaN: it has no previous close. NaN
        in a bar, or in the close before it, is NaN.

    References
    ----------
    .. [1] Wilder, J. W. (1978) New Concepts in Technical Trading Systems.
    """
    out = np.full(close.shape, np.nan)
    previous = close[..., :-1]
    # The largest of the three distances spans from the lower to the higher end
    # of {high, low, previous close}: the same subtraction, so the same digits.
    np.maximum(high[..., 1:], previous, out=out[..., 1:])
    out[..., 1:] -= np.minimum(low[..., 1:], previous)
    return out


def wilder_average(values: FloatArray, *, window: int) -> FloatArray:
    """Wilder's smoothing: exponential with α = 1/window, seeded with a mean.

    Parameters
    ----------
    values : ndarray of shape (..., n_bars)
        A series without a value at its first bar, as `true_range` gives it; what
        stands there is not read.
    window : int
        At least 1.

    Returns
    -------
    ndarray of shape (..., n_bars)
        At bar ``window`` the mean of bars 1…window, then
        ``(previous·(window − 1) + value)/window``. The first ``window`` bars are
        NaN. NaN stays: every later bar is NaN.

    Raises
    ------
    ValueError
        ``window`` is below 1.

    Notes
    -----
    The seed still weighs (1 − 1/window)^k after k bars: 1 % at k ≈ 62 for 14.

    References
    ----------
    .. [1] Wilder, J. W. (1978) New Concepts in Technical Trading Systems.
    """
    _check_window(window)
    out = np.full(values.shape, np.nan)
    bar_count = values.shape[-1]
    if bar_count <= window:
        return out
    average = values[..., 1 : window + 1].sum(axis=-1) / window
    out[..., window] = average
    for bar in range(window + 1, bar_count):
        average = (average * (window - 1) + values[..., bar]) / window
        out[..., bar] = average
    return out


def latest_wilder_average(values: FloatArray, *, window: int) -> FloatArray:
    """Last value of `wilder_average` as one dot product.

    Parameters
    ----------
    values : ndarray of shape (..., n_bars)
        As for `wilder_average`.
    window : int
        At least 1.

    Returns
    -------
    ndarray of shape (...)
        Equal to ``wilder_average(values, window=window)[..., -1]`` within 1e-12
        relative for values ≥ 0. NaN with fewer than ``window + 1`` bars or with
        NaN in any bar but the first.

    Raises
    ------
    ValueError
        ``window`` is below 1.
    """
    _check_window(window)
    count = values.shape[-1] - 1
    if count < window:
        return np.full(values.shape[:-1], np.nan)
    return np.asarray(np.vecdot(values[..., 1:], _wilder_weights(count, window)))


@cache
def _wilder_weights(count: int, window: int) -> FloatArray:
    # Weight of values 1…count in the average at bar `count`: the seed's share,
    # decayed since bar `window`, then α·(1 − α)^age.
    age = np.minimum(np.arange(count)[::-1], count - window)
    weights: FloatArray = (1 - 1 / window) ** age / window
    weights.flags.writeable = False
    return weights


def rolling_mean(values: FloatArray, *, window: int) -> FloatArray:
    """Mean of the last ``window`` bars, at every bar.

    Parameters
    ----------
    values : ndarray of shape (..., n_bars)
        Any unit.
    window : int
        At least 1.

    Returns
    -------
    ndarray of shape (..., n_bars)
        The first ``window − 1`` bars are NaN, so is a window that holds a NaN.
        A constant window gives exactly its constant.

    Raises
    ------
    ValueError
        ``window`` is below 1.
    """
    _check_window(window)
    out = np.full(values.shape, np.nan)
    if values.shape[-1] < window:
        return out
    last = values[..., window - 1 :]
    out[..., window - 1 :] = last + _distances(values, window).mean(axis=-1)
    return out


def rolling_std(values: FloatArray, *, window: int, ddof: int = 1) -> FloatArray:
    """Root-mean-square distance from the mean of the last ``window`` bars.

    Parameters
    ----------
    values : ndarray of shape (..., n_bars)
        Any unit.
    window : int
        More than ``ddof``.
    ddof : int
        1: sample deviation; 0: population deviation.

    Returns
    -------
    ndarray of shape (..., n_bars)
        Unit of ``values``, ≥ 0. The first ``window − 1`` bars are NaN, so is a
        window that holds a NaN. A constant window gives exactly 0.

    Raises
    ------
    ValueError
        ``window`` is not above ``ddof``.
    """
    if window <= ddof:
        raise ValueError(f"window must be above ddof ({ddof}), was {window}")
    out = np.full(values.shape, np.nan)
    if values.shape[-1] < window:
        return out
    distances = _distances(values, window)
    deviations = distances - distances.mean(axis=-1, keepdims=True)
    squares = np.square(deviations, out=deviations).sum(axis=-1)
    out[..., window - 1 :] = np.sqrt(squares / (window - ddof))
    return out


def rolling_max(values: FloatArray, *, window: int) -> FloatArray:
    """Largest of the last ``window`` bars, at every bar.

    Parameters
    ----------
    values : ndarray of shape (..., n_bars)
        Any unit.
    window : int
        At least 1.

    Returns
    -------
    ndarray of shape (..., n_bars)
        The first ``window − 1`` bars are NaN, so is a window that holds a NaN.

    Raises
    ------
    ValueError
        ``window`` is below 1.
    """
    _check_window(window)
    out = np.full(values.shape, np.nan)
    if values.shape[-1] < window:
        return out
    # Windows double, then two overlapping ones cover the rest: log2(window)
    # passes, and exact, since a maximum may count a bar twice.
    largest, covered = values, 1
    while covered < window:
        step = min(covered, window - covered)
        largest = np.maximum(largest[..., :-step], largest[..., step:])
        covered += step
    out[..., window - 1 :] = largest
    return out


def _distances(values: FloatArray, window: int) -> FloatArray:
    # (..., n_bars) → (..., n_bars − window + 1, window): measured from each
    # window's last value, so that a constant window is exactly 0.
    windows = sliding_window_view(values, window, axis=-1)
    distances: FloatArray = windows - windows[..., -1:]
    return distances


def _check_window(window: int) -> None:
    if window < 1:
        raise ValueError(f"window must be at least 1, was {window}")
