"""The published numbers of a sized grid, field by field of `ShortGridPlan`.

Each function returns a group of the fields; their meaning is documented there.
"""

from decimal import Decimal
from math import ceil, isfinite, pi, sqrt
from typing import Any, TypeGuard

from grid_screening.bounds import daily_range
from grid_screening.ladder import Ladder
from grid_screening.sizing import Sizer, Sizing

_HOURS_PER_DAY = 24
_MEAN_RANGE = sqrt(8 / pi)
# E[high − low] of a driftless Brownian bar in standard deviations (Feller 1951)


def geometry(found: Sizing, sizer: Sizer) -> dict[str, Any]:
    """Return the fields about levels and bounds."""
    ladder = found.short.ladder
    return {
        "tick_size": sizer.instrument.tick_size,
        "step_size": sizer.instrument.step_size,
        "price": ladder.price,
        "lower_bound": ladder.lower_bound,
        "upper_bound": ladder.upper_bound,
        "grid_step": ladder.grid_step,
        "grid_ratio": ladder.grid_ratio,
        "spacing": ladder.rule.spacing.value,
        "level_count": ladder.level_count,
        "cell_count": ladder.level_count - 1,
        "levels_below": ladder.levels_below,
        "levels_above": ladder.levels_above,
        "stop_price": sizer.stop_price(ladder),
    }


def sizes(found: Sizing, sizer: Sizer) -> dict[str, Any]:
    """Return the fields about capital: quantities, margins, leverage, liquidation."""
    ladder, terms, quantity = found.short.ladder, sizer.terms, found.short.quantity
    instrument, initial = sizer.instrument, ladder.initial_lots * quantity
    maxima = [
        most
        for most in (instrument.max_quantity, instrument.market_max_quantity)
        if most > 0  # 0: switched off
    ]
    minimum = sizer.minimum_margin()
    return {
        "quantity_per_level": quantity,
        "initial_short_quantity": initial,
        "initial_short_order_count": ceil(initial / min([*maxima, initial]))
        if initial
        else 0,
        "margin": terms.margin,
        # rounded up to 0.01 it may pass the margin that was just found legal
        "minimum_margin": terms.margin
        if minimum is None
        else min(minimum, terms.margin),
        "leverage": found.leverage,
        "notional": quantity * ladder.level_sum,
        "liquidation_price": found.liquidation_price,
    }


def profits(found: Sizing, atr_hourly: float) -> dict[str, Any]:
    """Return the fields about harvest: per trip, expected trips, break-even."""
    short, ladder = found.short, found.short.ladder
    step, maker, taker = ladder.grid_step, short.terms.maker_fee, short.terms.taker_fee

    def trip_profit(buy: Decimal, sell: Decimal) -> Decimal:
        return short.quantity * (sell - buy - maker * (buy + sell))

    rate = step / ladder.price - 2 * maker
    round_trip_costs = 2 * taker * ladder.initial_lots
    trips = ceil(round_trip_costs / rate)
    variance_per_hour = (atr_hourly / _MEAN_RANGE) ** 2
    trips_per_day = _HOURS_PER_DAY * variance_per_hour / (2 * float(step) ** 2)
    return {
        "profit_per_trip_low": trip_profit(*ladder.lowest_cell),
        "profit_per_trip_high": trip_profit(*ladder.highest_cell),
        "cell_profit_rate": float(rate),
        "expected_trips_per_day": trips_per_day,
        "break_even_trips": trips,
        "break_even_days": trips / trips_per_day,
    }


def losses(found: Sizing, sizer: Sizer) -> dict[str, Any]:
    """Return the fields about the worst case: at the upper bound, at the stop."""
    short, ladder = found.short, found.short.ladder
    stop = sizer.stop_price(ladder)
    sold_at = ladder.initial_lots * ladder.not_above + ladder.sum_above
    at_upper = short.quantity * (ladder.lot_count * ladder.upper_bound - sold_at)
    fees = short.entry_fees + short.terms.taker_fee * short.total_quantity * stop
    beyond = short.total_quantity * (stop - ladder.upper_bound)
    return {
        "loss_at_upper": at_upper,
        "loss_at_stop": at_upper + beyond + fees,
        "fees_at_stop": fees,
    }


def funding(
    found: Sizing,
    mark_price: float,
    funding_rate: float | None,
    funding_interval_h: float | None,
) -> dict[str, Any]:
    """Return the fields about funding; None where rate or interval is unknown."""
    short = found.short
    loaded = initial = None
    if _is_known(funding_rate) and _is_known(funding_interval_h):
        settlements = _HOURS_PER_DAY / exact_decimal(funding_interval_h)
        per_day = exact_decimal(funding_rate) * settlements
        lots = short.ladder.initial_lots * short.quantity
        initial = lots * exact_decimal(mark_price) * per_day
        loaded = short.total_quantity * short.ladder.upper_bound * per_day
    return {"funding_per_day_initial": initial, "funding_per_day_loaded": loaded}


def exposure(found: Sizing) -> dict[str, Any]:
    """Return the fields about what is held at the start."""
    short, ladder = found.short, found.short.ladder
    held = 0 - short.quantity * ladder.initial_lots * ladder.price
    return {
        "net_exposure": held,
        "net_exposure_share": float(held / (short.quantity * ladder.level_sum)),
    }


def _is_known(value: float | None) -> TypeGuard[float]:
    return value is not None and isfinite(value)


def volatility(found: Sizing, atr_daily: float, atr_hourly: float) -> dict[str, Any]:
    """Return the average true ranges and the range in units of them."""
    return {
        "atr_daily": float(atr_daily),
        "atr_hourly": float(atr_hourly),
        "range_to_volatility": range_to_volatility(found.short.ladder, atr_hourly),
    }


def range_to_volatility(ladder: Ladder, atr_hourly: float) -> float:
    """Return the room above the price in hourly ATRs scaled to a day."""
    room = ladder.upper_limit - ladder.price
    return float(room / daily_range(exact_decimal(atr_hourly)))


def exact_decimal(value: float) -> Decimal:
    """Return the shortest decimal that names this float: 0.1 is 0.1."""
    return Decimal(repr(float(value)))
