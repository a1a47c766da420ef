"""Definition-level twins of the stop-out model: plain loops and a general optimiser."""

from collections.abc import Sequence
from math import exp, log, log1p, nan, sqrt

import numpy as np
from scipy.optimize import minimize

Row = Sequence[float]


def naive_features(
    width: float, return_7d: float, surge: float, distance: float, natr: float
) -> list[float]:
    return [
        log(width) if width > 0 else nan,
        return_7d,
        log(surge) if surge > 0 else nan,
        distance,
        log(natr) if natr > 0 else nan,
    ]


def naive_standard(rows: Sequence[Row]) -> tuple[list[float], list[float]]:
    """Means and population standard deviations of the columns."""
    means, deviations = [], []
    for column in zip(*rows, strict=True):
        mean = sum(column) / len(column)
        means.append(mean)
        deviations.append(sqrt(sum((v - mean) ** 2 for v in column) / len(column)))
    return means, deviations


def naive_odds(weights: Row, row: Row, means: Row, deviations: Row) -> float:
    odds = weights[0]
    for weight, value, mean, deviation in zip(
        weights[1:], row, means, deviations, strict=True
    ):
        odds += weight * (value - mean) / deviation
    return odds


def naive_loss(weights: Row, rows: Sequence[Row], stopped: Row, ridge: float) -> float:
    """Penalised negative log likelihood on features standardised by the sample."""
    means, deviations = naive_standard(rows)
    loss = ridge / 2 * sum(weight**2 for weight in weights[1:])
    for row, outcome in zip(rows, stopped, strict=True):
        odds = naive_odds(weights, row, means, deviations)
        # −log of the probability of what happened
        loss += max(odds, 0) + log1p(exp(-abs(odds))) - outcome * odds
    return loss


def naive_fit(rows: Sequence[Row], stopped: Row, ridge: float) -> list[float]:
    """Intercept and standardised coefficients by a general optimiser."""
    found = minimize(
        lambda weights: naive_loss(weights.tolist(), rows, stopped, ridge),
        np.zeros(len(rows[0]) + 1),
        method="BFGS",
        options={"gtol": 1e-6},
    )
    weights: list[float] = found.x.tolist()
    return weights


def naive_covariance(
    weights: Row,
    rows: Sequence[Row],
    stopped: Row,
    clusters: Sequence[int],
    ridge: float,
) -> np.ndarray:
    """Sandwich by cluster, sums written out."""
    means, deviations = naive_standard(rows)
    size = len(weights)
    hessian = np.zeros((size, size))
    sums: dict[int, np.ndarray] = {}
    for row, outcome, cluster in zip(rows, stopped, clusters, strict=True):
        standard = [1.0] + [
            (v - m) / d for v, m, d in zip(row, means, deviations, strict=True)
        ]
        share = 1 / (1 + exp(-naive_odds(weights, row, means, deviations)))
        for i in range(size):
            for j in range(size):
                hessian[i, j] += share * (1 - share) * standard[i] * standard[j]
        score = np.array([(outcome - share) * v for v in standard])
        sums[cluster] = sums.get(cluster, np.zeros(size)) + score
    for i in range(1, size):
        hessian[i, i] += ridge
    meat = np.zeros((size, size))
    for score in sums.values():
        meat += np.outer(score, score)
    inverse = np.linalg.inv(hessian)
    count = len(sums)
    return inverse @ meat @ inverse * count / (count - 1)


def naive_days_inside(
    below: float, above: float, variance: float, days: float, steps: int
) -> float:
    """A symmetric walk on a lattice between two absorbing ends, step by step.

    ``steps`` lattice steps wide; each takes ``(width / steps)² / variance`` days, so
    that the walk has that variance. Exact for the walk, and within a step's time of
    Brownian motion.
    """
    width = below + above
    step = width / steps
    place = round(below / step)
    inside = np.zeros(steps + 1)
    inside[place] = 1.0
    time = step**2 / variance
    spent = 0.0
    for _ in range(round(days / time)):
        spent += time * inside[1:-1].sum()
        moved = np.zeros(steps + 1)
        moved[2:] += inside[1:-1] / 2
        moved[:-2] += inside[1:-1] / 2
        moved[[0, -1]] = 0.0
        inside = moved
    return spent
