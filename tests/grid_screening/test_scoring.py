"""The score against hand-computed markets, its thresholds and its properties."""

from collections.abc import Mapping
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import rankdata

from grid_screening.exceptions import InvalidSettings
from grid_screening.factors import FactorTable
from grid_screening.score_terms import BREAKDOWN, percentile_rank
from grid_screening.scoring import Scores, load_profile, scores, strict_exclusions

NAN = float("nan")
CLASSIC = load_profile("classic")
PARTS = ("volatility", "inefficiency", "trend", "microstructure")

# A contract about which every term says "nothing": index trend 1, micro 0.5
NEUTRAL: Mapping[str, float] = {
    "natr": 3.0,
    "efficiency_ratio": 0.5,
    "normalized_slope": 0.0,
    "r_squared": 0.0,
    "hurst_exponent": 0.5,
    "z_score": 0.0,
    "open_interest_ratio": 1.0,
    "funding_rate": 0.0,
    "funding_rate_8h": 0.0,
    "bearish_cvd_divergence": 0.0,
    "cvd_change_ratio": 0.0,
}


def table(rows: Mapping[str, Mapping[str, float]]) -> FactorTable:
    names = list(NEUTRAL)
    names += sorted({name for row in rows.values() for name in row} - set(names))
    return FactorTable(
        symbols=tuple(rows),
        values={
            name: np.array([{**NEUTRAL, **row}.get(name, NAN) for row in rows.values()])
            for name in names
        },
    )


def single(**values: float) -> Scores:
    return scores(table({"X": values}), CLASSIC)


def part(name: str, **values: float) -> float:
    return float(single(**values).breakdown[name][0])


# NATR      2   3    7   3    5   → ranks 1, 2.5, 5, 2.5, 4 → .1 .4 .9 .4 .7
# 1 − KER  .5  .8   .9  .7  .75   → ranks 1, 4, 5, 2, 3     → .1 .7 .9 .3 .5
MARKET = {
    "AAA": {
        "natr": 2.0, "efficiency_ratio": 0.5,
        "normalized_slope": 4.0, "r_squared": 0.5,   # base 1
        "hurst_exponent": 0.4,                       # + 0.5·0.1 = 0.05 → clip 1
        "funding_rate_8h": 0.0001,                   # + 0.2 → I_micro 0.7
    },
    "BBB": {
        "natr": 3.0, "efficiency_ratio": 0.2,
        "normalized_slope": -50.0, "r_squared": 0.9,  # base 1 − 0.5; down: no veto
        "hurst_exponent": 0.6,                        # no bonus
        "z_score": 2.5,                               # with KER 0.2: + 0.2 → 0.7
        "bearish_cvd_divergence": 1.0,                # + 0.3
        "funding_rate_8h": 0.002,                     # − 0.2
        "open_interest_ratio": 2.5,                   # − 0.2
        "cvd_change_ratio": 0.6,                      # − 0.3 → I_micro 0.1
    },
    "CCC": {
        "natr": 7.0, "efficiency_ratio": 0.1,
        "normalized_slope": 60.0, "r_squared": 0.9,   # veto; I_trend 0.4, I_micro 0.5
    },
    "DDD": {
        "natr": 3.0, "efficiency_ratio": 0.3,
        "normalized_slope": 120.0, "r_squared": 0.7,  # base max(0, −0.2) = 0
        "hurst_exponent": 0.3,                        # + 0.5·0.2 = 0.1 → I_trend 0.1
    },
    "EEE": {                                          # nothing but NATR and KER known
        "natr": 5.0, "efficiency_ratio": 0.25,
        "normalized_slope": NAN, "r_squared": NAN, "hurst_exponent": NAN,
        "z_score": NAN, "bearish_cvd_divergence": NAN, "funding_rate": NAN,
        "funding_rate_8h": NAN, "open_interest_ratio": NAN, "cvd_change_ratio": NAN,
    },
}  # fmt: skip


