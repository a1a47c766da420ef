"""The compiled loops of the simulator; the rules are told in ``simulator.md``.

All of them stand here: a function cached on disk does not notice that one it calls in
another file has changed. Import this where it is used, numba takes half a second.

A grid is a cursor: the cells below it are short, the next sale stands one level above
it, the next purchase one below. Where it goes at a price depends on the price and on
where it stood; what was bought and sold follows from running sums of the levels it
passed. A leg costs the same through no level or fifty, without unforeseeable branches.
"""

from typing import Any

import numpy as np

from grid_screening.backtest.compilation import cached, compiled, inlined
from grid_screening.backtest.kernel_types import Bars, Grid, Ladder, Rules, Run, Terms
from monitor.domain.typing import FloatArray, IntArray

ALIVE, HORIZON, STOPPED, TAKE_PROFIT, LIQUIDATED, NO_DATA = -1, 0, 1, 2, 3, 4
"""Values of `EndReason`, and one for a grid that goes on."""
CANDLE, LOW_FIRST = 0, 1
"""Positions in `FillOrder`."""
LOADED = 0
"""Of `Start`."""

_TO_OPEN, _TO_FIRST, _TO_CLOSE, _LEGS = 0, 1, 3, 4
_WORST, _PEAK, _DRAWDOWN, _INSIDE, _MARKS = 0, 1, 2, 3, 4
_CAP, _RATE, _CUMULATIVE = 0, 1, 2
_TOUCH = 1e-10
# a level computed as lower + i·step may differ by a few units in the last place from
# the recorded price it equals; far below any tick
_MOST_BUCKETS = 4096
_at = np.uint32  # an index: no code for such that count from the end
_NEVER = np.iinfo(np.int64).max


@inlined
def moved(cursor: int, price: float, base: int, ladder: Ladder) -> int:
    """Return the cursor after the price went to ``price``, up or down."""
    bucket = (price - ladder.level[0]) * ladder.per_bucket
    bucket = bucket if bucket > 0.0 else 0.0  # noqa: FURB136  # no code for NaN
    bucket = bucket if bucket < ladder.last_bucket else ladder.last_bucket  # noqa: FURB136
    cells, near = ladder.level.size - 1, int(ladder.nearest[_at(bucket)])
    if ladder.crowded:
        while near < cells and price >= ladder.sell_at[near + 1]:
            near += 1
        while near > 0 and price < ladder.sell_at[near]:
            near -= 1
    # whichever neighbour is nearest: levels not above the price, cells not below it
    sold = near - int(price < ladder.sell_at[_at(near)])
    kept = near + int(price > ladder.buy_at[_at(near)])
    least, most = max(sold, base), min(kept, cells)
    # only this waits for the leg before
    return max(min(cursor, most), least)


@inlined
def after_leg(run: Run, price: float, grid: Grid) -> Run:
    """Return the run after the price went to ``price`` with the fills on its way."""
    level, sums, now = grid.ladder.level, grid.ladder.sums, run.cursor
    k = moved(now, price, grid.terms.base, grid.ladder)
    return Run(
        run.reason,
        price,
        k,
        run.lower_sum + abs(sums[_at(k)] - sums[_at(now)]),
        run.width_sum + abs(level[_at(k)] - level[_at(now)]),
        run.fills + abs(k - now),
        run.funding,
        run.static_funding,
    )


@inlined
def settled(run: Run, paid: float, grid: Grid) -> Run:
    """Return the run after ``paid`` was settled on each unit held."""
    funding = run.funding + paid * (run.cursor - grid.terms.base)
    return Run(*run[:6], funding, run.static_funding + paid)


@inlined
def ended(run: Run, reason: int, price: float) -> Run:
    """Return the run as it ended."""
    return Run(reason, price, *run[2:])


@inlined
def fill_sum(run: Run, grid: Grid) -> float:
    """Return the sum of the prices of all fills."""
    # of each fill the lower level, and of the sales the cell's width more
    level = grid.ladder.level
    net: float = level[_at(run.cursor)] - level[_at(grid.terms.first)]
    return run.lower_sum + 0.5 * (run.width_sum + net)


