"""What a period is too short to answer. Pure."""

from datetime import UTC, datetime

import numpy as np

from grid_screening.block_bootstrap import LEAST_BLOCKS
from grid_screening.calendar_weeks import week_blocks, weeks_spanned
from grid_screening.validation.mean_estimates import LEAST_WINDOWS
from grid_screening.validation.study_settings import StudySettings
from monitor.domain.market import DAY_MS
from monitor.domain.typing import IntArray


def period_advice(study: StudySettings) -> tuple[str, ...]:
    """Return which answers need a longer period, and how long; empty when none does.

    Parameters
    ----------
    study : StudySettings
        Its origins and what the statistics regard: intervals are drawn from blocks of
        calendar weeks as long as the outcome, errors of means need `LEAST_WINDOWS`
        times the neighbours regarded, stop-outs are predicted from the first month on.

    Returns
    -------
    tuple of str
        One line each. What a longer period answers depends on the scans that have
        grids, too: this is the least.
    """
    origins = np.array(study.origins, dtype=np.int64)
    found = []
    needed = LEAST_WINDOWS * (study.lag + 1)
    if origins.size < needed:
        found.append(
            f"what a score earns (t) needs {needed} scans, the period has "
            f"{origins.size}"
        )
    spans = {study.horizon_ms, *(days * DAY_MS for days in study.horizons_days)}
    lacking = [span for span in sorted(spans) if _blocks(origins, span) < LEAST_BLOCKS]
    if lacking:
        needs = ", ".join(
            f"{LEAST_BLOCKS * weeks_spanned(span)} of {span / DAY_MS:g} d"
            for span in lacking
        )
        found.append(
            f"intervals need more weeks of scans, by the life of a grid: {needs}; the "
            f"period has {_blocks(origins, 0)}"
        )
    begin = datetime.strptime(study.first_month, "%Y-%m").replace(tzinfo=UTC)
    predicted = origins[origins >= int(begin.timestamp() * 1000)]
    lacking = [
        span
        for span in sorted(days * DAY_MS for days in study.horizons_days)
        if _blocks(predicted, span) < LEAST_BLOCKS
    ]
    if lacking:
        needs = ", ".join(
            f"{LEAST_BLOCKS * weeks_spanned(span)} for {span / DAY_MS:g} d"
            for span in lacking
        )
        found.append(
            "whether a stop-out can be told needs weeks of scans from "
            f"{study.first_month} on, when the first model is fitted: {needs}; the "
            f"period has {_blocks(predicted, 0)}"
        )
    return tuple(found)


def _blocks(origins: IntArray, span_ms: int) -> int:
    return int(np.unique(week_blocks(origins, span_ms)).size)
