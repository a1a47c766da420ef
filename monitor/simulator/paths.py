"""Hourly bars of the generated contracts, in segments, both ways from an origin.

Pure, deterministic by seed. Log price = level + deviation:

- the hourly innovation is ``beta·market + idiosyncratic``, both scaled by a
  market-wide volatility cycle;
- mean-reverting contracts: the innovations drive the deviation, an
  Ornstein–Uhlenbeck process with the stated half-life, around a level that
  moves slowly (0.02 of the volatility per hour);
- all others: deviation is their sum (half-life infinite).

A stationary Gaussian OU process is reversible, so the past is generated
backward from the origin by the same recursion. Near hours exist at once, the
past and the future only when asked for.
"""

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from monitor.domain.market import HOUR_MS
from monitor.domain.typing import FloatArray, IntArray
from monitor.simulator.bars import Bars, joined
from monitor.simulator.contracts import (
    MARKET_VOLATILITY,
    ORIGIN_HOUR,
    SQUEEZE_HOURS,
    STARTS_AT_MS,
    TREND_HOURS,
    Contract,
)
from monitor.simulator.truth import Kind

HISTORY_HOURS = 36 * 7 * 24
"""Bars reach this far back from the Monday on which the clock starts."""
HISTORY_HOUR = STARTS_AT_MS // (24 * HOUR_MS) * 24 - HISTORY_HOURS

_NEAR_HOURS = 216
_FUTURE_HOURS = 4 * 7 * 24
_KEPT_SEGMENTS = 128
"""Far segments kept in memory; dropped ones are generated again."""
_LEVEL_SHARE = 0.02
_CYCLE_HALF_LIFE = 60.0
_BLOCK = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    level: float
    deviation: float


