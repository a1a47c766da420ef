"""Settings of the bars kept on disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

MEGABYTE = 1_000_000
KLINE_STORE_KEYS: Mapping[str, str] = {
    "kline_cache_mb": "max_mb",
    "kline_cache_bars": "max_bars",
}
"""Keys of ``settings.SCREENER`` that belong to the store, and its names for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KlineStoreConfig:
    """How much is kept. Every number is a default and a setting."""

    max_mb: float = 256.0
    """Size of the file, 10⁶ bytes; the series unused for longest make room. Bars take
    88 bytes: 540 contracts with 300 bars are 15 MB."""
    max_bars: int = 6_000
    """Newest bars kept per contract and interval: four of the longest requests."""

    def __post_init__(self) -> None:
        if not (_is_number(self.max_mb) and self.max_mb >= 1):
            raise ValueError(
                f"kline_cache_mb must be a number ≥ 1, was {self.max_mb!r}"
            )
        if not (type(self.max_bars) is int and self.max_bars >= 1):
            raise ValueError(
                f"kline_cache_bars must be a whole number ≥ 1, was {self.max_bars!r}"
            )

    @classmethod
    def of_settings(cls, configured: Mapping[str, Any]) -> Self:
        """Return the defaults with what ``settings.SCREENER`` says about the store.

        Raises
        ------
        ValueError
            A value is not legal.
        """
        return cls(
            **{
                name: configured[key]
                for key, name in KLINE_STORE_KEYS.items()
                if key in configured
            }
        )

    @property
    def max_bytes(self) -> int:
        """Size of the file in bytes."""
        return int(self.max_mb * MEGABYTE)


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) < float("inf")
    )
