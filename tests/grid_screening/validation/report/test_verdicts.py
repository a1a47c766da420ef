"""Sentences follow from numbers: each claim, its opposite, and neither."""

from dataclasses import replace
from math import nan

import pytest

from grid_screening.validation.report.answers import (
    UNTESTED,
    Answer,
    Side,
    side,
)
from grid_screening.validation.report.score_verdicts import (
    grid_verdict,
    profit_verdict,
    rank_verdict,
    tried_verdict,
)
from grid_screening.validation.report.stop_out_verdicts import (
    gate_verdict,
    stop_out_verdict,
    widening_verdict,
)
from grid_screening.validation.report.verdicts import (
    in_short,
    look_ahead_sentence,
    placebo_sentence,
    verdicts,
)
from grid_screening.validation.results import Estimate, Kind
from grid_screening.validation.study_settings import FINER, FINER_PLAIN
from tests.grid_screening.validation.report.samples import (
    UNKNOWN,
    bare,
    estimate,
    opposite,
    outcome,
    profit,
    rank,
    sensitivity,
    stop_out,
    study,
    widened,
)

SAFE = "classic · (1 − stop-out probability)"


@pytest.mark.parametrize(
    ("mean", "where"),
    [
        (-0.5, Side.BELOW),
        (0.5, Side.ABOVE),
        (0.1, Side.ACROSS),
        (0.0, Side.ACROSS),
    ],
)
def test_a_side_is_that_of_the_whole_interval(mean: float, where: Side) -> None:
    assert side(estimate(mean, 0.1)) is where


def test_an_interval_that_touches_zero_or_is_not_known_has_no_side() -> None:
    assert side(replace(estimate(1.0, 0.1), low=0.0)) is Side.ACROSS
    assert side(replace(estimate(1.0, 0.1), low=nan)) is Side.UNKNOWN


class TestStopOuts:
    def test_told(self) -> None:
        found = stop_out_verdict(stop_out(7, estimate(-0.0092, 0.0021)))
        assert found.answer is Answer.YES
        assert found.sentence == (
            "Out of sample, the probability of a stop-out within 7 days is told "
            "better than by the base rate: Brier score 0.1308 against 0.1400, "
            "difference −0.0092 [−0.0133, −0.0051]; AUC 0.68. 21,340 grids were "
            "predicted, 17.0 % of them were stopped; furthest off in 2025-02, "
            "13.6 % told and 21.2 % stopped."
        )

    @pytest.mark.parametrize(
        ("difference", "answer", "claim"),
        [
            (estimate(0.009, 0.002), Answer.NO, "told worse than"),
            (estimate(-0.001, 0.002), Answer.NOT_SHOWN, "is not shown to be told"),
            (UNKNOWN, Answer.UNKNOWN, UNTESTED),
        ],
    )
    def test_otherwise(self, difference: Estimate, answer: Answer, claim: str) -> None:
        found = stop_out_verdict(stop_out(3, difference))
        assert found.answer is answer
        assert claim in found.sentence
        assert "told better" not in found.sentence.replace("to be told better", "")


class TestGate:
    def test_fewer(self) -> None:
        found = gate_verdict(study().gate, 7.0)
        assert found.answer is Answer.YES
        assert found.sentence == (
            "Of the top 20 of guarded 13.0 % were stopped within 7 days, of classic "
            "20.0 %: fewer, −7.0 pp [−9.2, −4.8]. PnL differed by +0.22 % [−0.09, "
            "+0.53] of notional: no difference is shown (one of 0.45 % would have "
            "been seen). The gate admits 41.0 % of the universe."
        )

    def test_no_difference_stands_beside_what_would_have_been_seen(self) -> None:
        found = gate_verdict(opposite().gate, 7.0)
        assert found.answer is Answer.NOT_SHOWN
        assert "no difference is shown (one of 3.1 pp would have been seen)" in (
            found.sentence
        )
        assert "of notional: less" in found.sentence

    def test_more_and_richer(self) -> None:
        gate = replace(
            study().gate,
            difference=estimate(0.05, 0.01),
            pnl_difference=estimate(0.01, 0.002),
        )
        found = gate_verdict(gate, 7.0)
        assert found.answer is Answer.NO
        assert ": more, +5.0 pp" in found.sentence
        assert "of notional: more" in found.sentence

    def test_unknown(self) -> None:
        found = gate_verdict(bare().gate, 7.0)
        assert found.answer is Answer.UNKNOWN
        assert found.sentence == UNTESTED  # no numbers of what was not tested


