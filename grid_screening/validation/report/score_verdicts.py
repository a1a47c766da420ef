"""What the numbers say on scores, money and the number of tests."""

from math import isfinite, isnan

from grid_screening.validation.report.answers import (
    Answer,
    Side,
    Verdict,
    answer_of,
    seen_from,
    side,
)
from grid_screening.validation.report.numbers import (
    CORRELATION,
    PLAIN,
    PNL,
    days,
    listed,
    with_interval,
)
from grid_screening.validation.results import (
    OutcomeSummary,
    ProfitFamily,
    RankRow,
    TriedRow,
)


def profit_verdict(family: ProfitFamily, horizon_days: float, top: int) -> Verdict:
    """Say whether a candidate earns more: yes, if its t passes the placebos' point."""
    question = f"Does any score pick grids that earn more within {days(horizon_days)}?"
    tested = [row for row in family.rows if not isnan(row.pnl.t + row.critical_value)]
    if not tested:
        sentence = "No candidate could be tested."
        return Verdict(question=question, answer=Answer.UNKNOWN, sentence=sentence)
    best = max(tested, key=lambda row: row.pnl.t)
    passed = [row for row in tested if row.ships]
    worse = [row for row in tested if row.pnl.t < -row.critical_value]
    needed = f"a t above {PLAIN.text(best.critical_value)} is needed"
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
        Side.ACROSS: "no effect is shown" + seen_from(outcome.grid_less_static, PNL),
        Side.UNKNOWN: "could not be tested",
    }[where]
    return Verdict(
        question="Does the grid earn more than the short it begins with?",
        answer=answer_of(where, wanted=Side.ABOVE),
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


def _tested(tested: int, family: ProfitFamily) -> str:
    declared = len(family.rows)
    if tested == declared:
        return f"{declared} candidates"
    return f"the {tested} of {declared} candidates that could be tested"


def _least(effects: list[float]) -> str:
    first, last = (PNL.text(end).lstrip("+") for end in (min(effects), max(effects)))
    return first if first == last else f"{first} to {last}"


def _signed(t: float) -> str:
    return f"{t:+.1f}".replace("-", "−")
