import math
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import fields, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.api_clients import schemas
from monitor.domain.instruments import ExchangeInfo
from monitor.domain.market import KlineInterval, Klines, MarketRows
from monitor.exceptions import MalformedPayload
from tests.monitor import payloads

EXAMPLES = (
    Path(__file__).resolve().parents[4] / "shared" / "reference" / "binance_examples"
)
SYMBOL = "AAAUSDT"

BAD_NUMBERS: list[Any] = [
    "NaN", "Infinity", "-Infinity", "", "1_000", " 1", "1 ", "٣", "0x10", "1e999",
    "abc", None, True, 1.5, 7, [], {}, "-1",
]  # fmt: skip
BAD_INTEGERS: list[Any] = ["1", 1.5, None, True, -1, 2**63, 2**64 - 1, [], ""]

Reader = Callable[[Any], object]
READERS: dict[str, tuple[Reader, Any]] = {
    "server_time": (schemas.server_time, payloads.TIME),
    "tickers_24h": (schemas.tickers_24h, payloads.TICKERS),
    "mark_prices": (schemas.mark_prices, payloads.MARK_PRICES),
    "funding_intervals": (schemas.funding_intervals, payloads.FUNDING_INTERVALS),
    "book_tickers": (schemas.book_tickers, payloads.BOOK_TICKERS),
    "open_interest": (
        lambda p: schemas.open_interest(p, SYMBOL),
        payloads.OPEN_INTEREST,
    ),
    "open_interest_history": (
        lambda p: schemas.open_interest_history(p, SYMBOL),
        payloads.OPEN_INTEREST_HISTORY,
    ),
    "funding_history": (
        lambda p: schemas.funding_history(p, SYMBOL),
        payloads.FUNDING_HISTORY,
    ),
    "klines": (
        lambda p: schemas.klines(p, SYMBOL, KlineInterval.M1),
        payloads.KLINES,
    ),
    "exchange_info": (schemas.exchange_info, payloads.EXCHANGE_INFO),
    "leverage_brackets": (schemas.leverage_brackets, payloads.LEVERAGE_BRACKETS),
}


def edited(payload: Any, path: tuple[Any, ...], value: Any) -> Any:
    copy = deepcopy(payload)
    target = copy
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return copy


def without(payload: Any, path: tuple[Any, ...]) -> Any:
    copy = deepcopy(payload)
    target = copy
    for step in path[:-1]:
        target = target[step]
    del target[path[-1]]
    return copy


