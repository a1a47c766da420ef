"""Contracts by name or group → their bars → boxes and squeezes."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from monitor.domain.instruments import ExchangeInfo, Instrument
from monitor.domain.market import KlineInterval, Klines, MarketRows, Ticker24h
from monitor.domain.requests import RequestStatistics
from monitor.domain.typing import Symbol
from vp_squeeze.analysis_report import AnalysisReport, LeftOut
from vp_squeeze.box_analysis import ContractAnalysis, contract_analysis
from vp_squeeze.exceptions import KlineError, NoContracts, UnknownContracts
from vp_squeeze.groups import Group, group_symbols
from vp_squeeze.indicators.bands import BOLLINGER_WINDOW
from vp_squeeze.services.kline_gaps import UNANSWERED

MINIMUM_BARS = BOLLINGER_WINDOW
"""Fewer have no squeeze."""

Progress: TypeAlias = Callable[[int, int], object]
"""Given how many contracts are done, and how many there are."""

logger = logging.getLogger(__name__)


class BoxMarket(Protocol):
    """What an analysis reads. Methods block, and may be called from many threads."""

    def server_time(self) -> int:
        """Return the exchange's time, ms UTC."""

    def exchange_info(self) -> ExchangeInfo:
        """Return all contracts."""

    def tickers_24h(self) -> MarketRows[Ticker24h]:
        """Return 24-hour statistics."""

    def closed_klines(
        self,
        symbol: Symbol,
        interval: KlineInterval,
        *,
        count: int,
        minimum: int | None = None,
        as_of_ms: int,
        end_time: int | None = None,
    ) -> Klines:
        """Return closed, checked bars as `binance_kline_service.closed_klines`."""

    def statistics(self) -> RequestStatistics:
        """Return what has been sent so far."""

    def check_bars(self, as_of_ms: int) -> None:
        """Drop kept bars that are another market's, before any of them is read."""

    def give_up(self) -> None:
        """Wait for nothing more: nobody wants the answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisRequest:
    """What is analysed, and how."""

    symbols: tuple[Symbol, ...] = ()
    """By name."""
    group: Group | None = None
    """And all of this group."""
    interval: KlineInterval = KlineInterval.H4
    limit: int = 100
    """Closed bars, at least 20; a younger contract may have fewer, not below 20."""
    timeframes: tuple[KlineInterval, ...] = (
        KlineInterval.M15,
        KlineInterval.H1,
        KlineInterval.H4,
    )
    """Whose levels are compared; may be empty."""
    quote: str = "USDT"
    """Quote asset of a group's members."""
    min_volume: float = 50_000_000.0
    """Turnover that members of ``alt`` must exceed, quote currency."""
    workers: int = 20
    """Threads that fetch."""

    def __post_init__(self) -> None:
        if self.limit < MINIMUM_BARS:
            raise ValueError(f"limit must be at least {MINIMUM_BARS}, was {self.limit}")
        if self.workers < 1:
            raise ValueError(f"workers must be at least 1, was {self.workers}")


def analysis(
    market: BoxMarket,
    request: AnalysisRequest,
    *,
    source: str,
    on_progress: Progress = lambda _done, _total: None,
) -> AnalysisReport:
    """Analyse the closed bars of all contracts asked for.

    A contract whose bars cannot be had or used is left out with the reason; a
    compared timeframe that cannot is missing with the reason.

    Parameters
    ----------
    market : BoxMarket
        What is read; nothing else is.
    request : AnalysisRequest
        What is analysed, and how.
    source : str
        What the report says the data comes from.
    on_progress : callable
        Called in this thread after each contract.

    Raises
    ------
    UnknownContracts
        A symbol is not on the exchange.
    NoContracts
        Nothing was asked for, or nobody qualifies for the group.
    ExchangeError
        Whatever no other contract would escape: a ban, no budget, no access.
    """
    as_of_ms = market.server_time()
    instruments = _instruments(market, request)
    market.check_bars(as_of_ms)
    found = _analysed(market, request, instruments, as_of_ms, on_progress)
    return AnalysisReport(
        as_of_ms=as_of_ms,
        source=source,
        interval=request.interval,
        limit=request.limit,
        timeframes=request.timeframes,
        contracts=tuple(row for row in found if isinstance(row, ContractAnalysis)),
        left_out=tuple(row for row in found if isinstance(row, LeftOut)),
        requests=market.statistics(),
    )


def _instruments(market: BoxMarket, request: AnalysisRequest) -> list[Instrument]:
    exchange_info = market.exchange_info()
    known = {row.symbol: row for row in exchange_info.instruments}
    unknown = tuple(symbol for symbol in request.symbols if symbol not in known)
    if unknown:
        raise UnknownContracts(unknown)
    wanted = list(request.symbols)
    if request.group is not None:
        by_turnover = request.group is not Group.MAJOR
        tickers = market.tickers_24h().by_symbol if by_turnover else {}
        wanted += group_symbols(
            request.group,
            exchange_info,
            tickers,
            quote=request.quote,
            min_volume=request.min_volume,
        )
    if not wanted:
        raise NoContracts(None if request.group is None else request.group.value)
    return [known[symbol] for symbol in dict.fromkeys(wanted)]


def _analysed(
    market: BoxMarket,
    request: AnalysisRequest,
    instruments: Sequence[Instrument],
    as_of_ms: int,
    on_progress: Progress,
) -> list[ContractAnalysis | LeftOut]:
    pool = ThreadPoolExecutor(request.workers, thread_name_prefix="analysis-io")
    try:
        futures = [
            pool.submit(_contract, market, request, instrument, as_of_ms)
            for instrument in instruments
        ]
        for done, future in enumerate(as_completed(futures), 1):
            future.result()
            on_progress(done, len(futures))
    except BaseException:
        # what still waits for budget would go on sending
        market.give_up()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
    return [future.result() for future in futures]


def _contract(
    market: BoxMarket,
    request: AnalysisRequest,
    instrument: Instrument,
    as_of_ms: int,
) -> ContractAnalysis | LeftOut:
    def bars(interval: KlineInterval) -> Klines:
        return market.closed_klines(
            instrument.symbol,
            interval,
            count=request.limit,
            minimum=MINIMUM_BARS,
            as_of_ms=as_of_ms,
        )

    try:
        klines = bars(request.interval)
    except (*UNANSWERED, KlineError) as error:
        logger.info("analysis left_out symbol=%s reason=%s", instrument.symbol, error)
        return LeftOut(
            symbol=instrument.symbol,
            reason=str(error),
            is_failure=not isinstance(error, KlineError),
        )
    compared: dict[KlineInterval, Klines | str] = {}
    for interval in request.timeframes:
        if interval is request.interval:
            compared[interval] = klines
            continue
        try:
            compared[interval] = bars(interval)
        except (*UNANSWERED, KlineError) as error:
            compared[interval] = str(error)
    return contract_analysis(klines, instrument.tick_size, compared)
