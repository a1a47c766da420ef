"""Question 1: whether it can be told which grids are stopped out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from grid_screening.calendar_weeks import week_blocks
from grid_screening.stop_out import FEATURES, StopOutModel, stop_out_features
from grid_screening.stop_out_fit import fitted_model, walk_forward
from grid_screening.validation.calibration import (
    auc,
    brier_difference,
    brier_score,
    reliability_bins,
)
from grid_screening.validation.estimates import Estimator
from grid_screening.validation.results import (
    CoefficientRow,
    Estimate,
    MonthRow,
    StopOutRow,
)
from grid_screening.validation.study_settings import (
    MAIN,
    StudySettings,
    horizon_name,
)
from grid_screening.validation.study_table import StudyTable, by_origin
from monitor.domain.market import DAY_MS
from monitor.domain.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StopOutAnswer:
    """What one horizon's predictions were worth, and the model that ships."""

    row: StopOutRow
    probability: FloatArray
    """Walk-forward, shape ``(n_origins, n)``; NaN: not predicted."""
    model: StopOutModel


def stop_out_answer(
    table: StudyTable,
    estimate: Estimator,
    horizon_days: int,
    study: StudySettings,
    fingerprint: str,
) -> StopOutAnswer | str:
    """Return the answer for one horizon, or why nothing can be fitted.

    A small history has fewer complete grids than `fitted_model` needs, outcomes of one
    kind only, or too few weeks; its study goes on without the answer.
    """
    variant = MAIN
    if horizon_days * DAY_MS != study.horizon_ms:
        variant = horizon_name(horizon_days)
    cases = _cases(table, variant)
    try:
        model = fitted_model(
            cases.features,
            cases.stopped,
            horizon_days=horizon_days,
            clusters=week_blocks(cases.origin_ms, horizon_days * DAY_MS),
            period=origin_period(table),
            data_hash=fingerprint,
        )
    except ValueError as error:
        return f"stop-out within {horizon_days} days not fitted: {error}"
    predicted = walk_forward(
        cases.features,
        cases.stopped,
        cases.origin_ms,
        horizon_days=horizon_days,
        first_month=study.first_month,
    )
    probability = np.full(table.shape, np.nan)
    probability[cases.there] = predicted.probability
    base = np.full(table.shape, np.nan)
    base[cases.there] = predicted.base_rate
    row = _row(table, estimate, variant, (probability, base), model)
    return StopOutAnswer(row=row, probability=probability, model=model)


def grid_features(table: StudyTable, width: FloatArray) -> FloatArray:
    """Return `stop_out_features` of every place, for grids of these widths.

    Parameters
    ----------
    table : StudyTable
    width : ndarray of shape (n_origins, n)
        x of the upper bounds.

    Returns
    -------
    ndarray of shape (n_origins, n, 5)
        NaN where an input is missing.
    """
    return stop_out_features(
        width=width,
        return_7d=table.factor("return_7d"),
        volume_surge=table.factor("volume_surge"),
        distance_to_30d_high=table.factor("distance_to_30d_high"),
        natr=table.factor("natr"),
    )


def origin_period(table: StudyTable) -> tuple[str, str]:
    """Return the days of the first and the last origin, ISO."""
    first, last = (
        datetime.fromtimestamp(int(ms) / 1000, UTC).date().isoformat()
        for ms in (table.origin_ms[0], table.origin_ms[-1])
    )
    return first, last


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cases:
    there: BoolArray
    features: FloatArray
    stopped: FloatArray
    origin_ms: IntArray


def _cases(table: StudyTable, variant: str) -> _Cases:
    there = table.contracts >= 0
    origin_ms = np.broadcast_to(table.origin_ms[:, None], table.shape)
    return _Cases(
        there=there,
        features=grid_features(table, table.width())[there],
        stopped=table.outcome(variant, "stopped")[there],
        origin_ms=origin_ms[there],
    )


def _row(
    table: StudyTable,
    estimate: Estimator,
    variant: str,
    predicted: tuple[FloatArray, FloatArray],
    model: StopOutModel,
) -> StopOutRow:
    (probability, base), horizon_days = predicted, model.horizon_days
    came = table.outcome(variant, "stopped")
    known = ~(np.isnan(probability) | np.isnan(came))
    told, real, plain = probability[known], came[known], base[known]
    blocks = table.blocks(horizon_days * DAY_MS)
    blocks = np.broadcast_to(blocks[:, None], table.shape)[known]
    gained = brier_difference(told, plain, real, blocks)
    gain = np.full(table.shape, np.nan)
    gain[known] = (told - real) ** 2 - (plain - real) ** 2
    series = estimate(by_origin(gain), horizon_days * DAY_MS)
    difference = Estimate(
        mean=gained.difference,
        standard_error=series.standard_error,
        t=series.t,
        low=gained.low,
        high=gained.high,
        count=series.count,
    )
    months = np.broadcast_to(_months(table.origin_ms)[:, None], table.shape)[known]
    return StopOutRow(
        horizon_days=horizon_days,
        count=real.size,
        base_rate=float(real.mean()) if real.size else np.nan,
        brier=brier_score(told, real),
        base_brier=brier_score(plain, real),
        difference=difference,
        auc=auc(told, real),
        told=gained.high < 0,
        reliability=reliability_bins(told, real, blocks),
        months=_month_rows(months, told, plain, real),
        coefficients=_coefficients(model),
    )


def _month_rows(
    months: Sequence[str] | np.ndarray,
    told: FloatArray,
    plain: FloatArray,
    real: FloatArray,
) -> tuple[MonthRow, ...]:
    rows = []
    for month in np.unique(months):
        inside = np.asarray(months) == month
        rows.append(
            MonthRow(
                month=str(month),
                count=int(inside.sum()),
                predicted=float(told[inside].mean()),
                stopped=float(real[inside].mean()),
                brier=brier_score(told[inside], real[inside]),
                base_brier=brier_score(plain[inside], real[inside]),
            )
        )
    return tuple(rows)


def _coefficients(model: StopOutModel) -> tuple[CoefficientRow, ...]:
    errors = np.sqrt(np.diag(model.covariance))
    values = (model.intercept, *model.coefficients.tolist())
    return tuple(
        CoefficientRow(feature=feature, value=float(value), standard_error=float(error))
        for feature, value, error in zip(
            ("intercept", *FEATURES), values, errors, strict=True
        )
    )


def _months(times_ms: IntArray) -> np.ndarray:
    return np.datetime_as_string(times_ms.astype("datetime64[ms]"), unit="M")
