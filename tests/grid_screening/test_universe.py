"""Each rule, its limits, and the completeness of the funnel."""

from typing import Any

import pytest

from grid_screening.conf import ScreenerSettings
from grid_screening.universe import MarketQuotes, Selection, candidate_selection
from monitor.domain.instruments import Instrument, MalformedRow
from monitor.domain.market import DAY_MS
from tests.builders import AS_OF_MS, book, exchange_info, instrument, rows, ticker


def select(
    *instruments: Instrument,
    tickers: tuple[Any, ...] | None = None,
    books: tuple[Any, ...] | None = None,
    malformed: tuple[MalformedRow, ...] = (),
    malformed_tickers: tuple[MalformedRow, ...] = (),
    **settings: Any,
) -> Selection:
    symbols = [i.symbol for i in instruments]
    if tickers is None:
        tickers = tuple(ticker(s) for s in symbols)
    if books is None:
        books = tuple(book(s) for s in symbols)
    return candidate_selection(
        exchange_info(*instruments, malformed=malformed),
        MarketQuotes(
            tickers=rows(*tickers, malformed=malformed_tickers),
            book_tickers=rows(*books),
            as_of_ms=AS_OF_MS,
        ),
        ScreenerSettings(**settings),
    )


def test_a_plain_liquid_perpetual_passes() -> None:
    selection = select(instrument())
    assert [i.symbol for i in selection.candidates] == ["AAAUSDT"]
    assert selection.excluded == ()


@pytest.mark.parametrize(
    ("overrides", "stage", "code", "value", "limit"),
    [
        ({"quote_asset": "USDC"}, "quote_asset", "quote_asset", "USDC", "USDT"),
        (
            {"contract_type": "CURRENT_QUARTER"},
            "contract_type",
            "contract_type",
            "CURRENT_QUARTER",
            "PERPETUAL",
        ),
        (
            {"contract_type": "TRADIFI_PERPETUAL"},
            "contract_type",
            "contract_type",
            "TRADIFI_PERPETUAL",
            "PERPETUAL",
        ),
        ({"contract_type": ""}, "contract_type", "contract_type", "", "PERPETUAL"),
        ({"status": "SETTLING"}, "status", "status", "SETTLING", "TRADING"),
        ({"status": "TRADING_HALT"}, "status", "status", "TRADING_HALT", "TRADING"),
        (
            {"underlying_type": "PREMARKET"},
            "pre_market",
            "pre_market",
            "PREMARKET",
            None,
        ),
        (
            {"delivery_at": AS_OF_MS + 14 * DAY_MS},
            "delivery",
            "delivery_date",
            14.0,
            14.0,
        ),
        ({"onboarded_at": AS_OF_MS - 30 * DAY_MS}, "age", "age", 30.0, 30.0),
    ],
)
def test_contract_rule_excludes_with_value_and_limit(
    overrides: dict[str, Any], stage: str, code: str, value: object, limit: object
) -> None:
    selection = select(instrument(**overrides))
    (exclusion,) = selection.excluded
    assert exclusion.stage == stage
    assert exclusion.reason.code == code
    assert exclusion.reason.value == value
    assert exclusion.reason.limit == limit
    assert exclusion.reason.text


def test_limits_are_strict_just_beyond_they_pass() -> None:
    fresh = instrument(
        onboarded_at=AS_OF_MS - 30 * DAY_MS - 1, delivery_at=AS_OF_MS + 14 * DAY_MS + 1
    )
    volume = ticker(quote_volume_24h=50_000_000.01)
    assert select(fresh, tickers=(volume,)).candidates == (fresh,)


def test_turnover_at_the_limit_is_excluded() -> None:
    selection = select(instrument(), tickers=(ticker(quote_volume_24h=50_000_000.0),))
    assert selection.excluded[0].reason.code == "turnover"
    assert selection.excluded[0].reason.value == 50_000_000.0


def test_tradifi_passes_when_asked_for() -> None:
    gold = instrument("XAUUSDT", contract_type="TRADIFI_PERPETUAL")
    assert select(gold, include_tradifi=True).candidates == (gold,)


