"""How much a contract looks like a box, from 0 to 1, and what that is made of.

A description, not a probability: nobody has measured how often such a box holds.
"""

from dataclasses import dataclass

import numpy as np

from monitor.domain.typing import FloatArray

SQUEEZE_WEIGHT = 0.30
CONCENTRATION_WEIGHT = 0.35
BOLLINGER_WEIGHT = 0.20
VALUE_AREA_WEIGHT = 0.15

SQUEEZE_TABLE = ((2.0, 0.0), (3.0, 0.6), (5.0, 0.8), (7.0, 1.0))
"""Bars in the squeeze → part; linear between, constant beyond, like all tables."""
CONCENTRATION_TABLE = ((0.5, 0.0), (0.85, 1.0))
"""Share of the volume in the middle half of the range → part."""
BOLLINGER_TABLE = ((2.0, 1.0), (5.0, 0.6), (10.0, 0.3), (20.0, 0.0))
"""Width of the Bollinger bands, percent of their middle → part."""
VALUE_AREA_TABLE = ((3.0, 1.0), (8.0, 0.5), (15.0, 0.2), (30.0, 0.0))
"""Width of the value area, percent of the point of control → part."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoxConfidence:
    """The four parts, each in [0, 1], and their weighted sum; shapes (...)."""

    squeeze: FloatArray
    concentration: FloatArray
    bollinger_width: FloatArray
    value_area_width: FloatArray

    @property
    def total(self) -> FloatArray:
        """0.30, 0.35, 0.20 and 0.15 of the parts, in [0, 1]; NaN when a part is."""
        return np.asarray(
            SQUEEZE_WEIGHT * self.squeeze
            + CONCENTRATION_WEIGHT * self.concentration
            + BOLLINGER_WEIGHT * self.bollinger_width
            + VALUE_AREA_WEIGHT * self.value_area_width
        )


def box_confidence(
    *,
    squeeze_bars: FloatArray,
    concentration: FloatArray,
    bollinger_width: FloatArray,
    value_area_width: FloatArray,
) -> BoxConfidence:
    """Parts of the confidence by their tables.

    Parameters
    ----------
    squeeze_bars : ndarray of shape (...)
        Consecutive bars in the squeeze, ≥ 0.
    concentration : ndarray of shape (...)
        Share of the volume in the middle half of the price range, in [0, 1].
    bollinger_width : ndarray of shape (...)
        Percent of the middle line, ≥ 0.
    value_area_width : ndarray of shape (...)
        Percent of the point of control, ≥ 0.

    Returns
    -------
    BoxConfidence
        Shape (...). A NaN input is a NaN part.
    """
    return BoxConfidence(
        squeeze=_by_table(squeeze_bars, SQUEEZE_TABLE),
        concentration=_by_table(concentration, CONCENTRATION_TABLE),
        bollinger_width=_by_table(bollinger_width, BOLLINGER_TABLE),
        value_area_width=_by_table(value_area_width, VALUE_AREA_TABLE),
    )


def _by_table(values: FloatArray, table: tuple[tuple[float, float], ...]) -> FloatArray:
    places, parts = zip(*table, strict=True)
    return np.asarray(np.interp(values, places, parts))
