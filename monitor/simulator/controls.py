"""What tests may do to the simulated exchange, by method and path. Pure.

- ``GET /sim/truth``: the parameters of each generated contract, by symbol;
- ``GET /sim/requests``: the last requests, as `request_log.LoggedRequest`;
- ``POST /sim/faults``: scripted replies, a list of `faults.Fault` objects;
- ``POST /sim/others``: other programs on the same address use weight:
  ``{"used_weight": 1500}`` at once, ``{"weight_per_second": 20}`` from now on
  (0 ends it). It counts and shows in headers, but appears not in the log;
- ``POST /sim/clock``: moves the exchange's clock, and the market with it, forward:
  ``{"advance_ms": 90000}``, or ``{"to_second": 55}`` to where the next second 55 of
  a minute begins; answers ``{"now_ms": …}``;
- ``POST /sim/reset``: clears log, windows, bans, faults and other programs, not the
  clock; a body ``{"used_weight": 1500}`` counts that much as used by someone else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

import orjson

from monitor.domain.market import DAY_MS, MINUTE_MS
from monitor.simulator import payloads
from monitor.simulator.fault_reading import parsed_faults
from monitor.simulator.faults import FaultScript, InvalidFault
from monitor.simulator.ledger import Ledger
from monitor.simulator.market import Market
from monitor.simulator.request_log import RequestLog

LONGEST_ADVANCE_MS = 366 * DAY_MS
_SECOND_MS = 1000


class ControlRefused(ValueError):  # noqa: N818  named for what it is
    """A control was called with what it does not understand; one line says why."""


class MovableClock(Protocol):
    """A clock that tests may move."""

    def now_ms(self) -> int:
        """Return the time, ms UTC."""

    def advance(self, duration_ms: int) -> None:
        """Move forward."""


@dataclass(slots=True, kw_only=True)
class ExchangeState:
    """What requests change and tests steer."""

    market: Market
    clock: MovableClock
    ledger: Ledger = field(default_factory=Ledger)
    faults: FaultScript = field(default_factory=FaultScript)
    log: RequestLog = field(default_factory=RequestLog)


Control = Callable[[ExchangeState, bytes], bytes]


def _show_truth(state: ExchangeState, _: bytes) -> bytes:
    return payloads.truths(state.market.truths())


def _show_requests(state: ExchangeState, _: bytes) -> bytes:
    return state.log.encoded()


def _add_faults(state: ExchangeState, body: bytes) -> bytes:
    try:
        faults = parsed_faults(_json(body))
    except InvalidFault as invalid:
        raise ControlRefused(str(invalid)) from None
    state.faults.add(faults)
    return orjson.dumps({"added": len(faults)})


def _others(state: ExchangeState, body: bytes) -> bytes:
    wanted = _fields(body, {"used_weight", "weight_per_second"})
    if not wanted:
        raise ControlRefused("used_weight or weight_per_second must be given")
    now_ms = state.clock.now_ms()
    if "used_weight" in wanted:
        state.ledger.add_others(now_ms, _integer(wanted, "used_weight"))
    if "weight_per_second" in wanted:
        state.ledger.set_others(now_ms, _integer(wanted, "weight_per_second"))
    return b"{}"


def _move_clock(state: ExchangeState, body: bytes) -> bytes:
    wanted = _fields(body, {"advance_ms", "to_second"})
    if len(wanted) != 1:
        raise ControlRefused("either advance_ms or to_second must be given")
    if "advance_ms" in wanted:
        duration_ms = _integer(wanted, "advance_ms", most=LONGEST_ADVANCE_MS)
    else:
        second_ms = _integer(wanted, "to_second", most=59) * _SECOND_MS
        # at least 1 ms: the second must begin, not be half over
        duration_ms = (second_ms - 1 - state.clock.now_ms()) % MINUTE_MS + 1
    state.clock.advance(duration_ms)
    return orjson.dumps({"now_ms": state.clock.now_ms()})


def _reset(state: ExchangeState, body: bytes) -> bytes:
    wanted = _fields(body, {"used_weight"})
    used = _integer(wanted, "used_weight") if wanted else 0
    state.ledger = Ledger()
    state.ledger.add_others(state.clock.now_ms(), used)
    state.faults.clear()
    state.log.clear()
    return b"{}"


CONTROLS: Mapping[tuple[str, str], Control] = MappingProxyType(
    {
        ("GET", "/sim/truth"): _show_truth,
        ("GET", "/sim/requests"): _show_requests,
        ("POST", "/sim/faults"): _add_faults,
        ("POST", "/sim/others"): _others,
        ("POST", "/sim/clock"): _move_clock,
        ("POST", "/sim/reset"): _reset,
    }
)
"""Each raises `ControlRefused`."""


def _json(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as invalid:
        raise ControlRefused(f"body must be JSON: {invalid}") from None


def _fields(body: bytes, known: set[str]) -> Mapping[str, object]:
    wanted = _json(body) if body else {}
    if not isinstance(wanted, dict):
        raise ControlRefused("body must be an object")
    unknown = sorted(set(wanted) - known)
    if unknown:
        legal = ", ".join(sorted(known))
        raise ControlRefused(f"unknown field {unknown[0]}; known: {legal}")
    return wanted


def _integer(
    wanted: Mapping[str, object], name: str, *, most: int | None = None
) -> int:
    value = wanted[name]
    if type(value) is not int or value < 0 or (most is not None and value > most):
        rule = "an integer ≥ 0" if most is None else f"an integer in 0…{most}"
        raise ControlRefused(f"{name} must be {rule}, was {value!r}")
    return value