class TestReadableAnswers:
    def test_tickers(self) -> None:
        row = schemas.tickers_24h(payloads.TICKERS).by_symbol["币安人生USDT"]
        assert (row.last_price, row.quote_volume_24h, row.volume_24h) == (
            0.41,
            10250.125,
            1000.5,
        )
        assert (row.trade_count, row.close_time) == (77, payloads.AT_MS - 3)

    def test_mark_prices_of_dead_contracts_are_zero_without_funding(self) -> None:
        found = schemas.mark_prices(payloads.MARK_PRICES)
        assert found.malformed == ()
        assert found.by_symbol["AAAUSDT"].funding_rate == -0.00012
        assert found.by_symbol["OLDUSDT"].mark_price == 0.0
        assert found.by_symbol["OLDUSDT"].funding_rate is None

    def test_funding_interval(self) -> None:
        row = schemas.funding_intervals(payloads.FUNDING_INTERVALS).by_symbol[SYMBOL]
        assert (row.funding_interval_h, row.rate_cap, row.rate_floor) == (
            4,
            0.02,
            -0.02,
        )

    def test_funding_interval_without_caps(self) -> None:
        payload = edited(
            payloads.FUNDING_INTERVALS, (0, "adjustedFundingRateCap"), None
        )
        row = schemas.funding_intervals(payload).by_symbol[SYMBOL]
        assert row.rate_cap is None

    def test_history_is_sorted_and_times_may_be_text(self) -> None:
        points = schemas.open_interest_history(payloads.OPEN_INTEREST_HISTORY, SYMBOL)
        assert [point.open_interest for point in points] == [500.5, 501.5]
        assert points[-1].time == payloads.AT_MS

    def test_old_fundings_have_no_mark_price(self) -> None:
        old, new = schemas.funding_history(payloads.FUNDING_HISTORY)
        assert (old.mark_price, old.funding_rate) == (None, 0.0002)
        assert (new.mark_price, new.funding_rate) == (10.5, -0.00001)

    def test_kline_columns_are_where_the_exchange_puts_them(self) -> None:
        row = [1, "2", "4", "1.5", "3", "50", 9, "700", 8, "20", "300", "0", "extra"]
        bars = schemas.klines([row], SYMBOL, KlineInterval.H4)
        assert (bars.symbol, bars.interval) == (SYMBOL, KlineInterval.H4)
        columns = {
            f.name: getattr(bars, f.name).tolist()
            for f in fields(bars)
            if f.name not in {"symbol", "interval"}
        }
        assert columns == {
            "open_time": [1],
            "open": [2.0],
            "high": [4.0],
            "low": [1.5],
            "close": [3.0],
            "volume": [50.0],
            "close_time": [9],
            "quote_volume": [700.0],
            "trade_count": [8],
            "taker_buy_volume": [20.0],
            "taker_buy_quote_volume": [300.0],
        }
        assert bars.open.dtype == np.float64
        assert bars.open_time.dtype == np.int64

    def test_no_bars_are_empty_columns(self) -> None:
        bars = schemas.klines([], SYMBOL, KlineInterval.H4)
        assert bars.bar_count == 0
        assert bars.close.dtype == np.float64

    def test_prices_of_instruments_are_exact(self) -> None:
        (found,) = schemas.exchange_info(payloads.EXCHANGE_INFO).instruments
        assert found.tick_size == Decimal("0.0001000")
        assert str(found.tick_size) == "0.0001000"
        assert (found.step_size, found.market_step_size) == (Decimal(1), Decimal(2))
        assert (found.multiplier_up, found.multiplier_down) == (
            Decimal("1.1"),
            Decimal("0.9"),
        )
        assert (found.max_order_count, found.min_notional) == (150, Decimal(5))
        assert found.is_trading

    def test_rate_limits(self) -> None:
        found = schemas.exchange_info(payloads.EXCHANGE_INFO)
        assert found.weight_per_minute == 2400
        assert [(r.kind, r.interval_s) for r in found.rate_limits] == [
            ("REQUEST_WEIGHT", 60),
            ("ORDERS", 10),
        ]

    def test_without_an_order_limit_the_count_is_zero(self) -> None:
        payload = without(payloads.EXCHANGE_INFO, ("symbols", 0, "filters", 1))
        (found,) = schemas.exchange_info(payload).instruments
        assert found.max_order_count == 0

    def test_unknown_status_and_contract_type_are_kept(self) -> None:
        payload = edited(payloads.EXCHANGE_INFO, ("symbols", 0, "status"), "HALTED")
        payload = edited(payload, ("symbols", 0, "contractType"), "")
        (found,) = schemas.exchange_info(payload).instruments
        assert (found.status, found.contract_type) == ("HALTED", "")
        assert not found.is_trading

    @pytest.mark.parametrize("single", [False, True])
    def test_brackets_are_exact_and_sorted(self, *, single: bool) -> None:
        payload: Any = payloads.LEVERAGE_BRACKETS
        low, high = schemas.leverage_brackets(payload[0] if single else payload)[SYMBOL]
        assert (low.notional_floor, low.notional_cap) == (Decimal(0), Decimal(10000))
        assert low.maintenance_margin_rate == Decimal("0.0065")
        assert (high.initial_leverage, high.cumulative_amount) == (20, Decimal("35.0"))


