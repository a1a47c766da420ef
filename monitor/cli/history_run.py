"""One run of ``download_history``: archive, then exchange, then the manifest."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from monitor.cli.history_request import HistoryRequest
from monitor.domain.instruments import ContractType
from monitor.domain.typing import Symbol
from monitor.exceptions import RequestCancelled
from monitor.market_data.archive import Archive
from monitor.market_data.conf import ArchiveConfig
from monitor.market_data.history import opened_history
from monitor.market_data.history_download import (
    DownloadPlan,
    HistoryDownload,
    MonthOutcome,
    MonthStatus,
    Step,
    archive_symbols,
)
from monitor.market_data.history_errors import (
    ArchiveRefused,
    ArchiveUnavailable,
    DownloadCancelled,
)
from monitor.market_data.history_import import ImportReport, imported
from monitor.market_data.history_manifest import (
    SeriesSummary,
    series_summary,
    store_manifest,
)
from monitor.market_data.history_rest import (
    ExchangeHistory,
    RestCompletion,
    all_missing,
)
from monitor.market_data.history_rows import Series
from monitor.market_data.history_store import HistoryStore

OnStage = Callable[[str, Step], None]
OpenClient = Callable[[], AbstractContextManager[ExchangeHistory]]

PERPETUALS = frozenset({ContractType.PERPETUAL, ContractType.TRADIFI_PERPETUAL})
"""As the archive's own list has them: contracts without a delivery date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryResult:
    """What a download did, and what the store now has of what was asked for."""

    series: tuple[Series, ...]
    outcomes: tuple[MonthOutcome, ...]
    summaries: tuple[SeriesSummary, ...]
    rest_rows: int
    notes: tuple[str, ...]

    @property
    def counts(self) -> Counter[MonthStatus]:
        """How many months ended how."""
        return Counter(outcome.status for outcome in self.outcomes)

    @property
    def failures(self) -> tuple[MonthOutcome, ...]:
        """Months of which a file could not be had or verified."""
        failed = MonthStatus.FAILED
        return tuple(each for each in self.outcomes if each.status is failed)

    @property
    def empty(self) -> tuple[Series, ...]:
        """Series of which there is nothing at all."""
        there = {each.series for each in self.summaries}
        return tuple(each for each in self.series if each not in there)

    @property
    def symbols_without_anything(self) -> tuple[Symbol, ...]:
        """Contracts of which there is nothing of any kind."""
        there = {each.series.symbol for each in self.summaries}
        asked = dict.fromkeys(each.symbol for each in self.series)
        return tuple(symbol for symbol in asked if symbol not in there)


class HistoryRun:
    """Downloads into a store that this process has locked.

    Parameters
    ----------
    store : HistoryStore
    archive : Archive
    config : ArchiveConfig
    open_client : callable
        Opens the exchange's client, when it is needed.
    on_stage : callable
        Told how far each stage is.
    """

    def __init__(
        self,
        store: HistoryStore,
        archive: Archive,
        config: ArchiveConfig,
        *,
        open_client: OpenClient,
        on_stage: OnStage,
    ) -> None:
        self._store = store
        self._archive = archive
        self._config = config
        self._open_client = open_client
        self._on_stage = on_stage

    def download(self, request: HistoryRequest) -> HistoryResult:
        """Fetch what the store lacks; the manifest is written in any case but a stop.

        Raises
        ------
        HistoryError, ExchangeError
        """
        self._store.sweep()
        symbols, notes = self._symbols(request)
        series = request.series(symbols)
        with self._store.writing():
            try:
                outcomes = self._from_archive(request, series)
                rest_rows = self._from_exchange(request, series)
            except (DownloadCancelled, RequestCancelled):
                raise
            except BaseException:
                self._store.write_manifest(store_manifest(self._store))
                raise
            self._store.write_manifest(store_manifest(self._store))
        found = (series_summary(self._store, each) for each in series)
        return HistoryResult(
            series=series,
            outcomes=outcomes,
            summaries=tuple(each for each in found if each is not None),
            rest_rows=rest_rows,
            notes=notes,
        )

    def _symbols(
        self, request: HistoryRequest
    ) -> tuple[tuple[Symbol, ...], tuple[str, ...]]:
        if not request.wants_all:
            return request.symbols, ()
        try:
            found = archive_symbols(self._archive, quote=request.quote)
            if found:
                return found, ()
            problem = f"it lists no {request.quote} contracts"
        except (ArchiveUnavailable, ArchiveRefused) as error:
            if not request.asks_exchange:
                raise
            problem = str(error)
        with self._open_client() as client:
            instruments = client.exchange_info().instruments
        names = sorted(
            each.symbol
            for each in instruments
            if each.quote_asset == request.quote
            and each.is_trading
            and each.contract_type in PERPETUALS
        )
        note = (
            f"the archive's list of contracts cannot be had ({problem}): these are "
            "the contracts that trade now, delisted ones are missing"
        )
        return tuple(names), (note,)

    def _from_archive(
        self, request: HistoryRequest, series: Sequence[Series]
    ) -> tuple[MonthOutcome, ...]:
        plan = DownloadPlan(
            series=tuple(series), start_ms=request.start_ms, end_ms=request.end_ms
        )
        download = HistoryDownload(
            self._store,
            self._archive,
            self._config,
            on_step=lambda step: self._on_stage("archive", step),
        )
        return download.run(plan)

    def _from_exchange(self, request: HistoryRequest, series: Sequence[Series]) -> int:
        if not request.asks_exchange:
            return 0
        missing = all_missing(self._store, series, request.start_ms, request.end_ms)
        if not missing:
            return 0
        with self._open_client() as client:
            completion = RestCompletion(
                self._store,
                client,
                on_step=lambda step: self._on_stage("exchange", step),
            )
            return completion.run(missing)


def import_recorded(
    request: HistoryRequest, store: HistoryStore, on_stage: OnStage
) -> ImportReport:
    """Put a recorded folder into a store that this process has locked.

    Raises
    ------
    HistoryError
    """
    if request.import_from is None:
        raise ValueError("nothing to import")
    history = opened_history(request.import_from)
    store.sweep()
    with store.writing():
        report = imported(history, store, on_step=lambda step: on_stage("import", step))
        store.write_manifest(store_manifest(store))
    return report
