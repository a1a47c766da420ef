"""A moved bound is told right where contracts with wide bounds are riskier."""

from typing import Any

import numpy as np
import pytest

from grid_screening.stop_out import StopOutModel, logistic
from grid_screening.stop_out_width import WIDTHS, WidthModel
from grid_screening.validation.estimates import Estimator
from grid_screening.validation.list_questions import widening_rows
from grid_screening.validation.outcomes import COLUMNS, OriginOutcomes
from grid_screening.validation.stop_out_question import stop_out_answer
from grid_screening.validation.study_settings import (
    MAIN,
    StudySettings,
    width_name,
)
from grid_screening.validation.study_table import StudyTable, study_table
from grid_screening.validation.width_question import width_model
from monitor.domain.market import DAY_MS
from monitor.domain.typing import FloatArray
from tests.grid_screening.validation import markets
from tests.histories import day_ms

ORIGINS, CONTRACTS = 70, 120
EFFECT = -2.0
"""Of ln x on the log odds of one contract."""
DANGER = 1.2
"""Of a contract's hidden danger, which also lets its own bounds be wide."""
FINGERPRINT = "0123456789abcdef" * 4
SETTINGS = markets.small_settings(placebo_count=200, bootstrap_draws=50)


def chance(width: FloatArray | float, danger: FloatArray) -> FloatArray:
    return logistic(EFFECT * np.log(width) + DANGER * danger)


def confounded(number: int) -> OriginOutcomes:
    """Contracts as dangerous as their own bounds are wide, but for some noise."""
    rng = np.random.default_rng(number)
    danger = rng.normal(size=CONTRACTS)
    width = np.exp(0.8 + 0.3 * danger + 0.1 * rng.normal(size=CONTRACTS))
    luck = rng.random(CONTRACTS)

    def grids(widths: FloatArray | float) -> FloatArray:
        values = np.ones((len(COLUMNS), CONTRACTS))
        values[COLUMNS.index("stopped")] = luck < chance(widths, danger)
        return values

    factors: dict[str, FloatArray] = {
        "return_7d": 0.1 * rng.normal(size=CONTRACTS),
        "volume_surge": np.exp(rng.normal(size=CONTRACTS)),
        "distance_to_30d_high": -rng.random(CONTRACTS) / 2,
        "natr": np.exp(1 + 0.3 * rng.normal(size=CONTRACTS)),
    }
    return OriginOutcomes(
        as_of_ms=day_ms(60 + number),
        excluded={},
        contracts=np.arange(CONTRACTS, dtype=np.int64),
        factors=factors,
        scores={},
        narrow_scores={},
        width=width,
        turnover=np.ones(CONTRACTS),
        outcomes={MAIN: grids(width)} | {width_name(x): grids(x) for x in WIDTHS},
    )


@pytest.fixture(scope="module")
def table() -> StudyTable:
    return study_table([confounded(number) for number in range(ORIGINS)])


@pytest.fixture(scope="module")
def estimate(table: StudyTable) -> Estimator:
    return Estimator(origin_ms=table.origin_ms, study=SETTINGS)


def asked(
    table: StudyTable, estimate: Estimator, settings: StudySettings = SETTINGS
) -> WidthModel | str:
    rows = widening_rows(table, estimate, SETTINGS)
    return width_model(table, rows, settings, FINGERPRINT)


@pytest.fixture(scope="module")
def moved(table: StudyTable, estimate: Estimator) -> WidthModel:
    found = asked(table, estimate)
    assert isinstance(found, WidthModel)
    return found


def curve(model: StopOutModel) -> FloatArray:
    features = np.tile(model.center, (len(WIDTHS), 1))
    features[:, 0] = np.log(WIDTHS)
    return model.probability(features)


def truth() -> FloatArray:
    """Return the share stopped out when every contract's bound stands at a width."""
    danger = np.random.default_rng(99).normal(size=200_000)
    return np.array([chance(width, danger).mean() for width in WIDTHS])


class TestConfounded:
    def test_a_moved_bound_is_told_by_the_width_model(self, moved: WidthModel) -> None:
        assert curve(moved.model) == pytest.approx(truth(), abs=0.03)
        assert moved.study_shares == pytest.approx(truth(), abs=0.02)

    def test_the_interval_holds_the_truth(self, moved: WidthModel) -> None:
        features = np.tile(moved.model.center, (len(WIDTHS), 1))
        features[:, 0] = np.log(WIDTHS)
        low, high = moved.model.interval(features, level=0.999)
        # the logit is not quite linear in ln x once danger is averaged out
        assert (low - 0.01 < truth()).all()
        assert (truth() < high + 0.01).all()

    def test_comparing_contracts_tells_another_slope(
        self, table: StudyTable, estimate: Estimator
    ) -> None:
        answer = stop_out_answer(table, estimate, 7, SETTINGS, FINGERPRINT)
        assert not isinstance(answer, str)
        compared = curve(answer.model)
        # wide bounds even look dangerous
        assert compared[-1] > compared[0]
        assert abs(compared - truth()).max() > 0.2

    def test_the_slope_is_what_moving_does_on_average(self, moved: WidthModel) -> None:
        slope = float(moved.model.coefficients[0] / moved.model.scale[0])
        logits = np.log(truth() / (1 - truth()))
        assert slope == pytest.approx(np.polyfit(np.log(WIDTHS), logits, 1)[0], rel=0.1)

    def test_every_contract_stands_once_per_width(self, moved: WidthModel) -> None:
        model = moved.model
        assert model.sample_count == len(WIDTHS) * ORIGINS * CONTRACTS
        assert model.center[0] == pytest.approx(np.log(WIDTHS).mean())
        assert (model.horizon_days, model.cluster_count) == (7, 11)
        assert model.base_rate == pytest.approx(np.mean(moved.study_shares))
        assert model.data_hash == FINGERPRINT


class TestSample:
    def test_a_grid_unknown_at_one_width_is_left_out_at_all(
        self, estimate: Estimator
    ) -> None:
        origins = [confounded(number) for number in range(ORIGINS)]
        for origin in origins:
            origin.outcomes[width_name(WIDTHS[-1])][:, :20] = np.nan
        found = asked(study_table(origins), estimate)
        assert isinstance(found, WidthModel)
        kept = ORIGINS * (CONTRACTS - 20)
        assert found.model.sample_count == len(WIDTHS) * kept

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"horizon_ms": 2 * DAY_MS}, "the grids lived 2 days, not 7"),
            ({"widths": (1.0, 4.0)}, f"the widths were (1.0, 4.0), not {WIDTHS}"),
        ],
    )
    def test_another_study_has_none_and_says_why(
        self,
        table: StudyTable,
        estimate: Estimator,
        changes: dict[str, Any],
        reason: str,
    ) -> None:
        settings = markets.small_settings(**changes)
        found = asked(table, estimate, settings)
        assert found == f"stop-out by width not fitted: {reason}"

    def test_too_few_weeks_have_none(self) -> None:
        few = study_table([confounded(number) for number in range(3)])
        found = width_model(few, (), SETTINGS, FINGERPRINT)
        assert found == (
            "stop-out by width not fitted: cluster_count must be at least 4, was 1"
        )
