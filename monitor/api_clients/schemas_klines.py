"""Bars: the exchange's rows → columns, in as few passes as Python allows."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from monitor.api_clients import endpoints, wire
from monitor.api_clients.wire import UnreadableValue
from monitor.domain.market import KlineInterval, Klines
from monitor.domain.typing import FloatArray, IntArray, Symbol
from monitor.exceptions import MalformedPayload

OPEN_TIME = 0
OPEN = 1
HIGH = 2
LOW = 3
CLOSE = 4
VOLUME = 5
CLOSE_TIME = 6
QUOTE_VOLUME = 7
TRADE_COUNT = 8
TAKER_BUY_BASE_VOLUME = 9
TAKER_BUY_QUOTE_VOLUME = 10
KLINE_WIDTH = 12
"""Columns of a row, the last of them unused: in a row that lacks one of the others it
would move up and be read as what it is not. What follows is ignored."""

_DECIMAL_BYTES = b"0123456789.-+eE"


def klines(
    payload: object,
    symbol: Symbol,
    interval: KlineInterval,
    *,
    path: str = endpoints.KLINES.path,
) -> Klines:
    """Bars as columns, as sent: order, gaps and the open bar are not judged here.

    Parameters
    ----------
    payload : object
        List of rows of at least 12 columns; may be empty.
    symbol : str
    interval : KlineInterval
    path : str
        The one that errors name: all markets send the same rows.

    Returns
    -------
    Klines
        Columns of shape ``(n_bars,)``; all values are 0 or of plausible magnitude.

    Raises
    ------
    MalformedPayload
        Naming the first bar and the column that cannot be read.
    """
    try:
        columns = _kline_columns(payload)
        return Klines(
            symbol=symbol,
            interval=interval,
            open_time=_times("open_time", columns[OPEN_TIME]),
            open=_floats("open", columns[OPEN]),
            high=_floats("high", columns[HIGH]),
            low=_floats("low", columns[LOW]),
            close=_floats("close", columns[CLOSE]),
            volume=_floats("volume", columns[VOLUME]),
            close_time=_times("close_time", columns[CLOSE_TIME]),
            quote_volume=_floats("quote_volume", columns[QUOTE_VOLUME]),
            trade_count=_integers(
                "trade_count", columns[TRADE_COUNT], wire.LARGEST_COUNT
            ),
            taker_buy_volume=_floats(
                "taker_buy_volume", columns[TAKER_BUY_BASE_VOLUME]
            ),
            taker_buy_quote_volume=_floats(
                "taker_buy_quote_volume", columns[TAKER_BUY_QUOTE_VOLUME]
            ),
        )
    except UnreadableValue as problem:
        raise MalformedPayload(path, str(problem), symbol=symbol) from None


def _kline_columns(payload: object) -> Sequence[tuple[object, ...]]:
    if not isinstance(payload, list):
        raise UnreadableValue(f"answer must be a list, was {wire.shown(payload)}")
    if not payload:
        return ((),) * KLINE_WIDTH
    if set(map(type, payload)) != {list} or min(map(len, payload)) < KLINE_WIDTH:
        bar, row = next(
            (bar, row)
            for bar, row in enumerate(payload)
            if type(row) is not list or len(row) < KLINE_WIDTH
        )
        raise UnreadableValue(
            f"bar {bar} must be a list of at least {KLINE_WIDTH} columns, was "
            f"{wire.shown(row)}"
        )
    return tuple(zip(*payload, strict=False))


def _floats(name: str, column: tuple[Any, ...]) -> FloatArray:
    # one pass in C per test; the slow search below runs for broken columns only
    try:
        joined = "".join(column).encode()
        values = np.fromiter(map(float, column), np.float64, len(column))
    except (TypeError, ValueError):
        raise _first_unreadable(name, column) from None
    if joined.translate(None, _DECIMAL_BYTES) or not (
        (values <= wire.LARGEST_MAGNITUDE).all()
        and ((values >= wire.SMALLEST_MAGNITUDE) | (values == 0)).all()
    ):
        raise _first_unreadable(name, column)
    return values


def _first_unreadable(name: str, column: Iterable[object]) -> UnreadableValue:
    bar, problem = next(
        (bar, problem)
        for bar, value in enumerate(column)
        if (problem := _problem(name, value)) is not None
    )
    return UnreadableValue(f"bar {bar}: {problem}")


def _problem(name: str, value: object) -> UnreadableValue | None:
    try:
        wire.number({name: value}, name)
    except UnreadableValue as problem:
        return problem
    return None


def _times(name: str, column: tuple[Any, ...]) -> IntArray:
    return _integers(name, column, wire.LATEST_MS)


def _integers(name: str, column: tuple[Any, ...], largest: int) -> IntArray:
    # bool is an int to NumPy, so the types are looked at first
    if set(map(type, column)) <= {int}:
        try:
            values = np.fromiter(column, np.int64, len(column))
        except OverflowError:
            raise _first_illegal(name, column, largest) from None
        if ((values >= 0) & (values <= largest)).all():
            return values
    raise _first_illegal(name, column, largest)


def _first_illegal(
    name: str, column: Iterable[object], largest: int
) -> UnreadableValue:
    bar, value = next(
        (bar, value)
        for bar, value in enumerate(column)
        if type(value) is not int or not 0 <= value <= largest
    )
    return UnreadableValue(
        f"bar {bar}: {name} must be an integer in 0…{largest}, was {wire.shown(value)}"
    )
