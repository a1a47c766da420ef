"""What a rank is worth: intervals of ranks by a bootstrap over bars.

A score is an estimate: another stretch of the same market would have given other
factors and another order. Markets drawn from the snapshot's own bars
(`grid_screening.bootstrap`) are scored by the same code; how much the difference of
two scores varies over them says whether one contract is really ahead of the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from math import ceil

import numpy as np

from grid_screening.bootstrap import BarDraws, bar_draws, block_draws, factor_draws
from grid_screening.factors import FactorTable
from grid_screening.listing import listed_rows
from grid_screening.ranking import Ranking, dropped_symbols, factor_rows
from grid_screening.scoring import Scores, scores
from grid_screening.screening_report import RankStability
from grid_screening.snapshot import MarketSnapshot
from monitor.domain.typing import BoolArray, FloatArray, IntArray, Symbol

DRAWS = 50
"""Markets drawn. 200 change the mean width of an interval by less than one rank."""
LEVEL = 0.90
"""Share of panels in which a contract's interval holds its true rank, at least."""
BLOCK_BARS = 24
"""Bars that stay together, four days of 4 h: longer than every short window of a
score (10 to 20 bars). Between 6 and 48 the error of a score differs by 5 %."""
SEED = 1

RankInterval = tuple[int, int]

_RESOLUTION = 1e-9
# differences of scores that vary less than this vary by rounding only
_PAIR = 2
# draws that two contracts must share before a spread can be told


@dataclass(frozen=True, slots=True, kw_only=True)
class RankInference:
    """Intervals of ranks and the summary that a report prints."""

    intervals: Mapping[Symbol, RankInterval]
    """Best and worst rank of every scored contract that is not vetoed."""
    stability: RankStability


def rank_stability(
    snapshot: MarketSnapshot,
    result: Ranking,
    *,
    top: int,
    listed: Sequence[int] | None = None,
    draws: int = DRAWS,
    level: float = LEVEL,
    block_bars: int = BLOCK_BARS,
    seed: int = SEED,
    drawn: BarDraws | None = None,
) -> RankInference:
    """Return which ranks the bars do not rule out, for every scored contract.

    Parameters
    ----------
    snapshot : MarketSnapshot
        What ``result`` was ranked from.
    result : Ranking
        The scan's ranking.
    top : int
        Contracts listed (0: all); decides `RankStability.indistinct` only.
    listed : sequence of int, optional
        Rows of ``result`` that are listed instead of the first ``top``, best first.
    draws : int
        Markets drawn; at least ``level ÷ (1 − level)``, 9 at 0.90.
    level : float
        In (0, 1).
    block_bars : int
        Bars that stay together, at least 1.
    seed : int
        The same seed gives the same intervals, whatever the order of the symbols.
    drawn : BarDraws, optional
        From `drawn_bars` with the same numbers, where the bars were there before
        the quotes; by default drawn here.

    Returns
    -------
    RankInference
        Intervals always hold the observed rank. Vetoed contracts have none; they
        stay behind all others. With the strict filter or a gate, ranks are among
        those that passed it, and percentile ranks are taken over those it dropped
        as well.

    Raises
    ------
    ValueError
        A count is too small, ``level`` is no share, or a scored contract is not
        in ``snapshot``.

    Notes
    -----
    The best rank is 1 + the number of contracts that are significantly better, the
    worst is the number of contracts − the number significantly worse [1]_. A
    difference is significant when it exceeds its bootstrap standard error times the
    ``level`` quantile of the largest of the contract's studentised differences
    (max-T, marginal intervals of [2]_).

    That multiple was chosen by simulation with known truth (``python -m
    tests.rank_coverage``: 60 contracts × 300 bars, 50 panels each of four worlds,
    level 0.90). The bootstrap error of a score is within 5 % of the true one at any
    block from 6 to 48 bars. Share of panels in which an interval holds the true rank,
    blocks of 24 bars:

    =================  =====  ========  ============  ===============
    ..                 max-T  pairwise  max-T, alike  pairwise, alike
    =================  =====  ========  ============  ===============
    any contract        1.00      0.97          0.99             0.88
    the worst covered   0.98      0.80          0.82             0.40
    the 15 listed       1.00      0.98          0.98             0.80
    all 15 at once      1.00      0.72          0.68             0.04
    width, of 60          56        43            60               53
    =================  =====  ========  ============  ===============

    The first two columns are the least of three worlds in which contracts differ,
    the last two are of one in which they do not. (The worst of 60 shares of 50
    panels each: a true 0.90 shows about 0.80.) Pairwise 1.645 fails where contracts
    are close, and errors gather at the top of the list, which is what people read;
    max-T keeps its level there and is wide instead: most orders by this score are
    within its sampling error.

    Says how far the bars support the order, nothing about profit. Quotes, the set
    of contracts and the newest price are taken as given. A regime that began within
    the window is mixed with what was before; memory beyond ``block_bars`` is lost.

    References
    ----------
    .. [1] Xie, M., Singh, K. and Zhang, C.-H. (2009) JASA 104, 775–788.
    .. [2] Mogstad, M., Romano, J. P., Shaikh, A. M. and Wilhelm, D. (2024) Review
       of Economic Studies 91, 476–518.
    """
    _check(draws, level, block_bars)
    ranked = ~result.scores.vetoed
    gss = result.scores.gss[ranked]
    rank = result.scores.rank[ranked]
    symbols = [s for s, kept in zip(result.scores.symbols, ranked, strict=True) if kept]
    intervals: dict[Symbol, RankInterval] = {}
    if symbols:
        if drawn is None:
            drawn = drawn_bars(snapshot, draws=draws, block_bars=block_bars, seed=seed)
        rescored = score_draws(snapshot, result, drawn)
        best, worst = rank_intervals(gss, rank, rescored[:, ranked], level=level)
        pairs = zip(best.tolist(), worst.tolist(), strict=True)
        intervals = dict(zip(symbols, pairs, strict=True))
    rows = listed_rows(result, top) if listed is None else listed
    shown = [
        (int(result.scores.rank[row]), intervals[result.scores.symbols[row]])
        for row in rows
        if ranked[row]
    ]
    return RankInference(
        intervals=intervals,
        stability=RankStability(
            draws=draws,
            level=level,
            block_bars=block_bars,
            indistinct=indistinct_runs(shown),
        ),
    )