class TestUnreadableAnswers:
    @pytest.mark.parametrize("value", BAD_NUMBERS, ids=repr)
    @pytest.mark.parametrize("column", [1, 2, 3, 4, 5, 7, 9, 10])
    def test_bad_number_in_a_bar(self, column: int, value: object) -> None:
        payload = edited(payloads.KLINES, (1, column), value)
        with pytest.raises(MalformedPayload, match="bar 1: "):
            schemas.klines(payload, SYMBOL, KlineInterval.M1)

    @pytest.mark.parametrize("value", BAD_INTEGERS, ids=repr)
    @pytest.mark.parametrize("column", [0, 6, 8])
    def test_bad_integer_in_a_bar(self, column: int, value: object) -> None:
        payload = edited(payloads.KLINES, (2, column), value)
        with pytest.raises(MalformedPayload, match="bar 2: "):
            schemas.klines(payload, SYMBOL, KlineInterval.M1)

    def test_the_error_names_symbol_bar_column_and_value(self) -> None:
        payload = edited(payloads.KLINES, (1, 9), "NaN")
        with pytest.raises(MalformedPayload) as caught:
            schemas.klines(payload, SYMBOL, KlineInterval.M1)
        assert str(caught.value) == (
            "/fapi/v1/klines of AAAUSDT: unreadable answer: "
            "bar 1: taker_buy_volume must be a decimal string, was 'NaN'"
        )

    def test_negative_volume_is_unreadable(self) -> None:
        payload = edited(payloads.KLINES, (0, 5), "-0.5")
        with pytest.raises(
            MalformedPayload, match=r"bar 0: volume must be finite and ≥ 0, was '-0.5'"
        ):
            schemas.klines(payload, SYMBOL, KlineInterval.M1)

    @pytest.mark.parametrize("payload", [None, {}, "x", 5, [[]], [None], [[1] * 10]])
    def test_bars_of_a_wrong_shape(self, payload: object) -> None:
        with pytest.raises(MalformedPayload):
            schemas.klines(payload, SYMBOL, KlineInterval.M1)

    @pytest.mark.parametrize("value", BAD_NUMBERS, ids=repr)
    @pytest.mark.parametrize(
        ("name", "field"),
        [
            ("tickers_24h", "quoteVolume"),
            ("tickers_24h", "lastPrice"),
            ("mark_prices", "markPrice"),
            ("book_tickers", "askQty"),
        ],
    )
    def test_bad_number_in_a_market_row_costs_that_row_only(
        self, name: str, field: str, value: object
    ) -> None:
        read, payload = READERS[name]
        found = read(edited(payload, (0, field), value))
        assert isinstance(found, MarketRows)
        (malformed,) = found.malformed
        assert malformed.symbol == "AAAUSDT"
        assert malformed.detail.startswith(f"{field} must be ")
        assert len(found.by_symbol) == len(payload) - 1

    @pytest.mark.parametrize("value", ["NaN", None, "x", 0.1])
    def test_funding_rate_may_be_empty_but_not_wrong(self, value: object) -> None:
        payload = edited(payloads.MARK_PRICES, (0, "lastFundingRate"), value)
        assert len(schemas.mark_prices(payload).malformed) == 1

    @pytest.mark.parametrize("value", [0, -4, "4", None, 4.0, True])
    def test_funding_interval_must_be_a_positive_integer(self, value: object) -> None:
        payload = edited(payloads.FUNDING_INTERVALS, (0, "fundingIntervalHours"), value)
        assert len(schemas.funding_intervals(payload).malformed) == 1

    def test_missing_fields_are_named(self) -> None:
        payload = without(payloads.TICKERS, (0, "quoteVolume"))
        (malformed,) = schemas.tickers_24h(payload).malformed
        assert malformed.detail == "quoteVolume is missing"

    def test_a_symbol_that_appears_twice_is_reported(self) -> None:
        found = schemas.tickers_24h([payloads.TICKERS[0]] * 2)
        assert len(found.by_symbol) == 1
        assert found.malformed[0].detail == "symbol appears twice"

    def test_a_contract_that_appears_twice_alike_counts_once(self) -> None:
        payload = edited(
            payloads.EXCHANGE_INFO, ("symbols",), [payloads.INSTRUMENT] * 2
        )
        found = schemas.exchange_info(payload)
        assert len(found.instruments) == 1
        assert found.malformed == ()

    @pytest.mark.parametrize("status", ["BREAK", None])
    @pytest.mark.parametrize("order", [1, -1])
    def test_a_contract_that_appears_twice_differently_is_malformed(
        self, status: str | None, order: int
    ) -> None:
        other = {**payloads.INSTRUMENT, "status": status}
        both = [payloads.INSTRUMENT, other, payloads.INSTRUMENT][::order]
        for rows in (both[:2], both[1:], both):
            found = schemas.exchange_info(
                edited(payloads.EXCHANGE_INFO, ("symbols",), rows)
            )
            assert found.instruments == ()
            assert [row.symbol for row in found.malformed] == ["币安人生USDT"]

    def test_long_values_are_shortened_in_errors(self) -> None:
        payload = edited(payloads.TICKERS, (0, "lastPrice"), "9x" * 500)
        (malformed,) = schemas.tickers_24h(payload).malformed
        assert malformed.detail.endswith("9x9x9x9…")
        assert len(malformed.detail) < 90

    @pytest.mark.parametrize("symbol", ["", "A B", "../x", "A\n", None, 5])
    def test_unusable_symbols(self, symbol: object) -> None:
        payload = edited(payloads.TICKERS, (0, "symbol"), symbol)
        (malformed,) = schemas.tickers_24h(payload).malformed
        assert malformed.symbol is None

    @pytest.mark.parametrize("payload", [None, {}, "x", 5])
    def test_a_market_that_is_no_list(self, payload: object) -> None:
        with pytest.raises(MalformedPayload, match="answer must be a list"):
            schemas.tickers_24h(payload)

    def test_answers_about_another_symbol(self) -> None:
        with pytest.raises(
            MalformedPayload, match="symbol must be BBBUSDT, was 'AAAUSDT'"
        ):
            schemas.open_interest(payloads.OPEN_INTEREST, "BBBUSDT")

    @pytest.mark.parametrize(
        ("path", "value", "detail"),
        [
            (("filters", 5, "tickSize"), "0", "tickSize must be > 0, was '0'"),
            (("filters", 5, "tickSize"), "1e-999", "tickSize must be a decimal"),
            (("filters", 4, "stepSize"), "NaN", "stepSize must be a decimal string"),
            (("filters", 1, "limit"), "200", "limit must be an integer"),
            (("filters", 0, "multiplierUp"), 1.1, "multiplierUp must be a decimal"),
            (("onboardDate",), "1", "onboardDate must be an integer of ms UTC"),
            (("status",), None, "status must be a printable string, was null"),
            (("filters",), {}, "filters must be a list, was an object"),
        ],
    )
    def test_bad_contract_is_collected(
        self, path: tuple[Any, ...], value: object, detail: str
    ) -> None:
        payload = edited(payloads.EXCHANGE_INFO, ("symbols", 0, *path), value)
        found = schemas.exchange_info(payload)
        assert found.instruments == ()
        (malformed,) = found.malformed
        assert malformed.symbol == "币安人生USDT"
        assert malformed.detail.startswith(detail)

    @pytest.mark.parametrize("position", [0, 2, 3, 4, 5])
    def test_missing_filters_are_named(self, position: int) -> None:
        kind = payloads.INSTRUMENT["filters"][position]["filterType"]
        payload = without(payloads.EXCHANGE_INFO, ("symbols", 0, "filters", position))
        (malformed,) = schemas.exchange_info(payload).malformed
        assert malformed.detail == f"filter {kind} is missing"

    def test_unknown_limit_intervals_are_collected(self) -> None:
        payload = edited(payloads.EXCHANGE_INFO, ("rateLimits", 0, "interval"), "YEAR")
        found = schemas.exchange_info(payload)
        assert found.weight_per_minute is None
        assert found.malformed == ()
        assert len(found.instruments) == 1
        assert found.malformed_limits[0].detail.startswith("interval must be")

    @pytest.mark.parametrize("name", ["symbols", "rateLimits"])
    def test_exchange_info_without_its_lists(self, name: str) -> None:
        payload = without(payloads.EXCHANGE_INFO, (name,))
        with pytest.raises(MalformedPayload, match=f"{name} must be a list"):
            schemas.exchange_info(payload)

    @pytest.mark.parametrize(
        ("path", "value", "detail"),
        [
            ((0, "brackets", 0, "notionalFloor"), 11000, "brackets must adjoin"),
            ((0, "brackets", 1, "notionalFloor"), 5, "the lowest notionalFloor"),
            ((0, "brackets", 1, "notionalCap"), 0, "notionalCap must be > 0"),
            ((0, "brackets", 0, "notionalCap"), 9000, "notionalCap must be > notional"),
            ((0, "brackets", 0, "maintMarginRatio"), 1.0, "maintMarginRatio must be"),
            ((0, "brackets", 0, "cum"), math.nan, "cum must be a decimal string"),
            ((0, "brackets", 0, "cum"), True, "cum must be a decimal string"),
            ((0, "brackets"), [], "brackets must not be empty"),
        ],
    )
    def test_bad_brackets(
        self, path: tuple[Any, ...], value: object, detail: str
    ) -> None:
        payload = edited(payloads.LEVERAGE_BRACKETS, path, value)
        with pytest.raises(MalformedPayload, match=detail):
            schemas.leverage_brackets(payload)

    def test_brackets_given_twice(self) -> None:
        with pytest.raises(MalformedPayload, match="symbol appears twice"):
            schemas.leverage_brackets(payloads.LEVERAGE_BRACKETS * 2)

    def test_brackets_of_a_wrong_shape(self) -> None:
        with pytest.raises(MalformedPayload, match="must be a list or an object"):
            schemas.leverage_brackets("x")


