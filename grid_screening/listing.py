"""Ranking and plans → the rows of the report."""

from collections.abc import Mapping

import numpy as np

from grid_screening.assembly import Market
from grid_screening.conf import ScreenerSettings
from grid_screening.grid_plan import InfeasibleGrid, ShortGridPlan
from grid_screening.price_bars import price_bars
from grid_screening.profile import ScoreProfile
from grid_screening.ranking import Ranking
from grid_screening.scoring import Scores
from grid_screening.screening_report import (
    NotListed,
    RankedSymbol,
    Reason,
    StopOutOutlook,
)
from grid_screening.snapshot import MarketSnapshot
from grid_screening.volume_boxes import contract_volumes
from monitor.domain.market import KlineInterval
from monitor.domain.typing import Symbol

Plan = ShortGridPlan | InfeasibleGrid

PICTURED_RANKS = 50
"""Rows below get no bars: a list of all contracts must stay a page one can open."""

VETOED = Reason(code="vetoed", text="vetoed: no grid is planned against this trend")


def listed_rows(result: Ranking, top: int) -> list[int]:
    """Return the rows listed, best first: ``top`` of them (0: all, vetoed last).

    Vetoed contracts never count among the first ``top``.
    """
    return listed_places(result.scores, top)


def listed_places(scores: Scores, top: int) -> list[int]:
    """Return the rows of ``scores`` that `listed_rows` lists."""
    order = [int(row) for row in scores.order]
    if top == 0:
        return order
    return [row for row in order if not scores.vetoed[row]][:top]


def coverage_share(*, requested: int, unreadable: int, incomplete: int) -> float:
    """Return symbols with all data ÷ symbols whose data was requested.

    Parameters
    ----------
    requested : int
        Symbols whose data was requested, those with unreadable rows among them.
    unreadable : int
        Symbols that were dropped because a row of theirs was unreadable.
    incomplete : int
        Symbols of which some later request failed or was unreadable. Filters,
        gaps and short histories do not count.

    Returns
    -------
    float
        In [0, 1]; 1.0 when nothing was requested.
    """
    return 1.0 if requested == 0 else 1.0 - (unreadable + incomplete) / requested


def ranked_symbol(
    snapshot: MarketSnapshot,
    result: Ranking,
    row: int,
    plans: Mapping[Symbol, Plan],
    *,
    rank_intervals: Mapping[Symbol, tuple[int, int]],
    outlooks: Mapping[Symbol, StopOutOutlook],
) -> RankedSymbol:
    """Return one listed contract; without a plan it was vetoed.

    ``row`` counts in ``result``, which lacks the rows of ``snapshot`` that were
    excluded.
    """
    symbol = result.factors.symbols[row]
    scores = result.scores
    is_pictured = scores.rank[row] <= PICTURED_RANKS
    traded = contract_volumes(snapshot, symbol)
    plan = plans.get(symbol)
    marks = scores.marks[row]
    grid = None
    grid_reason: Reason | None = VETOED
    if isinstance(plan, InfeasibleGrid):
        grid_reason = plan.reason
    elif plan is not None:
        grid, grid_reason = plan.to_mapping(), None
        marks += plan.marks
    if plan is not None and _is_narrow(plan, scores.profile):
        marks += ("narrow_range",)
    return RankedSymbol(
        rank=int(scores.rank[row]),
        symbol=symbol,
        gss=float(scores.gss[row]),
        confidence=float(scores.confidence[row]),
        vetoed=bool(scores.vetoed[row]),
        score_breakdown={
            name: _number(values[row]) for name, values in scores.breakdown.items()
        },
        factors=result.factors.row(symbol),
        marks=marks,
        grid=grid,
        grid_reason=grid_reason,
        minimum_margin=None if plan is None else plan.minimum_margin,
        rank_interval=rank_intervals.get(symbol),
        stop_out=outlooks.get(symbol),
        box=traded.box,
        bars=price_bars(snapshot, snapshot.symbols.index(symbol))
        if is_pictured
        else None,
        volumes=traded.volumes if is_pictured else None,
        levels=tuple(map(float, plan.levels))
        if is_pictured and isinstance(plan, ShortGridPlan)
        else (),
    )


def _is_narrow(plan: Plan, profile: ScoreProfile) -> bool:
    width = plan.range_to_volatility
    return width is not None and width < profile.marks.narrow_range_below


def not_listed_symbol(result: Ranking, row: int) -> NotListed:
    """Return the row of a scored contract below the listed ones."""
    return NotListed(
        symbol=result.factors.symbols[row],
        rank=int(result.scores.rank[row]),
        gss=float(result.scores.gss[row]),
        vetoed=bool(result.scores.vetoed[row]),
    )


def _veto_words(result: Ranking) -> str:
    # profiles differ in it: one's winner is another's veto
    rule = result.scores.profile.veto
    count = int(result.scores.vetoed.sum())
    fired = f"{count} of {len(result.factors.symbols)} contracts" if count else "none"
    return (
        f"veto of {result.scores.profile.name}: slope > {rule.slope_above:g} bp/bar "
        f"and R² > {rule.r_squared_above:g}; it fired for {fired}"
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def remarks(
    settings: ScreenerSettings,
    market: Market,
    snapshot: MarketSnapshot,
    result: Ranking,
) -> tuple[str, ...]:
    """Return what a person should know about this scan besides its numbers."""
    notes = []
    names = {i.symbol for i in market.exchange_info.instruments}
    unknown = [symbol for symbol in settings.exclude if symbol not in names]
    if unknown:
        notes.append(f"to be excluded, but not on the exchange: {', '.join(unknown)}")
    if settings.interval is not KlineInterval.H4:
        notes.append(
            "thresholds (NATR, slope, 30-day high) are meant for 4 h bars, "
            f"these are {settings.interval.value}; there is no stop-out probability"
        )
    if len(result.factors.symbols):
        notes.append(_veto_words(result))
    for name, column in (
        ("open interest", snapshot.open_interest),
        ("funding rate", snapshot.funding_rate),
        ("mark price", snapshot.mark_price),
        ("taker volume", snapshot.taker_buy_volume.sum(axis=-1)),
    ):
        missing = int(np.isnan(column).sum())
        if missing:
            notes.append(
                f"{name} missing for {missing} of {snapshot.symbol_count} contracts: "
                "their confidence is lower"
            )
    if snapshot.symbol_count and snapshot.benchmark_close is None:
        notes.append("no bars of BTCUSDT: beta is missing")
    return tuple(notes)
