"""What the numbers say, in sentences: each follows from intervals and t alone."""

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite, isnan

from grid_screening.validation.mean_estimates import minimum_detectable_effect
from grid_screening.validation.report.numbers import (
    BRIER,
    CORRELATION,
    PLAIN,
    PNL,
    POINTS,
    PROBABILITY,
    SHARE,
    Unit,
    count,
    days,
    listed,
    with_interval,
)
from grid_screening.validation.results import (
    Estimate,
    GateResult,
    LookAheadCheck,
    OutcomeSummary,
    ProfitFamily,
    RankRow,
    StopOutRow,
    StudyResult,
    TriedRow,
    WideningRow,
)

PRODUCT_SCORE = "classic"
"""The profile that a scan uses unless told otherwise."""


class Answer(StrEnum):
    """What a question got."""

    YES = "yes"
    NO = "no: the opposite"
    NOT_SHOWN = "not shown"
    UNKNOWN = "could not be tested"


class Side(StrEnum):
    """Where an interval lies."""

    BELOW = "below"
    ABOVE = "above"
    ACROSS = "across"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A question, its answer, and the numbers it follows from."""

    question: str
    answer: Answer
    sentence: str


def side(estimate: Estimate) -> Side:
    """Return on which side of zero the whole 95 % interval lies."""
    if not (isfinite(estimate.low) and isfinite(estimate.high)):
        return Side.UNKNOWN
    if estimate.high < 0:
        return Side.BELOW
    return Side.ABOVE if estimate.low > 0 else Side.ACROSS


def stop_out_verdict(row: StopOutRow) -> Verdict:
    """Say whether stop-outs can be told: yes, if the Brier difference is below zero."""
    where = side(row.difference)
    told = {
        Side.BELOW: "is told better than by the base rate",
        Side.ABOVE: "is told worse than by the base rate",
        Side.ACROSS: "is not shown to be told better than by the base rate",
        Side.UNKNOWN: "could not be tested (too few weeks)",
    }[where]
    return Verdict(
        question=f"Can a stop-out within {days(row.horizon_days)} be told?",
        answer=_answer(where, wanted=Side.BELOW),
        sentence=(
            f"Out of sample, the probability of a stop-out within "
            f"{days(row.horizon_days)} {told}: Brier score "
            f"{PROBABILITY.text(row.brier)} against "
            f"{PROBABILITY.text(row.base_brier)}, difference "
            f"{with_interval(row.difference, BRIER)}; AUC {PLAIN.text(row.auc)}. "
            f"{count(row.count)} grids were predicted, {SHARE.text(row.base_rate)} "
            "of them were stopped."
        ),
    )


def gate_verdict(gate: GateResult, horizon_days: float) -> Verdict:
    """Say whether the gate lowers stop-outs: yes, if the difference is below zero."""
    where = side(gate.difference)
    told = {
        Side.BELOW: "fewer",
        Side.ABOVE: "more",
        Side.ACROSS: "no difference is shown" + _seen_from(gate.difference, POINTS),
        Side.UNKNOWN: "could not be tested",
    }[where]
    return Verdict(
        question="Does the gate (guarded) have fewer stop-outs?",
        answer=_answer(where, wanted=Side.BELOW),
        sentence=(
            f"Of the top {gate.top} of guarded {SHARE.text(gate.guarded_stopped.mean)} "
            f"were stopped within {days(horizon_days)}, of classic "
            f"{SHARE.text(gate.classic_stopped.mean)}: {told}, "
            f"{with_interval(gate.difference, POINTS)}. "
            f"PnL differed by {with_interval(gate.pnl_difference, PNL)} of notional"
            f"{_money(gate.pnl_difference)}. The gate admits "
            f"{SHARE.text(gate.admitted)} of the universe."
        ),
    )


def widening_verdict(rows: tuple[WideningRow, ...]) -> Verdict:
    """Say whether a wider range lowers stop-outs, and what it costs."""
    fewer = [row for row in rows if side(row.stopped_difference) is Side.BELOW]
    more = [row for row in rows if side(row.stopped_difference) is Side.ABOVE]
    known = [row for row in rows if side(row.stopped_difference) is not Side.UNKNOWN]
    question = "Does moving the upper bound away lower stop-outs?"
    if not known:
        sentence = "No moved bound could be compared with the plan's own."
        return Verdict(question=question, answer=Answer.UNKNOWN, sentence=sentence)
    answer = Answer.YES if fewer else Answer.NO if more else Answer.NOT_SHOWN
    richer = [row for row in rows if side(row.pnl_difference) is Side.ABOVE]
    poorer = [row for row in rows if side(row.pnl_difference) is Side.BELOW]
    return Verdict(
        question=question,
        answer=answer,
        sentence=(
            "Same contracts, origins and capital, against the plan's own bound: "
            f"stop-outs were fewer at x = {_fewer(fewer)}, "
            f"more at {_fewer(more)}; PnL per margin was higher at "
            f"{_earned(richer)}, lower at {_earned(poorer)}. Elsewhere no "
            "difference is shown."
        ),
    )


def profit_verdict(family: ProfitFamily, horizon_days: float, top: int) -> Verdict:
    """Say whether a candidate earns more: yes, if its t passes the placebos' point."""
    question = f"Does any score pick grids that earn more within {days(horizon_days)}?"
    tested = [row for row in family.rows if not isnan(row.pnl.t)]
    if not tested or isnan(family.critical_value):
        sentence = "No candidate could be tested."
        return Verdict(question=question, answer=Answer.UNKNOWN, sentence=sentence)
    best = max(tested, key=lambda row: row.pnl.t)
    passed = [row for row in tested if row.pnl.t > family.critical_value]
    worse = [row for row in tested if row.pnl.t < -family.critical_value]
    needed = f"a t above {PLAIN.text(family.critical_value)} is needed"
    best_text = (
        f"{best.name} with {with_interval(best.pnl, PNL)} of notional, "
        f"t {_signed(best.pnl.t)}"
    )
    if passed:
        names = listed([row.name for row in passed])
        start = (
            f"Top {top} less universe: {names} passed ({needed}); best is {best_text}."
        )
    else:
        start = (
            f"Top {top} less universe: none of {_tested(len(tested), family)} passed "
            f"({needed}); best was {best_text}. Effects smaller than "
            f"{_least([row.minimum_detectable for row in tested])} would not have been "
            "seen: not shown is not disproved."
        )
    names = listed([row.name for row in worse])
    end = f" Worse than the universe: {names}." if worse else ""
    answer = Answer.YES if passed else Answer.NO if worse else Answer.NOT_SHOWN
    return Verdict(question=question, answer=answer, sentence=start + end)


