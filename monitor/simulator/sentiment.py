"""Funding rates and open interest of the generated contracts. Pure."""

from functools import lru_cache

import numpy as np

from monitor.domain.market import HOUR_MS
from monitor.domain.typing import FloatArray, IntArray
from monitor.simulator.bridge import hour_keys, uniforms
from monitor.simulator.contracts import ORIGIN_HOUR, SQUEEZE_HOURS, Contract
from monitor.simulator.paths import HISTORY_HOUR, HISTORY_HOURS
from monitor.simulator.truth import Kind

FUNDING_CAP = 0.02
_HOURS = HISTORY_HOURS + 100 * 24
"""Hours of open interest drawn; later ones repeat the last value."""
_SQUEEZE_INTEREST = 0.5
"""Open interest grows by this share while a squeeze lasts."""


def funding_rate(contract: Contract, seed: int, hours: IntArray) -> FloatArray:
    """Funding rates per interval that settle at ``hours`` (hours since 1970)."""
    share = contract.truth.funding_interval_h / 8
    mean = contract.truth.funding_rate_8h * share
    draws = uniforms(hour_keys(seed << 32 ^ contract.index, hours), 3)
    noise = 2.45 * (draws[:, 1] + draws[:, 2] - 1.0)  # standard deviation 1
    # half of the events settle exactly at their mean, as the clamp makes them do
    noise[draws[:, 0] < 0.5] = 0.0  # noqa: PLR2004  the half above
    rates = mean + (0.00002 * share + 0.15 * abs(mean)) * noise
    bounded: FloatArray = np.clip(rates, -FUNDING_CAP, FUNDING_CAP)
    return np.round(bounded, 8)


def open_interest(contract: Contract, seed: int, times: IntArray) -> FloatArray:
    """Open interest in base currency at ``times`` (ms UTC), on the step grid."""
    at = np.clip(times / HOUR_MS - HISTORY_HOUR, 0, _HOURS - 1)
    logs = np.interp(at, np.arange(_HOURS), _interest_series(contract, seed))
    units = 10.0**contract.scale.volume_decimals
    value = contract.truth.turnover_24h * contract.truth.open_interest_share
    return np.rint(value / contract.anchor_price * np.exp(logs) * units) / units


@lru_cache(maxsize=64)
def _interest_series(contract: Contract, seed: int) -> FloatArray:
    rng = np.random.default_rng((seed, contract.index, 12))
    coarse = np.cumsum(0.03 * rng.standard_normal(_HOURS // 24 + 2))
    coarse -= np.linspace(coarse[0], coarse[-1], coarse.shape[0])
    days = np.arange(_HOURS) / 24
    series = np.interp(days, np.arange(coarse.shape[0]), coarse)
    series += 0.004 * rng.standard_normal(_HOURS)
    if contract.truth.kind is Kind.SQUEEZING:
        first = ORIGIN_HOUR - HISTORY_HOUR
        grown = np.clip((np.arange(_HOURS) - first) / SQUEEZE_HOURS, 0, 1)
        series += np.log1p(_SQUEEZE_INTEREST * grown)
    return series
