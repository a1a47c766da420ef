"""One line of the benchmark's table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRow:
    """A figure beside its bound and its peer."""

    name: str
    ours: str
    bound: str
    reached: bool | None
    """None: a comparison without a bound."""
    peer: str
