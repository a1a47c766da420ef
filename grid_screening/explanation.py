"""Why one contract is where it is in a finished scan, and what would list it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum

import numpy as np

from grid_screening.admission import (
    failed_factor_rules,
    failed_rules,
    snapshot_with,
)
from grid_screening.assembly import Market
from grid_screening.conf import ScreenerSettings
from grid_screening.contest import Contest, contest
from grid_screening.counterfactuals import Counterfactuals, counterfactuals
from grid_screening.exceptions import UnknownSymbols
from grid_screening.gate import unmeasured
from grid_screening.profile import ScoreProfile
from grid_screening.ranking import Ranking
from grid_screening.reports.advice import needed_change
from grid_screening.score_parts import PARTS
from grid_screening.screening_report import (
    Exclusion,
    ScreeningReport,
    StopOutOutlook,
)
from grid_screening.snapshot import MarketSnapshot
from monitor.domain.typing import Symbol


class Status(StrEnum):
    """Where a contract ended."""

    RANKED = "ranked"
    """Listed."""
    NOT_LISTED = "not_listed"
    """Scored, below the list."""
    VETOED = "vetoed"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTerm:
    """One term of the score."""

    name: str
    part: str
    """The weighted part it belongs to."""
    points: float | None
    """Unweighted; None: its inputs are missing, it added nothing."""
    contribution: float | None
    """Weight × points. The terms of a part may exceed it: the part is clipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingInput:
    """An input without a value."""

    factor: str
    confidence_lost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedFilter:
    """A filter that stops the contract."""

    exclusion: Exclusion
    needs: str | None
    """As ``needs NATR +0.40 pp``; None: no number would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything a scan can say about one contract."""

    symbol: Symbol
    status: Status
    scored: int
    """Contracts scored."""
    top: int
    """Contracts listed; 0: all."""
    rank: int | None
    """None: excluded."""
    rank_interval: tuple[int, int] | None
    gss: float | None
    confidence: float | None
    parts: Mapping[str, float | None]
    """The four weighted parts; empty when excluded."""
    terms: tuple[ScoreTerm, ...]
    factors: Mapping[str, float | None]
    """Empty when excluded."""
    marks: tuple[str, ...]
    missing: tuple[MissingInput, ...]
    failures: tuple[FailedFilter, ...]
    """Every filter that stops it, as far as its data is there."""
    rank_if_admitted: int | None
    """Rank that an excluded contract would have if no filter stopped it; None: not
    excluded, vetoed then, or its bars are not there."""
    counterfactuals: Counterfactuals | None
    """What single changes would list it, for an excluded contract besides passing
    the filters; None: it has no score to change."""
    stop_out: StopOutOutlook | None = None
    """None: not listed, so that no grid was planned, or an input is missing."""
    is_behind_gate: bool = False
    """Whether the profile has a gate that did not look at its grid."""


def explanation(
    symbol: Symbol,
    *,
    report: ScreeningReport,
    result: Ranking,
    snapshot: MarketSnapshot,
    market: Market,
    settings: ScreenerSettings,
    rank_intervals: Mapping[Symbol, tuple[int, int]] | None = None,
    held: Collection[Symbol] = (),
    own: MarketSnapshot | None = None,
    own_excluded: tuple[Exclusion, ...] = (),
) -> Explanation:
    """Explain ``symbol``.

    Parameters
    ----------
    symbol : str
        A contract of the exchange.
    report, result, snapshot, market, settings
        The finished scan: what it published, its ranking, its bars and quotes, the
        whole-market replies and what it was told.
    rank_intervals : mapping, optional
        Of all scored contracts, from `rank_stability`.
    held : collection of str, optional
        Members of an earlier list that ``settings.hold`` lets stay.
    own : MarketSnapshot, optional
        Of this contract alone, on the same bars as ``snapshot``: needed when a
        filter on whole-market data stopped it before its bars were fetched.
    own_excluded : tuple of Exclusion, optional
        What stopped it when those bars were fetched.

    Raises
    ------
    UnknownSymbols
        The scan does not know the contract.
    """
    if symbol in result.scores.symbols:
        found = _scored(symbol, report, result, rank_intervals or {})
        listed = contest(snapshot, result, settings, held=held)
        return _with_changes(found, listed, settings)
    first = next((e for e in report.excluded if e.symbol == symbol), None)
    if first is None:
        raise UnknownSymbols((symbol,))
    known = snapshot
    if own is not None and symbol in own.symbols and symbol not in snapshot.symbols:
        known = snapshot_with(snapshot, own)
    failed = _market_failures(symbol, market, settings) + own_excluded
    entry: Contest | None = None
    if symbol in known.symbols:
        failed += failed_factor_rules(known, symbol, settings)
        entry = contest(known, result, settings, held=held, admitted=symbol)
    if entry is not None and settings.strict:
        failed += entry.strict_failures(symbol)
    return _with_changes(
        _excluded(symbol, report, result, _distinct(first, failed), entry),
        entry,
        settings,
    )


