"""One origin: what a scan chose there, and what became of all grids it could plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from grid_screening.backtest.engine import simulated_grids
from grid_screening.backtest.grids import Costs, EndReason, GridBatch, GridOutcomes
from grid_screening.backtest.paths import PricePaths
from grid_screening.backtest.planned import planned_grids
from grid_screening.snapshot import MarketSnapshot
from grid_screening.validation.drawn_grids import DrawnGrids, drawn_grids
from grid_screening.validation.origin_choice import (
    StudyMarket,
    narrow_scores,
    origin_choice,
)
from grid_screening.validation.study_settings import Drawing, Variant
from monitor.domain.typing import BoolArray, FloatArray, IntArray, Symbol

COLUMNS = (
    "pnl",
    "pnl_margin",
    "r",
    "won",
    "stopped",
    "take_profit",
    "liquidated",
    "static_short",
    "fees",
    "funding",
    "worst",
    "risk",
    "quantity",
)
"""What is kept of a grid. ``pnl``, ``static_short``, ``fees``, ``funding``, ``worst``
(lowest equity) and ``risk`` (loss at the upper bound) per largest notional (cells ×
quantity × upper bound), ``pnl_margin`` per margin, ``r`` = pnl ÷ risk; ``won`` …
``liquidated`` 1 or 0; ``quantity`` per lot."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OriginOutcomes:
    """One origin. Arrays over its ``k`` scored contracts, NaN: not known."""

    as_of_ms: int
    excluded: Mapping[str, int]
    """Contracts by the code of the reason."""
    contracts: IntArray
    """Shape ``(k,)``: rows of the history."""
    factors: Mapping[str, FloatArray]
    scores: Mapping[str, FloatArray]
    """By profile, NaN: behind the gate; and `GUARDED_LIST`."""
    narrow_scores: Mapping[str, FloatArray]
    """The same in the narrow universe; NaN outside."""
    width: FloatArray
    """x of the planned upper bound."""
    turnover: FloatArray
    """24 h, quote currency."""
    outcomes: Mapping[str, FloatArray]
    """By variant, shape ``(len(COLUMNS), k)``."""


def origin_outcomes(of: StudyMarket, as_of_ms: int) -> OriginOutcomes:
    """Scan at ``as_of_ms``, plan every scored contract, simulate every variant.

    Parameters
    ----------
    of : StudyMarket
    as_of_ms : int
        ms UTC, where a bar of the history opens.

    Returns
    -------
    OriginOutcomes
        A variant whose horizon ends after the history, or whose bars do not cover
        the origin, is NaN: what became of those grids is not known.

    Raises
    ------
    ValueError
        ``as_of_ms`` lies outside the history.
    """
    chosen = origin_choice(of, as_of_ms)
    scored, own = chosen.scored, chosen.own
    drawings = {Drawing(): own}
    outcomes = {}
    for variant in of.variants:
        if variant.drawing not in drawings:
            drawings[variant.drawing] = drawn_grids(
                of.market, scored, of.settings, variant.drawing
            )
        drawn = drawings[variant.drawing]
        outcomes[variant.name] = _simulated(of, scored, drawn, variant)
    return OriginOutcomes(
        as_of_ms=as_of_ms,
        excluded=chosen.excluded,
        contracts=_contracts(of.market.symbols, scored.symbols),
        factors=chosen.factors,
        scores=chosen.scores,
        narrow_scores=narrow_scores(of, chosen),
        width=chosen.width,
        turnover=scored.quote_volume_24h,
        outcomes=outcomes,
    )


def _simulated(
    of: StudyMarket, scored: MarketSnapshot, drawn: DrawnGrids, variant: Variant
) -> FloatArray:
    out = np.full((len(COLUMNS), scored.symbol_count), np.nan)
    paths = of.paths
    places, rows = drawn.places, _contracts(paths.symbols, scored.symbols)[drawn.places]
    if variant.finer or variant.finer_contracts:
        if of.finer is None:
            return out
        finer_rows = _contracts(of.finer.symbols, scored.symbols)[drawn.places]
        inside = finer_rows >= 0
        inside[inside] = _has_bar(of.finer, finer_rows[inside], scored.as_of_ms)
        if variant.finer:
            paths, rows = of.finer, finer_rows
        places, rows = places[inside], rows[inside]
        plans = [plan for plan, kept in zip(drawn.plans, inside, strict=True) if kept]
    else:
        plans = list(drawn.plans)
    begin = int(np.searchsorted(paths.open_time, scored.as_of_ms))
    end = begin + variant.horizon_ms // paths.interval_ms
    if not plans or end > paths.open_time.size:
        return out
    grids = planned_grids(
        rows,
        np.full(rows.size, begin, np.int64),
        np.full(rows.size, end, np.int64),
        plans,
        start=variant.drawing.start,
    )
    if not variant.stop:
        grids = replace(grids, stop_price=np.full(rows.size, inf))
    costs = Costs(
        maker_fee=of.settings.maker_fee * variant.fee_multiple,
        taker_fee=of.settings.taker_fee * variant.fee_multiple,
    )
    found = simulated_grids(paths, grids, costs, order=variant.order)
    risk = np.array([float(plan.loss_at_upper) for plan in plans])
    out[:, places] = _columns(grids, found, risk)
    return out


def _has_bar(paths: PricePaths, rows: IntArray, as_of_ms: int) -> BoolArray:
    at = int(np.searchsorted(paths.open_time, as_of_ms))
    if at == paths.open_time.size or paths.open_time[at] != as_of_ms:
        return np.zeros(rows.size, np.bool_)
    has_bar: BoolArray = np.isfinite(paths.close[rows, at])
    return has_bar


def _columns(grids: GridBatch, found: GridOutcomes, risk: FloatArray) -> FloatArray:
    cells = grids.level_count - 1
    upper = grids.lower_bound + cells * grids.grid_step
    notional = cells * grids.quantity * upper

    def ended(reason: EndReason) -> FloatArray:
        is_so: FloatArray = (found.end_reason == reason).astype(np.float64)
        return is_so

    values = {
        "pnl": found.pnl / notional,
        "pnl_margin": found.pnl / grids.margin,
        "r": found.pnl / risk,
        "won": (found.pnl > 0).astype(np.float64),
        "stopped": ended(EndReason.STOPPED),
        "take_profit": ended(EndReason.TAKE_PROFIT),
        "liquidated": ended(EndReason.LIQUIDATED),
        "static_short": found.static_short / notional,
        "fees": found.fees / notional,
        "funding": found.funding / notional,
        "worst": found.worst_equity / notional,
        "risk": risk / notional,
        "quantity": grids.quantity,
    }
    return np.stack([values[name] for name in COLUMNS])


def _contracts(symbols: Sequence[Symbol], wanted: Sequence[Symbol]) -> IntArray:
    # rows of `wanted` among `symbols`; −1: not there
    places = {symbol: row for row, symbol in enumerate(symbols)}
    return np.array([places.get(symbol, -1) for symbol in wanted], np.int64)
