"""Liquidation price of an isolated short."""

from decimal import Decimal

from monitor.domain.instruments import LeverageBracket


def liquidation_price(
    *,
    wallet: Decimal,
    quantity: Decimal,
    entry_value: Decimal,
    brackets: tuple[LeverageBracket, ...],
) -> Decimal:
    """Mark price at which an isolated short is liquidated.

    Parameters
    ----------
    wallet : Decimal
        Isolated wallet, quote currency: margin minus the fees paid at entry.
        Realised profit and funding would add to it; a worst case has none.
    quantity : Decimal
        Base currency sold, > 0.
    entry_value : Decimal
        Σ quantityᵢ · entry priceᵢ, quote currency.
    brackets : tuple of LeverageBracket
        Ascending and continuous, at least one; the last one goes on above its cap.

    Returns
    -------
    Decimal
        Quote currency, not rounded to tick. There the equity
        ``wallet + entry_value − quantity·P`` equals the maintenance margin:
        ``P = (wallet + cum + entry_value) / (quantity · (1 + rate))`` with rate and
        cumulative amount of the bracket in which ``quantity · P`` lies.

    References
    ----------
    .. [1] Binance, "How to Calculate Liquidation Price of USDⓈ-M Futures
       Contracts", isolated margin, one-way mode, short.
    """
    for bracket in brackets:
        rate = bracket.maintenance_margin_rate
        equity_and_cum = wallet + entry_value + bracket.cumulative_amount
        found = equity_and_cum / (quantity * (1 + rate))
        # continuous brackets: the first cap not exceeded is also above its floor
        if quantity * found <= bracket.notional_cap:
            return found
    return found