def _check(draws: int, level: float, block_bars: int) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must be in (0, 1), was {level:g}")
    least = max(_PAIR, ceil(level / (1 - level) - _RESOLUTION))
    if draws < least:
        raise ValueError(
            f"draws must be at least {least} at level {level:g}, was {draws}"
        )
    if block_bars < 1:
        raise ValueError(f"block_bars must be at least 1, was {block_bars}")


def drawn_bars(
    snapshot: MarketSnapshot,
    *,
    draws: int = DRAWS,
    block_bars: int = BLOCK_BARS,
    seed: int = SEED,
) -> BarDraws:
    """Return the part of `rank_stability` that needs bars only, of all contracts."""
    bars = block_draws(
        snapshot.bar_count, draws=draws, block_bars=block_bars, seed=seed
    )
    return bar_draws(snapshot, snapshot.symbols, bars)


def score_draws(
    snapshot: MarketSnapshot, result: Ranking, drawn: BarDraws
) -> FloatArray:
    """Return the score of every contract of ``result`` in every drawn market.

    Returns
    -------
    ndarray of shape (draws, n_scored)
        In [0, 1]; a market in which a contract is vetoed scores it 0. NaN: it does
        not move there and has no score.
    """
    panel = (*result.scores.symbols, *dropped_symbols(result))
    tables = factor_draws(snapshot, panel, drawn)
    gss = np.full((len(tables), len(panel)), np.nan)
    for draw, table in enumerate(tables):
        moves = np.isfinite(table["natr"]) & np.isfinite(table["efficiency_ratio"])
        gss[draw, moves] = _rescored(factor_rows(table, moves), result.scores).gss
    return gss[:, : len(result.scores.symbols)]


def _rescored(table: FactorTable, like: Scores) -> Scores:
    volatility, inefficiency, trend, microstructure = astuple(like.weights)
    shares = (volatility, inefficiency, trend, microstructure)
    return scores(table, like.profile, weights=shares)


