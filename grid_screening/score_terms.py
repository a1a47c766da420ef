"""The parts of a score: percentile ranks, the trend and microstructure indexes."""

from collections.abc import Mapping

import numpy as np

from grid_screening.calculators.ranks import midranks
from grid_screening.factors import FactorTable
from grid_screening.profile import ScoreProfile, Weights
from monitor.domain.typing import BoolArray, FloatArray

BREAKDOWN: Mapping[str, str] = {
    "volatility": "weight × natr_rank; the four weighted parts sum to the score",
    "inefficiency": "weight × inefficiency_rank",
    "trend": "weight × trend_index",
    "microstructure": "weight × microstructure_index",
    "natr_rank": "percentile rank of NATR, in (0, 1)",
    "inefficiency_rank": "percentile rank of 1 − efficiency ratio, in (0, 1)",
    "trend_index": "sum of the trend terms, clipped to [0, 1]",
    "trend_base": "1 when flat, falling to 0 with the steepness",
    "hurst_bonus": "anti-persistent returns",
    "failed_breakout_bonus": "far above its mean without a path to show for it",
    "microstructure_index": "sum of the microstructure terms, clipped to [0, 1]",
    "microstructure_base": "constant",
    "cvd_divergence_bonus": "price high not confirmed by taker volume",
    "funding_adjustment": "longs pay moderately (+) or excessively (−)",
    "open_interest_adjustment": "crowded (−)",
    "volatility_displacement_bonus": "much movement, no displacement (minute bars)",
    "cvd_change_adjustment": "abnormal taker buying (−)",
}
"""Keys of every score breakdown and their meaning. The first four are weighted and
sum to ``gss`` unless the symbol is vetoed; all others are unweighted."""

_VOLATILITY_DISPLACEMENT = "volatility_displacement"
# the only optional column: its minute bars are fetched for finalists only


def score_breakdown(
    factors: FactorTable, profile: ScoreProfile, weights: Weights
) -> Mapping[str, FloatArray]:
    """Return every part of the score, keys as in `BREAKDOWN`, in that order.

    Returns
    -------
    mapping of str to ndarray of shape (n_symbols,)
        NaN: the inputs of this part are missing, it adds nothing.
    """
    natr_rank = percentile_rank(factors["natr"])
    inefficiency_rank = percentile_rank(1.0 - factors["efficiency_ratio"])
    trend = _trend_terms(factors, profile)
    micro = _microstructure_terms(factors, profile)
    trend_index, micro_index = _index(trend), _index(micro)
    return {
        "volatility": weights.volatility * natr_rank,
        "inefficiency": weights.inefficiency * inefficiency_rank,
        "trend": weights.trend * trend_index,
        "microstructure": weights.microstructure * micro_index,
        "natr_rank": natr_rank,
        "inefficiency_rank": inefficiency_rank,
        "trend_index": trend_index,
        **trend,
        "microstructure_index": micro_index,
        **micro,
    }


def percentile_rank(values: FloatArray) -> FloatArray:
    """Midrank of each value as a share: ``(rank − 0.5) / n``, ties averaged.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Finite numbers.

    Returns
    -------
    ndarray of shape (n,)
        In (0, 1), larger is larger; a single value or one tie of all is 0.5.
    """
    ranks: FloatArray = (midranks(values) - 0.5) / max(values.shape[0], 1)
    return ranks


def _trend_terms(
    factors: FactorTable, profile: ScoreProfile
) -> Mapping[str, FloatArray]:
    rule = profile.trend
    steepness = np.abs(factors["normalized_slope"])
    sloped = np.maximum(0.0, 1.0 - steepness / rule.zero_at)
    hurst = factors["hurst_exponent"]
    z_score = factors["z_score"]
    failed = (z_score > rule.breakout_z_above) & (
        factors["efficiency_ratio"] < rule.breakout_efficiency_below
    )
    return {
        # NaN < x is false and sloped is NaN there: a missing slope stays NaN
        "trend_base": np.where(steepness < rule.flat_below, 1.0, sloped),
        "hurst_bonus": rule.hurst_weight * np.maximum(rule.hurst_below - hurst, 0.0),
        "failed_breakout_bonus": _vote(z_score, failed, rule.breakout_bonus),
    }


def _microstructure_terms(
    factors: FactorTable, profile: ScoreProfile
) -> Mapping[str, FloatArray]:
    rule = profile.microstructure
    divergence = factors["bearish_cvd_divergence"]
    funding = factors["funding_rate_8h"]
    crowding = factors["open_interest_ratio"]
    buying = factors["cvd_change_ratio"]
    absent = np.full(len(factors.symbols), np.nan)
    chop = factors.values.get(_VOLATILITY_DISPLACEMENT, absent)
    # Inclusive on exact floats: the exchange's default of 0.01 % per 8 h is the
    # limit itself, and 8 ÷ (1, 2, 4 or 8 h) scales a float without rounding.
    moderate = (funding >= rule.funding_low) & (funding <= rule.funding_high)
    excessive = funding > rule.funding_high
    return {
        "microstructure_base": np.full(len(factors.symbols), rule.base),
        "cvd_divergence_bonus": _vote(
            divergence, divergence > 0, rule.divergence_bonus
        ),
        "funding_adjustment": _vote(funding, moderate, rule.funding_bonus)
        + _vote(funding, excessive, -rule.funding_penalty),
        "open_interest_adjustment": _vote(
            crowding,
            crowding > rule.open_interest_ratio_above,
            -rule.open_interest_penalty,
        ),
        "volatility_displacement_bonus": _vote(
            chop, chop > rule.displacement_above, rule.displacement_bonus
        ),
        "cvd_change_adjustment": _vote(
            buying, buying > rule.cvd_change_above, -rule.cvd_change_penalty
        ),
    }


def _vote(given: FloatArray, holds: BoolArray, points: float) -> FloatArray:
    # 0.0 where the condition fails, NaN where its input is missing
    return np.where(np.isnan(given), np.nan, np.where(holds, points, 0.0))


def _index(terms: Mapping[str, FloatArray]) -> FloatArray:
    stacked = np.stack(list(terms.values()))
    clipped = np.clip(np.nansum(stacked, axis=0), 0.0, 1.0)
    # without a single term there is no index, and it adds nothing
    return np.where(np.all(np.isnan(stacked), axis=0), np.nan, clipped)
