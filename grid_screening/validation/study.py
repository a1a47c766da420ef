"""The questions of the evidence protocol, in its order, on simulated outcomes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grid_screening.stop_out import StopOutModel
from grid_screening.stop_out_width import WidthModel
from grid_screening.validation.estimates import Estimator
from grid_screening.validation.list_questions import (
    gate_result,
    sensitivity_rows,
    widening_rows,
)
from grid_screening.validation.look_ahead import look_ahead_check
from grid_screening.validation.origin_choice import StudyMarket
from grid_screening.validation.outcome_questions import (
    RankQuestions,
    decile_row,
    outcome_summary,
    top_row,
)
from grid_screening.validation.outcomes import OriginOutcomes
from grid_screening.validation.profit_question import (
    placebo_rows,
    profit_family,
    study_placebo,
    tried_rows,
)
from grid_screening.validation.protocol import protocol_text
from grid_screening.validation.results import (
    OutcomeSummary,
    StudyResult,
    Timing,
    WideningRow,
)
from grid_screening.validation.scores import (
    factor_scores,
    missing_factors,
    ranked_scores,
)
from grid_screening.validation.stop_out_question import (
    StopOutAnswer,
    stop_out_answer,
)
from grid_screening.validation.study_data import DataSummary, UniverseRow
from grid_screening.validation.study_settings import (
    MAIN,
    StudySettings,
    horizon_name,
)
from grid_screening.validation.study_table import StudyTable, study_table
from grid_screening.validation.width_question import width_model
from grid_screening.version import VERSION
from monitor.domain.market import DAY_MS
from monitor.domain.progress import Progress, ProgressHook, ignore_progress
from monitor.domain.typing import FloatArray

LOOK_AHEAD_ORIGINS = 4
"""Origins at which the choice is made again with everything later replaced."""

STEPS = 6
"""Parts that are noted."""

Clock = Callable[[], float]
"""Seconds, from any beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the history comes from."""

    label: str
    fingerprint: str
    problems: tuple[str, ...]
    finer: str
    """Finer bars, in words; empty: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What a study found, and the models it fitted."""

    result: StudyResult
    models: Mapping[int, StopOutModel]
    """By horizon in days; those that could be fitted."""
    width: WidthModel | None
    """None: could not be fitted."""


def study(
    of: StudyMarket,
    outcomes: Sequence[OriginOutcomes],
    source: Source,
    *,
    clock: Clock,
    scan_seconds: float,
    on_progress: ProgressHook = ignore_progress,
) -> Study:
    """Answer the questions.

    Parameters
    ----------
    of : StudyMarket
        The market, for the look-ahead check.
    outcomes : sequence of OriginOutcomes
        `origin_outcomes` of every origin, in any order; at least one.
    source : Source
    clock : callable
        Seconds; for the timing only.
    scan_seconds : float
        What ``outcomes`` took.
    on_progress : callable
        Told each step.

    Returns
    -------
    Study
        With few origins most estimates are NaN and nothing is found.
    """
    watch = _Watch(clock, scan_seconds, on_progress)
    table, settings = study_table(outcomes), of.study
    estimate = Estimator(origin_ms=table.origin_ms, study=settings)
    answers, unfitted = _stop_outs(table, estimate, settings, source)
    watch.note("stop-outs")
    scores = ranked_scores(table, _probability(table, answers, settings), settings)
    questions = RankQuestions(table, estimate, settings)
    tried = (*scores, *factor_scores(table))
    ranks = tuple(questions.row(score) for score in tried)
    watch.note("rank correlation")
    tops = tuple(top_row(table, estimate, score, settings.top) for score in scores)
    deciles = tuple(decile_row(table, score, settings) for score in scores)
    gate = gate_result(table, estimate, settings.top)
    widening = widening_rows(table, estimate, settings)
    moved, lacking = _moved(table, widening, settings, source)
    watch.note("lists")
    placebo = study_placebo(table, settings, len(of.market.symbols))
    watch.note("placebo")
    unmoved = tuple(v for v in of.variants if v.drawing.width is None)
    sensitivity = sensitivity_rows(table, estimate, unmoved, settings)
    watch.note("sensitivity")
    check = look_ahead_check(of, _spaced(table), settings.seed)
    watch.note("look-ahead")
    result = StudyResult(
        version=VERSION,
        data=_data(of, table, source, (*_missing_note(table), *unfitted, *lacking)),
        settings={**of.settings.by_flag(), **settings.to_mapping()},
        protocol=protocol_text(settings, ended_count=of.market.ended_count),
        universe=_universe(table),
        outcome=_outcomes(table, estimate, settings),
        rank=ranks,
        deciles=deciles,
        top=tops,
        stop_out=tuple(answer.row for answer in answers.values()),
        gate=gate,
        widening=widening,
        profit=profit_family(table, scores, tops, placebo, settings),
        placebo=placebo_rows(placebo),
        tried=tried_rows(table, tried, (ranks, tops), placebo, settings),
        sensitivity=sensitivity,
        look_ahead=check,
        timing=watch.timing(sum(origin.contracts.size for origin in outcomes)),
    )
    return Study(
        result=result,
        models={days: answer.model for days, answer in answers.items()},
        width=moved,
    )


class _Watch:
    # seconds of each part, and progress

    def __init__(
        self, clock: Clock, scan_seconds: float, on_progress: ProgressHook
    ) -> None:
        self._clock = clock
        self._last = clock()
        self._seconds = {"scans and grids": scan_seconds}
        self._on_progress = on_progress

    def note(self, part: str) -> None:
        now = self._clock()
        self._seconds[part] = now - self._last
        self._last = now
        self._on_progress(
            Progress(
                stage="statistics",
                done=len(self._seconds) - 1,
                total=STEPS,
                detail=part,
            )
        )

    def timing(self, symbol_scans: int) -> Timing:
        seconds = sum(self._seconds.values())
        return Timing(
            seconds=seconds,
            symbol_scans=symbol_scans,
            seconds_per_symbol_scan=seconds / max(symbol_scans, 1),
            by_part=dict(self._seconds),
        )


def _stop_outs(
    table: StudyTable, estimate: Estimator, settings: StudySettings, source: Source
) -> tuple[dict[int, StopOutAnswer], tuple[str, ...]]:
    answers, unfitted = {}, []
    for days in settings.horizons_days:
        answer = stop_out_answer(table, estimate, days, settings, source.fingerprint)
        if isinstance(answer, str):
            unfitted.append(answer)
        else:
            answers[days] = answer
    return answers, tuple(unfitted)


def _moved(
    table: StudyTable,
    widening: Sequence[WideningRow],
    settings: StudySettings,
    source: Source,
) -> tuple[WidthModel | None, tuple[str, ...]]:
    found = width_model(table, widening, settings, source.fingerprint)
    return (None, (found,)) if isinstance(found, str) else (found, ())


def _probability(
    table: StudyTable, answers: Mapping[int, StopOutAnswer], settings: StudySettings
) -> FloatArray:
    # of the horizon nearest to the study's own
    if not answers:
        return np.full(table.shape, np.nan)
    nearest = min(answers, key=lambda days: abs(days * DAY_MS - settings.horizon_ms))
    return answers[nearest].probability


def _spaced(table: StudyTable) -> tuple[int, ...]:
    # origins over the whole period, each once
    at = np.linspace(0, table.origin_ms.size - 1, LOOK_AHEAD_ORIGINS).round()
    return tuple(int(table.origin_ms[int(i)]) for i in sorted(set(at.tolist())))


def _horizons(settings: StudySettings) -> dict[str, int]:
    return {MAIN: settings.horizon_ms} | {
        horizon_name(days): days * DAY_MS
        for days in settings.horizons_days
        if days * DAY_MS != settings.horizon_ms
    }


def _outcomes(
    table: StudyTable, estimate: Estimator, settings: StudySettings
) -> tuple[OutcomeSummary, ...]:
    return tuple(
        outcome_summary(table, estimate, name, ms)
        for name, ms in _horizons(settings).items()
    )


def _universe(table: StudyTable) -> tuple[UniverseRow, ...]:
    return tuple(
        UniverseRow(
            as_of_ms=origin.as_of_ms,
            excluded=origin.excluded,
            scored=origin.contracts.size,
            planned=int(np.isfinite(origin.width).sum()),
        )
        for origin in table.origins
    )


def _missing_note(table: StudyTable) -> tuple[str, ...]:
    missing = missing_factors(table)
    return (f"factors without their input: {', '.join(missing)}",) if missing else ()


def _data(
    of: StudyMarket, table: StudyTable, source: Source, notes: tuple[str, ...]
) -> DataSummary:
    base = of.market.base
    known = np.isfinite(table.factor("funding_rate"))
    planned = np.isfinite(table.width())
    return DataSummary(
        label=source.label,
        fingerprint=source.fingerprint,
        start_ms=int(base.open_time[0]),
        end_ms=int(base.open_time[-1]) + base.interval.milliseconds - 1,
        interval=base.interval.value,
        contract_count=len(base.symbols),
        ended_count=of.market.ended_count,
        bar_count=int(np.isfinite(base.close).sum()),
        funding_contract_count=np.unique(table.contracts[known]).size,
        funding_share=float((known & planned).sum() / max(planned.sum(), 1)),
        finer=source.finer,
        problems=(*source.problems, *notes),
    )
