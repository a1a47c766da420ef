"""What the exchange would refuse about a ladder."""

from decimal import Decimal

from grid_screening.backtest.grids import Start
from grid_screening.ladder import Ladder
from grid_screening.screening_report import Reason
from monitor.domain.instruments import Instrument


def filter_problem(
    ladder: Ladder, *, instrument: Instrument, mark_price: Decimal, stop_price: Decimal
) -> Reason | None:
    """Return the first rule that ``ladder`` breaks, None when it is legal.

    Parameters
    ----------
    ladder : Ladder
        Levels on tick.
    instrument : Instrument
        Price limits; a limit of 0 is switched off.
    mark_price : Decimal
        Quote currency.
    stop_price : Decimal
        Trigger price above the upper bound.
    """
    if not ladder.is_usable:
        return Reason(
            code="range_too_narrow",
            text="a grid must have a level below and a level above the price, "
            f"had {ladder.levels_below} and {ladder.levels_above} with a step of "
            f"{ladder.grid_step.normalize():f}",
        )
    return _price_filter(ladder, instrument, stop_price) or _percent_price(
        ladder, instrument, mark_price
    )


def _price_filter(
    ladder: Ladder, instrument: Instrument, stop_price: Decimal
) -> Reason | None:
    lowest, highest = instrument.min_price, instrument.max_price
    if ladder.lower_bound < lowest:
        return _refusal(
            "price_filter", "the lower bound", ladder.lower_bound, "≥", lowest
        )
    if 0 < highest < stop_price:
        return _refusal("price_filter", "the stop price", stop_price, "≤", highest)
    return None


def _percent_price(
    ladder: Ladder, instrument: Instrument, mark_price: Decimal
) -> Reason | None:
    least_sell = mark_price * instrument.multiplier_down
    if ladder.start is Start.FLAT:  # nothing is bought before something was sold
        lowest_sell = ladder.lowest_cell[1]
        if lowest_sell < least_sell:
            return _refusal("percent_price", "a SELL", lowest_sell, "≥", least_sell)
        return None
    # the lowest SELL is the initial short at the price itself
    if ladder.price < least_sell:
        return _refusal("percent_price", "a SELL", ladder.price, "≥", least_sell)
    most_buy = mark_price * instrument.multiplier_up
    if 0 < most_buy < ladder.highest_buy:
        return _refusal("percent_price", "a BUY", ladder.highest_buy, "≤", most_buy)
    return None


def _refusal(
    code: str, what: str, value: Decimal, relation: str, limit: Decimal
) -> Reason:
    return Reason(
        code=code,
        text=f"{what} must be {relation} {limit.normalize():f}, was "
        f"{value.normalize():f}",
        value=float(value),
        limit=float(limit),
    )
