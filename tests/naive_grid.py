"""Slow twins of the grid plan: one order at a time, nothing but the definition."""

from decimal import Decimal
from fractions import Fraction

from monitor.domain.instruments import LeverageBracket


def naive_levels(lower: Decimal, upper: Decimal, step: Decimal) -> tuple[Decimal, ...]:
    levels = []
    level = lower
    while level <= upper:
        levels.append(level)
        level += step
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
