"""Maintenance-margin brackets: the assumed schedule, look-ups."""

from decimal import Decimal

from monitor.domain.instruments import LeverageBracket

_NO_CAP = Decimal("Infinity")

_SCHEDULE = (
    # notional up to (quote currency), maintenance margin rate
    (Decimal(5_000), Decimal("0.025")),
    (Decimal(25_000), Decimal("0.05")),
    (Decimal(100_000), Decimal("0.10")),
    (Decimal(250_000), Decimal("0.125")),
    (Decimal(1_000_000), Decimal("0.25")),
    (_NO_CAP, Decimal("0.50")),
)


def _assumed_brackets() -> tuple[LeverageBracket, ...]:
    rows: list[LeverageBracket] = []
    floor = last_rate = cumulative = Decimal(0)
    for cap, rate in _SCHEDULE:
        # margin is continuous at the floor: floor·rate − cum is the same on both sides
        cumulative += floor * (rate - last_rate)
        rows.append(
            LeverageBracket(
                notional_floor=floor,
                notional_cap=cap,
                # the exchange asks twice the maintenance margin at entry
                initial_leverage=int(1 / (2 * rate)),
                maintenance_margin_rate=rate,
                cumulative_amount=cumulative,
            )
        )
        floor, last_rate = cap, rate
    return tuple(rows)


ASSUMED_BRACKETS = _assumed_brackets()
"""A conservative schedule for contracts whose brackets are not known: worse than
most contracts' own. Cumulative amounts follow from continuity."""


def bracket_at(
    notional: Decimal, brackets: tuple[LeverageBracket, ...]
) -> LeverageBracket | None:
    """Return the bracket of a position, None above the last cap.

    Parameters
    ----------
    notional : Decimal
        Position value, quote currency, ≥ 0. A cap belongs to its own bracket.
    brackets : tuple of LeverageBracket
        Ascending.
    """
    for bracket in brackets:
        if notional <= bracket.notional_cap:
            return bracket
    return None


def maintenance_margin(
    notional: Decimal, brackets: tuple[LeverageBracket, ...]
) -> Decimal:
    """Return the maintenance margin of a position, quote currency.

    Above the last cap the last bracket goes on: a position can grow there by
    price, though not by orders.
    """
    bracket = bracket_at(notional, brackets) or brackets[-1]
    return notional * bracket.maintenance_margin_rate - bracket.cumulative_amount
