"""Slow twins of bounds, spacing and portfolio: one bar, one level at a time."""

from decimal import Decimal
from math import ceil, floor, isnan, nan


def naive_path(
    bars: list[tuple[float, float, float, float]],
) -> list[float]:
    path: list[float] = []
    for opened, high, low, close in bars:
        if close >= opened:
            path += [opened, low, high, close]
        else:
            path += [opened, high, low, close]
    return path


def naive_moves(path: list[int], spacing: int, offset: int) -> tuple[int, int]:
    """Walk tick by tick; return (moves from level to level, net levels)."""
    touched: list[int] = []
    place = path[0]
    walked = [place]
    for target in path[1:]:
        while place != target:
            place += 1 if target > place else -1
            walked.append(place)
    for price in walked:
        level, rest = divmod(price - offset, spacing)
        if rest == 0 and (not touched or touched[-1] != level):
            touched.append(level)
    if not touched:
        return 0, 0
    return len(touched) - 1, abs(touched[-1] - touched[0])


def naive_draw_down(
    low: list[float], close: list[float], horizon: int, quantile: float
) -> float:
    if len(close) <= horizon or any(isnan(x) for x in (*low[1:], *close)):
        return nan
    falls = []
    for t in range(len(close) - horizon):
        lowest = min(low[t + 1 : t + 1 + horizon])
        falls.append(1 - lowest / close[t])
    falls.sort()
    place = quantile * (len(falls) - 1)
    before, after = falls[floor(place)], falls[ceil(place)]
    return before + (place - floor(place)) * (after - before)


def naive_squeeze_loss(
    levels: tuple[Decimal, ...],
    price: Decimal,
    quantity: Decimal,
    *,
    initial_lots: int,
    risen: Decimal,
    fees: tuple[Decimal, Decimal],
) -> Decimal:
    """Loss of the way up to ``risen`` and of buying everything back there."""
    maker, taker = fees
    loss = Decimal(0)
    for _ in range(initial_lots):
        loss += quantity * (risen - price) + quantity * taker * (price + risen)
    for level in levels:
        if price < level <= risen:
            loss += quantity * (risen - level)
            loss += quantity * (maker * level + taker * risen)
    return loss


def naive_bets(returns: list[list[float]]) -> float:
    def correlation(a: list[float], b: list[float]) -> float:
        mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
        cross = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
        own_a = sum((x - mean_a) ** 2 for x in a)
        own_b = sum((y - mean_b) ** 2 for y in b)
        return cross / (own_a * own_b) ** 0.5

    total = sum(correlation(a, b) for a in returns for b in returns)
    return len(returns) ** 2 / total
