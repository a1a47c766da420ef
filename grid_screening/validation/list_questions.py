"""Questions 2 and 3, and what other assumptions would have changed."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from grid_screening.validation.estimates import Estimator
from grid_screening.validation.origin_choice import CLASSIC, GUARDED, GUARDED_LIST
from grid_screening.validation.rank_statistics import (
    rank_ic,
    top_minus_universe,
    top_weights,
)
from grid_screening.validation.results import (
    GateResult,
    SensitivityRow,
    WideningRow,
)
from grid_screening.validation.study_settings import (
    MAIN,
    NARROW,
    StudySettings,
    Variant,
    width_name,
)
from grid_screening.validation.study_table import StudyTable, by_origin
from monitor.domain.typing import FloatArray


def gate_result(table: StudyTable, estimate: Estimator, top: int) -> GateResult:
    """Compare the list that a scan makes with `guarded` with the best ``top`` of all.

    The gate looks at the candidates that a scan plans, no others.
    """
    classic, guarded = table.score(CLASSIC), table.score(GUARDED_LIST)
    pnl, stopped = table.outcome(MAIN, "pnl"), table.outcome(MAIN, "stopped")
    difference = estimate(
        top_minus_universe(guarded, stopped, top)
        - top_minus_universe(classic, stopped, top)
    )
    return GateResult(
        top=top,
        classic_stopped=estimate(top_mean(classic, stopped, top)),
        guarded_stopped=estimate(top_mean(guarded, stopped, top)),
        difference=difference,
        pnl_difference=estimate(
            top_minus_universe(guarded, pnl, top)
            - top_minus_universe(classic, pnl, top)
        ),
        admitted=_admitted(classic, table.score(GUARDED)),
        fewer_stop_outs=difference.high < 0,
        short_lists=_short_lists(guarded, top),
    )


def top_mean(score: FloatArray, outcome: FloatArray, top: int) -> FloatArray:
    """Return the mean outcome of the best ``top`` at each origin, NaN without any."""
    weights = top_weights(score, outcome, top)
    size = weights.sum(axis=-1)
    total = (weights * np.where(np.isnan(outcome), 0.0, outcome)).sum(axis=-1)
    out = np.full(size.shape, np.nan)
    np.divide(total, size, out=out, where=size > 0)
    return out


def widening_rows(
    table: StudyTable, estimate: Estimator, study: StudySettings
) -> tuple[WideningRow, ...]:
    """Compare each moved bound with the plan's own, contract by contract."""
    own = {c: table.outcome(MAIN, c) for c in ("stopped", "pnl_margin", "quantity")}
    rows = []
    for x in study.widths:
        moved = {column: table.outcome(width_name(x), column) for column in own}
        both = ~np.isnan(moved["stopped"] + own["stopped"])
        ratio = moved["quantity"][both] / own["quantity"][both]

        def paired(values: FloatArray, both: FloatArray = both) -> FloatArray:
            return by_origin(np.where(both, values, np.nan))

        rows.append(
            WideningRow(
                x=x,
                grid_count=int(both.sum()),
                stopped=estimate(paired(moved["stopped"])),
                stopped_difference=estimate(paired(moved["stopped"] - own["stopped"])),
                pnl=estimate(paired(moved["pnl_margin"])),
                pnl_difference=estimate(
                    paired(moved["pnl_margin"] - own["pnl_margin"])
                ),
                quantity_ratio=float(ratio.mean()) if ratio.size else np.nan,
            )
        )
    return tuple(rows)


def sensitivity_rows(
    table: StudyTable,
    estimate: Estimator,
    variants: Sequence[Variant],
    study: StudySettings,
) -> tuple[SensitivityRow, ...]:
    """Return the main figures of each variant, then of the narrow universe."""
    scores = table.score(CLASSIC), table.score(GUARDED_LIST)
    rows = [_row(table, estimate, each, scores, study.top) for each in variants]
    if not study.sensitivity:
        return tuple(rows)
    main = next(variant for variant in variants if variant.name == MAIN)
    narrow = table.narrow_score(CLASSIC), table.narrow_score(GUARDED_LIST)
    row = _row(table, estimate, main, narrow, study.top)
    return (*rows, replace(row, name=NARROW))


def _row(
    table: StudyTable,
    estimate: Estimator,
    variant: Variant,
    scores: tuple[FloatArray, FloatArray],
    top: int,
) -> SensitivityRow:
    classic, guarded = scores
    horizon, outside = variant.horizon_ms, np.isnan(classic)

    def outcome(column: str) -> FloatArray:
        return np.where(outside, np.nan, table.outcome(variant.name, column))

    pnl, stopped = outcome("pnl"), outcome("stopped")
    return SensitivityRow(
        name=variant.name,
        grid_count=int((~np.isnan(pnl)).sum()),
        pnl=estimate(by_origin(pnl), horizon),
        won=estimate(by_origin(outcome("won")), horizon),
        stopped=estimate(by_origin(stopped), horizon),
        liquidated=estimate(by_origin(outcome("liquidated")), horizon),
        grid_less_static=estimate(by_origin(pnl - outcome("static_short")), horizon),
        classic_excess=estimate(top_minus_universe(classic, pnl, top), horizon),
        guarded_stopped=estimate(
            top_minus_universe(guarded, stopped, top)
            - top_minus_universe(classic, stopped, top),
            horizon,
        ),
        ranking_x=estimate(rank_ic(table.width(), 1 - stopped), horizon),
    )


def _admitted(classic: FloatArray, guarded: FloatArray) -> float:
    scored = ~np.isnan(classic)
    passed = np.where(scored, ~np.isnan(guarded), np.nan).astype(np.float64)
    shares = by_origin(passed)
    return float(np.nanmean(shares)) if np.isfinite(shares).any() else float("nan")


def _short_lists(guarded: FloatArray, top: int) -> float:
    passed = (~np.isnan(guarded)).sum(axis=-1)
    return float((passed < top).mean()) if passed.size else float("nan")
