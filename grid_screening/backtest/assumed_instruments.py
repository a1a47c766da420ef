"""Trading rules of a past contract, assumed from its price.

History holds bars, not the exchange's filters of that day. What is assumed is finer
than nearly all real filters, so that plans are decided by the market.
"""

from decimal import Decimal

from monitor.domain.instruments import (
    PERPETUAL_DELIVERY_AT,
    TRADING,
    ContractType,
    Instrument,
)
from monitor.domain.typing import Symbol

PRICE_DIGITS = 5
"""Significant digits of the tick."""

STEP_VALUE = Decimal("0.001")
"""Value of one quantity step, quote currency, at most."""

MIN_NOTIONAL = Decimal(5)
"""The exchange's usual one, quote currency."""

MAX_ORDERS = 200
_NO_LIMIT = Decimal(0)
QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "BTC")
"""Assets that contracts are settled in."""


def assumed_instrument(symbol: Symbol, price: float, onboarded_at: int) -> Instrument:
    """Return the rules assumed for ``symbol`` while it costs ``price``.

    Parameters
    ----------
    symbol : str
        The quote asset is told from its end; unknown ends are USDT.
    price : float
        Quote currency, > 0.
    onboarded_at : int
        First bar, ms UTC.

    Returns
    -------
    Instrument
        A trading perpetual: tick of five significant digits, a step worth at most
        0.001, minimum notional 5, 200 orders, no other limit. No delivery date: an
        announced delisting is not known.
    """
    quote = quote_asset_of(symbol) or QUOTES[0]
    tick = tick_of(price)
    step = Decimal(1).scaleb((STEP_VALUE / Decimal(price)).adjusted())
    return Instrument(
        symbol=symbol,
        pair=symbol,
        contract_type=ContractType.PERPETUAL.value,
        status=TRADING,
        base_asset=symbol.removesuffix(quote),
        quote_asset=quote,
        margin_asset=quote,
        underlying_type="COIN",
        onboarded_at=onboarded_at,
        delivery_at=PERPETUAL_DELIVERY_AT,
        tick_size=tick,
        min_price=tick,
        max_price=_NO_LIMIT,
        step_size=step,
        min_quantity=step,
        max_quantity=_NO_LIMIT,
        market_step_size=step,
        market_min_quantity=step,
        market_max_quantity=_NO_LIMIT,
        min_notional=MIN_NOTIONAL,
        max_order_count=MAX_ORDERS,
        multiplier_up=_NO_LIMIT,
        multiplier_down=_NO_LIMIT,
    )


def quote_asset_of(symbol: Symbol) -> str | None:
    """Return the quote asset that ``symbol`` ends with; None: none of `QUOTES`."""
    return next((quote for quote in QUOTES if symbol.endswith(quote)), None)


def tick_of(price: float) -> Decimal:
    """Return the tick of five significant digits at ``price`` > 0."""
    return Decimal(1).scaleb(Decimal(price).adjusted() - PRICE_DIGITS + 1)


def price_on_tick(price: float) -> float:
    """Return the price rounded to the tick: bars kept as float32 lie beside it."""
    return float(Decimal(price).quantize(tick_of(price)))
