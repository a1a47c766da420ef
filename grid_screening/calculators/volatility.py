"""How far a price swings: average true range, absolute and in percent."""

import numpy as np

from monitor.domain.typing import FloatArray
from vp_squeeze.indicators.rolling import (
    latest_wilder_average,
    true_range,
    wilder_average,
)

ATR_WINDOW = 14
"""Bars; Wilder's own choice."""
ATR_BARS = 99
"""Closed bars behind an exact ATR: the most that weigh 1, and the seed's share of
the result is below 0.2 %."""


def average_true_range(
    high: FloatArray, low: FloatArray, close: FloatArray, *, window: int = ATR_WINDOW
) -> FloatArray:
    """Average true range by Wilder's smoothing, at every bar.

    Parameters
    ----------
    high, low, close : ndarray of shape (..., n_bars)
        Prices, quote currency.
    window : int
        Bars, at least 1.

    Returns
    -------
    ndarray of shape (..., n_bars)
        Quote currency, ≥ 0. The first ``window`` bars are NaN; after a NaN bar
        everything is NaN.

    References
    ----------
    .. [1] Wilder, J. W. (1978) New Concepts in Technical Trading Systems.
    """
    return wilder_average(true_range(high, low, close), window=window)


def natr(
    high: FloatArray, low: FloatArray, close: FloatArray, *, window: int = ATR_WINDOW
) -> FloatArray:
    """Average true range in percent of the close, at every bar.

    Parameters
    ----------
    high, low, close : ndarray of shape (..., n_bars)
        Prices, quote currency.
    window : int
        Bars, at least 1.

    Returns
    -------
    ndarray of shape (..., n_bars)
        Percent of the close, ≥ 0; equal to TA-Lib's ``NATR`` at every bar. The
        first ``window`` bars are NaN; after a NaN bar everything is NaN.
    """
    return 100 * average_true_range(high, low, close, window=window) / close


def latest_average_true_range(
    high: FloatArray, low: FloatArray, close: FloatArray, *, window: int = ATR_WINDOW
) -> FloatArray:
    """Average true range at the newest bar.

    Parameters
    ----------
    high, low, close : ndarray of shape (..., n_bars)
        Prices, quote currency.
    window : int
        Bars, at least 1.

    Returns
    -------
    ndarray of shape (...)
        `average_true_range` at the last bar within 1e-12 relative. NaN with fewer
        than ``window + 1`` bars or a NaN in any of them.
    """
    return latest_wilder_average(true_range(high, low, close), window=window)


def latest_natr(
    high: FloatArray, low: FloatArray, close: FloatArray, *, window: int = ATR_WINDOW
) -> FloatArray:
    """Average true range in percent of the close, at the newest bar.

    Parameters
    ----------
    high, low, close : ndarray of shape (..., n_bars)
        Prices, quote currency.
    window : int
        Bars, at least 1.

    Returns
    -------
    ndarray of shape (...)
        `natr` at the last bar within 1e-12 relative. NaN with fewer than
        ``window + 1`` bars or a NaN in any of them.
    """
    if close.shape[-1] <= window:
        return np.full(close.shape[:-1], np.nan)
    average = latest_average_true_range(high, low, close, window=window)
    return 100 * average / close[..., -1]
