"""Series of bars ↔ bytes with a checksum. Pure."""

from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from monitor.domain.market import KlineInterval, Klines
from monitor.domain.typing import Symbol
from monitor.market_data.columns import COLUMNS, INTEGER_COLUMNS
from monitor.market_data.series import Beginning, KlineSeries

VALUE_BYTES = 8
BAR_BYTES = VALUE_BYTES * len(COLUMNS)


class SeriesKey(NamedTuple):
    """Whose bars."""

    exchange: str
    """Address of the REST server."""
    symbol: Symbol
    interval: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedSeries:
    """One series as it is kept: some numbers to look at, columns, checksum."""

    key: SeriesKey
    first_open: int
    last_open: int
    bar_count: int
    beginning: int
    columns: bytes
    """All columns of `COLUMNS` one after the other, little-endian."""
    checksum: bytes
    """SHA-256 of everything else, the key included."""


def encoded(exchange: str, series: KlineSeries) -> EncodedSeries:
    """Return the bytes of a series."""
    klines = series.klines
    key = SeriesKey(exchange, series.symbol, series.interval.value)
    numbers = (
        series.first_open,
        series.last_open,
        klines.bar_count,
        int(series.beginning),
    )
    columns = b"".join(
        np.ascontiguousarray(getattr(klines, name), dtype=_kind(name)).tobytes()
        for name in COLUMNS
    )
    first_open, last_open, bar_count, beginning = numbers
    return EncodedSeries(
        key=key,
        first_open=first_open,
        last_open=last_open,
        bar_count=bar_count,
        beginning=beginning,
        columns=columns,
        checksum=_checksum(key, numbers, columns),
    )


def decoded(kept: EncodedSeries) -> KlineSeries | None:
    """Return the series, None when a single bit of it is not what was kept.

    The arrays are read-only views of ``kept.columns``.
    """
    numbers = (kept.first_open, kept.last_open, kept.bar_count, kept.beginning)
    if (
        not isinstance(kept.columns, bytes)
        or kept.checksum != _checksum(kept.key, numbers, kept.columns)
        or len(kept.columns) != kept.bar_count * BAR_BYTES
    ):
        return None
    length = kept.bar_count * VALUE_BYTES
    columns = {
        name: np.frombuffer(
            kept.columns, dtype=_kind(name), count=kept.bar_count, offset=place * length
        )
        for place, name in enumerate(COLUMNS)
    }
    klines = Klines(
        symbol=kept.key.symbol, interval=KlineInterval(kept.key.interval), **columns
    )
    return KlineSeries(klines=klines, beginning=Beginning(kept.beginning))


def _kind(name: str) -> str:
    return "<i8" if name in INTEGER_COLUMNS else "<f8"


def _checksum(key: SeriesKey, numbers: tuple[object, ...], columns: bytes) -> bytes:
    digest = sha256(repr((*key, *numbers)).encode())
    digest.update(columns)
    return digest.digest()
