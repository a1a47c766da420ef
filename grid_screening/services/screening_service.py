"""The scan: exchange → snapshot → factors → score → grid plan → report."""

import time
from collections.abc import Mapping
from dataclasses import astuple
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings

from grid_screening.assembly import Market
from grid_screening.conf import COMMAND_KEYS, GATEWAY_KEYS, ScreenerSettings
from grid_screening.exceptions import AllRequestsFailed, UnknownSymbols
from grid_screening.grid_plan import InfeasibleGrid
from grid_screening.listing import (
    Plan,
    coverage_share,
    listed_rows,
    not_listed_symbol,
    ranked_symbol,
    remarks,
)
from grid_screening.profile import load_profile
from grid_screening.progress import Progress, ProgressHook, ignore_progress
from grid_screening.ranking import ranking
from grid_screening.screening_report import (
    FunnelStage,
    Reason,
    ScreeningReport,
)
from grid_screening.services.fan_out import STOPPED_ANSWERING
from grid_screening.services.plan_service import fetch_plans
from grid_screening.services.snapshot_service import (
    FetchedPanel,
    fetch_market,
    fetch_panel,
)
from grid_screening.universe import REQUEST_FAILED, candidate_selection
from monitor.api_clients.binance import BinanceFuturesClient
from monitor.conf import GatewayConfig
from monitor.domain.typing import Symbol

NOT_PLANNED = InfeasibleGrid(
    reason=Reason(code=REQUEST_FAILED, text=f"not planned: {STOPPED_ANSWERING}"),
    minimum_margin=None,
)


def screen_short_grid(
    settings: ScreenerSettings | None = None,
    *,
    client: BinanceFuturesClient | None = None,
    on_progress: ProgressHook | None = None,
) -> ScreeningReport:
    """Scan once; the public function (`grid_screening.screen_short_grid`)."""
    configured = configured_settings()
    settings = configured if settings is None else settings.over(configured)
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
    started = time.monotonic()
    client = client.session()  # counts this scan only, whoever else uses the client
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
    planned = [
        result.factors.symbols[row] for row in listed if not result.scores.vetoed[row]
    ]
    plans: Mapping[Symbol, Plan] = dict.fromkeys(planned, NOT_PLANNED)
    if panel.kept_answering:
        plans = fetch_plans(client, panel.snapshot, planned, settings, on_progress)
    coverage = coverage_share(
        requested=len(selection.candidates) + selection.unreadable,
        unreadable=selection.unreadable,
        incomplete=_incomplete(panel, plans),
    )
    return ScreeningReport(
        generated_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        as_of_ms=panel.snapshot.as_of_ms,
        last_bar_close_ms=panel.snapshot.last_bar_close_ms,
        source=source_of(client.config.base_url) if source is None else source,
        settings=settings.by_flag() | {"weights": list(astuple(result.scores.weights))},
        funnel=(
            *selection.funnel,
            *panel.funnel,
            *result.funnel,
            FunnelStage(stage="listed", count=len(listed)),
        ),
        coverage=coverage,
        degraded=coverage < settings.min_coverage,
        requests=client.statistics(),
        seconds=round(time.monotonic() - started, 3),
        ranked=tuple(ranked_symbol(result, row, plans) for row in listed),
        not_listed=tuple(
            not_listed_symbol(result, row)
            for row in result.scores.order
            if row not in set(listed)
        ),
        excluded=tuple(sorted(excluded, key=lambda e: e.symbol)),
        notes=remarks(settings, market, panel.snapshot, result),
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
