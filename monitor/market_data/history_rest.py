"""Bars and settlements that the archive lacks, from the exchange itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from monitor.api_clients.endpoints import MAX_FUNDING_EVENTS, MAX_KLINES
from monitor.domain.instruments import ExchangeInfo
from monitor.domain.market import FundingEvent, KlineInterval, Klines
from monitor.domain.typing import Symbol
from monitor.market_data.history_download import OnStep, Step
from monitor.market_data.history_manifest import series_summary
from monitor.market_data.history_rows import (
    HistoryKind,
    HistoryRows,
    Series,
    history_rows,
    month_bounds,
    month_of,
    months_between,
    united,
)
from monitor.market_data.history_store import HistoryStore, Partition, Span

REST_SOURCE = "rest"
"""Label of rows that the exchange itself sent; they have no hash of a file."""


class ExchangeHistory(Protocol):
    """The part of `BinanceFuturesClient` that is needed."""

    def now_ms(self) -> int:
        """Return the exchange's time."""

    def exchange_info(self) -> ExchangeInfo:
        """Return all contracts."""

    def klines(
        self,
        symbol: Symbol,
        interval: KlineInterval,
        *,
        limit: int,
        start_time: int | None = None,
        end_time: int | None = None,
    ) -> Klines:
        """Return bars."""

    def funding_history(
        self,
        symbol: Symbol | None = None,
        *,
        limit: int,
        start_time: int | None = None,
        end_time: int | None = None,
    ) -> tuple[FundingEvent, ...]:
        """Return settlements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What the store lacks of one series."""

    series: Series
    spans: tuple[Span, ...]
    """First and last missing time: open times of bars."""


def missing_spans(
    store: HistoryStore, series: Series, start_ms: int, end_ms: int
) -> tuple[Span, ...]:
    """Return what the store lacks of ``[start_ms, end_ms)``; metrics: nothing.

    Gaps between the first and the last row, and all after the last row. What comes
    before the first one is before the listing. Gaps that the exchange has confirmed
    are left out.
    """
    if series.kind is HistoryKind.METRICS:
        return ()
    step = 1 if series.interval is None else series.interval.milliseconds
    last_wanted = end_ms - step
    found = series_summary(store, series)
    if found is None:
        return ((start_ms, last_wanted),) if start_ms <= last_wanted else ()
    confirmed = set(found.confirmed)
    inside = [gap for gap in found.gaps if gap not in confirmed]
    known_until = found.last_ms + step
    if series.kind is HistoryKind.FUNDING:  # it is settled when it is settled
        whole = [m.month for m in found.months if m.month in m.sources]
        known_until = max([known_until, *(month_bounds(month)[1] for month in whole)])
    tail = (max(known_until, start_ms), last_wanted)
    clipped = [
        (max(first, start_ms), min(last, last_wanted))
        for first, last in (*inside, tail)
    ]
    return tuple((first, last) for first, last in clipped if first <= last)


