"""Symbol + interval + count → closed, checked bars. The one place that does this."""

from dataclasses import dataclass, replace

from monitor.api_clients.endpoints import MAX_KLINES
from monitor.domain.market import KlineInterval, Klines
from monitor.domain.typing import Symbol
from monitor.market_data.columns import closed_before, joined
from monitor.market_data.kline_store import KlineStore
from monitor.market_data.series import Beginning, KlineSeries
from vp_squeeze.exceptions import GapKind, InsufficientKlines
from vp_squeeze.services.kline_checks import (
    check_age,
    closed_rows,
    needed_count,
    possible_window,
)
from vp_squeeze.services.kline_gaps import without_gaps
from vp_squeeze.services.kline_join import extended, known_at, settled_at, united
from vp_squeeze.services.kline_plan import (
    BarWish,
    PlanKind,
    beginning_request,
    kline_plan,
    span_of,
    window_request,
)
from vp_squeeze.services.kline_source import KlineRequest, KlineSource


def closed_klines(
    client: KlineSource,
    symbol: Symbol,
    interval: KlineInterval,
    *,
    count: int,
    minimum: int | None = None,
    as_of_ms: int,
    end_time: int | None = None,
    store: KlineStore | None = None,
    most: int = MAX_KLINES,
) -> Klines:
    """Return the last ``count`` closed bars of one symbol.

    Without a store they are fetched in one request, for one bar more than ``count``
    up to the bar that was open at ``as_of_ms``: a bar that opens while the scan runs
    costs nobody a closed one. With a store only what it does not have is asked for
    (`kline_plan`); the bars are the same, bit for bit. Bars missing inside the window
    are asked for once more in both cases. More bars than one request serves are
    fetched in pages, newest first, each with one bar of the page after it.

    Parameters
    ----------
    client : KlineSource
    symbol : str
    interval : KlineInterval
    count : int
        Closed bars wanted, at least 1; without an upper limit.
    minimum : int, optional
        Closed bars that suffice; ``count`` by default.
    as_of_ms : int
        Server time of the scan, ms UTC: decides which bars are closed.
    end_time : int, optional
        ms UTC; only bars closed by then. Where it is the close of a bar, exactly
        ``count`` are asked for.
    store : KlineStore, optional
        Bars on disk, of the exchange that ``client`` asks. Months are not kept.
    most : int
        Bars that one request of ``client`` returns at most.

    Returns
    -------
    Klines
        At most ``count`` and at least ``minimum`` bars, contiguous arrays.

    Raises
    ------
    KlineError
        As `kline_checks.checked_klines`, with the kind of a gap.
    ExchangeError
        A request failed.
    """
    needed = needed_count(count, minimum)
    wish = BarWish(
        interval=interval,
        count=count,
        as_of_ms=as_of_ms,
        end_time=end_time,
        most=most,
    )
    order = _Order(client=client, symbol=symbol, wish=wish, needed=needed)
    return _sufficient(order, _all_pages(order, store))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    client: KlineSource
    symbol: Symbol
    wish: BarWish
    needed: int

    def send(self, request: KlineRequest) -> Klines:
        return request.send(self.client, self.symbol, self.wish.interval)

    def page(self, count: int, end_time: int | None) -> "_Order":
        # at most as many as one request serves, the open bar among them
        wish = replace(self.wish, count=count, end_time=end_time)
        longest = wish.most - wish.open_bars
        return replace(self, wish=replace(wish, count=min(count, longest)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    klines: Klines
    is_short: bool  # the exchange has nothing older
    fetched: int = 0
    repaired: int = 0


def _all_pages(order: _Order, store: KlineStore | None) -> _Window:
    wish = order.wish
    page = order.page(wish.count, wish.end_time)
    window = _page(page, store)
    whole, latest = window.klines, window
    while whole.bar_count < wish.count and latest.klines.bar_count == page.wish.count:
        lacking = wish.count - whole.bar_count
        page = order.page(lacking + 1, int(whole.close_time[0]))
        latest = _page(page, store)
        both = joined(latest.klines, whole)
        # the bar that both pages hold must be the same in both
        whole = closed_rows(both, wish.horizon_ms)
    return replace(window, klines=whole, is_short=latest.is_short)


def _page(order: _Order, store: KlineStore | None) -> _Window:
    if store is None or order.wish.interval is KlineInterval.MONTH1:
        return _fetched_window(order)
    return _through_store(order, store)


def _through_store(order: _Order, store: KlineStore) -> _Window:
    as_of_ms = order.wish.as_of_ms
    kept = known_at(store.series(order.symbol, order.wish.interval), as_of_ms)
    plan = kline_plan(order.wish, span_of(kept))
    name = "hits"
    if kept is not None and plan.kind is PlanKind.BEGINNING:
        kept = _asked_for_beginning(order, store, kept)
        plan = kline_plan(order.wish, span_of(kept))
        name = "partial_hits"
    if kept is not None and plan.kind is PlanKind.STORED:
        held = closed_before(kept.klines, order.wish.horizon_ms)
        window = _window(order, possible_window(held, order.wish.count), is_short=True)
        store.count(**{name: 1}, bars_served=window.klines.bar_count)
        return window
    if kept is not None and plan.kind is PlanKind.NEWER and plan.request is not None:
        newer = _extended_window(order, store, kept, plan.request)
        if newer is not None:
            return newer
        kept = None
    store.count(misses=1)
    window = _fetched_window(order)
    store.count(bars_fetched=window.fetched, repaired=window.repaired)
    if window.klines.bar_count > 0:
        series, is_corrected = united(kept, window.klines, is_short=window.is_short)
        store.count(corrected=int(is_corrected))
        _keep(store, series, as_of_ms)
    return window


def _asked_for_beginning(
    order: _Order, store: KlineStore, kept: KlineSeries
) -> KlineSeries:
    older = order.send(beginning_request(kept.first_open))
    store.count(bars_fetched=older.bar_count)
    if older.bar_count > 0:  # the shorter answer had been an accident
        return replace(kept, beginning=Beginning.UNKNOWN)
    confirmed = replace(kept, beginning=Beginning.CONFIRMED)
    _keep(store, confirmed, order.wish.as_of_ms)
    return confirmed


def _extended_window(
    order: _Order, store: KlineStore, kept: KlineSeries, request: KlineRequest
) -> _Window | None:
    # None: the exchange has corrected bars that are kept
    wish = order.wish
    answer = order.send(request)
    store.count(bars_fetched=answer.bar_count)
    rows = extended(kept.klines, closed_rows(answer, wish.horizon_ms))
    if rows is None:
        store.count(corrected=1)
        return None
    store.count(partial_hits=1)
    whole, last = without_gaps(
        order.client,
        rows,
        count=wish.count,
        horizon_ms=wish.horizon_ms,
        most=wish.most,
    )
    repaired = whole.bar_count - rows.bar_count
    window = _window(order, last, is_short=True)
    new = whole.bar_count - kept.klines.bar_count
    store.count(
        bars_served=max(0, window.klines.bar_count - new),
        repaired=repaired,
        bars_fetched=repaired,
    )
    _keep(store, replace(kept, klines=whole), wish.as_of_ms)
    return window


def _fetched_window(order: _Order) -> _Window:
    wish = order.wish
    request = window_request(wish)
    answer = order.send(request)
    rows = closed_rows(answer, wish.horizon_ms)
    whole, last = without_gaps(
        order.client,
        rows,
        count=wish.count,
        horizon_ms=wish.horizon_ms,
        most=wish.most,
    )
    repaired = whole.bar_count - rows.bar_count
    window = _window(order, last, is_short=answer.bar_count < request.limit)
    return replace(window, fetched=answer.bar_count + repaired, repaired=repaired)


def _window(order: _Order, klines: Klines, *, is_short: bool) -> _Window:
    check_age(klines, order.wish.horizon_ms)
    lacks_bars = klines.bar_count < order.wish.count
    return _Window(klines=klines, is_short=is_short and lacks_bars)


def _sufficient(order: _Order, window: _Window) -> Klines:
    if window.klines.bar_count < order.needed:
        kind = GapKind.BEFORE_LISTING if window.is_short else GapKind.UNKNOWN
        raise InsufficientKlines(
            order.symbol, window.klines.bar_count, order.needed, kind
        )
    return window.klines


def _keep(store: KlineStore, series: KlineSeries, as_of_ms: int) -> None:
    settled = settled_at(series, as_of_ms)
    if settled is not None:
        store.keep(settled)
