"""Frozen dataclasses of plain values ↔ columns. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from enum import StrEnum
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

RowT = TypeVar("RowT")


class Column(StrEnum):
    """What a column of a table holds; every one may have nulls."""

    TEXT = "text"
    """Also decimals, in their exact spelling."""
    INTEGER = "integer"
    NUMBER = "number"


_COLUMN_OF: Mapping[type, Column] = {
    str: Column.TEXT,
    Decimal: Column.TEXT,
    int: Column.INTEGER,
    float: Column.NUMBER,
}


def column_types(kind: type) -> dict[str, Column]:
    """Return the columns that hold rows of the dataclass ``kind``, by field.

    Raises
    ------
    TypeError
        A field that is neither text, integer, float nor decimal (or None).
    """
    return {name: _column(kind, name, hint) for name, hint in _hints(kind).items()}


def columns_of(rows: Sequence[Any], kind: type) -> dict[str, list[Any]]:
    """Return the fields of ``rows``, all of ``kind``, as columns."""
    return {
        field.name: [_plain(getattr(row, field.name)) for row in rows]
        for field in fields(kind)
    }


def rows_of(columns: Mapping[str, Sequence[Any]], kind: type[RowT]) -> list[RowT]:
    """Return the rows that `columns_of` took apart.

    Raises
    ------
    KeyError
        A column is missing.
    """
    hints = _hints(kind)
    decoded = [
        [_decoded(value, _base(hint)) for value in columns[name]]
        for name, hint in hints.items()
    ]
    return [
        kind(**dict(zip(hints, row, strict=True))) for row in zip(*decoded, strict=True)
    ]


def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _column(kind: type, name: str, hint: Any) -> Column:
    base = _base(hint)
    if base not in _COLUMN_OF:
        raise TypeError(f"{kind.__name__}.{name}: no column holds {hint}")
    return _COLUMN_OF[base]


def _base(hint: Any) -> Any:
    # `int | None` is an int that may be null
    if get_origin(hint) is not UnionType:
        return hint
    (base,) = (part for part in get_args(hint) if part is not type(None))
    return base


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def _decoded(value: Any, base: type) -> Any:
    return Decimal(value) if base is Decimal and value is not None else value
