"""Which spacing would have harvested most, by one-minute bars.

For a fixed capital over a fixed range the net harvest of a grid is proportional to
``[X]_h · (1 − 2f/h)``: h the spacing, f the maker fee, ``[X]_h = N_h · h²`` the squared
movement that the levels see, N_h the moves from level to level (each a fill). On a
driftless Brownian motion [X]_h does not depend on h, and wider is better by the fees
only; a denser grid pays where prices turn back soon.

Prices are whole ticks here, so levels are met exactly.
"""

from dataclasses import dataclass
from decimal import Decimal
from math import inf, sqrt

import numpy as np

from grid_screening.calculators.efficiency import efficiency_ratio
from monitor.domain.typing import FloatArray, IntArray

CANDIDATES = 48
"""Spacings tried, evenly apart in logarithm, rounded to the tick."""
OFFSETS = 8
"""Places of the levels each spacing is tried at; their mean counts, so that no
spacing wins by where its levels happen to stand."""
LEAST_MOVES = 12
"""Moves from level to level without which a spacing is not judged: half of them by
luck would be a quarter of its harvest."""
MINUTES_PER_DAY = 1440
DISPLACEMENT_STEPS = 240
DISPLACEMENT_SCALE = 1.18
"""Median of path ÷ net move of a random walk of N steps, ÷ √N."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepSpacing:
    """The spacing of a plan and the default one, measured on one-minute bars.

    Measured on the same bars that the spacing was chosen by: the chosen one looks
    better than it is.
    """

    grid_step_default: Decimal
    """What the spacing would be without these bars, quote currency."""
    deep_bars: int
    """One-minute bars."""
    variation_per_day: float
    """[X]_h ÷ price², a day, of the plan's spacing."""
    variation_per_day_default: float
    level_moves_per_day: float
    """Fills a day if no level ended: moves from level to level."""
    level_moves_per_day_default: float
    measured_trips_per_day: float
    """Round trips a day: (moves − net displacement in levels) ÷ 2."""
    measured_trips_per_day_default: float
    volatility_displacement: float
    """Path ÷ net move of the last 240 closes, 1/KER; infinite when it came back to
    where it was, NaN without a move."""
    volatility_displacement_scaled: float
    """The same ÷ (1.18 · √240), its median on a random walk: near 1 it is noise."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelMoves:
    """What grids of ``m`` spacings met on one path; arrays of shape ``(m,)``."""

    count: FloatArray
    """Moves from level to level, mean over the offsets."""
    net: FloatArray
    """Levels between the first and the last one touched, mean over the offsets."""


def price_path(
    open_: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray
) -> FloatArray:
    """Return the turning points of bars: each bar in the order of its candle.

    Parameters
    ----------
    open_, high, low, close : ndarray of shape (n_bars,)
        Prices, quote currency.

    Returns
    -------
    ndarray of shape (4 · n_bars,)
        Open, low, high, close where close ≥ open, else open, high, low, close: the
        order in which the simulator fills.
    """
    rising = close >= open_
    first, second = np.where(rising, low, high), np.where(rising, high, low)
    path: FloatArray = np.stack([open_, first, second, close], axis=-1).reshape(-1)
    return path


def whole_ticks(prices: FloatArray, tick_size: Decimal) -> IntArray:
    """Return prices as multiples of the tick, the nearest where one is between."""
    ticks: IntArray = np.rint(prices / float(tick_size)).astype(np.int64)
    return ticks


def candidate_spacings(
    *, least: int, most: int, candidates: int = CANDIDATES
) -> IntArray:
    """Return legal spacings in ticks, ascending, each once.

    Parameters
    ----------
    least, most : int
        Smallest and largest one, ticks, ``1 <= least``; with ``most < least`` only
        the smallest is legal.
    candidates : int
        At most so many, at least 2.
    """
    if most <= least:
        return np.array([least], dtype=np.int64)
    return np.unique(np.rint(np.geomspace(least, most, candidates)).astype(np.int64))


def level_moves(
    path: IntArray, spacings: IntArray, *, offsets: int = OFFSETS
) -> LevelMoves:
    """Return the moves of a path between the levels of each spacing.

    Levels stand at ``offset + k · spacing`` for all k, the offsets being
    ``spacing · j // offsets`` for j = 0 … offsets − 1. The first level touched counts
    for nothing; from level k a move is a touch of k + 1 or k − 1. A step over several
    levels makes as many moves.

    Parameters
    ----------
    path : ndarray of shape (n,)
        Prices in ticks, n ≥ 1.
    spacings : ndarray of shape (m,)
        In ticks, ≥ 1.
    offsets : int
        At least 1.
    """
    width = spacings[:, None]
    offset = width * np.arange(offsets) // offsets
    # the level last touched lies in [low, high]: one number once there is one
    low, high = _floor_and_ceiling(path[0], width, offset)
    first = np.full(low.shape, np.iinfo(np.int64).min)
    first[low == high] = low[low == high]
    count = np.zeros(low.shape, dtype=np.int64)
    for price in turning_points(path)[1:]:
        floor, ceiling = _floor_and_ceiling(price, width, offset)
        up, down = floor >= high, ceiling <= low
        untouched = low != high
        begun = untouched & (up | down)
        first[begun] = np.where(up, high, low)[begun]
        count += np.where(up, floor - high, np.where(down, low - ceiling, 0))
        level = np.where(up, floor, ceiling)
        touched = up | down
        low = np.where(touched, level, low)
        high = np.where(touched, level, high)
    net = np.where(low == high, np.abs(low - first), 0)
    return LevelMoves(count=count.mean(axis=-1), net=net.mean(axis=-1))


def turning_points(path: IntArray) -> IntArray:
    """Return the first, the last and every value where the direction changes.

    Between them nothing is met that they do not meet. Shape ``(k,)``, k ≤ n.
    """
    moved = path[np.concatenate([[True], np.diff(path) != 0])]
    direction = np.sign(np.diff(moved))
    turns = np.ones(moved.shape[0], dtype=np.bool_)
    turns[1:-1] = direction[1:] != direction[:-1]
    points: IntArray = moved[turns]
    return points


def net_harvest(moves: FloatArray, spacings: IntArray, *, fee: float) -> FloatArray:
    """Return ``[X]_h · (1 − 2f/h)`` of each spacing, ticks².

    Parameters
    ----------
    moves : ndarray of shape (m,)
        Moves from level to level.
    spacings : ndarray of shape (m,)
        Ticks.
    fee : float
        Maker fee of one lot at the price, ticks.
    """
    return moves * spacings**2.0 * (1 - 2 * fee / spacings)


def best_spacing(
    path: IntArray,
    *,
    least: int,
    most: int,
    fee: float,
    least_moves: float = LEAST_MOVES,
) -> int | None:
    """Return the spacing of the largest net harvest, the widest of equals, in ticks.

    Parameters
    ----------
    path : ndarray of shape (n,)
        Prices in ticks (`price_path`, `whole_ticks`).
    least, most : int
        Smallest and largest legal spacing, ticks.
    fee : float
        Maker fee of one lot at the price, ticks.
    least_moves : float
        Spacings with fewer moves are not judged.

    Returns
    -------
    int or None
        None: no spacing was met often enough.

    Notes
    -----
    The sampling error of [X]_h is large: about √(2/3N) of it for N moves of a random
    walk. The best of many looks better than it is.
    """
    spacings = candidate_spacings(least=least, most=most)
    moves = level_moves(path, spacings).count
    judged = moves >= least_moves
    if not judged.any():
        return None
    spacings, moves = spacings[judged][::-1], moves[judged][::-1]
    return int(spacings[np.argmax(net_harvest(moves, spacings, fee=fee))])


def volatility_displacement(close: FloatArray) -> float:
    """Return path ÷ net move over the last 240 steps.

    Parameters
    ----------
    close : ndarray of shape (n_bars,)
        Closes of one-minute bars.

    Returns
    -------
    float
        ≥ 1; infinite without net move; NaN with fewer than 241 closes or no move.
    """
    ratio = float(efficiency_ratio(close, window=DISPLACEMENT_STEPS)[-1])
    return 1 / ratio if ratio else inf


def measured_spacing(
    path: IntArray,
    *,
    tick_size: Decimal,
    price: Decimal,
    grid_step: Decimal,
    default_step: Decimal,
    close: FloatArray,
) -> DeepSpacing:
    """Return what one-minute bars say about two spacings.

    Parameters
    ----------
    path : ndarray of shape (4 · n_bars,)
        Of `price_path`, in ticks.
    tick_size, price, grid_step, default_step : Decimal
        Quote currency; both spacings multiples of the tick.
    close : ndarray of shape (n_bars,)
        Closes of the same bars.
    """
    steps = np.array(
        [int(step / tick_size) for step in (grid_step, default_step)], dtype=np.int64
    )
    days = close.shape[0] / MINUTES_PER_DAY
    moves = level_moves(path, steps)
    shares = steps * float(tick_size / price)
    variation = moves.count * shares**2 / days
    trips = (moves.count - moves.net) / 2 / days
    chop = volatility_displacement(close)
    return DeepSpacing(
        grid_step_default=default_step,
        deep_bars=close.shape[0],
        variation_per_day=float(variation[0]),
        variation_per_day_default=float(variation[1]),
        level_moves_per_day=float(moves.count[0] / days),
        level_moves_per_day_default=float(moves.count[1] / days),
        measured_trips_per_day=float(trips[0]),
        measured_trips_per_day_default=float(trips[1]),
        volatility_displacement=chop,
        volatility_displacement_scaled=chop
        / (DISPLACEMENT_SCALE * sqrt(DISPLACEMENT_STEPS)),
    )


def _floor_and_ceiling(
    price: int, width: IntArray, offset: IntArray
) -> tuple[IntArray, IntArray]:
    above = price - offset
    return above // width, -(-above // width)