def rank_intervals(
    gss: FloatArray, rank: IntArray, drawn: FloatArray, *, level: float
) -> tuple[IntArray, IntArray]:
    """Return the best and the worst rank that the draws do not rule out.

    Parameters
    ----------
    gss, rank : ndarray of shape (n,)
        Observed scores and competition ranks.
    drawn : ndarray of shape (draws, n)
        Scores of the drawn markets; NaN: none in that draw.
    level : float
        In (0, 1).

    Returns
    -------
    best, worst : ndarray of shape (n,)
        ``1 ≤ best ≤ rank ≤ worst ≤ n``. A pair that shares fewer than two draws
        cannot be told apart; a draw without a score of its own counts against a
        contract, which widens its interval.
    """
    deviation = drawn - _mean(drawn)
    error, told = _standard_errors(deviation)
    critical = _critical_values(deviation, error, level)
    difference = np.abs(gss[:, None] - gss)
    ratio = np.full(error.shape, np.inf)
    np.divide(difference, error, out=ratio, where=error > 0)
    sure = told & (ratio > critical[:, None])
    # [i, j]: j stands before i
    ahead = rank < rank[:, None]
    best = 1 + np.sum(sure & ahead, axis=1)
    worst = len(rank) - np.sum(sure & ahead.T, axis=1)
    return best, worst


def _mean(drawn: FloatArray) -> FloatArray:
    scored = ~np.isnan(drawn)
    mean = np.zeros(drawn.shape[1])
    count = scored.sum(axis=0)
    np.divide(
        np.where(scored, drawn, 0.0).sum(axis=0), count, out=mean, where=count > 0
    )
    return mean


def _standard_errors(deviation: FloatArray) -> tuple[FloatArray, BoolArray]:
    # (n, n): standard error of each difference of two scores, and whether it can be
    # told. Draw by draw: the memory of one pair table, and exact zeros for equals.
    count = deviation.shape[1]
    squares = np.zeros((count, count))
    shared = np.zeros((count, count))
    for row in deviation:
        difference = row[:, None] - row
        both = ~np.isnan(difference)
        np.add(squares, np.square(difference), out=squares, where=both)
        shared += both
    told = shared >= _PAIR
    error = np.zeros((count, count))
    np.divide(squares, shared - 1, out=error, where=told)
    error = np.sqrt(error)
    error[error < _RESOLUTION] = 0.0
    return error, told


def _critical_values(
    deviation: FloatArray, error: FloatArray, level: float
) -> FloatArray:
    # (n,): the level quantile of the largest studentised difference of each contract
    draws, count = deviation.shape
    largest = np.zeros((draws, count))
    ratio = np.zeros((count, count))
    varies = error > 0
    for draw, row in enumerate(deviation):
        np.divide(np.abs(row[:, None] - row), error, out=ratio, where=varies)
        np.fmax.reduce(ratio, axis=1, out=largest[draw], initial=0.0)
    largest[np.isnan(deviation)] = np.inf
    place = ceil((draws + 1) * level - _RESOLUTION)
    critical: FloatArray = np.sort(largest, axis=0)[place - 1]
    return critical


def indistinct_runs(
    listed: Sequence[tuple[int, RankInterval]],
) -> tuple[RankInterval, ...]:
    """Return first and last rank of each run of ranks that cannot be told apart.

    Parameters
    ----------
    listed : sequence of (rank, interval)
        In the order of the list.

    Returns
    -------
    tuple of (first, last)
        Every interval of a run holds all its ranks. Runs are taken from the top,
        each as long as it can be; they do not overlap. Ties alone are no run:
        equal ranks say so themselves.
    """
    runs: list[RankInterval] = []
    start = 0
    while start < len(listed):
        end = start
        while end + 1 < len(listed) and _alike(listed[start : end + 2]):
            end += 1
        first, last = listed[start][0], listed[end][0]
        if first < last:
            runs.append((first, last))
        start = end + 1
    return tuple(runs)


def _alike(run: Sequence[tuple[int, RankInterval]]) -> bool:
    first, last = run[0][0], run[-1][0]
    return all(best <= first and worst >= last for _, (best, worst) in run)
