"""Which grids a backtest runs: planned at each begin, or read from a report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from grid_screening.backtest.backtest import NotRun
from grid_screening.backtest.backtest_run import PlannedRun
from grid_screening.backtest.design import GridDesign
from grid_screening.backtest.paths import PricePaths
from grid_screening.backtest.plan_file import ReportPlans, report_plans
from grid_screening.cli.backtest_history import OpenHistory, planning_interval
from grid_screening.conf import ScreenerSettings
from grid_screening.reports.backtest.words import market_price, plain
from grid_screening.reports.wording import utc
from monitor.cli.exit_codes import UsageError
from monitor.domain.typing import Symbol

MOST_BEGINS = 5_000
"""Begins of one backtest; more is a sweep."""

Designs = Callable[[int], Mapping[Symbol, GridDesign | str]]
"""The grid of each symbol at a time, ms UTC, or why there is none."""


def read_plans(file: str) -> ReportPlans:
    """Return the plans in a file.

    Raises
    ------
    UsageError, UnreadableReport
        It cannot be read, or is no report.
    """
    try:
        content = Path(file).expanduser().read_bytes()
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"--plan must be a readable file, {file}: {reason}") from error
    return report_plans(content, name=file)


def begins_of(
    opened: OpenHistory, *, every_ms: int | None, horizon_ms: int | None
) -> tuple[list[int], int]:
    """Return when grids begin, and how long each may run, ms.

    Only begins whose whole horizon lies before the end; one begin without a horizon
    runs to the end.

    Raises
    ------
    UsageError
        None fits, or there are too many.
    """
    length = opened.end_ms - opened.start_ms
    horizon = horizon_ms or every_ms or length
    if horizon > length:
        raise UsageError(
            f"{'--every' if horizon_ms is None else '--horizon'} must fit between "
            f"--start and --end, {utc(opened.start_ms)} to {utc(opened.end_ms)}"
        )
    if every_ms is None:
        return [opened.start_ms], horizon
    begins = list(range(opened.start_ms, opened.end_ms - horizon + 1, every_ms))
    if len(begins) > MOST_BEGINS:
        raise UsageError(
            f"--every makes {len(begins)} begins, at most {MOST_BEGINS} are legal"
        )
    return begins, horizon


def designs_in_file(plans: ReportPlans, opened: OpenHistory) -> Designs:
    """Return the plans of a report, the same at any time."""
    absent = f"not in {plans.name}"
    fixed = {
        symbol: plans.designs.get(symbol, plans.reasons.get(symbol, absent))
        for symbol in opened.symbols
    }
    return lambda _: fixed


def designs_in_time(
    opened: OpenHistory, settings: ScreenerSettings, *, last_ms: int
) -> Designs:
    """Return plans drawn at any time up to ``last_ms`` from the bars before it.

    Raises
    ------
    UsageError
        The history has no bars to plan with.
    """
    from grid_screening.backtest.past_plans import WARM_UP_MS, past_plans
    from grid_screening.backtest.point_in_time import HistoricalMarket
    from grid_screening.grid_plan import ShortGridPlan

    panel = opened.history.panel(
        planning_interval(opened),
        symbols=opened.symbols,
        start_ms=opened.start_ms - WARM_UP_MS,
        end_ms=last_ms,
    )
    market = HistoricalMarket(panel, opened.history.funding(opened.symbols))

    def designs(at_ms: int) -> Mapping[Symbol, GridDesign | str]:
        found = past_plans(market, at_ms, opened.symbols, settings)
        return {
            symbol: GridDesign.of_plan(plan)
            if isinstance(plan, ShortGridPlan)
            else plan.reason.text
            for symbol, plan in found.items()
        }

    return designs


def begun_at_the_market(
    planned: Sequence[PlannedRun], paths: PricePaths
) -> list[PlannedRun]:
    """Return the runs with grids entered at the open of their first bar.

    A plan of a report is older than the market it meets: levels, bounds and quantity
    are the plan's, the initial short is what its levels below that open make.

    Parameters
    ----------
    planned : sequence of PlannedRun
        With a bar to begin with.
    paths : PricePaths

    Raises
    ------
    UsageError
        A market opens outside the bounds of its plan.
    """
    begun: list[PlannedRun] = []
    outside: list[str] = []
    for run in planned:
        bar = int(np.searchsorted(paths.open_time, run.begin_ms))
        opens = float(paths.open[paths.symbols.index(run.symbol), bar])
        try:
            begun.append(replace(run, design=run.design.begun_at(opens)))
        except ValueError:
            when, design = int(paths.open_time[bar]), run.design
            outside.append(
                f"{run.symbol} opens at {market_price(opens)} on {utc(when)[:16]} UTC, "
                f"outside the plan's bounds {plain(design.lower_bound)} to "
                f"{plain(design.upper_bound)}"
            )
    if outside:
        more = len(outside) - _MOST_OUTSIDE
        rest = f"; and {more} more" if more > 0 else ""
        raise UsageError(
            f"--plan does not fit the market: {'; '.join(outside[:_MOST_OUTSIDE])}"
            f"{rest}"
        )
    return begun


_MOST_OUTSIDE = 3
# contracts named


def beginning_with_bars(
    planned: list[PlannedRun], paths: PricePaths
) -> tuple[list[PlannedRun], list[NotRun]]:
    """Return the runs that have a bar to begin with, and the others."""
    kept: list[PlannedRun] = []
    gone: list[NotRun] = []
    for run in planned:
        row = paths.symbols.index(run.symbol)
        bar = int(np.searchsorted(paths.open_time, run.begin_ms))
        if bar < paths.open_time.size and np.isfinite(paths.open[row, bar]):
            kept.append(run)
            continue
        why = "no bar when the grid would begin"
        gone.append(NotRun(symbol=run.symbol, begin_ms=run.begin_ms, reason=why))
    return kept, gone
