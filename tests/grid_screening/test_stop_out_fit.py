"""The fit: twin, known truth, coverage, and nothing of the future."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from grid_screening.calendar_weeks import week_blocks
from grid_screening.stop_out import StopOutModel
from grid_screening.stop_out_fit import fitted_model, walk_forward
from monitor.domain.typing import FloatArray
from tests.naive_stop_out import naive_covariance, naive_fit, naive_standard
from tests.stop_out_samples import (
    CENTER,
    DAY_MS,
    FIRST_MS,
    SLOPES,
    SPREAD,
    Sample,
    sample,
    true_probability,
)


def fit(made: Sample, **changes: Any) -> StopOutModel:
    arguments: dict[str, Any] = {
        "features": made.features,
        "stopped": made.stopped,
        "horizon_days": 7,
        "clusters": made.week,
        "period": ("2024-12-16", "2025-06-23"),
        "data_hash": "0" * 64,
    }
    return fitted_model(**(arguments | changes))


class TestReference:
    @pytest.mark.parametrize("ridge", [0.01, 1.0, 25.0])
    def test_minimum_equals_that_of_a_general_optimiser(self, ridge: float) -> None:
        made = sample(np.random.default_rng(1), weeks=6, per_week=25)
        comp = fit(made, ridge=ridge)
        ref = naive_fit(made.features.tolist(), made.stopped.tolist(), ridge)

        assert_allclose([comp.intercept, *comp.coefficients], ref, atol=2e-5)
        means, deviations = naive_standard(made.features.tolist())
        assert_allclose(comp.center, means, rtol=1e-10)
        assert_allclose(comp.scale, deviations, rtol=1e-10)

    def test_covariance_equals_the_sums_written_out(self) -> None:
        made = sample(np.random.default_rng(2), weeks=5, per_week=20, together=0.4)
        comp = fit(made)
        ref = naive_covariance(
            [comp.intercept, *comp.coefficients],
            made.features.tolist(),
            made.stopped.tolist(),
            made.week.tolist(),
            1.0,
        )

        assert_allclose(comp.covariance, ref, rtol=1e-8, atol=1e-12)

    def test_a_large_sample_tells_the_truth(self) -> None:
        made = sample(np.random.default_rng(3), weeks=100, per_week=1_000)
        comp = fit(made)

        assert_allclose(comp.coefficients / comp.scale, SLOPES, atol=0.12)
        grid = CENTER + SPREAD * np.random.default_rng(4).normal(size=(50, 5))
        assert_allclose(comp.probability(grid), true_probability(grid), atol=0.02)

    def test_interval_covers_the_truth_as_often_as_it_says(self) -> None:
        """28 weeks of grids that share a fifth of their luck, as the study has."""
        rng = np.random.default_rng(5)
        points = np.stack([CENTER, CENTER + SPREAD * [-1.0, 1.0, 0.5, 1.0, 0.5]])
        truth = true_probability(points)
        covered = np.zeros(2)
        draws = 250
        for _ in range(draws):
            made = sample(rng, weeks=28, per_week=100, together=0.2)
            low, high = fit(made).interval(points)
            covered += (low < truth) & (truth < high)

        # 0.95 ± 3 standard errors of 250 draws, and what 28 weeks cost
        assert np.all(covered / draws > 0.89), covered / draws
        assert np.all(covered / draws < 0.99), covered / draws

    def test_errors_that_ignore_the_weeks_would_be_too_small(self) -> None:
        made = sample(np.random.default_rng(6), weeks=28, per_week=200, together=0.3)
        alone = fit(made, clusters=np.arange(len(made.stopped)))

        assert fit(made).covariance[0, 0] > 4 * alone.covariance[0, 0]


class TestProperties:
    def test_what_the_model_says_of_its_sample(self) -> None:
        made = sample(np.random.default_rng(7), weeks=6, per_week=30)
        comp = fit(made, horizon_days=14)

        assert comp.horizon_days == 14
        assert comp.sample_count == 180
        assert comp.cluster_count == 6
        assert comp.base_rate == made.stopped.mean()
        # the intercept is free: on average the fit says what happened
        assert comp.probability(made.features).mean() == pytest.approx(comp.base_rate)

    def test_rows_with_something_missing_are_left_out(self) -> None:
        made = sample(np.random.default_rng(8), weeks=6, per_week=30)
        features, stopped = made.features.copy(), made.stopped.copy()
        features[3, 2] = np.nan
        stopped[7] = np.nan
        keep = np.ones(180, dtype=bool)
        keep[[3, 7]] = False
        comp = fit(made, features=features, stopped=stopped)
        ref = fit(
            made,
            features=made.features[keep],
            stopped=made.stopped[keep],
            clusters=made.week[keep],
        )

        assert comp.sample_count == 178
        assert_array_equal(comp.coefficients, ref.coefficients)
        assert_array_equal(comp.covariance, ref.covariance)

    def test_feature_without_variation_has_no_say(self) -> None:
        made = sample(np.random.default_rng(9), weeks=6, per_week=30)
        features = made.features.copy()
        features[:, 2] = 0.3
        comp = fit(made, features=features)

        assert comp.coefficients[2] == 0
        assert comp.scale[2] == 1

    def test_order_of_the_rows_does_not_matter(self) -> None:
        made = sample(np.random.default_rng(10), weeks=6, per_week=30)
        order = np.random.default_rng(1).permutation(180)
        comp = fit(
            made,
            features=made.features[order],
            stopped=made.stopped[order],
            clusters=made.week[order],
        )

        assert_allclose(comp.coefficients, fit(made).coefficients, rtol=1e-7)

    def test_perfect_separation_ends_thanks_to_the_ridge(self) -> None:
        made = sample(np.random.default_rng(11), weeks=6, per_week=30)
        stopped = (made.features[:, 0] < 0.8).astype(np.float64)
        comp = fit(made, stopped=stopped)

        assert comp.coefficients[0] < -1
        assert np.isfinite(comp.covariance).all()

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"features": np.zeros((180, 4))}, "features must have shape"),
            ({"clusters": np.zeros(3, dtype=np.int64)}, "clusters and origins must"),
            ({"stopped": np.full(180, 0.5)}, "stopped must be 0, 1 or NaN"),
            ({"stopped": np.zeros(180)}, "all 180 were not stopped out"),
            ({"stopped": np.ones(180)}, "all 180 were stopped out"),
            ({"stopped": np.full(180, np.nan)}, "at least 50 complete grids, had 0"),
            (
                {"clusters": np.zeros(180, dtype=np.int64)},
                "cluster_count must be at least 4, was 1",
            ),
            ({"ridge": 0.0}, "ridge must be > 0, was 0.0"),
        ],
    )
    def test_impossible_sample_is_refused(
        self, changes: dict[str, Any], message: str
    ) -> None:
        made = sample(np.random.default_rng(12), weeks=6, per_week=30)
        with pytest.raises(ValueError, match=message):
            fit(made, **changes)


class TestWalkForward:
    made = sample(np.random.default_rng(20), weeks=20, per_week=140)
    origin = FIRST_MS + DAY_MS * (np.arange(2_800) // 20)
    """20 grids a day from 2024-12-16 on."""

    def predicted(
        self, stopped: FloatArray | None = None, features: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        result = walk_forward(
            self.made.features if features is None else features,
            self.made.stopped if stopped is None else stopped,
            self.origin,
            horizon_days=7,
            first_month="2025-02",
        )
        return result.probability, result.base_rate

    def test_each_month_is_the_fit_of_what_was_known_before_it(self) -> None:
        probability, base_rate = self.predicted()
        months = self.origin.astype("datetime64[ms]").astype("datetime64[M]")
        for month in np.unique(months[months >= np.datetime64("2025-02")]):
            begin = month.astype("datetime64[ms]").astype(np.int64)
            known = self.origin + 7 * DAY_MS <= begin
            ref = fitted_model(
                self.made.features[known],
                self.made.stopped[known],
                horizon_days=7,
                clusters=week_blocks(self.origin[known], 7 * DAY_MS),
                period=("2024-12-16", "2025-01-01"),
                data_hash="0" * 64,
            )
            rows = months == month
            assert_allclose(
                probability[rows], ref.probability(self.made.features[rows])
            )
            assert_array_equal(base_rate[rows], ref.base_rate)

    def test_months_before_the_first_are_training_only(self) -> None:
        probability, base_rate = self.predicted()
        early = self.origin < np.datetime64("2025-02", "ms").astype(np.int64)

        assert np.isnan(probability[early]).all()
        assert np.isnan(base_rate[early]).all()
        assert np.isfinite(probability[~early]).all()

    def test_nothing_of_the_future_changes_a_prediction(self) -> None:
        """Outcomes unknown when March begins turn round: March does not notice."""
        march = np.datetime64("2025-03", "ms").astype(np.int64)
        unknown = self.origin + 7 * DAY_MS > march
        turned = np.where(unknown, 1 - self.made.stopped, self.made.stopped)
        until = self.origin < np.datetime64("2025-04", "ms").astype(np.int64)
        ref, _ = self.predicted()
        comp, _ = self.predicted(stopped=turned)

        assert_array_equal(comp[until], ref[until])
        assert not np.array_equal(comp[~until], ref[~until])

    def test_missing_feature_has_no_prediction_and_unknown_outcome_has_one(
        self,
    ) -> None:
        features, stopped = self.made.features.copy(), self.made.stopped.copy()
        features[-1, 0] = np.nan
        stopped[-2] = np.nan
        probability, base_rate = self.predicted(stopped=stopped, features=features)

        assert np.isnan(probability[-1])
        assert np.isnan(base_rate[-1])
        assert np.isfinite(probability[-2])

    def test_month_without_enough_history_is_not_predicted(self) -> None:
        result = walk_forward(
            self.made.features,
            self.made.stopped,
            self.origin,
            horizon_days=14,
            first_month="2024-12",
        )
        december = self.origin < np.datetime64("2025-01", "ms").astype(np.int64)

        assert np.isnan(result.probability[december]).all()
        assert np.isfinite(result.probability[~december]).any()

    def test_predictions_are_better_than_the_base_rate(self) -> None:
        probability, base_rate = self.predicted()
        told = np.isfinite(probability)
        outcome = self.made.stopped[told]
        brier = np.mean((probability[told] - outcome) ** 2)

        assert brier < np.mean((base_rate[told] - outcome) ** 2) - 0.005

    @pytest.mark.parametrize("month", ["2025", "2025-13", "February"])
    def test_month_of_another_form_is_refused(self, month: str) -> None:
        with pytest.raises(ValueError, match=f"must be YYYY-MM, was '{month}'"):
            walk_forward(
                self.made.features,
                self.made.stopped,
                self.origin,
                horizon_days=7,
                first_month=month,
            )
