"""A finished backtest, as reports read it."""

from collections.abc import Sequence
from dataclasses import dataclass

from grid_screening.backtest.assumed_instruments import quote_asset_of
from grid_screening.backtest.backtest_run import GridRun
from grid_screening.backtest.grids import Costs
from grid_screening.backtest.run_summary import RunSummary
from monitor.domain.market import KlineInterval
from monitor.domain.typing import FloatArray, IntArray, Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRun:
    """A contract that had no grid at one begin, and why."""

    symbol: Symbol
    begin_ms: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """Everything a report says."""

    history: str
    """Name of its folder."""
    fingerprint: str
    """SHA-256 of its files."""
    interval: KlineInterval
    """Of the bars the fills were simulated on."""
    start_ms: int
    """First begin, ms UTC."""
    end_ms: int
    """No grid runs beyond."""
    every_ms: int | None
    """Distance of the begins; None: one begin."""
    horizon_ms: int
    """How long each grid may run."""
    plans_are_given: bool
    """Read from a report rather than drawn at each begin."""
    plans: str
    """Where the grids come from, in words."""
    bounds: str
    start: str
    """``loaded`` or ``flat``."""
    costs: Costs
    maintenance: str
    """``assumed`` or ``given``."""
    engine: str
    runs: tuple[GridRun, ...]
    """By begin, then in the order asked for."""
    missing: tuple[NotRun, ...]
    summary: RunSummary | None
    """None: fewer than two runs."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunPicture:
    """What is drawn of one run: arrays of its bars and of its fills."""

    run: GridRun
    open_time: IntArray
    """ms UTC, shape ``(n_bars,)``, like the next five."""
    high: FloatArray
    low: FloatArray
    close: FloatArray
    equity: FloatArray
    """Change since the begin at each bar's close, quote currency."""
    static_equity: FloatArray
    """The same of the initial short alone, fees and funding left out."""
    fill_time: IntArray
    """Open of the bar, ms UTC, shape ``(n_fills,)``, like the next two."""
    fill_price: FloatArray
    fill_side: IntArray
    """+1 bought, −1 sold."""


def quote_of(runs: Sequence[GridRun]) -> str:
    """Return the asset that amounts are in, told from the symbols' ends.

    Several, or one that is not known: ``quote``.
    """
    found = {quote_asset_of(run.symbol) for run in runs}
    return (found.pop() if len(found) == 1 else None) or "quote"