class TestReference:
    def test_market_of_five_as_computed_by_hand(self) -> None:
        comp = scores(table(MARKET), CLASSIC)
        # 0.2·natr_rank + 0.2·inefficiency_rank + 0.3·I_trend + 0.3·I_micro
        ref = [
            0.02 + 0.02 + 0.3 * 1.0 + 0.3 * 0.7,  # AAA 0.55
            0.08 + 0.14 + 0.3 * 0.7 + 0.3 * 0.1,  # BBB 0.46
            0.0,  # CCC vetoed
            0.08 + 0.06 + 0.3 * 0.1 + 0.3 * 0.5,  # DDD 0.32
            0.14 + 0.10 + 0.3 * 0.5,  # EEE 0.39: no trend index, constant micro base
        ]
        np.testing.assert_allclose(comp.gss, ref, atol=1e-15)
        assert comp.vetoed.tolist() == [False, False, True, False, False]
        assert comp.rank.tolist() == [1, 2, 5, 4, 3]
        assert [comp.symbols[row] for row in comp.order] == [
            "AAA", "BBB", "EEE", "DDD", "CCC",
        ]  # fmt: skip
        # EEE lacks 0.15 + 0.15 + 4 · 0.075 = 0.6
        assert comp.confidence.tolist() == [1.0, 1.0, 1.0, 1.0, 0.4]
        assert comp.marks == (
            (),
            ("crowded", "squeeze_risk", "abnormal_buying", "failed_breakout"),
            ("extreme_volatility",),
            (),
            ("low_confidence",),
        )

    def test_breakdown_of_a_vetoed_symbol_is_kept(self) -> None:
        parts = scores(table(MARKET), CLASSIC).breakdown
        comp = [parts[name][2] for name in PARTS]
        np.testing.assert_allclose(comp, [0.18, 0.18, 0.3 * 0.4, 0.15], atol=1e-15)

    def test_missing_terms_are_nan_in_the_breakdown(self) -> None:
        parts = scores(table(MARKET), CLASSIC).breakdown
        missing = {name for name in parts if np.isnan(parts[name][4])}
        assert missing == {
            "trend",
            "trend_index",
            "trend_base",
            "hurst_bonus",
            "failed_breakout_bonus",
            "cvd_divergence_bonus",
            "funding_adjustment",
            "open_interest_adjustment",
            "volatility_displacement_bonus",
            "cvd_change_adjustment",
        }

    def test_breakdown_has_the_documented_keys(self) -> None:
        assert list(single().breakdown) == list(BREAKDOWN)

    def test_percentile_rank_is_the_published_midrank(self) -> None:
        values = np.array([3.0, 1.0, 3.0, -2.0, 3.0, 1.0])
        ref = (rankdata(values, method="average") - 0.5) / 6
        np.testing.assert_array_equal(percentile_rank(values), ref)

    def test_no_symbols_give_empty_scores(self) -> None:
        comp = scores(table({}), CLASSIC)
        assert comp.symbols == ()
        assert comp.marks == ()
        assert comp.gss.shape == comp.rank.shape == comp.order.shape == (0,)


