"""What the archive lacks comes from the exchange, and only that."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from monitor.domain.instruments import ExchangeInfo
from monitor.domain.market import FundingEvent, KlineInterval, Klines
from monitor.exceptions import ExchangeUnavailable
from monitor.market_data.history_manifest import series_summary
from monitor.market_data.history_rest import (
    REST_SOURCE,
    RestCompletion,
    all_missing,
    missing_spans,
)
from monitor.market_data.history_rows import (
    HistoryKind,
    Series,
    history_rows,
    month_bounds,
)
from monitor.market_data.history_store import HistoryStore, Partition
from tests.kline_builders import bars, rows
from tests.monitor.market_data.archive_server import bars_of, funding_of, metrics_of
from tests.monitor.market_data.history_files import HOUR, START

AAA = bars_of("AAAUSDT")
MONTH = "2025-01"
NEVER = START + 10_000 * HOUR


@dataclass(slots=True)
class _Instrument:
    symbol: str
    is_trading: bool


@dataclass(slots=True)
class Exchange:
    """Has every hour but some, by the rules of the real one."""

    gaps: Sequence[int] = ()
    """Hours without a bar."""
    now: int = NEVER
    trading: bool = True
    settlements: int = 0
    answers: int = 1_000
    """Then it is gone."""
    asked: list[tuple[str, int, int, int]] = field(default_factory=list)

    def now_ms(self) -> int:
        return self.now

    def exchange_info(self) -> ExchangeInfo:
        listed = (_Instrument("AAAUSDT", self.trading),)
        return ExchangeInfo(
            instruments=cast("Any", listed), malformed=(), rate_limits=()
        )

    def klines(
        self,
        symbol: str,
        interval: KlineInterval,
        *,
        limit: int,
        start_time: int | None = None,
        end_time: int | None = None,
    ) -> Klines:
        assert start_time is not None
        assert end_time is not None
        assert 1 <= limit <= 1500
        if len(self.asked) >= self.answers:
            raise ExchangeUnavailable("/fapi/v1/klines", "gone")
        self.asked.append((symbol, limit, start_time, end_time))
        first = -(-(start_time - START) // HOUR)
        last = (min(end_time, self.now) - START) // HOUR
        hours = [h for h in range(first, last + 1) if h not in self.gaps][:limit]
        held = bars(
            max(hours, default=0) + 1, start=START, interval=interval, symbol=symbol
        )
        return rows(held, np.array(hours, dtype=np.int64))

    def funding_history(
        self,
        symbol: str | None = None,
        *,
        limit: int,
        start_time: int | None = None,
        end_time: int | None = None,
    ) -> tuple[FundingEvent, ...]:
        assert symbol is not None
        assert start_time is not None
        assert end_time is not None
        self.asked.append((symbol, limit, start_time, end_time))
        times = (START + HOUR * hour + 2 for hour in range(self.settlements))
        return tuple(
            FundingEvent(
                symbol=symbol, funding_time=at, funding_rate=at / 1e16, mark_price=None
            )
            for at in times
            if start_time <= at <= end_time
        )[:limit]


@pytest.fixture
def store(tmp_path: Path) -> HistoryStore:
    return HistoryStore(tmp_path)


def keep(store: HistoryStore, *hours: int, series: Series = AAA) -> None:
    time = START + HOUR * np.array(hours, dtype=np.int64)
    price = np.full(time.size, 5.0)
    columns = {"open": price, "high": price, "low": price, "close": price}
    store.write(
        series,
        MONTH,
        Partition(rows=history_rows(series.kind, time, columns), sources={MONTH: "a"}),
    )


def hour(number: int) -> int:
    return START + number * HOUR


def complete(store: HistoryStore, exchange: Exchange, end: int) -> int:
    missing = all_missing(store, (AAA,), START, end)
    return RestCompletion(store, exchange).run(missing)


def closes(store: HistoryStore) -> dict[int, float]:
    found = {}
    for month in store.months(AAA):
        kept = store.read(AAA, month)
        assert kept is not None
        for at, close in zip(kept.rows.time, kept.rows.columns["close"], strict=True):
            found[(int(at) - START) // HOUR] = float(close)
    return found


def test_what_is_missing_are_gaps_and_all_after_the_last_bar(
    store: HistoryStore,
) -> None:
    keep(store, 2, 3, 6, 7)
    spans = missing_spans(store, AAA, START, hour(10))
    assert spans == ((hour(4), hour(5)), (hour(8), hour(9)))
    assert missing_spans(store, AAA, hour(5), hour(10))[0] == (hour(5), hour(5))
    assert missing_spans(store, AAA, START, hour(4)) == ()
    assert missing_spans(store, AAA, START, hour(8)) == ((hour(4), hour(5)),)


def test_of_what_is_not_there_at_all_everything_is_missing(store: HistoryStore) -> None:
    assert missing_spans(store, AAA, START, hour(3)) == ((START, hour(2)),)
    assert missing_spans(store, metrics_of("AAAUSDT"), START, hour(3)) == ()


def test_bars_come_and_the_archives_own_stay(store: HistoryStore) -> None:
    keep(store, 0, 1, 4)
    exchange = Exchange()
    assert complete(store, exchange, hour(7)) == 4
    assert closes(store) == {0: 5.0, 1: 5.0, 2: 12.0, 3: 13.0, 4: 5.0, 5: 15.0, 6: 16.0}
    assert [(limit, first) for _, limit, first, _ in exchange.asked] == [
        (2, hour(2)),
        (2, hour(5)),
    ]
    kept = store.read(AAA, MONTH)
    assert kept is not None
    assert kept.sources == {MONTH: "a", REST_SOURCE: ""}
    assert kept.rows.columns["taker_buy_volume"][2] == 40.0


def test_pages_follow_each_other_over_months(store: HistoryStore) -> None:
    exchange = Exchange()
    assert complete(store, exchange, hour(3200)) == 3200
    assert len(exchange.asked) == 3
    assert list(closes(store)) == list(range(3200))
    assert len(store.months(AAA)) == 5


def test_pages_that_came_before_the_exchange_was_lost_stay(
    store: HistoryStore,
) -> None:
    with pytest.raises(ExchangeUnavailable):
        complete(store, Exchange(answers=2), hour(3200))
    assert list(closes(store)) == list(range(3000))
    exchange = Exchange()
    assert complete(store, exchange, hour(3200)) == 200
    assert [first for _, _, first, _ in exchange.asked] == [hour(3000)]


def test_the_open_bar_is_left_out(store: HistoryStore) -> None:
    keep(store, 0)
    assert complete(store, Exchange(now=hour(3) + 5), hour(9)) == 2
    assert list(closes(store)) == [0, 1, 2]


def test_a_gap_of_the_exchange_is_noted_and_not_asked_again(
    store: HistoryStore,
) -> None:
    keep(store, 0, 4)
    exchange = Exchange(gaps=(1, 2, 3))
    assert complete(store, exchange, hour(5)) == 0
    assert len(exchange.asked) == 1
    assert complete(store, exchange, hour(5)) == 0
    assert len(exchange.asked) == 1
    summary = series_summary(store, AAA)
    assert summary is not None
    assert summary.confirmed == summary.gaps == ((hour(1), hour(3)),)


def test_a_gap_that_is_filled_in_part_is_asked_once_more(store: HistoryStore) -> None:
    keep(store, 0, 5)
    exchange = Exchange(gaps=(2, 3))
    assert complete(store, exchange, hour(6)) == 2
    assert complete(store, exchange, hour(6)) == 0
    assert complete(store, exchange, hour(6)) == 0
    assert [first for _, _, first, _ in exchange.asked] == [
        hour(1),  # what came before the hole and after it, in one answer
        hour(2),
    ]


def test_contracts_that_no_longer_trade_are_not_asked_for(store: HistoryStore) -> None:
    keep(store, 0, 1)
    exchange = Exchange(trading=False)
    assert complete(store, exchange, hour(9)) == 0
    assert exchange.asked == []


def test_settlements_after_the_last_whole_month(store: HistoryStore) -> None:
    series = funding_of("AAAUSDT")
    end_of_month = month_bounds(MONTH)[1]
    time = np.array([START + 2, end_of_month - 8 * HOUR])
    store.write(
        series,
        MONTH,
        Partition(
            rows=history_rows(
                HistoryKind.FUNDING, time, {"funding_rate": np.array([0.1, 0.2])}
            ),
            sources={MONTH: "a"},
        ),
    )
    assert all_missing(store, (series,), START, end_of_month) == ()
    missing = all_missing(store, (series,), START, end_of_month + 9 * HOUR)
    assert missing[0].spans == ((end_of_month, end_of_month + 9 * HOUR - 1),)
    exchange = Exchange(settlements=31 * 24 + 5)
    assert RestCompletion(store, exchange).run(missing) == 5
    again = all_missing(store, (series,), START, end_of_month + 9 * HOUR)
    assert RestCompletion(store, exchange).run(again) == 0


def test_settlements_come_in_pages(store: HistoryStore) -> None:
    series = funding_of("AAAUSDT")
    exchange = Exchange(settlements=2300)
    missing = all_missing(store, (series,), START, hour(2300))
    assert RestCompletion(store, exchange).run(missing) == 2300
    assert len(exchange.asked) == 3
