"""The stop-out probability: features, probability, interval."""

from math import exp
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import expit
from scipy.stats import t

from grid_screening.stop_out import (
    FEATURES,
    logistic,
    stop_out_features,
    student_quantile,
)
from tests.naive_stop_out import naive_features
from tests.stop_out_samples import CENTER, model, true_probability

INPUTS = ("width", "return_7d", "volume_surge", "distance_to_30d_high", "natr")


def features_of(*rows: tuple[float, ...]) -> np.ndarray:
    columns = np.array(rows, dtype=np.float64).T
    return stop_out_features(**dict(zip(INPUTS, columns, strict=True)))


class TestReference:
    @given(st.lists(st.tuples(*[st.floats(-10, 10)] * 5), min_size=1, max_size=5))
    def test_features_equal_their_twin(self, rows: list[tuple[float, ...]]) -> None:
        ref = [naive_features(*row) for row in rows]

        assert_allclose(features_of(*rows), ref, rtol=1e-12)

    @given(st.lists(st.floats(-800, 800), min_size=1))
    def test_logistic_equals_scipy(self, odds: list[float]) -> None:
        assert_allclose(logistic(np.array(odds)), expit(odds), rtol=1e-12, atol=1e-300)

    @pytest.mark.parametrize("degrees", [8, 12, 27, 60])
    @pytest.mark.parametrize("probability", [0.5, 0.9, 0.975, 0.995])
    def test_student_quantile_equals_scipy(
        self, degrees: int, probability: float
    ) -> None:
        ref = t.ppf(probability, degrees)

        assert student_quantile(probability, degrees) == pytest.approx(
            ref, rel=2e-3, abs=1e-12
        )

    def test_few_degrees_of_freedom_are_within_the_stated_error(self) -> None:
        assert student_quantile(0.975, 3) == pytest.approx(t.ppf(0.975, 3), rel=8e-3)

    def test_probability_is_the_logistic_of_the_weighted_features(self) -> None:
        made, row = model(), np.array([[1.1, 0.05, -0.2, -0.1, 1.0]])
        odds = made.intercept
        for name in range(len(FEATURES)):
            standard = (row[0, name] - made.center[name]) / made.scale[name]
            odds += made.coefficients[name] * standard

        assert made.probability(row)[0] == pytest.approx(1 / (1 + exp(-odds)))
        assert made.probability(row)[0] == pytest.approx(true_probability(row)[0])

    def test_interval_is_the_delta_method_on_the_log_odds(self) -> None:
        made = model()
        low, high = made.interval(CENTER[None], level=0.9)
        room = t.ppf(0.95, 27) * 0.2  # at the centre only the intercept is uncertain

        assert low[0] == pytest.approx(expit(-1.5 - room), rel=1e-4)
        assert high[0] == pytest.approx(expit(-1.5 + room), rel=1e-4)


class TestProperties:
    @given(
        st.lists(st.tuples(*[st.floats(-5, 5)] * 5), min_size=1, max_size=6),
        st.floats(0.5, 0.99),
    )
    def test_interval_encloses_the_probability(
        self, rows: list[tuple[float, ...]], level: float
    ) -> None:
        made, features = model(), np.array(rows)
        low, high = made.interval(features, level=level)
        probability = made.probability(features)

        assert np.all((low >= 0) & (low <= probability))
        assert np.all((probability <= high) & (high <= 1))

    def test_interval_widens_away_from_the_sample(self) -> None:
        far = CENTER + np.array([2.0, 0, 0, 0, 0])
        low, high = model().interval(np.stack([CENTER, far]))
        odds = np.log(high / (1 - high)) - np.log(low / (1 - low))

        assert odds[1] > odds[0]

    @pytest.mark.parametrize("missing", range(5))
    def test_missing_feature_gives_no_probability(self, missing: int) -> None:
        features = np.tile(CENTER, (2, 1))
        features[1, missing] = np.nan
        made = model()
        low, high = made.interval(features)

        for values in (made.probability(features), low, high):
            assert np.isfinite(values[0])
            assert np.isnan(values[1])

    def test_no_rows_have_no_probabilities(self) -> None:
        none = np.empty((0, 5))

        assert model().probability(none).shape == (0,)
        assert model().interval(none)[0].shape == (0,)

    @pytest.mark.parametrize("column", [0, 2, 4])
    @pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
    def test_what_has_no_logarithm_is_missing(self, column: int, value: float) -> None:
        row = [2.0, 0.1, 1.5, -0.1, 3.0]
        row[column] = value
        features = features_of(tuple(row))

        assert np.isnan(features[0, column])
        assert np.isfinite(np.delete(features[0], column)).all()

    def test_arrays_are_read_only(self) -> None:
        with pytest.raises(ValueError, match="read-only"):
            model().coefficients[0] = 0.0


class TestRefused:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"center": np.zeros(4)}, r"center must have shape \(5,\), was \(4,\)"),
            (
                {"coefficients": np.array([0, 0, np.nan, 0, 0.0])},
                "coefficients must be finite",
            ),
            ({"scale": np.array([1, 1, 0, 1, 1.0])}, "scale must be > 0"),
            ({"intercept": np.inf}, "intercept must be finite, was inf"),
            ({"covariance": np.eye(5)}, r"covariance must have shape \(6, 6\)"),
            (
                {"covariance": np.triu(np.ones((6, 6)))},
                "covariance must be symmetric",
            ),
            ({"covariance": -np.eye(6)}, "covariance must have no negative"),
            ({"horizon_days": 0}, "horizon_days must be at least 1, was 0"),
            ({"cluster_count": 3}, "cluster_count must be at least 4, was 3"),
            ({"sample_count": 5}, r"at least cluster_count \(28\), was 5"),
            ({"base_rate": 1.0}, r"base_rate must be in \(0, 1\), was 1.0"),
        ],
    )
    def test_impossible_model(self, changes: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            model(**changes)

    @pytest.mark.parametrize("shape", [(5,), (2, 4)])
    def test_features_of_another_shape(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match="features must have shape"):
            model().probability(np.zeros(shape))

    @pytest.mark.parametrize("level", [0.0, 1.0, np.nan])
    def test_level_outside_the_unit_interval(self, level: float) -> None:
        with pytest.raises(ValueError, match=r"level must be in \(0, 1\)"):
            model().interval(CENTER[None], level=level)
