"""What scores without meaning reach, for many of them at once."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from grid_screening.calculators.ranks import midranks
from grid_screening.validation.mean_estimates import newey_west
from grid_screening.validation.rank_statistics import LEAST_PAIRS
from monitor.domain.typing import BoolArray, FloatArray, IntArray

RANK_IC = "rank-IC"
TOP = "top"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlaceboT:
    """What placebo scores reach, by (`RANK_IC` or `TOP`, outcome)."""

    series: Mapping[tuple[str, str], FloatArray]
    """Statistic of each origin, shape ``(count, n_origins)``."""
    by_statistic: Mapping[tuple[str, str], FloatArray]
    """Newey–West t over all origins, shape ``(count,)``."""
    lag: int

    def where(self, statistic: tuple[str, str], origins: BoolArray) -> FloatArray:
        """Return the t, shape ``(count,)``, over the chosen origins alone.

        Parameters
        ----------
        statistic : tuple of str
            A key of ``series``.
        origins : ndarray of shape (n_origins,)
            True: counted.
        """
        told = ~np.isnan(self.series[statistic]).all(axis=0)
        if origins[told].all():
            return self.by_statistic[statistic]
        rows = np.where(origins, self.series[statistic], np.nan)
        return np.array([newey_west(row, self.lag).t for row in rows])


def placebo_statistics(
    scores: FloatArray,
    contracts: IntArray,
    outcomes: Mapping[str, FloatArray],
    *,
    top: int,
    lag: int,
) -> PlaceboT:
    """Rank-IC and top less universe of random scores, Newey–West t of each.

    Parameters
    ----------
    scores : ndarray of shape (count, n_contracts)
        From `placebo_scores`: distinct, one number per contract of the history.
    contracts : ndarray of shape (n_origins, n)
        Which contract stands in each place; −1: none.
    outcomes : mapping of ndarray of shape (n_origins, n)
        By name; NaN: not in the universe of that origin.
    top : int
        Contracts of a list.
    lag : int
        Newey–West, origins.

    Returns
    -------
    PlaceboT
        Equal to `rank_ic`, `top_minus_universe` and `newey_west` of one score after the
        other, which sort each score anew for each outcome.
    """
    count, origins = len(scores), contracts.shape[0]
    series = {
        (kind, name): np.full((count, origins), np.nan)
        for kind in (RANK_IC, TOP)
        for name in outcomes
    }
    for origin in range(origins):
        there = contracts[origin] >= 0
        chosen = scores[:, contracts[origin, there]]
        for known, names in _by_known(outcomes, origin, there):
            values = np.stack([outcomes[name][origin, there][known] for name in names])
            found = _statistics(chosen[:, known], values, top)
            for kind, statistic in zip((RANK_IC, TOP), found, strict=True):
                for place, name in enumerate(names):
                    series[kind, name][:, origin] = statistic[:, place]
    return PlaceboT(
        series=series,
        lag=lag,
        by_statistic={
            key: np.array([newey_west(row, lag).t for row in rows])
            for key, rows in series.items()
        },
    )


def _by_known(
    outcomes: Mapping[str, FloatArray], origin: int, there: np.ndarray
) -> list[tuple[np.ndarray, list[str]]]:
    # outcomes with the same known contracts share one sorting
    groups: dict[bytes, tuple[np.ndarray, list[str]]] = {}
    for name, values in outcomes.items():
        known = ~np.isnan(values[origin, there])
        groups.setdefault(known.tobytes(), (known, []))[1].append(name)
    return list(groups.values())


def _statistics(
    scores: FloatArray, values: FloatArray, top: int
) -> tuple[FloatArray, FloatArray]:
    # scores (count, k), values (m, k) → rank-IC and excess of the top, (count, m)
    count, size = scores.shape
    nothing = np.full((count, len(values)), np.nan)
    if size < LEAST_PAIRS:
        return nothing, nothing
    order = np.argsort(scores, axis=-1)
    ranks = np.empty(scores.shape)
    np.put_along_axis(
        ranks, order, np.broadcast_to(np.arange(1.0, size + 1), scores.shape), axis=-1
    )
    middle = (size + 1) / 2
    came = midranks(values) - middle
    scale = np.sqrt(((ranks[0] - middle) ** 2).sum() * (came**2).sum(axis=-1))
    ic = np.divide(
        (ranks - middle) @ came.T, scale, out=nothing.copy(), where=scale > 0
    )
    if size <= top:
        return ic, nothing
    best = values[:, order[:, -top:]].mean(axis=-1).T
    return ic, best - values.mean(axis=-1)
