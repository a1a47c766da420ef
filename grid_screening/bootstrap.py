"""Markets drawn again from a snapshot's own bars, and their factors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grid_screening.factors import FactorTable, factor_table
from grid_screening.snapshot import MarketSnapshot
from monitor.domain.typing import FloatArray, IntArray, Symbol

BAR_FACTORS = (
    "natr",
    "efficiency_ratio",
    "normalized_slope",
    "r_squared",
    "hurst_exponent",
    "z_score",
    "bearish_cvd_divergence",
    "cvd_change_ratio",
)
"""Factors of bars that a score reads; the others need not be computed again."""
QUOTE_FACTORS = ("open_interest_ratio", "funding_rate_8h")
"""Factors of quotes that a score reads: the same in every drawn market."""
SCORE_FACTORS = (*BAR_FACTORS, *QUOTE_FACTORS)

PANEL_BARS = 100_000
"""Bars (symbols × bars) drawn together: five columns of them are 4 MB."""

_FARTHEST = 230.0
# nats, a factor of 1e100: blocks that hold a misprint may add up beyond what a
# float can square; a path is held there


def block_draws(bar_count: int, *, draws: int, block_bars: int, seed: int) -> IntArray:
    """Which bars make up each drawn market: a circular block bootstrap.

    Parameters
    ----------
    bar_count : int
        Bars of the snapshot, at least 2.
    draws : int
        Markets drawn, at least 1.
    block_bars : int
        Bars that stay together, at least 1.
    seed : int
        Of the random starts; the draws depend on it and these counts alone.

    Returns
    -------
    ndarray of shape (draws, bar_count)
        Bar numbers in 1…bar_count − 1: the first bar has no close before it. The
        newest block is whole, so that a window up to its length is one that
        really occurred; the oldest is cut. Blocks run over the end to the front.

    Raises
    ------
    ValueError
        A count is too small.

    References
    ----------
    .. [1] Politis, D. N. and Romano, J. P. (1992) in Exploring the Limits of
       Bootstrap, Wiley, 263–270.
    """
    for name, value, least in (
        ("bar_count", bar_count, 2),
        ("draws", draws, 1),
        ("block_bars", block_bars, 1),
    ):
        if value < least:
            raise ValueError(f"{name} must be at least {least}, was {value}")
    steps = bar_count - 1
    blocks = -(-bar_count // block_bars)
    starts = np.random.default_rng(seed).integers(0, steps, (draws, blocks, 1))
    drawn = (starts + np.arange(block_bars)) % steps + 1
    # (draws, blocks, block_bars) → (draws, bars), the newest bar_count of them
    return drawn.reshape(draws, -1)[:, -bar_count:].astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarDraws:
    """Factors of bars in every drawn market; needs no quotes."""

    symbols: tuple[Symbol, ...]
    columns: Mapping[str, FloatArray]
    """By name of `BAR_FACTORS`, each of shape ``(draws, n_symbols)``."""

    def of(self, symbols: Sequence[Symbol]) -> "BarDraws":
        """Return the columns of ``symbols``, all of which must be here."""
        place = {symbol: at for at, symbol in enumerate(self.symbols)}
        rows = np.array([place[symbol] for symbol in symbols], dtype=np.int64)
        columns = {name: column[:, rows] for name, column in self.columns.items()}
        return BarDraws(symbols=tuple(symbols), columns=columns)


def bar_draws(
    snapshot: MarketSnapshot, symbols: Sequence[Symbol], bars: IntArray
) -> BarDraws:
    """Return `BAR_FACTORS` of every drawn market.

    Bars are taken relative to the close before them (log return; high and low
    against the close; volumes as they are) and joined to a path that ends at
    today's close. All contracts share the draw: what moved together still does.

    Parameters
    ----------
    snapshot : MarketSnapshot
        Bars; its quotes are not looked at.
    symbols : sequence of str
        Contracts wanted, all of them in the snapshot.
    bars : ndarray of shape (draws, n_bars)
        From `block_draws`.

    Returns
    -------
    BarDraws
        By the same code as the scan's factors. A contract whose newest drawn bars
        do not move has no efficiency ratio: NaN.
    """
    rows = _rows(snapshot, symbols)
    columns = {name: np.empty((len(bars), len(rows))) for name in BAR_FACTORS}
    together = max(PANEL_BARS // snapshot.bar_count, 1)
    for start in range(0, len(rows), together):
        chosen = slice(start, start + together)
        relative = _RelativeBars(snapshot, rows[chosen])
        for draw, drawn in enumerate(bars):
            table = factor_table(relative.market(drawn), names=BAR_FACTORS)
            for name, column in columns.items():
                column[draw, chosen] = table[name]
    return BarDraws(symbols=tuple(symbols), columns=columns)


def factor_draws(
    snapshot: MarketSnapshot, symbols: Sequence[Symbol], drawn: BarDraws
) -> tuple[FactorTable, ...]:
    """Return `SCORE_FACTORS` of every drawn market.

    Parameters
    ----------
    snapshot : MarketSnapshot
        Its quotes (funding, open interest, turnover) stand in every draw.
    symbols : sequence of str
        Contracts wanted, all of them in the snapshot and among the drawn.
    drawn : BarDraws
        From `bar_draws`.

    Returns
    -------
    tuple of FactorTable
        One per draw, rows as in ``symbols``.
    """
    rows = _rows(snapshot, symbols)
    quotes = factor_table(snapshot, names=QUOTE_FACTORS)
    today = {name: quotes[name][rows] for name in QUOTE_FACTORS}
    columns = drawn.of(symbols).columns
    return tuple(
        FactorTable(
            symbols=tuple(symbols),
            values={name: column[draw] for name, column in columns.items()} | today,
        )
        for draw in range(len(columns["natr"]))
    )


def _rows(snapshot: MarketSnapshot, symbols: Sequence[Symbol]) -> IntArray:
    row_of = {symbol: row for row, symbol in enumerate(snapshot.symbols)}
    return np.array([row_of[symbol] for symbol in symbols], dtype=np.int64)


class _RelativeBars:
    # Some contracts' bars, each against the close before it or its own close.

    def __init__(self, snapshot: MarketSnapshot, rows: IntArray) -> None:
        close = snapshot.close[rows]
        self._whole = snapshot
        self._rows = rows
        self._last = close[:, -1:].copy()
        self._log_return = np.zeros(close.shape)
        self._log_return[:, 1:] = np.diff(np.log(close), axis=-1)
        # rounding keeps the order: high ÷ close is at least 1, low ÷ close at most
        self._high = snapshot.high[rows] / close
        self._low = snapshot.low[rows] / close
        self._volume = snapshot.volume[rows]
        self._taker_buy_volume = snapshot.taker_buy_volume[rows]
        # written anew by every draw: fresh memory costs as much as the arithmetic
        self._room = np.empty((6, *close.shape))

    def market(self, drawn: IntArray) -> MarketSnapshot:
        # a draw's market is gone when the next one is drawn
        steps, close, high, low, volume, taker_buy_volume = self._room
        _take(self._log_return, drawn, steps)
        _walk(steps, self._last, close)
        _take(self._high, drawn, high)
        _take(self._low, drawn, low)
        np.multiply(high, close, out=high)
        np.multiply(low, close, out=low)
        _take(self._volume, drawn, volume)
        _take(self._taker_buy_volume, drawn, taker_buy_volume)
        whole, rows = self._whole, self._rows
        return MarketSnapshot(
            as_of_ms=whole.as_of_ms,
            interval=whole.interval,
            symbols=tuple(whole.symbols[row] for row in rows),
            instruments=whole.instruments,
            open_time=whole.open_time,
            open=close,  # no factor of a score reads open or quote volume
            high=high,
            low=low,
            close=close,
            volume=volume,
            quote_volume=volume,
            taker_buy_volume=taker_buy_volume,
            last_price=whole.last_price[rows],
            quote_volume_24h=whole.quote_volume_24h[rows],
            mark_price=whole.mark_price[rows],
            open_interest=whole.open_interest[rows],
            funding_rate=whole.funding_rate[rows],
            funding_interval_h=whole.funding_interval_h[rows],
            benchmark_close=None,
        )


def _take(columns: FloatArray, drawn: IntArray, out: FloatArray) -> None:
    # the numbers are legal; any mode but "raise" writes without a copy between
    np.take(columns, drawn, axis=-1, out=out, mode="clip")


def _walk(steps: FloatArray, last: FloatArray, out: FloatArray) -> None:
    # log returns → closes that end at ``last``, shape (rows, 1)
    np.cumsum(steps, axis=-1, out=out)
    out -= out[:, -1:].copy()
    np.clip(out, -_FARTHEST, _FARTHEST, out=out)
    np.exp(out, out=out)
    out *= last
