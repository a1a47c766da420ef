"""Rank Binance USDⓈ-M perpetuals for short grid trading.

>>> from grid_screening import ScreenerSettings, screen_short_grid
>>> report = screen_short_grid(ScreenerSettings(top=10))  # doctest: +SKIP
>>> report.ranked[0].symbol, report.ranked[0].gss         # doctest: +SKIP

Importing this package is cheap; what a scan needs is loaded by the first scan.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grid_screening.conf import ScreenerSettings
    from grid_screening.screening_report import ScreeningReport
    from monitor.api_clients.binance import BinanceFuturesClient
    from monitor.domain.progress import Progress

__all__ = ["Progress", "ScreenerSettings", "ScreeningReport", "screen_short_grid"]

_HOMES = {
    "Progress": "monitor.domain.progress",
    "ScreenerSettings": "grid_screening.conf",
    "ScreeningReport": "grid_screening.screening_report",
}


def screen_short_grid(
    settings: "ScreenerSettings | None" = None,
    *,
    client: "BinanceFuturesClient | None" = None,
    on_progress: "Callable[[Progress], None] | None" = None,
) -> "ScreeningReport":
    """Scan the market once and return the ranking.

    Prints nothing, configures no logging, stores nothing, needs no database.

    Parameters
    ----------
    settings : ScreenerSettings, optional
        What to scan and how. What is not given comes from
        ``django.conf.settings.SCREENER`` where that is configured, else from the
        defaults.
    client : BinanceFuturesClient, optional
        The gateway to use, for example one that several scans share. Without it
        a client is made for this scan (its address from ``SCREENER["base_url"]``)
        and closed afterwards.
    on_progress : callable, optional
        Called in the calling thread with a `Progress` after each step.

    Returns
    -------
    ScreeningReport
        Ranked, not listed and excluded symbols; together the whole universe.

    Raises
    ------
    grid_screening.exceptions.ScreeningError
        Illegal settings, unknown symbols, or no data at all.
    monitor.exceptions.ExchangeError
        The exchange cannot be used: unavailable, banned, budget used up.
    """
    from grid_screening.services import screening_service

    return screening_service.screen_short_grid(
        settings, client=client, on_progress=on_progress
    )


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
