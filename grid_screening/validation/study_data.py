"""What a validation study was run on."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSummary:
    """What the study was run on."""

    label: str
    fingerprint: str
    """SHA-256 of the history's content."""
    start_ms: int
    """Open of the first bar, ms UTC."""
    end_ms: int
    """Close of the last bar, ms UTC."""
    interval: str
    contract_count: int
    ended_count: int
    """Contracts whose last bar is before the history's: delisted inside it. 0: such
    contracts are missing."""
    bar_count: int
    """Bars that exist, all contracts together."""
    funding_contract_count: int
    """Contracts whose funding is known at some origin."""
    funding_share: float
    """Share of the simulated grids during which funding was recorded."""
    finer: str
    """Finer bars used for a sensitivity; empty: none."""
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseRow:
    """How many contracts one origin had."""

    as_of_ms: int
    excluded: Mapping[str, int]
    """Contracts by the reason that stopped them."""
    scored: int
    planned: int
    """Scored ones with a legal grid."""
