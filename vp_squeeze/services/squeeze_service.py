"""Contracts by name or group → their bars → boxes and squeezes."""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol, TypeAlias

from monitor.domain.instruments import ExchangeInfo, SpotPair
from monitor.domain.market import KlineInterval, Klines, MarketRows, Ticker24h
from monitor.domain.requests import RequestStatistics
from monitor.domain.typing import Symbol
from vp_squeeze.analysis_report import AnalysisReport, LeftOut, Venue
from vp_squeeze.box_analysis import (
    ContractAnalysis,
    SpotReading,
    box_reading,
    contract_analysis,
)
from vp_squeeze.exceptions import KlineError, NoContracts, UnknownContracts
from vp_squeeze.groups import Group, group_symbols
from vp_squeeze.indicators.bands import BOLLINGER_WINDOW
from vp_squeeze.services.kline_gaps import UNANSWERED

MINIMUM_BARS = BOLLINGER_WINDOW
"""Fewer have no squeeze."""

Progress: TypeAlias = Callable[[int, int], object]
"""Given how many contracts are done, and how many there are."""

logger = logging.getLogger(__name__)


class BarSource(Protocol):
    """Where bars are read. Methods block, and may be called from many threads."""

    def server_time(self) -> int:
        """Return the exchange's time, ms UTC."""

    def closed_klines(
        self,
        symbol: Symbol,
        interval: KlineInterval,
        *,
        count: int,
        minimum: int | None = None,
        as_of_ms: int,
    ) -> Klines:
        """Return closed, checked bars as `binance_kline_service.closed_klines`."""

    def statistics(self) -> RequestStatistics:
        """Return what has been sent so far."""

    def give_up(self) -> None:
        """Wait for nothing more: nobody wants the answers."""


class BoxMarket(BarSource, Protocol):
    """The contracts' market."""

    def exchange_info(self) -> ExchangeInfo:
        """Return all contracts."""

    def tickers_24h(self) -> MarketRows[Ticker24h]:
        """Return 24-hour statistics."""

    def check_bars(self, as_of_ms: int) -> None:
        """Drop kept bars that are another market's, before any of them is read."""


class SpotSource(BarSource, Protocol):
    """The spot market: `vp_squeeze.services.spot_market.SpotMarket`."""

    def pairs(self) -> Mapping[Symbol, SpotPair]:
        """Return all pairs by symbol."""


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
    venue: Venue = Venue.FUTURES
    """Whose bars are analysed. Groups are of contracts always."""
    compares_spot: bool = False
    """Whether the spot market is read too, beside the contracts."""

    @property
    def asks_spot(self) -> bool:
        """Whether the spot market is read."""
        return self.venue is Venue.SPOT or self.compares_spot

    def __post_init__(self) -> None:
        if self.venue is Venue.SPOT and self.compares_spot:
            raise ValueError("the spot market cannot be compared with itself")
        if self.limit < MINIMUM_BARS:
            raise ValueError(f"limit must be at least {MINIMUM_BARS}, was {self.limit}")
        if self.workers < 1:
            raise ValueError(f"workers must be at least 1, was {self.workers}")


