"""The dry run, with what is known on this machine about the cost of a scan."""

from collections.abc import Mapping
from typing import Any

import orjson

from grid_screening.cli import dry_run
from grid_screening.cli.scan_counts import stored_counts
from grid_screening.conf import ScreenerSettings
from monitor.cli.budget_reading import BudgetReading
from monitor.cli.exit_codes import UsageError
from monitor.conf import GatewayConfig
from monitor.data_folder import data_folder
from monitor.market_data.kline_file import FILE_NAME
from monitor.market_data.kline_store import KlineStore
from monitor.ratelimit.gauge import BudgetGauge
from monitor.ratelimit.ledger import ledger_address


def check_form(form: str) -> None:
    """Refuse a form that an estimate does not have.

    Raises
    ------
    UsageError
        Names those it has.
    """
    if form not in dry_run.FORMATS:
        legal = " or ".join(dry_run.FORMATS)
        raise UsageError(f"--dry-run has no form {form}: --format must be {legal}")


def dry_run_report(
    settings: ScreenerSettings,
    configured: Mapping[str, Any],
    config: GatewayConfig,
    *,
    form: str,
    demo: bool,
    now_ms: int,
) -> str:
    """Return the estimate as text or JSON; sends nothing.

    Raises
    ------
    LedgerUnavailable
        The request ledger cannot be read.
    """
    if demo:
        address = "simulated exchange on this machine"
        found = dry_run.estimate(settings, None, now_ms=now_ms)
    else:
        address = config.base_url
        found = dry_run.estimate(
            settings,
            stored_counts(data_folder(config.data_dir), address),
            now_ms=now_ms,
            budget=known_budget(config, configured),
            has_bars=settings.cache and has_bars(config),
        )
    if form == "json":
        document = dry_run.estimate_document(found, address)
        return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"
    return dry_run.estimate_text(found, address)


def known_budget(
    config: GatewayConfig, configured: Mapping[str, Any]
) -> BudgetGauge | None:
    """Return what the request ledger says of the exchange; None: nothing.

    Raises
    ------
    LedgerUnavailable
        The ledger cannot be read.
    """
    reading = BudgetReading(configured)
    try:
        address = ledger_address(config.base_url, config.proxy)
        return next((g for g in reading.gauges() if g.address == address), None)
    finally:
        reading.close()


def has_bars(config: GatewayConfig) -> bool:
    """Return whether bars of the exchange are on disk."""
    folder = data_folder(config.data_dir)
    if not (folder / FILE_NAME).exists():
        return False
    with KlineStore(folder, exchange=config.base_url) as store:
        return bool(store.held(first_symbol="", limit=1))