@inlined
def equity(run: Run, price: float, grid: Grid) -> float:
    """Return the change of equity since the start with the price at ``price``."""
    terms, rules, sums = grid.terms, grid.rules, grid.ladder.sums
    k, first, fills = run.cursor, terms.first, fill_sum(run, grid)
    held = first - terms.base
    traded = sums[_at(k)] - sums[_at(first)] + fills - run.lower_sum
    gross: float = held * (terms.price - price) + traded - (k - first) * price
    fees: float = rules.maker * fills + rules.taker * held * terms.price
    return terms.quantity * (gross - fees + run.funding)


@inlined
def liquidation_price(run: Run, grid: Grid) -> float:
    """Return the price at which the lots held now are liquidated, infinite: none."""
    terms, brackets = grid.terms, grid.terms.brackets
    size = terms.quantity * (run.cursor - terms.base)
    if size == 0.0 or terms.margin == np.inf:
        return np.inf
    wallet, found = terms.margin + equity(run, 0.0, grid), np.inf
    for b in range(brackets.shape[1]):
        found = (wallet + brackets[_CUMULATIVE, b]) / (
            size * (1.0 + brackets[_RATE, b])
        )
        if size * found <= brackets[_CAP, b]:
            break
    return found


@inlined
def alarm_price(funding: float, grid: Grid) -> float:
    """Return a price below which the grid is not liquidated, whatever it holds.

    Where each round trip earns its fees, no way to a state leaves less equity than
    the straight one, and the fully loaded one is the first to go. Elsewhere: −inf.
    """
    if grid.terms.margin == np.inf:
        return np.inf
    level, sums, first = grid.ladder.level, grid.ladder.sums, grid.terms.first
    top = level.size - 1
    for i in range(top):
        if level[i + 1] - level[i] < grid.rules.maker * (level[i] + level[i + 1]):
            return -np.inf
    lower_sum, width_sum = sums[top] - sums[first], level[top] - level[first]
    straight = Run(ALIVE, 0.0, top, lower_sum, width_sum, 0, min(funding, 0.0), 0.0)
    found = liquidation_price(straight, grid)
    return found if found >= level[top] else -np.inf


@inlined
def marked(marks: FloatArray, change: float) -> None:
    """Take a change of equity into the worst, the peak and the drawdown."""
    marks[_WORST] = min(marks[_WORST], change)
    marks[_PEAK] = max(marks[_PEAK], change)
    marks[_DRAWDOWN] = max(marks[_DRAWDOWN], marks[_PEAK] - change)


@inlined
def careful_bar(t: int, due: float, run: Run, grid: Grid) -> Run:  # noqa: C901
    """Walk one bar leg by leg; look after each for whatever ends a grid."""
    bars, terms, rules = grid.bars, grid.terms, grid.rules
    opened, high, low, close = bars.open[t], bars.high[t], bars.low[t], bars.close[t]
    if not (opened > 0.0 and high > 0.0 and low > 0.0 and close > 0.0):
        return ended(run, NO_DATA, run.price)
    rising = rules.order == CANDLE and close >= opened
    low_first = rules.order == LOW_FIRST or rising
    for leg in range(_LEGS):
        at_extreme = _TO_OPEN < leg < _TO_CLOSE
        to_high = at_extreme and (leg == _TO_FIRST) != low_first
        ends = opened if leg == _TO_OPEN else close
        price = (high if to_high else low) if at_extreme else ends
        stopped, bought = price >= terms.stop_at, price <= terms.floor_at
        if stopped and leg != _TO_OPEN:
            price = terms.stop_price
        run = after_leg(run, price, grid)
        if rules.traced:
            grid.trace[t, leg:_LEGS] = run.cursor
        if leg == _TO_OPEN and not (stopped or bought):
            run = settled(run, due * price, grid)
        mark = price
        if rules.has_mark and bars.mark_high[t] > 0.0:
            exact = to_high and not stopped
            mark = bars.mark_high[t] if exact else min(price, bars.mark_high[t])
        limit = liquidation_price(run, grid)
        if mark >= limit:
            return ended(run, LIQUIDATED, limit)
        if stopped:
            return ended(run, STOPPED, price * (1.0 + rules.slippage))
        if bought:
            return ended(run, TAKE_PROFIT, grid.ladder.level[0])
        if rules.full and at_extreme:
            marked(grid.marks, equity(run, price, grid))
    grid.marks[_INSIDE] += 1.0 if close <= grid.ladder.buy_at[-1] else 0.0
    if rules.traced:
        grid.trace[t, _LEGS] = equity(run, close, grid)
    return run


