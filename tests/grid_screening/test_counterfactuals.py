"""Each change that is named does list the contract, and slightly less does not."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grid_screening.bootstrap import SCORE_FACTORS
from grid_screening.conf import ScreenerSettings
from grid_screening.contest import Contest
from grid_screening.counterfactuals import (
    SCORE_INPUTS,
    Counterfactual,
    counterfactuals,
)
from tests.grid_screening.test_contest import contest_of

SETTINGS = ScreenerSettings()


def change_of(contest: Contest, factor: str, symbol: str = "AUSDT") -> Counterfactual:
    found = counterfactuals(contest, symbol, SETTINGS)
    return next(change for change in found.changes if change.factor == factor)


def prove(contest: Contest, symbol: str, change: Counterfactual) -> None:
    """Score again with the change, with what is printed, and with slightly less."""
    factor, target = change.factor, change.target
    spec = next(spec for spec in SCORE_INPUTS if spec.factor == factor)
    assert contest.with_value(symbol, factor, target).lists(symbol)
    printed = float(change.shown_target / spec.scale)
    assert contest.with_value(symbol, factor, printed).lists(symbol)
    less = 0.0 if spec.whole else float(np.nextafter(target, change.value))
    assert not contest.with_value(symbol, factor, less).lists(symbol)


def random_contest(seed: int, *, count: int, top: int) -> Contest:
    rng = np.random.default_rng(seed)
    rows = [
        {
            "natr": float(np.round(rng.uniform(1, 9), 2)),
            "efficiency_ratio": float(rng.uniform(0, 1)),
            "normalized_slope": float(rng.normal(0, 60)),
            "r_squared": float(rng.uniform(0, 1)),
            "hurst_exponent": float(rng.normal(0.5, 0.1)),
            "z_score": float(rng.normal(0, 1.5)),
            "open_interest_ratio": float(rng.lognormal(0, 0.7)),
            "funding_rate_8h": float(rng.normal(1e-4, 4e-4)),
            "bearish_cvd_divergence": float(rng.random() < 0.1),
            "cvd_change_ratio": float(rng.uniform(-1, 1)),
        }
        for _ in range(count)
    ]
    for row in rows:
        for name in ("hurst_exponent", "funding_rate_8h", "cvd_change_ratio"):
            if rng.random() < 0.1:
                row[name] = float("nan")
    return contest_of(*rows, top=top)


class TestSmallestChange:
    @settings(max_examples=25, deadline=None)
    @given(
        seed=st.integers(0, 10_000),
        count=st.integers(1, 12),
        top=st.integers(0, 5),
        row=st.integers(0, 11),
    )
    def test_just_enough_lists_and_slightly_less_does_not(
        self, seed: int, count: int, top: int, row: int
    ) -> None:
        contest = random_contest(seed, count=count, top=top)
        symbol = contest.factors.symbols[row % count]
        found = counterfactuals(contest, symbol, SETTINGS)
        for change in found.changes:
            prove(contest, symbol, change)
        if contest.lists(symbol):
            assert found.changes == ()
            assert found.insufficient == ()
            assert found.missing == ()
        else:
            named = {
                *(change.factor for change in found.changes),
                *found.insufficient,
                *found.missing,
            }
            assert named == set(SCORE_FACTORS)

    @settings(max_examples=15, deadline=None)
    @given(seed=st.integers(0, 10_000), share=st.floats(0, 1))
    def test_what_does_not_suffice_does_not_at_any_legal_value(
        self, seed: int, share: float
    ) -> None:
        contest = random_contest(seed, count=8, top=1)
        symbol = contest.factors.symbols[-1]
        legal = {
            "natr": (0.0, 10.0),
            "efficiency_ratio": (0.0, 1.0),
            "normalized_slope": (-300.0, 300.0),
            "r_squared": (0.0, 1.0),
            "hurst_exponent": (0.0, 1.0),
            "z_score": (-4.0, 4.0),
            "open_interest_ratio": (0.0, 10.0),
            "funding_rate_8h": (-0.02, 0.02),
            "bearish_cvd_divergence": (0.0, 1.0),
            "cvd_change_ratio": (-1.0, 1.0),
        }
        for factor in counterfactuals(contest, symbol, SETTINGS).insufficient:
            low, high = legal[factor]
            value = low + share * (high - low)
            assert not contest.with_value(symbol, factor, value).lists(symbol)

    def test_natr_must_pass_the_next_better_one(self) -> None:
        contest = contest_of({"natr": 3.1}, {"natr": 3.5})
        change = change_of(contest, "natr")
        assert change.target == pytest.approx(3.5, abs=1e-12)
        # a tie is decided by name, and A stands before B
        assert change.needs == "needs NATR +0.40 pp (3.10 % → 3.50 %)"
        contest = contest_of({"natr": 3.5}, {"natr": 3.1})
        assert change_of(contest, "natr", "BUSDT").needs == (
            "needs NATR +0.41 pp (3.10 % → 3.51 %)"
        )

    def test_natr_above_the_filter_is_no_advice(self) -> None:
        contest = contest_of({"natr": 3.1}, {"natr": 10.0})
        tight = ScreenerSettings(max_natr=9.0)
        found = counterfactuals(contest, "AUSDT", tight)
        assert "natr" in found.insufficient

    def test_efficiency_must_fall(self) -> None:
        contest = contest_of({"efficiency_ratio": 0.4}, {"efficiency_ratio": 0.25})
        change = change_of(contest, "efficiency_ratio")
        assert change.needs == "needs KER −0.150 (0.400 → 0.250)"

    def test_funding_from_below_and_from_above_goes_to_the_moderate_band(self) -> None:
        band = {"funding_rate_8h": 0.0005}
        below = contest_of({"funding_rate_8h": -0.0002}, band)
        change = change_of(below, "funding_rate_8h")
        assert change.target == 0.0001
        assert change.needs == (
            "needs funding per 8 h +0.0300 pp (−0.0200 % → 0.0100 %)"
        )
        above = contest_of({"funding_rate_8h": 0.0015}, band)
        change = change_of(above, "funding_rate_8h")
        assert change.target == 0.001
        assert change.needs == "needs funding per 8 h −0.0500 pp (0.1500 % → 0.1000 %)"

    def test_crowding_and_taker_buying_go_to_their_limit(self) -> None:
        calm: dict[str, float] = {}
        crowded = contest_of({"open_interest_ratio": 2.25}, calm)
        assert change_of(crowded, "open_interest_ratio").target == 1.5
        bought = contest_of({"cvd_change_ratio": 0.75}, calm)
        assert change_of(bought, "cvd_change_ratio").target == 0.5

    def test_divergence_is_there_or_not(self) -> None:
        contest = contest_of({}, {"funding_rate_8h": 0.0005})
        change = change_of(contest, "bearish_cvd_divergence")
        assert change.needs == "needs bearish CVD divergence +1 (0 → 1)"
        # nobody shows one: how far it is cannot be told
        assert change.spreads is None

    def test_breakout_counts_just_above_its_threshold(self) -> None:
        choppy = {"efficiency_ratio": 0.2, "z_score": 1.0}
        contest = contest_of(choppy, choppy | {"hurst_exponent": 0.45})
        change = change_of(contest, "z_score")
        assert change.target == np.nextafter(2.0, 3.0)
        assert change.needs == "needs z-score +1.01 (1.00 → 2.01)"

    def test_slope_flattens_from_either_side(self) -> None:
        flat = {"normalized_slope": 10.0}
        up = change_of(contest_of({"normalized_slope": 30.0}, flat), "normalized_slope")
        assert up.target == pytest.approx(10.0)
        down = change_of(
            contest_of({"normalized_slope": -30.0}, flat), "normalized_slope"
        )
        assert down.target == pytest.approx(-10.0)
        assert down.needs == "needs slope +20.0 bp/bar (−30.0 bp/bar → −10.0 bp/bar)"

    def test_displacement_is_an_input_where_it_was_fetched(self) -> None:
        rows = ({"volatility_displacement": 2.0}, {"volatility_displacement": 6.0})
        change = change_of(contest_of(*rows), "volatility_displacement")
        assert change.target == np.nextafter(5.0, 6.0)

    def test_vetoed_contract_learns_what_lifts_the_veto(self) -> None:
        steep = {"normalized_slope": 60.0, "r_squared": 0.9}
        contest = contest_of(steep, {}, top=0)
        found = counterfactuals(contest, "AUSDT", SETTINGS)
        targets = {change.factor: change.target for change in found.changes}
        assert targets == {"normalized_slope": 50.0, "r_squared": 0.8}

    def test_missing_inputs_cannot_change(self) -> None:
        contest = contest_of({"hurst_exponent": float("nan")}, {"natr": 9.0})
        found = counterfactuals(contest, "AUSDT", SETTINGS)
        assert found.missing == ("hurst_exponent",)

    def test_listed_contract_needs_nothing(self) -> None:
        contest = contest_of({"natr": 9.0}, {"natr": 2.0})
        found = counterfactuals(contest, "AUSDT", SETTINGS)
        assert (found.changes, found.insufficient, found.missing) == ((), (), ())

    def test_most_plausible_stands_first(self) -> None:
        contest = random_contest(3, count=12, top=2)
        for symbol in contest.factors.symbols:
            spreads = [
                float("inf") if change.spreads is None else change.spreads
                for change in counterfactuals(contest, symbol, SETTINGS).changes
            ]
            assert spreads == sorted(spreads)

    def test_tiny_differences_are_written_out_until_they_suffice(self) -> None:
        contest = contest_of({"natr": 3.5}, {"natr": 3.4999996})
        change = change_of(contest, "natr", "BUSDT")
        assert change.shown_target == Decimal("3.51")
        # the filter ends between: fewer digits would go beyond it
        tight = ScreenerSettings(max_natr=3.5000004)
        found = counterfactuals(contest, "BUSDT", tight)
        (close,) = (c for c in found.changes if c.factor == "natr")
        assert close.shown_target == Decimal("3.5000001")
        prove(contest, "BUSDT", close)

    def test_a_value_is_not_written_as_the_target_it_falls_short_of(self) -> None:
        contest = contest_of({"natr": 3.4999}, {"natr": 3.5})
        change = change_of(contest, "natr")
        assert change.needs == "needs NATR +0.01 pp (3.49 % → 3.50 %)"
        contest = contest_of({"efficiency_ratio": 0.2501}, {"efficiency_ratio": 0.25})
        change = change_of(contest, "efficiency_ratio")
        assert change.needs == "needs KER −0.001 (0.251 → 0.250)"


def test_every_number_that_a_score_reads_is_an_input() -> None:
    names = [spec.factor for spec in SCORE_INPUTS]
    assert len(names) == len(set(names))
    assert set(names) == {*SCORE_FACTORS, "volatility_displacement"}
