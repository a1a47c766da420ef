"""Where levels stand, in whole ticks: evenly apart, or each a ratio above the last.

A *gap* is what makes the next level: a step in ticks, or a ratio.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import (
    ROUND_CEILING,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    localcontext,
)
from math import log, log1p
from typing import ClassVar, Protocol, TypeAlias

from grid_screening.backtest.grids import Spacing

PLAN_PRECISION = Context(prec=50, rounding=ROUND_HALF_EVEN)
"""Products of tick, step and margin stay exact."""

_TOLERANCE = Decimal("1e-20")
# ticks; errors of roots and powers of 50 digits are far below
_NEWTON_STEPS = 3
# the error squares each time, times less than the degree: from 1e-15 beyond 50 digits


Gap: TypeAlias = int | Decimal
"""A step in ticks, or a ratio."""


class Spaced(Protocol):
    """How levels between two bounds follow each other. Numbers are ticks."""

    spacing: ClassVar[Spacing]

    @property
    def lower(self) -> int:
        """First level."""
        ...

    @property
    def upper(self) -> int:
        """No level lies above."""
        ...

    def gap(self, step: Decimal, *, least: int, price: Decimal) -> Gap:
        """Return the gap of ``step`` at ``price``, no cell narrower than ``least``."""
        ...

    def gap_for(self, most: int) -> Gap:
        """Return the smallest gap that leaves at most ``most`` levels."""
        ...

    def gap_to(self, level: int) -> Gap:
        """Return the gap that puts the second level at ``level``."""
        ...

    def step(self, gap: Gap, price: Decimal) -> Decimal:
        """Return the distance of the levels near ``price``."""
        ...

    def count(self, gap: Gap) -> int:
        """Return how many levels there are."""
        ...

    def levels(self, gap: Gap) -> Sequence[int]:
        """Return the levels, ascending."""
        ...


@dataclass(frozen=True, slots=True)
class EvenSteps:
    """Arithmetic: ``lower + i · gap``, as far as ``upper``."""

    spacing: ClassVar[Spacing] = Spacing.ARITHMETIC
    lower: int
    upper: int

    def gap(self, step: Decimal, *, least: int, price: Decimal) -> int:  # noqa: ARG002
        """See `Spaced`; the step is rounded down to whole ticks."""
        return max(int(step), least)

    def gap_for(self, most: int) -> int:
        """See `Spaced`."""
        # floor(span / step) + 1 ≤ most  ⇔  step > span / most
        return (self.upper - self.lower) // most + 1

    def gap_to(self, level: int) -> int:
        """See `Spaced`."""
        return level - self.lower

    def step(self, gap: Gap, price: Decimal) -> Decimal:  # noqa: ARG002
        """See `Spaced`."""
        return Decimal(gap)

    def count(self, gap: Gap) -> int:
        """See `Spaced`."""
        return len(self.levels(gap))

    def levels(self, gap: Gap) -> range:
        """See `Spaced`."""
        return range(self.lower, self.upper + 1, int(gap))


@dataclass(frozen=True, slots=True)
class EvenRatios:
    """Geometric: ``lower · gap ** i``, as far as ``upper``; then on whole ticks.

    The last level is rounded up to a whole tick, and the ratio that leads exactly
    there spaces the others (`geometric_ticks`): a little wider than ``gap``, never
    narrower.
    """

    spacing: ClassVar[Spacing] = Spacing.GEOMETRIC
    lower: int
    """At least 1."""
    upper: int

    def gap(self, step: Decimal, *, least: int, price: Decimal) -> Decimal:
        """See `Spaced`; the lowest cell is the narrowest."""
        return 1 + max(step / price, Decimal(least) / self.lower)

    def gap_for(self, most: int) -> Decimal:
        """See `Spaced`."""
        # the level after the last stands on the first tick beyond
        return _root(Decimal(self.upper + 1) / self.lower, most)

    def gap_to(self, level: int) -> Decimal:
        """See `Spaced`."""
        return Decimal(level) / self.lower

    def step(self, gap: Gap, price: Decimal) -> Decimal:
        """See `Spaced`."""
        return price * (gap - 1)

    def count(self, gap: Gap) -> int:
        """See `Spaced`."""
        if self.upper < self.lower:
            return 0
        with localcontext(PLAN_PRECISION):
            reach = Decimal(self.upper) / self.lower + _TOLERANCE / self.lower
            cells = int(log(reach) / log1p(gap - 1))
            # floats may be a cell off
            while Decimal(gap) ** cells > reach:
                cells -= 1
            while Decimal(gap) ** (cells + 1) <= reach:
                cells += 1
        return cells + 1

    def levels(self, gap: Gap) -> tuple[int, ...]:
        """See `Spaced`."""
        count = self.count(gap)
        if count <= 1:
            return (self.lower,)[:count]
        with localcontext(PLAN_PRECISION):
            last = self.lower * Decimal(gap) ** (count - 1) - _TOLERANCE
            top = int(last.to_integral_value(ROUND_CEILING))
        return geometric_ticks(self.lower, min(top, self.upper), count - 1)


def spaced(spacing: Spacing, lower: int, upper: int) -> Spaced:
    """Return the levels between two ticks that are spaced in this way."""
    if spacing is Spacing.GEOMETRIC:
        return EvenRatios(lower, upper)
    return EvenSteps(lower, upper)


def geometric_ticks(lower: int, upper: int, cells: int) -> tuple[int, ...]:
    """Return ``lower · (upper ÷ lower) ** (i ÷ cells)`` in whole ticks.

    Parameters
    ----------
    lower, upper : int
        First and last level, ticks, ``1 <= lower < upper``.
    cells : int
        At least 1.

    Returns
    -------
    tuple of int
        ``cells + 1`` levels, each the nearest tick, the upper one of two. They are
        distinct where ``lower · (ratio − 1) >= 1``.
    """
    with localcontext(PLAN_PRECISION):
        ratio = geometric_ratio(Decimal(lower), Decimal(upper), cells)
        level, found = Decimal(lower), []
        for _ in range(cells):
            found.append(int(level.to_integral_value(ROUND_HALF_UP)))
            level *= ratio
    return (*found, upper)


def geometric_ratio(lower: Decimal, upper: Decimal, cells: int) -> Decimal:
    """Return ``(upper ÷ lower) ** (1 ÷ cells)`` to 50 digits."""
    with localcontext(PLAN_PRECISION):
        return _root(upper / lower, cells)


def _root(value: Decimal, degree: int) -> Decimal:
    # by Newton from the nearest float: a tenth of the time of a power with a fraction
    with localcontext(PLAN_PRECISION):
        root = Decimal(float(value) ** (1 / degree))
        for _ in range(_NEWTON_STEPS):
            power = root ** (degree - 1)
            root -= (power * root - value) / (degree * power)
    return root