class TestWidening:
    def test_fewer_where_the_range_is_wider(self) -> None:
        found = widening_verdict(study().widening)
        assert found.answer is Answer.YES
        assert found.sentence == (
            "Same contracts, origins and capital, against the plan's own bound: "
            "stop-outs were fewer at x = 2 (−2.0 pp), 2.5 (−6.0 pp), 3 (−9.0 pp) and "
            "4 (−12.0 pp), more at 1 (+13.0 pp) and 1.5 (+4.0 pp); PnL per margin was "
            "higher at none, lower at 1 (−0.90 %). Elsewhere no difference is shown."
        )

    def test_only_more_is_the_opposite(self) -> None:
        row = widened(3.0, estimate(0.05, 0.01), estimate(0.02, 0.002))
        found = widening_verdict((row,))
        assert found.answer is Answer.NO
        assert "fewer at x = none, more at 3 (+5.0 pp)" in found.sentence
        assert "higher at 3 (+2.00 %), lower at none" in found.sentence

    @pytest.mark.parametrize(
        ("change", "answer"),
        [(estimate(0.001, 0.01), Answer.NOT_SHOWN), (UNKNOWN, Answer.UNKNOWN)],
    )
    def test_neither(self, change: Estimate, answer: Answer) -> None:
        assert widening_verdict((widened(3.0, change, change),)).answer is answer


class TestProfit:
    def test_none_passed(self) -> None:
        found = profit_verdict(profit(0.0031), 7.0, 20)
        assert found.answer is Answer.NOT_SHOWN
        assert found.sentence == (
            "Top 20 less universe: none of 5 candidates passed (a t above 2.93 is "
            "needed); best was classic · (1 − stop-out probability) with +0.31 % "
            "[−0.10, +0.72] of notional, t +1.5. Effects smaller than 0.79 % would not "
            "have been seen: not shown is not disproved."
        )

    def test_one_passed(self) -> None:
        found = profit_verdict(profit(0.0094), 7.0, 20)
        assert found.answer is Answer.YES
        assert f"{SAFE} passed (a t above 2.93 is needed)" in found.sentence

    def test_an_interval_above_zero_is_not_enough(self) -> None:
        # t 2.4: beyond 1.96, below what five placebo scores reach
        found = profit_verdict(profit(0.0050), 7.0, 20)
        assert found.answer is Answer.NOT_SHOWN

    def test_worse_is_told(self) -> None:
        found = profit_verdict(profit(-0.0094), 7.0, 20)
        assert found.answer is Answer.NO
        assert found.sentence.endswith(f" Worse than the universe: {SAFE}.")

    def test_what_could_not_be_tested_did_not_fail(self) -> None:
        family = profit(0.001)
        rows = (replace(family.rows[0], pnl=UNKNOWN), *family.rows[1:])
        found = profit_verdict(replace(family, rows=rows), 7.0, 20)
        assert "none of the 4 of 5 candidates that could be tested passed" in (
            found.sentence
        )

    def test_detectable_effects_that_differ_are_a_span(self) -> None:
        family = profit(0.001)
        rows = (replace(family.rows[0], minimum_detectable=0.002), *family.rows[1:])
        found = profit_verdict(replace(family, rows=rows), 7.0, 20)
        assert "smaller than 0.20 % to 0.79 %" in found.sentence

    @pytest.mark.parametrize("critical", [nan, 2.93])
    def test_unknown(self, critical: float) -> None:
        rows = tuple(
            replace(row, critical_value=critical) for row in bare().profit.rows
        )
        family = replace(bare().profit, rows=rows)
        assert profit_verdict(family, 7.0, 20).answer is Answer.UNKNOWN


class TestRank:
    @pytest.mark.parametrize(
        ("actual", "control", "answer"),
        [
            (0.25, 0.05, Answer.YES),
            (0.11, 0.10, Answer.NOT_SHOWN),
            (0.02, 0.20, Answer.NO),
            (-0.2, -0.4, Answer.NOT_SHOWN),
        ],
    )
    def test_it_must_lie_above_the_control(
        self, actual: float, control: float, answer: Answer
    ) -> None:
        found = rank_verdict(rank("classic", Kind.PROFILE, actual, control, 0.0))
        assert found.answer is answer

    def test_the_paired_difference_decides_where_the_intervals_meet(self) -> None:
        row = rank("classic", Kind.PROFILE, 0.11, 0.08, 0.0)
        assert row.outcomes["pnl"].low < row.outcomes["shuffled"].high
        paired = {**row.outcomes, "pnl_less_shuffled": estimate(0.03, 0.005)}
        found = rank_verdict(replace(row, outcomes=paired))
        assert found.answer is Answer.YES
        assert found.sentence == (
            "Rank-IC with PnL per notional +0.110 [+0.071, +0.149], with other "
            "contracts' outcomes put in place +0.080 [+0.056, +0.104]; difference "
            "+0.030 [+0.020, +0.040]: more than size alone gives. In rank only: that "
            "is not money, and what the lists earn is told by their PnL."
        )

    def test_above_the_control_but_not_above_zero_is_not_shown(self) -> None:
        found = rank_verdict(rank("classic", Kind.PROFILE, -0.2, -0.4, 0.0))
        assert found.sentence.endswith("but above zero it is not shown to be.")

    def test_unknown(self) -> None:
        assert rank_verdict(bare().rank[0]).answer is Answer.UNKNOWN


