"""One contract in two scans: what happened to it, and what did it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from grid_screening.scan_document import ScanDocument, Standing
from grid_screening.score_parts import PARTS
from grid_screening.screening_report import Exclusion
from monitor.domain.typing import Symbol

Breakdown = Mapping[str, float | None]

_DATA_STAGES = ("data", "bars", "gap", "fresh_bars", "readable")
"""Stages that stop a contract for what is known of it, not for what it is."""

_LIMITS: Mapping[str, tuple[str, ...]] = {
    "turnover": ("min_volume",),
    "age": ("min_days",),
    "delivery_date": ("min_delivery_days",),
    "too_few_bars": ("bars",),
    "natr": ("min_natr", "max_natr"),
    "tick_share": ("max_tick_share",),
    "stale_quotes": ("max_quote_age_s",),
}
# reason code → settings that are its limits

_MEASURED: Mapping[str, str] = {
    "natr": "natr",
    "strict_efficiency": "efficiency_ratio",
    "strict_hurst": "hurst_exponent",
    "strict_funding": "funding_rate",
}
# reason code → the factor that the filter looks at


class Cause(StrEnum):
    """Why a contract's place on the list changed."""

    NEW_CONTRACT = "new_contract"
    """The earlier scan did not know it."""
    PASSED_FILTER = "passed_filter"
    DATA_RETURNED = "data_returned"
    ROSE = "rose"
    VETO_LIFTED = "veto_lifted"
    FELL = "fell"
    VETOED = "vetoed"
    EXCLUDED = "excluded"
    NO_DATA = "no_data"
    DELISTED = "delisted"
    """The later scan does not know it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartChange:
    """A part or a term of the score then and now; None: it had no input."""

    name: str
    before: float | None
    after: float | None

    @property
    def size(self) -> float:
        """The change; what was missing counts as the nothing it added."""
        return (self.after or 0.0) - (self.before or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanChange:
    """One contract that entered, left or moved."""

    symbol: Symbol
    cause: Cause
    rank_before: int | None
    """None: not scored then."""
    rank_after: int | None
    gss_before: float | None
    gss_after: float | None
    part: PartChange | None = None
    """The weighted part of the score that changed most."""
    term: PartChange | None = None
    """The unweighted term inside it that changed most."""
    exclusion: Exclusion | None = None
    """The filter behind the change, as it stopped the contract."""
    passed_value: float | None = None
    """What the filter looked at in the other scan, where known."""
    passed_limit: float | None = None
    """The filter's limit in the other scan, where known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanPair:
    """An earlier and a later scan of the same market."""

    before: ScanDocument
    after: ScanDocument
    breakdowns: Mapping[Symbol, Breakdown]
    """Of the later scan's contracts, listed or not."""

    def entered(self, symbol: Symbol) -> ScanChange:
        """Return why a contract is listed that was not."""
        exclusion = self.before.exclusions.get(symbol)
        if exclusion is not None:
            returned = exclusion.stage in _DATA_STAGES
            cause = Cause.DATA_RETURNED if returned else Cause.PASSED_FILTER
            return self._filtered(symbol, cause, exclusion, self.after)
        earlier = self.before.standings.get(symbol)
        if earlier is None:
            return self._change(symbol, Cause.NEW_CONTRACT)
        return self._change(symbol, Cause.VETO_LIFTED if earlier.vetoed else Cause.ROSE)

    def left(self, symbol: Symbol) -> ScanChange:
        """Return why a contract is no longer listed."""
        exclusion = self.after.exclusions.get(symbol)
        if exclusion is not None:
            lost = exclusion.stage in _DATA_STAGES
            cause = Cause.NO_DATA if lost else Cause.EXCLUDED
            return self._filtered(symbol, cause, exclusion, self.before)
        later = self.after.standings.get(symbol)
        if later is None:
            return self._change(symbol, Cause.DELISTED)
        return self._change(symbol, Cause.VETOED if later.vetoed else Cause.FELL)

    def moved(self, symbol: Symbol) -> ScanChange:
        """Return what moved a contract that is listed in both scans."""
        then, now = self.before.standings[symbol], self.after.standings[symbol]
        if now.vetoed != then.vetoed:
            cause = Cause.VETOED if now.vetoed else Cause.VETO_LIFTED
        else:
            cause = Cause.ROSE if now.rank < then.rank else Cause.FELL
        return self._change(symbol, cause)

    def _filtered(
        self, symbol: Symbol, cause: Cause, exclusion: Exclusion, other: ScanDocument
    ) -> ScanChange:
        reason = exclusion.reason
        standing = other.standings[symbol]
        own = self.before if other is self.after else self.after
        return self._change(
            symbol,
            cause,
            exclusion=exclusion,
            passed_value=_measured(reason.code, standing),
            passed_limit=_limit(reason.code, reason.limit, own, other),
        )

    def _change(
        self,
        symbol: Symbol,
        cause: Cause,
        *,
        exclusion: Exclusion | None = None,
        passed_value: float | None = None,
        passed_limit: float | None = None,
    ) -> ScanChange:
        then = self.before.standings.get(symbol)
        now = self.after.standings.get(symbol)
        part, term = self._largest(symbol)
        return ScanChange(
            symbol=symbol,
            cause=cause,
            rank_before=None if then is None else then.rank,
            rank_after=None if now is None else now.rank,
            gss_before=None if then is None else then.gss,
            gss_after=None if now is None else now.gss,
            part=part,
            term=term,
            exclusion=exclusion,
            passed_value=passed_value,
            passed_limit=passed_limit,
        )

    def _largest(self, symbol: Symbol) -> tuple[PartChange | None, PartChange | None]:
        then = self.before.standings.get(symbol)
        now = self.after.standings.get(symbol)
        if then is None or now is None:
            return None, None
        earlier = then.breakdown
        later = now.breakdown or self.breakdowns.get(symbol, {})
        part = _largest_change(PARTS, earlier, later)
        if part is None:
            return None, None
        return part, _largest_change(PARTS[part.name], earlier, later)


def _largest_change(
    names: Iterable[str], earlier: Breakdown, later: Breakdown
) -> PartChange | None:
    changes = [
        PartChange(name=name, before=earlier[name], after=later[name])
        for name in names
        if name in earlier and name in later
    ]
    changes = [change for change in changes if change.before != change.after]
    return max(changes, key=lambda change: abs(change.size), default=None)


def _measured(code: str, standing: Standing) -> float | None:
    if code == "strict_natr":
        return standing.breakdown.get("natr_rank")
    return standing.factors.get(_MEASURED.get(code, ""))


def _limit(
    code: str, limit: float | str | None, own: ScanDocument, other: ScanDocument
) -> float | None:
    # a code may have several limits; the one that stopped it is this setting
    for name in () if limit is None else _LIMITS.get(code, ()):
        found = other.settings.get(name)
        if own.settings.get(name) == limit and isinstance(found, int | float):
            return float(found)
    return None
