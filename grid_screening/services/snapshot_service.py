"""Exchange → snapshot: what a scan fetches, and what it does when that fails."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeAlias

from grid_screening.assembly import Market, market_snapshot
from grid_screening.conf import ScreenerSettings
from grid_screening.screening_report import Exclusion, FunnelStage, Reason
from grid_screening.services.fan_out import (
    ScanTime,
    SymbolError,
    attempt,
    follow,
    io_pool,
    outcome,
)
from grid_screening.services.market_source import MarketSource
from grid_screening.snapshot import BENCHMARK, MarketSnapshot
from grid_screening.universe import MALFORMED, REQUEST_FAILED, MarketQuotes
from monitor.domain.instruments import Instrument
from monitor.domain.market import (
    KlineInterval,
    Klines,
    OpenInterest,
)
from monitor.domain.progress import Progress, ProgressHook
from monitor.domain.typing import Symbol
from monitor.exceptions import (
    GarbledAnswer,
    MalformedPayload,
)
from vp_squeeze.exceptions import (
    ImpossibleKlines,
    InsufficientKlines,
    KlineGap,
    StaleKlines,
)

DATA_STAGES = ("data", "bars", "gap", "fresh_bars")

OnBars: TypeAlias = Callable[[MarketSnapshot], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedPanel:
    """The snapshot of all contracts whose data is complete, and the others."""

    snapshot: MarketSnapshot
    excluded: tuple[Exclusion, ...]
    funnel: tuple[FunnelStage, ...]
    incomplete: frozenset[Symbol]
    """Contracts of the snapshot without open interest or mark price."""
    kept_answering: bool
    """False: the exchange fell silent and the rest was not asked."""


def fetch_market(
    source: MarketSource, workers: int, on_progress: ProgressHook
) -> Market:
    """Fetch the whole-market replies, each once, side by side.

    Raises
    ------
    ExchangeError
        One of them cannot be had: without it there is no scan.
    """
    as_of_ms = source.server_time()
    on_progress(Progress(stage="market", done=0, total=1, detail="whole market"))
    with io_pool(workers, give_up=source.give_up) as pool:
        exchange_info = pool.submit(source.exchange_info)
        tickers = pool.submit(source.tickers_24h)
        mark_prices = pool.submit(source.mark_prices)
        funding_intervals = pool.submit(source.funding_intervals)
        book_tickers = pool.submit(source.book_tickers)
        bars_checked = pool.submit(source.check_bars, as_of_ms)
        market = Market(
            exchange_info=exchange_info.result(),
            quotes=MarketQuotes(
                tickers=tickers.result(),
                book_tickers=book_tickers.result(),
                as_of_ms=as_of_ms,
            ),
            mark_prices=mark_prices.result(),
            funding_intervals=funding_intervals.result(),
        )
        bars_checked.result()
    on_progress(Progress(stage="market", done=1, total=1, detail="whole market"))
    return market


def fetch_panel(
    source: MarketSource,
    market: Market,
    candidates: Sequence[Instrument],
    settings: ScreenerSettings,
    *,
    on_progress: ProgressHook,
    scan_time: ScanTime,
    on_bars: OnBars = lambda _: None,
) -> FetchedPanel:
    """Fetch bars and open interest of ``candidates`` and build the snapshot.

    A contract whose bars cannot be had or used is excluded with its reason;
    one whose open interest cannot be had stays, with that input missing. The
    benchmark's bars are fetched even when it is no candidate. ``on_bars`` is given
    the snapshot as soon as all bars are there, open interest still missing: what
    needs bars only can be computed while the exchange answers.

    Raises
    ------
    ExchangeError
        One of `SCAN_ENDING`.
    """
    symbols = [instrument.symbol for instrument in candidates]
    on_exchange = {i.symbol for i in market.exchange_info.instruments}
    benchmark = [BENCHMARK] if symbols and BENCHMARK in on_exchange else []

    def early(klines: Mapping[Symbol, Klines | SymbolError]) -> None:
        on_bars(_snapshot(market, candidates, klines, {}, settings.interval))

    klines, open_interest, kept_answering = _fetch_all(
        source,
        with_bars=list(dict.fromkeys(symbols + benchmark)),
        with_open_interest=symbols,
        as_of_ms=market.quotes.as_of_ms,
        settings=settings,
        on_progress=on_progress,
        scan_time=scan_time,
        on_bars=early,
    )
    errors = {s: k for s in symbols if isinstance(k := klines[s], Exception)}
    excluded = tuple(_exclusion(s, error) for s, error in errors.items())
    return FetchedPanel(
        snapshot=_snapshot(
            market, candidates, klines, open_interest, settings.interval
        ),
        excluded=excluded,
        funnel=_funnel(len(symbols), excluded),
        incomplete=frozenset(
            s
            for s in symbols
            if s not in errors
            and not (
                isinstance(open_interest[s], OpenInterest)
                and s in market.mark_prices.by_symbol
            )
        ),
        kept_answering=kept_answering,
    )


def _snapshot(
    market: Market,
    candidates: Sequence[Instrument],
    klines: Mapping[Symbol, Klines | SymbolError],
    open_interest: Mapping[Symbol, OpenInterest | SymbolError],
    interval: KlineInterval,
) -> MarketSnapshot:
    bars = {s: k for s, k in klines.items() if isinstance(k, Klines)}
    return market_snapshot(
        market,
        [i for i in candidates if i.symbol in bars],
        bars,
        {s: o for s, o in open_interest.items() if isinstance(o, OpenInterest)},
        interval,
    )


def _fetch_all(
    source: MarketSource,
    *,
    with_bars: Sequence[Symbol],
    with_open_interest: Sequence[Symbol],
    as_of_ms: int,
    settings: ScreenerSettings,
    on_progress: ProgressHook,
    scan_time: ScanTime,
    on_bars: Callable[[Mapping[Symbol, Klines | SymbolError]], None],
) -> tuple[
    dict[Symbol, Klines | SymbolError], dict[Symbol, OpenInterest | SymbolError], bool
]:
    def bars(symbol: Symbol) -> Klines:
        return source.closed_klines(
            symbol, settings.interval, count=settings.bars, as_of_ms=as_of_ms
        )

    with io_pool(settings.io_workers, give_up=source.give_up) as pool:
        klines = {s: pool.submit(attempt, bars, s, scan_time) for s in with_bars}
        open_interest = {
            s: pool.submit(attempt, source.open_interest, s, scan_time)
            for s in with_open_interest
        }
        missing = set(klines.values())

        def note(done: Future[Any]) -> None:
            if done in missing:
                missing.remove(done)
                if not missing:
                    on_bars({s: outcome(future) for s, future in klines.items()})

        kept_answering = follow(
            [*klines.values(), *open_interest.values()],
            stage="symbols",
            patience=settings.io_workers,
            on_progress=on_progress,
            on_done=note,
        )
    return (
        {s: outcome(future) for s, future in klines.items()},
        {s: outcome(future) for s, future in open_interest.items()},
        kept_answering,
    )


def _exclusion(symbol: Symbol, error: SymbolError) -> Exclusion:
    text = str(error)
    match error:
        case InsufficientKlines():
            stage, reason = (
                "bars",
                Reason(
                    code="too_few_bars",
                    text=text,
                    value=error.bar_count,
                    limit=error.needed,
                ),
            )
        case KlineGap():
            stage = "gap"
            reason = Reason(code="gap", text=text, value=error.missing, limit=0)
        case StaleKlines():
            stage = "fresh_bars"
            reason = Reason(
                code="stale_bars",
                text=text,
                value=error.last_open_ms,
                limit=error.expected_open_ms,
            )
        case ImpossibleKlines() | MalformedPayload() | GarbledAnswer():
            stage, reason = "data", Reason(code=MALFORMED, text=text)
        case _:
            stage, reason = "data", Reason(code=REQUEST_FAILED, text=text)
    return Exclusion(symbol=symbol, stage=stage, reason=reason)


def _funnel(count: int, excluded: Sequence[Exclusion]) -> tuple[FunnelStage, ...]:
    stages = []
    for stage in DATA_STAGES:
        count -= sum(exclusion.stage == stage for exclusion in excluded)
        stages.append(FunnelStage(stage=stage, count=count))
    return tuple(stages)
