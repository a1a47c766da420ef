"""Which request brings the bars that are wanted, given those that are kept. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from monitor.api_clients.endpoints import MAX_KLINES
from monitor.domain.market import KlineInterval
from monitor.market_data.series import Beginning, KlineSeries
from vp_squeeze.services.kline_checks import grid_offset, horizon
from vp_squeeze.services.kline_source import KlineRequest

OVERLAP_BARS = 3
"""Bars asked for although they are kept: a correction of theirs shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BarWish:
    """The last ``count`` bars of one interval that had closed at some time."""

    interval: KlineInterval
    count: int
    as_of_ms: int
    """Server time, ms UTC."""
    end_time: int | None = None
    """ms UTC: only bars closed by then; None: by ``as_of_ms``."""
    most: int = MAX_KLINES
    """Bars one request returns at most."""

    @property
    def horizon_ms(self) -> int:
        """Before it a bar must have ended, ms UTC."""
        return horizon(self.as_of_ms, self.end_time)

    @property
    def last_ms(self) -> int:
        """No later open time is asked for."""
        if self.end_time is None:
            return self.as_of_ms
        return min(self.as_of_ms, self.end_time)

    @property
    def open_bars(self) -> int:
        """Bars that come along although they have not closed: 0 or 1."""
        offset_ms = grid_offset(self.interval)
        if offset_ms is None or self.last_ms >= self.as_of_ms:
            return 1
        is_close = (self.last_ms + 1 - offset_ms) % self.interval.milliseconds == 0
        return 0 if is_close else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSpan:
    """Bars that are kept, without gaps; nothing but their place in time."""

    first_open: int
    last_open: int
    beginning: Beginning = Beginning.UNKNOWN


class PlanKind(StrEnum):
    """What to do for a wish."""

    STORED = "stored"
    """Nothing: all bars are kept."""
    NEWER = "newer"
    """Ask for what is missing at the end, and some bars before it to compare."""
    BEGINNING = "beginning"
    """Ask whether there is anything before the first bar kept; then plan again."""
    WINDOW = "window"
    """Ask for everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KlinePlan:
    """What to do, and the request for it."""

    kind: PlanKind
    request: KlineRequest | None = None
    """None: no request is needed."""


def window_request(wish: BarWish) -> KlineRequest:
    """Return the request for all bars of ``wish``.

    One bar more than wanted comes along unless ``wish`` ends where a bar closes: a
    bar that opens while a scan runs costs nobody a closed one.
    """
    limit = wish.count + wish.open_bars
    if wish.end_time is not None:
        limit = min(limit, max(wish.count, wish.most))
    return KlineRequest(limit=limit, end_time=wish.last_ms)


def beginning_request(first_open: int) -> KlineRequest:
    """Return the request for the bar before the one that opened at ``first_open``."""
    return KlineRequest(limit=1, end_time=first_open - 1)


def kline_plan(wish: BarWish, stored: StoredSpan | None) -> KlinePlan:
    """Return the cheapest way to the bars of ``wish``; never above `window_request`.

    Parameters
    ----------
    wish : BarWish
        Of any interval but months, whose bars are not equidistant.
    stored : StoredSpan or None
        None: nothing is kept.
    """
    window = window_request(wish)
    whole = KlinePlan(kind=PlanKind.WINDOW, request=window)
    if stored is None:
        return whole
    step_ms = wish.interval.milliseconds
    offset_ms = stored.first_open % step_ms
    newest = (wish.horizon_ms - offset_ms) // step_ms * step_ms + offset_ms - step_ms
    held_until = min(stored.last_open, newest)
    lacks_older = stored.first_open > newest - (wish.count - 1) * step_ms
    if held_until < stored.first_open or (
        lacks_older and stored.beginning is Beginning.UNKNOWN
    ):
        return whole
    newer = _newer_request(
        wish,
        missing=(newest - held_until) // step_ms,
        held=(held_until - stored.first_open) // step_ms + 1,
    )
    if newer is None and not lacks_older:
        return KlinePlan(kind=PlanKind.STORED)
    return _cheapest(stored, window, newer=newer, lacks_older=lacks_older)


def _cheapest(
    stored: StoredSpan,
    window: KlineRequest,
    *,
    newer: KlineRequest | None,
    lacks_older: bool,
) -> KlinePlan:
    plan = KlinePlan(kind=PlanKind.STORED)
    weight = 0
    if newer is not None:
        plan = KlinePlan(kind=PlanKind.NEWER, request=newer)
        weight = window.weight if newer.limit >= window.limit else newer.weight
    if lacks_older and stored.beginning is Beginning.REPORTED:
        asked = beginning_request(stored.first_open)
        plan = KlinePlan(kind=PlanKind.BEGINNING, request=asked)
        weight += asked.weight
        is_cheaper = weight < window.weight  # else the window says it as well
    else:
        is_cheaper = newer is None or newer.limit < window.limit
    if is_cheaper:
        return plan
    return KlinePlan(kind=PlanKind.WINDOW, request=window)


def span_of(series: KlineSeries | None) -> StoredSpan | None:
    """Return the place in time of what is kept."""
    if series is None:
        return None
    return StoredSpan(
        first_open=series.first_open,
        last_open=series.last_open,
        beginning=series.beginning,
    )


def _newer_request(wish: BarWish, *, missing: int, held: int) -> KlineRequest | None:
    # None: nothing is missing
    if missing == 0:
        return None
    without_overlap = missing + wish.open_bars
    candidates = [
        KlineRequest(limit=without_overlap + overlap, end_time=wish.last_ms)
        for overlap in range(1, min(OVERLAP_BARS, held) + 1)
        if without_overlap + overlap <= wish.most
    ]
    if not candidates:  # too long ago
        return window_request(wish)
    return min(candidates, key=lambda request: (request.weight, -request.limit))
