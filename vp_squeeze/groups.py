"""Groups of contracts by name. Pure."""

from collections.abc import Mapping
from enum import StrEnum

from monitor.domain.instruments import TRADING, ContractType, ExchangeInfo, Instrument
from monitor.domain.market import Ticker24h
from monitor.domain.typing import Symbol

MAJOR_ASSETS = ("BTC", "ETH", "BNB", "SOL", "XRP", "DOGE", "ADA")
"""Base assets of the group ``major``, in its order."""
TOP_COUNT = 10
"""Contracts of the group ``top10``."""


class Group(StrEnum):
    """Groups that have a name; others come from a file."""

    TOP10 = "top10"
    """The ten largest by 24 h turnover."""
    MAJOR = "major"
    """BTC, ETH, BNB, SOL, XRP, DOGE and ADA."""
    ALT = "alt"
    """All but the majors whose turnover exceeds a limit, largest first."""


def group_symbols(
    group: Group,
    exchange_info: ExchangeInfo,
    tickers: Mapping[Symbol, Ticker24h],
    *,
    quote: str,
    min_volume: float,
) -> tuple[Symbol, ...]:
    """Members of a group among the perpetuals that trade.

    Parameters
    ----------
    group : Group
    exchange_info : ExchangeInfo
        All contracts.
    tickers : mapping of str to Ticker24h
        By symbol; a contract without one has no turnover.
    quote : str
        Quote asset of the members.
    min_volume : float
        24 h turnover that members of ``alt`` must exceed, quote currency.

    Returns
    -------
    tuple of str
        ``major`` in its own order, the others by turnover, largest first; equals
        by symbol. Empty when nobody qualifies.
    """
    members = [row for row in exchange_info.instruments if _is_member(row, quote)]
    if group is Group.MAJOR:
        by_asset = {row.base_asset: row.symbol for row in members}
        return tuple(by_asset[asset] for asset in MAJOR_ASSETS if asset in by_asset)

    def turnover(row: Instrument) -> float:
        ticker = tickers.get(row.symbol)
        return 0.0 if ticker is None else ticker.quote_volume_24h

    members.sort(key=lambda row: (-turnover(row), row.symbol))
    if group is Group.TOP10:
        return tuple(row.symbol for row in members[:TOP_COUNT])
    return tuple(
        row.symbol
        for row in members
        if row.base_asset not in MAJOR_ASSETS and turnover(row) > min_volume
    )


def _is_member(row: Instrument, quote: str) -> bool:
    return (
        row.quote_asset == quote
        and row.status == TRADING
        and row.contract_type == ContractType.PERPETUAL
    )
