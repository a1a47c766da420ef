"""The scan: exchange → snapshot → factors → score → grid plan → report."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from django.conf import settings as django_settings

from grid_screening.assembly import Market
from grid_screening.conf import ScreenerSettings
from grid_screening.exceptions import AllRequestsFailed, UnknownSymbols
from grid_screening.grid_plan import InfeasibleGrid
from grid_screening.profile import load_profile
from grid_screening.progress import Progress, ProgressHook, ignore_progress
from grid_screening.ranking import Ranking, ranking
from grid_screening.screening_report import (
    Exclusion,
    FunnelStage,
    NotListed,
    RankedSymbol,
    Reason,
    ScreeningReport,
)
from grid_screening.services.plan_service import Plan, fetch_plans
from grid_screening.services.snapshot_service import (
    FetchedPanel,
    fetch_market,
    fetch_panel,
)
from grid_screening.snapshot import MarketSnapshot
from grid_screening.universe import MALFORMED, REQUEST_FAILED, candidate_selection
from monitor.api_clients.binance import BinanceFuturesClient
from monitor.conf import GatewayConfig
from monitor.domain.market import KlineInterval
from monitor.domain.requests import RequestStatistics
from monitor.domain.typing import Symbol

GATEWAY_KEYS = ("base_url", "proxy")
"""Keys of ``settings.SCREENER`` that belong to the gateway."""

COMMAND_KEYS = ("data_dir",)
"""Keys of ``settings.SCREENER`` that only commands read."""

VETOED = Reason(code="vetoed", text="vetoed: no grid is planned against this trend")


def screen_short_grid(
    settings: ScreenerSettings | None = None,
    *,
    client: BinanceFuturesClient | None = None,
    on_progress: ProgressHook | None = None,
) -> ScreeningReport:
    """Scan once; the public function (`grid_screening.screen_short_grid`)."""
    if settings is None:
        settings = configured_settings()
    hook = ignore_progress if on_progress is None else on_progress
    if client is not None:
        return screen(settings, client, on_progress=hook)
    with BinanceFuturesClient(gateway_config(settings)) as own_client:
        return screen(settings, own_client, on_progress=hook)


def configured_settings() -> ScreenerSettings:
    """Return the defaults overridden by ``django.conf.settings.SCREENER``."""
    other = (*GATEWAY_KEYS, *COMMAND_KEYS)
    overrides = {k: v for k, v in _configured().items() if k not in other}
    return ScreenerSettings().merged(overrides)


def gateway_config(settings: ScreenerSettings) -> GatewayConfig:
    """Return how ``settings`` and ``SCREENER`` want requests to be sent."""
    chosen = {k: v for k, v in _configured().items() if k in GATEWAY_KEYS}
    return GatewayConfig(
        pool_size=settings.io_workers, max_wait_s=settings.max_wait_s, **chosen
    )


def _configured() -> Mapping[str, Any]:
    if not django_settings.configured:
        return {}
    configured: Mapping[str, Any] = getattr(django_settings, "SCREENER", {})
    return configured


def source_of(base_url: str) -> str:
    """Return ``simulated`` for a server on this machine, else ``live``."""
    host = urlsplit(base_url).hostname or ""
    try:
        local = ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    return "simulated" if local else "live"


def screen(
    settings: ScreenerSettings,
    client: BinanceFuturesClient,
    *,
    source: str | None = None,
    on_progress: ProgressHook = ignore_progress,
) -> ScreeningReport:
    """Scan once through ``client``.

    Parameters
    ----------
    settings : ScreenerSettings
        What to scan and how.
    client : BinanceFuturesClient
        The gateway; not closed.
    source : str, optional
        What the report says the data comes from; by default told from the
        client's address.
    on_progress : callable
        Called in this thread after each step.

    Returns
    -------
    ScreeningReport
        Ranked, not listed and excluded symbols; together the whole universe.

    Raises
    ------
    ScreeningError, ExchangeError
        As `grid_screening.screen_short_grid`.
    """
    started, before = time.monotonic(), client.statistics()
    profile = load_profile(settings.profile)
    market = fetch_market(client, settings.io_workers, on_progress)
    _check_requested(settings, market)
    selection = candidate_selection(market.exchange_info, market.quotes, settings)
    panel = fetch_panel(client, market, selection.candidates, settings, on_progress)
    excluded = (*selection.excluded, *panel.excluded)
    _check_any_data(panel)
    on_progress(Progress(stage="factors", done=0, total=1))
    result = ranking(panel.snapshot, settings, profile)
    excluded += result.excluded
    on_progress(Progress(stage="factors", done=1, total=1))
    listed = listed_rows(result, settings.top)
    planned = [s for s, veto in _rows(result, listed) if not veto]
    plans = fetch_plans(client, panel.snapshot, planned, settings, on_progress)
    coverage = coverage_share(len(selection.candidates), excluded)
    return ScreeningReport(
        generated_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        as_of_ms=panel.snapshot.as_of_ms,
        last_bar_close_ms=panel.snapshot.last_bar_close_ms,
        source=source_of(client.config.base_url) if source is None else source,
        settings=settings.by_flag(),
        funnel=(
            *selection.funnel,
            *panel.funnel,
            *result.funnel,
            FunnelStage(stage="listed", count=len(listed)),
        ),
        coverage=coverage,
        degraded=coverage < settings.min_coverage,
        requests=_spent(before, client.statistics()),
        seconds=round(time.monotonic() - started, 3),
        ranked=tuple(_ranked(result, row, plans) for row in listed),
        not_listed=tuple(
            _not_listed(result, row)
            for row in result.scores.order
            if row not in set(listed)
        ),
        excluded=tuple(sorted(excluded, key=lambda e: e.symbol)),
        notes=_notes(settings, panel.snapshot, result),
    )


def listed_rows(result: Ranking, top: int) -> list[int]:
    """Return the rows listed, best first: ``top`` of them (0: all, vetoed last).

    Vetoed contracts never count among the first ``top``.
    """
    order = [int(row) for row in result.scores.order]
    if top == 0:
        return order
    return [row for row in order if not result.scores.vetoed[row]][:top]


def coverage_share(candidate_count: int, excluded: Sequence[Exclusion]) -> float:
    """Return symbols with all required data ÷ symbols whose data was requested.

    Failed requests and unreadable payloads count against it; filters, gaps and
    short histories do not. 1.0 when nothing was requested.
    """
    failed = [e for e in excluded if e.reason.code in {REQUEST_FAILED, MALFORMED}]
    unreadable = sum(e.stage != "data" for e in failed)
    requested = candidate_count + unreadable
    return 1.0 if requested == 0 else 1.0 - len(failed) / requested


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


def _rows(result: Ranking, rows: Sequence[int]) -> list[tuple[Symbol, bool]]:
    return [(result.factors.symbols[r], bool(result.scores.vetoed[r])) for r in rows]


def _ranked(result: Ranking, row: int, plans: Mapping[Symbol, Plan]) -> RankedSymbol:
    symbol = result.factors.symbols[row]
    scores = result.scores
    plan = plans.get(symbol)
    marks = scores.marks[row]
    grid = None
    grid_reason: Reason | None = VETOED
    if isinstance(plan, InfeasibleGrid):
        grid_reason = plan.reason
    elif plan is not None:
        grid, grid_reason = plan.to_mapping(), None
        marks += plan.marks
    return RankedSymbol(
        rank=int(scores.rank[row]),
        symbol=symbol,
        gss=float(scores.gss[row]),
        confidence=float(scores.confidence[row]),
        vetoed=bool(scores.vetoed[row]),
        score_breakdown={
            name: _number(values[row]) for name, values in scores.breakdown.items()
        },
        factors=result.factors.row(symbol),
        marks=marks,
        grid=grid,
        grid_reason=grid_reason,
        minimum_margin=None if plan is None else plan.minimum_margin,
    )


def _not_listed(result: Ranking, row: int) -> NotListed:
    return NotListed(
        symbol=result.factors.symbols[row],
        rank=int(result.scores.rank[row]),
        gss=float(result.scores.gss[row]),
        vetoed=bool(result.scores.vetoed[row]),
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _spent(before: RequestStatistics, after: RequestStatistics) -> RequestStatistics:
    return RequestStatistics(
        count=after.count - before.count,
        weight=after.weight - before.weight,
        peak_weight_per_minute=after.peak_weight_per_minute,
        retries=after.retries - before.retries,
    )


def _notes(
    settings: ScreenerSettings, snapshot: MarketSnapshot, result: Ranking
) -> tuple[str, ...]:
    notes = []
    if settings.interval is not KlineInterval.H4:
        notes.append(
            "thresholds (NATR, slope, 30-day high) are meant for 4 h bars, "
            f"these are {settings.interval.value}"
        )
    if len(result.factors.symbols) and not result.scores.vetoed.any():
        notes.append("the veto (steep, straight up-trend) fired for no contract")
    for name, column in (
        ("open interest", snapshot.open_interest),
        ("funding rate", snapshot.funding_rate),
        ("mark price", snapshot.mark_price),
    ):
        missing = int(np.isnan(column).sum())
        if missing:
            notes.append(
                f"{name} missing for {missing} of {snapshot.symbol_count} contracts: "
                "their confidence is lower"
            )
    if snapshot.symbol_count and snapshot.benchmark_close is None:
        notes.append("no bars of BTCUSDT: beta is missing")
    return tuple(notes)
