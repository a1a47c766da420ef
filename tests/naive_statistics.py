"""Slow twins of the study's statistics: one origin, one pair, one block at a time."""

from collections.abc import Callable, Sequence
from math import floor, isnan, nan, sqrt

import numpy as np

from grid_screening.validation.mean_estimates import newey_west
from monitor.domain.typing import FloatArray

Row = Sequence[float]


def naive_ranks(values: Row) -> list[float]:
    """1 + how many are less + half of the others that are equal."""
    return [
        nan
        if isnan(value)
        else 1
        + sum(other < value for other in values)
        + (sum(other == value for other in values) - 1) / 2
        for value in values
    ]


def pairs(score: Row, outcome: Row) -> list[tuple[float, float]]:
    """What is known of both."""
    return [
        (s, o)
        for s, o in zip(score, outcome, strict=True)
        if not isnan(s) and not isnan(o)
    ]


def naive_rank_ic(score: Row, outcome: Row) -> float:
    """Pearson's correlation of the ranks of one origin."""
    known = pairs(score, outcome)
    if len(known) < 5:
        return nan
    x = naive_ranks([s for s, _ in known])
    y = naive_ranks([o for _, o in known])
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    xy = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    xx = sum((a - mean_x) ** 2 for a in x)
    yy = sum((b - mean_y) ** 2 for b in y)
    return nan if xx == 0 or yy == 0 else xy / sqrt(xx * yy)


def naive_top_minus_universe(score: Row, outcome: Row, top: int) -> float:
    """Average over every order of the tied, by sharing the last places."""
    universe = [o for o in outcome if not isnan(o)]
    known = sorted(pairs(score, outcome), key=lambda pair: -pair[0])
    if not known or len(universe) <= top:
        return nan
    places = min(top, len(known))
    cut = known[places - 1][0]
    above = [o for s, o in known if s > cut]
    tied = [o for s, o in known if s == cut]
    chosen = sum(above) + (places - len(above)) * sum(tied) / len(tied)
    return chosen / places - sum(universe) / len(universe)


def naive_decile_excess(score: Row, outcome: Row, count: int) -> list[float]:
    """Mean of each group less the mean of all pairs."""
    known = pairs(score, outcome)
    if len(known) < count:
        return [nan] * count
    mean = sum(o for _, o in known) / len(known)
    groups: list[list[float]] = [[] for _ in range(count)]
    for rank, (_, o) in zip(naive_ranks([s for s, _ in known]), known, strict=True):
        groups[min(floor((rank - 0.5) / len(known) * count), count - 1)].append(o)
    return [sum(g) / len(g) - mean if g else nan for g in groups]


def naive_newey_west(series: Row, lag: int) -> tuple[float, float]:
    """Mean and standard error as a double sum over all pairs of times."""
    known = [value for value in series if not isnan(value)]
    count = len(known)
    mean = sum(known) / count
    variance = 0.0
    for i in range(count):
        for j in range(count):
            weight = max(1 - abs(i - j) / (lag + 1), 0.0)
            variance += weight * (known[i] - mean) * (known[j] - mean)
    return mean, sqrt(variance) / count


def naive_block_means(
    series: Row, keys: Sequence[int], drawn: Sequence[Sequence[int]]
) -> list[float]:
    """Write the drawn blocks' values one after another and average them."""
    blocks: dict[int, list[float]] = {}
    for key, value in zip(keys, series, strict=True):
        if not isnan(value):
            blocks.setdefault(key, []).append(value)
    ordered = [blocks[key] for key in sorted(blocks)]
    means = []
    for numbers in drawn:
        values = [value for number in numbers for value in ordered[number]]
        means.append(sum(values) / len(values))
    return means


def naive_benjamini_hochberg(p_values: Row, level: float) -> list[bool]:
    """Accept the largest i whose i-th smallest p is small enough, and all below."""
    known = sorted(p for p in p_values if not isnan(p))
    limit = -1.0
    for i, p in enumerate(known, start=1):
        if p <= i / len(known) * level:
            limit = p
    return [not isnan(p) and p <= limit for p in p_values]


def naive_placebo_p(t: float, placebo: Row) -> float:
    """Count the placebos that reach it, the tested one among them."""
    known = [value for value in placebo if not isnan(value)]
    return (1 + sum(abs(value) >= abs(t) for value in known)) / (1 + len(known))


def naive_auc(probability: Row, came: Row) -> float:
    """Compare every case that came with every one that did not."""
    known = pairs(probability, came)
    yes = [p for p, c in known if c == 1]
    no = [p for p, c in known if c == 0]
    if not yes or not no:
        return nan
    won = sum((a > b) + (a == b) / 2 for a in yes for b in no)
    return won / (len(yes) * len(no))


def naive_brier(probability: Row, came: Row) -> float:
    """Average the squares."""
    known = pairs(probability, came)
    return sum((p - c) ** 2 for p, c in known) / len(known) if known else nan


Statistic = Callable[[FloatArray, FloatArray], FloatArray]
"""Score and outcome, both ``(n_origins, n)`` → a series ``(n_origins,)``."""


def naive_placebo_t(
    scores: FloatArray, outcome: FloatArray, statistic: Statistic, *, lag: int
) -> FloatArray:
    """Newey–West t of ``statistic`` for each placebo score.

    Parameters
    ----------
    scores : ndarray of shape (count, n)
        From `placebo_scores`.
    outcome : ndarray of shape (n_origins, n)
        The real outcomes; NaN: not in the universe.
    statistic : callable
        `rank_ic`, or `top_minus_universe` with its ``top`` bound.
    lag : int
        As for the candidates.

    Returns
    -------
    ndarray of shape (count,)
        NaN where the statistic has no t.
    """
    found = np.empty(len(scores))
    for number, score in enumerate(scores):
        series = statistic(np.broadcast_to(score, outcome.shape), outcome)
        found[number] = newey_west(series, lag).t
    return found