@pytest.mark.parametrize(
    ("overrides", "fragment"),
    [
        ({"time": AS_OF_MS - 60_001}, "60 s old"),
        ({"bid_price": 10.0, "ask_price": 10.0}, "crossed"),
        ({"bid_quantity": 0.0}, "side of the book is empty"),
        ({"ask_price": 0.0}, "side of the book is empty"),
    ],
)
def test_stale_quotes_are_excluded(overrides: dict[str, Any], fragment: str) -> None:
    selection = select(instrument(), books=(book(**overrides),))
    assert selection.excluded[0].reason.code == "stale_quotes"
    assert fragment in selection.excluded[0].reason.text


def test_quotes_of_exactly_the_limit_are_fresh() -> None:
    selection = select(instrument(), books=(book(time=AS_OF_MS - 60_000),))
    assert len(selection.candidates) == 1


def test_missing_rows_name_what_is_missing() -> None:
    no_ticker = select(instrument(), tickers=())
    assert no_ticker.excluded[0].reason.text == "no 24 h ticker"
    assert no_ticker.excluded[0].reason.code == "no_ticker"
    no_book = select(instrument(), books=())
    assert no_book.excluded[0].reason.text == "no best bid and ask"


def test_unreadable_ticker_is_malformed_not_missing() -> None:
    broken = MalformedRow(symbol="AAAUSDT", detail="quoteVolume was 'NaN'")
    selection = select(instrument(), tickers=(), malformed_tickers=(broken,))
    assert selection.excluded[0].reason.code == "malformed_payload"
    assert "quoteVolume was 'NaN'" in selection.excluded[0].reason.text


def test_unreadable_entries_are_counted_even_without_a_name() -> None:
    selection = select(
        instrument(),
        malformed=(
            MalformedRow(symbol=None, detail="symbol is missing"),
            MalformedRow(symbol="BADUSDT", detail="tickSize was '0'"),
        ),
    )
    assert [e.symbol for e in selection.excluded] == [
        "(unreadable entry 1)",
        "BADUSDT",
    ]
    assert selection.funnel[0].count == 3


def test_unreadable_entries_count_only_if_they_may_have_qualified() -> None:
    broken = tuple(MalformedRow(symbol=s, detail="d") for s in ("XUSDT", "YUSDT"))
    quiet = ticker("YUSDT", quote_volume_24h=1.0)
    tickers = (ticker("AAAUSDT"), ticker("XUSDT"), quiet)
    everything = select(instrument(), malformed=broken, tickers=tickers)
    assert everything.unreadable == 1
    others = select(
        instrument(), malformed=broken, tickers=tickers, symbols=("AAAUSDT",)
    )
    assert others.unreadable == 0
    left_out = select(
        instrument(), malformed=broken, tickers=tickers, exclude=("XUSDT",)
    )
    assert left_out.unreadable == 0


def test_unreadable_rows_of_a_contract_in_question_count() -> None:
    broken = MalformedRow(symbol="AAAUSDT", detail="quoteVolume was 'NaN'")
    assert select(instrument(), tickers=(), malformed_tickers=(broken,)).unreadable == 1


def test_ticker_without_a_price_is_no_ticker() -> None:
    selection = select(instrument(), tickers=(ticker(last_price=0.0),))
    assert selection.excluded[0].reason.text == "24 h ticker without a last price"


def test_asked_for_and_excluded_symbols() -> None:
    a, b, c = instrument("AUSDT"), instrument("BUSDT"), instrument("币安人生USDT")
    selection = select(a, b, c, symbols=("BUSDT", "币安人生USDT"), exclude=("BUSDT",))
    assert selection.candidates == (c,)
    codes = {e.symbol: e.reason.code for e in selection.excluded}
    assert codes == {"AUSDT": "not_requested", "BUSDT": "excluded_by_user"}


def test_funnel_accounts_for_every_contract() -> None:
    selection = select(
        instrument("AUSDT"),
        instrument("BUSDC", quote_asset="USDC"),
        instrument("CUSDT", status="CLOSE"),
    )
    counts = [stage.count for stage in selection.funnel]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == 3 == len(selection.candidates) + len(selection.excluded)
    assert counts[-1] == len(selection.candidates) == 1
