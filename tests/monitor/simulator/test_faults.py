"""Scripted replies."""

import orjson
import pytest

from monitor.simulator.faults import (
    Asked,
    Fault,
    FaultScript,
    InvalidFault,
    altered_body,
)

A = Asked(path="/a")
SYMBOLS = [f"S{number}USDT" for number in range(1000)]


def script_of(*faults: Fault) -> FaultScript:
    script = FaultScript()
    script.add(faults)
    return script


def test_a_fault_happens_as_often_as_scripted() -> None:
    script = script_of(Fault(path="/a", times=2, after=1, status=500))
    played = [script.take(A) is not None for _ in range(5)]
    assert played == [False, True, True, False, False]


def test_a_fault_without_end_goes_on() -> None:
    script = script_of(Fault(path="*", times=None))
    assert all(script.take(Asked(path=f"/{i}", symbol="X")) for i in range(50))
    script.clear()
    assert script.take(Asked(path="/1", symbol="X")) is None


def test_faults_match_path_and_symbol() -> None:
    script = script_of(Fault(path="/a", symbol="ETHUSDT"))
    assert script.take(Asked(path="/b", symbol="ETHUSDT")) is None
    assert script.take(Asked(path="/a", symbol="BTCUSDT")) is None
    assert script.take(A) is None
    assert script.take(Asked(path="/a", symbol="ETHUSDT")) is not None


def test_the_first_match_is_played_and_named_by_its_place() -> None:
    script = script_of(
        Fault(path="/b"), Fault(path="/a", status=500), Fault(path="*", status=503)
    )
    places = []
    for _ in range(3):
        played = script.take(A)
        places.append(None if played is None else played.number)
    assert places == [1, 2, None]


def test_a_list_of_symbols_matches_each_of_them() -> None:
    script = script_of(Fault(path="*", symbols=("AUSDT", "BUSDT"), times=None))
    hit = [
        script.take(Asked(path="/a", symbol=symbol)) is not None
        for symbol in ("AUSDT", "BUSDT", "CUSDT", None)
    ]
    assert hit == [True, True, False, False]


def test_a_share_of_symbols_is_always_the_same() -> None:
    def hit(seed: int) -> set[str]:
        script = script_of(Fault(path="*", symbol_share=0.2, seed=seed, times=None))
        return {s for s in SYMBOLS if script.take(Asked(path="/a", symbol=s))}

    assert hit(1) == hit(1)
    assert hit(1) != hit(2)
    assert 150 < len(hit(1)) < 250
    script = script_of(Fault(path="*", symbol_share=1.0, times=None))
    assert script.take(A) is None  # no symbol, no share
    assert script.take(Asked(path="/a", symbol="X")) is not None


def test_a_share_of_requests_does_not_depend_on_their_order() -> None:
    asked = [Asked(path="/a", symbol=symbol) for symbol in SYMBOLS]

    def hit(order: list[Asked]) -> set[str | None]:
        script = script_of(Fault(path="*", share=0.3, seed=5, times=None))
        return {one.symbol for one in order if script.take(one)}

    assert hit(asked) == hit(asked[::-1])
    assert 250 < len(hit(asked)) < 350


def test_the_next_try_of_a_request_is_drawn_again() -> None:
    script = script_of(Fault(path="*", share=0.5, times=None))
    assert {script.take(A) is None for _ in range(50)} == {True, False}


def test_a_request_that_is_not_drawn_meets_the_next_fault() -> None:
    script = script_of(Fault(path="*", share=0.5, times=None), Fault(path="*"))
    assert any(
        played is not None and played.number == 1
        for played in (script.take(A) for _ in range(50))
    )


def test_a_fault_waits_for_the_used_weight() -> None:
    script = script_of(Fault(path="/a", from_weight=1000, times=None))
    assert script.take(Asked(path="/a", used_weight=999)) is None
    assert script.take(Asked(path="/a", used_weight=1000)) is not None
    assert script.take(Asked(path="/a", used_weight=1)) is None


def test_a_fault_with_a_length_ends_on_the_exchanges_clock() -> None:
    script = script_of(Fault(path="/a", for_ms=7000, times=None))
    hit = [
        script.take(Asked(path="/a", now_ms=at)) is not None
        for at in (5_000, 5_001, 11_999, 12_000, 90_000)
    ]
    assert hit == [True, True, True, False, False]


def test_a_patch_replaces_and_removes_fields() -> None:
    body = b'[{"symbol":"A","price":"1.0"},["x","y"]]'
    fault = Fault(
        path="*",
        patch={"/0/price": "NaN", "/0/symbol": {"$delete": True}, "/1/-1": None},
    )
    assert orjson.loads(altered_body(fault, body)) == [{"price": "NaN"}, ["x", None]]


def test_bodies_can_be_anything() -> None:
    assert altered_body(Fault(path="*", body_text='[{"a":'), b"{}") == b'[{"a":'
    assert altered_body(Fault(path="*", body={"code": -1}), b"{}") == b'{"code":-1}'
    assert altered_body(Fault(path="*", html=True), b"{}").startswith(
        b"<!DOCTYPE html>"
    )
    assert altered_body(Fault(path="*"), b"{}") == b"{}"


@pytest.mark.parametrize("pointer", ["/5", "/0/price/deep"])
def test_a_patch_that_hits_nothing_is_refused(pointer: str) -> None:
    with pytest.raises(InvalidFault, match="patch: no"):
        altered_body(Fault(path="*", patch={pointer: 1}), b'[{"price":"1"}]')
