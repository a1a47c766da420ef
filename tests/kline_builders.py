"""Bars and a model of an exchange's bars, for tests."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from monitor.domain.market import DAY_MS, HOUR_MS, KlineInterval, Klines
from monitor.market_data.columns import COLUMNS, selected
from vp_squeeze.services.kline_source import KlineRequest

H4 = 4 * HOUR_MS
START = 100_026 * H4
"""2015-08-24: a Monday, and a multiple of every length up to three days."""
SYMBOL = "币安人生USDT"


def bars(
    count: int,
    *,
    first: int = 0,
    start: int = START,
    interval: KlineInterval = KlineInterval.H4,
    symbol: str = SYMBOL,
) -> Klines:
    """Return bars number ``first`` to ``first + count`` of a market without end."""
    number = first + np.arange(count)
    length = interval.milliseconds
    open_time = start + number * length
    close = (10 + number).astype(np.float64)
    return Klines(
        symbol=symbol,
        interval=interval,
        open_time=open_time,
        open=close - 0.5,
        high=close + 1,
        low=close - 1,
        close=close,
        volume=np.full(count, 100.0),
        close_time=open_time + length - 1,
        quote_volume=np.full(count, 1000.0),
        trade_count=np.full(count, 7),
        taker_buy_volume=np.full(count, 40.0),
        taker_buy_quote_volume=np.full(count, 400.0),
    )


def rows(klines: Klines, chosen: Any) -> Klines:
    """Return the bars at the given places, in that order."""
    places = np.arange(klines.bar_count)[chosen]
    return selected(klines, places)


def with_value(klines: Klines, column: str, row: int, value: float) -> Klines:
    changed: dict[str, Any] = {column: getattr(klines, column).copy()}
    changed[column][row] = value
    return replace(klines, **changed)


def as_dict(klines: Klines) -> dict[int, tuple[bytes, ...]]:
    """Return the bits of each bar by its open time: what equality means here."""
    return {
        int(at): tuple(getattr(klines, name)[row].tobytes() for name in COLUMNS)
        for row, at in enumerate(klines.open_time)
    }


Accident = Callable[[Klines], Klines]


@dataclass(slots=True)
class ModelExchange:
    """Bars by the exchange's rules: newest up to ``end``, or oldest from ``start``.

    ``accidents`` are played on the next answers, one each.
    """

    held: Klines
    asked: list[KlineRequest] = field(default_factory=list)
    accidents: list[Accident | Exception] = field(default_factory=list)

    def klines(
        self,
        symbol: str,
        interval: KlineInterval,
        *,
        limit: int,
        start_time: int | None = None,
        end_time: int | None = None,
    ) -> Klines:
        assert (symbol, interval) == (self.held.symbol, self.held.interval)
        assert 1 <= limit <= 1500
        request = KlineRequest(limit=limit, start_time=start_time, end_time=end_time)
        self.asked.append(request)
        chosen = np.arange(self.held.bar_count)
        if start_time is not None:
            chosen = chosen[self.held.open_time[chosen] >= start_time]
        if end_time is not None:
            chosen = chosen[self.held.open_time[chosen] <= end_time]
        chosen = chosen[-limit:] if start_time is None else chosen[:limit]
        answer = rows(self.held, chosen)
        if not self.accidents:
            return answer
        accident = self.accidents.pop(0)
        if isinstance(accident, Exception):
            raise accident
        return accident(answer)

    @property
    def weight(self) -> int:
        return sum(request.weight for request in self.asked)

    def limits(self) -> list[int]:
        return [request.limit for request in self.asked]

    def without(self, numbers: Iterable[int]) -> None:
        """Take bars away, by their place."""
        self.held = rows(
            self.held, np.setdiff1d(np.arange(self.held.bar_count), list(numbers))
        )


assert START % (3 * DAY_MS) == 0
assert (START - 4 * DAY_MS) % (7 * DAY_MS) == 0
