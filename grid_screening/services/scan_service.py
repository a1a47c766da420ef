"""The scan: exchange → snapshot → factors → score → grid plan → report."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from functools import partial

from grid_screening.assembly import Market
from grid_screening.bootstrap import BarDraws
from grid_screening.conf import ScreenerSettings
from grid_screening.contract_plan import listed_risk
from grid_screening.exceptions import AllRequestsFailed, UnknownSymbols
from grid_screening.grid_plan import InfeasibleGrid
from grid_screening.listed_outlooks import listed_outlooks
from grid_screening.listing import (
    Plan,
    coverage_share,
    not_listed_symbol,
    ranked_symbol,
    remarks,
)
from grid_screening.profile import load_profile
from grid_screening.ranking import Ranking, ranking
from grid_screening.screening_report import FunnelStage, ScreeningReport
from grid_screening.services.fan_out import ScanTime
from grid_screening.services.listing_service import Listing, fetch_listing
from grid_screening.services.market_source import MarketSource
from grid_screening.services.snapshot_service import (
    FetchedPanel,
    fetch_market,
    fetch_panel,
)
from grid_screening.snapshot import MarketSnapshot
from grid_screening.stability import RankInference, drawn_bars, rank_stability
from grid_screening.stop_out_file import load_stop_out_models
from grid_screening.universe import REQUEST_FAILED, Selection, candidate_selection
from monitor.conf import GatewayConfig
from monitor.domain.progress import Progress, ProgressHook, ignore_progress
from monitor.domain.typing import Symbol

_REQUEST_DEADLINE_S = GatewayConfig().total_deadline_s


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scan:
    """A report, and what it was made from."""

    report: ScreeningReport
    market: Market
    snapshot: MarketSnapshot
    """Of the fetched contracts."""
    result: Ranking
    held: frozenset[Symbol]
    """Members of an earlier list that may have stayed."""
    broke_off: bool
    """Whether contracts were not asked for, the exchange having fallen silent."""
    ranks: RankInference | None
    """None: no rank intervals were asked for."""


def scan(
    settings: ScreenerSettings,
    market_source: MarketSource,
    *,
    source: str,
    held: Collection[Symbol] = (),
    on_progress: ProgressHook = ignore_progress,
) -> Scan:
    """Scan once whatever ``market_source`` shows: the exchange or a recording.

    Parameters
    ----------
    settings : ScreenerSettings
        What to scan and how.
    market_source : MarketSource
        What is read; nothing else is.
    source : str
        What the report says the data comes from.
    held : collection of str
        Contracts of an earlier list that ``settings.hold`` lets stay.
    on_progress : callable
        Called in this thread after each step.

    Raises
    ------
    ScreeningError, ExchangeError
        As `grid_screening.screen_short_grid`.
    """
    scan_time = scan_time_of(settings, market_source)
    profile = load_profile(settings.profile)
    market = fetch_market(market_source, settings.io_workers, on_progress)
    _check_requested(settings, market)
    selection = candidate_selection(market.exchange_info, market.quotes, settings)
    early = _EarlyDraws(settings.rank_draws, market_source)
    panel = fetch_panel(
        market_source,
        market,
        selection.candidates,
        settings,
        on_progress=on_progress,
        scan_time=scan_time,
        on_bars=early.draw,
    )
    _check_any_data(panel)
    on_progress(Progress(stage="factors", done=0, total=1))
    result = ranking(panel.snapshot, settings, profile)
    on_progress(Progress(stage="factors", done=1, total=1))
    listing = fetch_listing(
        result,
        panel,
        market_source,
        settings,
        held=held,
        inference=partial(early.inference, panel.snapshot),
        on_progress=on_progress,
        scan_time=scan_time,
    )
    steps = _Steps(market=market, selection=selection, panel=panel, listing=listing)
    return Scan(
        report=_report(settings, steps, source, market_source, scan_time),
        market=market,
        snapshot=panel.snapshot,
        result=listing.result,
        held=frozenset(held),
        broke_off=not panel.kept_answering or scan_time.is_over(),
        ranks=listing.ranks,
    )


def scan_time_of(settings: ScreenerSettings, market_source: MarketSource) -> ScanTime:
    """Return the time in which a scan may ask, beginning now."""
    return ScanTime(
        settings.scan_deadline_s - _REQUEST_DEADLINE_S,
        waited_s=lambda: market_source.statistics().budget_wait_s,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Steps:
    # what a report is made from
    market: Market
    selection: Selection
    panel: FetchedPanel
    listing: Listing


class _EarlyDraws:
    # what needs bars only, done while open interest is still fetched: it costs no
    # time of its own

    def __init__(self, draws: int, market_source: MarketSource) -> None:
        self._draws = draws
        self._market_source = market_source
        self._drawn: BarDraws | None = None

    def draw(self, bars: MarketSnapshot) -> None:
        self._market_source.store_bars()
        if self._draws and bars.symbol_count:
            self._drawn = drawn_bars(bars, draws=self._draws)

    def inference(
        self, snapshot: MarketSnapshot, result: Ranking, listed: Sequence[int]
    ) -> RankInference | None:
        if not self._draws:
            return None
        return rank_stability(
            snapshot,
            result,
            top=len(listed),
            listed=listed,
            draws=self._draws,
            drawn=self._drawn,
        )


def _report(
    settings: ScreenerSettings,
    steps: _Steps,
    source: str,
    market_source: MarketSource,
    scan_time: ScanTime,
) -> ScreeningReport:
    selection, panel, listing = steps.selection, steps.panel, steps.listing
    snapshot, result, listed = panel.snapshot, listing.result, listing.listed
    coverage = coverage_share(
        requested=len(selection.candidates) + selection.unreadable,
        unreadable=selection.unreadable,
        incomplete=_incomplete(panel, listing.looked_at),
    )
    excluded = (*selection.excluded, *panel.excluded, *result.excluded)
    intervals = {} if listing.ranks is None else listing.ranks.intervals
    outlooks = listed_outlooks(
        snapshot, result.factors, listing.plans, settings, load_stop_out_models()
    )
    return ScreeningReport(
        generated_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        as_of_ms=snapshot.as_of_ms,
        last_bar_close_ms=snapshot.last_bar_close_ms,
        source=source,
        settings=settings.by_flag() | {"weights": list(astuple(result.scores.weights))},
        funnel=(
            *selection.funnel,
            *panel.funnel,
            *result.funnel,
            FunnelStage(stage="listed", count=len(listed)),
        ),
        coverage=coverage,
        degraded=coverage < settings.min_coverage,
        requests=market_source.statistics(),
        seconds=round(scan_time.spent_s(), 3),
        ranked=tuple(
            ranked_symbol(
                snapshot,
                result,
                row,
                listing.plans,
                rank_intervals=intervals,
                outlooks=outlooks,
            )
            for row in listed
        ),
        not_listed=tuple(
            not_listed_symbol(result, row)
            for row in result.scores.order
            if row not in set(listed)
        ),
        excluded=tuple(sorted(excluded, key=lambda e: e.symbol)),
        notes=remarks(settings, steps.market, snapshot, result),
        rank_stability=None if listing.ranks is None else listing.ranks.stability,
        portfolio=listed_risk(snapshot, listing.plans, settings),
    )


def _incomplete(panel: FetchedPanel, plans: Mapping[Symbol, Plan]) -> int:
    symbols = {e.symbol for e in panel.excluded if e.stage == "data"}
    symbols |= panel.incomplete
    symbols |= {
        symbol
        for symbol, plan in plans.items()
        if isinstance(plan, InfeasibleGrid) and plan.reason.code == REQUEST_FAILED
    }
    return len(symbols)


def _check_requested(settings: ScreenerSettings, market: Market) -> None:
    if settings.symbols is None:
        return
    info = market.exchange_info
    known = {i.symbol for i in info.instruments} | {r.symbol for r in info.malformed}
    unknown = tuple(s for s in settings.symbols if s not in known)
    if unknown:
        raise UnknownSymbols(unknown)


def _check_any_data(panel: FetchedPanel) -> None:
    failed = [e for e in panel.excluded if e.stage == "data"]
    fetched = panel.snapshot.symbol_count + len(panel.excluded) - len(failed)
    if failed and fetched == 0:
        raise AllRequestsFailed(len(failed), failed[0].reason.text)
