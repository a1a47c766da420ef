"""An executable short grid: legal prices and quantities, and what it can cost."""

from dataclasses import dataclass, fields
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from math import isfinite

from grid_screening.backtest.grids import Start
from grid_screening.bounds import GridBounds, atr_bounds
from grid_screening.ladder import GridRules, Ladder, planned_ladder
from grid_screening.plan_checks import filter_problem
from grid_screening.plan_numbers import (
    exact_decimal,
    funding,
    geometry,
    losses,
    profits,
    sizes,
    volatility,
)
from grid_screening.screening_report import Reason
from grid_screening.sizing import GridTerms, Sizer, Sizing
from monitor.domain.instruments import Instrument

__all__ = [
    "GridBounds",
    "GridRules",
    "GridTerms",
    "InfeasibleGrid",
    "ShortGridPlan",
    "Start",
    "short_grid_plan",
]

_PRECISION = Context(prec=50, rounding=ROUND_HALF_EVEN)
# products of tick, step and margin stay exact
_QUOTE_UNIT = Decimal("0.000001")
_PRICES = (
    "price",
    "lower_bound",
    "upper_bound",
    "grid_step",
    "stop_price",
    "liquidation_price",
)
_QUANTITIES = ("quantity_per_level", "initial_short_quantity")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortGridPlan:
    """A short grid that the exchange accepts, with its costs and limits.

    Prices and amounts in quote currency, quantities in base currency. Amounts are
    exact here; `to_mapping` rounds them.
    """

    tick_size: Decimal
    step_size: Decimal
    price: Decimal
    """Last price, where the grid starts."""
    lower_bound: Decimal
    """First level."""
    upper_bound: Decimal
    """Last level."""
    grid_step: Decimal
    spacing: str = "arithmetic"
    level_count: int
    cell_count: int
    levels_below: int
    """Strictly below the price; each is covered by one lot of the initial short."""
    levels_above: int
    """Strictly above the price."""
    quantity_per_level: Decimal
    initial_short_quantity: Decimal
    initial_short_order_count: int
    """Taker orders the initial short needs: none larger than the market-order and
    limit-order maxima (1 on all but very large margins)."""
    margin: Decimal
    minimum_margin: Decimal | None
    """Smallest margin with a legal plan (fewer levels allowed), up to 0.01."""
    leverage: int
    notional: Decimal
    """Fully loaded: quantity × Σ level prices; at most margin × leverage."""
    stop_price: Decimal
    liquidation_price: Decimal
    """Of the fully loaded short, mark price, rounded down to tick."""
    profit_per_trip_low: Decimal
    """Net of two maker fees, one lot through the lowest cell."""
    profit_per_trip_high: Decimal
    """The same through the highest cell."""
    cell_profit_rate: float
    """Net profit of a round trip at the price, fraction of its notional:
    ``grid_step / price − 2 · maker_fee``."""
    expected_trips_per_day: float
    """Round trips if the price were a driftless Brownian motion with this hourly
    ATR and stayed inside: σ²/(2h²). No forecast: what the trips earn there the
    displacement loses on average."""
    break_even_trips: int
    """Round trips at the price that pay for selling and buying back the initial
    short as a taker at the price."""
    break_even_days: float
    """``break_even_trips / expected_trips_per_day``."""
    funding_per_day_initial: Decimal | None
    """At the initial short and the mark price; positive: received. None: unknown."""
    funding_per_day_loaded: Decimal | None
    """At the fully loaded short and the upper bound."""
    loss_at_upper: Decimal
    """Worst inventory loss with the order at U filled, before fees: the initial
    short counts from the highest level not above the price."""
    loss_at_stop: Decimal
    """Worst loss when stopped: monotone path, fees included, no harvest."""
    fees_at_stop: Decimal
    """Part of ``loss_at_stop``: initial and closing taker, maker between."""
    atr_daily: float
    atr_hourly: float
    range_to_volatility: float
    """(upper − price) ÷ (ATR_hourly · √24), upper = price + 2 · ATR_daily."""
    marks: tuple[str, ...]
    """Of ``lower_bound_floored``, ``coarsened``, ``assumed_brackets``."""

    @property
    def levels(self) -> tuple[Decimal, ...]:
        """All level prices, ascending."""
        return tuple(
            self.lower_bound + i * self.grid_step for i in range(self.level_count)
        )

    def to_mapping(self) -> dict[str, Decimal | float | int | str | None]:
        """Return the published numbers by their JSON names.

        Prices carry the decimals of the tick, quantities those of the step (of
        their normalised forms: tick 0.10 has one decimal), other amounts six
        decimals, ``margin`` and ``minimum_margin`` as they are; half-even.
        ``marks``, ``tick_size`` and ``step_size`` are not among them.
        """
        units = {
            **dict.fromkeys(_PRICES, _decimals_of(self.tick_size)),
            **dict.fromkeys(_QUANTITIES, _decimals_of(self.step_size)),
            "margin": None,
            "minimum_margin": None,
        }
        rows: dict[str, Decimal | float | int | str | None] = {}
        for name in (field.name for field in fields(self)):
            if name in ("marks", "tick_size", "step_size"):
                continue
            value, unit = getattr(self, name), units.get(name, _QUOTE_UNIT)
            if isinstance(value, Decimal) and unit is not None:
                value = value.quantize(unit, context=_PRECISION)
            rows[name] = value
        return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class InfeasibleGrid:
    """No legal short grid, and why.

    Reason codes: ``atr_missing``, ``price_missing``, ``mark_price_missing``,
    ``range_too_narrow``, ``price_filter``, ``percent_price``, ``min_notional``,
    ``max_quantity``, ``bracket_cap``, ``liquidation``.
    """

    reason: Reason
    minimum_margin: Decimal | None
    """Smallest margin with a legal plan, quote currency; None: no margin helps."""


