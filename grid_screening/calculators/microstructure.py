"""Who trades, and at what carry: funding, open interest, taker flow."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from monitor.domain.typing import FloatArray, IntArray
from vp_squeeze.indicators.rolling import rolling_max

DIVERGENCE_WINDOW = 20
"""Bars compared by both divergence measures."""

CHANGE_WINDOW = 5
"""Bars of the CVD change."""

PERMUTATION_COUNT = 999
"""Smallest p-value 0.001."""

PERMUTATION_SEED = 20_260_305
"""Fixed: the same bars give the same p-value, in every scan and for every symbol."""

HOURS_PER_DAY = 24
DAYS_PER_YEAR = 365
FUNDING_REFERENCE_H = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CvdDivergence:
    """Rank correlation of price and taker flow, per symbol."""

    strength: FloatArray
    """Spearman's ρ in [−1, 1]; negative: flow runs against the price; (...)."""
    p_value: FloatArray
    """Two-sided permutation p-value, in [0.001, 1]; shape (...)."""


def open_interest_ratio(
    open_interest: FloatArray, mark_price: FloatArray, quote_volume_24h: FloatArray
) -> FloatArray:
    """Open interest over a day's turnover, both in quote currency.

    Parameters
    ----------
    open_interest : ndarray of shape (...)
        Base currency.
    mark_price : ndarray of shape (...)
        Quote currency.
    quote_volume_24h : ndarray of shape (...)
        Quote currency.

    Returns
    -------
    ndarray of shape (...)
        Days of turnover held open, ≥ 0. NaN where an input is NaN or nothing was
        traded.
    """
    out = np.full(quote_volume_24h.shape, np.nan)
    np.divide(
        open_interest * mark_price,
        quote_volume_24h,
        out=out,
        where=quote_volume_24h > 0,
    )
    return out


def funding_rate_8h(
    funding_rate: FloatArray, funding_interval_h: FloatArray
) -> FloatArray:
    """Funding rate as if it settled every eight hours.

    Parameters
    ----------
    funding_rate : ndarray of shape (...)
        Fraction per interval; positive: longs pay shorts.
    funding_interval_h : ndarray of shape (...)
        Hours between settlements.

    Returns
    -------
    ndarray of shape (...)
        Fraction per 8 h. NaN where an input is NaN or the interval is not > 0.
    """
    out = np.full(funding_rate.shape, np.nan)
    np.divide(
        funding_rate * FUNDING_REFERENCE_H,
        funding_interval_h,
        out=out,
        where=funding_interval_h > 0,
    )
    return out


def funding_rate_daily(
    funding_rate: FloatArray, funding_interval_h: FloatArray
) -> FloatArray:
    """Funding of one day at the running rate.

    Parameters
    ----------
    funding_rate, funding_interval_h : ndarray of shape (...)
        As for `funding_rate_8h`.

    Returns
    -------
    ndarray of shape (...)
        Fraction per day. NaN as for `funding_rate_8h`.
    """
    settlements = HOURS_PER_DAY / FUNDING_REFERENCE_H
    return settlements * funding_rate_8h(funding_rate, funding_interval_h)


def funding_apr(funding_rate: FloatArray, funding_interval_h: FloatArray) -> FloatArray:
    """Funding of 365 days at the running rate, not compounded.

    Parameters
    ----------
    funding_rate, funding_interval_h : ndarray of shape (...)
        As for `funding_rate_8h`.

    Returns
    -------
    ndarray of shape (...)
        Fraction per year. NaN as for `funding_rate_8h`.
    """
    return DAYS_PER_YEAR * funding_rate_daily(funding_rate, funding_interval_h)


