"""Snapshot → factors → eligibility → score: the part every caller shares.

A scan, a replay, the validation study and the re-scoring of running positions
all rank through `ranking`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from grid_screening.conf import ScreenerSettings
from grid_screening.eligibility import eligibility
from grid_screening.factors import FactorTable, factor_table
from grid_screening.profile import ScoreProfile
from grid_screening.scoring import Scores, scores, strict_exclusions
from grid_screening.screening_report import Exclusion, FunnelStage
from grid_screening.snapshot import MarketSnapshot
from monitor.domain.typing import BoolArray, Symbol

STRICT_STAGE = "strict"
GATE_STAGE = "gate"
DROPPING_STAGES = (STRICT_STAGE, GATE_STAGE)
"""Stages of the funnel behind the score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Scored contracts and why the others of the snapshot are not among them."""

    factors: FactorTable
    """Rows of the scored contracts."""
    scores: Scores
    """Same rows."""
    excluded: tuple[Exclusion, ...]
    funnel: tuple[FunnelStage, ...]


def ranking(
    snapshot: MarketSnapshot, settings: ScreenerSettings, profile: ScoreProfile
) -> Ranking:
    """Rank the contracts of ``snapshot``.

    Percentile ranks are taken over all contracts that passed the filters; the
    strict filter, when asked for, drops contracts after that and renumbers.

    Returns
    -------
    Ranking
        Scored and excluded contracts; together the snapshot.
    """
    table = factor_table(snapshot, workers=settings.calculator_workers)
    passed = eligibility(snapshot, table, settings)
    table = factor_rows(table, passed.eligible)
    result = scores(table, profile, weights=settings.weights)
    excluded, funnel = passed.excluded, passed.funnel
    if settings.strict:
        strict = strict_exclusions(table, result)
        dropped = {exclusion.symbol for exclusion in strict}
        keep = np.array([s not in dropped for s in table.symbols], dtype=np.bool_)
        table, result = factor_rows(table, keep), result.subset(keep)
        excluded += strict
        funnel += (FunnelStage(stage=STRICT_STAGE, count=len(table.symbols)),)
    funnel += (FunnelStage(stage="scored", count=len(table.symbols)),)
    return Ranking(factors=table, scores=result, excluded=excluded, funnel=funnel)


def dropped_symbols(result: Ranking) -> tuple[Symbol, ...]:
    """Return the contracts that were scored and then dropped, strict filter or gate.

    They still take part in the percentile ranks of the others.
    """
    return tuple(e.symbol for e in result.excluded if e.stage in DROPPING_STAGES)


def factor_rows(table: FactorTable, keep: BoolArray) -> FactorTable:
    """Return the rows of ``table`` where ``keep``, shape ``(n_symbols,)``, is true."""
    values: Mapping[str, np.ndarray] = {n: v[keep] for n, v in table.values.items()}
    symbols = tuple(s for s, kept in zip(table.symbols, keep, strict=True) if kept)
    return FactorTable(symbols=symbols, values=values)
