"""Scripted replies from JSON."""

import re

import pytest

from monitor.simulator.fault_reading import parsed_faults
from monitor.simulator.faults import Fault, InvalidFault


def read(**fields: object) -> Fault:
    (fault,) = parsed_faults({"path": "/a", **fields})
    return fault


def test_one_object_or_a_list_of_them() -> None:
    assert parsed_faults({"path": "/a"}) == (Fault(path="/a"),)
    assert parsed_faults([{"path": "/a"}, {"path": "*", "status": 503}]) == (
        Fault(path="/a"),
        Fault(path="*", status=503),
    )
    assert parsed_faults([]) == ()


def test_null_is_left_out() -> None:
    assert read(times=None, status=None, headers=None, seed=None, reset=None) == Fault(
        path="/a", times=None
    )


def test_symbols_are_upper_case_like_those_of_requests() -> None:
    assert read(symbol="ethusdt").symbol == "ETHUSDT"
    assert read(symbols=["btcusdt", "币安人生usdt"]).symbols == (
        "BTCUSDT",
        "币安人生USDT",
    )


@pytest.mark.parametrize(
    ("fields", "times"),
    [
        ({}, 1),
        ({"status": 500}, 1),
        ({"from_weight": 5}, 1),
        ({"share": 0.5}, None),
        ({"symbol_share": 1}, None),
        ({"symbols": ["A"]}, None),
        ({"for_ms": 5}, None),
        ({"for_ms": 5, "times": 3}, 3),
        ({"times": None}, None),
        ({"times": 0}, 0),
    ],
)
def test_how_often_when_it_is_not_said(
    fields: dict[str, object], times: int | None
) -> None:
    assert read(**fields).times == times


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({}, "a fault must be an object with a path"),
        (7, "a fault must be an object with a path"),
        ([{"path": 3}], "a fault must be an object with a path"),
        ([{"path": "/a", "colour": 1}], "unknown fields of a fault: colour"),
        ([{"path": "/a", "headers": 3}], "headers must be an object of texts, was 3"),
    ],
)
def test_unreadable_scripts_are_refused(payload: object, message: str) -> None:
    with pytest.raises(InvalidFault, match=re.escape(message)):
        parsed_faults(payload)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"times": -1}, "times must be an integer ≥ 0, was -1"),
        ({"after": True}, "after must be an integer ≥ 0, was True"),
        ({"for_ms": 0}, "for_ms must be an integer ≥ 1, was 0"),
        ({"status": 42}, "status must be an integer in 200…599, was 42"),
        ({"share": 0}, "share must be a number in (0, 1], was 0"),
        ({"share": True}, "share must be a number in (0, 1], was True"),
        ({"symbol_share": 1.1}, "symbol_share must be a number in (0, 1], was 1.1"),
        ({"symbol": 3}, "symbol must be a text, was 3"),
        ({"symbols": "A"}, "symbols must be a list of texts, was 'A'"),
        ({"hang": 1}, "hang must be true or false, was 1"),
        ({"headers": {"A": 3}}, "headers must be an object of texts"),
        ({"headers": {"A": "b\r\nC: d"}}, "headers must be an object of texts"),
        ({"patch": []}, "patch must be an object, was []"),
        (
            {"symbol": "A", "symbol_share": 0.5},
            "only one of symbol, symbols, symbol_share may be given",
        ),
        (
            {"body_text": "", "html": True},
            "only one of body, body_text, html, told_ban_ms, patch may be given",
        ),
        ({"hang": True, "reset": True}, "only one of reset, hang may be given"),
        (
            {"hang": True, "status": 500, "drip_ms": 3},
            "nothing is answered, so not with drip_ms, status",
        ),
        ({"seed": 3}, "seed is only for share and symbol_share"),
        ({"ban_ms": 9, "status": 429}, "ban_ms must come with status 418"),
        ({"told_ban_ms": 9}, "told_ban_ms must come with status 418 or 429"),
    ],
)
def test_wrong_and_contradictory_fields_are_refused(
    fields: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidFault) as refused:
        read(**fields)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_what_only_looks_contradictory_is_read() -> None:
    assert read(hang=True, reset=False).hang
    assert read(html=False, body_text="x").body_text == "x"
    assert read(share=0.5, symbol_share=0.5, seed=3).seed == 3