def cumulative_volume_delta(
    taker_buy_volume: FloatArray, volume: FloatArray
) -> FloatArray:
    """Cumulated sum of taker buys minus taker sells, origin 0 before the first bar.

    Parameters
    ----------
    taker_buy_volume, volume : ndarray of shape (..., n_bars)
        Base currency; ``0 <= taker_buy_volume <= volume``.

    Returns
    -------
    ndarray of shape (..., n_bars)
        Base currency; the last bar is the factor. After a NaN everything is NaN.
    """
    cvd: FloatArray = np.cumsum(2 * taker_buy_volume - volume, axis=-1)
    return cvd


def bearish_cvd_divergence(
    close: FloatArray, cvd: FloatArray, *, window: int = DIVERGENCE_WINDOW
) -> FloatArray:
    """Whether the newest close is the window's highest and the newest CVD is not.

    Parameters
    ----------
    close : ndarray of shape (..., n_bars)
        Close prices, quote currency.
    cvd : ndarray of shape (..., n_bars)
        `cumulative_volume_delta` of the same bars.
    window : int
        Bars, at least 1, the newest among them.

    Returns
    -------
    ndarray of shape (...)
        1.0 or 0.0; a tie with an earlier close counts as highest. NaN with fewer
        than ``window`` bars or a NaN in the window.
    """
    out = np.full(close.shape[:-1], np.nan)
    if close.shape[-1] < window:
        return out
    top_close = rolling_max(close[..., -window:], window=window)[..., -1]
    top_cvd = rolling_max(cvd[..., -window:], window=window)[..., -1]
    diverges = (close[..., -1] == top_close) & (cvd[..., -1] < top_cvd)
    np.copyto(out, diverges, where=~np.isnan(top_close + top_cvd))
    return out


def cvd_divergence(close: FloatArray, cvd: FloatArray) -> CvdDivergence:
    """Rank correlation of close and CVD over the last 20 bars, with its p-value.

    Parameters
    ----------
    close : ndarray of shape (..., n_bars)
        Close prices, quote currency.
    cvd : ndarray of shape (..., n_bars)
        `cumulative_volume_delta` of the same bars.

    Returns
    -------
    CvdDivergence
        Spearman's ρ with midranks, and ``(1 + #{|ρ_permuted| ≥ |ρ|})/(999 + 1)``
        over the `permutations`, two-sided. Both NaN with fewer than 20 bars, a
        NaN among them, or one value throughout.

    Notes
    -----
    Both series are running sums, so that independent walks correlate: ρ is an
    observation about 20 bars, and p holds for exchangeable bars only.
    """
    shape, window = close.shape[:-1], DIVERGENCE_WINDOW
    if close.shape[-1] < window:
        nothing = np.full(shape, np.nan)
        return CvdDivergence(strength=nothing, p_value=nothing.copy())
    x = _centred_midranks(close[..., -window:].reshape(-1, window))
    y = _centred_midranks(cvd[..., -window:].reshape(-1, window))
    # Ranks are multiples of ½, so that all sums below are exact in any order.
    covariance = np.vecdot(x, y)
    scale = np.sqrt(np.vecdot(x, x) * np.vecdot(y, y))
    defined = scale > 0
    strength = np.full(covariance.shape, np.nan)
    np.divide(covariance, scale, out=strength, where=defined)
    permuted = _permuted_covariance(x, y)
    reached = np.abs(permuted, out=permuted) >= np.abs(covariance)[:, None].astype(
        np.float32
    )
    p_value = (1 + np.count_nonzero(reached, axis=-1)) / (PERMUTATION_COUNT + 1)
    p_value[~defined] = np.nan
    return CvdDivergence(
        strength=strength.reshape(shape), p_value=p_value.reshape(shape)
    )


@cache
def permutations() -> IntArray:
    """Return the 999 orders of 20 bars that every p-value is counted over.

    Returns
    -------
    ndarray of shape (999, 20)
        Read-only. Row k pairs the close rank of bar i with the CVD rank of bar
        ``permutations()[k, i]``. Drawn from the raw PCG64 stream, which NumPy
        keeps unchanged between versions.
    """
    draws = np.random.PCG64(PERMUTATION_SEED).random_raw(
        PERMUTATION_COUNT * DIVERGENCE_WINDOW
    )
    orders = draws.reshape(PERMUTATION_COUNT, DIVERGENCE_WINDOW).argsort(
        axis=-1, kind="stable"
    )
    orders.flags.writeable = False
    return orders


