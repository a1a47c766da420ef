"""What the store holds, and what it was good for. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class KlineStatistics:
    """Counts since a store was opened, or since its file was made."""

    hits: int = 0
    """Wishes for bars that needed no request."""
    partial_hits: int = 0
    """Wishes that needed only what was missing."""
    misses: int = 0
    """Wishes that were asked for in full."""
    bars_served: int = 0
    """Bars that came from the disk."""
    bars_fetched: int = 0
    """Bars that came from the exchange, the open ones included."""
    corrected: int = 0
    """Series that the exchange has since corrected; asked for again in full."""
    repaired: int = 0
    """Missing bars that came when they were asked for once more."""
    dropped: int = 0
    """Damaged series: their checksum did not fit."""
    evicted: int = 0
    """Series that made room for others."""
    contradicted: int = 0
    """Times that another market answered under the address: all series dropped."""
    started_anew: int = 0
    """Times that the file was damaged as a whole and moved aside."""
    switched_off: int = 0
    """Times that the store could not be used."""

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Self:
        """Return what ``counts`` says about the known names."""
        known = {f.name for f in fields(cls)}
        return cls(**{name: n for name, n in counts.items() if name in known})

    def by_name(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesGroup:
    """All series of one exchange and interval."""

    exchange: str
    interval: str
    series: int
    bars: int
    first_open: int
    """Open time of the oldest bar, ms UTC."""
    last_open: int
    """Open time of the newest bar, ms UTC."""
    size: int
    """Bytes of the columns."""
