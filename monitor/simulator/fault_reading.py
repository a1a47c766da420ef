"""Scripted replies from JSON; what cannot be meant is refused. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from monitor.simulator.faults import Fault, InvalidFault

Test = Callable[[object], bool]


def parsed_faults(payload: object) -> tuple[Fault, ...]:
    """Scripted replies from JSON: a list of objects, or one object.

    Without ``times``, a fault with ``share``, ``symbol_share``, ``symbols`` or
    ``for_ms`` happens always, any other one once.

    Raises
    ------
    InvalidFault
        An unknown field, a missing path, a value of the wrong type, or fields that
        contradict each other.
    """
    rows = payload if isinstance(payload, list) else [payload]
    return tuple(_fault(row) for row in rows)


def _fault(row: object) -> Fault:
    if not isinstance(row, dict) or not isinstance(row.get("path"), str):
        raise InvalidFault("a fault must be an object with a path")
    known = {f.name for f in fields(Fault)}
    unknown = sorted(set(row) - known)
    if unknown:
        raise InvalidFault(f"unknown fields of a fault: {', '.join(unknown)}")
    for legal, is_legal, names in _LEGAL:
        for name in names:
            value = row.get(name)
            if value is not None and not is_legal(value):
                raise InvalidFault(f"{name} must be {legal}, was {value!r}")
    values = {name: value for name, value in row.items() if value is not None}
    _check(values)
    if "times" in row or set(values) & _LASTING:
        values["times"] = row.get("times")
    for name in ("symbol", "symbols"):
        if name in values:
            values[name] = _upper(values[name])
    return Fault(**values)


def _check(values: Mapping[str, Any]) -> None:
    stated = {name for name, value in values.items() if value is not False}
    for group in (_WHO, _BODIES, ("reset", "hang")):
        both = [name for name in group if name in stated]
        if len(both) > 1:
            raise InvalidFault(f"only one of {', '.join(group)} may be given")
    if stated & {"reset", "hang"} and stated & _OF_AN_ANSWER:
        unheard = sorted(stated & _OF_AN_ANSWER)
        raise InvalidFault(f"nothing is answered, so not with {', '.join(unheard)}")
    if "seed" in stated and not stated & {"share", "symbol_share"}:
        raise InvalidFault("seed is only for share and symbol_share")
    if "ban_ms" in stated and values.get("status") != _BANNED:
        raise InvalidFault(f"ban_ms must come with status {_BANNED}")
    if "told_ban_ms" in stated and values.get("status") not in (_TOO_MANY, _BANNED):
        raise InvalidFault(
            f"told_ban_ms must come with status {_BANNED} or {_TOO_MANY}"
        )


def _upper(names: str | list[str]) -> str | tuple[str, ...]:
    if isinstance(names, str):
        return names.upper()
    return tuple(name.upper() for name in names)


def _whole(least: int, most: int | None = None) -> Test:
    def test(value: object) -> bool:
        return type(value) is int and value >= least and (most is None or value <= most)

    return test


def _is_share(value: object) -> bool:
    return type(value) in (int, float) and 0 < float(value) <= 1  # type: ignore[arg-type]  # a number


def _are_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _are_headers(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(v, str) and v.isascii() and v.isprintable()
        for pair in value.items()
        for v in pair
    )


_TOO_MANY, _BANNED = 429, 418
_WHO = ("symbol", "symbols", "symbol_share")
_BODIES = ("body", "body_text", "html", "told_ban_ms", "patch")
_OF_AN_ANSWER = {*_BODIES, "status", "headers", "truncate_at", "drip_ms"}
_LASTING = {"share", "symbol_share", "symbols", "for_ms"}
_LEGAL: tuple[tuple[str, Test, tuple[str, ...]], ...] = (
    (
        "an integer ≥ 0",
        _whole(0),
        ("after", "times", "seed", "from_weight", "delay_ms", "truncate_at", "drip_ms"),
    ),
    ("an integer ≥ 1", _whole(1), ("for_ms", "told_ban_ms", "ban_ms")),
    ("an integer in 200…599", _whole(200, 599), ("status",)),
    ("a number in (0, 1]", _is_share, ("share", "symbol_share")),
    ("a text", lambda v: isinstance(v, str), ("symbol", "body_text")),
    ("a list of texts", _are_names, ("symbols",)),
    ("true or false", lambda v: isinstance(v, bool), ("html", "reset", "hang")),
    ("an object of texts", _are_headers, ("headers",)),
    ("an object", lambda v: isinstance(v, dict), ("patch",)),
)
