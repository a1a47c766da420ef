"""Months of the public archive → store, several at a time, and again where it ended."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock

from monitor.domain.typing import Symbol
from monitor.market_data.archive import Archive
from monitor.market_data.archive_names import (
    DAILY,
    MONTHLY,
    kind_folder,
    listed_symbols,
    periods,
    series_folder,
    stem,
    zip_key,
)
from monitor.market_data.archive_rows import BadArchiveFile, rows_of_zip
from monitor.market_data.conf import ArchiveConfig
from monitor.market_data.history_errors import (
    ArchiveRefused,
    ArchiveUnavailable,
)
from monitor.market_data.history_rows import (
    HistoryKind,
    Series,
    days_between,
    month_bounds,
    months_between,
    united,
)
from monitor.market_data.history_store import HistoryStore, Partition

FAILURES_IN_A_ROW = 5
"""So many months that the archive gave nothing of: the rest would fail too."""


class MonthStatus(StrEnum):
    """What became of one contract's month."""

    FETCHED = "fetched"
    """At least one new file."""
    KEPT = "already there"
    ABSENT = "not in the archive"
    FAILED = "failed"
    """A file could not be had, or not verified; others may have been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthOutcome:
    """What became of one contract's month."""

    series: Series
    month: str
    status: MonthStatus
    problems: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    """Month or days that the archive does not have."""
    lost: ArchiveUnavailable | ArchiveRefused | None = None
    """Why the archive gave nothing: other months may fare no better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadPlan:
    """What is wanted."""

    series: tuple[Series, ...]
    start_ms: int
    end_ms: int
    """Excluded; not in the future."""

    def months(self) -> Iterator[tuple[Series, str]]:
        """Yield each contract's months, in order of time first."""
        for month in months_between(self.start_ms, self.end_ms):
            for series in self.series:
                yield series, month


@dataclass(frozen=True, slots=True)
class Step:
    """How far it is."""

    done: int
    total: int
    words: str


OnStep = Callable[[Step], None]


