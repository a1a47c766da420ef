"""A validation study from a history on disk, over the cores or a Dask cluster."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock

from grid_screening.backtest.point_in_time import HistoricalMarket
from grid_screening.backtest.sweep import LOCAL, spread
from grid_screening.conf import ScreenerSettings
from grid_screening.exceptions import InvalidSettings
from grid_screening.profile import load_profile
from grid_screening.validation.origin_choice import CLASSIC, GUARDED, StudyMarket
from grid_screening.validation.outcomes import OriginOutcomes, origin_outcomes
from grid_screening.validation.period import Period, allowed_period, first_month
from grid_screening.validation.study import Clock, Source, Study, study
from grid_screening.validation.study_settings import StudySettings
from monitor.domain.market import DAY_MS, HOUR_MS, KlineInterval
from monitor.domain.progress import Progress, ProgressHook
from monitor.market_data.history import History, opened_history

CLASSIC_INTERVAL = ScreenerSettings().interval

_opening = Lock()
# workers of one process open the history once


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOrder:
    """What is studied; None: what the protocol declares, as far as history goes."""

    folder: Path
    start_ms: int | None = None
    end_ms: int | None = None
    every_ms: int = DAY_MS
    horizon_ms: int = 7 * DAY_MS
    universe_volume: float = 10e6
    top: int = 20
    sensitivity: bool = True
    engine: str = LOCAL


def run_study(
    order: StudyOrder,
    *,
    clock: Clock,
    on_progress: ProgressHook,
    check: Callable[[], object] = lambda: None,
) -> Study:
    """Open the history, scan it at every origin, answer the questions.

    Parameters
    ----------
    order : StudyOrder
    clock : callable
        Seconds.
    on_progress : callable
        Told each origin and each step.
    check : callable
        Called with each of them; what it raises ends the study.

    Raises
    ------
    HistoryUnreadable
        The folder holds no history that can be read.
    InvalidSettings
        The history has no bars of an hour or less, or does not cover the period.
    EngineUnavailable
        The cluster cannot be used.
    """

    def tell(step: Progress) -> None:
        check()
        on_progress(step)

    tell(Progress(stage="history", done=0, total=1, detail=""))
    history = opened_history(order.folder)
    settings = study_settings(order, history)
    of = study_market(order.folder, settings)
    origins = settings.origins
    tell(Progress(stage="history", done=1, total=1, detail=""))

    def done(count: int, total: int) -> None:
        tell(Progress(stage="origins", done=count, total=total, detail=""))

    begun = clock()
    if order.engine == LOCAL:
        outcomes = spread(partial(origin_outcomes, of), origins, on_done=done)
    else:
        tasks = [
            OriginTask(folder=order.folder.resolve(), study=settings, as_of_ms=origin)
            for origin in origins
        ]
        outcomes = spread(distant_outcomes, tasks, engine=order.engine, on_done=done)
    return study(
        of,
        outcomes,
        Source(
            label=history.label,
            fingerprint=history.fingerprint,
            problems=history.problems,
            finer=_finer_words(history),
        ),
        clock=clock,
        scan_seconds=clock() - begun,
        on_progress=tell,
    )


def planned_study(order: StudyOrder) -> StudySettings:
    """Return what `run_study` would do, without doing it; reads no bars.

    Raises
    ------
    HistoryUnreadable, InvalidSettings
        As `run_study`.
    """
    return study_settings(order, opened_history(order.folder))


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginTask:
    """One origin for a worker elsewhere, which reads the history itself."""

    folder: Path
    """Absolute, and the same on every machine."""
    study: StudySettings
    as_of_ms: int


def distant_outcomes(task: OriginTask) -> OriginOutcomes:
    """Return the outcomes of ``task``; the history is opened once per process."""
    with _opening:
        of = study_market(task.folder, task.study)
    return origin_outcomes(of, task.as_of_ms)


@lru_cache(maxsize=1)
def study_market(folder: Path, settings: StudySettings) -> StudyMarket:
    """Return the market of a folder, ready to be used by several threads.

    Raises
    ------
    HistoryUnreadable
    InvalidSettings
        No bars of an hour or less.
    """
    history = opened_history(folder)
    base = _base_interval(history)
    market = HistoricalMarket(history.panel(base), history.funding())
    for interval in (KlineInterval.H1, CLASSIC_INTERVAL, KlineInterval.D1):
        market.panel(interval)
    finer = _finer_interval(history) if settings.sensitivity else None
    of = StudyMarket(
        market,
        settings,
        load_profile(CLASSIC),
        load_profile(GUARDED),
        None if finer is None else history.panel(finer),
    )
    # made now: threads that need them later share them
    _ = of.paths, of.finer, of.variants
    return of


def study_settings(order: StudyOrder, history: History) -> StudySettings:
    """Return the settings of ``order``, with the period that ``history`` allows.

    Raises
    ------
    InvalidSettings
        The period asked for, or any, is not covered.
    """
    base = _base_interval(history)
    first, last = history.time_range(base)
    scan = ScreenerSettings()
    allowed = allowed_period(
        first,
        last + base.milliseconds,
        bars_ms=scan.bars * scan.interval.milliseconds,
        horizon_ms=order.horizon_ms,
    )
    if allowed is None:
        days = (scan.bars * scan.interval.milliseconds + order.horizon_ms) / DAY_MS
        raise InvalidSettings(
            "history",
            f"at least {days:g} days long (a scan looks back "
            f"{scan.bars} bars of {scan.interval.value}, a grid lives on)",
            f"{(last + base.milliseconds - first) / DAY_MS:g} days",
        )
    period = _asked(order, allowed, first, last + base.milliseconds)
    return StudySettings(
        start_ms=period.start_ms,
        end_ms=period.end_ms,
        first_month=period.first_month,
        every_ms=order.every_ms,
        horizon_ms=order.horizon_ms,
        universe_volume=order.universe_volume,
        top=order.top,
        sensitivity=order.sensitivity,
    )


def _asked(order: StudyOrder, allowed: Period, first: int, last: int) -> Period:
    # the flags' period where they say one, inside what the history covers
    scan = ScreenerSettings()
    earliest = first + scan.bars * scan.interval.milliseconds
    latest = last - order.horizon_ms
    legal = f"in {_day(earliest)}…{_day(latest)}, which the history covers"
    for name, value in (("--start", order.start_ms), ("--end", order.end_ms)):
        if value is not None and not earliest <= value <= latest:
            raise InvalidSettings(name, legal, _day(value))
    start = allowed.start_ms if order.start_ms is None else order.start_ms
    end = allowed.end_ms if order.end_ms is None else order.end_ms
    if start > end:
        legal = f"at or after --start ({_day(start)})"
        raise InvalidSettings("--end", legal, _day(end))
    if start % HOUR_MS:
        raise InvalidSettings("--start", "a full hour", _day(start))
    month = allowed.first_month if start == allowed.start_ms else first_month(start)
    return Period(start_ms=start, end_ms=end, first_month=month)


def _day(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%dT%H:%M}"


def _base_interval(history: History) -> KlineInterval:
    # the longest bars that give an hourly ATR
    for interval in history.intervals:  # longest first
        if interval.milliseconds <= HOUR_MS and HOUR_MS % interval.milliseconds == 0:
            return interval
    there = ", ".join(interval.value for interval in history.intervals) or "none"
    raise InvalidSettings("history", "one with bars of 1h or less", there)


def _finer_interval(history: History) -> KlineInterval | None:
    # the longest bars below the base: more contracts and days than finer ones have
    at = history.intervals.index(_base_interval(history)) + 1
    return history.intervals[at] if at < len(history.intervals) else None


def _finer_words(history: History) -> str:
    finer = _finer_interval(history)
    if finer is None:
        return ""
    first, last = history.time_range(finer)
    return (
        f"{finer.value} bars of {len(history.symbols(finer))} contracts, "
        f"{_day(first)[:10]} to {_day(last)[:10]}"
    )
