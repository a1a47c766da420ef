"""All origins side by side: one rectangle per score and outcome."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from grid_screening.calendar_weeks import week_blocks
from grid_screening.validation.outcomes import COLUMNS, OriginOutcomes
from monitor.domain.typing import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyTable:
    """Rectangles ``(n_origins, n)``, n the most contracts of an origin.

    A row holds the contracts scored at that origin, in the order of the history, then
    NaN: a column is no contract. All rectangles of a table have the same places.
    """

    origins: tuple[OriginOutcomes, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Origins, most contracts."""
        most = max((o.contracts.size for o in self.origins), default=0)
        return len(self.origins), most

    @cached_property
    def origin_ms(self) -> IntArray:
        """Shape ``(n_origins,)``, ms UTC."""
        return np.array([o.as_of_ms for o in self.origins], np.int64)

    def blocks(self, horizon_ms: int) -> IntArray:
        """Return the `week_blocks` of the origins, as long as their outcomes."""
        return week_blocks(self.origin_ms, horizon_ms)

    @cached_property
    def contracts(self) -> IntArray:
        """Row of the history in each place; −1: none."""
        out = np.full(self.shape, -1, np.int64)
        for row, origin in enumerate(self.origins):
            out[row, : origin.contracts.size] = origin.contracts
        return out

    def factor(self, name: str) -> FloatArray:
        """Return a factor; NaN: missing."""
        return self._filled(lambda origin: origin.factors[name])

    def score(self, name: str) -> FloatArray:
        """Return the score of a profile; NaN: behind its gate."""
        return self._filled(lambda origin: origin.scores[name])

    def narrow_score(self, name: str) -> FloatArray:
        """Return the same in the narrow universe; NaN outside."""
        return self._filled(lambda origin: origin.narrow_scores[name])

    def width(self) -> FloatArray:
        """Return x of the planned upper bounds."""
        return self._filled(lambda origin: origin.width)

    def turnover(self) -> FloatArray:
        """Return the 24 h turnover."""
        return self._filled(lambda origin: origin.turnover)

    def outcome(self, variant: str, column: str) -> FloatArray:
        """Return one of `COLUMNS` of a variant; NaN: not known."""
        at = COLUMNS.index(column)
        return self._filled(lambda origin: origin.outcomes[variant][at])

    def _filled(self, values: Callable[[OriginOutcomes], FloatArray]) -> FloatArray:
        out = np.full(self.shape, np.nan)
        for row, origin in enumerate(self.origins):
            found = values(origin)
            out[row, : found.size] = found
        return out


def by_origin(values: FloatArray) -> FloatArray:
    """Return the mean of each row's known values, NaN without any."""
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    out = np.full(count.shape, np.nan)
    np.divide(total, count, out=out, where=count > 0)
    return out


def study_table(origins: Sequence[OriginOutcomes]) -> StudyTable:
    """Return the table of ``origins``, oldest first."""
    return StudyTable(origins=tuple(sorted(origins, key=lambda o: o.as_of_ms)))
