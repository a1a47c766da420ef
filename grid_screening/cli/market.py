"""What a command scans: the exchange, the simulated one, or a recording."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from grid_screening.conf import ScreenerSettings
from monitor.cli.exit_codes import UsageError
from monitor.conf import GatewayConfig
from monitor.exceptions import ExchangeUnavailable

if TYPE_CHECKING:
    from grid_screening.recording.recording import Recording
    from grid_screening.services.market_source import MarketSource
    from monitor.market_data.kline_store import KlineStore
    from vp_squeeze.services.spot_market import SpotMarket

OWN_LEDGER = "memory://"
"""Of the embedded exchange, which nobody else can ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMarket:
    """A market that can be scanned now."""

    source: "MarketSource"
    label: str
    """``live``, ``simulated``, ``demo`` or ``snapshot``."""
    address: str
    waiting: Callable[[], float | None]
    """Seconds for which requests still wait for budget, None when none waits."""
    banned_until_ms: Callable[[], int | None]
    """End of the ban in force, ms UTC; None without one."""
    problem: Callable[[], str | None]
    """Why bars are not kept on disk, None when they are."""
    spot: "SpotMarket | None" = None
    """The spot market, where it was asked for."""


def gateway(settings: ScreenerSettings) -> GatewayConfig:
    """Return how requests are sent.

    Raises
    ------
    UsageError
        A key of ``settings.SCREENER`` that belongs to the gateway is wrong.
    """
    from grid_screening.services.screening_service import gateway_config

    try:
        return gateway_config(settings)
    except (TypeError, ValueError) as error:
        raise UsageError(f"settings.SCREENER: {error}") from error


@contextmanager
def exchange_market(
    settings: ScreenerSettings,
    *,
    demo: bool,
    on_cancel: Callable[[Callable[[], object]], object],
    with_spot: bool = False,
) -> Iterator[OpenMarket]:
    """Open the configured exchange, or a simulated one of this command's own.

    Parameters
    ----------
    settings : ScreenerSettings
    demo : bool
        Whether to scan an embedded simulated exchange.
    on_cancel : callable
        Given a call that ends everything under way.
    with_spot : bool
        Whether to open the spot market too.

    Raises
    ------
    UsageError
        As `gateway`; or one of the two markets would be real and the other not.
    ExchangeUnavailable
        The simulated exchange did not start.
    """
    from grid_screening.services.screening_service import live_market, source_of
    from monitor.api_clients.binance import BinanceFuturesClient

    config, label = gateway(settings), "demo"
    with ExitStack() as stack:
        store = None
        if demo:
            config = _embedded(stack, config)
        else:
            label = source_of(config.base_url)
            if with_spot:
                _check_alike(label, source_of(config.spot_url))
            store = stack.enter_context(_store(settings, config))
        client = stack.enter_context(BinanceFuturesClient(config))
        on_cancel(client.cancel)
        market = OpenMarket(
            source=live_market(client, store),
            label=label,
            address=config.base_url,
            waiting=client.budget_wait,
            banned_until_ms=client.banned_until_ms,
            problem=lambda: None if store is None else store.problem,
        )
        yield _beside_spot(stack, market, config, on_cancel) if with_spot else market


def recorded_market(recording: "Recording", address: str) -> OpenMarket:
    """Return the market of a recorded scan."""
    from grid_screening.services.recorded_market import ReplayedMarket

    return OpenMarket(
        source=ReplayedMarket(recording),
        label="snapshot",
        address=address,
        waiting=lambda: None,
        banned_until_ms=lambda: None,
        problem=lambda: None,
    )


def _store(
    settings: ScreenerSettings, config: GatewayConfig
) -> "AbstractContextManager[KlineStore | None]":
    from grid_screening.services.screening_service import kline_store

    try:
        return kline_store(settings, config)
    except ValueError as error:
        raise UsageError(f"settings.SCREENER: {error}") from error


def _beside_spot(
    stack: ExitStack,
    market: OpenMarket,
    config: GatewayConfig,
    on_cancel: Callable[[Callable[[], object]], object],
) -> OpenMarket:
    from monitor.api_clients.spot import BinanceSpotClient, spot_gateway
    from vp_squeeze.services.spot_market import SpotMarket

    client = stack.enter_context(BinanceSpotClient(spot_gateway(config)))
    on_cancel(client.cancel)

    def longest(*values: float | None) -> float | None:
        return max((value for value in values if value is not None), default=None)

    def banned_until_ms() -> int | None:
        ends = (market.banned_until_ms(), client.banned_until_ms())
        return max((end for end in ends if end is not None), default=None)

    return replace(
        market,
        spot=SpotMarket(client),
        waiting=lambda: longest(market.waiting(), client.budget_wait()),
        banned_until_ms=banned_until_ms,
    )


def _check_alike(futures: str, spot: str) -> None:
    if futures != spot:
        raise UsageError(
            f"the futures market is {futures} and the spot market {spot}: set both "
            "base_url (BINANCE_FAPI_URL) and spot_url (BINANCE_SPOT_URL), or neither"
        )


def _embedded(stack: ExitStack, config: GatewayConfig) -> GatewayConfig:
    from monitor.simulator.server import EmbeddedExchange, SimulatorFailed

    try:
        exchange = stack.enter_context(EmbeddedExchange())
    except SimulatorFailed as error:
        raise ExchangeUnavailable("simulated exchange", str(error)) from error
    return replace(
        config,
        base_url=exchange.base_url,
        spot_url=exchange.base_url,
        proxy=None,
        ledger_url=OWN_LEDGER,
    )
