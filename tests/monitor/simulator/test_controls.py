"""What tests may do to the exchange, without sockets."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from monitor.simulator.clock import ExchangeClock
from monitor.simulator.controls import CONTROLS, ControlRefused, ExchangeState
from monitor.simulator.faults import Asked
from monitor.simulator.generated import GeneratedMarket
from monitor.simulator.ledger import Pool

NOW = 1_767_587_412_345  # 12.345 s into a minute


class StillClock:
    def __init__(self) -> None:
        self.at_ms = NOW

    def now_ms(self) -> int:
        return self.at_ms

    def advance(self, duration_ms: int) -> None:
        self.at_ms += duration_ms


@pytest.fixture
def state() -> ExchangeState:
    return ExchangeState(market=GeneratedMarket(count=1, seed=7), clock=StillClock())


def post(state: ExchangeState, what: str, body: object) -> Any:
    return orjson.loads(CONTROLS["POST", f"/sim/{what}"](state, orjson.dumps(body)))


def used(state: ExchangeState) -> int:
    return state.ledger.charge(state.clock.now_ms(), Pool.WEIGHT, 0).used_weight


class TestClock:
    @pytest.mark.parametrize(
        ("second", "reached_ms"),
        [
            (55, NOW // 60_000 * 60_000 + 55_000),
            (0, NOW // 60_000 * 60_000 + 60_000),
            (12, NOW // 60_000 * 60_000 + 72_000),
        ],
    )
    def test_goes_to_where_the_next_such_second_begins(
        self, state: ExchangeState, second: int, reached_ms: int
    ) -> None:
        assert post(state, "clock", {"to_second": second}) == {"now_ms": reached_ms}
        assert state.clock.now_ms() == reached_ms
        again = post(state, "clock", {"to_second": second})
        assert again == {"now_ms": reached_ms + 60_000}

    def test_goes_forward_by_so_much(self, state: ExchangeState) -> None:
        assert post(state, "clock", {"advance_ms": 14_400_000}) == {
            "now_ms": NOW + 14_400_000
        }
        assert post(state, "clock", {"advance_ms": 0}) == {"now_ms": NOW + 14_400_000}

    def test_a_new_minute_begins_with_nothing_used(self, state: ExchangeState) -> None:
        post(state, "others", {"used_weight": 700})
        assert used(state) == 700
        post(state, "clock", {"to_second": 0})
        assert used(state) == 0

    def test_the_real_clock_moves_too_and_never_back(self) -> None:
        clock = ExchangeClock(NOW)
        clock.advance(60_000)
        assert NOW + 60_000 <= clock.now_ms() < NOW + 120_000
        with pytest.raises(ValueError, match="duration_ms must be ≥ 0, was -1"):
            clock.advance(-1)


class TestOthers:
    def test_weight_at_once_adds_up(self, state: ExchangeState) -> None:
        post(state, "others", {"used_weight": 1500})
        post(state, "others", {"used_weight": 20})
        assert used(state) == 1520

    def test_weight_by_the_second_follows_the_clock(self, state: ExchangeState) -> None:
        post(state, "others", {"weight_per_second": 20})
        state.clock.advance(10_000)
        assert used(state) == 200
        post(state, "others", {"weight_per_second": 0})
        state.clock.advance(10_000)
        assert used(state) == 200

    def test_nothing_of_it_is_in_the_log(self, state: ExchangeState) -> None:
        post(state, "others", {"used_weight": 1500})
        assert CONTROLS["GET", "/sim/requests"](state, b"") == b"[]"


def test_reset_forgets_everything_but_the_clock(state: ExchangeState) -> None:
    post(state, "faults", {"path": "*"})
    post(state, "others", {"weight_per_second": 50})
    post(state, "clock", {"advance_ms": 5_000})
    state.ledger.ban(NOW + 900_000)
    assert CONTROLS["POST", "/sim/reset"](state, b"") == b"{}"
    state.clock.advance(1_000)
    assert used(state) == 0
    assert state.faults.take(Asked(path="/a")) is None
    assert state.clock.now_ms() == NOW + 6_000
    assert post(state, "reset", {"used_weight": 30}) == {}
    assert used(state) == 30


def test_faults_are_appended_and_counted(state: ExchangeState) -> None:
    assert post(state, "faults", [{"path": "/a"}, {"path": "/b"}]) == {"added": 2}
    played = state.faults.take(Asked(path="/b"))
    assert played is not None
    assert played.number == 1


@pytest.mark.parametrize(
    ("what", "body", "message"),
    [
        ("faults", {"where": 1}, "a fault must be an object with a path"),
        ("others", {}, "used_weight or weight_per_second must be given"),
        (
            "others",
            {"used_weight": -1},
            "used_weight must be an integer ≥ 0, was -1",
        ),
        (
            "others",
            {"weight": 1},
            "unknown field weight; known: used_weight, weight_per_second",
        ),
        ("clock", {}, "either advance_ms or to_second must be given"),
        (
            "clock",
            {"advance_ms": 1, "to_second": 1},
            "either advance_ms or to_second must be given",
        ),
        (
            "clock",
            {"advance_ms": -1},
            "advance_ms must be an integer in 0…31622400000, was -1",
        ),
        ("clock", {"to_second": 60}, "to_second must be an integer in 0…59, was 60"),
        ("reset", [], "body must be an object"),
        ("reset", {"used_weight": "1"}, "used_weight must be an integer ≥ 0, was '1'"),
    ],
)
def test_what_is_not_understood_is_one_line(
    state: ExchangeState, what: str, body: Mapping[str, object], message: str
) -> None:
    with pytest.raises(ControlRefused) as refused:
        post(state, what, body)
    assert str(refused.value) == message


@pytest.mark.parametrize("what", ["faults", "others", "clock", "reset"])
def test_a_body_that_is_no_json_is_refused(state: ExchangeState, what: str) -> None:
    with pytest.raises(ControlRefused, match="body must be JSON"):
        CONTROLS["POST", f"/sim/{what}"](state, b"{")
