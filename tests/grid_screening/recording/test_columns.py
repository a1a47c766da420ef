"""Dataclasses and columns hold the same."""

from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid_screening.recording.columns import (
    Column,
    column_types,
    columns_of,
    rows_of,
)
from monitor.domain.instruments import Instrument, LeverageBracket, MalformedRow
from monitor.domain.market import (
    BookTicker,
    FundingInterval,
    MarkPrice,
    OpenInterest,
    Ticker24h,
)
from tests.builders import instrument

KINDS = (
    BookTicker,
    FundingInterval,
    Instrument,
    LeverageBracket,
    MalformedRow,
    MarkPrice,
    OpenInterest,
    Ticker24h,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    name: str | None
    amount: Decimal | None
    count: int
    rate: float | None


ROWS = st.builds(
    Row,
    name=st.none() | st.text(),
    amount=st.none() | st.decimals(allow_nan=False, allow_infinity=False),
    count=st.integers(-(2**63), 2**63 - 1),
    rate=st.none() | st.floats(allow_nan=False),
)


@given(st.lists(ROWS))
def test_rows_come_back_as_they_were(rows: list[Row]) -> None:
    back = rows_of(columns_of(rows, Row), Row)
    assert back == rows
    assert [str(row.amount) for row in back] == [str(row.amount) for row in rows]


def test_columns_are_typed_by_the_fields() -> None:
    assert column_types(Row) == {
        "name": Column.TEXT,
        "amount": Column.TEXT,
        "count": Column.INTEGER,
        "rate": Column.NUMBER,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_of_the_exchange_has_columns(kind: type) -> None:
    assert set(column_types(kind).values()) <= set(Column)


def test_decimals_keep_their_zeros() -> None:
    (back,) = rows_of(
        columns_of([instrument(tick_size=Decimal("0.10"))], Instrument), Instrument
    )
    assert str(back.tick_size) == "0.10"


def test_what_no_column_holds_is_refused() -> None:
    @dataclass(frozen=True)
    class Nested:
        inner: list[int]

    Nested.__annotations__["inner"] = list[int]
    with pytest.raises(TypeError, match=r"Nested\.inner: no column holds list\[int\]"):
        column_types(Nested)


def test_a_missing_column_is_an_error() -> None:
    with pytest.raises(KeyError):
        rows_of({"name": []}, Row)
