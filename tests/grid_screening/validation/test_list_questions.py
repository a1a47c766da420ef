"""Gate, widening and sensitivity: equal to loops over origins and contracts."""

from collections.abc import Callable
from statistics import fmean

import numpy as np
import pytest

from grid_screening.block_bootstrap import block_bootstrap_interval
from grid_screening.calendar_weeks import calendar_weeks
from grid_screening.validation.estimates import Estimator, overlap_lag
from grid_screening.validation.list_questions import (
    gate_result,
    sensitivity_rows,
    widening_rows,
)
from grid_screening.validation.origin_choice import CLASSIC, GUARDED, GUARDED_LIST
from grid_screening.validation.outcomes import COLUMNS, OriginOutcomes
from grid_screening.validation.study_settings import (
    MAIN,
    NARROW,
    Variant,
    width_name,
)
from grid_screening.validation.study_table import StudyTable, by_origin, study_table
from monitor.domain.market import DAY_MS
from tests.grid_screening.validation import markets
from tests.histories import day_ms

TOP, ORIGINS = 8, 12
SETTINGS = markets.small_settings(top=TOP)


def origin(number: int) -> OriginOutcomes:
    """Return an origin with 30 contracts, a tenth without a plan."""
    rng = np.random.default_rng(number)
    size = 30 - number % 3
    gone = rng.random(size) < 0.1

    def grids() -> np.ndarray:
        values = rng.normal(size=(len(COLUMNS), size))
        for name in ("stopped", "won"):
            values[COLUMNS.index(name)] = rng.random(size) < 0.4
        values[COLUMNS.index("quantity")] = 1 + rng.random(size)
        values[:, gone] = np.nan
        return values

    gss, width = rng.random(size), 1 + 2 * rng.random(size)
    narrow = np.where(rng.random(size) < 0.6, rng.random(size), np.nan)

    def listed(scores: np.ndarray) -> np.ndarray:
        first = np.argsort(-np.nan_to_num(scores, nan=-1))[: 2 * TOP]
        kept = [row for row in first if width[row] >= 2 and scores[row] >= 0][:TOP]
        out = np.full(size, np.nan)
        out[kept] = scores[kept]
        return out

    return OriginOutcomes(
        as_of_ms=day_ms(60 + number),
        excluded={},
        contracts=np.arange(size, dtype=np.int64),
        factors={},
        scores={
            CLASSIC: gss,
            GUARDED: np.where(width >= 2, gss, np.nan),
            GUARDED_LIST: listed(gss),
        },
        narrow_scores={
            CLASSIC: narrow,
            GUARDED: np.where(width >= 2, narrow, np.nan),
            GUARDED_LIST: listed(narrow),
        },
        width=width,
        turnover=rng.random(size),
        outcomes={name: grids() for name in (MAIN, *map(width_name, SETTINGS.widths))},
    )


@pytest.fixture(scope="module")
def table() -> StudyTable:
    return study_table([origin(number) for number in reversed(range(ORIGINS))])


@pytest.fixture(scope="module")
def estimate(table: StudyTable) -> Estimator:
    return Estimator(origin_ms=table.origin_ms, study=SETTINGS)


def value(of: OriginOutcomes, variant: str, name: str, row: int) -> float:
    return float(of.outcomes[variant][COLUMNS.index(name)][row])


def best(of: OriginOutcomes, scores: np.ndarray) -> list[int]:
    """Return the first TOP rows with a score and a plan, best first."""
    offered = [
        row
        for row in range(scores.size)
        if not np.isnan(scores[row]) and not np.isnan(value(of, MAIN, "pnl", row))
    ]
    return sorted(offered, key=lambda row: -scores[row])[:TOP]


def mean_over(table: StudyTable, each: Callable[[OriginOutcomes], float]) -> float:
    return fmean(each(of) for of in table.origins)


def test_the_table_is_in_order_of_time(table: StudyTable) -> None:
    assert (np.diff(table.origin_ms) == DAY_MS).all()
    assert table.shape == (ORIGINS, 30)
    assert (table.contracts < 0).sum() == np.isnan(table.width()).sum()


def test_gate(table: StudyTable, estimate: Estimator) -> None:
    comp = gate_result(table, estimate, TOP)

    def stopped(of: OriginOutcomes, name: str) -> float:
        rows = best(of, of.scores[name])
        return fmean(value(of, MAIN, "stopped", row) for row in rows)

    for name, found in (
        (CLASSIC, comp.classic_stopped),
        (GUARDED_LIST, comp.guarded_stopped),
    ):
        ref = mean_over(table, lambda of, name=name: stopped(of, name))  # type: ignore[misc]
        assert found.mean == pytest.approx(ref)
    difference = comp.guarded_stopped.mean - comp.classic_stopped.mean
    assert comp.difference.mean == pytest.approx(difference)
    admitted = mean_over(table, lambda of: float((of.width >= 2).mean()))
    assert comp.admitted == pytest.approx(admitted)


