"""Rows of the market as the bytes that go over the wire. Pure.

Prices and quantities are decimal strings, times and counts integers, keys and
their order as in the live replies.
"""

from collections.abc import Iterable, Mapping, Sequence

import orjson

from monitor.domain.market import KlineInterval
from monitor.domain.typing import Symbol
from monitor.simulator.bars import Bars, Scale
from monitor.simulator.intervals import close_times
from monitor.simulator.market import (
    Book,
    DayStatistics,
    FundingTerms,
    Interest,
    Mark,
    Settlement,
)

NOW = b"@now@"
"""Stands for the current time in bodies that are kept for a minute."""
_NOW_TEXT = NOW.decode()


def error(code: int, message: str) -> bytes:
    """Body of a refusal."""
    return orjson.dumps({"code": code, "msg": message})


def array(rows: Iterable[bytes]) -> bytes:
    """Join encoded rows to a JSON array."""
    return b"[" + b",".join(rows) + b"]"


def kline_rows(bars: Bars, interval: KlineInterval, scale: Scale) -> bytes:
    """Encode kline rows without the outer brackets."""
    p = f'"%.{scale.shown_price_decimals}f"'
    v, q = f'"%.{scale.volume_decimals}f"', f'"%.{scale.quote_decimals}f"'
    row = f'[%d,{p},{p},{p},{p},{v},%d,{q},%d,{v},{q},"0"]'
    price, volume, quote = (
        10.0**decimals
        for decimals in (
            scale.price_decimals,
            scale.volume_decimals,
            scale.quote_decimals,
        )
    )
    columns = (
        bars.open_time,
        bars.open / price,
        bars.high / price,
        bars.low / price,
        bars.close / price,
        bars.volume / volume,
        close_times(interval, bars.open_time),
        bars.quote_volume / quote,
        bars.trades,
        bars.taker_volume / volume,
        bars.taker_quote_volume / quote,
    )
    values = zip(*(column.tolist() for column in columns), strict=True)
    return ",".join([row % bar for bar in values]).encode()


def price_rows(bars: Bars, interval: KlineInterval, scale: Scale) -> bytes:
    """Rows of mark and index prices: zeros where the exchange sends zeros."""
    row = '[%d,"%.8f","%.8f","%.8f","%.8f","0",%d,"0",%d,"0","0","0"]'
    price = 10.0**scale.price_decimals
    closes = close_times(interval, bars.open_time)
    columns = (
        bars.open_time,
        bars.open / price,
        bars.high / price,
        bars.low / price,
        bars.close / price,
        closes,
        (closes + 1 - bars.open_time) // 1000,  # one sample a second
    )
    values = zip(*(column.tolist() for column in columns), strict=True)
    return ",".join([row % bar for bar in values]).encode()