IMPLAUSIBLE = ["1e40", "1e99", "1.1e18", "1" + "0" * 38, "9e-16", "1e-99"]


class TestMagnitudes:
    @pytest.mark.parametrize("value", IMPLAUSIBLE)
    @pytest.mark.parametrize("column", [1, 2, 3, 4, 5, 7, 9, 10])
    def test_bars(self, column: int, value: str) -> None:
        payload = edited(payloads.KLINES, (1, column), value)
        with pytest.raises(MalformedPayload, match=r"bar 1: .* from 1e-15 to 1e"):
            schemas.klines(payload, SYMBOL, KlineInterval.M1)

    @pytest.mark.parametrize("value", IMPLAUSIBLE)
    @pytest.mark.parametrize(
        ("name", "field"),
        [("tickers_24h", "quoteVolume"), ("mark_prices", "lastFundingRate")],
    )
    def test_market_rows(self, name: str, field: str, value: str) -> None:
        read, payload = READERS[name]
        found = read(edited(payload, (0, field), value))
        assert isinstance(found, MarketRows)
        assert found.malformed[0].detail.startswith(
            f"{field} must be 0 or from 1e-15 to 1e+18, was '{value[:30]}"
        )

    @pytest.mark.parametrize("value", IMPLAUSIBLE)
    def test_open_interest(self, value: str) -> None:
        payload = {**payloads.OPEN_INTEREST, "openInterest": value}
        with pytest.raises(MalformedPayload, match="openInterest must be 0 or from"):
            schemas.open_interest(payload, SYMBOL)

    @pytest.mark.parametrize("value", IMPLAUSIBLE)
    @pytest.mark.parametrize(
        ("position", "field"), [(5, "tickSize"), (4, "stepSize"), (2, "notional")]
    )
    def test_rules(self, position: int, field: str, value: str) -> None:
        path = ("symbols", 0, "filters", position, field)
        found = schemas.exchange_info(edited(payloads.EXCHANGE_INFO, path, value))
        assert found.instruments == ()
        assert found.malformed[0].detail.startswith(f"{field} must be 0 or from")

    @pytest.mark.parametrize("value", ["0", "-0", "1e-15", "1e18", "0.00000001"])
    def test_the_border_is_inside(self, value: str) -> None:
        bars = schemas.klines(
            edited(payloads.KLINES, (1, 5), value), SYMBOL, KlineInterval.M1
        )
        assert bars.volume[1] == float(value)
        payload = {**payloads.OPEN_INTEREST, "openInterest": value}
        found = schemas.open_interest(payload, SYMBOL)
        assert found.open_interest == float(value)

    def test_a_bracket_without_an_end_is_read(self) -> None:
        path = (0, "brackets", 0, "notionalCap")
        payload = edited(payloads.LEVERAGE_BRACKETS, path, 2**63 - 1)
        _, high = schemas.leverage_brackets(payload)[SYMBOL]
        assert high.notional_cap == 2**63 - 1


