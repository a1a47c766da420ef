"""Why contracts are where they are: bars that the scan did not need are fetched."""

from collections.abc import Sequence

from grid_screening.assembly import Market
from grid_screening.conf import ScreenerSettings
from grid_screening.exceptions import UnknownSymbols
from grid_screening.explanation import Explanation, explanation
from grid_screening.services.market_source import MarketSource
from grid_screening.services.scan_service import Scan, scan_time_of
from grid_screening.services.snapshot_service import DATA_STAGES, fetch_panel
from monitor.domain.progress import ignore_progress
from monitor.domain.typing import Symbol


def explained(
    done: Scan,
    symbols: Sequence[Symbol],
    market_source: MarketSource,
    settings: ScreenerSettings,
) -> tuple[Explanation, ...]:
    """Explain contracts of a finished scan; bars that it did not need are fetched.

    Raises
    ------
    UnknownSymbols
        Not on the exchange.
    ExchangeError
        One of `SCAN_ENDING`.
    """
    instruments = {i.symbol: i for i in done.market.exchange_info.instruments}
    fetched = {e.symbol for e in done.report.excluded if e.stage in DATA_STAGES}
    fetched |= {*done.snapshot.symbols}
    known = {e.symbol for e in done.report.excluded} | fetched
    unknown = tuple(symbol for symbol in symbols if symbol not in known)
    if unknown:
        raise UnknownSymbols(unknown)
    own = {
        symbol: fetch_panel(
            market_source,
            done.market,
            [instruments[symbol]],
            settings,
            on_progress=ignore_progress,
            scan_time=scan_time_of(settings, market_source),
        )
        for symbol in symbols
        if symbol not in fetched
        and symbol in instruments
        and _has_ticker(done.market, symbol)
    }
    return tuple(
        explanation(
            symbol,
            report=done.report,
            result=done.result,
            snapshot=done.snapshot,
            market=done.market,
            settings=settings,
            rank_intervals=None if done.ranks is None else done.ranks.intervals,
            held=done.held,
            own=own[symbol].snapshot if symbol in own else None,
            own_excluded=own[symbol].excluded if symbol in own else (),
        )
        for symbol in symbols
    )


def _has_ticker(market: Market, symbol: Symbol) -> bool:
    # without one the exchange has no bars to give, and no snapshot can be built
    return symbol in market.quotes.tickers.by_symbol