def test_short_lists(table: StudyTable, estimate: Estimator) -> None:
    def is_short(of: OriginOutcomes) -> float:
        first = np.argsort(-of.scores[CLASSIC])[: 2 * TOP]
        return float((of.width[first] >= 2).sum() < TOP)

    comp = gate_result(table, estimate, TOP).short_lists
    assert comp == pytest.approx(mean_over(table, is_short))
    assert 0 < comp < 1


def test_widening(table: StudyTable, estimate: Estimator) -> None:
    for row in widening_rows(table, estimate, SETTINGS):
        name = width_name(row.x)

        def difference(of: OriginOutcomes, column: str, name: str = name) -> float:
            pairs = [
                value(of, name, column, k) - value(of, MAIN, column, k)
                for k in range(of.contracts.size)
            ]
            return fmean(pair for pair in pairs if not np.isnan(pair))

        ref = mean_over(table, lambda of: difference(of, "stopped"))
        assert row.stopped_difference.mean == pytest.approx(ref)
        ref = mean_over(table, lambda of: difference(of, "pnl_margin"))
        assert row.pnl_difference.mean == pytest.approx(ref)
        assert row.grid_count == int((~np.isnan(table.outcome(MAIN, "pnl"))).sum())


def known_mean(of: OriginOutcomes, name: str) -> float:
    return float(np.nanmean(of.outcomes[MAIN][COLUMNS.index(name)]))


def test_the_narrow_universe_is_compared_with_itself(
    table: StudyTable, estimate: Estimator
) -> None:
    main = Variant(name=MAIN, horizon_ms=SETTINGS.horizon_ms)
    settings = markets.small_settings(top=TOP, sensitivity=True)
    plain, narrow = sensitivity_rows(table, estimate, [main], settings)
    assert (plain.name, narrow.name) == (MAIN, NARROW)

    def excess(of: OriginOutcomes) -> float:
        scores = of.narrow_scores[CLASSIC]
        known = [
            value(of, MAIN, "pnl", row)
            for row in range(scores.size)
            if not np.isnan(scores[row])
        ]
        listed = [value(of, MAIN, "pnl", row) for row in best(of, scores)]
        return fmean(listed) - fmean(v for v in known if not np.isnan(v))

    for name, found in (
        ("liquidated", plain.liquidated),
        ("pnl", plain.pnl),
    ):
        ref = mean_over(table, lambda of, name=name: known_mean(of, name))  # type: ignore[misc]
        assert found.mean == pytest.approx(ref)
    ref = mean_over(
        table, lambda of: known_mean(of, "pnl") - known_mean(of, "static_short")
    )
    assert plain.grid_less_static.mean == pytest.approx(ref)
    assert narrow.classic_excess.mean == pytest.approx(mean_over(table, excess))
    assert narrow.grid_count < plain.grid_count


@pytest.mark.parametrize(
    ("horizon_days", "every_days", "lag"),
    [(7, 1, 10), (14, 1, 20), (3, 1, 5), (7, 7, 2), (7, 0.25, 40)],
)
def test_the_lag_grows_with_the_overlap(
    horizon_days: float, every_days: float, lag: int
) -> None:
    settings = markets.small_settings(every_ms=round(every_days * DAY_MS))
    assert overlap_lag(settings, round(horizon_days * DAY_MS)) == lag


def test_intervals_draw_blocks_as_long_as_the_outcomes() -> None:
    origins = day_ms(60) + DAY_MS * np.arange(160)
    estimate = Estimator(origin_ms=origins, study=SETTINGS)
    # one value per week: blocks of two weeks have half as many draws to differ by
    weekly = np.random.default_rng(2).normal(size=25)
    series = weekly[np.arange(160) // 7]
    for days, span in ((3, 1), (7, 1), (14, 2), (15, 3)):
        found = estimate(series, days * DAY_MS)
        keys = calendar_weeks(origins)
        ref = block_bootstrap_interval(
            series, (keys - keys[0]) // span, SETTINGS.bootstrap_draws, SETTINGS.seed
        )
        assert (found.low, found.high) == ref


def test_the_mean_of_a_row_leaves_the_unknown_out() -> None:
    values = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]])
    np.testing.assert_array_equal(by_origin(values), [2.0, np.nan])
