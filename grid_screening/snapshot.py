"""One instant of the market, one shape: what factors are computed from."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from monitor.domain.bars import bar_problem
from monitor.domain.instruments import Instrument
from monitor.domain.market import KlineInterval
from monitor.domain.typing import FloatArray, IntArray, Symbol

BENCHMARK = "BTCUSDT"

_PANELS = ("open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume")
_REQUIRED = ("last_price", "quote_volume_24h")
_OPTIONAL = ("mark_price", "open_interest", "funding_rate", "funding_interval_h")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSnapshot:
    """Closed bars and quotes of ``n_symbols`` contracts as of one server time.

    Checked once, here; calculators trust it. Arrays are made read-only.

    Raises
    ------
    ValueError
        Shapes disagree, bar times are not equidistant, a bar is not closed at
        ``as_of_ms``, or a bar or required quote is not a finite, possible value.
    """

    as_of_ms: int
    """Server time of the snapshot, ms UTC."""
    interval: KlineInterval
    symbols: tuple[Symbol, ...]
    instruments: Mapping[Symbol, Instrument]
    open_time: IntArray
    """Shape ``(n_bars,)``, ms UTC, ascending, equidistant."""
    open: FloatArray
    """Shape ``(n_symbols, n_bars)``, like all bar columns; oldest bar first."""
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    """Base currency."""
    quote_volume: FloatArray
    taker_buy_volume: FloatArray
    """Base currency; in [0, volume]; NaN: not recorded."""
    last_price: FloatArray
    """Shape ``(n_symbols,)``, like all quotes."""
    quote_volume_24h: FloatArray
    mark_price: FloatArray
    """NaN: missing."""
    open_interest: FloatArray
    """Base currency; NaN: missing."""
    funding_rate: FloatArray
    """Fraction per interval; NaN: missing."""
    funding_interval_h: FloatArray
    """Hours; NaN: missing."""
    benchmark_close: FloatArray | None
    """Closes of the benchmark on the same bars, shape ``(n_bars,)``; None: missing."""

    def __post_init__(self) -> None:
        _check(self)
        for name in (*_PANELS, *_REQUIRED, *_OPTIONAL, "open_time"):
            getattr(self, name).flags.writeable = False
        if self.benchmark_close is not None:
            self.benchmark_close.flags.writeable = False

    @property
    def symbol_count(self) -> int:
        """Number of contracts."""
        return len(self.symbols)

    @property
    def bar_count(self) -> int:
        """Number of closed bars per contract."""
        return int(self.open_time.shape[0])

    @property
    def last_bar_close_ms(self) -> int | None:
        """Close of the newest bar, ms UTC; None without bars."""
        if self.bar_count == 0:
            return None
        return int(self.open_time[-1]) + self.interval.milliseconds - 1


def _check(s: MarketSnapshot) -> None:
    _check_shapes(s)
    _check_values(s)


def _check_shapes(s: MarketSnapshot) -> None:
    panel = (s.symbol_count, s.bar_count)
    for name in _PANELS:
        _check_array(name, getattr(s, name), panel)
    for name in (*_REQUIRED, *_OPTIONAL):
        _check_array(name, getattr(s, name), panel[:1])
    if s.benchmark_close is not None:
        _check_array("benchmark_close", s.benchmark_close, panel[1:])


def _check_values(s: MarketSnapshot) -> None:
    if len(set(s.symbols)) != len(s.symbols):
        raise ValueError("symbols must be distinct")
    missing = [symbol for symbol in s.symbols if symbol not in s.instruments]
    if missing:
        raise ValueError(f"instruments must hold every symbol, lacks {missing}")
    if np.any(np.diff(s.open_time) != s.interval.milliseconds):
        raise ValueError(f"bars must be {s.interval.value} apart")
    if s.last_bar_close_ms is not None and s.last_bar_close_ms >= s.as_of_ms:
        raise ValueError("every bar must be closed at as_of_ms")
    for name in _REQUIRED:
        if not np.all(np.isfinite(getattr(s, name))):
            raise ValueError(f"{name} must be finite")
    benchmark = s.benchmark_close
    if benchmark is not None and not np.all(np.isfinite(benchmark) & (benchmark > 0)):
        raise ValueError("benchmark_close must be finite and > 0")
    problem = bar_problem(
        open_=s.open,
        high=s.high,
        low=s.low,
        close=s.close,
        volume=s.volume,
        taker_buy_volume=_recorded(s.taker_buy_volume),
    )
    if problem is not None:
        raise ValueError(problem)


def _recorded(taker_buy_volume: FloatArray) -> FloatArray:
    # what was not recorded cannot be impossible: 0 is in every [0, volume]
    absent = np.isnan(taker_buy_volume)
    return np.where(absent, 0.0, taker_buy_volume) if absent.any() else taker_buy_volume


def _check_array(name: str, values: FloatArray, shape: tuple[int, ...]) -> None:
    if values.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, was {values.shape}")
    if values.dtype != np.float64:
        raise ValueError(f"{name} must be float64, was {values.dtype}")