@inlined
def calm_bar(t: int, due: float, run: Run, grid: Grid) -> Run:
    """Walk one bar in which nothing can end the grid."""
    bars, ladder, rules, k = grid.bars, grid.ladder, grid.rules, run.cursor
    opened, high, low, close = bars.open[t], bars.high[t], bars.low[t], bars.close[t]
    below = max(k, 1) - 1
    if opened >= ladder.sell_at[_at(k + 1)] or opened <= ladder.buy_at[_at(below)]:
        run = after_leg(run, opened, grid)
    if due != 0.0:
        run = settled(run, due * opened, grid)
    # no short-circuit: a branch on the candle's colour is mispredicted half the time
    rising = (rules.order == CANDLE) & (close >= opened)
    low_first = (rules.order == LOW_FIRST) | rising
    run = after_leg(run, low if low_first else high, grid)
    if rules.full:
        marked(grid.marks, equity(run, run.price, grid))
    run = after_leg(run, high if low_first else low, grid)
    if rules.full:
        marked(grid.marks, equity(run, run.price, grid))
        grid.marks[_INSIDE] += 1.0 if close <= ladder.buy_at[-1] else 0.0
    return after_leg(run, close, grid)


@inlined
def grid_run(begin: int, end: int, grid: Grid) -> tuple[Run, int]:
    """Run one grid; return how it ended and in which bar."""
    bars, terms, rules = grid.bars, grid.terms, grid.rules
    event, events = 0, bars.funding_bar.size
    while event < events and bars.funding_bar[event] < begin:
        event += 1
    next_bar = bars.funding_bar[event] if event < events else _NEVER
    alarm = -np.inf if rules.traced else alarm_price(0.0, grid)
    run = Run(ALIVE, terms.price, terms.first, 0.0, 0.0, 0, 0.0, 0.0)
    for t in range(begin, end):
        due = 0.0
        calm = bars.low[t] > terms.floor_at and bars.high[t] < min(terms.stop_at, alarm)
        if rules.has_mark:
            calm = calm and bars.mark_high[t] < alarm
        if t == next_bar:
            while event < events and bars.funding_bar[event] == t:
                due += bars.funding_rate[event]
                event += 1
            next_bar = bars.funding_bar[event] if event < events else _NEVER
            calm = calm and due >= 0.0
        if calm:
            run = calm_bar(t, due, run, grid)
            continue
        run = careful_bar(t, due, run, grid)
        if run.reason != ALIVE:
            return run, t
        if due < 0.0 and not rules.traced:
            alarm = alarm_price(run.funding, grid)
    return ended(run, HORIZON, run.price), end - 1


