"""Which contracts are worth fetching: the rules that need whole-market data only."""

from collections.abc import Callable
from dataclasses import dataclass

from grid_screening.conf import ScreenerSettings
from grid_screening.screening_report import Exclusion, FunnelStage, Reason
from monitor.domain.instruments import (
    TRADING,
    ContractType,
    ExchangeInfo,
    Instrument,
)
from monitor.domain.market import DAY_MS, BookTicker, MarketRows, Ticker24h

PRE_MARKET = "PREMARKET"
MALFORMED = "malformed_payload"
REQUEST_FAILED = "request_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketQuotes:
    """Whole-market replies that the rules look at, as of one server time."""

    tickers: MarketRows[Ticker24h]
    book_tickers: MarketRows[BookTicker]
    as_of_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Contracts that passed, those that did not, and the counts between."""

    candidates: tuple[Instrument, ...]
    excluded: tuple[Exclusion, ...]
    funnel: tuple[FunnelStage, ...]
    unreadable: int
    """Contracts that may have qualified, but part of their data was unreadable."""


Check = Callable[[Instrument, MarketQuotes, ScreenerSettings], Reason | None]


def candidate_selection(
    exchange_info: ExchangeInfo, quotes: MarketQuotes, settings: ScreenerSettings
) -> Selection:
    """Return the contracts that pass every rule, in the exchange's order.

    Parameters
    ----------
    exchange_info : ExchangeInfo
        All contracts; unreadable entries are excluded with their reason.
    quotes : MarketQuotes
        Tickers and best quotes as of the same server time.
    settings : ScreenerSettings
        Limits of the rules.

    Returns
    -------
    Selection
        Every entry of ``exchange_info`` is either a candidate or excluded once,
        at the first rule that stops it.
    """
    excluded = [
        Exclusion(
            symbol=row.symbol or f"(unreadable entry {number})",
            stage="readable",
            reason=Reason(code=MALFORMED, text=row.detail),
        )
        for number, row in enumerate(exchange_info.malformed, 1)
    ]
    left = list(exchange_info.instruments)
    funnel = [
        FunnelStage(stage="universe", count=len(left) + len(excluded)),
        FunnelStage(stage="readable", count=len(left)),
    ]
    for stage, check in RULES:
        passed = []
        for instrument in left:
            reason = check(instrument, quotes, settings)
            if reason is None:
                passed.append(instrument)
            else:
                excluded.append(
                    Exclusion(symbol=instrument.symbol, stage=stage, reason=reason)
                )
        left = passed
        funnel.append(FunnelStage(stage=stage, count=len(left)))
    return Selection(
        candidates=tuple(left),
        excluded=tuple(excluded),
        funnel=tuple(funnel),
        unreadable=sum(
            exclusion.reason.code == MALFORMED
            and (
                exclusion.stage != "readable"
                or _may_qualify(exclusion.symbol, quotes, settings)
            )
            for exclusion in excluded
        ),
    )


def _may_qualify(symbol: str, quotes: MarketQuotes, settings: ScreenerSettings) -> bool:
    # What can be told of a contract whose own entry is unreadable.
    if settings.symbols is not None and symbol not in settings.symbols:
        return False
    ticker = quotes.tickers.by_symbol.get(symbol)
    return (
        symbol not in settings.exclude
        and ticker is not None
        and ticker.quote_volume_24h > settings.min_volume
    )


def _requested(
    instrument: Instrument, _: MarketQuotes, settings: ScreenerSettings
) -> Reason | None:
    if settings.symbols is not None and instrument.symbol not in settings.symbols:
        return Reason(code="not_requested", text="not among the symbols asked for")
    if instrument.symbol in settings.exclude:
        return Reason(code="excluded_by_user", text="excluded by setting")
    return None


def _quote_asset(
    instrument: Instrument, _: MarketQuotes, settings: ScreenerSettings
) -> Reason | None:
    if instrument.quote_asset == settings.quote:
        return None
    return Reason(
        code="quote_asset",
        text=f"quoted in {instrument.quote_asset}, not {settings.quote}",
        value=instrument.quote_asset,
        limit=settings.quote,
    )


def _contract_type(
    instrument: Instrument, _: MarketQuotes, settings: ScreenerSettings
) -> Reason | None:
    wanted = [ContractType.PERPETUAL.value]
    if settings.include_tradifi:
        wanted.append(ContractType.TRADIFI_PERPETUAL.value)
    if instrument.contract_type in wanted:
        return None
    return Reason(
        code="contract_type",
        text=f"contract type is {instrument.contract_type or 'not stated'}",
        value=instrument.contract_type,
        limit=" or ".join(wanted),
    )


def _status(
    instrument: Instrument, _quotes: MarketQuotes, _settings: ScreenerSettings
) -> Reason | None:
    if instrument.is_trading:
        return None
    return Reason(
        code="status",
        text=f"status is {instrument.status or 'not stated'}, not {TRADING}",
        value=instrument.status,
        limit=TRADING,
    )


def _pre_market(
    instrument: Instrument, _quotes: MarketQuotes, _settings: ScreenerSettings
) -> Reason | None:
    if instrument.underlying_type != PRE_MARKET:
        return None
    return Reason(
        code="pre_market", text="pre-market contract", value=instrument.underlying_type
    )


def _delivery(
    instrument: Instrument, quotes: MarketQuotes, settings: ScreenerSettings
) -> Reason | None:
    days = (instrument.delivery_at - quotes.as_of_ms) / DAY_MS
    if days > settings.min_delivery_days:
        return None
    return Reason(
        code="delivery_date",
        text=f"ends in {days:.1f} days: scheduled delisting"
        if days > 0
        else "its delivery date has passed",
        value=days,
        limit=settings.min_delivery_days,
    )


def _ticker(
    instrument: Instrument, quotes: MarketQuotes, _: ScreenerSettings
) -> Reason | None:
    symbol = instrument.symbol
    missing = _row_reason(quotes.tickers, symbol, "no_ticker", "24 h ticker")
    if missing is None and quotes.tickers.by_symbol[symbol].last_price <= 0:
        return Reason(code="no_ticker", text="24 h ticker without a last price")
    return missing


def _turnover(
    instrument: Instrument, quotes: MarketQuotes, settings: ScreenerSettings
) -> Reason | None:
    turnover = quotes.tickers.by_symbol[instrument.symbol].quote_volume_24h
    if turnover > settings.min_volume:
        return None
    return Reason(
        code="turnover",
        text=f"24 h turnover {turnover:,.0f} is not above {settings.min_volume:,.0f}",
        value=turnover,
        limit=settings.min_volume,
    )


def _age(
    instrument: Instrument, quotes: MarketQuotes, settings: ScreenerSettings
) -> Reason | None:
    days = (quotes.as_of_ms - instrument.onboarded_at) / DAY_MS
    if days > settings.min_days:
        return None
    return Reason(
        code="age",
        text=f"listed for {days:.1f} days, not more than {settings.min_days:g}",
        value=days,
        limit=settings.min_days,
    )


def _fresh_quotes(
    instrument: Instrument, quotes: MarketQuotes, settings: ScreenerSettings
) -> Reason | None:
    rows = quotes.book_tickers
    missing = _row_reason(rows, instrument.symbol, "stale_quotes", "best bid and ask")
    if missing is not None:
        return missing
    book = rows.by_symbol[instrument.symbol]
    age_s = (quotes.as_of_ms - book.time) / 1000
    if age_s > settings.max_quote_age_s:
        return Reason(
            code="stale_quotes",
            text=f"best bid and ask are {age_s:.0f} s old",
            value=age_s,
            limit=settings.max_quote_age_s,
        )
    if min(book.bid_price, book.ask_price, book.bid_quantity, book.ask_quantity) <= 0:
        return Reason(code="stale_quotes", text="one side of the book is empty")
    if book.bid_price >= book.ask_price:
        return Reason(
            code="stale_quotes",
            text=f"crossed book: bid {book.bid_price:g} ≥ ask {book.ask_price:g}",
            value=book.bid_price,
            limit=book.ask_price,
        )
    return None


def _row_reason(
    rows: MarketRows[Ticker24h] | MarketRows[BookTicker],
    symbol: str,
    code: str,
    noun: str,
) -> Reason | None:
    if symbol in rows.by_symbol:
        return None
    for row in rows.malformed:
        if row.symbol == symbol:
            return Reason(code=MALFORMED, text=f"{noun}: {row.detail}")
    return Reason(code=code, text=f"no {noun}")


RULES: tuple[tuple[str, Check], ...] = (
    ("requested", _requested),
    ("quote_asset", _quote_asset),
    ("contract_type", _contract_type),
    ("status", _status),
    ("pre_market", _pre_market),
    ("delivery", _delivery),
    ("ticker", _ticker),
    ("turnover", _turnover),
    ("age", _age),
    ("quotes", _fresh_quotes),
)