class TestGrid:
    @pytest.mark.parametrize(
        ("change", "answer", "claim"),
        [
            (
                estimate(0.004, 0.001),
                Answer.YES,
                "made +0.40 % [+0.20, +0.60]: a gain.",
            ),
            (
                estimate(-0.004, 0.001),
                Answer.NO,
                "made −0.40 % [−0.60, −0.20]: a loss.",
            ),
            (
                estimate(0.001, 0.001),
                Answer.NOT_SHOWN,
                ": no effect is shown (one of 0.28 % would",
            ),
            (UNKNOWN, Answer.UNKNOWN, UNTESTED),
        ],
    )
    def test_what_trading_added(
        self, change: Estimate, answer: Answer, claim: str
    ) -> None:
        found = grid_verdict(replace(outcome(7.0), grid_less_static=change))
        assert found.answer is answer
        assert claim in found.sentence

    @pytest.mark.parametrize(
        ("finer", "answer", "claim"),
        [
            (
                estimate(-0.0004, 0.0016),
                Answer.NOT_SHOWN,
                "it made −0.04 % [−0.35, +0.27] on them instead of −0.23 % [−0.43,",
            ),
            (estimate(-0.004, 0.001), Answer.NO, "−0.20] on them instead of"),
            (estimate(0.004, 0.001), Answer.NOT_SHOWN, ": a gain."),
            (UNKNOWN, Answer.NO, "[−0.60, −0.20]: a loss."),
        ],
    )
    def test_finer_bars_must_confirm_it(
        self, finer: Estimate, answer: Answer, claim: str
    ) -> None:
        main = replace(outcome(7.0), grid_less_static=estimate(-0.004, 0.001))
        rows = (
            sensitivity("plan"),
            replace(sensitivity(FINER), grid_less_static=finer, grid_count=4_723),
            sensitivity(FINER_PLAIN),
        )
        found = grid_verdict(main, rows)
        assert found.answer is answer
        assert claim in found.sentence
        assert grid_verdict(main, rows[:1]).answer is Answer.NO

    def test_finer_bars_alone_show_nothing(self) -> None:
        main = replace(outcome(7.0), grid_less_static=estimate(0.001, 0.001))
        row = replace(sensitivity(FINER), grid_less_static=estimate(0.004, 0.001))
        assert grid_verdict(main, (row,)).answer is Answer.NOT_SHOWN


def test_what_was_tried_is_counted() -> None:
    rows = study().tried
    found = tried_verdict(rows)
    assert found.answer is Answer.YES
    assert found.sentence == (
        "Of 30 tests, 3 stand at a false discovery rate of 5 % (p-values from placebo "
        "scores): rank-IC not_stopped. About money earned by a list: 0."
    )
    paid = replace(rows[1], discovered=True)
    assert "earned by a list: 1." in tried_verdict((paid, *rows)).sentence
    assert tried_verdict(opposite().tried).answer is Answer.NOT_SHOWN
    assert tried_verdict(()).answer is Answer.UNKNOWN


def test_a_change_by_later_prices_is_a_bug_and_said_so() -> None:
    assert look_ahead_sentence(study().look_ahead).endswith("plans none changed.")
    assert "CHANGED" in look_ahead_sentence(opposite().look_ahead)
    assert "was not checked" in look_ahead_sentence(bare().look_ahead)
    assert placebo_sentence("rank-IC", 0.05, 0.21) == (
        "rank-IC: a nominal 5.0 % test rejects 21.0 % of scores without meaning."
    )


def test_answers_keep_the_declared_order_and_turn_with_the_numbers() -> None:
    told = [verdict.answer for verdict in verdicts(study())]
    turned = [verdict.answer for verdict in verdicts(opposite())]
    assert told == [
        Answer.YES, Answer.YES, Answer.YES,  # stop-outs at three horizons
        Answer.YES, Answer.YES, Answer.NOT_SHOWN,  # gate, width, profit
        Answer.NOT_SHOWN, Answer.NO, Answer.YES,  # ranks, grid, tests
    ]  # fmt: skip
    assert turned == [
        Answer.NOT_SHOWN, Answer.NO, Answer.NOT_SHOWN, Answer.NOT_SHOWN, Answer.YES,
        Answer.YES, Answer.YES, Answer.NOT_SHOWN,
    ]  # fmt: skip
    assert {verdict.answer for verdict in verdicts(bare())} == {Answer.UNKNOWN}


def test_the_short_answer_turns_with_the_numbers() -> None:
    assert in_short(study()) == (
        "Stop-outs foretold within 7, 3 and 14 days: yes; fewer stop-outs behind the "
        "gate: yes; fewer with a wider range: yes; more profit by any score: not "
        "shown."
    )
    assert in_short(opposite()) == (
        "Stop-outs foretold within 3 days: no: the opposite; stop-outs foretold within "
        "7 days: not shown; fewer stop-outs behind the gate: not shown; fewer with a "
        "wider range: not shown; more profit by any score: yes."
    )
