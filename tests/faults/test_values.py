"""F11 and F12: values and bars that no market produces, in whole scans."""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import fields, is_dataclass
from decimal import Decimal
from random import Random
from typing import Any
from urllib.parse import quote

import numpy as np
import orjson
import pytest

from grid_screening import ScreenerSettings, ScreeningReport
from grid_screening.reports.json import report_json
from grid_screening.services.screening_service import screen
from monitor.api_clients import schemas
from monitor.api_clients.binance import BinanceFuturesClient
from monitor.api_clients.outcomes import json_payload
from monitor.conf import GatewayConfig
from monitor.domain.market import KlineInterval
from monitor.exceptions import GarbledAnswer, MalformedPayload
from tests.chaos import ChaosProxy, Treatment
from tests.faults.rig import KLINES, MARKET_PATHS, OPEN_INTEREST, Rig, fetched_symbols

EVERYTHING = ScreenerSettings(min_volume=0.0, top=0)
DELETE = {"$delete": True}
BAD_VALUES: tuple[object, ...] = (
    *("NaN", "Infinity", "-Infinity", "", "abc", "1e999", "1_0", "٣", "0x1F", " 1"),
    *("-1", None, True, [], {}, DELETE, -1, 10**30, 1.5),
)
JSON_VALUES = tuple(value for value in BAD_VALUES if value != 10**30)
"""Without what the fast encoder cannot write."""
NUMBER_COLUMNS = (1, 2, 3, 4, 5, 7, 9, 10)


def scan(
    rig: Rig, settings: ScreenerSettings = EVERYTHING, **config: Any
) -> ScreeningReport:
    config = {"base_url": rig.base_url, **config}
    with BinanceFuturesClient(GatewayConfig(**config)) as client:
        return screen(settings, client)


