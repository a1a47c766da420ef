"""An executable short grid: legal prices and quantities, and what it can cost."""

from dataclasses import replace
from decimal import Decimal, localcontext
from math import isfinite

from grid_screening.backtest.grids import Spacing, Start
from grid_screening.bounds import GridBounds, atr_bounds
from grid_screening.ladder import GridRules, Ladder, planned_ladder
from grid_screening.level_ticks import PLAN_PRECISION
from grid_screening.plan_checks import filter_problem
from grid_screening.plan_numbers import (
    exact_decimal,
    exposure,
    funding,
    geometry,
    losses,
    profits,
    range_to_volatility,
    sizes,
    volatility,
)
from grid_screening.planned_grid import InfeasibleGrid, ShortGridPlan
from grid_screening.screening_report import Reason
from grid_screening.sizing import GridTerms, Sizer, Sizing
from monitor.domain.instruments import Instrument

__all__ = [
    "GridBounds",
    "GridRules",
    "GridTerms",
    "InfeasibleGrid",
    "ShortGridPlan",
    "Spacing",
    "Start",
    "short_grid_plan",
]


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
    spacing: Spacing = Spacing.ARITHMETIC,
    start: Start = Start.LOADED,
    tail_run_up: float | None = None,
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
        the hourly ATR. It is rounded down to the tick (geometric: taken as it is, at
        the price), and widened where fees or the number of orders ask for it, as the
        default is.
    spacing : Spacing
        Levels evenly apart, or each the same ratio above the last and then on the
        nearest tick.
    start : Start
        Loaded: short one lot for each level below the price at once. Flat: short
        nothing; only the levels above the price are sold.
    tail_run_up : float, optional
        How far the contract ran up at the bad end of its own past, fraction (factor
        ``tail_run_up``); None or NaN: unknown. It decides nothing: the plan says at
        which leverage the liquidation price lies beyond that too.

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
    with localcontext(PLAN_PRECISION):
        here = exact_decimal(price)
        if bounds is None:
            bounds = atr_bounds(here, exact_decimal(atr_daily), rules)
        if grid_step is None:
            grid_step = rules.spacing_atr_multiple * exact_decimal(atr_hourly)
        ladder = planned_ladder(
            price=here,
            lower=bounds.lower,
            upper=bounds.upper,
            step=grid_step,
            maker_fee=terms.maker_fee,
            instrument=instrument,
            rules=rules,
            spacing=spacing,
            start=start,
        )
        sizer = Sizer(planned=ladder, instrument=instrument, terms=terms, rules=rules)
        found = _sizing(sizer, exact_decimal(mark_price))
        if isinstance(found, InfeasibleGrid):
            width = range_to_volatility(ladder, atr_hourly)
            return replace(found, range_to_volatility=width)
        beyond = _leverage_beyond_tail(found, sizer, tail_run_up)
        return ShortGridPlan(
            **geometry(found, sizer),
            **sizes(found, sizer),
            **profits(found, atr_hourly),
            **losses(found, sizer),
            **funding(found, mark_price, funding_rate, funding_interval_h),
            **volatility(found, atr_daily, atr_hourly),
            **exposure(found),
            bounds=bounds.source,
            start=start.name.lower(),
            leverage_beyond_tail=beyond,
            marks=_marks(found, bounds, beyond),
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


def _leverage_beyond_tail(
    found: Sizing, sizer: Sizer, tail_run_up: float | None
) -> int | None:
    if tail_run_up is None or not isfinite(tail_run_up):
        return None
    ladder = found.short.ladder
    reach = ladder.price * (1 + exact_decimal(tail_run_up))
    for leverage in range(found.leverage, 0, -1):
        smaller = sizer.at_leverage(ladder, sizer.terms.margin, leverage)
        if smaller is not None and smaller.liquidation_price >= reach:
            return leverage
    return 0


def _marks(found: Sizing, bounds: GridBounds, beyond: int | None) -> tuple[str, ...]:
    short = found.short
    held = {
        "lower_bound_floored": bounds.floored,
        "coarsened": short.ladder.coarsened,
        "assumed_brackets": short.terms.brackets is None,
        "tail_beyond_liquidation": beyond is not None and beyond < found.leverage,
    }
    return tuple(mark for mark, holds in held.items() if holds)