def rank_verdict(row: RankRow) -> Verdict:
    """Say whether rank correlation with PnL is more than size alone gives."""
    actual, control = row.outcomes["pnl"], row.outcomes["shuffled"]
    known = all(isfinite(x) for x in (actual.low, actual.high, control.high))
    if not known:
        answer, told = Answer.UNKNOWN, "it could not be compared"
    elif actual.low > control.high and actual.low > 0:
        answer, told = Answer.YES, "the intervals do not meet"
    elif actual.high < control.low:
        answer, told = Answer.NO, "it is below what size alone gives"
    else:
        answer = Answer.NOT_SHOWN
        told = "the intervals meet, so more than size alone gives is not shown"
    return Verdict(
        question=f"Is {row.name}'s rank correlation with PnL more than volatility?",
        answer=answer,
        sentence=(
            f"Rank-IC with PnL per notional {with_interval(actual, CORRELATION)}, with "
            "other contracts' outcomes put in place "
            f"{with_interval(control, CORRELATION)}: {told}."
        ),
    )


def grid_verdict(outcome: OutcomeSummary) -> Verdict:
    """Say whether the grid adds to the short position that it begins with."""
    where = side(outcome.grid_less_static)
    told = {
        Side.ABOVE: "a gain",
        Side.BELOW: "a loss",
        Side.ACROSS: "no effect is shown" + _seen_from(outcome.grid_less_static, PNL),
        Side.UNKNOWN: "could not be tested",
    }[where]
    return Verdict(
        question="Does the grid earn more than the short it begins with?",
        answer=_answer(where, wanted=Side.ABOVE),
        sentence=(
            f"Over {days(outcome.horizon_days)} the planned grids earned "
            f"{with_interval(outcome.pnl, PNL)} of notional, the initial short alone "
            f"{with_interval(outcome.static_short, PNL)}; trading on top of it made "
            f"{with_interval(outcome.grid_less_static, PNL)}: {told}."
        ),
    )


