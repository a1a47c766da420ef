"""Minutes inside an hour: a seeded bridge that reproduces the hour exactly. Pure."""

import numpy as np
from numpy.typing import NDArray

from monitor.domain.market import MINUTE_MS
from monitor.domain.typing import FloatArray, IntArray
from monitor.simulator.bars import Bars

MINUTES = 60
_CHANNELS = 4  # path, upper wick, lower wick, volume
_WICK_SHARE = 0.08
"""Longest wick of a minute, as a share of the hour's range."""

Keys = NDArray[np.uint64]


def hour_keys(contract_key: int, hours: IntArray) -> Keys:
    """One key per hour, from which all its minutes follow.

    Parameters
    ----------
    contract_key : int
        Seed of the contract, 0 … 2⁶⁴ − 1.
    hours : ndarray of shape (n,)
        Hours since 1970.
    """
    return _mixed(hours.astype(np.uint64) + _mixed(np.array([contract_key], np.uint64)))


def uniforms(keys: Keys, count: int) -> FloatArray:
    """Numbers in [0, 1), shape ``(n, count)``; a pure function of the keys.

    The generator is splitmix64 in counter mode.
    """
    counters = np.arange(1, count + 1, dtype=np.uint64)
    mixed = _mixed(keys[:, None] + counters[None, :] * np.uint64(0x9E3779B97F4A7C15))
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


def minutes(hours: Bars, keys: Keys) -> Bars:
    """60 one-minute bars per hour; their aggregate equals the hour in every column.

    Parameters
    ----------
    hours : Bars
        ``n`` hours; traded totals are split in proportion, so that no minute
        has more taker volume than volume.
    keys : ndarray of shape (n,)
        From `hour_keys`.

    Returns
    -------
    Bars
        ``60·n`` bars, the first opening at the hour's open.
    """
    n = hours.count
    draws = uniforms(keys, _CHANNELS * MINUTES).reshape(n, _CHANNELS, MINUTES)
    opens, highs, lows, closes = _prices(hours, draws)
    span = (hours.high - hours.low + 1)[:, None]
    weights = 0.3 + draws[:, 3] + 6.0 * np.abs(closes - opens) / span
    volume = _split(hours.volume, weights)
    quote = _split(hours.quote_volume, volume * ((highs + lows) / 2.0))
    starts = hours.open_time[:, None] + MINUTE_MS * np.arange(MINUTES)
    columns = {
        "open_time": starts,
        "open": opens,
        "high": highs,
        "low": lows,
        "close": closes,
        "volume": volume,
        "quote_volume": quote,
        "trades": _split(hours.trades, volume),
        "taker_volume": _split(hours.taker_volume, volume),
        "taker_quote_volume": _split(hours.taker_quote_volume, quote),
    }
    return Bars(**{name: column.reshape(-1) for name, column in columns.items()})


def _prices(
    hours: Bars, draws: FloatArray
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    rows = np.arange(hours.count)
    o, h, low_, c = (
        column[:, None] for column in (hours.open, hours.high, hours.low, hours.close)
    )
    share = np.arange(1, MINUTES + 1) / MINUTES
    walk = np.cumsum(draws[:, 0] - 0.5, axis=1)
    loop = walk - walk[:, -1:] * share  # begins and ends at 0
    size = 0.9 * (h - low_) / np.maximum(np.ptp(loop, axis=1), 1e-9)[:, None]
    path = np.rint(np.clip(o + (c - o) * share + size * loop, low_, h))
    closes = path.astype(np.int64)
    closes[:, -1] = hours.close
    opens = np.concatenate([o, closes[:, :-1]], axis=1)
    top, bottom = np.maximum(opens, closes), np.minimum(opens, closes)
    wick = _WICK_SHARE * (h - low_)
    highs = np.minimum(h, top + np.rint(wick * draws[:, 1]).astype(np.int64))
    lows = np.maximum(low_, bottom - np.rint(wick * draws[:, 2]).astype(np.int64))
    highs[rows, np.argmax(top, axis=1)] = hours.high
    lows[rows, np.argmin(bottom, axis=1)] = hours.low
    return opens, highs, lows, closes


def _split(
    totals: IntArray, weights: FloatArray | IntArray
) -> IntArray:  # (n,), (n, 60) -> (n, 60)
    running = np.cumsum(weights, axis=1, dtype=np.float64)
    whole = running[:, -1:]
    share = running / np.where(whole > 0, whole, 1.0)
    reached = np.floor(totals[:, None] * share).astype(np.int64)
    reached = np.where(running == whole, totals[:, None], reached)
    return np.diff(reached, axis=1, prepend=0)


def _mixed(keys: Keys) -> Keys:
    # splitmix64's finaliser; uint64 arrays wrap around silently, as meant
    z = keys + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
