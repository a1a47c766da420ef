"""Rolling 24-hour statistics of the generated market. Pure."""

from collections.abc import Mapping, Sequence

import numpy as np

from monitor.domain.market import DAY_MS, MINUTE_MS
from monitor.domain.typing import IntArray, Symbol
from monitor.simulator.bars import Bars, joined
from monitor.simulator.bridge import MINUTES, hour_keys, minutes
from monitor.simulator.contracts import STARTS_AT_MS, Contract
from monitor.simulator.market import DayStatistics
from monitor.simulator.paths import Paths

STALE_BY_MS = 15 * MINUTE_MS
"""Quotes of dead contracts stopped this long before the clock began."""
_HOURS = 25
"""Hours that 1,440 minutes touch: two of them in part."""


def contract_key(contract: Contract, seed: int) -> int:
    """Key from which all minutes of one contract follow."""
    return (seed << 24) + contract.index & 0xFFFF_FFFF_FFFF_FFFF


def day_statistics(
    listed: Sequence[Contract], paths: Paths, seed: int, now: int
) -> dict[Symbol, DayStatistics]:
    """Exact sums of the 1,440 one-minute bars that closed last.

    Parameters
    ----------
    listed : sequence of Contract
        Contracts with at least 25 hours of bars.
    now : int
        ms UTC, a whole minute.
    """
    hour, minute = divmod(now // MINUTE_MS, MINUTES)
    everything = joined([paths.hours(c, hour - 24, hour + 1) for c in listed])
    keys = np.stack(
        [hour_keys(contract_key(c, seed), np.array([hour - 24, hour])) for c in listed]
    )
    first = minutes(everything.part(slice(0, None, _HOURS)), keys[:, 0])
    final = minutes(everything.part(slice(_HOURS - 1, None, _HOURS)), keys[:, 1])
    rows = {}
    for name in ("high", "low", "volume", "quote_volume", "trades"):
        whole_hours = _table(everything, name, _HOURS)[:, 1:-1]
        ends = (
            _table(first, name, MINUTES)[:, minute:],
            _table(final, name, MINUTES)[:, :minute],
        )
        rows[name] = np.concatenate([ends[0], whole_hours, ends[1]], axis=1)
    rows["open"] = _table(first, "open", MINUTES)[:, minute]
    rows["last"] = (
        _table(everything, "close", _HOURS)[:, -2]
        if minute == 0
        else _table(final, "close", MINUTES)[:, minute - 1]
    )
    return _rows(listed, now, rows)


def _table(bars: Bars, name: str, width: int) -> IntArray:
    # one row per contract
    column: IntArray = getattr(bars, name)
    return column.reshape(-1, width)


def _rows(
    listed: Sequence[Contract], now: int, rows: Mapping[str, IntArray]
) -> dict[Symbol, DayStatistics]:
    columns = zip(
        rows["open"].tolist(),
        rows["high"].max(axis=1).tolist(),
        rows["low"].min(axis=1).tolist(),
        rows["last"].tolist(),
        rows["volume"].sum(axis=1).tolist(),
        rows["quote_volume"].sum(axis=1).tolist(),
        rows["trades"].sum(axis=1).tolist(),
        strict=True,
    )
    return {
        contract.symbol: DayStatistics(
            symbol=contract.symbol,
            scale=contract.scale,
            open=open_,
            high=high,
            low=low,
            last=last,
            volume=volume,
            quote_volume=quote,
            trades=trades,
            open_time=now - DAY_MS,
            close_time=STARTS_AT_MS - STALE_BY_MS
            if contract.truth.has_stale_quotes
            else now,
        )
        for contract, (open_, high, low, last, volume, quote, trades) in zip(
            listed, columns, strict=True
        )
    }