def tried_verdict(rows: tuple[TriedRow, ...]) -> Verdict:
    """Say how much of everything tried stands against multiple testing."""
    stands = [row for row in rows if row.discovered]
    money = [row for row in stands if "pnl" in row.statistic.lower()]
    answer = Answer.YES if stands else Answer.NOT_SHOWN
    what = listed(sorted({row.statistic for row in stands}))
    excess = [row for row in money if "rank" not in row.statistic.lower()]
    sentence = (
        f"Of {len(rows)} tests, {len(stands)} stand at a false discovery rate of 5 % "
        f"(p-values from placebo scores): {what}. "
        f"About money earned by a list: {len(excess)}."
    )
    if not rows:
        answer, sentence = Answer.UNKNOWN, "Nothing was tested."
    return Verdict(
        question="What stands against the number of tests?",
        answer=answer,
        sentence=sentence,
    )


def look_ahead_sentence(check: LookAheadCheck) -> str:
    """Return whether later prices changed an earlier choice."""
    looked = (
        f"Prices after {len(check.origins_ms)} origins were replaced: of "
        f"{count(check.contracts)} scores and plans "
    )
    if check.contracts == 0:
        return "Whether later prices change earlier choices was not checked."
    if check.changed == 0:
        return f"{looked}none changed."
    return f"{looked}{count(check.changed)} CHANGED: the study sees the future, a bug."


def placebo_sentence(name: str, nominal: float, rejected: float) -> str:
    """Return what a nominal test does on scores that mean nothing."""
    return (
        f"{name}: a nominal {SHARE.text(nominal)} test rejects "
        f"{SHARE.text(rejected)} of scores without meaning."
    )


def verdicts(result: StudyResult) -> tuple[Verdict, ...]:
    """Return the answers in the order in which the questions were declared."""
    main = result.outcome[0]
    ranks = [row for row in result.rank if row.name == PRODUCT_SCORE]
    return (
        *(stop_out_verdict(row) for row in result.stop_out),
        gate_verdict(result.gate, main.horizon_days),
        widening_verdict(result.widening),
        profit_verdict(result.profit, main.horizon_days, result.gate.top),
        *(rank_verdict(row) for row in ranks[:1]),
        grid_verdict(main),
        tried_verdict(result.tried),
    )


def in_short(result: StudyResult) -> str:
    """Return the declared questions' answers in one line."""
    main = result.outcome[0]
    parts = []
    for answer in Answer:
        horizons = [
            f"{row.horizon_days}"
            for row in result.stop_out
            if stop_out_verdict(row).answer is answer
        ]
        if horizons:
            parts.append(f"stop-outs foretold within {listed(horizons)} days: {answer}")
    gate = gate_verdict(result.gate, main.horizon_days).answer
    wider = widening_verdict(result.widening).answer
    money = profit_verdict(result.profit, main.horizon_days, result.gate.top).answer
    parts += [
        f"fewer stop-outs behind the gate: {gate}",
        f"fewer with a wider range: {wider}",
        f"more profit by any score: {money}",
    ]
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _answer(where: Side, *, wanted: Side) -> Answer:
    if where is Side.UNKNOWN:
        return Answer.UNKNOWN
    if where is Side.ACROSS:
        return Answer.NOT_SHOWN
    return Answer.YES if where is wanted else Answer.NO


def _seen_from(estimate: Estimate, unit: Unit) -> str:
    least = minimum_detectable_effect(estimate.standard_error)
    if isnan(least):
        return ""
    return f" (one of {unit.text(least).lstrip('+')} would have been seen)"


def _money(difference: Estimate) -> str:
    return {
        Side.ABOVE: ": more",
        Side.BELOW: ": less",
        Side.ACROSS: ": no difference is shown" + _seen_from(difference, PNL),
        Side.UNKNOWN: ": could not be tested",
    }[side(difference)]


def _tested(tested: int, family: ProfitFamily) -> str:
    declared = len(family.rows)
    if tested == declared:
        return f"{declared} candidates"
    return f"the {tested} of {declared} candidates that could be tested"


def _least(effects: list[float]) -> str:
    first, last = (PNL.text(end).lstrip("+") for end in (min(effects), max(effects)))
    return first if first == last else f"{first} to {last}"


def _fewer(rows: list[WideningRow]) -> str:
    changes = [(row.x, POINTS.text(row.stopped_difference.mean)) for row in rows]
    return listed([f"{x:g} ({change})" for x, change in changes])


def _earned(rows: list[WideningRow]) -> str:
    changes = [(row.x, PNL.text(row.pnl_difference.mean)) for row in rows]
    return listed([f"{x:g} ({change})" for x, change in changes])


def _signed(t: float) -> str:
    return f"{t:+.1f}".replace("-", "−")