class Paths:
    """All hourly bars of one market.

    Parameters
    ----------
    seed : int
        Seed of the market.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._factors: dict[int, tuple[FloatArray, FloatArray]] = {}
        self._states: dict[tuple[int, int], _State] = {}
        self._near: dict[int, Bars] = {}
        self._far: OrderedDict[tuple[int, int], Bars] = OrderedDict()

    def hours(self, contract: Contract, first: int, last: int) -> Bars:
        """Hourly bars ``first … last − 1`` (hours since 1970), as far as listed."""
        first = max(first, contract.truth.listed_at // HOUR_MS, HISTORY_HOUR)
        if last <= first or not contract.has_bars:
            return joined([])
        parts = []
        for segment in range(_segment_of(first), _segment_of(last - 1) + 1):
            start, _ = _edges(segment)
            bars = self._segment(contract, segment)
            parts.append(bars.part(slice(max(0, first - start), last - start)))
        return joined(parts)

    def _segment(self, contract: Contract, segment: int) -> Bars:
        if segment == 0:
            if contract.index not in self._near:
                self._near[contract.index] = self._generated(contract, 0)
            return self._near[contract.index]
        key = (contract.index, segment)
        if key in self._far:
            self._far.move_to_end(key)
            return self._far[key]
        bars = self._far[key] = self._generated(contract, segment)
        if len(self._far) > _KEPT_SEGMENTS:
            self._far.popitem(last=False)
        return bars

    def _state(self, contract: Contract, segment: int) -> _State:
        # where the segment starts to be generated: at its end nearer to the origin
        key = (contract.index, segment)
        if segment in (0, -1) and key not in self._states:
            self._states[key] = _origin_state(contract, self._seed)
        elif key not in self._states:
            nearer = segment - 1 if segment > 0 else segment + 1
            self._generated(contract, nearer)
        return self._states[key]

    def _factor(self, segment: int) -> tuple[FloatArray, FloatArray]:
        # market innovations and volatility multipliers, each (hours,)
        if segment not in self._factors:
            rng = _rng(self._seed, 0, segment, 1)
            start, end = _edges(segment)
            decay = 0.5 ** (1 / _CYCLE_HALF_LIFE)
            noise = 0.3 * (1 - decay**2) ** 0.5 * rng.standard_normal(end - start)
            cycle = np.exp(_decaying_sum(noise, decay, 0.3 * rng.standard_normal()))
            drawn = rng.standard_normal(end - start)
            self._factors[segment] = (MARKET_VOLATILITY * cycle * drawn, cycle)
        return self._factors[segment]

    def _generated(self, contract: Contract, segment: int) -> Bars:
        state = self._state(contract, segment)
        rng = _rng(self._seed, contract.index, segment, 2)
        start, end = _edges(segment)
        market, cycle = self._factor(segment)
        truth = contract.truth
        alone = _own_volatility(contract)
        shocks = truth.beta_btc * market
        shocks = shocks + alone * cycle * rng.standard_normal(end - start)
        spread = truth.volatility_per_hour * cycle
        if truth.kind is Kind.DEAD:
            active = rng.random(end - start) < 0.4  # noqa: PLR2004  most hours: no trade
            shocks, spread = shocks * active, spread * active
        moves = _drifts(contract, start, end)
        if truth.half_life_hours is not None:
            noise = rng.standard_normal(end - start)
            moves = moves + _LEVEL_SHARE * truth.volatility_per_hour * noise
        log_price, final = _walk(state, shocks, moves, _decay(contract), segment)
        self._states[contract.index, segment + (1 if segment >= 0 else -1)] = final
        return _bars(contract, start, log_price, spread, rng)


def _rng(seed: int, index: int, segment: int, channel: int) -> np.random.Generator:
    return np.random.default_rng((seed, index, segment + 1000, channel))


def _segment_of(hour: int) -> int:
    near = ORIGIN_HOUR + _NEAR_HOURS
    if hour >= near:
        return 1 + (hour - near) // _FUTURE_HOURS
    if hour >= ORIGIN_HOUR:
        return 0
    return -1 if hour >= ORIGIN_HOUR - TREND_HOURS else -2


def _edges(segment: int) -> tuple[int, int]:
    if segment == -2:  # noqa: PLR2004  the oldest
        return HISTORY_HOUR, ORIGIN_HOUR - TREND_HOURS
    if segment == -1:
        return ORIGIN_HOUR - TREND_HOURS, ORIGIN_HOUR
    if segment == 0:
        return ORIGIN_HOUR, ORIGIN_HOUR + _NEAR_HOURS
    start = ORIGIN_HOUR + _NEAR_HOURS + (segment - 1) * _FUTURE_HOURS
    return start, start + _FUTURE_HOURS


def _decay(contract: Contract) -> float:
    half_life = contract.truth.half_life_hours
    return 1.0 if half_life is None else float(0.5 ** (1.0 / half_life))


def _own_volatility(contract: Contract) -> float:
    truth = contract.truth
    own = truth.volatility_per_hour**2 - (truth.beta_btc * MARKET_VOLATILITY) ** 2
    return float(np.sqrt(max(own, (0.2 * truth.volatility_per_hour) ** 2)))


def _origin_state(contract: Contract, seed: int) -> _State:
    level = float(np.log(contract.anchor_price))
    decay = _decay(contract)
    if decay == 1.0:
        return _State(level=level, deviation=0.0)
    spread = contract.truth.volatility_per_hour / (1 - decay**2) ** 0.5
    drawn = _rng(seed, contract.index, 0, 3).standard_normal()
    return _State(level=level, deviation=float(spread * drawn))


def _drifts(contract: Contract, start: int, end: int) -> FloatArray:
    truth = contract.truth
    hours = np.arange(start, end)
    if truth.regime_started_at is None:
        return np.zeros(end - start)
    active = hours >= truth.regime_started_at // HOUR_MS
    if truth.kind is Kind.SQUEEZING:
        active &= hours < ORIGIN_HOUR + SQUEEZE_HOURS
    return truth.drift_per_hour * active.astype(np.float64)


def _walk(
    state: _State, shocks: FloatArray, moves: FloatArray, decay: float, segment: int
) -> tuple[FloatArray, _State]:
    # shocks, moves: (n,) per hour; log price at the n + 1 edges of the hours
    if segment < 0:
        shocks, moves = -shocks[::-1], -moves[::-1]
    deviation = _decaying_sum(shocks, decay, state.deviation)
    level = state.level + np.cumsum(moves)
    final = _State(level=float(level[-1]), deviation=float(deviation[-1]))
    reached = np.append(state.level + state.deviation, level + deviation)
    return (reached[::-1] if segment < 0 else reached), final


def _decaying_sum(shocks: FloatArray, decay: float, start: float) -> FloatArray:
    # x[t] = decay·x[t−1] + shocks[t], x[−1] = start; block-wise, without a loop over t
    n = shocks.shape[0]
    blocks = -(-n // _BLOCK)
    padded = np.zeros(blocks * _BLOCK)
    padded[:n] = shocks
    weights = decay ** np.arange(_BLOCK)
    sums = np.cumsum(padded.reshape(blocks, _BLOCK) / weights, axis=1) * weights
    carry = decay * weights
    for block in range(blocks):
        sums[block] += start * carry
        start = sums[block, -1]
    out: FloatArray = sums.reshape(-1)[:n]
    return out


def _bars(
    contract: Contract,
    start: int,
    log_price: FloatArray,
    spread: FloatArray,
    rng: np.random.Generator,
) -> Bars:
    n = spread.shape[0]
    units = 10.0**contract.scale.price_decimals
    edges = np.maximum(np.rint(np.exp(log_price) * units), 1).astype(np.int64)
    opens, closes = edges[:-1], edges[1:]
    moved = np.diff(log_price)
    # highest and lowest point of a Brownian bridge between the edges
    reach = 2.0 * spread**2 * rng.standard_exponential((2, n))
    up = (moved + np.sqrt(moved**2 + reach[0])) / 2
    down = (np.sqrt(moved**2 + reach[1]) - moved) / 2
    tops = np.rint(np.exp(log_price[:-1] + up) * units).astype(np.int64)
    bottoms = np.rint(np.exp(log_price[:-1] - down) * units).astype(np.int64)
    highs = np.maximum(tops, np.maximum(opens, closes))
    lows = np.maximum(np.minimum(bottoms, np.minimum(opens, closes)), 1)
    typical = (opens + highs + lows + closes) // 4
    volume = _volume(contract, start, moved, spread, typical, rng=rng)
    taker = np.floor(volume * _taker_share(contract, start, moved, rng))
    taker_volume = taker.astype(np.int64)
    quote = volume * typical
    count = np.ceil(
        quote / 10.0**contract.scale.quote_decimals / contract.average_trade
    )
    return Bars(
        open_time=(start + np.arange(n, dtype=np.int64)) * HOUR_MS,
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        volume=volume,
        quote_volume=quote,
        trades=np.minimum(count.astype(np.int64), volume),
        taker_volume=taker_volume,
        taker_quote_volume=taker_volume * typical,
    )


def _volume(
    contract: Contract,
    start: int,
    moved: FloatArray,
    spread: FloatArray,
    typical: IntArray,
    *,
    rng: np.random.Generator,
) -> IntArray:
    truth, scale = contract.truth, contract.scale
    size = np.abs(moved) / truth.volatility_per_hour
    busy = np.exp(0.45 * rng.standard_normal(spread.shape[0]) - 0.1) * (
        0.5 + 0.6 * size
    )
    busy *= 1.0 + 3.0 * _squeezed(contract, start, spread.shape[0])
    wanted = truth.turnover_24h / 24 * busy * 10.0**scale.quote_decimals / typical
    volume = np.maximum(np.rint(wanted), 1)
    return np.where(spread > 0, volume, 0).astype(np.int64)


def _taker_share(
    contract: Contract, start: int, moved: FloatArray, rng: np.random.Generator
) -> FloatArray:
    # buyers are the aggressors when the price rises
    n = moved.shape[0]
    pressed = np.tanh(moved / contract.truth.volatility_per_hour)
    share = 0.5 + 0.1 * pressed + 0.03 * rng.standard_normal(n)
    share = share + 0.1 * _squeezed(contract, start, n)
    return np.clip(share, 0.2, 0.8)


def _squeezed(contract: Contract, start: int, n: int) -> FloatArray:
    if contract.truth.kind is not Kind.SQUEEZING:
        return np.zeros(n)
    hours = np.arange(start, start + n) - ORIGIN_HOUR
    inside = (hours >= 0) & (hours < SQUEEZE_HOURS)
    return inside.astype(np.float64)
