"""A study's result from its JSON values: the way back of ``to_mapping``."""

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from math import nan
from typing import Any, Union, get_args, get_origin, get_type_hints

from grid_screening.validation.results import StudyResult


def read_study(mapping: Mapping[str, Any]) -> StudyResult:
    """Return the result that ``StudyResult.to_mapping`` was taken of.

    Parameters
    ----------
    mapping : mapping
        As read from JSON; null where a number could not be estimated.

    Returns
    -------
    StudyResult
        Equal to the original (null becomes NaN). Unknown fields are left out,
        fields with a default may be missing.

    Raises
    ------
    ValueError
        A field is missing or of another type; the message names its place.
    """
    found = _read(mapping, StudyResult, "study")
    if not isinstance(found, StudyResult):  # pragma: no cover
        raise TypeError(f"expected a StudyResult, was {type(found).__name__}")
    return found


def _read(value: Any, kind: Any, place: str) -> Any:
    origin = get_origin(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        (inner,) = (each for each in get_args(kind) if each is not type(None))
        return None if value is None else _read(value, inner, place)
    if origin is tuple:
        return _read_tuple(value, get_args(kind), place)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        _demand(value, Mapping, place)
        _, inner = get_args(kind)
        return {
            key: _read(each, inner, f"{place}.{key}") for key, each in value.items()
        }
    if is_dataclass(kind):
        return _read_fields(value, kind, place)
    return _read_plain(value, kind, place)


def _read_fields(value: Any, kind: Any, place: str) -> Any:
    _demand(value, Mapping, place)
    hints = get_type_hints(kind)
    found = {}
    for field in fields(kind):
        if field.name in value:
            inner = f"{place}.{field.name}"
            found[field.name] = _read(value[field.name], hints[field.name], inner)
        elif field.default is MISSING:
            raise ValueError(f"{place}.{field.name} is missing")
    return kind(**found)


def _read_tuple(value: Any, kinds: tuple[Any, ...], place: str) -> tuple[Any, ...]:
    _demand(value, list | tuple, place)
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise ValueError(f"{place} must have {len(kinds)} values, had {len(value)}")
    return tuple(
        _read(each, kind, f"{place}[{number}]")
        for number, (each, kind) in enumerate(zip(value, kinds, strict=True))
    )


def _read_plain(value: Any, kind: type, place: str) -> Any:
    if kind is float:
        if value is None:
            return nan
        _demand(value, float | int, place)
        return float(value)
    if issubclass(kind, StrEnum):
        _demand(value, str, place)
        return kind(value)
    _demand(value, kind, place)
    return value


def _demand(value: Any, kind: Any, place: str) -> None:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        name = getattr(kind, "__name__", str(kind))
        raise ValueError(f"{place} must be {name}, was {value!r}")
