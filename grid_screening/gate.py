"""The gate of a profile: only grids that are wide against the present range.

It looks at the planned grid, so that the exact ranges of more contracts than are
listed have to be known. What it promises is fewer stop-outs and nothing else.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from grid_screening.grid_plan import InfeasibleGrid
from grid_screening.hysteresis import held_places
from grid_screening.listing import Plan, listed_places
from grid_screening.profile import GateRule
from grid_screening.ranking import GATE_STAGE, Ranking, factor_rows
from grid_screening.scoring import Scores
from grid_screening.screening_report import Exclusion, FunnelStage, Reason
from monitor.domain.typing import Symbol

CANDIDATES_PER_PLACE = 2
"""Contracts looked at for each one listed, best first."""

NARROW = "range_to_volatility"
"""Reason code of a grid that is too narrow, as `reports.advice` reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """What a gate left."""

    result: Ranking
    """Without the contracts that failed, ranked anew."""
    listed: tuple[int, ...]
    """Rows of ``result``, best first: contracts that passed, at most the first N."""


def gate_candidates(scores: Scores, top: int) -> list[int]:
    """Return the rows whose grids a gate looks at, best first.

    Parameters
    ----------
    scores : Scores
        All that passed the filters.
    top : int
        Length of the list; 0: all.

    Returns
    -------
    list of int
        The first ``2 · top`` rows that are not vetoed; all of those for 0.
    """
    return [
        row
        for row in listed_places(scores, CANDIDATES_PER_PLACE * top)
        if not scores.vetoed[row]
    ]


def gate_reason(plan: Plan, gate: GateRule) -> Reason | None:
    """Return why a grid fails the gate, None when it passes.

    A contract without a legal grid passes if it would be wide enough (then the list
    says what is in its way). One whose range is not known fails: what is not known
    is not good.
    """
    width, least = plan.range_to_volatility, gate.range_to_volatility_at_least
    if isinstance(plan, InfeasibleGrid) and width is None:
        text = f"range not known: {plan.reason.text}"
        return replace(plan.reason, text=text, value=None, limit=None)
    if width is None or width >= least:
        return None
    return Reason(
        code=NARROW,
        text=f"range {below(width, least)} daily ranges wide, needs {least:g}",
        value=width,
        limit=least,
    )


def gated(
    result: Ranking,
    plans: Mapping[Symbol, Plan],
    gate: GateRule,
    *,
    top: int,
    held: Collection[Symbol] = (),
    slack: int = 0,
) -> Gated:
    """Drop the contracts that fail ``gate`` and list the best of those that pass.

    Parameters
    ----------
    result : Ranking
        Before the gate.
    plans : mapping
        Of the contracts of `gate_candidates`.
    gate : GateRule
        The profile's.
    top : int
        Length of the list; 0: all that pass, and the vetoed ones.
    held : collection of str
        Members of an earlier list that may stay.
    slack : int
        How many ranks below the list they may.

    Returns
    -------
    Gated
        Contracts behind the candidates are neither dropped nor listed: their grids
        are not known.
    """
    failed = {
        symbol: reason
        for symbol, plan in plans.items()
        if (reason := gate_reason(plan, gate)) is not None
    }
    symbols = result.scores.symbols
    keep = np.array([symbol not in failed for symbol in symbols], dtype=np.bool_)
    scores = result.scores.subset(keep)
    left = replace(
        result,
        factors=factor_rows(result.factors, keep),
        scores=scores,
        excluded=result.excluded
        + tuple(
            Exclusion(symbol=symbol, stage=GATE_STAGE, reason=failed[symbol])
            for symbol in symbols
            if symbol in failed
        ),
        funnel=(
            *result.funnel[:-1],
            FunnelStage(stage=GATE_STAGE, count=len(scores.symbols)),
            replace(result.funnel[-1], count=len(scores.symbols)),
        ),
    )
    passed = passing_places(scores, frozenset(plans), held, top=top, slack=slack)
    return Gated(result=left, listed=tuple(passed))


def passing_places(
    scores: Scores,
    candidates: Collection[Symbol],
    held: Collection[Symbol],
    *,
    top: int,
    slack: int,
) -> list[int]:
    """Return the rows of ``scores`` that are listed, only candidates among them.

    Parameters
    ----------
    scores : Scores
        Of all that the gate did not drop.
    candidates : collection of str
        Contracts the gate looked at.
    held, top, slack
        As for `held_places`.
    """
    rows = np.array(
        [
            symbol in candidates or (top == 0 and bool(veto))
            for symbol, veto in zip(scores.symbols, scores.vetoed, strict=True)
        ],
        dtype=np.bool_,
    )
    places = np.flatnonzero(rows)
    chosen = held_places(scores.subset(rows), held, top=top, slack=slack)
    return [int(places[place]) for place in chosen]


def unmeasured(result: Ranking, top: int) -> frozenset[Symbol]:
    """Return the scored contracts that the gate did not look at.

    Parameters
    ----------
    result : Ranking
        After the gate; without one nobody is named.
    top : int
        Length of the list; 0: all were looked at.
    """
    if result.scores.profile.gate is None or top == 0:
        return frozenset()
    failed = sum(e.stage == GATE_STAGE for e in result.excluded)
    order = [
        result.scores.symbols[row]
        for row in result.scores.order
        if not result.scores.vetoed[row]
    ]
    return frozenset(order[CANDIDATES_PER_PLACE * top - failed :])


def below(width: float, least: float) -> str:
    """Return ``width`` with as few digits, at least two, as show it below ``least``."""
    for digits in range(2, 17):
        shown = f"{width:.{digits}g}"
        if float(shown) < least:
            return shown
    return repr(width)