class TestThresholds:
    @pytest.mark.parametrize(
        ("slope", "base"),
        [
            (0.0, 1.0),
            (4.999, 1.0),
            (-4.999, 1.0),
            (5.0, 0.95),  # 1 − 5/100
            (-5.0, 0.95),
            (100.0, 0.0),
            (150.0, 0.0),
        ],
    )
    def test_trend_base(self, slope: float, base: float) -> None:
        assert part("trend_base", normalized_slope=slope) == pytest.approx(base)

    @pytest.mark.parametrize(
        ("hurst", "bonus"), [(0.5, 0.0), (0.7, 0.0), (0.49, 0.005), (0.1, 0.2)]
    )
    def test_hurst_bonus(self, hurst: float, bonus: float) -> None:
        assert part("hurst_bonus", hurst_exponent=hurst) == pytest.approx(bonus)

    @pytest.mark.parametrize(
        ("z", "ker", "bonus"),
        [(2.1, 0.29, 0.2), (2.0, 0.29, 0.0), (2.1, 0.3, 0.0), (-3.0, 0.1, 0.0)],
    )
    def test_failed_breakout(self, z: float, ker: float, bonus: float) -> None:
        values = {"z_score": z, "efficiency_ratio": ker}
        assert part("failed_breakout_bonus", **values) == bonus
        assert ("failed_breakout" in single(**values).marks[0]) == (bonus > 0)

    @pytest.mark.parametrize(
        ("funding", "points"),
        [
            (0.0001, 0.2),
            (np.nextafter(0.0001, 0), 0.0),
            (0.001, 0.2),
            (np.nextafter(0.001, 1), -0.2),
            (-0.001, 0.0),
            (0.0, 0.0),
        ],
    )
    def test_funding(self, funding: float, points: float) -> None:
        assert part("funding_adjustment", funding_rate_8h=funding) == points

    @pytest.mark.parametrize(
        ("rate", "hours"),
        [(0.0001, 8.0), (0.00005, 4.0), (0.000025, 2.0), (0.0000125, 1.0)],
    )
    def test_default_funding_counts_at_every_interval(
        self, rate: float, hours: float
    ) -> None:
        assert part("funding_adjustment", funding_rate_8h=rate * 8 / hours) == 0.2
        assert part("funding_adjustment", funding_rate_8h=rate * (8 / hours)) == 0.2

    @pytest.mark.parametrize(
        ("factor", "term", "at", "above"),
        [
            ("open_interest_ratio", "open_interest_adjustment", 1.5, -0.2),
            ("cvd_change_ratio", "cvd_change_adjustment", 0.5, -0.3),
            ("volatility_displacement", "volatility_displacement_bonus", 5.0, 0.2),
            ("bearish_cvd_divergence", "cvd_divergence_bonus", 0.0, 0.3),
        ],
    )
    def test_votes_count_above_their_threshold_only(
        self, factor: str, term: str, at: float, above: float
    ) -> None:
        assert part(term, **{factor: at}) == 0.0
        assert part(term, **{factor: at + 1}) == above
        assert np.isnan(part(term, **{factor: NAN}))

    @pytest.mark.parametrize(
        ("mark", "factor", "limit"),
        [
            ("extreme_volatility", "natr", 6.0),
            ("crowded", "open_interest_ratio", 2.0),
            ("squeeze_risk", "funding_rate_8h", 0.001),
            ("abnormal_buying", "cvd_change_ratio", 0.5),
        ],
    )
    def test_marks_stand_above_their_threshold_only(
        self, mark: str, factor: str, limit: float
    ) -> None:
        assert single(**{factor: limit}).marks == ((),)
        assert single(**{factor: np.nextafter(limit, 9)}).marks == ((mark,),)

    @pytest.mark.parametrize(
        ("slope", "r_squared", "vetoed"),
        [
            (50.1, 0.81, True),
            (50.0, 0.81, False),
            (50.1, 0.8, False),
            (-60.0, 0.99, False),
            (NAN, 0.99, False),
            (60.0, NAN, False),
        ],
    )
    def test_veto(self, slope: float, r_squared: float, *, vetoed: bool) -> None:
        comp = single(normalized_slope=slope, r_squared=r_squared)
        assert bool(comp.vetoed[0]) is vetoed
        assert bool(comp.gss[0] == 0.0) is vetoed

    @pytest.mark.parametrize(
        ("missing", "confidence", "low"),
        [
            ((), 1.0, False),
            (("hurst_exponent",), 0.85, False),
            (("hurst_exponent", "normalized_slope"), 0.7, False),
            (
                (
                    "bearish_cvd_divergence",
                    "funding_rate_8h",
                    "open_interest_ratio",
                    "cvd_change_ratio",
                ),
                0.7,
                False,
            ),
            (
                ("hurst_exponent", "normalized_slope", "cvd_change_ratio"),
                0.625,
                True,
            ),
            (("z_score", "r_squared"), 1.0, False),
        ],
    )
    def test_confidence(
        self, missing: tuple[str, ...], confidence: float, *, low: bool
    ) -> None:
        comp = single(**dict.fromkeys(missing, NAN))
        assert comp.confidence[0] == confidence
        assert ("low_confidence" in comp.marks[0]) is low

    def test_missing_slope_leaves_the_other_trend_terms(self) -> None:
        comp = single(normalized_slope=NAN, hurst_exponent=0.3)
        assert np.isnan(comp.breakdown["trend_base"][0])
        assert comp.breakdown["trend_index"][0] == pytest.approx(0.1)

    def test_indexes_are_clipped(self) -> None:
        assert part("trend_index", hurst_exponent=-2.0) == 1.0
        worst = {
            "funding_rate_8h": 0.01,
            "open_interest_ratio": 9.0,
            "cvd_change_ratio": 0.9,
        }
        # 0.5 − 0.2 − 0.2 − 0.3 = −0.2
        assert part("microstructure_index", **worst) == 0.0
        best = {
            "funding_rate_8h": 0.0005,
            "bearish_cvd_divergence": 1.0,
            "volatility_displacement": 9.0,
        }
        # 0.5 + 0.2 + 0.3 + 0.2 = 1.2
        assert part("microstructure_index", **best) == 1.0

    @pytest.mark.parametrize("name", ["natr", "efficiency_ratio"])
    @pytest.mark.parametrize("value", [NAN, np.inf])
    def test_required_factor_must_be_finite(self, name: str, value: float) -> None:
        with pytest.raises(ValueError, match=f"^{name} must be finite"):
            single(**{name: value})


