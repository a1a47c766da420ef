"""Evidence of reversion: variance ratio, unit root, half-life, z-score."""

from dataclasses import dataclass

import numpy as np

from grid_screening.calculators.hurst import RETURN_RESOLUTION
from monitor.domain.typing import FloatArray
from vp_squeeze.indicators.rolling import rolling_mean, rolling_std

Z_WINDOW = 20
"""Bars of the z-score."""

DICKEY_FULLER_CRITICAL = -2.87
"""5 % one-sided critical value at about 300 bars, constant, no lags."""

UNIT_ROOT_MINIMUM = 4
"""Closes: three changes leave one degree of freedom."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VarianceRatio:
    """Lo–MacKinlay variance ratio, per symbol."""

    ratio: FloatArray
    """1: random walk, below: reverting, above: trending; shape (...)."""
    z: FloatArray
    """Heteroskedasticity-robust, standard normal on a random walk; shape (...)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnitRoot:
    """Dickey–Fuller regression of the change on the level, per symbol."""

    t: FloatArray
    """t statistic of the level; below −2.87 a unit root is rejected at 5 %."""
    half_life_bars: FloatArray
    """ln 2 ÷ −ln(1 + b); NaN where a unit root is not rejected."""


def variance_ratio(log_close: FloatArray, *, q: int) -> VarianceRatio:
    """Variance of q-bar returns over q times that of one-bar returns.

    Parameters
    ----------
    log_close : ndarray of shape (..., n_bars)
        Natural logarithm of the closes.
    q : int
        Bars of the longer return, at least 2.

    Returns
    -------
    VarianceRatio
        Overlapping, debiased ratio and robust z. NaN with fewer than ``q + 2``
        closes, with a NaN in any of them, or without variation of the returns.
        A straight line in the logarithm has none.

    Raises
    ------
    ValueError
        ``q`` is below 2.

    References
    ----------
    .. [1] Lo, A. W. and MacKinlay, A. C. (1988) Review of Financial Studies 1,
       41–66.
    .. [2] Campbell, Lo and MacKinlay (1997) The Econometrics of Financial
       Markets, eq. 2.4.37–2.4.44.
    """
    if q < 2:  # noqa: PLR2004 - q = 1 compares a variance with itself
        raise ValueError(f"q must be at least 2, was {q}")
    shape = log_close.shape[:-1]
    count = log_close.shape[-1] - 1
    ratio, z = np.full(shape, np.nan), np.full(shape, np.nan)
    if count <= q:
        return VarianceRatio(ratio=ratio, z=z)
    drift = (log_close[..., -1:] - log_close[..., :1]) / count
    squares = np.square(np.diff(log_close, axis=-1) - drift)
    total = squares.sum(axis=-1)
    long_move = log_close[..., q:] - log_close[..., :-q] - q * drift
    scale = q * (count - q + 1) * (1 - q / count)  # CLM 2.4.38
    long_variance = np.vecdot(long_move, long_move) / scale
    varies = total > count * RETURN_RESOLUTION**2
    np.divide(long_variance, total / (count - 1), out=ratio, where=varies)
    theta = np.zeros(shape)
    for lag in range(1, q):
        # CLM 2.4.42–43, both sides × (Σ squares)²
        share = (2 * (q - lag) / q) ** 2
        theta += share * np.vecdot(squares[..., lag:], squares[..., :-lag])
    np.divide((ratio - 1) * total, np.sqrt(theta), out=z, where=varies & (theta > 0))
    return VarianceRatio(ratio=ratio, z=z)


def unit_root(log_close: FloatArray) -> UnitRoot:
    """Dickey–Fuller t with a constant and no lags, and the half-life it implies.

    Parameters
    ----------
    log_close : ndarray of shape (..., n_bars)
        Natural logarithm of the closes.

    Returns
    -------
    UnitRoot
        t of b in ``Δx_t = a + b·x_{t−1} + ε``, and ln 2 ÷ −ln(1 + b) in bars,
        NaN when t > −2.87 or b is outside (−1, 0). Both NaN with fewer than 4
        closes, with a NaN in any of them, for a constant price, and where the
        line fits perfectly (t has no finite value).

    Notes
    -----
    b is biased downward: on a random walk the half-life is about a 6.5th of the
    length, which is why it is withheld unless the unit root is rejected.

    References
    ----------
    .. [1] Dickey, D. A. and Fuller, W. A. (1979) JASA 74, 427–431.
    """
    shape = log_close.shape[:-1]
    t, half_life = np.full(shape, np.nan), np.full(shape, np.nan)
    if log_close.shape[-1] < UNIT_ROOT_MINIMUM:
        return UnitRoot(t=t, half_life_bars=half_life)
    change = np.diff(log_close, axis=-1)
    count = change.shape[-1]
    # Measured from the last level: exactly 0 for a constant price.
    level = log_close[..., :-1] - log_close[..., -1:]
    level -= level.mean(axis=-1, keepdims=True)
    change -= change.mean(axis=-1, keepdims=True)
    level_squares = np.vecdot(level, level)
    noise = count * RETURN_RESOLUTION**2
    slope = np.full(shape, np.nan)
    np.divide(
        np.vecdot(level, change), level_squares, out=slope, where=level_squares > noise
    )
    change -= slope[..., None] * level
    residual_squares = np.vecdot(change, change)
    error = np.sqrt(residual_squares / (count - 2))
    np.divide(
        slope * np.sqrt(level_squares), error, out=t, where=residual_squares > noise
    )
    reverts = (t <= DICKEY_FULLER_CRITICAL) & (slope > -1) & (slope < 0)
    np.log1p(slope, out=half_life, where=reverts)
    np.divide(-np.log(2), half_life, out=half_life, where=reverts)
    return UnitRoot(t=t, half_life_bars=half_life)


def z_score(close: FloatArray, *, window: int = Z_WINDOW) -> FloatArray:
    """Distance of the close from its mean in standard deviations, at every bar.

    Parameters
    ----------
    close : ndarray of shape (..., n_bars)
        Close prices, quote currency.
    window : int
        Bars, at least 2; the newest bar is among them.

    Returns
    -------
    ndarray of shape (..., n_bars)
        Dimensionless, at most (window − 1)/√window in size (4.25 at 20); sample
        deviation (ddof 1). The first ``window − 1`` bars are NaN, so is a window
        that holds a NaN or only one price.
    """
    deviation = rolling_std(close, window=window, ddof=1)
    out = np.full(close.shape, np.nan)
    np.divide(
        close - rolling_mean(close, window=window),
        deviation,
        out=out,
        where=deviation > 0,
    )
    return out