def short_grid_plan(
    *,
    instrument: Instrument,
    price: float,
    mark_price: float,
    atr_daily: float,
    atr_hourly: float,
    funding_rate: float | None,
    funding_interval_h: float | None,
    terms: GridTerms,
    rules: GridRules | None = None,
    bounds: GridBounds | None = None,
    grid_step: Decimal | None = None,
    start: Start = Start.LOADED,
) -> ShortGridPlan | InfeasibleGrid:
    """Plan a short grid around ``price``.

    Parameters
    ----------
    instrument : Instrument
        The filters every order must satisfy.
    price, mark_price : float
        Last and mark price, quote currency.
    atr_daily, atr_hourly : float
        Average true ranges, quote currency.
    funding_rate : float or None
        Fraction per interval; None or NaN: unknown.
    funding_interval_h : float or None
        Hours; None or NaN: unknown.
    terms : GridTerms
        Capital and costs.
    rules : GridRules, optional
        How the grid is drawn; the defaults are the documented ones.
    bounds : GridBounds, optional
        Where the grid ends below and above; default: daily ATRs around the price.
    grid_step : Decimal, optional
        Spacing before it is made legal, quote currency, > 0; default: a share of
        the hourly ATR. It is rounded down to the tick, and widened where fees or
        the number of orders ask for it, as the default is.
    start : Start
        Loaded: short one lot for each level below the price at once. Flat: short
        nothing; only the levels above the price are sold.

    Returns
    -------
    ShortGridPlan or InfeasibleGrid
        A missing (NaN) or non-positive price or ATR is a reason, not an error.

    Raises
    ------
    ValueError
        ``grid_step`` is not a number > 0.

    Notes
    -----
    Percent price is one-sided (a SELL is at least mark × down, a BUY at most
    mark × up) and is checked for the orders placed at the start; later ones
    follow the mark. The stop is a trigger and not subject to it.

    Started flat, the margin × leverage is spread over the levels above the price
    only, and the levels below the highest one not above the price bear no order:
    the bounds, the spacing and the simulator's `Start.FLAT` are those of the loaded
    grid. There is nothing to break even on: ``break_even_trips`` is 0.

    The initial short is sold by taker orders. Limit orders that cross obey the lot
    size like all others, so a market lot size that differs does not round it; its
    maximum only decides how many orders it takes.

    The quantity is margin × leverage ÷ Σ level prices, yet the whole initial short
    is sold at the price, above the levels it covers: the entry value of the fully
    loaded short is typically 8 % (up to 15 %) above margin × leverage. The
    liquidation price takes that into account; the exchange asks that much more
    initial margin for the last orders.
    """
    missing = _missing(price, mark_price, atr_daily, atr_hourly)
    if missing is not None:
        return InfeasibleGrid(reason=missing, minimum_margin=None)
    rules = GridRules() if rules is None else rules
    if grid_step is not None and not (grid_step.is_finite() and grid_step > 0):
        raise ValueError(f"grid_step must be > 0, was {grid_step}")
    with localcontext(_PRECISION):
        here = exact_decimal(price)
        if bounds is None:
            bounds = atr_bounds(here, exact_decimal(atr_daily), rules)
        if grid_step is None:
            grid_step = rules.spacing_atr_multiple * exact_decimal(atr_hourly)
        ladder = planned_ladder(
            price=here,
            lower=bounds.lower,
            upper=bounds.upper,
            spacing=grid_step,
            maker_fee=terms.maker_fee,
            instrument=instrument,
            rules=rules,
            start=start,
        )
        sizer = Sizer(planned=ladder, instrument=instrument, terms=terms, rules=rules)
        found = _sizing(sizer, exact_decimal(mark_price))
        if isinstance(found, InfeasibleGrid):
            return found
        return ShortGridPlan(
            **geometry(found, sizer),
            **sizes(found, sizer),
            **profits(found, atr_hourly),
            **losses(found, sizer),
            **funding(found, mark_price, funding_rate, funding_interval_h),
            **volatility(found, atr_daily, atr_hourly),
            marks=_marks(found, bounds),
        )