class RestCompletion:
    """Asks the exchange for what the store lacks, contract by contract.

    Parameters
    ----------
    store : HistoryStore
        Locked by the caller.
    client : ExchangeHistory
        Its requests are paid for from the shared budget.
    on_step : callable, optional
        Told of each series.
    """

    def __init__(
        self,
        store: HistoryStore,
        client: ExchangeHistory,
        *,
        on_step: OnStep = lambda _: None,
    ) -> None:
        self._store = store
        self._client = client
        self._on_step = on_step

    def run(self, missing: Sequence[Missing]) -> int:
        """Fetch and store, page by page; return how many rows came. Blocks.

        Contracts that no longer trade are passed by: the exchange answers for some
        of them, with bars that never were.

        Raises
        ------
        ExchangeError, HistoryNotWritable
        """
        instruments = self._client.exchange_info().instruments
        trading = {each.symbol for each in instruments if each.is_trading}
        count = 0
        for done, each in enumerate(missing, 1):
            if each.series.symbol in trading:
                for span in each.spans:
                    count += self._complete(each.series, span)
            self._on_step(Step(done, len(missing), str(each.series)))
        return count

    def _complete(self, series: Series, span: Span) -> int:
        count = 0
        for rows in self._pages(series, span):
            if not rows.row_count:
                continue
            for month in months_between(int(rows.time[0]), int(rows.time[-1]) + 1):
                some = rows.opened_within(*month_bounds(month))
                if some.row_count:
                    self._add(series, month, some)
            count += rows.row_count
        if series.interval is not None and not count:
            self._confirm(series, span)
        return count

    def _pages(self, series: Series, span: Span) -> Iterator[HistoryRows]:
        # oldest first: what came before the end of all is kept
        if series.interval is None:
            return self._settlements(series, span)
        return self._bars(series, series.interval, span)

    def _bars(
        self, series: Series, interval: KlineInterval, span: Span
    ) -> Iterator[HistoryRows]:
        at_ms, last_ms = span
        step = interval.milliseconds
        while at_ms <= last_ms:
            limit = min(MAX_KLINES, (last_ms - at_ms) // step + 1)
            got = self._client.klines(
                series.symbol,
                interval,
                limit=limit,
                start_time=at_ms,
                end_time=last_ms,
            )
            if not got.bar_count:
                break
            closed_ms = min(last_ms, self._client.now_ms() - step)
            yield _bar_rows(got).opened_within(span[0], closed_ms + 1)
            newest = int(got.open_time.max())
            if newest < at_ms:
                break
            at_ms = newest + step

    def _settlements(self, series: Series, span: Span) -> Iterator[HistoryRows]:
        at_ms, last_ms = span
        while at_ms <= last_ms:
            got = self._client.funding_history(
                series.symbol,
                limit=MAX_FUNDING_EVENTS,
                start_time=at_ms,
                end_time=last_ms,
            )
            yield _funding_rows(got)
            if len(got) < MAX_FUNDING_EVENTS:
                break
            at_ms = got[-1].funding_time + 1

    def _add(self, series: Series, month: str, rows: HistoryRows) -> None:
        kept = self._store.read(series, month) or _nothing(series)
        # the archive's version of a row stays
        joined = united(rows, kept.rows)
        sources = {**kept.sources, REST_SOURCE: ""}
        partition = Partition(rows=joined, sources=sources, confirmed=kept.confirmed)
        self._store.write(series, month, partition)

    def _confirm(self, series: Series, span: Span) -> None:
        # only what has bars on both sides is a gap
        summary = series_summary(self._store, series)
        if summary is None or span not in summary.gaps:
            return
        month = month_of(span[0])
        kept = self._store.read(series, month) or _nothing(series)
        confirmed = tuple(sorted({*kept.confirmed, span}))
        self._store.write(
            series,
            month,
            Partition(rows=kept.rows, sources=kept.sources, confirmed=confirmed),
        )


def _bar_rows(bars: Klines) -> HistoryRows:
    names = HistoryKind.KLINES.columns
    columns = {name: getattr(bars, name) for name in names}
    return history_rows(HistoryKind.KLINES, bars.open_time, columns)


def _funding_rows(events: Sequence[FundingEvent]) -> HistoryRows:
    return history_rows(
        HistoryKind.FUNDING,
        np.array([event.funding_time for event in events], dtype=np.int64),
        {"funding_rate": np.array([event.funding_rate for event in events])},
    )


def _nothing(series: Series) -> Partition:
    return Partition(rows=history_rows(series.kind, np.empty(0, np.int64), {}))


def all_missing(
    store: HistoryStore,
    series: Sequence[Series],
    start_ms: int,
    end_ms: int,
) -> tuple[Missing, ...]:
    """Return the series that lack something, and what."""
    found = []
    for each in series:
        spans = missing_spans(store, each, start_ms, end_ms)
        if spans:
            found.append(Missing(series=each, spans=spans))
    return tuple(found)
