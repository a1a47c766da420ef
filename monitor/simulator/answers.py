"""The public REST endpoints: what each costs and answers. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

import orjson

from monitor.domain.market import DAY_MS, MINUTE_MS, KlineInterval
from monitor.domain.typing import Symbol
from monitor.simulator import payloads
from monitor.simulator.kline_bodies import Encoder, KlineBodies
from monitor.simulator.market import IntervalNotRecorded, Listing, Market
from monitor.simulator.queries import (
    MAX_KLINES,
    MAX_SPOT_KLINES,
    Query,
    Refusal,
    invalid,
    missing,
)
from monitor.simulator.spot import is_on_spot, spot_exchange_info, spot_rows

_Row = TypeVar("_Row")
UNAUTHORIZED = 401
_PERIODS: Mapping[str, int] = MappingProxyType(
    {
        "5m": 5 * MINUTE_MS,
        "15m": 15 * MINUTE_MS,
        "30m": 30 * MINUTE_MS,
        "1h": 60 * MINUTE_MS,
        "2h": 120 * MINUTE_MS,
        "4h": 240 * MINUTE_MS,
        "6h": 360 * MINUTE_MS,
        "12h": 720 * MINUTE_MS,
        "1d": DAY_MS,
    }
)
_DEPTH_LIMITS = (5, 10, 20, 50, 100, 500, 1000)
_INTEREST_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A body that the exchange sends with status 200."""

    body: bytes
    key: object = None
    """Equal only for equal bodies; None: never the same again."""


