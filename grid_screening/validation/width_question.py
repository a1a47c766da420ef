"""Question 3 as a model: the stop-out probability with the upper bound moved."""

from collections.abc import Sequence

import numpy as np

from grid_screening.calendar_weeks import week_blocks
from grid_screening.screening_report import SHOWN_DAYS
from grid_screening.stop_out_fit import fitted_model
from grid_screening.stop_out_width import WIDTHS, WidthModel
from grid_screening.validation.results import WideningRow
from grid_screening.validation.stop_out_question import grid_features, origin_period
from grid_screening.validation.study_settings import StudySettings, width_name
from grid_screening.validation.study_table import StudyTable
from monitor.domain.market import DAY_MS


def width_model(
    table: StudyTable,
    widening: Sequence[WideningRow],
    study: StudySettings,
    fingerprint: str,
) -> WidthModel | str:
    """Return the model fitted on all moved bounds, or why nothing can be fitted.

    Parameters
    ----------
    table : StudyTable
    widening : sequence of WideningRow
        What moving the bound did, one row per width.
    study : StudySettings
    fingerprint : str
        Of the history.

    Notes
    -----
    A contract and origin enters once per width, and only where its outcome is known
    at every width: the width is then independent of everything else by design, and
    its slope is what moving the bound did, whatever else tells contracts with wide
    bounds from others. Repeated contracts stay inside their cluster of weeks.
    """
    what = "stop-out by width not fitted"
    if study.widths != WIDTHS:
        return f"{what}: the widths were {study.widths}, not {WIDTHS}"
    if study.horizon_ms != SHOWN_DAYS * DAY_MS:
        days = study.horizon_ms / DAY_MS
        return f"{what}: the grids lived {days:g} days, not {SHOWN_DAYS}"
    stopped = np.stack([table.outcome(width_name(x), "stopped") for x in WIDTHS])
    there = np.isfinite(stopped).all(axis=0)
    features = [
        grid_features(table, np.full(table.shape, width))[there] for width in WIDTHS
    ]
    origin_ms = np.broadcast_to(table.origin_ms[:, None], table.shape)[there]
    try:
        return WidthModel(
            model=fitted_model(
                np.concatenate(features),
                stopped[:, there].ravel(),
                horizon_days=SHOWN_DAYS,
                clusters=np.tile(week_blocks(origin_ms, study.horizon_ms), len(WIDTHS)),
                period=origin_period(table),
                data_hash=fingerprint,
            ),
            study_shares=tuple(row.stopped.mean for row in widening),
        )
    except ValueError as error:
        return f"{what}: {error}"