class TestOwnShapes:
    """What `TestRecordedAnswers` checks, on shapes that are always here."""

    @pytest.mark.parametrize("name", sorted(READERS))
    def test_every_shape_is_readable(self, name: str) -> None:
        read, payload = READERS[name]
        found = read(payload)
        if isinstance(found, MarketRows):
            assert (len(found.by_symbol), found.malformed) == (len(payload), ())
        elif isinstance(found, ExchangeInfo):
            assert len(found.instruments) == len(payload["symbols"])
            assert (found.malformed, found.malformed_limits) == ((), ())
        elif isinstance(found, Klines):
            assert found.taker_buy_volume.tolist() == [40.25] * 3
            assert found.quote_volume.tolist() == [1050.25] * 3
        else:
            assert found

    def test_contracts_that_settle_are_kept(self) -> None:
        payload = edited(payloads.EXCHANGE_INFO, ("symbols", 0, "status"), "SETTLING")
        (found,) = schemas.exchange_info(payload).instruments
        assert found.status == "SETTLING"
        assert not found.is_trading

    def test_one_symbol_is_answered_without_a_list(self) -> None:
        found = schemas.open_interest(payloads.OPEN_INTEREST, SYMBOL)
        assert found.open_interest == 500.125
        book = schemas.book_tickers(payloads.BOOK_TICKERS).by_symbol[SYMBOL]
        assert book.ask_quantity == 0.5


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["NaN", "Infinity", "1e999", "-0", "0E-8", "1_0", "1.5"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner)
    ),
    max_leaves=12,
)


