"""Who would be listed if one number were another: the scan's score, asked again."""

from collections.abc import Collection, Mapping
from dataclasses import astuple, dataclass, replace

import numpy as np

from grid_screening.bootstrap import SCORE_FACTORS
from grid_screening.conf import ScreenerSettings
from grid_screening.factors import FactorTable, factor_table
from grid_screening.gate import gate_candidates, passing_places
from grid_screening.hysteresis import held_places
from grid_screening.profile import ScoreProfile
from grid_screening.ranking import GATE_STAGE, Ranking, dropped_symbols
from grid_screening.scoring import Scores, scores, strict_exclusions
from grid_screening.screening_report import Exclusion
from grid_screening.snapshot import MarketSnapshot
from monitor.domain.typing import Symbol

_STRICT_FACTORS = ("funding_rate",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """The contracts that passed the filters and what decides between them."""

    factors: FactorTable
    """Rows of all that passed, those the strict filter drops among them."""
    profile: ScoreProfile
    weights: tuple[float, float, float, float]
    strict: bool
    top: int
    """Contracts listed; 0: all that are not vetoed."""
    held: frozenset[Symbol] = frozenset()
    """Members of an earlier list that may stay."""
    slack: int = 0
    """How many ranks below the list they may."""
    admitted: Symbol | None = None
    """A contract that takes part although a filter stops it, the strict one and the
    gate too."""
    gate_failures: frozenset[Symbol] | None = None
    """What the profile's gate dropped; grids it did not look at are taken to be wide
    enough. None: the profile has no gate."""

    def with_value(self, symbol: Symbol, factor: str, value: float) -> "Contest":
        """Return the contest in which one factor of one contract is ``value``.

        The percentile ranks of all others follow when it is scored.
        """
        column = self.factors[factor].copy()
        column[self.factors.symbols.index(symbol)] = value
        values: Mapping[str, np.ndarray] = {**self.factors.values, factor: column}
        return replace(self, factors=replace(self.factors, values=values))

    def scored(self) -> Scores:
        """Return the scores of all rows, before the strict filter."""
        return scores(self.factors, self.profile, weights=self.weights)

    def ranked(self) -> Scores:
        """Return the scores of those that strict filter and gate leave, ranked anew."""
        return self._without(self._gate_failures(), self._before_gate())

    def _before_gate(self) -> Scores:
        scored = self.scored()
        if not self.strict:
            return scored
        dropped = {e.symbol for e in strict_exclusions(self.factors, scored)}
        return self._without(dropped, scored)

    def _gate_failures(self) -> Collection[Symbol]:
        return () if self.gate_failures is None else self.gate_failures

    def _without(self, dropped: Collection[Symbol], scored: Scores) -> Scores:
        keep = [s == self.admitted or s not in dropped for s in scored.symbols]
        return scored if all(keep) else scored.subset(np.array(keep, dtype=np.bool_))

    def strict_failures(self, symbol: Symbol) -> tuple[Exclusion, ...]:
        """Return every condition of the strict filter that ``symbol`` fails."""
        row = self.factors.symbols.index(symbol)
        scored, factors = self.scored(), self.factors
        found: list[Exclusion] = []
        while True:
            failed = next(
                (e for e in strict_exclusions(factors, scored) if e.symbol == symbol),
                None,
            )
            if failed is None:
                return tuple(found)
            found.append(failed)
            # the filter names the first condition only: meet it and ask again
            factors, scored = _meeting(failed.reason.code, factors, scored, row)

    def lists(self, symbol: Symbol) -> bool:
        """Return whether ``symbol`` is listed: not vetoed, among the first ``top``.

        Inside a tie the list goes by symbol, so a rank of ``top`` may be cut off.
        """
        before = self._before_gate()
        ranked = self._without(self._gate_failures(), before)
        if self.gate_failures is None:
            rows = held_places(ranked, self.held, top=self.top, slack=self.slack)
        else:
            looked_at = {before.symbols[r] for r in gate_candidates(before, self.top)}
            rows = passing_places(
                ranked, looked_at, self.held, top=self.top, slack=self.slack
            )
        return symbol in {ranked.symbols[row] for row in rows if not ranked.vetoed[row]}

    def rank_of(self, symbol: Symbol) -> int | None:
        """Return the rank of ``symbol``; None when vetoed or dropped as not strict."""
        ranked = self.ranked()
        if symbol not in ranked.symbols:
            return None
        row = ranked.symbols.index(symbol)
        return None if ranked.vetoed[row] else int(ranked.rank[row])


def contest(
    snapshot: MarketSnapshot,
    result: Ranking,
    settings: ScreenerSettings,
    *,
    held: Collection[Symbol] = (),
    admitted: Symbol | None = None,
) -> Contest | None:
    """Return the contest that ``result`` came from.

    Parameters
    ----------
    snapshot : MarketSnapshot
        What was ranked, with a row of ``admitted``.
    result : Ranking
        The scan's ranking.
    settings : ScreenerSettings
        Of the scan.
    held : collection of str, optional
        Members of an earlier list that ``settings.hold`` lets stay.
    admitted : str, optional
        A contract that a filter stopped, taken in as if it had passed.

    Returns
    -------
    Contest or None
        None: ``admitted`` has no NATR or no efficiency ratio, and so no score.
    """
    extra = () if admitted is None else (admitted,)
    panel = tuple(
        dict.fromkeys((*result.scores.symbols, *dropped_symbols(result), *extra))
    )
    failures = frozenset(e.symbol for e in result.excluded if e.stage == GATE_STAGE)
    table = factor_table(snapshot, names=(*SCORE_FACTORS, *_STRICT_FACTORS))
    rows = [table.symbols.index(symbol) for symbol in panel]
    values = {name: column[rows] for name, column in table.values.items()}
    if not all(np.isfinite(values[n][-1:]).all() for n in SCORE_FACTORS[:2]):
        return None
    volatility, inefficiency, trend, microstructure = astuple(result.scores.weights)
    return Contest(
        factors=FactorTable(symbols=panel, values=values),
        profile=result.scores.profile,
        weights=(volatility, inefficiency, trend, microstructure),
        strict=settings.strict,
        top=settings.top,
        held=frozenset(held),
        slack=settings.hold,
        admitted=admitted,
        gate_failures=None if result.scores.profile.gate is None else failures,
    )


def _meeting(
    code: str, factors: FactorTable, scored: Scores, row: int
) -> tuple[FactorTable, Scores]:
    if code == "strict_natr":
        ranks = scored.breakdown["natr_rank"].copy()
        ranks[row] = np.inf
        return factors, replace(
            scored, breakdown={**scored.breakdown, "natr_rank": ranks}
        )
    name, passing = _PASSING[code]
    column = factors[name].copy()
    column[row] = passing
    return replace(factors, values={**factors.values, name: column}), scored


_PASSING: Mapping[str, tuple[str, float]] = {
    "strict_efficiency": ("efficiency_ratio", -np.inf),
    "strict_hurst": ("hurst_exponent", -np.inf),
    "strict_funding": ("funding_rate", np.inf),
}
