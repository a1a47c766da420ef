"""Recorded columns as exact bars, with what was not recorded filled in. Pure."""

from collections.abc import Mapping
from typing import Any
from zlib import crc32

import numpy as np

from monitor.domain.market import KlineInterval
from monitor.domain.typing import FloatArray, IntArray, Symbol
from monitor.simulator.bars import Bars, Scale, aggregated
from monitor.simulator.intervals import moved_open
from monitor.simulator.market import Book, DayStatistics

SYNTHETIC_TAKER = "0.5 + 0.15·tanh(return/σ) + seeded noise of 0.03"
"""Share of the volume bought by takers: it was not recorded."""
Columns = dict[str, IntArray | FloatArray]
"""Columns of one contract by name, ascending in time."""

_VOLUME_DECIMALS = 5
_MOST_PRICE_DECIMALS = 10
_HALF_SPREAD = 0.00005
_QUOTED_VALUE = 5_000.0
"""Quote currency on each side of the book."""


def recorded_scale(columns: Columns, row: Mapping[str, object] | None) -> Scale:
    """Decimals of one contract: those that occur, at least those it states."""
    prices = np.concatenate(
        [columns[name] for name in ("open", "high", "low", "close")]
    )
    decimals = next(
        (
            count
            for count in range(_MOST_PRICE_DECIMALS)
            if np.all(np.abs(np.round(prices, count) - prices) <= 1e-12 * prices)
        ),
        _MOST_PRICE_DECIMALS,
    )
    stated = row.get("pricePrecision") if row is not None else None
    shown = max(decimals, stated) if isinstance(stated, int) else decimals
    return Scale(
        price_decimals=shown,
        volume_decimals=_VOLUME_DECIMALS,
        quote_decimals=_VOLUME_DECIMALS,
        shown_price_decimals=shown,
    )


def stated_tick(row: Mapping[str, Any] | None, scale: Scale) -> int:
    """Return the contract's ``tickSize`` in price units, at least 1."""
    filters = [] if row is None else row["filters"]
    for rule in filters:
        if rule["filterType"] == "PRICE_FILTER":
            units = float(rule["tickSize"]) * 10.0**scale.price_decimals
            return max(1, round(units))
    return 1


def recorded_bars(
    symbol: Symbol, columns: Columns, scale: Scale, interval: KlineInterval
) -> Bars:
    """Turn columns to bars; taker volume split off by the rule `SYNTHETIC_TAKER`."""
    price, amount = 10.0**scale.price_decimals, 10.0**_VOLUME_DECIMALS
    prices = {
        name: np.rint(columns[name] * price).astype(np.int64)
        for name in ("open", "high", "low", "close")
    }
    volume, quote = (
        np.rint(columns[name].astype(np.float64) * amount).astype(np.int64)
        for name in ("volume", "quote_volume")
    )
    share = _taker_share(symbol, columns, interval)
    return Bars(
        open_time=columns["open_time"].astype(np.int64),
        volume=volume,
        quote_volume=quote,
        trades=columns["trades"].astype(np.int64),
        taker_volume=np.floor(volume * share).astype(np.int64),
        taker_quote_volume=np.floor(quote * share).astype(np.int64),
        **prices,
    )


def _taker_share(
    symbol: Symbol, columns: Columns, interval: KlineInterval
) -> FloatArray:
    path = np.concatenate([columns["open"][:1], columns["close"]])
    moved = np.diff(np.log(path))
    spread = float(np.std(moved))
    tilt = np.tanh(moved / spread) if spread > 0 else np.zeros_like(moved)
    rng = np.random.default_rng((crc32(symbol.encode()), interval.milliseconds))
    noise = 0.03 * rng.standard_normal(moved.shape[0])
    share: FloatArray = np.clip(0.5 + 0.15 * tilt + noise, 0.0, 1.0)
    return share


def whole_bars(bars: Bars, interval: KlineInterval, source: KlineInterval) -> Bars:
    """Aggregate bars of length ``source``; incomplete longer bars are left out."""
    longer = aggregated(bars, interval)
    if longer.count == 0 or interval is source:
        return longer
    first = 0 if longer.open_time[0] == bars.open_time[0] else 1
    end = moved_open(interval, int(longer.open_time[-1]), 1)
    recorded_until = int(bars.open_time[-1]) + source.milliseconds
    return longer.part(slice(first, longer.count - (end > recorded_until)))


def book(day: DayStatistics, tick: int) -> Book:
    """Return last close ∓ max(1 tick, 0.5 bp), 5,000 in quote on each side."""
    scale = day.scale
    half = max(tick, round(day.last * _HALF_SPREAD))
    quantity = max(
        1, round(_QUOTED_VALUE / scale.price(day.last) * 10**_VOLUME_DECIMALS)
    )
    return Book(
        symbol=day.symbol,
        scale=scale,
        bid=max(1, day.last - half),
        bid_quantity=quantity,
        ask=day.last + half,
        ask_quantity=quantity,
        tick=tick,
        time=None,
    )