class HistoryDownload:
    """Fetches what the store does not have yet.

    Parameters
    ----------
    store : HistoryStore
        Locked by the caller.
    archive : Archive
    config : ArchiveConfig
    on_step : callable, optional
        Told of each month, by one thread at a time.
    """

    def __init__(
        self,
        store: HistoryStore,
        archive: Archive,
        config: ArchiveConfig,
        *,
        on_step: OnStep = lambda _: None,
    ) -> None:
        self._store = store
        self._archive = archive
        self._config = config
        self._on_step = on_step
        self._lock = Lock()
        self._monthly: dict[Series, frozenset[str] | None] = {}
        self._lists = True

    def run(self, plan: DownloadPlan) -> tuple[MonthOutcome, ...]:
        """Fetch; blocks. What is stored stays, whatever happens.

        Raises
        ------
        ArchiveUnavailable, ArchiveRefused
            Month after month brought nothing else.
        DownloadCancelled, HistoryNotWritable
        """
        todo = list(plan.months())
        outcomes: list[MonthOutcome] = []
        failed_in_a_row = 0
        with self._workers() as submit:
            for outcome in submit(
                lambda job: self._month(plan, *job),
                todo,
            ):
                outcomes.append(outcome)
                words = f"{outcome.series} {outcome.month}"
                self._on_step(Step(len(outcomes), len(todo), words))
                lost = outcome.lost
                failed_in_a_row = 0 if lost is None else failed_in_a_row + 1
                all_lost = lost and failed_in_a_row == len(todo)
                if lost and (failed_in_a_row >= FAILURES_IN_A_ROW or all_lost):
                    raise lost
        return tuple(outcomes)

    @contextmanager
    def _workers(self) -> Iterator["_Submit"]:
        pool = ThreadPoolExecutor(self._config.workers, thread_name_prefix="archive")
        try:
            yield lambda work, jobs: _in_any_order(pool, work, jobs)
        except BaseException:
            self._archive.cancel()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _month(self, plan: DownloadPlan, series: Series, month: str) -> MonthOutcome:
        first, after = month_bounds(month)
        start, end = max(first, plan.start_ms), min(after, plan.end_ms)
        work = _MonthWork(series=series, month=month)
        kept = self._store.read(series, month)
        if kept is not None and month in kept.sources:
            return work.outcome(MonthStatus.KEPT)
        try:
            if not self._fetch_month(work, kept) and DAILY in periods(series.kind):
                self._fetch_days(work, kept, tuple(days_between(start, end)))
        except BadArchiveFile as error:
            work.problems.append(str(error))
        except (ArchiveUnavailable, ArchiveRefused) as error:
            if isinstance(error, ArchiveUnavailable) or error.status is not None:
                work.lost = error
            work.problems.append(str(error))
        if work.problems:
            return work.outcome(MonthStatus.FAILED)
        if work.fetched:
            return work.outcome(MonthStatus.FETCHED)
        is_absent = bool(work.absent) and kept is None
        return work.outcome(MonthStatus.ABSENT if is_absent else MonthStatus.KEPT)

    def _fetch_month(self, work: "_MonthWork", kept: Partition | None) -> bool:
        series, month = work.series, work.month
        if MONTHLY not in periods(series.kind):
            return False
        key = zip_key(series, month)
        known = self._listed_months(series)
        found = None
        if known is None or key in known:
            found = self._archive.verified(key)
        if found is None:
            if DAILY not in periods(series.kind):
                work.absent.append(month)
            return False
        body, stated = found
        self._keep(work, kept, {month: stated}, [(month, body)])
        return True

    def _fetch_days(
        self, work: "_MonthWork", kept: Partition | None, days: Sequence[str]
    ) -> None:
        series = work.series
        there = {} if kept is None else kept.sources
        wanted = [day for day in days if day not in there]
        if not wanted:
            return
        known = self._listed(series_folder(series, DAILY) + stem(series, work.month))
        hashes: dict[str, str] = {}
        bodies: list[tuple[str, bytes]] = []
        try:
            for day in wanted:
                key = zip_key(series, day)
                found = None
                try:
                    if known is None or key in known:
                        found = self._archive.verified(key)
                except BadArchiveFile as error:  # the other days may be well
                    work.problems.append(str(error))
                    continue
                if found is None:
                    work.absent.append(day)
                else:
                    hashes[day] = found[1]
                    bodies.append((day, found[0]))
        finally:  # what came before the end of all is kept
            if bodies:
                self._keep(work, kept, hashes, bodies)

    def _keep(
        self,
        work: "_MonthWork",
        kept: Partition | None,
        hashes: dict[str, str],
        bodies: Iterable[tuple[str, bytes]],
    ) -> None:
        rows = None if kept is None else kept.rows
        sources = {} if kept is None else dict(kept.sources)
        for label, body in bodies:
            limit = self._config.max_table_bytes
            try:
                new = rows_of_zip(body, work.series, label, max_bytes=limit)
            except BadArchiveFile as error:
                name = stem(work.series, label)
                work.problems.append(f"{name}.zip: {error}")
                continue
            rows = united(rows, new)
            sources[label] = hashes[label]
            work.fetched += 1
        if rows is None or not work.fetched:
            return
        if work.month in sources:  # the whole month stands for its days
            sources = {
                label: stated
                for label, stated in sources.items()
                if not (label.startswith(work.month) and label != work.month)
            }
        confirmed = () if kept is None else kept.confirmed
        partition = Partition(rows=rows, sources=sources, confirmed=confirmed)
        self._store.write(work.series, work.month, partition)

    def _listed_months(self, series: Series) -> frozenset[str] | None:
        with self._lock:
            if series in self._monthly:
                return self._monthly[series]
        known = self._listed(series_folder(series, MONTHLY))
        with self._lock:
            self._monthly[series] = known
        return known

    def _listed(self, prefix: str) -> frozenset[str] | None:
        # None: not known, so each file is asked for
        if not self._lists:
            return None
        try:
            return self._archive.keys(prefix)
        except (ArchiveUnavailable, ArchiveRefused):
            self._lists = False
            return None


def archive_symbols(archive: Archive, *, quote: str) -> tuple[Symbol, ...]:
    """Return every perpetual that the archive has bars of, delisted ones included.

    Parameters
    ----------
    archive : Archive
    quote : str
        Quote asset, as the names end. Contracts with a delivery date are left out.
    """
    found: set[Symbol] = set()
    for period in periods(HistoryKind.KLINES):
        folders = archive.folders(kind_folder(HistoryKind.KLINES, period))
        found.update(listed_symbols(folders))
    return tuple(sorted(name for name in found if name.endswith(quote)))


@dataclass(slots=True, kw_only=True)
class _MonthWork:
    series: Series
    month: str
    fetched: int = 0
    problems: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    lost: ArchiveUnavailable | ArchiveRefused | None = None

    def outcome(self, status: MonthStatus) -> MonthOutcome:
        return MonthOutcome(
            series=self.series,
            month=self.month,
            status=status,
            problems=tuple(self.problems),
            absent=tuple(self.absent),
            lost=self.lost,
        )


_Job = tuple[Series, str]
_Submit = Callable[
    [Callable[[_Job], MonthOutcome], Sequence[_Job]], Iterator[MonthOutcome]
]


def _in_any_order(
    pool: ThreadPoolExecutor,
    work: Callable[[_Job], MonthOutcome],
    jobs: Sequence[_Job],
) -> Iterator[MonthOutcome]:
    waiting: set[Future[MonthOutcome]] = {pool.submit(work, job) for job in jobs}
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()
