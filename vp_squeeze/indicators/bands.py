"""Bands around a moving average: Bollinger's from deviations, Keltner's from ranges."""

from dataclasses import dataclass

import numpy as np

from monitor.domain.typing import FloatArray
from vp_squeeze.indicators.rolling import (
    rolling_mean,
    rolling_std,
    true_range,
    wilder_average,
)

BOLLINGER_WINDOW = 20
"""Bars; Bollinger's own choice."""
BOLLINGER_DEVIATIONS = 2.0
"""Population standard deviations on either side; Bollinger's own choice."""
KELTNER_WINDOW = 20
"""Bars of the exponential average."""
KELTNER_ATR_WINDOW = 10
"""Bars of the average true range."""
KELTNER_RANGES = 1.5
"""Average true ranges on either side."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bands:
    """A middle line with a band on either side; shapes (..., n_bars)."""

    lower: FloatArray
    """Quote currency."""
    middle: FloatArray
    """Quote currency."""
    upper: FloatArray
    """Quote currency."""

    @property
    def width_percent(self) -> FloatArray:
        """Distance of the bands in percent of the middle line, ≥ 0."""
        return 100 * (self.upper - self.lower) / self.middle


def bollinger_bands(
    close: FloatArray,
    *,
    window: int = BOLLINGER_WINDOW,
    deviations: float = BOLLINGER_DEVIATIONS,
) -> Bands:
    """Mean of the closes ± population standard deviations, at every bar.

    Parameters
    ----------
    close : ndarray of shape (..., n_bars)
        Close prices, quote currency.
    window : int
        Bars, at least 1.
    deviations : float
        Standard deviations (ddof 0) on either side, ≥ 0.

    Returns
    -------
    Bands
        The first ``window − 1`` bars are NaN, so is a window that holds a NaN. A
        constant window has bands of width 0. Equal to TA-Lib's ``BBANDS``.

    Raises
    ------
    ValueError
        ``window`` is below 1.

    References
    ----------
    .. [1] Bollinger, J. (2001) Bollinger on Bollinger Bands.
    """
    middle = rolling_mean(close, window=window)
    reach = deviations * rolling_std(close, window=window, ddof=0)
    return Bands(lower=middle - reach, middle=middle, upper=middle + reach)


def keltner_bands(
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    *,
    window: int = KELTNER_WINDOW,
    atr_window: int = KELTNER_ATR_WINDOW,
    ranges: float = KELTNER_RANGES,
) -> Bands:
    """Exponential average of the closes ± average true ranges, at every bar.

    Parameters
    ----------
    high, low, close : ndarray of shape (..., n_bars)
        Prices, quote currency.
    window : int
        Bars of the exponential average, at least 1.
    atr_window : int
        Bars of Wilder's average true range, at least 1.
    ranges : float
        Average true ranges on either side, ≥ 0.

    Returns
    -------
    Bands
        NaN before bar ``max(window − 1, atr_window)``, counted from 0, and from the
        first NaN on. Flat bars have bands of width 0.

    Raises
    ------
    ValueError
        A window is below 1.

    References
    ----------
    .. [1] Raschke, L. B. and Connors, L. A. (1995) Street Smarts.
    """
    middle = exponential_average(close, window=window)
    average = wilder_average(true_range(high, low, close), window=atr_window)
    reach = ranges * average
    return Bands(lower=middle - reach, middle=middle, upper=middle + reach)


def exponential_average(values: FloatArray, *, window: int) -> FloatArray:
    """Exponential average with α = 2/(window + 1), seeded with a mean.

    Parameters
    ----------
    values : ndarray of shape (..., n_bars)
        Any unit.
    window : int
        At least 1.

    Returns
    -------
    ndarray of shape (..., n_bars)
        At bar ``window − 1`` the mean of the first ``window`` values, then
        ``previous + α·(value − previous)``; NaN before. A constant gives exactly
        its constant. NaN stays: every later bar is NaN. Equal to TA-Lib's ``EMA``.

    Raises
    ------
    ValueError
        ``window`` is below 1.
    """
    seed = rolling_mean(values[..., :window], window=window)
    out = np.full(values.shape, np.nan)
    if values.shape[-1] < window:
        return out
    weight = 2 / (window + 1)
    average = seed[..., -1]
    out[..., window - 1] = average
    for bar in range(window, values.shape[-1]):
        average = average + weight * (values[..., bar] - average)
        out[..., bar] = average
    return out
