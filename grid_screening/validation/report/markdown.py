"""The evidence in the README: one table between two marks."""

from grid_screening.validation.report.answers import (
    Verdict,
)
from grid_screening.validation.report.numbers import count, date, days
from grid_screening.validation.report.verdicts import (
    in_short,
    verdicts,
)
from grid_screening.validation.results import StudyResult

BEGIN = "<!-- evidence: written by validate_gss, not by hand -->"
END = "<!-- end of evidence -->"


def evidence_markdown(result: StudyResult) -> str:
    """Return what was found as Markdown between `BEGIN` and `END`.

    Answers, sentences and numbers come from the same verdicts as the page.
    """
    main, origins = result.outcome[0], result.universe
    span = ""
    if origins:
        first, last = date(origins[0].as_of_ms), date(origins[-1].as_of_ms)
        span = f" on {len(origins)} days, {first} to {last}"
    contracts = count(result.data.contract_count)
    intro = (
        f"{count(main.grid_count)} grids of {days(main.horizon_days)} were planned "
        f"from {contracts} contracts{span}, each from what was known on its day, and "
        "simulated. Questions and statistics were declared before the first run. In "
        f"brackets: 95 % intervals. {in_short(result)}"
    )
    lines = [BEGIN, intro, "", "| question | answer | numbers |", "|---|---|---|"]
    lines += [_line(verdict) for verdict in verdicts(result)]
    lines += [END]
    return "\n".join(lines)


def with_evidence(document: str, block: str) -> str:
    """Return ``document`` with ``block`` in place of the one between the marks.

    Parameters
    ----------
    document : str
        Holds `BEGIN` and then `END`, once each.
    block : str
        From `evidence_markdown`.

    Raises
    ------
    ValueError
        A mark is missing, repeated or the order is wrong.
    """
    if document.count(BEGIN) != 1 or document.count(END) != 1:
        raise ValueError(f"the document must hold {BEGIN!r} and {END!r} once each")
    before, _, rest = document.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{END!r} must come after {BEGIN!r}")
    return before + block + after


def _line(verdict: Verdict) -> str:
    cells = (verdict.question, f"**{verdict.answer}**", verdict.sentence)
    safe = (cell.replace("|", r"\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(safe)} |"
