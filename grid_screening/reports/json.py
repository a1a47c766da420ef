"""The published JSON document as bytes."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from grid_screening.reports.document import report_document
from grid_screening.screening_report import ScreeningReport


def report_json(report: ScreeningReport) -> bytes:
    """Return the published document as `json_bytes`."""
    return json_bytes(report_document(report))


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """Return ``document`` as UTF-8 JSON, indented, with a newline at the end.

    Prices and quantities are JSON numbers with the exact decimals of tick and
    step (``0.10`` stays ``0.10``). NaN and infinity do not occur.
    """
    return orjson.dumps(
        document,
        default=_exact,
        option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
    )


def _exact(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"no place in a report for {type(value).__name__}: {value!r}")
