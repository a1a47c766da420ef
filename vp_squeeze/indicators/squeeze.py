"""Squeeze: volatility so low that the Bollinger bands lie inside the Keltner bands."""

from dataclasses import dataclass

import numpy as np

from monitor.domain.typing import BoolArray, FloatArray
from vp_squeeze.indicators.bands import (
    Bands,
    bollinger_bands,
    keltner_bands,
)
from vp_squeeze.indicators.rolling import rolling_max, rolling_mean

ACTIVE_BARS = 3
"""Consecutive bars from which on a squeeze counts as active."""
MOMENTUM_WINDOW = 20
"""Bars of the range, of the mean and of the line."""
BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Squeeze:
    """State of the squeeze at every bar; shapes (..., n_bars)."""

    bollinger: Bands
    keltner: Bands
    bars: FloatArray
    """Consecutive bars in the squeeze up to this one, a whole number; 0: none. NaN
    where a band is."""
    momentum: FloatArray
    """As `squeeze_momentum`: basis points of the close per bar."""

    @property
    def is_on(self) -> BoolArray:
        """The bar is in a squeeze; False where unknown."""
        return np.asarray(self.bars > 0)

    @property
    def is_active(self) -> BoolArray:
        """The third bar of a squeeze, or a later one; False where unknown."""
        return np.asarray(self.bars >= ACTIVE_BARS)


def squeeze(high: FloatArray, low: FloatArray, close: FloatArray) -> Squeeze:
    """Bands, squeeze and momentum at every bar.

    Parameters
    ----------
    high, low, close : ndarray of shape (..., n_bars)
        Prices, quote currency.

    Returns
    -------
    Squeeze
        Strictly inside: bands of width 0 (a price that does not move) are no
        squeeze. The first 19 bars are NaN, the momentum's first 38; a NaN bar makes
        every later state NaN.

    References
    ----------
    .. [1] Carter, J. F. (2005) Mastering the Trade, ch. 11.
    """
    bollinger = bollinger_bands(close)
    keltner = keltner_bands(high, low, close)
    inside = (bollinger.lower > keltner.lower) & (bollinger.upper < keltner.upper)
    is_known = ~np.isnan(bollinger.middle + keltner.upper)
    return Squeeze(
        bollinger=bollinger,
        keltner=keltner,
        bars=np.where(is_known, _run_lengths(inside), np.nan),
        momentum=squeeze_momentum(high, low, close),
    )


def squeeze_momentum(
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    *,
    window: int = MOMENTUM_WINDOW,
) -> FloatArray:
    """Slope of the close's distance from the middle of its recent range.

    Parameters
    ----------
    high, low, close : ndarray of shape (..., n_bars)
        Prices, quote currency.
    window : int
        Bars of the range, of the mean and of the line, at least 2.

    Returns
    -------
    ndarray of shape (..., n_bars)
        Least-squares slope over ``window`` bars of ``close − mean(m, s)``, where m is
        the middle between the highest high and the lowest low of ``window`` bars and
        s the mean of their closes; in basis points of the bar's close per bar. The
        first ``2·window − 2`` bars are NaN, so is a bar with a NaN among those it
        looks at. On a straight line the distance is constant: 0.

    Raises
    ------
    ValueError
        ``window`` is below 2.
    """
    if window <= 1:
        raise ValueError(f"window must be at least 2, was {window}")
    middle = (rolling_max(high, window=window) - rolling_max(-low, window=window)) / 2
    center = (middle + rolling_mean(close, window=window)) / 2
    slope = _rolling_slope(close - center, window)
    return BASIS_POINTS * slope / close


def _rolling_slope(values: FloatArray, window: int) -> FloatArray:
    # Least squares on the bar index; the lags are added one after the other, so that
    # a row's digits do not depend on the panel's shape.
    out = np.full(values.shape, np.nan)
    count = values.shape[-1] - window + 1
    if count < 1:
        return out
    index = np.arange(window) - (window - 1) / 2
    squares = window * (window**2 - 1) / 12
    total = np.zeros((*values.shape[:-1], count))
    for lag in range(window):
        total += index[lag] / squares * values[..., lag : lag + count]
    out[..., window - 1 :] = total
    return out


def _run_lengths(inside: BoolArray) -> FloatArray:
    places = np.arange(inside.shape[-1])
    last_outside = np.maximum.accumulate(np.where(inside, -1, places), axis=-1)
    return np.asarray((places - last_outside).astype(np.float64))
