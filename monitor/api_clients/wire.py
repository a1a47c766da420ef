"""Strict readers of single JSON values: what is not exactly right is an error.

``"NaN"``, ``"Infinity"``, ``""``, null, missing fields, wrong types and values
out of range are never turned into numbers.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from math import isfinite

from monitor.domain.instruments import MalformedRow

LATEST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""
LARGEST_COUNT = 2**62
SMALLEST_MAGNITUDE = 1e-15
LARGEST_MAGNITUDE = 1e18
"""No price, quantity or volume lies outside, 0 excepted: the finest ticks are 1e-8,
the largest volumes near 1e14. Inside, squares, products and sums over a window stay
far from the ends of float64."""
LARGEST_NOTIONAL = 1e20
"""Of a bracket: the exchange writes "no end" as 2⁶³ − 1, above any real amount."""

_DECIMAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?", re.ASCII)
_MISSING = object()


class UnreadableValue(ValueError):  # noqa: N818  named for what it is, like the gateway's errors
    """One value that cannot be read; the message names the field and the rule."""


def fields_of(row: object) -> Mapping[str, object]:
    """Return ``row`` as a mapping, else raise `UnreadableValue`."""
    if not isinstance(row, dict):
        raise UnreadableValue(f"row must be an object, was {shown(row)}")
    return row


def number(row: Mapping[str, object], name: str, *, signed: bool = False) -> float:
    """Float of a decimal string, ≥ 0 unless ``signed``; of plausible magnitude."""
    text = _decimal_text(row, name)
    value = float(text)
    if not isfinite(value) or (value < 0 and not signed):
        raise _broken(name, "finite" if signed else "finite and ≥ 0", text)
    if value != 0 and not SMALLEST_MAGNITUDE <= abs(value) <= LARGEST_MAGNITUDE:
        raise _broken(name, _magnitude(LARGEST_MAGNITUDE), text)
    return value


def optional_number(
    row: Mapping[str, object],
    name: str,
    *,
    signed: bool = False,
    may_be_null: bool = False,
) -> float | None:
    """Like `number`; None for the empty string, and for null if ``may_be_null``."""
    value = row.get(name, _MISSING)
    if value == "" or (value is None and may_be_null):
        return None
    return number(row, name, signed=signed)


def decimal(
    row: Mapping[str, object],
    name: str,
    *,
    may_be_zero: bool = False,
    largest: float = LARGEST_MAGNITUDE,
) -> Decimal:
    """Exact value of a decimal string, > 0 (≥ 0 with ``may_be_zero``)."""
    text = _decimal_text(row, name)
    value = Decimal(text)
    if not isfinite(float(value)) or not (
        float(value) > 0 or (may_be_zero and value == 0)
    ):
        raise _broken(name, "≥ 0" if may_be_zero else "> 0", text)
    if value != 0 and not SMALLEST_MAGNITUDE <= float(value) <= largest:
        raise _broken(name, _magnitude(largest), text)
    return value


def decimal_of_number(
    row: Mapping[str, object], name: str, *, may_be_zero: bool = False
) -> Decimal:
    """Like `decimal`, for amounts that the exchange sends as JSON numbers."""
    value = row.get(name, _MISSING)
    if type(value) in (int, float):
        value = repr(value)
    return decimal(
        {name: value}, name, may_be_zero=may_be_zero, largest=LARGEST_NOTIONAL
    )


def count(row: Mapping[str, object], name: str, *, at_least: int = 0) -> int:
    """JSON integer ≥ ``at_least``."""
    value = row.get(name, _MISSING)
    if type(value) is not int or not at_least <= value <= LARGEST_COUNT:
        raise _broken(name, f"an integer ≥ {at_least}", value)
    return value


def instant(row: Mapping[str, object], name: str) -> int:
    """JSON integer of ms UTC, from 1970 to 9999."""
    value = row.get(name, _MISSING)
    if type(value) is not int or not 0 <= value <= LATEST_MS:
        raise _broken(name, "an integer of ms UTC", value)
    return value


def instant_or_text(row: Mapping[str, object], name: str) -> int:
    """Like `instant`, also from a string of digits."""
    value = row.get(name, _MISSING)
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value):
        return instant({name: int(value)}, name)
    return instant(row, name)


def text(row: Mapping[str, object], name: str) -> str:
    """JSON string, possibly empty, printable."""
    value = row.get(name, _MISSING)
    if not isinstance(value, str) or not value.isprintable():
        raise _broken(name, "a printable string", value)
    return value


def symbol_of(row: Mapping[str, object]) -> str:
    """``symbol``: printable, not empty, no spaces or slashes."""
    value = text(row, "symbol")
    if not value or any(c in value for c in " /\\"):
        raise _broken("symbol", "a name without spaces or slashes", value)
    return value


def malformed_row(row: object, detail: str) -> MalformedRow:
    """Record of an unreadable row, with its symbol if at least that is readable."""
    try:
        symbol = symbol_of(fields_of(row))
    except UnreadableValue:
        symbol = None
    return MalformedRow(symbol=symbol, detail=detail)


def shown(value: object) -> str:
    """Short form of a wrong value for messages."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "null"
    quoted = repr(value)
    return quoted if len(quoted) <= 40 else f"{quoted[:40]}…"  # noqa: PLR2004  readable width


def _magnitude(largest: float) -> str:
    return f"0 or from {SMALLEST_MAGNITUDE:g} to {largest:g}"


def _decimal_text(row: Mapping[str, object], name: str) -> str:
    value = row.get(name, _MISSING)
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise _broken(name, "a decimal string", value)
    return value


def _broken(name: str, rule: str, value: object) -> UnreadableValue:
    if value is _MISSING:
        return UnreadableValue(f"{name} is missing")
    return UnreadableValue(f"{name} must be {rule}, was {shown(value)}")
