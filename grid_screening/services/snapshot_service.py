"""Exchange → snapshot: what a scan fetches, and what it does when that fails."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from grid_screening.assembly import Market, market_snapshot
from grid_screening.conf import ScreenerSettings
from grid_screening.progress import Progress, ProgressHook
from grid_screening.screening_report import Exclusion, FunnelStage, Reason
from grid_screening.snapshot import BENCHMARK, MarketSnapshot
from grid_screening.universe import MALFORMED, REQUEST_FAILED, MarketQuotes
from monitor.api_clients.binance import BinanceFuturesClient
from monitor.domain.instruments import Instrument
from monitor.domain.market import (
    Klines,
    OpenInterest,
)
from monitor.domain.typing import Symbol
from monitor.exceptions import (
    AccessDenied,
    ExchangeError,
    ExchangeTimeout,
    ExchangeUnavailable,
    GarbledAnswer,
    IpBanned,
    MalformedPayload,
    RateLimited,
    RequestCancelled,
    WaitTooLong,
)
from vp_squeeze.exceptions import (
    ImpossibleKlines,
    InsufficientKlines,
    KlineError,
    KlineGap,
    StaleKlines,
)
from vp_squeeze.services.binance_kline_service import closed_klines

ResultT = TypeVar("ResultT")
SymbolError: TypeAlias = ExchangeError | KlineError

SCAN_ENDING = (IpBanned, WaitTooLong, RateLimited, RequestCancelled, AccessDenied)
"""Errors that no other symbol would escape."""

UNREACHABLE = (ExchangeUnavailable, ExchangeTimeout)

DATA_STAGES = ("data", "bars", "gap", "fresh_bars")


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedPanel:
    """The snapshot of all contracts whose data is complete, and the others."""

    snapshot: MarketSnapshot
    excluded: tuple[Exclusion, ...]
    funnel: tuple[FunnelStage, ...]
    first_error: Exception | None
    """Of the failed requests, for the message when all failed."""


@contextmanager
def io_pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool of I/O threads; on any way out nothing queued is started.

    Leaving waits for requests in flight, except on Ctrl-C and the like
    (`BaseException`), when whoever interrupted must not be kept waiting.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="scan-io")
    try:
        yield pool
    except Exception:
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown(wait=True, cancel_futures=True)


def fetch_market(
    client: BinanceFuturesClient, workers: int, on_progress: ProgressHook
) -> Market:
    """Fetch the whole-market replies, each once, side by side.

    Raises
    ------
    ExchangeError
        One of them cannot be had: without it there is no scan.
    """
    as_of_ms = client.server_time()
    on_progress(Progress(stage="market", done=0, total=1, detail="whole market"))
    with io_pool(workers) as pool:
        exchange_info = pool.submit(client.exchange_info)
        tickers = pool.submit(client.tickers_24h)
        mark_prices = pool.submit(client.mark_prices)
        funding_intervals = pool.submit(client.funding_intervals)
        book_tickers = pool.submit(client.book_tickers)
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
    on_progress(Progress(stage="market", done=1, total=1, detail="whole market"))
    return market


def fetch_panel(
    client: BinanceFuturesClient,
    market: Market,
    candidates: Sequence[Instrument],
    settings: ScreenerSettings,
    on_progress: ProgressHook,
) -> FetchedPanel:
    """Fetch bars and open interest of ``candidates`` and build the snapshot.

    A contract whose bars cannot be had or used is excluded with its reason;
    one whose open interest cannot be had stays, with that input missing. The
    benchmark's bars are fetched even when it is no candidate.

    Raises
    ------
    ExchangeError
        One of `SCAN_ENDING`.
    """
    symbols = [instrument.symbol for instrument in candidates]
    on_exchange = {i.symbol for i in market.exchange_info.instruments}
    benchmark = [BENCHMARK] if symbols and BENCHMARK in on_exchange else []
    klines, open_interest = _fetch_all(
        client,
        with_bars=list(dict.fromkeys(symbols + benchmark)),
        with_open_interest=symbols,
        as_of_ms=market.quotes.as_of_ms,
        settings=settings,
        on_progress=on_progress,
    )
    errors = {s: k for s in symbols if isinstance(k := klines[s], Exception)}
    excluded = tuple(_exclusion(s, error) for s, error in errors.items())
    return FetchedPanel(
        snapshot=market_snapshot(
            market,
            [i for i in candidates if i.symbol not in errors],
            {s: k for s, k in klines.items() if isinstance(k, Klines)},
            {s: o for s, o in open_interest.items() if isinstance(o, OpenInterest)},
            settings.interval,
        ),
        excluded=excluded,
        funnel=_funnel(len(symbols), excluded),
        first_error=next(
            (e for e in errors.values() if isinstance(e, ExchangeError)), None
        ),
    )


def _fetch_all(
    client: BinanceFuturesClient,
    *,
    with_bars: Sequence[Symbol],
    with_open_interest: Sequence[Symbol],
    as_of_ms: int,
    settings: ScreenerSettings,
    on_progress: ProgressHook,
) -> tuple[
    dict[Symbol, Klines | SymbolError], dict[Symbol, OpenInterest | SymbolError]
]:
    def bars(symbol: Symbol) -> Klines:
        return closed_klines(
            client, symbol, settings.interval, count=settings.bars, as_of_ms=as_of_ms
        )

    with io_pool(settings.io_workers) as pool:
        klines = {s: pool.submit(_attempt, bars, s) for s in with_bars}
        open_interest = {
            s: pool.submit(_attempt, client.open_interest, s)
            for s in with_open_interest
        }
        _follow(
            [*klines.values(), *open_interest.values()],
            patience=settings.io_workers,
            on_progress=on_progress,
        )
    return (
        {s: _outcome(future) for s, future in klines.items()},
        {s: _outcome(future) for s, future in open_interest.items()},
    )


def _attempt(
    call: Callable[[Symbol], ResultT], symbol: Symbol
) -> ResultT | SymbolError:
    try:
        return call(symbol)
    except SCAN_ENDING:
        raise
    except (ExchangeError, KlineError) as error:
        return error


def _follow(
    futures: Sequence[Future[Any]], *, patience: int, on_progress: ProgressHook
) -> None:
    # An exchange that answers nobody any more is not asked for all the others:
    # each would cost the full deadline of every try.
    unreachable_in_a_row = 0
    for done, future in enumerate(as_completed(futures), 1):
        if not future.cancelled():
            unreachable = isinstance(future.result(), UNREACHABLE)
            unreachable_in_a_row = unreachable_in_a_row + 1 if unreachable else 0
        if unreachable_in_a_row == patience:
            for waiting in futures:
                waiting.cancel()
        on_progress(Progress(stage="symbols", done=done, total=len(futures)))


def _outcome(future: Future[ResultT | SymbolError]) -> ResultT | SymbolError:
    if future.cancelled():
        return ExchangeUnavailable(
            "klines", "not asked: the exchange had stopped answering"
        )
    return future.result()


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
