"""The grids that a published scan planned, read back for a backtest."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from grid_screening.backtest.design import GridDesign
from grid_screening.conf import STARTS
from grid_screening.exceptions import UnreadableReport
from grid_screening.scan_document import report_of
from monitor.domain.typing import Symbol

_AMOUNTS = {
    "price": "price",
    "lower_bound": "lower_bound",
    "upper_bound": "upper_bound",
    "grid_step": "grid_step",
    "quantity_per_level": "quantity",
    "stop_price": "stop_price",
    "margin": "margin",
}
"""Numbers a plan must have: their published name and ours."""

_COUNTS = ("level_count", "leverage")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPlans:
    """The plans of one published scan."""

    name: str
    """Of the file."""
    as_of_ms: int
    """When they were drawn, ms UTC."""
    source: str
    """Which market: ``live``, ``demo``, …"""
    start: str
    """What its grids begin with: ``loaded`` or ``flat``."""
    designs: Mapping[Symbol, GridDesign]
    reasons: Mapping[Symbol, str]
    """Why a contract of the report has no plan."""


def report_plans(content: bytes, *, name: str) -> ReportPlans:
    """Return the plans in a report written by ``screen_short_grid --format json``.

    Raises
    ------
    UnreadableReport
        Not such a report, or a plan in it that is no grid; says which and why.
    """
    document = report_of(content, name=name)
    designs: dict[Symbol, GridDesign] = {}
    reasons: dict[Symbol, str] = {}
    for row in document["ranked"]:
        symbol, grid = row["symbol"], row.get("grid")
        if grid is None:
            reasons[symbol] = _reason(row.get("grid_reason"))
            continue
        try:
            designs[symbol] = _design(grid)
        except ValueError as error:
            raise UnreadableReport(name, f"grid of {symbol}: {error}") from None
    for row in document["not_listed"]:
        reasons[row["symbol"]] = "not listed there, so without a plan (--top lists it)"
    for row in document["excluded"]:
        reasons[row["symbol"]] = f"excluded there: {_reason(row['reason'])}"
    return ReportPlans(
        name=name,
        as_of_ms=document["as_of_ms"],
        source=document["source"],
        start=_start(document.get("settings"), name),
        designs=designs,
        reasons=reasons,
    )


def _start(settings: Any, name: str) -> str:
    # reports of before flat grids do not say it
    start = settings.get("start", "loaded") if isinstance(settings, dict) else "loaded"
    if start not in STARTS:
        legal = " or ".join(STARTS)
        raise UnreadableReport(name, f"start must be {legal}, was {_short(start)}")
    return str(start)


def _design(grid: Any) -> GridDesign:
    if not isinstance(grid, dict):
        raise ValueError("must be an object")  # noqa: TRY004  a file's fault, told as all
    amounts = {ours: _amount(grid, name) for name, ours in _AMOUNTS.items()}
    counts = {name: _count(grid, name) for name in _COUNTS}
    liquidation = grid.get("liquidation_price")
    return GridDesign(
        **amounts,
        level_count=counts["level_count"],
        leverage=counts["leverage"],
        spacing=str(grid.get("spacing")),
        liquidation_price=(
            None if liquidation is None else _amount(grid, "liquidation_price")
        ),
    )


def _amount(grid: Mapping[str, Any], name: str) -> float:
    value: Any = grid.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not isfinite(value):
        raise ValueError(f"{name} must be a finite number, was {_short(value)}")
    return float(value)


def _count(grid: Mapping[str, Any], name: str) -> int:
    value: Any = grid.get(name)
    is_count = isinstance(value, int) and not isinstance(value, bool)
    if not is_count or not 1 <= value <= _MOST:
        legal = f"a whole number in 1…{_MOST}"
        raise ValueError(f"{name} must be {legal}, was {_short(value)}")
    return int(value)


_MOST = 10_000
# levels; the exchange allows some hundred orders


def _reason(reason: Any) -> str:
    text = reason.get("text") if isinstance(reason, dict) else None
    return _short(text) if not isinstance(text, str) else _printable(text)


def _printable(text: str) -> str:
    # control characters could steer the terminal that prints them
    return "".join(c if c.isprintable() else "�" for c in text[:300])


def _short(value: object) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return "missing" if value is None else ascii(value)[:40]
