"""A finished scan in the form that was asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

from grid_screening.cli.job import FinishedScan
from monitor.cli.exit_codes import UsageError

FORMS_WITHOUT_ADDENDA = ("csv",)


def check_addenda(options: Mapping[str, Any]) -> None:
    """Refuse a form that has no place for what was asked.

    Raises
    ------
    UsageError
        Names the flag and the forms that have one.
    """
    form = options["format"]
    for flag in ("explain", "diff"):
        if form in FORMS_WITHOUT_ADDENDA and options[flag] is not None:
            raise UsageError(
                f"--format {form} has no place for --{flag}; table, json, markdown "
                "and html have"
            )


def rendered(done: FinishedScan, form: str, *, width: int, color: bool) -> str:
    """Return ``done`` as ``form``; ``width`` and ``color`` are the table's."""
    # each form is loaded only when it is wanted
    report = done.report
    if form == "json":
        return _json(done)
    if form == "csv":
        from grid_screening.reports.csv import report_csv

        return report_csv(report)
    addenda = _addenda(done, width)
    if form == "markdown":
        from grid_screening.reports.markdown import report_markdown

        return report_markdown(report, addenda)
    if form == "html":
        from grid_screening.reports.html import report_html

        return report_html(report, addenda)
    from grid_screening.reports.table import report_table

    table = report_table(report, width=width, color=color)
    return "\n".join([table, *(text for _, text in addenda)])


def _json(done: FinishedScan) -> str:
    from grid_screening.cli.diff_text import diff_document
    from grid_screening.cli.explain_text import explanation_document
    from grid_screening.reports.json import json_bytes

    document = done.report.to_dict()
    if done.explanations:
        document["explanations"] = [explanation_document(e) for e in done.explanations]
    if done.diff is not None:
        document["diff"] = diff_document(done.diff)
    return json_bytes(document).decode()


_READABLE_WIDTH = 100
# of lines that are read as text, however wide the terminal


def _addenda(done: FinishedScan, width: int) -> Sequence[tuple[str, str]]:
    from grid_screening.cli.diff_text import diff_text
    from grid_screening.cli.explain_text import explanation_text

    width = min(width, _READABLE_WIDTH)
    found = [
        (f"Why {e.symbol}", explanation_text(e, width=width)) for e in done.explanations
    ]
    if done.diff is not None:
        found.append(("Changes", diff_text(done.diff, width=width)))
    return found
