"""What one run of the analysis found."""

from dataclasses import dataclass
from enum import StrEnum

from monitor.domain.market import KlineInterval
from monitor.domain.requests import RequestStatistics
from monitor.domain.typing import Symbol
from vp_squeeze.box_analysis import ContractAnalysis


class Venue(StrEnum):
    """Where bars are from."""

    FUTURES = "futures"
    """The contracts that grids trade."""
    SPOT = "spot"
    """The coins themselves, under the same symbols as far as they have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A contract without an analysis."""

    symbol: Symbol
    reason: str
    """For people."""
    is_failure: bool
    """A request failed; False: its bars cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnalysisReport:
    """All contracts asked for: analysed or left out."""

    as_of_ms: int
    """Server time that decided which bars are closed, ms UTC."""
    source: str
    """``live``, ``simulated`` or ``demo``."""
    interval: KlineInterval
    limit: int
    """Closed bars asked for."""
    timeframes: tuple[KlineInterval, ...]
    """Those that are compared."""
    contracts: tuple[ContractAnalysis, ...]
    """In the order asked for."""
    left_out: tuple[LeftOut, ...]
    requests: RequestStatistics
    venue: Venue = Venue.FUTURES
    """Where the bars of ``contracts`` are from."""
    missing_on_spot: tuple[Symbol, ...] = ()
    """Asked of the spot market, which does not have them."""
    spot_requests: RequestStatistics | None = None
    """Sent to the spot market, on a budget of its own; None: it was not asked."""

    @property
    def coverage(self) -> float:
        """Share of the contracts whose requests were answered, in [0, 1]."""
        failed = sum(row.is_failure for row in self.left_out)
        asked = len(self.contracts) + len(self.left_out)
        return 1.0 if asked == 0 else 1 - failed / asked
