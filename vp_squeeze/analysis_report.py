"""What one run of the analysis found."""

from dataclasses import dataclass

from monitor.domain.market import KlineInterval
from monitor.domain.requests import RequestStatistics
from monitor.domain.typing import Symbol
from vp_squeeze.box_analysis import ContractAnalysis


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

    @property
    def coverage(self) -> float:
        """Share of the contracts whose requests were answered, in [0, 1]."""
        failed = sum(row.is_failure for row in self.left_out)
        asked = len(self.contracts) + len(self.left_out)
        return 1.0 if asked == 0 else 1 - failed / asked
