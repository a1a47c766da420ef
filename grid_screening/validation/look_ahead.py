"""The check that nothing chosen at a time depends on what came later."""

from collections.abc import Sequence

import numpy as np

from grid_screening.backtest.point_in_time import HistoricalMarket
from grid_screening.validation.origin_choice import (
    Choice,
    StudyMarket,
    origin_choice,
)
from grid_screening.validation.results import LookAheadCheck
from monitor.domain.history import FundingBySymbol, FundingHistory, HistoryPanel
from monitor.domain.typing import BoolArray, FloatArray, Symbol

LATER_RATE = 0.05
"""Funding settled at and after the time, in the disturbed market."""


def look_ahead_check(
    of: StudyMarket, origins_ms: Sequence[int], seed: int
) -> LookAheadCheck:
    """Choose again at each origin with everything later replaced, and compare.

    Universe, every factor, scores and plans must be the same to the last bit.
    """
    contracts, changed = 0, 0
    for origin in origins_ms:
        later = StudyMarket(
            disturbed_market(of.market, origin, seed), of.study, of.profile, of.guarded
        )
        before, after = origin_choice(of, origin), origin_choice(later, origin)
        contracts += before.scored.symbol_count
        changed += len(changed_contracts(before, after))
    return LookAheadCheck(
        origins_ms=tuple(origins_ms), contracts=contracts, changed=changed
    )


def disturbed_market(
    market: HistoricalMarket, as_of_ms: int, seed: int
) -> HistoricalMarket:
    """Return ``market`` with all bars and funding at and after ``as_of_ms`` replaced.

    Prices and volumes are multiplied by random numbers between a half and two, bar by
    bar; a fifth of the bars is missing; every later settlement has another rate.
    """
    return HistoricalMarket(
        _disturbed_panel(market.base, as_of_ms, seed),
        _disturbed_funding(market.funding, as_of_ms),
    )


def changed_contracts(before: Choice, after: Choice) -> frozenset[Symbol]:
    """Return the contracts for which two choices at one time differ."""
    own, other = before.scored.symbols, after.scored.symbols
    apart = set(own) ^ set(other)
    if apart:
        return frozenset(apart)
    changed = np.zeros(len(own), np.bool_)
    for values, others in (
        *((before.factors[name], after.factors[name]) for name in before.factors),
        *((before.scores[name], after.scores[name]) for name in before.scores),
        (before.width, after.width),
    ):
        changed |= ~_same(values, others)
    names = {own[row] for row in np.flatnonzero(changed)}
    plans, others_plans = (
        dict(zip([own[row] for row in each.places], each.plans, strict=True))
        for each in (before.own, after.own)
    )
    for symbol in own:
        if plans.get(symbol) != others_plans.get(symbol):
            names.add(symbol)
    return frozenset(names)


def _same(values: FloatArray, others: FloatArray) -> BoolArray:
    same: BoolArray = (values == others) | (np.isnan(values) & np.isnan(others))
    return same


def _disturbed_panel(panel: HistoryPanel, as_of_ms: int, seed: int) -> HistoryPanel:
    rng = np.random.default_rng(seed)
    later = panel.open_time >= as_of_ms
    shape = (len(panel.symbols), int(later.sum()))
    scale = np.exp2(rng.uniform(-1, 1, shape))
    scale[rng.random(shape) < 0.2] = np.nan  # noqa: PLR2004 -- said above

    def other(column: FloatArray) -> FloatArray:
        changed = column.copy()
        changed[:, later] *= scale
        return changed

    return HistoryPanel(
        interval=panel.interval,
        symbols=panel.symbols,
        open_time=panel.open_time,
        open=other(panel.open),
        high=other(panel.high),
        low=other(panel.low),
        close=other(panel.close),
        volume=other(panel.volume),
        quote_volume=other(panel.quote_volume),
        taker_buy_volume=other(panel.taker_buy_volume),
    )


def _disturbed_funding(funding: FundingBySymbol, as_of_ms: int) -> FundingBySymbol:
    return {
        symbol: FundingHistory(
            time=events.time,
            rate=np.where(events.time >= as_of_ms, LATER_RATE, events.rate),
        )
        for symbol, events in funding.items()
    }
