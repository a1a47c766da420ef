"""Every filter that stops a contract, not only the first, and what if none did."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from grid_screening.conf import ScreenerSettings
from grid_screening.eligibility import eligibility
from grid_screening.factors import factor_table
from grid_screening.screening_report import Exclusion
from grid_screening.snapshot import MarketSnapshot
from grid_screening.universe import RULES, MarketQuotes
from monitor.domain.instruments import Instrument
from monitor.domain.typing import Symbol

_ANY_NATR: Mapping[str, float] = {"min_natr": 0.0, "max_natr": 1e5}

_NEEDS_TICKER = "turnover"


def failed_rules(
    instrument: Instrument, quotes: MarketQuotes, settings: ScreenerSettings
) -> tuple[Exclusion, ...]:
    """Return every whole-market rule that ``instrument`` fails, in their order.

    Parameters
    ----------
    instrument : Instrument
        The contract.
    quotes : MarketQuotes
        Tickers and best quotes of the scan.
    settings : ScreenerSettings
        Of the scan.

    Returns
    -------
    tuple of Exclusion
        Without the turnover when there is no ticker to tell it.
    """
    has_ticker = instrument.symbol in quotes.tickers.by_symbol
    failed = []
    for stage, check in RULES:
        if stage == _NEEDS_TICKER and not has_ticker:
            continue
        reason = check(instrument, quotes, settings)
        if reason is not None:
            failed.append(
                Exclusion(symbol=instrument.symbol, stage=stage, reason=reason)
            )
    return tuple(failed)


def failed_factor_rules(
    snapshot: MarketSnapshot, symbol: Symbol, settings: ScreenerSettings
) -> tuple[Exclusion, ...]:
    """Return every rule on factors that ``symbol`` fails: movement, NATR, tick.

    Raises
    ------
    ValueError
        The snapshot has no such contract.
    """
    own = snapshot_rows(snapshot, (symbol,))
    table = factor_table(own)
    first = eligibility(own, table, settings).excluded
    if not first or first[0].stage != "natr":
        return first
    # the tick is looked at only in contracts whose NATR is legal
    return first + eligibility(own, table, settings.merged(_ANY_NATR)).excluded


def snapshot_rows(
    snapshot: MarketSnapshot, symbols: tuple[Symbol, ...]
) -> MarketSnapshot:
    """Return the snapshot of ``symbols`` alone, in their order.

    Raises
    ------
    ValueError
        One of them is not in ``snapshot``.
    """
    rows = [snapshot.symbols.index(symbol) for symbol in symbols]
    columns = {name: column[rows] for name, column in _columns(snapshot).items()}
    return replace(snapshot, symbols=symbols, **columns)


def snapshot_with(snapshot: MarketSnapshot, other: MarketSnapshot) -> MarketSnapshot:
    """Return ``snapshot`` with the contracts of ``other`` behind its own.

    Parameters
    ----------
    snapshot : MarketSnapshot
        The scan's. Without a contract it is replaced by ``other``.
    other : MarketSnapshot
        Contracts that are not in ``snapshot``, on the same bars.

    Raises
    ------
    ValueError
        The bars open at other times, or a contract is in both.
    """
    if snapshot.symbol_count == 0:
        return other
    if not np.array_equal(snapshot.open_time, other.open_time):
        raise ValueError("both snapshots must have the same bars")
    added = _columns(other)
    columns: dict[str, Any] = {
        name: np.concatenate([column, added[name]])
        for name, column in _columns(snapshot).items()
    }
    return replace(
        snapshot,
        symbols=snapshot.symbols + other.symbols,
        instruments={**snapshot.instruments, **other.instruments},
        **columns,
    )


def _columns(snapshot: MarketSnapshot) -> dict[str, Any]:
    # one row per contract: panels and quotes
    shared = ("open_time", "benchmark_close")
    return {
        field.name: getattr(snapshot, field.name)
        for field in fields(snapshot)
        if isinstance(getattr(snapshot, field.name), np.ndarray)
        and field.name not in shared
    }