class Answers:
    """Answers of one market."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._klines = KlineBodies(market)
        self._info: bytes | None = None
        self._spot_info: bytes | None = None
        self._per_minute: dict[str, tuple[int, bytes]] = {}

    def exchange_info(self, _: Query) -> Answer:
        """All contracts; parameters are ignored, as by the exchange."""
        if self._info is None:
            self._info = self._market.exchange_info()
        return Answer(body=self._info, key="exchangeInfo")

    def server_time(self, query: Query) -> Answer:
        """Return the exchange's clock."""
        return Answer(body=orjson.dumps({"serverTime": query.now_ms}))

    def ping(self, _: Query) -> Answer:
        """Return nothing."""
        return Answer(body=b"{}")

    def day_tickers(self, query: Query) -> Answer:
        """24-hour statistics of one or all contracts in trading."""
        return self._market_wide(
            query, lambda: self._market.day_statistics(query.now_ms), payloads.day_row
        )

    def prices(self, query: Query) -> Answer:
        """Last prices of one or all contracts in trading."""
        return self._market_wide(
            query, lambda: self._market.day_statistics(query.now_ms), payloads.price_row
        )

    def book_tickers(self, query: Query) -> Answer:
        """Best bid and ask of one or all contracts in trading."""
        return self._market_wide(
            query, lambda: self._market.books(query.now_ms), payloads.book_row
        )

    def mark_prices(self, query: Query) -> Answer:
        """Mark price and funding of one or all contracts, zeros when not trading."""
        return self._market_wide(
            query, lambda: self._market.marks(query.now_ms), payloads.mark_row
        )

    def funding_info(self, _: Query) -> Answer:
        """Funding intervals; parameters are ignored, as by the exchange."""
        rows = self._market.funding_terms()
        return Answer(body=payloads.funding_terms(rows), key="fundingInfo")

    def funding_history(self, query: Query) -> Answer:
        """Settled fundings of one contract, or the latest of the whole market."""
        limit = query.limit(default=100, largest=1000)
        start, end = query.times()
        last = query.now_ms if end is None else min(end, query.now_ms)
        symbol = query.symbol()
        if symbol is not None:
            self._listed(query)
        first = start
        if first is None:
            # intervals are 8 h at most: enough for ``limit`` events
            first = last - (limit + 1) * DAY_MS // 3 if symbol else last - DAY_MS
        symbols = [symbol] if symbol else list(self._market.listings)
        rows = [
            row
            for name in symbols
            for row in self._market.settlements(
                name, first_ms=first, last_ms=last, now_ms=query.now_ms
            )
        ]
        rows.sort(key=lambda row: (row.time, row.symbol))
        chosen = rows[-limit:] if start is None else rows[:limit]
        return Answer(body=payloads.settlements(chosen))

    def open_interest(self, query: Query) -> Answer:
        """Open interest of one contract in trading."""
        listing = self._listed(query)
        row = None
        if listing.is_trading and listing.has_bars:
            row = self._market.open_interest(listing.symbol, query.now_ms)
        if row is None:
            raise Refusal(
                -4108,
                "Symbol is on delivering or delivered or settling or closed or "
                "pre-trading.",
            )
        return Answer(body=payloads.interest(row, query.now_ms))

    def open_interest_history(self, query: Query) -> Answer:
        """Open interest of one contract over the last 30 days."""
        listing = self._listed(query)
        sent = query.parameters.get("period")
        if not sent:
            raise missing("period")
        if sent not in _PERIODS:
            raise invalid("period")
        limit = query.limit(default=30, largest=500)
        start, end = query.times()
        period = _PERIODS[sent]
        last = query.now_ms if end is None else min(end, query.now_ms)
        if start is not None:
            if start < query.now_ms - _INTEREST_DAYS * DAY_MS:
                raise Refusal(-1130, "parameter 'startTime' is invalid.")
            last = min(last, -(-start // period) * period + (limit - 1) * period)
        rows = self._market.open_interest_history(
            listing.symbol,
            period_ms=period,
            count=limit,
            last_ms=last,
            now_ms=query.now_ms,
        )
        if rows is None:
            raise Refusal(
                -1130,
                f"Data sent for parameter 'period' is not valid: {sent} "
                "was not recorded.",
            )
        oldest = max(start or 0, query.now_ms - _INTEREST_DAYS * DAY_MS)
        shown = [row for row in rows if row.time >= oldest]
        return Answer(body=payloads.interest_history(shown))

    def klines(self, query: Query) -> Answer:
        """Bars of one contract."""
        return self._bars(query, self._listed(query), "klines", payloads.kline_rows)

    def spot_info(self, _: Query) -> Answer:
        """All pairs of the spot market."""
        if self._spot_info is None:
            self._spot_info = spot_exchange_info(self._market)
        return Answer(body=self._spot_info, key="spotInfo")

    def spot_klines(self, query: Query) -> Answer:
        """Bars of one pair of the spot market; more than 1,000 are cut, not refused."""
        listing = self._listed(query)
        if not is_on_spot(listing):
            raise _unknown_symbol()
        return self._bars(query, listing, "spot", spot_rows, most=MAX_SPOT_KLINES)

    def price_klines(self, query: Query) -> Answer:
        """Bars of mark or index price: the last price's path without volumes."""
        listing = self._listed(query)
        return self._bars(query, listing, "prices", payloads.price_rows)

    def continuous_klines(self, query: Query) -> Answer:
        """Bars of a pair's contract of one type."""
        pair, wanted = (
            query.parameters.get("pair"),
            query.parameters.get("contractType"),
        )
        if not pair:
            raise missing("pair")
        if not wanted:
            raise missing("contractType")
        for listing in self._market.listings.values():
            if (listing.pair, listing.contract_type) == (pair.upper(), wanted.upper()):
                return self._bars(query, listing, "klines", payloads.kline_rows)
        raise _unknown_symbol()

    def depth(self, query: Query) -> Answer:
        """Order book of one contract."""
        listing = self._trading(query)
        limit = query.integer("limit")
        if limit is not None and limit not in _DEPTH_LIMITS:
            if limit > _DEPTH_LIMITS[-1]:
                raise invalid("limit")
            raise Refusal(-4021, f"{limit} is not valid depth limit")
        book = self._market.books(query.now_ms)[listing.symbol]
        return Answer(body=payloads.depth(book, limit or 500, query.now_ms))

    def leverage_brackets(self, query: Query) -> Answer:
        """Margin brackets; key, timestamp and signature must be there."""
        if not query.api_key:
            raise Refusal(-2014, "API-key format invalid.", status=UNAUTHORIZED)
        for name in ("timestamp", "signature"):
            if not query.parameters.get(name):
                raise missing(name)
        if query.symbol() is None:
            rows = [self._market.brackets(symbol) for symbol in self._market.listings]
        else:
            rows = [self._market.brackets(self._listed(query).symbol)]
        return Answer(body=orjson.dumps(rows))

    def _market_wide(
        self,
        query: Query,
        rows: Callable[[], Mapping[Symbol, _Row]],
        encoded: Callable[[_Row], bytes],
    ) -> Answer:
        now = str(query.now_ms).encode()
        if query.symbol() is not None:
            listing = self._listed(query)
            if listing.symbol not in rows():
                raise Refusal(-1122, "Invalid symbol status.")
            body = encoded(rows()[listing.symbol])
            return Answer(body=body.replace(payloads.NOW, now))
        minute = query.now_ms // MINUTE_MS
        kept = self._per_minute.get(query.path)
        if kept is None or kept[0] != minute:
            body = payloads.array(encoded(row) for row in rows().values())
            kept = self._per_minute[query.path] = (minute, body)
        if payloads.NOW not in kept[1]:
            return Answer(body=kept[1], key=(query.path, minute))
        return Answer(body=kept[1].replace(payloads.NOW, now))

    def _bars(
        self,
        query: Query,
        listing: Listing,
        kind: str,
        encoder: Encoder,
        *,
        most: int = MAX_KLINES,
    ) -> Answer:
        interval: KlineInterval = query.interval()
        limit = query.limit(default=500, largest=MAX_KLINES)
        start, end = query.times()
        if not listing.has_bars:
            if listing.status == "PENDING_TRADING":
                return Answer(body=b"[]")
            raise Refusal(-1122, "Invalid symbol status.")
        try:
            body, key = self._klines.body(
                kind,
                encoder,
                listing.symbol,
                interval,
                limit=min(limit, most),
                start=start,
                end=end,
                now_ms=query.now_ms,
            )
        except IntervalNotRecorded as refused:
            raise Refusal(-1120, f"Invalid interval. {refused}") from None
        return Answer(body=body, key=key)

    def _listed(self, query: Query) -> Listing:
        symbol = query.symbol()
        if symbol is None:
            raise missing("symbol")
        if symbol not in self._market.listings:
            raise _unknown_symbol()
        return self._market.listings[symbol]

    def _trading(self, query: Query) -> Listing:
        listing = self._listed(query)
        if not (listing.is_trading and listing.has_bars):
            raise Refusal(-1122, "Invalid symbol status.")
        return listing


def _unknown_symbol() -> Refusal:
    return Refusal(-1121, "Invalid symbol.")
