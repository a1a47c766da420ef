"""`KlineStore`: closed bars on disk, so that a scan asks only for new ones."""

import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self, TypeVar

from monitor.domain.market import KlineInterval
from monitor.domain.typing import Symbol
from monitor.market_data.columns import selected
from monitor.market_data.conf import KlineStoreConfig
from monitor.market_data.kline_codec import (
    EncodedSeries,
    SeriesKey,
    decoded,
    encoded,
)
from monitor.market_data.kline_file import FILE_NAME, KlineFile
from monitor.market_data.kline_statistics import KlineStatistics
from monitor.market_data.kline_tables import DamagedFile, UnusableFile
from monitor.market_data.series import Beginning, KlineSeries

ResultT = TypeVar("ResultT")

DEFAULT_CONFIG = KlineStoreConfig()
BATCH_BYTES = 16_000_000
"""Series are written together, those of a whole scan when they fit: while a batch is
written, all threads that fetch stand still."""
BATCH_SHARE = 4
"""A batch is at most this part of the file."""

logger = logging.getLogger(__name__)


class KlineStore:
    """Closed bars of one exchange, by contract and interval.

    It is only a cache: whatever happens to the file, a scan goes on. What cannot be
    read exactly as it was written is dropped; a file that is damaged as a whole is
    moved aside; a store that cannot be used is switched off, with one warning in the
    log, and then has nothing and keeps nothing.

    Thread-safe; many processes may use one file. A context manager: `close` writes
    what is still in memory. Not to be used in a forked child of the process that
    opened it.

    Parameters
    ----------
    folder : Path
        Data folder; the file's name is `kline_file.FILE_NAME`.
    exchange : str
        Address of the REST server: bars of different servers never mix.
    config : KlineStoreConfig, optional
    """

    def __init__(
        self, folder: Path, *, exchange: str, config: KlineStoreConfig = DEFAULT_CONFIG
    ) -> None:
        self._exchange = exchange_key(exchange)
        self._config = config
        self._file = KlineFile(folder / FILE_NAME, max_bytes=config.max_bytes)
        self._batch_bytes = min(BATCH_BYTES, config.max_bytes // BATCH_SHARE)
        self._lock = Lock()
        self._pending: dict[SeriesKey, EncodedSeries] = {}
        self._pending_bytes = 0
        self._used: dict[SeriesKey, None] = {}  # in the order of use
        self._counts: Counter[str] = Counter()
        self._saved: Counter[str] = Counter()
        self._problem: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    @property
    def problem(self) -> str | None:
        """Why the store is switched off; None while it works."""
        return self._problem

    def series(self, symbol: Symbol, interval: KlineInterval) -> KlineSeries | None:
        """Return what is kept of one contract, None when there is nothing.

        The bars are those that were kept, bit for bit.
        """
        key = SeriesKey(self._exchange, symbol, interval.value)
        with self._lock:
            kept = self._pending.get(key)
            if kept is None:
                kept = self._attempt(lambda: self._file.read(key))
            if kept is None:
                return None
            self._note_use(key)
        found = decoded(kept)
        if found is None:
            self._drop(kept)
        return found

    def keep(self, series: KlineSeries) -> None:
        """Keep a series in the place of what was kept; its newest bars only.

        It is written with others, at the latest by `flush` or `close`.
        """
        bars = series.klines
        surplus = bars.bar_count - self._config.max_bars
        if surplus > 0:
            bars = selected(bars, slice(surplus, None))
            series = KlineSeries(klines=bars, beginning=Beginning.UNKNOWN)
        kept = encoded(self._exchange, series)
        with self._lock:
            if self._problem is not None:
                return
            replaced = self._pending.pop(kept.key, None)
            if replaced is not None:
                self._pending_bytes -= len(replaced.columns)
            self._pending[kept.key] = kept
            self._pending_bytes += len(kept.columns)
            self._note_use(kept.key)
            if self._pending_bytes >= self._batch_bytes:
                self._write()

    def held(self, *, first_symbol: Symbol, limit: int) -> list[SeriesKey]:
        """Return whose bars are kept: ``first_symbol`` first, then as last used."""
        with self._lock:
            if self._pending:
                self._write()
            found = self._attempt(
                lambda: self._file.keys(
                    self._exchange, first_symbol=first_symbol, limit=limit
                )
            )
        return found or []

    def clear(self, *, symbol: Symbol | None = None) -> None:
        """Drop all series of this exchange, or those of one symbol."""
        with self._lock:
            for key in [k for k in self._pending if symbol in (None, k.symbol)]:
                self._pending_bytes -= len(self._pending.pop(key).columns)
            self._attempt(
                lambda: self._file.clear(exchange=self._exchange, symbol=symbol)
            )

    def count(self, **increments: int) -> None:
        """Add to the counts of `KlineStatistics`, by name."""
        with self._lock:
            self._counts.update(increments)

    def statistics(self) -> KlineStatistics:
        """Return the counts since this store was opened."""
        with self._lock:
            return KlineStatistics.of(self._counts)

    def switch_off(self, problem: str) -> None:
        """Have nothing and keep nothing from now on; logs once why."""
        with self._lock:
            self._switch_off(problem)

    def flush(self) -> None:
        """Write what is still in memory."""
        with self._lock:
            self._write()

    def close(self) -> None:
        """Write what is still in memory and let go of the file. Idempotent."""
        with self._lock:
            self._write()
            self._attempt(self._file.close)

    def _write(self) -> None:
        news = self._counts - self._saved
        if not (self._pending or self._used or news):
            return
        evicted = self._attempt(
            lambda: self._file.write(
                list(self._pending.values()), used=list(self._used), counts=news
            )
        )
        if evicted is None:
            return
        self._counts["evicted"] += evicted
        self._saved = self._counts.copy()
        self._forget_batch()

    def _forget_batch(self) -> None:
        self._pending.clear()
        self._pending_bytes = 0
        self._used.clear()

    def _note_use(self, key: SeriesKey) -> None:
        self._used.pop(key, None)
        self._used[key] = None

    def _drop(self, damaged: EncodedSeries) -> None:
        with self._lock:
            self._counts["dropped"] += 1
            self._used.pop(damaged.key, None)
            logger.warning(
                "kline_store dropped exchange=%s symbol=%s interval=%s reason=checksum",
                *damaged.key,
            )
            self._attempt(lambda: self._file.drop(damaged))

    def _attempt(self, work: Callable[[], ResultT]) -> ResultT | None:
        # every way to the file; None: it has nothing, or is switched off
        if self._problem is not None:
            return None
        try:
            try:
                return work()
            except DamagedFile as damage:
                self._start_anew(damage)
                return work()
        except (UnusableFile, DamagedFile) as failure:
            self._switch_off(str(failure))
        return None

    def _start_anew(self, damage: DamagedFile) -> None:
        if self._file.move_aside():
            self._counts["started_anew"] += 1
            logger.warning(
                "kline_store moved aside file=%s reason=%r", self.path, str(damage)
            )

    def _switch_off(self, problem: str) -> None:
        if self._problem is not None:
            return
        self._problem = problem
        self._counts["switched_off"] += 1
        self._forget_batch()
        logger.warning("kline_store switched off file=%s reason=%r", self.path, problem)
        try:
            self._file.close()
        except (UnusableFile, DamagedFile) as failure:
            logger.debug("kline_store close failed reason=%r", str(failure))


def exchange_key(address: str) -> str:
    """Return the address as series are kept under it."""
    return address.rstrip("/").lower()
