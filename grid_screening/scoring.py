"""From factors to an order: the score, its breakdown, confidence and marks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import numpy as np

from grid_screening.exceptions import InvalidSettings
from grid_screening.factors import FactorTable
from grid_screening.profile import ScoreProfile, Weights, load_profile
from grid_screening.score_terms import BREAKDOWN, percentile_rank, score_breakdown
from grid_screening.screening_report import Exclusion, Reason
from monitor.domain.typing import BoolArray, FloatArray, IntArray, Symbol

__all__ = [
    "BREAKDOWN",
    "Scores",
    "load_profile",
    "percentile_rank",
    "scores",
    "strict_exclusions",
]

_RANK_DECIMALS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Scores of ``n`` symbols. All arrays have the shape ``(n,)``."""

    symbols: tuple[Symbol, ...]
    profile: ScoreProfile
    weights: Weights
    """The effective weights: the profile's, or those given instead."""
    gss: FloatArray
    """In [0, 1]; 0 for vetoed symbols."""
    vetoed: BoolArray
    rank: IntArray
    """1 is best; competition ranks (1, 1, 3); vetoed symbols after all others."""
    breakdown: Mapping[str, FloatArray]
    """Keys of `BREAKDOWN`; NaN: not available, added nothing."""
    confidence: FloatArray
    """In [0, 1]: 1 minus the shares of the missing inputs."""
    marks: tuple[tuple[str, ...], ...]
    order: IntArray
    """Row numbers, best first; inside a tie by symbol; vetoed ones last."""

    def subset(self, keep: BoolArray) -> "Scores":
        """Return the rows where ``keep`` is true, ranked anew; scores unchanged.

        Parameters
        ----------
        keep : ndarray of shape (n,)
            True for the rows that stay.
        """
        symbols = tuple(s for s, kept in zip(self.symbols, keep, strict=True) if kept)
        gss, vetoed = self.gss[keep], self.vetoed[keep]
        order, rank = _ranking(symbols, gss, vetoed)
        return Scores(
            symbols=symbols,
            profile=self.profile,
            weights=self.weights,
            gss=gss,
            vetoed=vetoed,
            rank=rank,
            breakdown={name: part[keep] for name, part in self.breakdown.items()},
            confidence=self.confidence[keep],
            marks=tuple(m for m, kept in zip(self.marks, keep, strict=True) if kept),
            order=order,
        )


def scores(
    factors: FactorTable,
    profile: ScoreProfile,
    *,
    weights: tuple[float, float, float, float] | None = None,
) -> Scores:
    """Score and rank all symbols of ``factors``.

    ``gss = w1·rank(NATR) + w2·rank(1 − KER) + w3·I_trend + w4·I_micro``; 0 for a
    symbol whose trend is steep and straight (veto). A term whose inputs are
    missing adds nothing and is NaN in the breakdown; it never counts as good or
    average, it lowers the confidence.

    Parameters
    ----------
    factors : FactorTable
        One row per symbol, vetoed ones included: percentile ranks are taken over
        all rows. ``natr`` and ``efficiency_ratio`` are finite.
    profile : ScoreProfile
        Thresholds and weights.
    weights : tuple of 4 floats, optional
        Volatility, inefficiency, trend, microstructure; replaces the profile's.

    Returns
    -------
    Scores
        Rows as in ``factors``.

    Raises
    ------
    ValueError
        NATR or KER is not finite somewhere.
    InvalidSettings
        Illegal weights.
    """
    for name in ("natr", "efficiency_ratio"):
        if not np.all(np.isfinite(factors[name])):
            raise ValueError(f"{name} must be finite for every scored symbol")
    shares = profile.weights if weights is None else _weights(weights)
    breakdown = score_breakdown(factors, profile, shares)
    parts = [np.nan_to_num(breakdown[f.name]) for f in fields(Weights)]
    # weights may miss the sum 1 by their tolerance, the score stays in [0, 1]
    total = np.minimum(parts[0] + parts[1] + parts[2] + parts[3], 1.0)
    vetoed: BoolArray = (factors["normalized_slope"] > profile.veto.slope_above) & (
        factors["r_squared"] > profile.veto.r_squared_above
    )
    gss = np.where(vetoed, 0.0, total)
    confidence = _confidence(factors, profile)
    order, rank = _ranking(factors.symbols, gss, vetoed)
    return Scores(
        symbols=factors.symbols,
        profile=profile,
        weights=shares,
        gss=gss,
        vetoed=vetoed,
        rank=rank,
        breakdown=breakdown,
        confidence=confidence,
        marks=_marks(factors, profile, confidence),
        order=order,
    )


