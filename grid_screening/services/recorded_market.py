"""A market that is written down while it is read, and one that is read back."""

from collections.abc import Callable
from typing import Any, TypeVar

from grid_screening.exceptions import NotRecorded
from grid_screening.recording.failures import SymbolError
from grid_screening.recording.recording import KlineWish, Recording
from grid_screening.services.fan_out import SCAN_ENDING
from grid_screening.services.market_source import MarketSource
from monitor.domain.instruments import ExchangeInfo
from monitor.domain.market import (
    BookTicker,
    FundingInterval,
    KlineInterval,
    Klines,
    MarketRows,
    MarkPrice,
    OpenInterest,
    Ticker24h,
)
from monitor.domain.requests import RequestStatistics
from monitor.domain.typing import Symbol
from monitor.exceptions import ExchangeError
from vp_squeeze.exceptions import KlineError

ValueT = TypeVar("ValueT")

NO_REQUESTS = RequestStatistics(
    count=0, weight=0, peak_weight_per_minute=0, retries=0, budget_wait_s=0.0
)


class RecordingMarket:
    """Passes everything on to another source and keeps what it answered.

    Thread-safe as far as the source is. Errors that end a scan are not kept.

    Parameters
    ----------
    source : MarketSource
        What is asked.
    """

    def __init__(self, source: MarketSource) -> None:
        self._source = source
        self._whole: dict[str, Any] = {}
        self._open_interest: dict[Symbol, OpenInterest | SymbolError] = {}
        self._klines: dict[KlineWish, Klines | SymbolError] = {}

    def recording(self) -> Recording:
        """Return what was read; call it when the scan is over.

        Raises
        ------
        KeyError
            Some whole-market answer was never read.
        """
        return Recording(
            **self._whole,
            open_interest=dict(self._open_interest),
            klines=dict(self._klines),
        )

    def server_time(self) -> int:
        """Return the exchange's time, ms UTC."""
        return self._keep("as_of_ms", self._source.server_time())

    def exchange_info(self) -> ExchangeInfo:
        """Return all contracts."""
        return self._keep("exchange_info", self._source.exchange_info())

    def tickers_24h(self) -> MarketRows[Ticker24h]:
        """Return 24-hour statistics."""
        return self._keep("tickers", self._source.tickers_24h())

    def mark_prices(self) -> MarketRows[MarkPrice]:
        """Return mark prices and running funding."""
        return self._keep("mark_prices", self._source.mark_prices())

    def funding_intervals(self) -> MarketRows[FundingInterval]:
        """Return funding intervals."""
        return self._keep("funding_intervals", self._source.funding_intervals())

    def book_tickers(self) -> MarketRows[BookTicker]:
        """Return best bids and asks."""
        return self._keep("book_tickers", self._source.book_tickers())

    def open_interest(self, symbol: Symbol) -> OpenInterest:
        """Return the open interest of one contract."""
        return _kept(
            self._open_interest, symbol, lambda: self._source.open_interest(symbol)
        )

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
        """Return closed, checked bars."""
        wish = KlineWish(symbol=symbol, interval=interval, count=count, minimum=minimum)
        return _kept(
            self._klines,
            wish,
            lambda: self._source.closed_klines(
                symbol,
                interval,
                count=count,
                minimum=minimum,
                as_of_ms=as_of_ms,
                end_time=end_time,
            ),
        )

    def statistics(self) -> RequestStatistics:
        """Return what this scan has sent so far."""
        return self._source.statistics()

    def check_bars(self, as_of_ms: int) -> None:
        """Have kept bars compared."""
        self._source.check_bars(as_of_ms)

    def store_bars(self) -> None:
        """Write bars that are kept."""
        self._source.store_bars()

    def give_up(self) -> None:
        """Wait for nothing more."""
        self._source.give_up()

    def _keep(self, name: str, value: ValueT) -> ValueT:
        self._whole[name] = value
        return value


class ReplayedMarket:
    """A recorded market; sends nothing.

    Parameters
    ----------
    recording : Recording
        What a scan once read. Whatever it did not read is `NotRecorded`.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def server_time(self) -> int:
        """Return the time of the recorded scan, ms UTC."""
        return self._recording.as_of_ms

    def exchange_info(self) -> ExchangeInfo:
        """Return all contracts."""
        return self._recording.exchange_info

    def tickers_24h(self) -> MarketRows[Ticker24h]:
        """Return 24-hour statistics."""
        return self._recording.tickers

    def mark_prices(self) -> MarketRows[MarkPrice]:
        """Return mark prices and funding."""
        return self._recording.mark_prices

    def funding_intervals(self) -> MarketRows[FundingInterval]:
        """Return funding intervals."""
        return self._recording.funding_intervals

    def book_tickers(self) -> MarketRows[BookTicker]:
        """Return best bids and asks."""
        return self._recording.book_tickers

    def open_interest(self, symbol: Symbol) -> OpenInterest:
        """Return the open interest of one contract."""
        found = self._recording.open_interest.get(symbol)
        return _value(found, symbol, "open interest")

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
        """Return the bars that the recorded scan used for the same wish."""
        del as_of_ms, end_time  # the recording has but one instant
        wish = KlineWish(symbol=symbol, interval=interval, count=count, minimum=minimum)
        found = self._recording.klines.get(wish)
        return _value(found, symbol, f"{count} bars of {interval.value}")

    def statistics(self) -> RequestStatistics:
        """Return zeros."""
        return NO_REQUESTS

    def check_bars(self, as_of_ms: int) -> None:
        """Do nothing: a recording is one market."""

    def store_bars(self) -> None:
        """Do nothing: a recording is kept already."""

    def give_up(self) -> None:
        """Do nothing: there is nothing to wait for."""


def _kept(answers: dict[Any, Any], key: object, ask: Callable[[], ValueT]) -> ValueT:
    try:
        value = ask()
    except SCAN_ENDING:
        raise
    except (ExchangeError, KlineError) as failure:
        answers[key] = failure
        raise
    answers[key] = value
    return value


def _value(found: ValueT | SymbolError | None, symbol: Symbol, what: str) -> ValueT:
    if found is None:
        raise NotRecorded(symbol, what)
    if isinstance(found, ExchangeError | KlineError):
        raise found
    return found
