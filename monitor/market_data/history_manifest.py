"""What a store holds, as one document."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from monitor.domain.market import KlineInterval
from monitor.domain.typing import Symbol
from monitor.market_data.history_rows import Series
from monitor.market_data.history_store import (
    VERSION,
    HistoryStore,
    PartitionSummary,
    Span,
    series_gaps,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesSummary:
    """What a store has of one series; never without rows."""

    series: Series
    months: tuple[PartitionSummary, ...]
    """Those with rows, in order."""
    gaps: tuple[Span, ...]
    """Missing bars between the first and the last one."""
    confirmed: tuple[Span, ...]
    """Those of which the exchange has said that there are none."""

    @property
    def first_ms(self) -> int:
        """Time of the first row."""
        return self.months[0].first_ms

    @property
    def last_ms(self) -> int:
        """Time of the last row."""
        return self.months[-1].last_ms

    @property
    def row_count(self) -> int:
        """Number of rows."""
        return sum(each.row_count for each in self.months)


def series_summary(store: HistoryStore, series: Series) -> SeriesSummary | None:
    """Return what a store has of a series; None without rows."""
    found = store.summaries(series)
    months = tuple(each for each in found if each.row_count)
    if not months:
        return None
    return SeriesSummary(
        series=series,
        months=months,
        gaps=series_gaps(series, months),
        confirmed=tuple(span for each in found for span in each.confirmed),
    )


def manifest(found: Iterable[SeriesSummary]) -> dict[str, Any]:
    """Return the document: by kind, interval and contract.

    ``first`` and ``last`` of a contract's bars say when it was there to be traded:
    the universe of a past day are the contracts whose span holds it.
    """
    document: dict[str, Any] = {"version": VERSION}
    for each in found:
        series = each.series
        place = document.setdefault(series.kind.value, {})
        if series.interval is not None:
            place = place.setdefault(series.interval.value, {})
        place[series.symbol] = {
            "first": each.first_ms,
            "last": each.last_ms,
            "rows": each.row_count,
            "gaps": each.gaps,
            "confirmed_gaps": each.confirmed,
            "months": {
                month.month: {
                    "rows": month.row_count,
                    "sha256": month.sha256,
                    "sources": dict(month.sources),
                }
                for month in each.months
            },
        }
    return document


def store_manifest(store: HistoryStore) -> dict[str, Any]:
    """Return the document of everything in a store."""
    found = (series_summary(store, series) for series in store.series())
    return manifest(each for each in found if each is not None)


def universe(store: HistoryStore, interval: KlineInterval) -> dict[Symbol, Span]:
    """Return the first and last bar of every contract, delisted ones included."""
    found = {}
    for series in store.series():
        if series.interval is interval:
            summary = series_summary(store, series)
            if summary is not None:
                found[series.symbol] = (summary.first_ms, summary.last_ms)
    return found