def numbers(value: object) -> Iterator[float]:
    """Yield every number in a result, however deep."""
    if isinstance(value, np.ndarray):
        yield from value.astype(float).ravel().tolist()
    elif isinstance(value, int | float | Decimal):
        yield float(value)
    elif is_dataclass(value):
        for column in fields(value):
            yield from numbers(getattr(value, column.name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from numbers(item)


def check_is_whole(report: ScreeningReport) -> None:
    """No number is NaN or infinite, nobody is lost, the document can be written."""
    assert all(math.isfinite(number) for number in numbers(report.ranked))
    scored = [row.symbol for row in report.ranked]
    scored += [row.symbol for row in report.not_listed]
    excluded = [row.symbol for row in report.excluded]
    assert len(scored) + len(excluded) == report.funnel[0].count
    assert len(set(scored + excluded)) == len(scored) + len(excluded)
    assert all(row.reason.code and row.reason.text for row in report.excluded)
    json.loads(report_json(report), parse_constant=pytest.fail)


def codes(report: ScreeningReport) -> dict[str, str]:
    return {row.symbol: row.reason.code for row in report.excluded}


@pytest.fixture
def clean(rig: Rig) -> ScreeningReport:
    """An undisturbed scan, early in a minute whose prices then hold."""
    rig.to_second(1)
    report = scan(rig)
    check_is_whole(report)
    return report


@pytest.fixture
def fetched(rig: Rig, clean: ScreeningReport) -> list[str]:
    symbols = fetched_symbols(rig.log())
    rig.reset()
    assert len(symbols) > len(clean.ranked) // 2
    return symbols


def bars(rig: Rig, symbol: str) -> list[list[Any]]:
    query = f"{KLINES}?symbol={quote(symbol)}&interval=4h&limit=301"
    rows: list[list[Any]] = json.loads(rig.body(query))
    return rows


class TestMalformedValues:
    """F11."""

    def test_no_bad_value_of_a_bar_gets_into_the_ranking(
        self, rig: Rig, fetched: list[str], rng: Random
    ) -> None:
        ascii_symbols = [s for s in fetched if s != "BTCUSDT"]
        victims = rng.sample(ascii_symbols, len(BAD_VALUES))
        rig.script(
            *(
                {
                    "path": KLINES,
                    "symbol": symbol,
                    "times": None,
                    "patch": {f"/{rng.randint(0, 90)}/{column}": value},
                }
                for symbol, value in zip(victims, BAD_VALUES, strict=True)
                for column in [rng.choice(NUMBER_COLUMNS)]
            )
        )
        report = scan(rig)
        check_is_whole(report)
        assert {codes(report)[symbol] for symbol in victims} == {"malformed_payload"}
        assert report.coverage == pytest.approx(
            1 - len(victims) / len(fetched), abs=0.01
        )

    def test_further_columns_and_fields_change_nothing(
        self, rig: Rig, clean: ScreeningReport, fetched: list[str]
    ) -> None:
        rig.script(
            *(
                {"path": path, "times": None, "patch": {"/0/surprise": {"a": [1]}}}
                for path in MARKET_PATHS[1:]
            ),
            {"path": MARKET_PATHS[0], "patch": {"/symbols/0/surprise": None}},
            {"path": OPEN_INTEREST, "times": None, "patch": {"/surprise": "NaN"}},
        )
        report = scan(rig)
        assert report.ranked == clean.ranked
        rows = [[*row, "NaN", None] for row in bars(rig, fetched[0])]
        rig.reset()
        rig.script({"path": KLINES, "symbol": fetched[0], "body": rows})
        assert scan(rig).ranked == clean.ranked

    @pytest.mark.parametrize("round_number", range(8))
    def test_random_damage_to_whole_market_replies_is_told_and_survived(
        self, round_number: int, rig: Rig, fault_seed: int
    ) -> None:
        rng = Random(f"{fault_seed}:{round_number}")
        for path in (*MARKET_PATHS, OPEN_INTEREST):
            payload = json.loads(rig.body(path)) if path != OPEN_INTEREST else None
            patch = dict(_damage(path, payload, rng) for _ in range(12))
            rig.script({"path": path, "times": None, "patch": patch})
        report = scan(rig)
        check_is_whole(report)
        assert report.ranked

    def test_corrupt_bytes_never_become_numbers(
        self, rig: Rig, clean: ScreeningReport, rng: Random
    ) -> None:
        rig.reset()
        damage = Treatment(corrupt_every=rng.randint(15_000, 25_000))
        with ChaosProxy(rig.base_url, damage) as proxy:
            report = scan(
                rig, base_url=proxy.base_url, total_deadline_s=3.0, read_timeout_s=1.0
            )
        check_is_whole(report)
        undamaged = {row.symbol: row.factors["natr"] for row in clean.ranked}
        for row in report.ranked:
            assert row.factors["natr"] == undamaged[row.symbol]


def _damage(path: str, payload: Any, rng: Random) -> tuple[str, object]:
    # one JSON pointer and what to put there
    value = rng.choice(BAD_VALUES)
    if path == OPEN_INTEREST:
        return f"/{rng.choice(['openInterest', 'symbol', 'time'])}", value
    rows = payload["symbols"] if isinstance(payload, dict) else payload
    place = rng.randrange(len(rows))
    name = rng.choice(sorted(rows[place]))
    prefix = "/symbols" if isinstance(payload, dict) else ""
    return f"{prefix}/{place}/{name}", value


class TestOddBars:
    """F12: all at once, each with one contract; nobody else notices."""

    def test_each_oddity_has_its_own_consequence(
        self, rig: Rig, clean: ScreeningReport, rng: Random
    ) -> None:
        listed = [row.symbol for row in clean.ranked if row.symbol != "BTCUSDT"]
        oddities: dict[str, Callable[[list[list[Any]]], list[list[Any]]]] = {
            "gap": lambda rows: [*rows[:100], *rows[103:]],
            "two gaps": lambda rows: [*rows[:50], *rows[51:200], *rows[201:]],
            "reversed": lambda rows: rows[::-1],
            "shuffled": lambda rows: rng.sample(rows, len(rows)),
            "repeated": lambda rows: [*rows, *rows[10:20], rows[-1]],
            "contradicting": lambda rows: [*rows, [*rows[5][:5], "7", *rows[5][6:]]],
            "open bar absurd": lambda rows: [*rows[:-1], _absurd(rows[-1])],
            "too few": lambda rows: rows[-200:],
            "none": lambda _: [],
            "newest missing": lambda rows: rows[:-2],
            "off the grid": lambda rows: [_moved(row, 60_000) for row in rows],
            "high below low": lambda rows: [*rows[:-2], *map(_upside_down, rows[-2:])],
            "some without volume": lambda rows: [*map(_idle, rows[:9]), *rows[9:]],
            "all without volume": lambda rows: [*map(_idle, rows)],
        }
        victims = dict(zip(oddities, rng.sample(listed, len(oddities)), strict=True))
        bodies = {kind: oddities[kind](bars(rig, s)) for kind, s in victims.items()}
        rig.reset()
        # who is left out may ask again: nothing better is there
        usable = ("reversed", "shuffled", "repeated", "open bar absurd")
        rig.script(
            *(
                {
                    "path": KLINES,
                    "symbol": symbol,
                    "body": bodies[kind],
                    "times": 1 if kind in usable else None,
                }
                for kind, symbol in victims.items()
            )
        )
        report = scan(rig)
        check_is_whole(report)
        found = {kind: codes(report).get(victims[kind]) for kind in victims}
        assert found == {
            **dict.fromkeys(("gap", "two gaps"), "gap"),
            **dict.fromkeys(("reversed", "shuffled", "repeated"), None),
            "contradicting": "malformed_payload",
            "open bar absurd": None,
            **dict.fromkeys(("too few", "none"), "too_few_bars"),
            "newest missing": "stale_bars",
            **dict.fromkeys(("off the grid", "high below low"), "malformed_payload"),
            "some without volume": None,
            "all without volume": found["all without volume"],  # see below
        }
        before = {row.symbol: row for row in clean.ranked}
        after = {row.symbol: row for row in report.ranked}
        for kind in usable:
            symbol = victims[kind]
            assert after[symbol].factors == before[symbol].factors, kind
        idle = victims["all without volume"]
        if idle in after:  # then what needs volume is missing, not zero
            assert after[idle].confidence < before[idle].confidence
            assert after[idle].factors["cvd_change_ratio"] is None


def _absurd(row: list[Any]) -> list[Any]:
    open_price = float(row[1])
    return [
        *row[:2],
        f"{open_price * 9:.8f}",
        row[3],
        f"{open_price * 8:.8f}",
        *row[5:],
    ]


def _moved(row: list[Any], by_ms: int) -> list[Any]:
    return [row[0] + by_ms, *row[1:6], row[6] + by_ms, *row[7:]]


def _upside_down(row: list[Any]) -> list[Any]:
    return [*row[:2], row[3], f"{float(row[2]) * 1.01:.8f}", *row[4:]]


def _idle(row: list[Any]) -> list[Any]:
    return [*row[:5], "0", row[6], "0", 0, "0", "0", *row[11:]]


INPUTS = 100_000
Reader = Callable[[Any], object]


class TestFuzz:
    """F11: 100,000 damaged answers, each of them read or refused."""

    READERS: Mapping[str, tuple[str, Reader]] = {
        "time": ("/fapi/v1/time", schemas.server_time),
        "exchange info": ("/fapi/v1/exchangeInfo", schemas.exchange_info),
        "tickers": ("/fapi/v1/ticker/24hr", schemas.tickers_24h),
        "marks": ("/fapi/v1/premiumIndex", schemas.mark_prices),
        "intervals": ("/fapi/v1/fundingInfo", schemas.funding_intervals),
        "books": ("/fapi/v1/ticker/bookTicker", schemas.book_tickers),
        "interest": (
            "/fapi/v1/openInterest?symbol=ETHUSDT",
            lambda payload: schemas.open_interest(payload, "ETHUSDT"),
        ),
        "interest history": (
            "/futures/data/openInterestHist?symbol=ETHUSDT&period=4h&limit=3",
            lambda payload: schemas.open_interest_history(payload, "ETHUSDT"),
        ),
        "fundings": (
            "/fapi/v1/fundingRate?symbol=ETHUSDT&limit=3",
            lambda payload: schemas.funding_history(payload, "ETHUSDT"),
        ),
        "bars": (
            f"{KLINES}?symbol=ETHUSDT&interval=4h&limit=4",
            lambda payload: schemas.klines(payload, "ETHUSDT", KlineInterval.H4),
        ),
    }

    @pytest.mark.parametrize("name", sorted(READERS))
    def test_no_damage_is_a_crash_or_a_number_that_is_none(
        self, name: str, rig: Rig, fault_seed: int
    ) -> None:
        address, read = self.READERS[name]
        body = _shortened(rig.body(address))
        assert numbers(read(orjson.loads(body)))
        places = list(_places(orjson.loads(body)))
        rng = Random(f"{fault_seed}:{name}")
        outcomes: Counter[str] = Counter()
        for number in range(INPUTS // len(self.READERS)):
            damaged = (
                _with_wrong_bytes(body, rng)
                if number % 2
                else _with_wrong_values(body, places, rng)
            )
            outcomes[_outcome(read, damaged)] += 1
        print(name, dict(outcomes))  # noqa: T201  shown when the test fails
        assert outcomes["read"] > 0
        assert outcomes["refused"] > 0
        assert outcomes["read"] + outcomes["refused"] == INPUTS // len(self.READERS)


def _outcome(read: Reader, body: bytes) -> str:
    try:
        found = read(json_payload("/fuzz", body))
    except (GarbledAnswer, MalformedPayload):
        return "refused"
    if all(map(math.isfinite, numbers(found))):
        return "read"
    return "not finite"


def _shortened(body: bytes) -> bytes:
    # two rows are enough, and fast
    payload = orjson.loads(body)
    if isinstance(payload, dict) and "symbols" in payload:
        payload["symbols"] = payload["symbols"][:2]
    elif isinstance(payload, list):
        payload = payload[:2]
    return orjson.dumps(payload)


def _places(node: Any, prefix: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    children: Any = ()
    if isinstance(node, dict):
        children = node.items()
    elif isinstance(node, list):
        children = enumerate(node)
    for step, child in children:
        yield (*prefix, step)
        yield from _places(child, (*prefix, step))


def _with_wrong_values(
    body: bytes, places: list[tuple[Any, ...]], rng: Random
) -> bytes:
    payload = orjson.loads(body)
    for _ in range(rng.randint(1, 3)):
        *way, last = rng.choice(places)
        node = payload
        for step in way:
            node = _child(node, step)
        if _child(node, last) is None:
            continue  # an earlier change took that place away
        if rng.random() < 0.2:
            del node[last]
        else:
            node[last] = deepcopy(rng.choice(JSON_VALUES))
    return orjson.dumps(payload)


def _child(node: Any, step: Any) -> Any:
    if isinstance(node, list) and isinstance(step, int):
        return node[step] if step < len(node) else None
    return node.get(step) if isinstance(node, dict) else None


def _with_wrong_bytes(body: bytes, rng: Random) -> bytes:
    damaged = bytearray(body)
    match rng.randrange(4):
        case 0:
            for _ in range(rng.randint(1, 4)):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        case 1:
            del damaged[rng.randrange(len(damaged)) :]
        case 2:
            start = rng.randrange(len(damaged))
            del damaged[start : start + rng.randint(1, 30)]
        case _:
            # a digit for a digit: still JSON, often still legal
            digits = [at for at, byte in enumerate(damaged) if 48 <= byte <= 57]
            for _ in range(rng.randint(1, 20)):
                damaged[rng.choice(digits)] = rng.choice(b"0123456789.-eE")
    return bytes(damaged)
