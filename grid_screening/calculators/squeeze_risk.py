"""What hurts a short: room to the last high, run-ups, rising volume, market beta."""

import numpy as np

from grid_screening.calculators.hurst import RETURN_RESOLUTION
from monitor.domain.typing import FloatArray
from vp_squeeze.indicators.rolling import rolling_max

RUN_UP_HORIZON = 18
"""Bars: three days of 4 h."""

RUN_UP_QUANTILE = 0.9


def distance_to_high(high: FloatArray, close: FloatArray, *, window: int) -> FloatArray:
    """Newest close over the highest high of the last bars, minus 1.

    Parameters
    ----------
    high, close : ndarray of shape (..., n_bars)
        Prices, quote currency, > 0.
    window : int
        Bars, at least 1, the newest among them.

    Returns
    -------
    ndarray of shape (...)
        Fraction in (−1, 0]; 0: closed at the high. NaN with fewer than ``window``
        bars or a NaN among them.
    """
    if close.shape[-1] < window:
        return np.full(close.shape[:-1], np.nan)
    highest = rolling_max(high[..., -window:], window=window)[..., -1]
    return close[..., -1] / highest - 1


def tail_run_up(
    high: FloatArray,
    close: FloatArray,
    *,
    horizon: int = RUN_UP_HORIZON,
    quantile: float = RUN_UP_QUANTILE,
) -> FloatArray:
    """How far the price ran up within the horizon, at the bad end of the window.

    Parameters
    ----------
    high, close : ndarray of shape (..., n_bars)
        Prices, quote currency, > 0.
    horizon : int
        Bars looked ahead from each close, at least 1.
    quantile : float
        In [0, 1], linear between order statistics.

    Returns
    -------
    ndarray of shape (...)
        Fraction: the quantile over all bars t that have a whole horizon after
        them of ``max(high_{t+1…t+horizon}) / close_t − 1``. NaN with fewer than
        ``horizon + 1`` bars or a NaN among them.
    """
    if close.shape[-1] <= horizon:
        return np.full(close.shape[:-1], np.nan)
    highest = rolling_max(high[..., 1:], window=horizon)[..., horizon - 1 :]
    return _quantile(highest / close[..., :-horizon] - 1, close, quantile)


def tail_draw_down(
    low: FloatArray,
    close: FloatArray,
    *,
    horizon: int = RUN_UP_HORIZON,
    quantile: float = RUN_UP_QUANTILE,
) -> FloatArray:
    """How far the price fell within the horizon, at the bad end of the window.

    Parameters
    ----------
    low, close : ndarray of shape (..., n_bars)
        Prices, quote currency, > 0.
    horizon : int
        Bars looked ahead from each close, at least 1.
    quantile : float
        In [0, 1], linear between order statistics.

    Returns
    -------
    ndarray of shape (...)
        Fraction, < 1: the quantile over all bars t that have a whole horizon after
        them of ``1 − min(low_{t+1…t+horizon}) / close_t``. NaN with fewer than
        ``horizon + 1`` bars or a NaN among them.
    """
    if close.shape[-1] <= horizon:
        return np.full(close.shape[:-1], np.nan)
    lowest = -rolling_max(-low[..., 1:], window=horizon)[..., horizon - 1 :]
    return _quantile(1 - lowest / close[..., :-horizon], close, quantile)


def _quantile(values: FloatArray, close: FloatArray, quantile: float) -> FloatArray:
    position = quantile * (values.shape[-1] - 1)
    lower = int(position)
    upper = min(lower + 1, values.shape[-1] - 1)
    # NaN sorts last: the last place tells whether a row holds one.
    values.partition((lower, upper, values.shape[-1] - 1), axis=-1)
    at_lower, at_upper = values[..., lower], values[..., upper]
    value = at_lower + (position - lower) * (at_upper - at_lower)
    missing = np.isnan(values[..., -1]) | np.isnan(close).any(axis=-1)
    out: FloatArray = np.where(missing, np.nan, value)
    return out


def latest_return(log_close: FloatArray, *, steps: int) -> FloatArray:
    """Log return over the last bars.

    Parameters
    ----------
    log_close : ndarray of shape (..., n_bars)
        Natural logarithm of close prices.
    steps : int
        Bars from close to close, at least 1.

    Returns
    -------
    ndarray of shape (...)
        ``ln(close_t / close_{t−steps})``. NaN with fewer than ``steps + 1`` bars or
        a NaN at either end.
    """
    if log_close.shape[-1] <= steps:
        return np.full(log_close.shape[:-1], np.nan)
    change: FloatArray = log_close[..., -1] - log_close[..., -1 - steps]
    return change


def volume_surge(volume: FloatArray, *, recent: int, usual: int) -> FloatArray:
    """Mean volume of the newest bars over that of a longer window.

    Parameters
    ----------
    volume : ndarray of shape (..., n_bars)
        Base currency, ≥ 0.
    recent : int
        Newest bars, at least 1.
    usual : int
        Bars of the longer window, at least ``recent``, the newest among them.

    Returns
    -------
    ndarray of shape (...)
        Dimensionless, in [0, usual ÷ recent]; even volume reads 1. NaN with fewer
        than ``usual`` bars, a NaN among them, or without volume.
    """
    out: FloatArray = np.full(volume.shape[:-1], np.nan)
    if volume.shape[-1] < usual:
        return out
    traded = volume[..., -usual:].sum(axis=-1)
    lately = volume[..., -recent:].sum(axis=-1)
    np.divide(lately * (usual / recent), traded, out=out, where=traded > 0)
    return out


def beta(log_return: FloatArray, benchmark_log_return: FloatArray) -> FloatArray:
    """Least-squares slope of a symbol's log returns on the benchmark's.

    Parameters
    ----------
    log_return : ndarray of shape (..., n_returns)
        The symbols' log returns.
    benchmark_log_return : ndarray of shape (n_returns,)
        The benchmark's over the same bars; all NaN when it is missing.

    Returns
    -------
    ndarray of shape (...)
        Dimensionless; the benchmark itself reads 1. NaN with fewer than 2 returns,
        a NaN in any, or a benchmark that did not move.
    """
    out = np.full(log_return.shape[:-1], np.nan)
    if log_return.shape[-1] < 2:  # noqa: PLR2004 - one point has no slope
        return out
    market = benchmark_log_return - benchmark_log_return.mean()
    squares = np.vecdot(market, market)
    covariance = np.vecdot(log_return, market)
    moved = bool(squares > market.shape[-1] * RETURN_RESOLUTION**2)
    np.divide(covariance, squares, out=out, where=moved)
    return out
