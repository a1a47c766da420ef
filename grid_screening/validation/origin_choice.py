"""What a scan at a past time chose: universe, factors, scores and the plans' widths."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from grid_screening.backtest.paths import PricePaths
from grid_screening.backtest.point_in_time import HistoricalMarket
from grid_screening.conf import ScreenerSettings
from grid_screening.gate import gate_candidates, gated
from grid_screening.profile import ScoreProfile
from grid_screening.ranking import Ranking, ranking
from grid_screening.scoring import scores
from grid_screening.snapshot import MarketSnapshot
from grid_screening.validation.drawn_grids import DrawnGrids, drawn_grids
from grid_screening.validation.study_settings import (
    Drawing,
    StudySettings,
    Variant,
    study_variants,
)
from monitor.domain.history import HistoryPanel
from monitor.domain.typing import FloatArray, Symbol

CLASSIC = "classic"
GUARDED = "guarded"
GUARDED_LIST = "guarded, listed"
"""Score of the contracts that a scan with `guarded` lists; the others have none."""


class StudyMarket:
    """A market, its price paths and how it is scanned.

    Parameters
    ----------
    market : HistoricalMarket
        What scans see.
    study : StudySettings
    profile : ScoreProfile
        `classic`.
    guarded : ScoreProfile
        `guarded`, with its gate.
    finer : HistoryPanel, optional
        Finer bars of some contracts, on a time axis of their own.
    """

    def __init__(
        self,
        market: HistoricalMarket,
        study: StudySettings,
        profile: ScoreProfile,
        guarded: ScoreProfile,
        finer: HistoryPanel | None = None,
    ) -> None:
        self.market = market
        self.study = study
        self.profile = profile
        self.guarded = guarded
        self._finer = finer
        self.settings = ScreenerSettings(
            min_volume=study.universe_volume, top=study.top
        )

    @cached_property
    def paths(self) -> PricePaths:
        """What grids are simulated on."""
        return PricePaths.of_history(self.market.base, self.market.funding)

    @cached_property
    def finer(self) -> PricePaths | None:
        """The finer bars, where there are some."""
        if self._finer is None:
            return None
        return PricePaths.of_history(self._finer, self.market.funding)

    @cached_property
    def variants(self) -> tuple[Variant, ...]:
        """Every variant, the main one first."""
        return study_variants(self.study, has_finer=self._finer is not None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """What a scan chose at one time, before anything is simulated.

    Arrays over the ``k`` scored contracts.
    """

    scored: MarketSnapshot
    excluded: Mapping[str, int]
    """Other contracts of the history, by the code of the reason."""
    factors: Mapping[str, FloatArray]
    scores: Mapping[str, FloatArray]
    """By profile, NaN: behind the gate; and `GUARDED_LIST`."""
    own: DrawnGrids
    """The scan's own plans."""
    width: FloatArray
    """x of the planned upper bound; NaN without a plan."""


def origin_choice(of: StudyMarket, as_of_ms: int) -> Choice:
    """Scan ``of`` at ``as_of_ms`` and plan every scored contract."""
    seen = of.market.at(as_of_ms, of.settings)
    ranked = ranking(seen.snapshot, of.settings, of.profile)
    scored = snapshot_rows(seen.snapshot, ranked.factors.symbols)
    own = drawn_grids(of.market, scored, of.settings, Drawing())
    width = own.column("range_to_volatility", scored.symbol_count)
    return Choice(
        scored=scored,
        excluded=Counter(e.reason.code for e in (*seen.excluded, *ranked.excluded)),
        factors=ranked.factors.values,
        scores=_scores(of, ranked, own, width),
        own=own,
        width=width,
    )


def narrow_scores(of: StudyMarket, chosen: Choice) -> Mapping[str, FloatArray]:
    """Return the scores of a scan in the narrow universe, NaN for those outside.

    Percentile ranks are taken anew over fewer contracts.
    """
    scored = chosen.scored
    inside = scored.quote_volume_24h > of.study.narrow_volume
    names = tuple(s for s, kept in zip(scored.symbols, inside, strict=True) if kept)
    narrow = ranking(snapshot_rows(scored, names), of.settings, of.profile)
    found = {}
    for name, values in _scores(of, narrow, chosen.own, chosen.width[inside]).items():
        found[name] = np.full(scored.symbol_count, np.nan)
        found[name][inside] = values
    return found


def _scores(
    of: StudyMarket, ranked: Ranking, own: DrawnGrids, width: FloatArray
) -> Mapping[str, FloatArray]:
    # over the rows of `ranked`, which `width` has too
    gate = of.guarded.gate
    if gate is None:
        raise ValueError(f"profile {of.guarded.name} must have a gate")
    guarded = scores(ranked.factors, of.guarded, weights=of.settings.weights)
    passes = width >= gate.range_to_volatility_at_least
    looked_at = [
        guarded.symbols[row] for row in gate_candidates(guarded, of.settings.top)
    ]
    found = gated(
        replace(ranked, scores=guarded),
        {symbol: own.by_symbol[symbol] for symbol in looked_at},
        gate,
        top=of.settings.top,
    )
    names = {found.result.scores.symbols[row] for row in found.listed}
    is_listed = np.array([symbol in names for symbol in guarded.symbols], np.bool_)
    return {
        CLASSIC: ranked.scores.gss,
        GUARDED: np.where(passes, guarded.gss, np.nan),
        GUARDED_LIST: np.where(is_listed, guarded.gss, np.nan),
    }


def snapshot_rows(
    snapshot: MarketSnapshot, symbols: tuple[Symbol, ...]
) -> MarketSnapshot:
    """Return ``snapshot`` with these contracts only."""
    places = {symbol: row for row, symbol in enumerate(snapshot.symbols)}
    rows = np.array([places[symbol] for symbol in symbols], np.int64)
    columns = {name: getattr(snapshot, name)[rows] for name in _BY_CONTRACT}
    return replace(snapshot, symbols=symbols, **columns)


_BY_CONTRACT = (
    "open",
    "high",
    "low",
    "close",
    "volume",
    "quote_volume",
    "taker_buy_volume",
    "last_price",
    "quote_volume_24h",
    "mark_price",
    "open_interest",
    "funding_rate",
    "funding_interval_h",
)