def analysis(
    market: BoxMarket,
    request: AnalysisRequest,
    *,
    source: str,
    spot: SpotSource | None = None,
    on_progress: Progress = lambda _done, _total: None,
) -> AnalysisReport:
    """Analyse the closed bars of all contracts asked for.

    A contract whose bars cannot be had or used is left out with the reason; a
    compared timeframe that cannot is missing with the reason, so is the spot market.

    Parameters
    ----------
    market : BoxMarket
        What is read. For bars of the spot market it is asked for a group's members
        only.
    request : AnalysisRequest
        What is analysed, and how.
    source : str
        What the report says the data comes from.
    spot : SpotSource, optional
        The spot market, where ``request`` asks for it.
    on_progress : callable
        Called in this thread after each contract.

    Raises
    ------
    UnknownContracts
        A symbol is not on the exchange, or none is on the spot market.
    NoContracts
        Nothing was asked for, or nobody qualifies for the group.
    ValueError
        ``request`` asks for the spot market, and ``spot`` is None.
    ExchangeError
        Whatever no other contract would escape: a ban, no budget, no access.
    """
    if request.asks_spot:
        if spot is None:
            raise ValueError("the spot market is asked for, but there is none")
    else:
        spot = None
    bars: BarSource = market
    if spot is not None and request.venue is Venue.SPOT:
        bars = spot
    as_of_ms = bars.server_time()
    pairs = {} if spot is None else spot.pairs()
    subjects, missing = _subjects(market, request, pairs)
    if bars is market:
        market.check_bars(as_of_ms)
    task = _Task(
        bars=bars,
        request=request,
        as_of_ms=as_of_ms,
        beside=spot if request.compares_spot else None,
        pairs=pairs,
    )
    found = _analysed(task, subjects, on_progress)
    return AnalysisReport(
        as_of_ms=as_of_ms,
        source=source,
        interval=request.interval,
        limit=request.limit,
        timeframes=request.timeframes,
        contracts=tuple(row for row in found if isinstance(row, ContractAnalysis)),
        left_out=tuple(row for row in found if isinstance(row, LeftOut)),
        requests=market.statistics(),
        venue=request.venue,
        missing_on_spot=missing,
        spot_requests=None if spot is None else spot.statistics(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    symbol: Symbol
    tick_size: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    bars: BarSource
    request: AnalysisRequest
    as_of_ms: int
    beside: SpotSource | None
    pairs: Mapping[Symbol, SpotPair]

    def closed(
        self, source: BarSource, symbol: Symbol, interval: KlineInterval
    ) -> Klines:
        return source.closed_klines(
            symbol,
            interval,
            count=self.request.limit,
            minimum=MINIMUM_BARS,
            as_of_ms=self.as_of_ms,
        )

    def give_up(self) -> None:
        self.bars.give_up()
        if self.beside is not None:
            self.beside.give_up()


def _subjects(
    market: BoxMarket, request: AnalysisRequest, pairs: Mapping[Symbol, SpotPair]
) -> tuple[list[_Subject], tuple[Symbol, ...]]:
    # what is analysed, and which of it the spot market lacks
    on_spot = request.venue is Venue.SPOT
    ticks = {pair.symbol: pair.tick_size for pair in pairs.values()}
    wanted = list(request.symbols)
    if not on_spot or request.group is not None:
        exchange_info = market.exchange_info()
        if not on_spot:
            ticks = {row.symbol: row.tick_size for row in exchange_info.instruments}
        wanted += _members(market, request, exchange_info)
    if not wanted:
        raise NoContracts(None if request.group is None else request.group.value)
    wanted = list(dict.fromkeys(wanted))
    unknown = tuple(symbol for symbol in wanted if symbol not in ticks)
    if unknown and not on_spot:
        raise UnknownContracts(unknown)
    if len(unknown) == len(wanted):
        raise UnknownContracts(unknown, "the spot market")
    found = [
        _Subject(symbol=symbol, tick_size=ticks[symbol])
        for symbol in wanted
        if symbol in ticks
    ]
    if request.compares_spot:
        unknown = tuple(symbol for symbol in wanted if symbol not in pairs)
    return found, unknown


def _members(
    market: BoxMarket, request: AnalysisRequest, exchange_info: ExchangeInfo
) -> tuple[Symbol, ...]:
    if request.group is None:
        return ()
    by_turnover = request.group is not Group.MAJOR
    return group_symbols(
        request.group,
        exchange_info,
        market.tickers_24h().by_symbol if by_turnover else {},
        quote=request.quote,
        min_volume=request.min_volume,
    )


def _analysed(
    task: _Task, subjects: Sequence[_Subject], on_progress: Progress
) -> list[ContractAnalysis | LeftOut]:
    pool = ThreadPoolExecutor(task.request.workers, thread_name_prefix="analysis-io")
    try:
        futures = [pool.submit(_contract, task, subject) for subject in subjects]
        for done, future in enumerate(as_completed(futures), 1):
            future.result()
            on_progress(done, len(futures))
    except BaseException:
        # what still waits for budget would go on sending
        task.give_up()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
    return [future.result() for future in futures]


def _contract(task: _Task, subject: _Subject) -> ContractAnalysis | LeftOut:
    request, symbol = task.request, subject.symbol
    try:
        klines = task.closed(task.bars, symbol, request.interval)
    except (*UNANSWERED, KlineError) as error:
        logger.info("analysis left_out symbol=%s reason=%s", symbol, error)
        return LeftOut(
            symbol=symbol,
            reason=str(error),
            is_failure=not isinstance(error, KlineError),
        )
    compared: dict[KlineInterval, Klines | str] = {}
    for interval in request.timeframes:
        if interval is request.interval:
            compared[interval] = klines
            continue
        try:
            compared[interval] = task.closed(task.bars, symbol, interval)
        except (*UNANSWERED, KlineError) as error:
            compared[interval] = str(error)
    found = contract_analysis(klines, subject.tick_size, compared)
    if task.beside is None:
        return found
    return replace(found, spot=_beside(task, task.beside, symbol))


def _beside(task: _Task, spot: SpotSource, symbol: Symbol) -> SpotReading | str:
    pair = task.pairs.get(symbol)
    if pair is None:
        return "not on the spot market"
    try:
        klines = task.closed(spot, symbol, task.request.interval)
    except (*UNANSWERED, KlineError) as error:
        return str(error)
    return SpotReading(
        tick_size=pair.tick_size, reading=box_reading(klines, pair.tick_size)
    )
