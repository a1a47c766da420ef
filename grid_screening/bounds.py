"""Between which prices a short grid works: how wide, and by whose measure."""

from dataclasses import dataclass
from decimal import Decimal

from grid_screening.ladder import GridRules


@dataclass(frozen=True, slots=True, kw_only=True)
class GridBounds:
    """The prices a grid may reach, before they are rounded to the tick.

    Raises
    ------
    ValueError
        Unless 0 < lower < upper, both finite.
    """

    lower: Decimal
    """The lowest level is the first legal price not below."""
    upper: Decimal
    """No level lies above."""
    source: str
    """What they were measured by: ``atr``, ``quantile``, ``value-area``, or the
    caller's own word."""
    floored: bool = False
    """Whether the lower one was raised to the lowest share of the price."""

    def __post_init__(self) -> None:
        legal = self.lower.is_finite() and self.upper.is_finite()
        if not (legal and 0 < self.lower < self.upper):
            raise ValueError(
                "bounds must be finite with 0 < lower < upper, were "
                f"{self.lower} and {self.upper}"
            )


def atr_bounds(
    price: Decimal, atr_daily: Decimal, rules: GridRules | None = None
) -> GridBounds:
    """Return the default bounds: daily ATRs below and above the price.

    Parameters
    ----------
    price, atr_daily : Decimal
        Quote currency, > 0.
    rules : GridRules, optional
        Multiples, and the share of the price that the lower bound never leaves.
    """
    rules = GridRules() if rules is None else rules
    lower = price - rules.lower_atr_multiple * atr_daily
    return floored_bounds(
        price,
        lower=lower,
        upper=price + rules.upper_atr_multiple * atr_daily,
        source="atr",
        rules=rules,
    )


def floored_bounds(
    price: Decimal, *, lower: Decimal, upper: Decimal, source: str, rules: GridRules
) -> GridBounds:
    """Return bounds whose lower one is at least its lowest share of the price."""
    least = rules.lowest_price_share * price
    return GridBounds(
        lower=max(lower, least), upper=upper, source=source, floored=lower < least
    )
