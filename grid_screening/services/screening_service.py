"""The screener as a function: settings and a client in, a report out."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings

from grid_screening.conf import ScreenerSettings
from grid_screening.screening_report import ScreeningReport
from grid_screening.services.market_source import LiveMarket
from grid_screening.services.scan_service import scan
from monitor.api_clients.binance import BinanceFuturesClient
from monitor.conf import GATEWAY_KEYS, GatewayConfig
from monitor.data_folder import data_folder
from monitor.domain.progress import ProgressHook, ignore_progress
from monitor.market_data.conf import (
    ARCHIVE_KEYS,
    KLINE_STORE_KEYS,
    KlineStoreConfig,
)
from monitor.market_data.kline_store import KlineStore


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
    with ExitStack() as stack:
        if client is None:
            client = stack.enter_context(BinanceFuturesClient(gateway_config(settings)))
        store = stack.enter_context(kline_store(settings, client.config))
        return screen(settings, client, store=store, on_progress=hook)


def configured_settings() -> ScreenerSettings:
    """Return the defaults overridden by ``django.conf.settings.SCREENER``."""
    other = {*GATEWAY_KEYS, *KLINE_STORE_KEYS, *ARCHIVE_KEYS}
    overrides = {k: v for k, v in _configured().items() if k not in other}
    return ScreenerSettings().merged(overrides)


def gateway_config(settings: ScreenerSettings) -> GatewayConfig:
    """Return how ``settings`` and ``SCREENER`` want requests to be sent."""
    configured = _configured()
    chosen = {
        name: configured[key] for key, name in GATEWAY_KEYS.items() if key in configured
    }
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
    store: KlineStore | None = None,
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
    store : KlineStore, optional
        Closed bars on disk; None: all are fetched.
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
    return scan(
        settings,
        live_market(client, store),
        source=source_of(client.config.base_url) if source is None else source,
        on_progress=on_progress,
    ).report


def live_market(
    client: BinanceFuturesClient, store: KlineStore | None = None
) -> LiveMarket:
    """Return the exchange as one scan's source, with statistics of its own."""
    return LiveMarket(client.session(), store)


def kline_store(
    settings: ScreenerSettings, config: GatewayConfig
) -> AbstractContextManager[KlineStore | None]:
    """Return the bars on disk; None when ``settings.cache`` says to do without.

    Raises
    ------
    ValueError
        A key of ``SCREENER`` that belongs to the store is not legal.
    """
    if not settings.cache:
        return nullcontext()
    return KlineStore(
        data_folder(config.data_dir),
        exchange=config.base_url,
        config=KlineStoreConfig.of_settings(_configured()),
    )
