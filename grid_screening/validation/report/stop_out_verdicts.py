"""What the numbers say on stop-outs: the model, the gate, the wider range."""

from math import isfinite

from grid_screening.validation.report.answers import (
    UNTESTED,
    Answer,
    Side,
    Verdict,
    answer_of,
    seen_from,
    side,
)
from grid_screening.validation.report.numbers import (
    BRIER,
    PLAIN,
    PNL,
    POINTS,
    PROBABILITY,
    SHARE,
    count,
    days,
    listed,
    with_interval,
)
from grid_screening.validation.results import (
    Estimate,
    GateResult,
    StopOutRow,
    WideningRow,
)

_LEAST_MONTHS = 2


def stop_out_verdict(row: StopOutRow) -> Verdict:
    """Say whether stop-outs can be told: yes, if the Brier difference is below zero."""
    where = side(row.difference)
    question = f"Can a stop-out within {days(row.horizon_days)} be told?"
    if where is Side.UNKNOWN:
        return Verdict(question=question, answer=Answer.UNKNOWN, sentence=UNTESTED)
    told = {
        Side.BELOW: "is told better than by the base rate",
        Side.ABOVE: "is told worse than by the base rate",
        Side.ACROSS: "is not shown to be told better than by the base rate",
    }[where]
    return Verdict(
        question=question,
        answer=answer_of(where, wanted=Side.BELOW),
        sentence=(
            f"Out of sample, the probability of a stop-out within "
            f"{days(row.horizon_days)} {told}: Brier score "
            f"{PROBABILITY.text(row.brier)} against "
            f"{PROBABILITY.text(row.base_brier)}, difference "
            f"{with_interval(row.difference, BRIER)}; AUC {PLAIN.text(row.auc)}. "
            f"{count(row.count)} grids were predicted, {SHARE.text(row.base_rate)} "
            f"of them were stopped{_furthest(row)}."
        ),
    )


def _furthest(row: StopOutRow) -> str:
    # the month that the probability missed by most: what an interval hides
    months = [month for month in row.months if isfinite(month.predicted)]
    if len(months) < _LEAST_MONTHS:
        return ""
    worst = max(months, key=lambda month: abs(month.stopped - month.predicted))
    return (
        f"; furthest off in {worst.month}, {SHARE.text(worst.predicted)} told and "
        f"{SHARE.text(worst.stopped)} stopped"
    )


def gate_verdict(gate: GateResult, horizon_days: float) -> Verdict:
    """Say whether the gate lowers stop-outs: yes, if the difference is below zero."""
    where = side(gate.difference)
    question = "Does the gate (guarded) have fewer stop-outs?"
    if where is Side.UNKNOWN:
        return Verdict(question=question, answer=Answer.UNKNOWN, sentence=UNTESTED)
    told = {
        Side.BELOW: "fewer",
        Side.ABOVE: "more",
        Side.ACROSS: "no difference is shown" + seen_from(gate.difference, POINTS),
    }[where]
    return Verdict(
        question=question,
        answer=answer_of(where, wanted=Side.BELOW),
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


def _money(difference: Estimate) -> str:
    return {
        Side.ABOVE: ": more",
        Side.BELOW: ": less",
        Side.ACROSS: ": no difference is shown" + seen_from(difference, PNL),
        Side.UNKNOWN: ": could not be tested",
    }[side(difference)]


def _fewer(rows: list[WideningRow]) -> str:
    changes = [(row.x, POINTS.text(row.stopped_difference.mean)) for row in rows]
    return listed([f"{x:g} ({change})" for x, change in changes])


def _earned(rows: list[WideningRow]) -> str:
    changes = [(row.x, PNL.text(row.pnl_difference.mean)) for row in rows]
    return listed([f"{x:g} ({change})" for x, change in changes])