def cvd_change_ratio(
    cvd: FloatArray, volume: FloatArray, *, window: int = CHANGE_WINDOW
) -> FloatArray:
    """Change of the CVD over the last bars ÷ the volume traded in them.

    Parameters
    ----------
    cvd : ndarray of shape (..., n_bars)
        `cumulative_volume_delta`.
    volume : ndarray of shape (..., n_bars)
        Base currency.
    window : int
        Bars, at least 1.

    Returns
    -------
    ndarray of shape (...)
        In [−1, 1]: 1 when takers only bought. NaN with fewer than ``window + 1``
        bars, a NaN among them, or without volume.
    """
    out: FloatArray = np.full(cvd.shape[:-1], np.nan)
    if cvd.shape[-1] <= window:
        return out
    traded = volume[..., -window:].sum(axis=-1)
    change = cvd[..., -1] - cvd[..., -1 - window]
    np.divide(change, traded, out=out, where=traded > 0)
    # The CVD's rounding can exceed what little was traded lately.
    return np.clip(out, -1.0, 1.0)


def cvd_roc_classic(cvd: FloatArray, *, window: int = CHANGE_WINDOW) -> FloatArray:
    """Change of the CVD over the last bars ÷ its size before them.

    Parameters
    ----------
    cvd : ndarray of shape (..., n_bars)
        `cumulative_volume_delta`.
    window : int
        Bars, at least 1.

    Returns
    -------
    ndarray of shape (...)
        Fraction, unbounded, and arbitrary as the CVD's origin is: shown because it
        is customary. NaN with fewer than ``window + 1`` bars, a NaN among the two,
        or an earlier CVD of 0.
    """
    out = np.full(cvd.shape[:-1], np.nan)
    if cvd.shape[-1] <= window:
        return out
    before = cvd[..., -1 - window]
    np.divide(cvd[..., -1] - before, np.abs(before), out=out, where=before != 0)
    return out


def _centred_midranks(values: FloatArray) -> FloatArray:
    # (rows, window): number of smaller values + half of the other equal ones,
    # minus the mean rank; NaN in a row makes the whole row NaN.
    window = values.shape[-1]
    smaller = np.zeros(values.shape)
    for bar in range(window):
        other = values[:, bar : bar + 1]
        smaller += 0.5 * ((other < values).astype(float) + (other <= values))
    ranks: FloatArray = smaller - window / 2
    ranks[np.isnan(values).any(axis=-1)] = np.nan
    return ranks


def _permuted_covariance(x: FloatArray, y: FloatArray) -> NDArray[np.float32]:
    # Σ_i x_i·y_π(i) for all permutations π as one matrix product: the 400
    # products x_i·y_j times the 0/1 matrix of the pairs that π takes. Products
    # are multiples of ¼ below 100 and sums below 2²² quarters: exact in float32.
    products = (x[:, :, None] * y[:, None, :]).astype(np.float32)
    sums: NDArray[np.float32] = products.reshape(x.shape[0], -1) @ _pair_choice()
    return sums


@cache
def _pair_choice() -> NDArray[np.float32]:
    bars = np.arange(DIVERGENCE_WINDOW)
    choice = np.zeros(
        (DIVERGENCE_WINDOW, DIVERGENCE_WINDOW, PERMUTATION_COUNT), dtype=np.float32
    )
    for number, order in enumerate(permutations()):
        choice[bars, order, number] = 1
    pairs = choice.reshape(DIVERGENCE_WINDOW**2, PERMUTATION_COUNT)
    pairs.flags.writeable = False
    return pairs
