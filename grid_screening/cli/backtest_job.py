"""One run of ``backtest_short_grid``: plan, simulate, sum up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grid_screening.backtest.backtest import Backtest, NotRun, RunPicture
from grid_screening.backtest.backtest_run import (
    PlannedRun,
    batch_of,
    grid_runs,
)
from grid_screening.backtest.grids import Costs, FillOrder, GridBatch, Start
from grid_screening.backtest.partitions import HistoryPaths, LoadedPaths, PathSource
from grid_screening.backtest.paths import PricePaths
from grid_screening.backtest.plan_file import ReportPlans
from grid_screening.backtest.run_summary import run_summary
from grid_screening.backtest.sweep import LOCAL
from grid_screening.cli.backtest_history import (
    OpenHistory,
    asked_history,
)
from grid_screening.cli.backtest_plans import (
    beginning_with_bars,
    begins_of,
    begun_at_the_market,
    designs_in_file,
    designs_in_time,
    read_plans,
)
from grid_screening.conf import ScreenerSettings
from grid_screening.reports.backtest.words import market_price, plain
from grid_screening.reports.wording import SIMULATED_SOURCES, utc
from monitor.cli.exit_codes import UsageError
from monitor.domain.history import FundingBySymbol
from monitor.domain.typing import Symbol

if TYPE_CHECKING:
    from grid_screening.backtest.maintenance import Maintenance


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestJob:
    """What one run does; times in ms UTC."""

    folder: str
    symbols: tuple[Symbol, ...]
    begin_ms: int
    end_ms: int | None
    interval: Any
    """KlineInterval, or None for the finest."""
    every_ms: int | None
    horizon_ms: int | None
    plans: ReportPlans | None
    settings: ScreenerSettings
    slippage: float
    engine: str

    @property
    def costs(self) -> Costs:
        """What trading costs."""
        return Costs(
            maker_fee=self.settings.maker_fee,
            taker_fee=self.settings.taker_fee,
            stop_slippage=self.slippage,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FinishedBacktest:
    """A backtest and what its pictures are drawn from."""

    backtest: Backtest
    paths: PricePaths
    grids: GridBatch
    costs: Costs
    maintenance: "Maintenance | None"

    def pictures(self, most: int) -> list[RunPicture]:
        """Return what is drawn of the first ``most`` runs."""
        return [self._picture(n) for n in range(min(most, len(self.backtest.runs)))]

    def _picture(self, number: int) -> RunPicture:
        from grid_screening.backtest.trace import traced_grid

        run, paths = self.backtest.runs[number], self.paths
        trace = traced_grid(
            paths,
            self.grids,
            number,
            self.costs,
            order=FillOrder.CANDLE,
            maintenance=self.maintenance,
        )
        row = paths.symbols.index(run.symbol)
        begin = int(self.grids.begin[number])
        bars = slice(begin, begin + max(run.bars_run, 1))
        design, close = run.design, paths.close[row, bars]
        is_loaded = int(self.grids.start[number]) == Start.LOADED
        below = int((design.levels < design.price).sum()) if is_loaded else 0
        return RunPicture(
            run=run,
            open_time=paths.open_time[bars],
            high=paths.high[row, bars],
            low=paths.low[row, bars],
            close=close,
            equity=trace.equity,
            static_equity=below * design.quantity * (design.price - close),
            fill_time=paths.open_time[trace.fill_bar],
            fill_price=trace.fill_price,
            fill_side=trace.fill_side,
        )


def backtest_job(
    options: Mapping[str, Any], settings: ScreenerSettings
) -> BacktestJob:  # fmt: skip
    """Return what the flags ask for.

    Raises
    ------
    UsageError, UnreadableReport
        Flags that contradict each other, or a plan's file that cannot be used.
    """
    plans = None if options["plan"] is None else read_plans(options["plan"])
    begin = options["begin_ms"]
    if begin is None:
        if plans is None:
            raise UsageError("--start is needed (only --plan has a time of its own)")
        begin = plans.as_of_ms
    if plans is not None:
        _check_plan_only(options)
        settings = settings.merged({"start": plans.start})
    return BacktestJob(
        folder=options["history"],
        symbols=tuple(dict.fromkeys(s for some in options["contracts"] for s in some)),
        begin_ms=begin,
        end_ms=options["end_ms"],
        interval=options["bar"],
        every_ms=options["every"],
        horizon_ms=options["horizon"],
        plans=plans,
        settings=settings,
        slippage=options["slippage"],
        engine=options["engine"],
    )


def _check_plan_only(options: Mapping[str, Any]) -> None:
    if options["every"] is not None:
        raise UsageError("--plan and --every exclude each other: a plan ages")
    for setting, (flag, why) in _SAID_BY_THE_PLAN.items():
        if setting in options:
            raise UsageError(f"--plan and {flag} exclude each other: the plan {why}")


_SAID_BY_THE_PLAN = {
    "bounds": ("--bounds", "has bounds"),
    "spacing": ("--spacing", "has levels"),
    "grid_margin_usdt": ("--margin", "has a margin"),
    "max_leverage": ("--max-leverage", "has a leverage"),
    "start": ("--start-variant", "says what it begins with"),
}


def finished_backtest(
    job: BacktestJob, on_progress: Callable[[str, int, int], object]
) -> FinishedBacktest:
    """Plan, simulate and sum up.

    Parameters
    ----------
    job : BacktestJob
    on_progress : callable
        Called with (stage, done, total); whatever it raises ends the work.

    Raises
    ------
    UsageError, HistoryUnreadable, EngineUnavailable
        As the parts of it.
    """
    opened = asked_history(
        job.folder,
        job.symbols,
        interval=job.interval,
        start_ms=job.begin_ms,
        end_ms=job.end_ms,
    )
    begins, horizon = begins_of(
        opened, every_ms=job.every_ms, horizon_ms=job.horizon_ms
    )
    planned, missing = _planned(job, opened, begins, horizon, on_progress)
    on_progress("bars", 0, 1)
    paths, funding = _paths(opened)
    drawn, gone = beginning_with_bars(planned, paths)
    planned = drawn if job.plans is None else begun_at_the_market(drawn, paths)
    grids = batch_of(planned, paths, start=Start[job.settings.start.upper()])
    maintenance = _maintenance(job)
    runs = grid_runs(
        planned,
        grids,
        _source(job, opened, paths),
        open_time=paths.open_time,
        interval_ms=paths.interval_ms,
        funding=funding,
        costs=job.costs,
        maintenance=maintenance,
        engine=job.engine,
        on_done=lambda done, total: on_progress("simulation", done, total),
    )
    backtest = Backtest(
        history=opened.history.label,
        fingerprint=opened.history.fingerprint,
        interval=opened.interval,
        start_ms=opened.start_ms,
        end_ms=opened.end_ms,
        every_ms=job.every_ms,
        horizon_ms=horizon,
        plans_are_given=job.plans is not None,
        plans=_plan_words(job),
        bounds="as planned there" if job.plans else job.settings.bounds,
        start=job.settings.start,
        costs=job.costs,
        maintenance="assumed" if job.settings.brackets is None else "given",
        engine=job.engine,
        runs=runs,
        missing=tuple(sorted((*missing, *gone), key=lambda each: each.begin_ms)),
        summary=run_summary(runs) if len(runs) > 1 else None,
        notes=tuple(_notes(job, drawn, grids, paths)),
    )
    return FinishedBacktest(
        backtest=backtest,
        paths=paths,
        grids=grids,
        costs=job.costs,
        maintenance=maintenance,
    )


def _planned(
    job: BacktestJob,
    opened: OpenHistory,
    begins: Sequence[int],
    horizon: int,
    on_progress: Callable[[str, int, int], object],
) -> tuple[list[PlannedRun], list[NotRun]]:
    planned: list[PlannedRun] = []
    missing: list[NotRun] = []
    if job.plans is not None:
        designs = designs_in_file(job.plans, opened)
    else:
        designs = designs_in_time(opened, job.settings, last_ms=begins[-1])
    for done, begin in enumerate(begins):
        on_progress("plans", done, len(begins))
        for symbol, found in designs(begin).items():
            if isinstance(found, str):
                missing.append(NotRun(symbol=symbol, begin_ms=begin, reason=found))
                continue
            end = begin + horizon
            planned.append(
                PlannedRun(symbol=symbol, begin_ms=begin, end_ms=end, design=found)
            )
    return planned, missing


def _paths(opened: OpenHistory) -> tuple[PricePaths, FundingBySymbol]:
    panel = opened.history.panel(
        opened.interval,
        symbols=opened.symbols,
        start_ms=opened.start_ms,
        end_ms=opened.end_ms,
    )
    funding = opened.history.funding(opened.symbols)
    return PricePaths.of_history(panel, funding), funding


def _source(job: BacktestJob, opened: OpenHistory, paths: PricePaths) -> PathSource:
    if job.engine == LOCAL:
        return LoadedPaths(loaded=paths)
    return HistoryPaths(
        folder=str(Path(opened.folder).expanduser().resolve()),
        interval=opened.interval,
        symbols=opened.symbols,
        start_ms=opened.start_ms,
        end_ms=opened.end_ms,
    )


def _maintenance(job: BacktestJob) -> "Maintenance | None":
    if job.settings.brackets is None:
        return None
    from grid_screening.backtest.maintenance import Maintenance

    return Maintenance.of_brackets(job.symbols, job.settings.brackets)


def _plan_words(job: BacktestJob) -> str:
    if job.plans is None:
        return "drawn at each begin from the bars before it"
    return f"of {job.plans.name}, {utc(job.plans.as_of_ms)}, {job.plans.source}"


def _notes(
    job: BacktestJob,
    drawn: Sequence[PlannedRun],
    grids: GridBatch,
    paths: PricePaths,
) -> list[str]:
    notes = []
    if job.plans is not None and job.plans.source in SIMULATED_SOURCES:
        notes.append("the plans are of a simulated market: nothing of them is real")
    if job.plans is None:
        notes.append(
            "trading rules of past contracts are assumed: tick of five digits, "
            "minimum notional 5"
        )
    for number, run in enumerate(drawn):
        opens = float(paths.open[grids.row[number], grids.begin[number]])
        if abs(opens - run.design.price) > run.design.grid_step:
            where = ", and is entered there" if job.plans is not None else ""
            notes.append(
                f"{run.symbol} was planned at {plain(run.design.price)} but opens at "
                f"{market_price(opens)}, more than a cell away{where}"
            )
    return notes