def day_row(day: DayStatistics) -> bytes:
    """Row of ``ticker/24hr``."""
    scale = day.scale
    change = day.last - day.open
    average = scale.quote(day.quote_volume) / max(scale.volume(day.volume), 1e-12)
    decimals = scale.shown_price_decimals
    return orjson.dumps(
        {
            "closeTime": day.close_time,
            "count": day.trades,
            "firstId": day.open_time,
            "highPrice": scale.price_text(day.high),
            "lastId": day.open_time + max(0, day.trades - 1),
            "lastPrice": scale.price_text(day.last),
            "lastQty": scale.volume_text(max(1, day.volume // max(1, day.trades))),
            "lowPrice": scale.price_text(day.low),
            "openPrice": scale.price_text(day.open),
            "openTime": day.open_time,
            "priceChange": scale.price_text(change),
            "priceChangePercent": f"{100 * change / day.open:.3f}",
            "quoteVolume": scale.quote_text(day.quote_volume),
            "symbol": day.symbol,
            "volume": scale.volume_text(day.volume),
            "weightedAvgPrice": f"{average:.{decimals}f}",
        }
    )


def book_row(book: Book) -> bytes:
    """Row of ``ticker/bookTicker`` with `NOW` for the time of live quotes."""
    scale = book.scale
    time = _NOW_TEXT if book.time is None else str(book.time)
    return (
        f'{{"symbol":"{book.symbol}","bidPrice":"{scale.price_text(book.bid)}",'
        f'"bidQty":"{scale.volume_text(book.bid_quantity)}",'
        f'"askPrice":"{scale.price_text(book.ask)}",'
        f'"askQty":"{scale.volume_text(book.ask_quantity)}",'
        f'"time":{time},"lastUpdateId":{time}}}'
    ).encode()


def price_row(day: DayStatistics) -> bytes:
    """Row of ``ticker/price``."""
    price = day.scale.price_text(day.last)
    row = f'{{"symbol":"{day.symbol}","price":"{price}","time":{day.close_time}}}'
    return row.encode()


def mark_row(mark: Mark) -> bytes:
    """Row of ``premiumIndex`` with `NOW` for its time."""
    return (
        f'{{"symbol":"{mark.symbol}","markPrice":"{mark.mark_price:.8f}",'
        f'"indexPrice":"{mark.index_price:.8f}",'
        f'"estimatedSettlePrice":"{mark.index_price:.8f}",'
        f'"lastFundingRate":"{mark.funding_rate:.8f}",'
        f'"interestRate":"{mark.interest_rate:.8f}",'
        f'"nextFundingTime":{mark.next_funding_at},"time":{_NOW_TEXT}}}'
    ).encode()


def funding_terms(rows: Sequence[FundingTerms]) -> bytes:
    """Body of ``fundingInfo``; as live it has a COIN-M row, too."""
    listed = [(row.symbol, row.cap, row.interval_h, row.updated_at) for row in rows]
    listed.append(("BTCUSD_PERP", 0.003, 8, None))
    return orjson.dumps(
        [
            {
                "symbol": symbol,
                "adjustedFundingRateCap": f"{cap:.8f}",
                "adjustedFundingRateFloor": f"{-cap:.8f}",
                "fundingIntervalHours": interval_h,
                "disclaimer": updated_at is None,
                "updateTime": updated_at,
            }
            for symbol, cap, interval_h, updated_at in listed
        ]
    )


def settlements(rows: Sequence[Settlement]) -> bytes:
    """Body of ``fundingRate``."""
    return orjson.dumps(
        [
            {
                "symbol": row.symbol,
                "fundingTime": row.time,
                "fundingRate": f"{row.rate:.8f}",
                "markPrice": "" if row.mark_price is None else f"{row.mark_price:.8f}",
                "rateType": "Regular",
            }
            for row in rows
        ]
    )


def interest(row: Interest, now_ms: int) -> bytes:
    """Body of ``openInterest``."""
    return orjson.dumps(
        {
            "symbol": row.symbol,
            "openInterest": f"{row.base:.{row.decimals}f}",
            "time": now_ms,
        }
    )


def interest_history(rows: Sequence[Interest]) -> bytes:
    """Body of ``openInterestHist``."""
    return orjson.dumps(
        [
            {
                "symbol": row.symbol,
                "sumOpenInterest": f"{row.base:.8f}",
                "sumOpenInterestValue": f"{row.value:.8f}",
                "CMCCirculatingSupply": "0.00000000",
                "timestamp": row.time,
            }
            for row in rows
        ]
    )


def depth(book: Book, levels: int, now_ms: int) -> bytes:
    """Body of ``depth``: levels of growing quantity, one tick apart."""
    scale = book.scale

    def side(price: int, quantity: int, step: int) -> list[tuple[str, str]]:
        return [
            (
                scale.price_text(price + place * step),
                scale.volume_text(quantity * (1 + (place * 7 + price) % 5)),
            )
            for place in range(levels)
            if price + place * step > 0
        ]

    return orjson.dumps(
        {
            "lastUpdateId": now_ms,
            "E": now_ms,
            "T": now_ms,
            "bids": side(book.bid, book.bid_quantity, -book.tick),
            "asks": side(book.ask, book.ask_quantity, book.tick),
        }
    )


def truths(rows: Sequence[Mapping[str, object]]) -> bytes:
    """Body of ``/sim/truth``: parameters by symbol."""
    by_symbol: dict[Symbol, Mapping[str, object]] = {
        str(row["symbol"]): row for row in rows
    }
    return orjson.dumps(by_symbol)