def strict_exclusions(factors: FactorTable, scores: Scores) -> tuple[Exclusion, ...]:
    """Return the symbols that the strict filter drops, in row order.

    A symbol stays with NATR in the top 20 % of all rows, KER, Hurst exponent and
    funding on the right side of their limits. The first condition that fails is
    the reason; a missing value fails.

    Raises
    ------
    ValueError
        ``scores`` are not the scores of ``factors``.
    """
    if scores.symbols != factors.symbols:
        raise ValueError("scores must be the scores of these factors")
    rule = scores.profile.strict
    conditions: tuple[tuple[str, str, FloatArray, str, float], ...] = (
        ("strict_natr", "NATR rank", scores.breakdown["natr_rank"], "≥",
         rule.natr_rank_at_least),
        ("strict_efficiency", "efficiency ratio", factors["efficiency_ratio"], "<",
         rule.efficiency_below),
        ("strict_hurst", "Hurst exponent", factors["hurst_exponent"], "<",
         rule.hurst_below),
        ("strict_funding", "funding rate", factors["funding_rate"], ">",
         rule.funding_above),
    )  # fmt: skip
    excluded = []
    for row, symbol in enumerate(factors.symbols):
        for code, label, column, relation, limit in conditions:
            value = float(column[row])
            if not _COMPARISONS[relation](value, limit):
                found = "is missing" if np.isnan(value) else f"was {value:.4g}"
                text = f"{label} must be {relation} {limit:g}, {found}"
                reason = Reason(
                    code=code,
                    text=text,
                    value=None if np.isnan(value) else value,
                    limit=limit,
                )
                excluded.append(Exclusion(symbol=symbol, stage="strict", reason=reason))
                break
    return tuple(excluded)


_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "≥": lambda value, limit: value >= limit,
    "<": lambda value, limit: value < limit,
    ">": lambda value, limit: value > limit,
}


def _weights(weights: tuple[float, float, float, float]) -> Weights:
    names = [field.name for field in fields(Weights)]
    try:
        return Weights(**dict(zip(names, weights, strict=True)))
    except ValueError as error:
        legal = "four finite numbers ≥ 0 with sum 1"
        raise InvalidSettings("weights", legal, weights) from error


def _confidence(factors: FactorTable, profile: ScoreProfile) -> FloatArray:
    missing = np.zeros(len(factors.symbols))
    for field in fields(profile.confidence):
        share: float = getattr(profile.confidence, field.name)
        missing += np.where(np.isnan(factors[field.name]), share, 0.0)
    # rounded: 1 − 4 · 0.075 is 0.7, not just below it
    return np.round(1.0 - missing, _RANK_DECIMALS)


def _marks(
    factors: FactorTable, profile: ScoreProfile, confidence: FloatArray
) -> tuple[tuple[str, ...], ...]:
    at = profile.marks
    held = {
        "extreme_volatility": factors["natr"] > at.extreme_volatility_above,
        "crowded": factors["open_interest_ratio"] > at.crowded_above,
        "squeeze_risk": factors["funding_rate_8h"] > at.squeeze_risk_above,
        "abnormal_buying": factors["cvd_change_ratio"] > at.abnormal_buying_above,
        "failed_breakout": (factors["z_score"] > at.breakout_z_above)
        & (factors["efficiency_ratio"] < at.breakout_efficiency_below),
        "low_confidence": confidence < at.low_confidence_below,
    }
    return tuple(
        tuple(mark for mark, rows in held.items() if rows[row])
        for row in range(len(factors.symbols))
    )


def _ranking(
    symbols: tuple[Symbol, ...], gss: FloatArray, vetoed: BoolArray
) -> tuple[IntArray, IntArray]:
    keys = [
        (bool(veto), -float(score))
        for veto, score in zip(vetoed, np.round(gss, _RANK_DECIMALS), strict=True)
    ]
    order = sorted(range(len(symbols)), key=lambda row: (keys[row], symbols[row]))
    rank = np.zeros(len(symbols), dtype=np.int64)
    for place, row in enumerate(order):
        ahead = order[place - 1]
        tied = place > 0 and keys[ahead] == keys[row]
        rank[row] = rank[ahead] if tied else place + 1
    return np.array(order, dtype=np.int64), rank
