"""Listed symbols as comma-separated values."""

import csv
from decimal import Decimal
from io import StringIO
from typing import Any

from grid_screening.reports.rows import flat_columns, flat_rows
from grid_screening.screening_report import ScreeningReport

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def report_csv(report: ScreeningReport) -> str:
    """Return a header line and one line per listed symbol.

    Missing values are empty cells, booleans ``true``/``false``, numbers have all
    their digits. A text that a spreadsheet would take for a formula (beginning with
    ``=``, ``+``, ``-``, ``@``, a tab or a carriage return) gets an apostrophe in
    front; numbers stay numbers.
    """
    out = StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    columns = flat_columns(report)
    writer.writerow([_cell(name) for name in columns])
    for row in flat_rows(report):
        writer.writerow([_cell(row[name]) for name in columns])
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, str):
        text = f"'{value}" if value.startswith(_FORMULA_STARTS) else value
        # a bare carriage return would split the row and is not quoted by csv
        return text.replace("\r", " ")
    return repr(value)
