"""Settings of the bars kept on disk, and of the public archive."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from monitor.conf import GatewayConfig

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


LIVE_ARCHIVE_URL = "https://data.binance.vision"
LIVE_LISTING_URL = "https://s3-ap-northeast-1.amazonaws.com/data.binance.vision"
"""The archive's bucket: the archive itself lists its files on a page for people."""

ARCHIVE_KEYS: Mapping[str, str] = {
    "archive_url": "url",
    "archive_listing_url": "listing_url",
    "archive_workers": "workers",
}
"""Keys of ``settings.SCREENER`` that belong to the archive, and its names for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveConfig:
    """Where history is downloaded from. Every number is a default and a setting."""

    url: str = LIVE_ARCHIVE_URL
    """Scheme, host and port of the public archive or a mirror of it."""
    listing_url: str | None = None
    """Lists the files (S3: ``?delimiter=/&prefix=…``); may have a path. None: the
    archive's own bucket, and for a mirror the mirror itself."""
    workers: int = 8
    """Files under way at once; the archive states no limit, this is what a browser
    does."""
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 20.0
    """Longest silence between two pieces of a file."""
    deadline_s: float = 300.0
    """One file, first byte to last: 64 MB at 2 Mbit/s."""
    max_attempts: int = 4
    """Tries per file, the first included."""
    backoff_initial_s: float = 0.5
    """Upper end of the first full-jitter wait; doubles per try."""
    backoff_max_s: float = 20.0
    max_file_bytes: int = 64 * MEGABYTE
    """A month of minutes is 2 MB; more than this is not what was asked for."""
    max_table_bytes: int = 256 * MEGABYTE
    """Unpacked; a month of minutes is 6 MB."""

    def __post_init__(self) -> None:
        for name, url in (("archive_url", self.url), ("…", self.listing_url)):
            if url is not None:
                spelled = "archive_listing_url" if name == "…" else name
                _check_url(spelled, url, with_path=name == "…")
        if not (type(self.workers) is int and 1 <= self.workers <= MAX_WORKERS):
            raise ValueError(
                f"archive_workers must be a whole number in 1…{MAX_WORKERS}, was "
                f"{self.workers!r}"
            )

    @classmethod
    def of_settings(cls, configured: Mapping[str, Any]) -> Self:
        """Return the defaults with what ``settings.SCREENER`` says about the archive.

        Raises
        ------
        ValueError
            A value is not legal.
        """
        return cls(
            **{
                name: configured[key]
                for key, name in ARCHIVE_KEYS.items()
                if key in configured
            }
        )

    @property
    def effective_listing_url(self) -> str:
        """Where files are listed."""
        if self.listing_url is not None:
            return self.listing_url.rstrip("/")
        url = self.url.rstrip("/")
        return LIVE_LISTING_URL if url == LIVE_ARCHIVE_URL else url


MAX_WORKERS = 64


def _check_url(name: str, url: object, *, with_path: bool) -> None:
    is_text = isinstance(url, str) and url.isprintable() and url.isascii()
    if is_text and with_path:
        parts = urlsplit(str(url))
        url = f"{parts.scheme}://{parts.netloc}" + ("?" if parts.query else "")
    try:
        GatewayConfig(base_url=str(url))
    except ValueError:
        is_text = False
    if not is_text:
        raise ValueError(f"{name} must be an address like {LIVE_ARCHIVE_URL}")


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) < float("inf")
    )