def places(payload: Any, prefix: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(payload, dict):
        children: Any = payload.items()
    elif isinstance(payload, list):
        children = enumerate(payload)
    else:
        return
    for step, child in children:
        yield (*prefix, step)
        yield from places(child, (*prefix, step))


def numbers_in(value: Any) -> Iterator[float]:
    if isinstance(value, np.ndarray):
        yield from value.astype(float).tolist()
    elif isinstance(value, float | Decimal):
        yield float(value)
    elif is_dataclass(value):
        for field in fields(value):
            yield from numbers_in(getattr(value, field.name))
    elif hasattr(value, "values"):
        for item in value.values():
            yield from numbers_in(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from numbers_in(item)


def assert_reads_or_is_malformed(read: Reader, payload: Any) -> None:
    try:
        found = read(payload)
    except MalformedPayload:
        return
    assert all(math.isfinite(number) for number in numbers_in(found))


class TestFuzz:
    @pytest.mark.parametrize("name", sorted(READERS))
    @given(payload=JSON)
    @settings(max_examples=60)
    def test_any_json_is_read_or_malformed(self, name: str, payload: Any) -> None:
        assert_reads_or_is_malformed(READERS[name][0], payload)

    @pytest.mark.parametrize("name", sorted(READERS))
    @given(choices=st.data())
    @settings(max_examples=120)
    def test_any_mutation_is_read_or_malformed(
        self, name: str, choices: st.DataObject
    ) -> None:
        read, payload = READERS[name]
        for _ in range(choices.draw(st.integers(1, 3), label="mutations")):
            known = list(places(payload))
            if not known:
                break
            place = choices.draw(st.sampled_from(known), label="place")
            if choices.draw(st.booleans(), label="delete"):
                payload = without(payload, place)
            else:
                payload = edited(payload, place, choices.draw(JSON, label="value"))
        assert_reads_or_is_malformed(read, payload)


def example(name: str) -> Any:
    if not EXAMPLES.is_dir():
        pytest.skip(f"recorded answers are not at {EXAMPLES}")
    return orjson.loads((EXAMPLES / name).read_bytes())


class TestRecordedAnswers:
    def test_exchange_info(self) -> None:
        found = schemas.exchange_info(example("rest_exchangeInfo.json"))
        assert isinstance(found, ExchangeInfo)
        assert found.malformed == ()
        by_symbol = {i.symbol: i for i in found.instruments}
        assert by_symbol["OMGUSDT"].status == "SETTLING"
        assert by_symbol["BTCUSDT"].min_notional == Decimal(50)
        assert found.weight_per_minute == 2400

    @pytest.mark.parametrize(
        ("name", "file", "rows"),
        [
            ("tickers_24h", "rest_ticker_24hr_all.json", 3),
            ("mark_prices", "rest_premiumIndex_all.json", 3),
            ("funding_intervals", "rest_fundingInfo.json", 3),
        ],
    )
    def test_whole_market(self, name: str, file: str, rows: int) -> None:
        found = READERS[name][0](example(file))
        assert isinstance(found, MarketRows)
        assert (len(found.by_symbol), found.malformed) == (rows, ())

    def test_klines(self) -> None:
        bars = schemas.klines(example("rest_klines.json"), "BTCUSDT", KlineInterval.M1)
        assert isinstance(bars, Klines)
        assert bars.taker_buy_volume.tolist() == [49.832, 4.063]
        assert bars.quote_volume.tolist() == [8514292.6122, 875630.543]

    def test_single_symbol_answers(self) -> None:
        symbol = "BTCUSDT"
        book = schemas.book_tickers([example("rest_bookTicker.json")])
        assert book.by_symbol[symbol].ask_quantity == 6.128
        found = schemas.open_interest(example("rest_openInterest.json"), symbol)
        assert found.open_interest == 95744.938
        first, last = schemas.open_interest_history(
            example("data_openInterestHist.json"), symbol
        )
        assert first.time < last.time
        (old,) = schemas.funding_history(example("rest_fundingRate_2019.json"), symbol)
        assert old.mark_price is None
        assert len(schemas.funding_history(example("rest_fundingRate.json"))) == 3
        brackets = schemas.leverage_brackets(example("signed_leverageBracket.json"))
        assert brackets["ETHUSDT"][0].initial_leverage == 75
