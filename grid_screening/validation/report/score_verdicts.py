"""What the numbers say on scores, money and the number of tests."""

from math import isnan

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
    CORRELATION,
    PLAIN,
    PNL,
    count,
    days,
    listed,
    with_interval,
)
from grid_screening.validation.results import (
    LESS_SHUFFLED,
    OutcomeSummary,
    ProfitFamily,
    RankRow,
    SensitivityRow,
    TriedRow,
)
from grid_screening.validation.study_settings import FINER, FINER_PLAIN


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
    """Say whether rank correlation with PnL is more than size alone gives.

    Yes, if the correlation and its difference to the control, origin by origin, lie
    above zero.
    """
    actual, control = row.outcomes["pnl"], row.outcomes["shuffled"]
    more = row.outcomes[LESS_SHUFFLED]
    question = f"Is {row.name}'s rank correlation with PnL more than volatility?"
    if side(more) is Side.UNKNOWN:
        return Verdict(question=question, answer=Answer.UNKNOWN, sentence=UNTESTED)
    where, answer = side(more), answer_of(side(more), wanted=Side.ABOVE)
    told = {
        Side.ABOVE: "more than size alone gives. In rank only: that is not money, and "
        "what the lists earn is told by their PnL",
        Side.BELOW: "less than size alone gives",
        Side.ACROSS: "more than size alone gives is not shown"
        + seen_from(more, CORRELATION),
    }[where]
    if where is Side.ABOVE and side(actual) is not Side.ABOVE:
        answer = Answer.NOT_SHOWN
        told = "more than size alone gives, but above zero it is not shown to be"
    return Verdict(
        question=question,
        answer=answer,
        sentence=(
            f"Rank-IC with PnL per notional {with_interval(actual, CORRELATION)}, with "
            "other contracts' outcomes put in place "
            f"{with_interval(control, CORRELATION)}; difference "
            f"{with_interval(more, CORRELATION)}: {told}."
        ),
    )


def grid_verdict(
    outcome: OutcomeSummary, sensitivity: tuple[SensitivityRow, ...] = ()
) -> Verdict:
    """Say whether the grid adds to the short position that it begins with.

    Parameters
    ----------
    outcome : OutcomeSummary
    sensitivity : tuple of SensitivityRow
        On finer bars the same grids find more fills: what those do not confirm is
        not shown. Without them the study's bars alone decide.
    """
    where = side(outcome.grid_less_static)
    question = "Does the grid earn more than the short it begins with?"
    if where is Side.UNKNOWN:
        return Verdict(question=question, answer=Answer.UNKNOWN, sentence=UNTESTED)
    rows = {row.name: row for row in sensitivity}
    finer = rows.get(FINER)
    if finer is not None and side(finer.grid_less_static) is Side.UNKNOWN:
        finer = None
    answer = answer_of(where, wanted=Side.ABOVE)
    if finer is not None and answer in {Answer.YES, Answer.NO}:
        same = side(finer.grid_less_static) is where
        answer = answer if same else Answer.NOT_SHOWN
    told = {
        Side.ABOVE: "a gain",
        Side.BELOW: "a loss",
        Side.ACROSS: "no effect is shown" + seen_from(outcome.grid_less_static, PNL),
    }[where]
    return Verdict(
        question=question,
        answer=answer,
        sentence=(
            f"Over {days(outcome.horizon_days)} the planned grids earned "
            f"{with_interval(outcome.pnl, PNL)} of notional, the initial short alone "
            f"{with_interval(outcome.static_short, PNL)}; trading on top of it made "
            f"{with_interval(outcome.grid_less_static, PNL)}: {told}."
            + ("" if finer is None else _on_finer_bars(finer, rows.get(FINER_PLAIN)))
        ),
    )


def _on_finer_bars(finer: SensitivityRow, plain: SensitivityRow | None) -> str:
    told = {
        Side.ABOVE: "a gain",
        Side.BELOW: "a loss",
    }.get(side(finer.grid_less_static), "neither gain nor loss is shown")
    beside = ""
    if plain is not None:
        beside = f" instead of {with_interval(plain.grid_less_static, PNL)}"
    return (
        f" Coarse bars miss fills: where finer ones exist ({count(finer.grid_count)} "
        f"grids), it made {with_interval(finer.grid_less_static, PNL)} on them"
        f"{beside}: {told}."
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
