"""What the numbers say, in sentences: each follows from intervals and t alone."""

from grid_screening.validation.report.answers import (
    Answer,
    Verdict,
)
from grid_screening.validation.report.numbers import (
    SHARE,
    count,
    listed,
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
from grid_screening.validation.results import (
    LookAheadCheck,
    StudyResult,
)

PRODUCT_SCORE = "classic"
"""The profile that a scan uses unless told otherwise."""


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
        grid_verdict(main, result.sensitivity),
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
