"""Other widths: re-planned at the same capital, trips until a bound is reached."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid_screening.bounds import GridBounds
from grid_screening.grid_plan import InfeasibleGrid, ShortGridPlan
from grid_screening.screening_report import StopOutOutlook, StopOutPoint
from grid_screening.stop_out_curve import (
    expected_days_inside,
    expected_trips,
    harvest_per_day,
    stop_out_curve,
)
from grid_screening.stop_out_outlook import (
    LEVEL,
    plan_features,
    stop_out_outlook,
)
from grid_screening.stop_out_width import WIDTHS, StopOutModels
from monitor.domain.market import KlineInterval
from tests.grid_screening.test_grid_plan import plan, planned, terms
from tests.naive_stop_out import naive_days_inside, naive_features
from tests.stop_out_samples import model, true_probability, width_model

FACTORS: dict[str, float | None] = {
    "return_7d": 0.05,
    "volume_surge": 1.4,
    "distance_to_30d_high": -0.1,
    "natr": 3.5,
    "hurst_exponent": None,
}
MODELS = StopOutModels(
    by_horizon={days: model(horizon_days=days, intercept=-1) for days in (14, 3, 7)},
    width=width_model(),
)


def replan(bounds: GridBounds, step: Decimal) -> ShortGridPlan | InfeasibleGrid:
    return planned(bounds=bounds, grid_step=step)


def curve() -> tuple[StopOutPoint, ...]:
    own = plan()
    return stop_out_curve(own, plan_features(own, FACTORS), width_model(), replan)


def outlook(**changes: Any) -> StopOutOutlook | None:
    arguments: dict[str, Any] = {
        "plan": plan(),
        "factors": FACTORS,
        "interval": KlineInterval.H4,
        "models": MODELS,
        "replan": replan,
    }
    return stop_out_outlook(**(arguments | changes))


class TestDaysInside:
    @pytest.mark.parametrize(
        ("below", "above", "variance", "days"),
        [
            (30.0, 20.0, 16.0, 7.0),
            (30.0, 20.0, 60.0, 7.0),
            (5.0, 45.0, 200.0, 14.0),
            (45.0, 5.0, 20.0, 3.0),
        ],
    )
    def test_equals_a_walk_on_a_lattice(
        self, below: float, above: float, variance: float, days: float
    ) -> None:
        comp = expected_days_inside(
            below=below, above=above, variance_per_day=variance, days=days
        )

        ref = naive_days_inside(below, above, variance, days, steps=400)
        assert comp == pytest.approx(ref, rel=2e-3)

    def test_equals_the_mean_of_simulated_paths(self) -> None:
        """Paths of 7 days between −3 and +2, one standard deviation a day."""
        rng = np.random.default_rng(1)
        steps_per_day, count = 400, 4_000
        inside = np.ones(count, dtype=bool)
        place = np.zeros(count)
        spent = np.zeros(count)
        for _ in range(7 * steps_per_day):
            before = place.copy()
            place += rng.normal(0, steps_per_day**-0.5, count)
            # the chance that a bridge touched a bound between two looks
            for bound, side in ((2.0, 1.0), (-3.0, -1.0)):
                gaps = side * (bound - before), side * (bound - place)
                touched = np.exp(-2 * np.maximum(gaps[0] * gaps[1], 0) * steps_per_day)
                inside &= (gaps[1] > 0) & (rng.random(count) > touched)
            spent += inside / steps_per_day
        comp = expected_days_inside(below=3, above=2, variance_per_day=1, days=7)
        error = spent.std() / count**0.5

        assert comp == pytest.approx(spent.mean(), abs=3 * error)

    @given(
        below=st.floats(0.1, 100),
        above=st.floats(0.1, 100),
        variance=st.floats(0.01, 1e4),
        days=st.floats(0.01, 100),
    )
    def test_is_at_most_the_horizon_and_at_most_the_mean_exit_time(
        self, below: float, above: float, variance: float, days: float
    ) -> None:
        comp = expected_days_inside(
            below=below, above=above, variance_per_day=variance, days=days
        )

        assert 0 <= comp <= days
        assert comp <= below * above / variance
        longer = expected_days_inside(
            below=below, above=above, variance_per_day=variance, days=2 * days
        )
        assert longer >= comp - 1e-6 * days

    def test_long_horizon_is_the_mean_exit_time(self) -> None:
        comp = expected_days_inside(below=3, above=2, variance_per_day=1, days=1_000)

        assert comp == pytest.approx(6.0)

    def test_short_horizon_is_spent_inside(self) -> None:
        comp = expected_days_inside(below=30, above=20, variance_per_day=1, days=1)

        assert comp == pytest.approx(1.0, abs=1e-5)

    @pytest.mark.parametrize(("below", "above"), [(0.0, 1.0), (1.0, 0.0), (-1.0, 2.0)])
    def test_no_time_at_or_beyond_a_bound(self, below: float, above: float) -> None:
        comp = expected_days_inside(
            below=below, above=above, variance_per_day=1, days=7
        )

        assert comp == 0
        assert expected_days_inside(below=1, above=1, variance_per_day=1, days=0) == 0


class TestCurve:
    def test_upper_bounds_stand_at_the_widths(self) -> None:
        own = plan()
        day = own.atr_hourly * 24**0.5
        for point, width in zip(curve(), WIDTHS, strict=True):
            assert point.range_to_volatility == width
            assert point.upper_bound is not None
            room = float(point.upper_bound - own.price)
            assert room <= width * day < room + float(own.grid_step)

    def test_probability_is_the_model_at_that_width_all_else_equal(self) -> None:
        own = plan_features(plan(), FACTORS)
        for point in curve():
            row = own.copy()
            row[0] = np.log(point.range_to_volatility)
            assert point.probability == pytest.approx(true_probability(row[None])[0])
            assert point.low < point.probability < point.high

    def test_shares_of_the_study_stand_beside(self) -> None:
        shares = tuple(point.study_share for point in curve())
        assert shares == width_model().study_shares

    def test_wider_stops_less_and_earns_less_a_day_for_the_same_capital(self) -> None:
        points = curve()
        quantities = [point.quantity_per_level for point in points]
        probabilities = [point.probability for point in points]
        harvests = [point.harvest_per_day for point in points]
        trips = [point.expected_trips for point in points]

        assert quantities == sorted(quantities, reverse=True)
        assert probabilities == sorted(probabilities, reverse=True)
        assert harvests == sorted(harvests, reverse=True)
        assert trips == sorted(trips)

    def test_point_at_the_own_width_is_the_own_plan(self) -> None:
        """2 · ATR_daily = 20 is 20 ÷ (2·√24) wide."""
        own = plan(atr_daily=2.0 * 24**0.5)
        features = plan_features(own, FACTORS)
        point = stop_out_curve(own, features, width_model(), replan)[2]

        assert point.range_to_volatility == 2.0
        assert point.upper_bound == own.upper_bound
        assert point.quantity_per_level == own.quantity_per_level
        assert point.harvest_per_day == harvest_per_day(own)
        assert point.expected_trips == expected_trips(own, 7)

    def test_width_without_a_legal_grid_has_a_probability_only(self) -> None:
        def nothing(bounds: GridBounds, step: Decimal) -> InfeasibleGrid:
            found = planned(
                bounds=bounds, grid_step=step, terms=terms(margin=Decimal("0.5"))
            )
            assert isinstance(found, InfeasibleGrid)
            return found

        own = plan()
        features = plan_features(own, FACTORS)
        points = stop_out_curve(own, features, width_model(), nothing)
        for point in points:
            assert point.upper_bound is None
            assert point.quantity_per_level is None
            assert point.expected_trips is None
            assert point.harvest_per_day is None
            assert 0 < point.probability < 1

    def test_trips_are_those_a_day_times_the_days_inside(self) -> None:
        own = plan()
        variance = (own.atr_hourly / (8 / np.pi) ** 0.5) ** 2 * 24
        days = naive_days_inside(30, 20, variance, 7, steps=400)

        assert expected_trips(own, 7) == pytest.approx(
            own.expected_trips_per_day * days, rel=2e-3
        )

    def test_harvest_is_trips_times_net_profit_at_the_price(self) -> None:
        own = plan()
        # step 1, two maker fees of 0.0002 · 100
        per_trip = float(own.quantity_per_level) * (1 - 0.04)

        assert harvest_per_day(own) == pytest.approx(
            own.expected_trips_per_day * per_trip
        )


class TestOutlook:
    def test_features_are_those_of_the_definition(self) -> None:
        own = plan()
        ref = naive_features(own.range_to_volatility, 0.05, 1.4, -0.1, 3.5)

        np.testing.assert_allclose(plan_features(own, FACTORS), ref)

    def test_holds_every_horizon_shortest_first(self) -> None:
        found = outlook()
        assert found is not None

        assert [e.horizon_days for e in found.estimates] == [3, 7, 14]
        assert found.level == LEVEL
        features = np.array([list(found.features.values())])
        for estimate in found.estimates:
            made = MODELS.by_horizon[estimate.horizon_days]
            assert estimate.probability == made.probability(features)[0]
            low, high = made.interval(features, level=0.95)
            assert (estimate.low, estimate.high) == (low[0], high[0])

    def test_other_widths_are_told_by_the_width_model(self) -> None:
        found = outlook()
        assert found is not None
        assert found.curve == curve()

    @pytest.mark.parametrize(
        "name", ["return_7d", "volume_surge", "distance_to_30d_high", "natr"]
    )
    def test_missing_input_is_no_probability(self, name: str) -> None:
        assert outlook(factors=FACTORS | {name: None}) is None
        without = {key: value for key, value in FACTORS.items() if key != name}
        assert outlook(factors=without) is None

    def test_volume_without_a_logarithm_is_no_probability(self) -> None:
        assert outlook(factors=FACTORS | {"volume_surge": 0.0}) is None

    def test_other_bars_have_no_probability(self) -> None:
        assert outlook(interval=KlineInterval.H1) is None
