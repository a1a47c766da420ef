"""Scripted replies: what goes wrong, where, and how often. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

import orjson

ANY_PATH = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One scripted reply; fields left out keep the real reply's value."""

    path: str
    """Path of the request, ``*`` for all."""
    symbol: str | None = None
    """None: whichever symbol."""
    after: int = 0
    """Matching requests that pass untouched first."""
    times: int | None = 1
    """How often it happens then; None: always."""
    status: int | None = None
    body: object = None
    """JSON value; None keeps the real body."""
    body_text: str | None = None
    """Body as it is: broken JSON, bars with gaps, anything."""
    html: bool = False
    """A firewall's page instead of JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_ms: int = 0
    truncate_at: int | None = None
    """Bytes after which the connection is cut."""
    drip_ms: int | None = None
    """Wait between single bytes."""
    reset: bool = False
    """Reset the connection instead of answering."""
    patch: Mapping[str, object] = field(default_factory=dict)
    """JSON pointer → value; a value of ``{"$delete": true}`` removes the field."""


class InvalidFault(ValueError):  # noqa: N818  named for what it is
    """A scripted reply that cannot be understood."""


class FaultScript:
    """Scripted replies still to happen, first match first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._seen: list[int] = []

    def add(self, faults: Sequence[Fault]) -> None:
        """Append scripted replies."""
        self._faults.extend(faults)
        self._seen.extend(0 for _ in faults)

    def clear(self) -> None:
        """Forget all."""
        self._faults.clear()
        self._seen.clear()

    def take(self, path: str, symbol: str | None) -> Fault | None:
        """Return the reply to play for one request, None for the real one."""
        for place, fault in enumerate(self._faults):
            if fault.path not in (path, ANY_PATH):
                continue
            if fault.symbol is not None and fault.symbol != symbol:
                continue
            turn = self._seen[place] - fault.after
            if fault.times is not None and turn >= fault.times:
                continue
            self._seen[place] += 1
            if turn >= 0:
                return fault
        return None


def parsed_faults(payload: object) -> tuple[Fault, ...]:
    """Scripted replies from JSON: a list of objects, or one object.

    Raises
    ------
    InvalidFault
        An unknown field, a missing path or a value of the wrong type.
    """
    rows = payload if isinstance(payload, list) else [payload]
    return tuple(_fault(row) for row in rows)


_HTML = (
    "<!DOCTYPE html><html><head><title>ERROR: The request could not be satisfied"
    "</title></head><body><h1>403 ERROR</h1>Request blocked.</body></html>"
)
_DELETE = {"$delete": True}


def altered_body(fault: Fault, body: bytes) -> bytes:
    """Body of the scripted reply, given the real one."""
    if fault.html:
        return _HTML.encode()
    if fault.body_text is not None:
        return fault.body_text.encode()
    if fault.body is not None:
        return orjson.dumps(fault.body)
    if fault.patch:
        payload = orjson.loads(body)
        for pointer, value in fault.patch.items():
            payload = _patched(payload, _steps(pointer), value)
        return orjson.dumps(payload)
    return body


def _fault(row: object) -> Fault:
    if not isinstance(row, dict) or not isinstance(row.get("path"), str):
        raise InvalidFault("a fault must be an object with a path")
    known = {f.name for f in fields(Fault)}
    unknown = sorted(set(row) - known)
    if unknown:
        raise InvalidFault(f"unknown fields of a fault: {', '.join(unknown)}")
    for name in ("after", "times", "status", "delay_ms", "truncate_at", "drip_ms"):
        value = row.get(name)
        if value is not None and (type(value) is not int or value < 0):
            raise InvalidFault(f"{name} must be an integer ≥ 0, was {value!r}")
    for name in ("headers", "patch"):
        if not isinstance(row.get(name, {}), dict):
            raise InvalidFault(f"{name} must be an object, was {row[name]!r}")
    return Fault(**row)


def _steps(pointer: str) -> list[str]:
    return [step for step in pointer.split("/") if step]


def _patched(node: object, steps: list[str], value: object) -> object:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(node, list) and step.lstrip("-").isdigit():
        place = int(step)
        if not -len(node) <= place < len(node):
            raise InvalidFault(f"patch: no element {step}")
        if not rest and value == _DELETE:
            del node[place]
        else:
            node[place] = _patched(node[place], rest, value)
        return node
    if not isinstance(node, dict):
        raise InvalidFault(f"patch: no field {step!r}")
    if not rest and value == _DELETE:
        node.pop(step, None)
    else:
        node[step] = _patched(node.get(step), rest, value)
    return node
