"""An explanation for a terminal, and as plain values."""

from collections.abc import Iterator
from typing import Any

from grid_screening.cli.lines import aligned, wrapped
from grid_screening.counterfactuals import SCORE_INPUTS, Counterfactual
from grid_screening.explanation import Explanation, FailedFilter, Status
from grid_screening.gate import CANDIDATES_PER_PLACE
from grid_screening.reports.document import plain, stop_out_document
from grid_screening.reports.stop_out_text import probability, stop_out_inputs
from grid_screening.reports.wording import MARKS, percent, rounded
from grid_screening.score_parts import NOUNS, PARTS

_NOUN_OF_FACTOR = {spec.factor: spec.noun for spec in SCORE_INPUTS}
_OPTIONAL = ("volatility_displacement_bonus",)
_INDENT = "  "


def explanation_text(found: Explanation, *, width: int = 80) -> str:
    """Return ``found`` as lines of at most ``width`` cells, the last one ended."""
    lines = wrapped(_headline(found), width, then=_INDENT)
    for text in (*_failures(found), *_score(found)):
        lines += wrapped(text, width, first=_INDENT, then=2 * _INDENT)
    if found.gss is not None:
        parts = [(p, rounded(found.parts[p], 3), _terms(found, p)) for p in PARTS]
        lines += aligned(parts, width, indent=4)
    lines += _changes(found, width)
    return "\n".join(lines) + "\n"


def explanation_document(found: Explanation) -> dict[str, Any]:
    """Return ``found`` as plain values; numbers in the units of the report."""
    changes = found.counterfactuals
    return {
        "symbol": found.symbol,
        "status": found.status.value,
        "rank": found.rank,
        "rank_interval": plain(found.rank_interval),
        "scored": found.scored,
        "top": found.top,
        "gss": plain(found.gss),
        "confidence": plain(found.confidence),
        "parts": plain(found.parts),
        "terms": [
            {
                "name": term.name,
                "part": term.part,
                "points": plain(term.points),
                "contribution": plain(term.contribution),
            }
            for term in found.terms
        ],
        "factors": plain(found.factors),
        "marks": list(found.marks),
        "missing": [
            {"factor": m.factor, "confidence_lost": plain(m.confidence_lost)}
            for m in found.missing
        ],
        "failures": [_failure_document(failure) for failure in found.failures],
        "rank_if_admitted": found.rank_if_admitted,
        "stop_out": stop_out_document(found.stop_out),
        "is_behind_gate": found.is_behind_gate,
        "counterfactuals": None
        if changes is None
        else {
            "changes": [_change_document(change) for change in changes.changes],
            "insufficient": list(changes.insufficient),
            "missing": list(changes.missing),
        },
    }


def _failure_document(failure: FailedFilter) -> dict[str, Any]:
    reason = failure.exclusion.reason
    return {
        "stage": failure.exclusion.stage,
        "reason": {
            "code": reason.code,
            "text": reason.text,
            "value": plain(reason.value),
            "limit": plain(reason.limit),
        },
        "needs": failure.needs,
    }


def _change_document(change: Counterfactual) -> dict[str, Any]:
    return {
        "factor": change.factor,
        "value": plain(change.value),
        "target": plain(change.target),
        "spreads": plain(change.spreads),
        "needs": change.needs,
    }


def _headline(found: Explanation) -> str:
    scored = f"of {found.scored} scored"
    if found.status is Status.EXCLUDED:
        count = len(found.failures)
        return f"{found.symbol}: excluded, {count} filter{'s' * (count > 1)} in its way"
    if found.status is Status.VETOED:
        return f"{found.symbol}: vetoed (steep, straight up-trend), score 0, {scored}"
    listed = "listed" if found.status is Status.RANKED else "not listed"
    below = ""
    if found.status is Status.NOT_LISTED:
        below = f", the list ends at {found.top}"
        if found.rank is not None and found.rank <= found.top:
            below = ", members of the earlier list hold its place"
    interval = ""
    if found.rank_interval is not None:
        interval = f" ({found.rank_interval[0]}–{found.rank_interval[1]})"
    return f"{found.symbol}: {listed}, rank {found.rank}{interval} {scored}{below}"


def _failures(found: Explanation) -> Iterator[str]:
    for failure in found.failures:
        stage = failure.exclusion.stage.replace("_", " ")
        needs = "" if failure.needs is None else f"; {failure.needs}"
        yield f"fails “{stage}”: {failure.exclusion.reason.text}{needs}"
    if found.status is not Status.EXCLUDED:
        return
    if found.rank_if_admitted is not None:
        yield (
            f"without its filters it would be rank {found.rank_if_admitted} "
            f"of {found.scored + 1}"
        )
    elif found.counterfactuals is None:
        yield "no rank without its filters: its bars are not there or do not move"
    else:
        yield "without its filters it would be vetoed (steep, straight up-trend)"


def _score(found: Explanation) -> Iterator[str]:
    for missing in found.missing:
        noun = _noun(missing.factor)
        yield f"{noun} is missing: confidence −{missing.confidence_lost:.3g}"
    for mark in found.marks:
        letter, meaning = MARKS[mark]
        yield f"mark {letter}: {meaning}"
    yield from _stop_out(found)
    if found.gss is not None:
        confidence = rounded(found.confidence, 2)
        yield f"GSS {rounded(found.gss, 3)} of 1, confidence {confidence}:"


def _stop_out(found: Explanation) -> Iterator[str]:
    if found.is_behind_gate:
        yield (
            "its grid was not measured: the gate of this profile looks at the first "
            f"{CANDIDATES_PER_PLACE * found.top} only"
        )
    outlook = found.stop_out
    if outlook is None:
        return
    shares = ", ".join(
        f"{e.horizon_days} days {probability(e.probability, e.low, e.high)}"
        for e in outlook.estimates
    )
    level = percent(outlook.level)
    yield f"share of such grids stopped out within {shares}; {level} intervals"
    yield f"told from {stop_out_inputs(outlook)}"


def _terms(found: Explanation, part: str) -> str:
    # what no scan fetched for anybody needs no line of its own
    return ", ".join(
        f"{NOUNS[term.name]} {rounded(term.points, 2)}"
        for term in found.terms
        if term.part == part and not (term.points is None and term.name in _OPTIONAL)
    )


def _changes(found: Explanation, width: int) -> list[str]:
    changes = found.counterfactuals
    if changes is None:
        return []
    admitted = "if admitted, " if found.failures else ""
    place = f"list it among the first {found.top}" if found.top else "lift the veto"
    lines = []
    if changes.changes:
        lead = f"{admitted}any one of these would {place}, most plausible first:"
        lines += wrapped(lead, width, first=_INDENT, then=2 * _INDENT)
        rows = [(change.needs, _how_far(change)) for change in changes.changes]
        lines += aligned(rows, width, indent=4)
    if changes.insufficient:
        nouns = ", ".join(_noun(factor) for factor in changes.insufficient)
        text = f"{admitted}no change of one of these alone would {place}: {nouns}"
        lines += wrapped(text, width, first=_INDENT, then=2 * _INDENT)
    return lines


def _how_far(change: Counterfactual) -> str:
    if change.spreads is None:
        return "the same for all"
    return f"{change.spreads:.2f} σ of all contracts"


def _noun(factor: str) -> str:
    return _NOUN_OF_FACTOR[factor]
