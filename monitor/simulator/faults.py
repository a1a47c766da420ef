"""Scripted replies: what goes wrong, where, when and how often. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import orjson

ANY_PATH = "*"


class InvalidFault(ValueError):  # noqa: N818  named for what it is
    """A scripted reply that cannot be understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, as far as a script looks at it."""

    path: str
    symbol: str | None = None
    used_weight: int = 0
    """Of the running minute, this request included."""
    now_ms: int = 0
    """The exchange's clock, ms UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One scripted reply; fields left out keep the real reply's value."""

    path: str
    """Path of the request, ``*`` for all."""
    symbol: str | None = None
    """None: whichever symbol, or none at all."""
    symbols: tuple[str, ...] | None = None
    """Any of these."""
    symbol_share: float | None = None
    """A share of the symbols, always the same for one ``seed``."""
    share: float | None = None
    """A share of the matching requests. Which ones follows from ``seed``, path,
    symbol and how often these were asked for, not from the order of arrival."""
    seed: int = 0
    from_weight: int | None = None
    """Only once the running minute's used weight is at least this."""
    after: int = 0
    """Matching requests that pass untouched first."""
    times: int | None = 1
    """How often it happens then; None: always."""
    for_ms: int | None = None
    """In force for so long on the exchange's clock, from the first time on."""
    status: int | None = None
    body: object = None
    """JSON value; None keeps the real body."""
    body_text: str | None = None
    """Body as it is: broken JSON, bars with gaps, anything."""
    html: bool = False
    """A firewall's page instead of JSON."""
    told_ban_ms: int | None = None
    """The exchange's own words of a ban that ends so long from now, as body."""
    ban_ms: int | None = None
    """Bans the address in the exchange's books as well, for so long from now."""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_ms: int = 0
    truncate_at: int | None = None
    """Bytes after which the connection is cut."""
    drip_ms: int | None = None
    """Wait between single bytes."""
    reset: bool = False
    """Reset the connection instead of answering."""
    hang: bool = False
    """Keep the connection and never answer."""
    patch: Mapping[str, object] = field(default_factory=dict)
    """JSON pointer → value; a value of ``{"$delete": true}`` removes the field."""

    @property
    def is_silent(self) -> bool:
        """Whether nothing is answered at all."""
        return self.reset or self.hang

    def concerns(self, asked: Asked) -> bool:
        """Whether the request is one that this may happen to."""
        if self.path not in (asked.path, ANY_PATH):
            return False
        if self.symbol is not None and self.symbol != asked.symbol:
            return False
        if self.symbols is not None and asked.symbol not in self.symbols:
            return False
        if self.symbol_share is not None and (
            asked.symbol is None or _drawn(self.seed, asked.symbol) >= self.symbol_share
        ):
            return False
        return self.from_weight is None or asked.used_weight >= self.from_weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A scripted reply that happens now."""

    number: int
    """Its place in the script, from 0."""
    fault: Fault


@dataclass(slots=True, kw_only=True)
class _Progress:
    # what has become of one fault so far
    fault: Fault
    seen: int = 0
    ends_ms: int | None = None
    asked: Counter[tuple[str, str | None]] = field(default_factory=Counter)

    def happens(self, asked: Asked) -> bool:
        fault = self.fault
        if not fault.concerns(asked) or not self._is_drawn(asked):
            return False
        turn = self.seen - fault.after
        if fault.times is not None and turn >= fault.times:
            return False
        if self.ends_ms is not None and asked.now_ms >= self.ends_ms:
            return False
        self.seen += 1
        if turn < 0:
            return False
        if fault.for_ms is not None and self.ends_ms is None:
            self.ends_ms = asked.now_ms + fault.for_ms
        return True

    def _is_drawn(self, asked: Asked) -> bool:
        if self.fault.share is None:
            return True
        what = (asked.path, asked.symbol)
        self.asked[what] += 1
        return _drawn(self.fault.seed, *what, self.asked[what]) < self.fault.share


class FaultScript:
    """Scripted replies still to happen, first match first."""

    def __init__(self) -> None:
        self._script: list[_Progress] = []

    def add(self, faults: Sequence[Fault]) -> None:
        """Append scripted replies."""
        self._script.extend(_Progress(fault=fault) for fault in faults)

    def clear(self) -> None:
        """Forget all."""
        self._script.clear()

    def take(self, asked: Asked) -> Played | None:
        """Return the reply to play for one request, None for the real one."""
        for number, progress in enumerate(self._script):
            if progress.happens(asked):
                return Played(number=number, fault=progress.fault)
        return None


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


def _drawn(*what: object) -> float:
    # uniform in [0, 1), the same in every process
    digest = sha256("\n".join(map(str, what)).encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


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
