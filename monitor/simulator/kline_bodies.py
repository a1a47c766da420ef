"""Which bars a request means, and their encoded bodies, kept within bounds. Pure."""

from collections import OrderedDict
from collections.abc import Callable

from monitor.domain.market import MINUTE_MS, KlineInterval
from monitor.domain.typing import Symbol
from monitor.simulator.bars import Bars, Scale
from monitor.simulator.intervals import bar_open, moved_open
from monitor.simulator.market import Market
from monitor.simulator.payloads import array

Encoder = Callable[[Bars, KlineInterval, Scale], bytes]
BodyKey = tuple[str, Symbol, KlineInterval, int, int, int]

_KEPT_BYTES = 32_000_000


class ByteCache:
    """Bodies by key; the ones not used for longest go first.

    Parameters
    ----------
    limit : int
        Bytes kept at most.
    """

    def __init__(self, limit: int = _KEPT_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self._kept: OrderedDict[object, bytes] = OrderedDict()

    def get(self, key: object) -> bytes | None:
        """Return the body, None when it is not kept."""
        body = self._kept.get(key)
        if body is not None:
            self._kept.move_to_end(key)
        return body

    def put(self, key: object, body: bytes) -> None:
        """Keep a body."""
        replaced = self._kept.pop(key, b"")
        self._kept[key] = body
        self._size += len(body) - len(replaced)
        while self._size > self._limit:
            _, dropped = self._kept.popitem(last=False)
            self._size -= len(dropped)


class KlineBodies:
    """Encoded klines of one market.

    Closed bars never change: their rows are kept. Bodies that end with the
    open bar are good for the running minute.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._bodies = ByteCache()
        self._closed = ByteCache()

    def body(
        self,
        kind: str,
        encoder: Encoder,
        symbol: Symbol,
        interval: KlineInterval,
        *,
        limit: int,
        start: int | None,
        end: int | None,
        now_ms: int,
    ) -> tuple[bytes, BodyKey]:
        """JSON body, and a key that is equal only for equal bodies.

        Parameters
        ----------
        start, end : int or None
            ms UTC. With ``start`` the oldest ``limit`` bars from there, else
            the newest ``limit`` that open at or before ``end``.
        """
        first, last = self._wanted(
            symbol, interval, limit=limit, start=start, end=end, now_ms=now_ms
        )
        has_open_bar = last + interval.milliseconds > now_ms
        minute = now_ms // MINUTE_MS if has_open_bar else 0
        key = (kind, symbol, interval, first, last, minute)
        body = self._bodies.get(key)
        if body is None:
            body = self._encoded(key, encoder, now_ms)
            self._bodies.put(key, body)
        return body, key

    def _wanted(
        self,
        symbol: Symbol,
        interval: KlineInterval,
        *,
        limit: int,
        start: int | None,
        end: int | None,
        now_ms: int,
    ) -> tuple[int, int]:
        oldest, last = self._market.bar_range(symbol, interval, now_ms)
        if end is not None:
            last = min(last, bar_open(interval, end))
        if start is None:
            first = moved_open(interval, last, 1 - limit)
            return max(first, oldest), last
        first = bar_open(interval, start)
        if first < start:
            first = moved_open(interval, first, 1)
        first = max(first, oldest)
        return first, min(last, moved_open(interval, first, limit - 1))

    def _encoded(self, key: BodyKey, encoder: Encoder, now_ms: int) -> bytes:
        kind, symbol, interval, first, last, _ = key
        bars = self._market.bars(
            symbol, interval, first_ms=first, last_ms=last, now_ms=now_ms
        )
        scale = self._market.scale(symbol)
        closed = bars.between(0, moved_open(interval, bar_open(interval, now_ms), -1))
        if closed.count == 0:
            return array([encoder(bars, interval, scale)])
        newest = int(closed.open_time[-1])
        closed_key = (kind, symbol, interval, first, newest)
        rows = self._closed.get(closed_key)
        if rows is None:
            rows = encoder(closed, interval, scale)
            self._closed.put(closed_key, rows)
        if closed.count == bars.count:
            return array([rows])
        opened = bars.part(slice(closed.count, None))
        return array([rows, encoder(opened, interval, scale)])
