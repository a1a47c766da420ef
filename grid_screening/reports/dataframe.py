"""Listed symbols as a pandas frame."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from grid_screening.reports.rows import flat_columns, flat_rows
from grid_screening.screening_report import ScreeningReport

if TYPE_CHECKING:
    import pandas as pd

_TEXTS = (
    "grid_spacing",
    "grid_bounds",
    "grid_start",
    "box_squeeze",
    "grid_reason",
    "marks",
    "source",
)
_BOOLEANS = ("vetoed", "degraded")
_INTEGERS = ("rank", "as_of_ms")


def report_dataframe(report: ScreeningReport) -> "pd.DataFrame":
    """Return one row per listed symbol, index ``symbol``, best first.

    Returns
    -------
    pandas.DataFrame
        ``rank`` and ``as_of_ms`` int64, ``vetoed`` and ``degraded`` bool, texts
        (None: missing), all other columns float64 (NaN: missing). Columns are the
        same for an empty report.
    """
    import pandas as pd

    rows = flat_rows(report)
    symbols = [row["symbol"] for row in rows]
    columns = {}
    for name in flat_columns(report):
        values = [row[name] for row in rows]
        if name in _BOOLEANS:
            columns[name] = pd.Series(values, dtype="bool")
        elif name in _INTEGERS:
            columns[name] = pd.Series(values, dtype="int64")
        elif name in _TEXTS or any(isinstance(value, str) for value in values):
            columns[name] = pd.Series(values, dtype="object")
        else:
            columns[name] = pd.Series(map(_number, values), dtype="float64")
    del columns["symbol"]
    frame = pd.DataFrame(columns)
    frame.index = pd.Index(symbols, name="symbol", dtype="object")
    return frame


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
