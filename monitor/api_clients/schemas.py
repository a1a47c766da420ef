"""Market data: the exchange's JSON → this project's words.

The only modules that know wire names are this one, `schemas_klines` and
`schemas_exchange_info`; this one gives all of them.
Whole-market replies collect unreadable rows; replies for one symbol raise
`MalformedPayload`. Unknown fields and extra columns are ignored.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from monitor.api_clients import endpoints, wire
from monitor.api_clients.schemas_exchange_info import (
    exchange_info,
    leverage_brackets,
)
from monitor.api_clients.schemas_klines import klines
from monitor.api_clients.wire import UnreadableValue
from monitor.domain.instruments import MalformedRow
from monitor.domain.market import (
    BookTicker,
    FundingEvent,
    FundingInterval,
    MarketRows,
    MarkPrice,
    OpenInterest,
    OpenInterestPoint,
    Ticker24h,
)
from monitor.domain.typing import Symbol
from monitor.exceptions import MalformedPayload

__all__ = [
    "book_tickers",
    "exchange_info",
    "funding_history",
    "funding_intervals",
    "klines",
    "leverage_brackets",
    "mark_prices",
    "open_interest",
    "open_interest_history",
    "server_time",
    "tickers_24h",
]

RowT = TypeVar("RowT")


def server_time(payload: object, *, path: str = endpoints.SERVER_TIME.path) -> int:
    """Server time in ms UTC; ``path`` is the one that errors name."""
    return _single(path, payload, lambda row: wire.instant(row, "serverTime"))


def tickers_24h(payload: object) -> MarketRows[Ticker24h]:
    """24-hour statistics of the whole market."""
    return _market_rows(endpoints.TICKERS_24H.path, payload, _ticker_24h)


def mark_prices(payload: object) -> MarketRows[MarkPrice]:
    """Mark prices and running funding of the whole market, non-trading included."""
    return _market_rows(endpoints.MARK_PRICES.path, payload, _mark_price)


def funding_intervals(payload: object) -> MarketRows[FundingInterval]:
    """Funding intervals; a contract without a row settles every 8 h."""
    return _market_rows(endpoints.FUNDING_INTERVALS.path, payload, _funding_interval)


def book_tickers(payload: object) -> MarketRows[BookTicker]:
    """Best bid and ask of the whole market."""
    return _market_rows(endpoints.BOOK_TICKERS.path, payload, _book_ticker)


def open_interest(payload: object, symbol: Symbol) -> OpenInterest:
    """Open interest of one contract.

    Raises
    ------
    MalformedPayload
        Unreadable, or of another symbol than the one asked for.
    """
    path = endpoints.OPEN_INTEREST.path

    def read(row: Mapping[str, object]) -> OpenInterest:
        return OpenInterest(
            symbol=_same_symbol(row, symbol),
            open_interest=wire.number(row, "openInterest"),
            time=wire.instant(row, "time"),
        )

    return _single(path, payload, read, symbol=symbol)


def open_interest_history(
    payload: object, symbol: Symbol
) -> tuple[OpenInterestPoint, ...]:
    """Open-interest history of one contract, oldest point first."""
    path = endpoints.OPEN_INTEREST_HISTORY.path

    def read(row: Mapping[str, object]) -> OpenInterestPoint:
        return OpenInterestPoint(
            symbol=_same_symbol(row, symbol),
            time=wire.instant_or_text(row, "timestamp"),
            open_interest=wire.number(row, "sumOpenInterest"),
            open_interest_value=wire.number(row, "sumOpenInterestValue"),
        )

    points = _every(path, payload, read, symbol=symbol)
    return tuple(sorted(points, key=lambda point: point.time))


def funding_history(
    payload: object, symbol: Symbol | None = None
) -> tuple[FundingEvent, ...]:
    """Settled fundings, oldest first; of the whole market without ``symbol``."""
    path = endpoints.FUNDING_HISTORY.path

    def read(row: Mapping[str, object]) -> FundingEvent:
        return FundingEvent(
            symbol=_same_symbol(row, symbol),
            funding_time=wire.instant(row, "fundingTime"),
            funding_rate=wire.number(row, "fundingRate", signed=True),
            mark_price=wire.optional_number(row, "markPrice"),
        )

    events = _every(path, payload, read, symbol=symbol)
    return tuple(sorted(events, key=lambda event: (event.funding_time, event.symbol)))


def _ticker_24h(row: Mapping[str, object]) -> Ticker24h:
    return Ticker24h(
        symbol=wire.symbol_of(row),
        last_price=wire.number(row, "lastPrice"),
        open_price=wire.number(row, "openPrice"),
        high_price=wire.number(row, "highPrice"),
        low_price=wire.number(row, "lowPrice"),
        volume_24h=wire.number(row, "volume"),
        quote_volume_24h=wire.number(row, "quoteVolume"),
        trade_count=wire.count(row, "count"),
        close_time=wire.instant(row, "closeTime"),
    )


def _mark_price(row: Mapping[str, object]) -> MarkPrice:
    return MarkPrice(
        symbol=wire.symbol_of(row),
        mark_price=wire.number(row, "markPrice"),
        index_price=wire.number(row, "indexPrice"),
        funding_rate=wire.optional_number(row, "lastFundingRate", signed=True),
        next_funding_at=wire.instant(row, "nextFundingTime"),
        time=wire.instant(row, "time"),
    )


def _funding_interval(row: Mapping[str, object]) -> FundingInterval:
    def bound(name: str) -> float | None:
        return wire.optional_number(row, name, signed=True, may_be_null=True)

    return FundingInterval(
        symbol=wire.symbol_of(row),
        funding_interval_h=wire.count(row, "fundingIntervalHours", at_least=1),
        rate_cap=bound("adjustedFundingRateCap"),
        rate_floor=bound("adjustedFundingRateFloor"),
    )


def _book_ticker(row: Mapping[str, object]) -> BookTicker:
    return BookTicker(
        symbol=wire.symbol_of(row),
        bid_price=wire.number(row, "bidPrice"),
        bid_quantity=wire.number(row, "bidQty"),
        ask_price=wire.number(row, "askPrice"),
        ask_quantity=wire.number(row, "askQty"),
        time=wire.instant(row, "time"),
    )


def _same_symbol(row: Mapping[str, object], symbol: Symbol | None) -> Symbol:
    answered = wire.symbol_of(row)
    if symbol is not None and answered != symbol:
        raise UnreadableValue(f"symbol must be {symbol}, was {wire.shown(answered)}")
    return answered


def _single(
    path: str,
    payload: object,
    read: Callable[[Mapping[str, object]], RowT],
    *,
    symbol: Symbol | None = None,
) -> RowT:
    try:
        return read(wire.fields_of(payload))
    except UnreadableValue as problem:
        raise MalformedPayload(path, str(problem), symbol=symbol) from None


def _every(
    path: str,
    payload: object,
    read: Callable[[Mapping[str, object]], RowT],
    *,
    symbol: Symbol | None,
) -> list[RowT]:
    if not isinstance(payload, list):
        detail = f"answer must be a list, was {wire.shown(payload)}"
        raise MalformedPayload(path, detail, symbol=symbol)
    return [_single(path, row, read, symbol=symbol) for row in payload]


def _market_rows(
    path: str, payload: object, read: Callable[[Mapping[str, object]], Any]
) -> MarketRows[Any]:
    if not isinstance(payload, list):
        raise MalformedPayload(
            path, f"answer must be a list, was {wire.shown(payload)}"
        )
    by_symbol: dict[Symbol, Any] = {}
    malformed: list[MalformedRow] = []
    for item in payload:
        try:
            row = read(wire.fields_of(item))
        except UnreadableValue as problem:
            malformed.append(wire.malformed_row(item, str(problem)))
            continue
        if row.symbol in by_symbol:
            malformed.append(wire.malformed_row(item, "symbol appears twice"))
        by_symbol.setdefault(row.symbol, row)
    return MarketRows(by_symbol=MappingProxyType(by_symbol), malformed=tuple(malformed))
