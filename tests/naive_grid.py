"""Slow twins of the grid plan: one order at a time, nothing but the definition."""

from decimal import Decimal
from fractions import Fraction
from math import ceil

from monitor.domain.instruments import LeverageBracket


def naive_levels(lower: Decimal, upper: Decimal, step: Decimal) -> tuple[Decimal, ...]:
    levels = []
    level = lower
    while level <= upper:
        levels.append(level)
        level += step
    return tuple(levels)


def naive_geometric_ticks(
    lower: int,
    upper: int,
    *,
    step: Fraction,
    price: Fraction,
    least: int,
    most: int,
) -> tuple[int, ...]:
    """Return the levels of a geometric grid by whole numbers only; all in ticks."""
    ratio = 1 + max(step / price, Fraction(least, lower))
    level, cells = Fraction(lower), 0
    while level * ratio <= upper and cells < most:
        level, cells = level * ratio, cells + 1
    if cells < most:
        return naive_even_ratios(lower, ceil(level), cells)
    # the ratio of which `most` cells end one tick beyond: t ≥ L·((U + 1)/L)^(n − 1)/n
    target = lower * (upper + 1) ** (most - 1)
    low, top = lower, upper + 1
    while top - low > 1:
        middle = (low + top) // 2
        low, top = (low, middle) if middle**most >= target else (middle, top)
    return naive_even_ratios(lower, top, most - 1)


def naive_even_ratios(lower: int, upper: int, cells: int) -> tuple[int, ...]:
    """Return the ticks nearest to lower · (upper/lower)^(i/cells), halves upwards."""
    if cells < 1:
        return (lower,)
    levels = []
    for i in range(cells + 1):
        power = lower ** (cells - i) * upper**i
        # largest t with t − ½ ≤ x  ⇔  (2t − 1)^n ≤ 2^n · x^n
        low, high = lower, upper + 1
        while high - low > 1:
            middle = (low + high) // 2
            if (2 * middle - 1) ** cells <= 2**cells * power:
                low = middle
            else:
                high = middle
        levels.append(low)
    return tuple(levels)


def naive_sales(
    levels: tuple[Decimal, ...],
    price: Decimal,
    quantity: Decimal,
    *,
    flat: bool = False,
) -> list[tuple[Decimal, Decimal]]:
    """Return (price, quantity) of every sale on the straight way to the top."""
    initial = [(price, quantity) for level in levels if level < price and not flat]
    return initial + [(level, quantity) for level in levels if level > price]


def naive_loss(sales: list[tuple[Decimal, Decimal]], at: Decimal) -> Decimal:
    return sum((quantity * (at - sold) for sold, quantity in sales), Decimal(0))


def naive_maintenance(
    notional: Fraction, brackets: tuple[LeverageBracket, ...]
) -> Fraction:
    """Return Σ over brackets of the notional inside each × its rate."""
    margin = Fraction(0)
    for row in brackets:
        floor = Fraction(row.notional_floor)
        if notional > floor:
            cap = notional
            if row.notional_cap.is_finite() and row is not brackets[-1]:
                cap = min(notional, Fraction(row.notional_cap))
            margin += (cap - floor) * Fraction(row.maintenance_margin_rate)
    return margin


def naive_survives(
    sales: list[tuple[Decimal, Decimal]],
    wallet: Decimal,
    mark: Decimal,
    brackets: tuple[LeverageBracket, ...],
) -> bool:
    """Return whether the short's equity covers its maintenance margin at ``mark``."""
    equity = Fraction(wallet) - Fraction(naive_loss(sales, mark))
    total = sum((Fraction(quantity) for _, quantity in sales), Fraction(0))
    return equity >= naive_maintenance(total * Fraction(mark), brackets)