def _missing(
    price: float, mark_price: float, atr_daily: float, atr_hourly: float
) -> Reason | None:
    for code, label, value in (
        ("price_missing", "price", price),
        ("mark_price_missing", "mark price", mark_price),
        ("atr_missing", "daily ATR", atr_daily),
        ("atr_missing", "hourly ATR", atr_hourly),
    ):
        if not (isfinite(value) and value > 0):
            return Reason(code=code, text=f"{label} must be > 0, was {value:g}")
    return None


def _sizing(sizer: Sizer, mark_price: Decimal) -> Sizing | InfeasibleGrid:
    problem = _filter_problem(sizer, sizer.planned, mark_price)
    if problem is not None:
        return InfeasibleGrid(reason=problem, minimum_margin=None)
    found = sizer.sizing()
    if isinstance(found, Sizing):
        # a coarser ladder has other levels next to the price
        problem = _filter_problem(sizer, found.short.ladder, mark_price)
        if problem is None:
            return found
        found = problem
    return InfeasibleGrid(reason=found, minimum_margin=sizer.minimum_margin())


def _filter_problem(sizer: Sizer, ladder: Ladder, mark_price: Decimal) -> Reason | None:
    return filter_problem(
        ladder,
        instrument=sizer.instrument,
        mark_price=mark_price,
        stop_price=sizer.stop_price(ladder),
    )


def _marks(found: Sizing, bounds: GridBounds) -> tuple[str, ...]:
    short = found.short
    held = {
        "lower_bound_floored": bounds.floored,
        "coarsened": short.ladder.coarsened,
        "assumed_brackets": short.terms.brackets is None,
    }
    return tuple(mark for mark, holds in held.items() if holds)


def _decimals_of(unit: Decimal) -> Decimal:
    # 0.10 → 0.1, 10 → 1: no exponent above 0, it would print as 1E+1
    exponent = unit.normalize().as_tuple().exponent
    return Decimal(1).scaleb(min(int(exponent), 0))
