"""What the store keeps: bars that follow each other, and where they begin. Pure."""

from dataclasses import dataclass
from enum import IntEnum

from monitor.domain.market import KlineInterval, Klines
from monitor.domain.typing import Symbol


class Beginning(IntEnum):
    """Whether there are bars before the first one kept."""

    UNKNOWN = 0
    """Nobody asked."""
    REPORTED = 1
    """The exchange sent fewer bars than asked for; it might have been an accident."""
    CONFIRMED = 2
    """It said so twice: the contract's history begins here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KlineSeries:
    """Closed bars of one contract without gaps, at least one."""

    klines: Klines
    """Ascending; the arrays may be read-only."""
    beginning: Beginning = Beginning.UNKNOWN

    @property
    def symbol(self) -> Symbol:
        """Contract."""
        return self.klines.symbol

    @property
    def interval(self) -> KlineInterval:
        """Bar length."""
        return self.klines.interval

    @property
    def first_open(self) -> int:
        """Open time of the oldest bar, ms UTC."""
        return int(self.klines.open_time[0])

    @property
    def last_open(self) -> int:
        """Open time of the newest bar, ms UTC."""
        return int(self.klines.open_time[-1])
