"""Between which prices a short grid works: how wide, and by whose measure."""

from dataclasses import dataclass, replace
from decimal import Decimal
from math import isnan

from grid_screening.conf import BOUNDS_SOURCES
from grid_screening.ladder import GridRules
from grid_screening.screening_report import Reason

__all__ = [
    "BOUNDS_SOURCES",
    "GridBounds",
    "ProfilePlace",
    "atr_bounds",
    "quantile_bounds",
    "value_area_bounds",
]

_HOURS_PER_DAY = Decimal(24)


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
    """What they were measured by: one of `BOUNDS_SOURCES`, or the caller's word."""
    floored: bool = False
    """Whether the lower one was raised to the lowest share of the price."""

    def __post_init__(self) -> None:
        legal = self.lower.is_finite() and self.upper.is_finite()
        if not (legal and 0 < self.lower < self.upper):
            raise ValueError(
                "bounds must be finite with 0 < lower < upper, were "
                f"{self.lower} and {self.upper}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilePlace:
    """Where the bounds of a grid sit in a volume profile; None: not known."""

    point_of_control: float | None
    """Price with the most volume, quote currency; may lie between two ticks."""
    value_area_low: Decimal | None
    value_area_high: Decimal | None
    """Between them 70 % of the volume was traded; on tick."""
    volume_below_grid: float | None
    """Share of the volume traded below the lower bound, in [0, 1]."""
    volume_above_grid: float | None
    """Share of it traded above the upper bound, in [0, 1]."""


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
    return _floored(
        price,
        price - rules.lower_atr_multiple * atr_daily,
        price + rules.upper_atr_multiple * atr_daily,
        "atr",
        rules,
    )


def daily_range(atr_hourly: Decimal) -> Decimal:
    """Return the hourly ATR scaled to a day: ``ATR_hourly · √24``, the unit of x."""
    return atr_hourly * _HOURS_PER_DAY.sqrt()


def moved_bounds(
    bounds: GridBounds, *, price: Decimal, atr_hourly: Decimal, width: float
) -> GridBounds:
    """Return ``bounds`` with the upper one ``width`` daily ranges above the price.

    Parameters
    ----------
    bounds : GridBounds
        The lower one stays.
    price, atr_hourly : Decimal
        Quote currency, > 0.
    width : float
        `ShortGridPlan.range_to_volatility` that the grid gets, > 0.
    """
    upper = price + Decimal(repr(width)) * daily_range(atr_hourly)
    return replace(bounds, upper=upper, source="width")


def quantile_bounds(
    price: Decimal, *, rise: float, fall: float, rules: GridRules | None = None
) -> GridBounds | Reason:
    """Return bounds as far away as the contract itself moved at the bad end.

    Parameters
    ----------
    price : Decimal
        Quote currency, > 0.
    rise, fall : float
        Quantiles of the highest rise and of the deepest fall within a horizon,
        fractions (`calculators.squeeze_risk.tail_run_up`, ``tail_draw_down``). NaN:
        unknown.
    rules : GridRules, optional
        The share of the price that the lower bound never leaves.

    Returns
    -------
    GridBounds or Reason
        ``price · (1 + rise)`` and ``price · (1 − fall)``. ``bounds_missing``: too
        few bars. ``bounds_beside_price``: a contract that only rose, or only fell,
        within every horizon.
    """
    rules = GridRules() if rules is None else rules
    if isnan(rise) or isnan(fall):
        return Reason(
            code="bounds_missing",
            text="bounds by quantiles need more bars than one horizon of 7 days; "
            "--bounds atr needs none of them",
        )
    if rise <= 0 or fall <= 0:
        return Reason(
            code="bounds_beside_price",
            text=f"the price must be inside its bounds, they were {rise:+.2%} and "
            f"{-fall:+.2%} from it",
        )
    return _floored(
        price,
        price * (1 - Decimal(repr(fall))),
        price * (1 + Decimal(repr(rise))),
        "quantile",
        rules,
    )


def value_area_bounds(
    price: Decimal,
    *,
    low: Decimal | None,
    high: Decimal | None,
    rules: GridRules | None = None,
) -> GridBounds | Reason:
    """Return the edges of the value area of the scan's bars.

    Parameters
    ----------
    price : Decimal
        Quote currency, > 0.
    low, high : Decimal or None
        Value-area low and high, quote currency; None: no profile.
    rules : GridRules, optional
        The share of the price that the lower bound never leaves.

    Returns
    -------
    GridBounds or Reason
        ``bounds_missing``: no profile. ``outside_value_area``: the price is not
        strictly between the edges. The value area then says where the market traded
        before, not where it trades now, so no grid is drawn around it.
    """
    rules = GridRules() if rules is None else rules
    if low is None or high is None:
        return Reason(
            code="bounds_missing",
            text="bounds by value area need a volume profile, the bars have no volume",
        )
    if not low < price < high:
        return Reason(
            code="outside_value_area",
            text=f"the price must be inside the value area, {low:f} to {high:f}, was "
            f"{price:f}; --bounds atr needs no value area",
            value=float(price),
            limit=float(high if price >= high else low),
        )
    return _floored(price, low, high, "value-area", rules)


def _floored(
    price: Decimal, lower: Decimal, upper: Decimal, source: str, rules: GridRules
) -> GridBounds:
    least = rules.lowest_price_share * price
    return GridBounds(
        lower=max(lower, least), upper=upper, source=source, floored=lower < least
    )
