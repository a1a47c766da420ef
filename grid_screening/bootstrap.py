"""Markets drawn again from a snapshot's own bars, and their factors."""

from collections.abc import Sequence

import numpy as np

from grid_screening.factors import FactorTable, factor_table
from grid_screening.snapshot import MarketSnapshot
from monitor.domain.typing import FloatArray, IntArray, Symbol

SCORE_FACTORS = (
    "natr",
    "efficiency_ratio",
    "normalized_slope",
    "r_squared",
    "hurst_exponent",
    "z_score",
    "open_interest_ratio",
    "funding_rate_8h",
    "bearish_cvd_divergence",
    "cvd_change_ratio",
)
"""Every factor that a score reads; the others need not be computed again."""

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


def factor_draws(
    snapshot: MarketSnapshot, symbols: Sequence[Symbol], bars: IntArray
) -> tuple[FactorTable, ...]:
    """Return `SCORE_FACTORS` of every drawn market.

    Bars are taken relative to the close before them (log return; high and low
    against the close; volumes as they are) and joined to a path that ends at
    today's close. All contracts share the draw: what moved together still does.
    Quotes (funding, open interest, turnover) are today's.

    Parameters
    ----------
    snapshot : MarketSnapshot
        Bars and quotes.
    symbols : sequence of str
        Contracts wanted, all of them in the snapshot.
    bars : ndarray of shape (draws, n_bars)
        From `block_draws`.

    Returns
    -------
    tuple of FactorTable
        One per draw, rows as in ``symbols``; by the same code as the scan's. A
        contract whose newest drawn bars do not move has no efficiency ratio: NaN.
    """
    row_of = {symbol: row for row, symbol in enumerate(snapshot.symbols)}
    rows = np.array([row_of[symbol] for symbol in symbols], dtype=np.int64)
    columns = {name: np.empty((len(bars), len(rows))) for name in SCORE_FACTORS}
    together = max(PANEL_BARS // snapshot.bar_count, 1)
    for start in range(0, len(rows), together):
        chosen = slice(start, start + together)
        relative = _RelativeBars(snapshot, rows[chosen])
        for draw, drawn in enumerate(bars):
            table = factor_table(relative.market(drawn), names=SCORE_FACTORS)
            for name, column in columns.items():
                column[draw, chosen] = table[name]
    return tuple(
        FactorTable(
            symbols=tuple(symbols),
            values={name: column[draw] for name, column in columns.items()},
        )
        for draw in range(len(bars))
    )


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