class TestRanking:
    def test_ties_have_equal_rank_in_order_of_symbol(self) -> None:
        rows = {
            "C": {},
            "币安人生USDT": {},
            "A": {},
            "TOP": {"funding_rate_8h": 0.0005},
        }
        comp = scores(table(rows), CLASSIC)
        assert comp.rank.tolist() == [2, 2, 2, 1]
        assert [comp.symbols[row] for row in comp.order] == [
            "TOP", "A", "C", "币安人生USDT",
        ]  # fmt: skip

    def test_rank_after_a_tie_is_skipped(self) -> None:
        rows = {"A": {}, "B": {}, "Z": {"cvd_change_ratio": 0.9}}
        assert scores(table(rows), CLASSIC).rank.tolist() == [1, 1, 3]

    def test_rounding_noise_is_a_tie(self) -> None:
        rows = {"B": {}, "A": {"hurst_exponent": 0.6, "normalized_slope": 10.0}}
        rows["B"] = {"hurst_exponent": 0.6, "normalized_slope": 10.0 + 1e-11}
        comp = scores(table(rows), CLASSIC)
        assert comp.gss[0] != comp.gss[1]
        assert comp.rank.tolist() == [1, 1]
        assert comp.order.tolist() == [1, 0]

    def test_vetoed_come_after_a_genuine_zero(self) -> None:
        rows = {
            "A": {"normalized_slope": 60.0, "r_squared": 0.9},
            "B": {"normalized_slope": -100.0},
        }
        comp = scores(table(rows), CLASSIC, weights=(0.0, 0.0, 1.0, 0.0))
        assert comp.gss.tolist() == [0.0, 0.0]
        assert comp.rank.tolist() == [2, 1]

    def test_weights_replace_the_profile(self) -> None:
        comp = scores(table(MARKET), CLASSIC, weights=(1.0, 0.0, 0.0, 0.0))
        np.testing.assert_allclose(comp.gss, [0.1, 0.4, 0.0, 0.4, 0.7])
        assert comp.weights.volatility == 1.0

    def test_weights_within_tolerance_keep_the_score_in_the_unit_interval(self) -> None:
        comp = scores(table({"X": {}}), CLASSIC, weights=(0.0, 0.0, 1.0 + 5e-10, 0.0))
        assert comp.gss.tolist() == [1.0]

    @pytest.mark.parametrize(
        "weights",
        [(0.5, 0.5, 0.5, 0.5), (1.2, -0.2, 0.0, 0.0), (NAN, 0.0, 0.0, 1.0), (1.0,)],
    )
    def test_illegal_weights_are_refused(self, weights: tuple[float, ...]) -> None:
        with pytest.raises(InvalidSettings, match="weights must be four finite"):
            scores(table(MARKET), CLASSIC, weights=weights)  # type: ignore[arg-type]

    def test_subset_is_ranked_anew_with_the_same_scores(self) -> None:
        full = scores(table(MARKET), CLASSIC)
        keep = np.array([False, True, True, False, True])
        comp = full.subset(keep)
        assert comp.symbols == ("BBB", "CCC", "EEE")
        assert comp.rank.tolist() == [1, 3, 2]
        assert comp.order.tolist() == [0, 2, 1]
        np.testing.assert_array_equal(comp.gss, full.gss[keep])
        assert comp.marks == full.marks[1:3] + full.marks[4:]
        assert comp.breakdown["natr_rank"].tolist() == [0.4, 0.9, 0.7]
        assert comp.confidence.tolist() == [1.0, 1.0, 0.4]


