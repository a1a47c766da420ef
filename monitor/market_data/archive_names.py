"""Addresses of the public archive, and its small files. Pure.

The layout, below ``data/futures/um/``::

    monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01.zip        and .zip.CHECKSUM
    daily/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01-31.zip
    monthly/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2025-01.zip
    daily/metrics/BTCUSDT/BTCUSDT-metrics-2025-01-31.zip
"""

import re
from dataclasses import dataclass
from html import unescape
from urllib.parse import quote

from monitor.domain.typing import Symbol
from monitor.market_data.history_rows import HistoryKind, Series, is_symbol

ROOT = "data/futures/um"
MONTHLY, DAILY = "monthly", "daily"
CHECKSUM_SUFFIX = ".CHECKSUM"

_FOLDERS = {
    HistoryKind.KLINES: "klines",
    HistoryKind.FUNDING: "fundingRate",
    HistoryKind.METRICS: "metrics",
}
_PERIODS = {
    HistoryKind.KLINES: (MONTHLY, DAILY),
    HistoryKind.FUNDING: (MONTHLY,),
    HistoryKind.METRICS: (DAILY,),
}
_KEY = re.compile(r"<Key>([^<]*)</Key>")
_PREFIX = re.compile(r"<CommonPrefixes>\s*<Prefix>([^<]*)</Prefix>\s*</CommonPrefixes>")
_NEXT = re.compile(r"<NextMarker>([^<]*)</NextMarker>")
_TRUNCATED = re.compile(r"<IsTruncated>\s*true\s*</IsTruncated>")
_STATED_HASH = re.compile(r"([0-9a-fA-F]{64})\s+\*?(\S+)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingPage:
    """One answer of the archive's listing."""

    keys: tuple[str, ...]
    folders: tuple[str, ...]
    next_marker: str | None
    """Where the next page begins; None on the last one."""


def periods(kind: HistoryKind) -> tuple[str, ...]:
    """Return which of monthly and daily files there are."""
    return _PERIODS[kind]


def kind_folder(kind: HistoryKind, period: str) -> str:
    """Return the folder of all contracts."""
    return f"{ROOT}/{period}/{_FOLDERS[kind]}/"


def series_folder(series: Series, period: str) -> str:
    """Return the folder of one contract's files."""
    folder = f"{kind_folder(series.kind, period)}{series.symbol}/"
    return folder if series.interval is None else f"{folder}{series.interval.value}/"


def stem(series: Series, label: str) -> str:
    """Return the name of a file without its ending.

    Parameters
    ----------
    series : Series
    label : str
        ``"2025-01"`` or ``"2025-01-31"``.
    """
    middle = series.interval
    word = _FOLDERS[series.kind] if middle is None else middle.value
    return f"{series.symbol}-{word}-{label}"


def zip_key(series: Series, label: str) -> str:
    """Return the path of a month's or day's file, as the archive lists it."""
    period = MONTHLY if len(label) == len("2025-01") else DAILY
    return f"{series_folder(series, period)}{stem(series, label)}.zip"


def url_path(key: str) -> str:
    """Return a path for an address: names may be Chinese."""
    return "/" + quote(key)


def listing_query(prefix: str, marker: str | None) -> dict[str, str]:
    """Return the parameters of a listing of one folder."""
    query = {"delimiter": "/", "prefix": prefix}
    return query if marker is None else {**query, "marker": marker}


def listing_page(text: str) -> ListingPage | None:
    """Return what a listing's XML says; None when it is no listing."""
    # not an XML parser: these few tags hold text only, and the text is not trusted
    if "<ListBucketResult" not in text:
        return None
    keys = tuple(unescape(found) for found in _KEY.findall(text))
    folders = tuple(unescape(found) for found in _PREFIX.findall(text))
    marker = None
    if _TRUNCATED.search(text):
        stated = _NEXT.search(text)
        names = sorted((*keys, *folders))
        marker = unescape(stated[1]) if stated else (names[-1] if names else None)
    return ListingPage(keys=keys, folders=folders, next_marker=marker)


def listed_symbols(folders: tuple[str, ...]) -> tuple[Symbol, ...]:
    """Return the contracts that folders are named after, in order."""
    names = (folder.rstrip("/").rpartition("/")[2] for folder in folders)
    return tuple(sorted({name for name in names if is_symbol(name)}))


def stated_hash(body: bytes, name: str) -> str | None:
    """Return the SHA-256 that a checksum file states of ``name``; else None."""
    found = _STATED_HASH.fullmatch(body.decode("utf-8", errors="replace"))
    if found is None or found[2] != name:
        return None
    return found[1].lower()
