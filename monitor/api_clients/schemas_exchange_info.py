"""Contracts, limits and maintenance brackets: the exchange's JSON → our words."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from types import MappingProxyType

from monitor.api_clients import endpoints, wire
from monitor.api_clients.wire import UnreadableValue
from monitor.domain.instruments import (
    ExchangeInfo,
    Instrument,
    LeverageBracket,
    MalformedRow,
    RateLimit,
)
from monitor.domain.typing import Symbol
from monitor.exceptions import MalformedPayload

_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400}


def exchange_info(payload: object) -> ExchangeInfo:
    """All contracts with their filters, and the published rate limits.

    Unreadable contracts are collected in ``malformed``, unreadable limits in
    ``malformed_limits``. A contract that appears again, readably and with the same
    rules, counts once; else it is malformed, since nobody knows which rules hold.

    Raises
    ------
    MalformedPayload
        The answer has no list of symbols or of limits.
    """
    path = endpoints.EXCHANGE_INFO.path
    try:
        whole = wire.fields_of(payload)
        symbol_rows = rows_of(whole, "symbols")
        limit_rows = rows_of(whole, "rateLimits")
    except UnreadableValue as problem:
        raise MalformedPayload(path, str(problem)) from None
    limits, malformed_limits = rate_limits(limit_rows)
    contracts = _contracts(symbol_rows)
    return ExchangeInfo(
        instruments=tuple(c for c in contracts if isinstance(c, Instrument)),
        malformed=tuple(c for c in contracts if isinstance(c, MalformedRow)),
        rate_limits=limits,
        malformed_limits=malformed_limits,
    )


def rate_limits(
    rows: Sequence[object],
) -> tuple[tuple[RateLimit, ...], tuple[MalformedRow, ...]]:
    """Return the published limits that can be read, and those that cannot."""
    limits: list[RateLimit] = []
    malformed: list[MalformedRow] = []
    for row in rows:
        try:
            limits.append(_rate_limit(wire.fields_of(row)))
        except UnreadableValue as problem:
            malformed.append(MalformedRow(symbol=None, detail=str(problem)))
    return tuple(limits), tuple(malformed)


def _contracts(rows: Sequence[object]) -> list[Instrument | MalformedRow]:
    # each symbol once; rows without a readable symbol all stay
    named: dict[Symbol, Instrument | MalformedRow] = {}
    nameless: list[Instrument | MalformedRow] = []
    for row in rows:
        contract = _contract(row)
        if contract.symbol is None:
            nameless.append(contract)
            continue
        earlier = named.setdefault(contract.symbol, contract)
        if isinstance(earlier, Instrument) and earlier != contract:
            named[contract.symbol] = MalformedRow(
                symbol=contract.symbol, detail="symbol appears twice with unequal rules"
            )
    return [*named.values(), *nameless]


def _contract(row: object) -> Instrument | MalformedRow:
    try:
        return _instrument(wire.fields_of(row))
    except UnreadableValue as problem:
        return wire.malformed_row(row, str(problem))


def leverage_brackets(
    payload: object,
) -> Mapping[Symbol, tuple[LeverageBracket, ...]]:
    """Maintenance brackets by symbol, lowest notional first.

    Parameters
    ----------
    payload : object
        The endpoint's JSON: a list of symbols, or one symbol's object.

    Raises
    ------
    MalformedPayload
        A value is unreadable, or the brackets of a symbol leave a hole.
    """
    path = endpoints.LEVERAGE_BRACKETS.path
    rows = [payload] if isinstance(payload, dict) else payload
    if not isinstance(rows, list):
        detail = f"answer must be a list or an object, was {wire.shown(rows)}"
        raise MalformedPayload(path, detail)
    by_symbol: dict[Symbol, tuple[LeverageBracket, ...]] = {}
    for item in rows:
        try:
            row = wire.fields_of(item)
            symbol, brackets = wire.symbol_of(row), _brackets(row)
        except UnreadableValue as problem:
            whose = wire.malformed_row(item, "").symbol
            raise MalformedPayload(path, str(problem), symbol=whose) from None
        if symbol in by_symbol:
            raise MalformedPayload(path, "symbol appears twice", symbol=symbol)
        by_symbol[symbol] = brackets
    return MappingProxyType(by_symbol)


def _brackets(row: Mapping[str, object]) -> tuple[LeverageBracket, ...]:
    brackets = sorted(
        (_bracket(wire.fields_of(item)) for item in rows_of(row, "brackets")),
        key=lambda bracket: bracket.notional_floor,
    )
    if not brackets:
        raise UnreadableValue("brackets must not be empty")
    if brackets[0].notional_floor != 0:
        raise UnreadableValue("the lowest notionalFloor must be 0")
    for lower, upper in pairwise(brackets):
        if lower.notional_cap != upper.notional_floor:
            raise UnreadableValue(
                f"brackets must adjoin, {lower.notional_cap} was followed by "
                f"{upper.notional_floor}"
            )
    return tuple(brackets)


def _bracket(row: Mapping[str, object]) -> LeverageBracket:
    floor = wire.decimal_of_number(row, "notionalFloor", may_be_zero=True)
    cap = wire.decimal_of_number(row, "notionalCap")
    rate = wire.decimal_of_number(row, "maintMarginRatio")
    if cap <= floor:
        raise UnreadableValue(f"notionalCap must be > notionalFloor, was {cap}")
    if rate >= 1:
        raise UnreadableValue(f"maintMarginRatio must be in (0, 1), was {rate}")
    return LeverageBracket(
        notional_floor=floor,
        notional_cap=cap,
        initial_leverage=wire.count(row, "initialLeverage", at_least=1),
        maintenance_margin_rate=rate,
        cumulative_amount=wire.decimal_of_number(row, "cum", may_be_zero=True),
    )


def _instrument(row: Mapping[str, object]) -> Instrument:
    filters = filters_of(row)
    price = required_filter(filters, "PRICE_FILTER")
    lot = required_filter(filters, "LOT_SIZE")
    market_lot = required_filter(filters, "MARKET_LOT_SIZE")
    percent = required_filter(filters, "PERCENT_PRICE")
    return Instrument(
        symbol=wire.symbol_of(row),
        pair=wire.text(row, "pair"),
        contract_type=wire.text(row, "contractType"),
        status=wire.text(row, "status"),
        base_asset=wire.text(row, "baseAsset"),
        quote_asset=wire.text(row, "quoteAsset"),
        margin_asset=wire.text(row, "marginAsset"),
        underlying_type=wire.text(row, "underlyingType"),
        onboarded_at=wire.instant(row, "onboardDate"),
        delivery_at=wire.instant(row, "deliveryDate"),
        tick_size=wire.decimal(price, "tickSize"),
        min_price=wire.decimal(price, "minPrice", may_be_zero=True),
        max_price=wire.decimal(price, "maxPrice"),
        step_size=wire.decimal(lot, "stepSize"),
        min_quantity=wire.decimal(lot, "minQty", may_be_zero=True),
        max_quantity=wire.decimal(lot, "maxQty"),
        market_step_size=wire.decimal(market_lot, "stepSize"),
        market_min_quantity=wire.decimal(market_lot, "minQty", may_be_zero=True),
        market_max_quantity=wire.decimal(market_lot, "maxQty"),
        min_notional=_min_notional(filters),
        max_order_count=_max_order_count(filters),
        multiplier_up=wire.decimal(percent, "multiplierUp"),
        multiplier_down=wire.decimal(percent, "multiplierDown"),
    )


def filters_of(row: Mapping[str, object]) -> Mapping[str, Mapping[str, object]]:
    """Return the filters of one symbol by their type; raises `UnreadableValue`."""
    by_type: dict[str, Mapping[str, object]] = {}
    for item in rows_of(row, "filters"):
        fields = wire.fields_of(item)
        by_type[wire.text(fields, "filterType")] = fields
    return by_type


def required_filter(
    filters: Mapping[str, Mapping[str, object]], kind: str
) -> Mapping[str, object]:
    """Return one filter; raises `UnreadableValue` when it is missing."""
    if kind not in filters:
        raise UnreadableValue(f"filter {kind} is missing")
    return filters[kind]


def _min_notional(filters: Mapping[str, Mapping[str, object]]) -> Decimal:
    return wire.decimal(
        required_filter(filters, "MIN_NOTIONAL"), "notional", may_be_zero=True
    )


def _max_order_count(filters: Mapping[str, Mapping[str, object]]) -> int:
    found = filters.get("MAX_NUM_ORDERS")
    return 0 if found is None else wire.count(found, "limit")


def _rate_limit(row: Mapping[str, object]) -> RateLimit:
    unit = wire.text(row, "interval")
    if unit not in _SECONDS:
        raise UnreadableValue(f"interval must be one of {', '.join(_SECONDS)}")
    return RateLimit(
        kind=wire.text(row, "rateLimitType"),
        interval_s=_SECONDS[unit] * wire.count(row, "intervalNum", at_least=1),
        limit=wire.count(row, "limit", at_least=1),
    )


def rows_of(whole: Mapping[str, object], name: str) -> list[object]:
    """Return a list of the answer; raises `UnreadableValue` when it is none."""
    rows = whole.get(name)
    if not isinstance(rows, list):
        was = wire.shown(rows) if name in whole else "missing"
        raise UnreadableValue(f"{name} must be a list, was {was}")
    return rows
