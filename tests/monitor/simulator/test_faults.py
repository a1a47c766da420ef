"""Scripted replies."""

import orjson
import pytest

from monitor.simulator.faults import (
    Fault,
    FaultScript,
    InvalidFault,
    altered_body,
    parsed_faults,
)


def test_a_fault_happens_as_often_as_scripted() -> None:
    script = FaultScript()
    script.add([Fault(path="/a", times=2, after=1, status=500)])
    played = [script.take("/a", None) is not None for _ in range(5)]
    assert played == [False, True, True, False, False]


def test_a_fault_without_end_goes_on() -> None:
    script = FaultScript()
    script.add([Fault(path="*", times=None)])
    assert all(script.take(f"/{i}", "X") for i in range(50))
    script.clear()
    assert script.take("/1", "X") is None


def test_faults_match_path_and_symbol() -> None:
    script = FaultScript()
    script.add([Fault(path="/a", symbol="ETHUSDT")])
    assert script.take("/b", "ETHUSDT") is None
    assert script.take("/a", "BTCUSDT") is None
    assert script.take("/a", "ETHUSDT") is not None


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


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({}, "a fault must be an object with a path"),
        ([{"path": "/a", "colour": 1}], "unknown fields of a fault: colour"),
        ([{"path": "/a", "times": -1}], "times must be an integer ≥ 0, was -1"),
        ([{"path": "/a", "headers": 3}], "headers must be an object, was 3"),
    ],
)
def test_unreadable_scripts_are_refused(payload: object, message: str) -> None:
    with pytest.raises(InvalidFault, match=message):
        parsed_faults(payload)


@pytest.mark.parametrize("pointer", ["/5", "/0/price/deep"])
def test_a_patch_that_hits_nothing_is_refused(pointer: str) -> None:
    with pytest.raises(InvalidFault, match="patch: no"):
        altered_body(Fault(path="*", patch={pointer: 1}), b'[{"price":"1"}]')