class TestStrict:
    GOOD: Mapping[str, float] = {
        "efficiency_ratio": 0.2,
        "hurst_exponent": 0.4,
        "funding_rate": 0.0001,
    }

    def reasons(self, **last: float) -> dict[str, str]:
        # five symbols, the last one with the highest NATR: rank 0.9, the top 20 %
        rows = {f"S{n}": {**self.GOOD, "natr": 1.0 + n} for n in range(4)}
        rows["TOP"] = {**self.GOOD, "natr": 9.0, **last}
        factors = table(rows)
        found = strict_exclusions(factors, scores(factors, CLASSIC))
        assert {row.stage for row in found} == {"strict"}
        return {row.symbol: f"{row.reason.code}: {row.reason.text}" for row in found}

    def test_only_the_top_fifth_by_volatility_stays(self) -> None:
        found = self.reasons()
        assert set(found) == {"S0", "S1", "S2", "S3"}
        assert found["S3"] == "strict_natr: NATR rank must be ≥ 0.8, was 0.7"

    def test_two_at_the_top_share_the_fifth(self) -> None:
        # both rank (4.5 − 0.5) / 5 = 0.8
        assert set(self.reasons(natr=4.0)) == {"S0", "S1", "S2"}

    @pytest.mark.parametrize(
        ("last", "message"),
        [
            (
                {"efficiency_ratio": 0.3, "hurst_exponent": 0.9},
                "strict_efficiency: efficiency ratio must be < 0.3, was 0.3",
            ),
            (
                {"hurst_exponent": 0.5},
                "strict_hurst: Hurst exponent must be < 0.5, was 0.5",
            ),
            (
                {"hurst_exponent": NAN},
                "strict_hurst: Hurst exponent must be < 0.5, is missing",
            ),
            (
                {"funding_rate": 0.0},
                "strict_funding: funding rate must be > 0, was 0",
            ),
            (
                {"funding_rate": NAN},
                "strict_funding: funding rate must be > 0, is missing",
            ),
        ],
    )
    def test_first_failing_condition_is_the_reason(
        self, last: dict[str, float], message: str
    ) -> None:
        assert self.reasons(**last)["TOP"] == message

    def test_scores_of_other_factors_are_refused(self) -> None:
        with pytest.raises(ValueError, match="scores of these factors"):
            strict_exclusions(table({"A": {}}), single())


def maybe(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high) | st.just(NAN)