@compiled
def ladder_of(lower: float, step: float, ratio: float, count: int) -> Ladder:
    """Return the levels of a grid with their look-up.

    A bucket is half as wide as the narrowest cell (unless that were too many): the
    level nearest to its middle is a neighbour of whatever lies in it.
    """
    level, sums, buy_at = np.empty(count), np.empty(count), np.empty(count)
    sell_at, narrowest = np.empty(count + 1), np.inf
    at, total, last = lower, 0.0, count - 1
    for i in range(count):
        level[i], sums[i] = at, total
        sell_at[i], buy_at[i] = at * (1.0 - _TOUCH), at * (1.0 + _TOUCH)
        total += at
        above = at * ratio if ratio > 1.0 else lower + (i + 1) * step
        narrowest, at = min(narrowest, above - at), above
    sell_at[count] = np.inf
    wanted = np.ceil(2.0 * (level[last] - lower) / narrowest)
    nearest = np.empty(int(min(wanted, _MOST_BUCKETS)), np.int64)
    width, i = (level[last] - lower) / nearest.size, 0
    border = 0.5 * (level[0] + level[1])
    for bucket in range(nearest.size):
        while i < last and border < lower + (bucket + 0.5) * width:
            i += 1
            border = 0.5 * (level[i] + level[min(i + 1, last)])
        nearest[bucket] = i
    crowded, most = wanted > _MOST_BUCKETS, nearest.size - 1.0
    return Ladder(level, sums, sell_at, buy_at, nearest, 1.0 / width, most, crowded)


@compiled
def terms_of(setup: Any, ladder: Ladder, brackets: FloatArray) -> Terms:
    """Return what else is fixed for the grid ``setup``, a record of `GRID`."""
    first = 0
    while first < ladder.level.size - 1 and setup.price > ladder.buy_at[first]:
        first += 1
    return Terms(
        setup.price,
        setup.quantity,
        setup.margin,
        setup.stop_price,
        setup.stop_price * (1.0 - _TOUCH),
        ladder.buy_at[0],
        0 if setup.start == LOADED else first,
        first,
        brackets,
    )


@inlined
def noted(end: Any, run: Run, bar: int, grid: Grid) -> None:
    """Write into ``end``, a record of `END`, how the grid ended."""
    level, sums, terms = grid.ladder.level, grid.ladder.sums, grid.terms
    k, first, marks = run.cursor, terms.first, grid.marks
    end.reason, end.bar, end.price, end.fills = run.reason, bar, run.price, run.fills
    end.base, end.initial_lots, end.lots = (
        terms.base,
        first - terms.base,
        k - terms.base,
    )
    end.fill_sum, end.width_sum = fill_sum(run, grid), run.width_sum
    end.middle_sum = sums[k] - sums[first] + 0.5 * (level[k] - level[first])
    end.upper_bound, end.left = level[-1], terms.margin + equity(run, run.price, grid)
    end.funding, end.static_funding = run.funding, run.static_funding
    marked(marks, end.pnl)
    end.worst, end.peak, end.drawdown = marks[_WORST], marks[_PEAK], marks[_DRAWDOWN]
    end.inside = int(marks[_INSIDE])


@cached
def batch(  # noqa: PLR0917  # tuples of own types are not for the cache on disk
    prices: tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray],
    funding: tuple[IntArray, IntArray, FloatArray],
    brackets: FloatArray,
    setups: Any,
    rules: tuple[float, float, float, int, bool, bool, bool],
    ends: Any,
    trace: FloatArray,
) -> None:
    """Run the grids ``setups`` and write how they ended into ``ends``."""
    open_, high, low, close, mark_high = prices
    offset, funding_bar, funding_rate = funding
    for i in range(setups.size):
        setup, end = setups[i], ends[i]
        row, mark_row = setup.row, min(setup.row, mark_high.shape[0] - 1)
        paid = slice(offset[row], offset[row + 1])
        settlements = funding_bar[paid], funding_rate[paid]
        extremes = high[row], low[row], close[row], mark_high[mark_row]
        bars = Bars(open_[row], *extremes, *settlements)
        step, ratio = setup.grid_step, setup.grid_ratio
        ladder = ladder_of(setup.lower_bound, step, ratio, setup.level_count)
        terms = terms_of(setup, ladder, brackets[row])
        grid = Grid(bars, ladder, terms, Rules(*rules), np.zeros(_MARKS), trace)
        run, bar = grid_run(setup.begin, min(setup.end, close.shape[1]), grid)
        closing = terms.quantity * (run.cursor - terms.base) * run.price
        end.pnl = equity(run, run.price, grid) - grid.rules.taker * closing
        if run.reason == LIQUIDATED:
            end.pnl = -terms.margin
        if grid.rules.full:
            noted(end, run, bar, grid)