def _market_failures(
    symbol: Symbol, market: Market, settings: ScreenerSettings
) -> tuple[Exclusion, ...]:
    for instrument in market.exchange_info.instruments:
        if instrument.symbol == symbol:
            return failed_rules(instrument, market.quotes, settings)
    return ()


def _distinct(first: Exclusion, failed: tuple[Exclusion, ...]) -> tuple[Exclusion, ...]:
    by_rule = {(e.stage, e.reason.code): e for e in failed}
    rule = (first.stage, first.reason.code)
    if rule in by_rule:
        return tuple(by_rule.values())
    return (first, *by_rule.values())


def _scored(
    symbol: Symbol,
    report: ScreeningReport,
    result: Ranking,
    rank_intervals: Mapping[Symbol, tuple[int, int]],
) -> Explanation:
    scores = result.scores
    row = scores.symbols.index(symbol)
    breakdown = {n: _number(column[row]) for n, column in scores.breakdown.items()}
    own = next((ranked for ranked in report.ranked if ranked.symbol == symbol), None)
    listed = own is not None
    status = Status.RANKED if listed else Status.NOT_LISTED
    factors = result.factors.row(symbol)
    return Explanation(
        symbol=symbol,
        status=Status.VETOED if scores.vetoed[row] else status,
        scored=len(scores.symbols),
        top=_top(report),
        rank=int(scores.rank[row]),
        rank_interval=rank_intervals.get(symbol),
        gss=float(scores.gss[row]),
        confidence=float(scores.confidence[row]),
        parts={name: breakdown[name] for name in PARTS},
        terms=tuple(
            _term(name, part, breakdown[name], getattr(scores.weights, part))
            for part, names in PARTS.items()
            for name in names
        ),
        factors=factors,
        marks=scores.marks[row],
        missing=_missing(factors, scores.profile),
        failures=(),
        rank_if_admitted=None,
        stop_out=None if own is None else own.stop_out,
        is_behind_gate=symbol in unmeasured(result, _top(report)),
        counterfactuals=None,
    )


def _excluded(
    symbol: Symbol,
    report: ScreeningReport,
    result: Ranking,
    failed: tuple[Exclusion, ...],
    entry: Contest | None,
) -> Explanation:
    return Explanation(
        symbol=symbol,
        status=Status.EXCLUDED,
        scored=len(result.scores.symbols),
        top=_top(report),
        rank=None,
        rank_interval=None,
        gss=None,
        confidence=None,
        parts={},
        terms=(),
        factors={},
        marks=(),
        missing=(),
        failures=tuple(
            FailedFilter(exclusion=e, needs=needed_change(e.reason, report.settings))
            for e in failed
        ),
        rank_if_admitted=None if entry is None else entry.rank_of(symbol),
        counterfactuals=None,
    )


def _with_changes(
    found: Explanation, entry: Contest | None, settings: ScreenerSettings
) -> Explanation:
    if entry is None:
        return found
    changes = counterfactuals(entry, found.symbol, settings)
    return replace(found, counterfactuals=changes)


def _top(report: ScreeningReport) -> int:
    return int(report.settings["top"])


def _term(name: str, part: str, points: float | None, weight: float) -> ScoreTerm:
    contribution = None if points is None else weight * points
    return ScoreTerm(name=name, part=part, points=points, contribution=contribution)


def _missing(
    factors: Mapping[str, float | None], profile: ScoreProfile
) -> tuple[MissingInput, ...]:
    return tuple(
        MissingInput(factor=f.name, confidence_lost=getattr(profile.confidence, f.name))
        for f in fields(profile.confidence)
        if factors[f.name] is None
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