ROW = st.fixed_dictionaries(
    {
        "natr": st.floats(0.5, 12),
        "efficiency_ratio": st.floats(0, 1),
        "normalized_slope": maybe(-150, 150),
        "r_squared": maybe(0, 1),
        "hurst_exponent": maybe(0, 1),
        "z_score": maybe(-4, 4),
        "open_interest_ratio": maybe(0, 5),
        "funding_rate_8h": maybe(-0.01, 0.01),
        "bearish_cvd_divergence": st.sampled_from([0.0, 1.0, NAN]),
        "cvd_change_ratio": maybe(-1, 1),
    }
)
MARKETS = st.lists(ROW, min_size=1, max_size=8).map(
    lambda rows: {f"S{number}": row for number, row in enumerate(rows)}
)


class TestProperties:
    @settings(deadline=None)
    @given(
        hnp.arrays(
            np.float64,
            st.integers(1, 40),
            elements=st.floats(-3, 3) | st.integers(-2, 2).map(float),
        )
    )
    def test_percentile_rank_equals_scipy(self, values: np.ndarray) -> None:
        ref = (rankdata(values, method="average") - 0.5) / len(values)
        np.testing.assert_allclose(percentile_rank(values), ref, atol=1e-15)

    @settings(max_examples=60, deadline=None)
    @given(MARKETS)
    def test_score_is_the_sum_of_its_parts_and_in_the_unit_interval(
        self, market: dict[str, dict[str, float]]
    ) -> None:
        comp = scores(table(market), CLASSIC)
        total = sum(np.nan_to_num(comp.breakdown[name]) for name in PARTS)
        assert np.all((comp.gss >= 0) & (comp.gss <= 1))
        assert np.all((comp.confidence >= 0.4) & (comp.confidence <= 1))
        ref = np.where(comp.vetoed, 0.0, total)
        np.testing.assert_allclose(comp.gss, ref, atol=1e-15)

    @settings(max_examples=60, deadline=None)
    @given(MARKETS, st.randoms(use_true_random=False))
    def test_order_of_the_rows_does_not_matter(
        self, market: dict[str, dict[str, float]], random: Random
    ) -> None:
        names = list(market)
        random.shuffle(names)
        ref = scores(table(market), CLASSIC)
        comp = scores(table({name: market[name] for name in names}), CLASSIC)
        at = [names.index(name) for name in market]
        np.testing.assert_array_equal(comp.gss[at], ref.gss)
        np.testing.assert_array_equal(comp.rank[at], ref.rank)
        assert [comp.symbols[row] for row in comp.order] == [
            ref.symbols[row] for row in ref.order
        ]

    @settings(max_examples=60, deadline=None)
    @given(MARKETS)
    def test_dominated_symbol_keeps_the_order_of_the_others(
        self, market: dict[str, dict[str, float]]
    ) -> None:
        # lowest in both ranked factors: all other ranks move by one affine map
        worst = {"natr": 0.1, "efficiency_ratio": 1.5}
        weights = (0.5, 0.5, 0.0, 0.0)
        before = scores(table(market), CLASSIC, weights=weights)
        after = scores(table({**market, "WORST": worst}), CLASSIC, weights=weights)
        kept = [row for row in after.order if after.symbols[row] != "WORST"]
        assert [after.symbols[row] for row in kept] == [
            before.symbols[row] for row in before.order
        ]

    @settings(max_examples=60, deadline=None)
    @given(MARKETS)
    def test_ranks_count_the_better_ones(
        self, market: dict[str, dict[str, float]]
    ) -> None:
        comp = scores(table(market), CLASSIC)
        keys = [
            (not veto, round(float(gss), 12))
            for veto, gss in zip(comp.vetoed, comp.gss, strict=True)
        ]
        ref = [1 + sum(other > key for other in keys) for key in keys]
        assert comp.rank.tolist() == ref
        assert sorted(comp.order.tolist()) == list(range(len(market)))
