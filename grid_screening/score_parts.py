"""The four parts of a score, the terms they are made of, and their names."""

from collections.abc import Mapping

PARTS: Mapping[str, tuple[str, ...]] = {
    "volatility": ("natr_rank",),
    "inefficiency": ("inefficiency_rank",),
    "trend": ("trend_base", "hurst_bonus", "failed_breakout_bonus"),
    "microstructure": (
        "microstructure_base",
        "cvd_divergence_bonus",
        "funding_adjustment",
        "open_interest_adjustment",
        "volatility_displacement_bonus",
        "cvd_change_adjustment",
    ),
}
"""Weighted part → unweighted terms; their sum, clipped to [0, 1] and weighted, is
the part."""

NOUNS: Mapping[str, str] = {
    "natr_rank": "NATR rank",
    "inefficiency_rank": "inefficiency rank",
    "trend_base": "flatness",
    "hurst_bonus": "Hurst bonus",
    "failed_breakout_bonus": "failed breakout",
    "microstructure_base": "base",
    "cvd_divergence_bonus": "CVD divergence",
    "funding_adjustment": "funding",
    "open_interest_adjustment": "open interest",
    "volatility_displacement_bonus": "displacement",
    "cvd_change_adjustment": "taker buying",
}
"""Terms for people."""
