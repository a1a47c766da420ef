"""Pairs of the spot market: the exchange's JSON → our words."""

from collections.abc import Mapping
from types import MappingProxyType

from monitor.api_clients import wire
from monitor.api_clients.schemas_exchange_info import (
    filters_of,
    rate_limits,
    required_filter,
    rows_of,
)
from monitor.api_clients.spot_endpoints import SPOT_EXCHANGE_INFO
from monitor.api_clients.wire import UnreadableValue
from monitor.domain.instruments import SpotInfo, SpotPair
from monitor.domain.typing import Symbol
from monitor.exceptions import MalformedPayload


def spot_info(payload: object) -> SpotInfo:
    """All pairs that can be read, and the published weight limit.

    A pair that cannot be read is as if it were not there: nothing is bought or sold
    by it.

    Raises
    ------
    MalformedPayload
        The answer has no list of symbols or of limits.
    """
    try:
        whole = wire.fields_of(payload)
        pair_rows, limit_rows = rows_of(whole, "symbols"), rows_of(whole, "rateLimits")
    except UnreadableValue as problem:
        raise MalformedPayload(SPOT_EXCHANGE_INFO.path, str(problem)) from None
    limits, _ = rate_limits(limit_rows)
    pairs: dict[Symbol, SpotPair] = {}
    for row in pair_rows:
        try:
            pair = _pair(wire.fields_of(row))
        except UnreadableValue:
            continue
        pairs[pair.symbol] = pair
    return SpotInfo(pairs=MappingProxyType(pairs), rate_limits=limits)


def _pair(row: Mapping[str, object]) -> SpotPair:
    price = required_filter(filters_of(row), "PRICE_FILTER")
    return SpotPair(
        symbol=wire.symbol_of(row),
        status=wire.text(row, "status"),
        tick_size=wire.decimal(price, "tickSize"),
    )
