"""Closed bars, with the store and without."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.domain.market import DAY_MS, KlineInterval, Klines
from monitor.exceptions import ExchangeUnavailable, IpBanned, MalformedPayload
from monitor.market_data.conf import KlineStoreConfig
from monitor.market_data.kline_store import KlineStore
from monitor.market_data.series import Beginning
from tests.kline_builders import (
    H4,
    START,
    SYMBOL,
    ModelExchange,
    as_dict,
    bars,
    rows,
    with_value,
)
from vp_squeeze.exceptions import (
    GapKind,
    ImpossibleKlines,
    InsufficientKlines,
    KlineGap,
    StaleKlines,
)
from vp_squeeze.services.binance_kline_service import closed_klines
from vp_squeeze.services.kline_source import KlineRequest

LATER_MS = H4 // 2
"""How far the open bar has come when a scan asks."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KlineStore]:
    with KlineStore(tmp_path, exchange="http://model") as opened:
        yield opened


def ask(
    exchange: ModelExchange,
    store: KlineStore | None = None,
    *,
    at_bar: int,
    count: int,
    **options: Any,
) -> Klines:
    """Ask while bar number ``at_bar`` is open."""
    return closed_klines(
        exchange,
        SYMBOL,
        exchange.held.interval,
        count=count,
        as_of_ms=START + at_bar * exchange.held.interval.milliseconds + LATER_MS,
        store=store,
        **options,
    )


class TestWithoutStore:
    def test_one_bar_more_than_wanted_is_asked_for(self) -> None:
        exchange = ModelExchange(bars(400))
        found = ask(exchange, at_bar=399, count=300)
        as_of_ms = START + 399 * H4 + LATER_MS
        assert exchange.asked == [KlineRequest(limit=301, end_time=as_of_ms)]
        assert found.bar_count == 300
        assert found.close_time[-1] == START + 399 * H4 - 1

    def test_a_bar_that_opens_during_the_scan_costs_no_closed_one(self) -> None:
        exchange = ModelExchange(bars(401))  # one more has opened since
        found = closed_klines(
            exchange,
            SYMBOL,
            KlineInterval.H4,
            count=300,
            as_of_ms=START + 400 * H4 - 1,
        )
        assert found.bar_count == 300
        assert found.open_time[-1] == START + 398 * H4

    def test_with_a_bar_s_close_exactly_the_count_is_asked_for(self) -> None:
        exchange = ModelExchange(bars(400))
        end_time = START + 399 * H4 - 1
        found = ask(exchange, at_bar=399, count=99, minimum=15, end_time=end_time)
        assert exchange.asked == [KlineRequest(limit=99, end_time=end_time)]
        assert found.bar_count == 99

    def test_an_end_time_inside_a_bar_costs_no_closed_one(self) -> None:
        exchange = ModelExchange(bars(400))
        found = ask(exchange, at_bar=399, count=99, end_time=START + 300 * H4 + 7)
        assert exchange.limits() == [100]
        assert found.open_time[-1] == START + 299 * H4
        assert found.bar_count == 99

    def test_a_young_contract_gives_what_it_has(self) -> None:
        exchange = ModelExchange(bars(20))
        assert ask(exchange, at_bar=19, count=99, minimum=15).bar_count == 19

    def test_too_few_bars_of_a_young_contract_are_before_its_listing(self) -> None:
        with pytest.raises(InsufficientKlines) as caught:
            ask(ModelExchange(bars(20)), at_bar=19, count=99)
        assert caught.value.kind is GapKind.BEFORE_LISTING

    def test_months_are_asked_for_as_always(self, store: KlineStore) -> None:
        opens = np.array([0, 31, 59, 90, 120, 151]) * DAY_MS
        held = rows(bars(5, interval=KlineInterval.MONTH1), slice(None))
        held.open_time[:], held.close_time[:] = opens[:-1], opens[1:] - 1
        exchange = ModelExchange(held)
        for _ in range(2):
            found = closed_klines(
                exchange,
                SYMBOL,
                KlineInterval.MONTH1,
                count=3,
                as_of_ms=int(opens[4]) + DAY_MS,
                store=store,
            )
            assert found.open_time.tolist() == opens[1:4].tolist()
        assert exchange.limits() == [4, 4]
        assert store.series(SYMBOL, KlineInterval.MONTH1) is None


class TestRequests:
    def test_the_same_bar_again_costs_nothing(self, store: KlineStore) -> None:
        exchange = ModelExchange(bars(400))
        cold = ask(exchange, store, at_bar=399, count=300)
        warm = ask(exchange, store, at_bar=399, count=300)
        assert exchange.limits() == [301]
        assert as_dict(cold) == as_dict(warm)

    def test_one_new_bar_costs_one_small_request(self, store: KlineStore) -> None:
        exchange = ModelExchange(bars(400))
        ask(exchange, store, at_bar=390, count=300)
        warm = ask(exchange, store, at_bar=391, count=300)
        assert exchange.limits() == [301, 1 + 1 + 3]
        assert exchange.asked[-1].weight == 1
        assert as_dict(warm) == as_dict(ask(exchange, at_bar=391, count=300))

    def test_a_long_absence_is_made_up_for_with_what_is_cheaper(
        self, store: KlineStore
    ) -> None:
        exchange = ModelExchange(bars(1200))
        ask(exchange, store, at_bar=400, count=300)
        ask(exchange, store, at_bar=495, count=300)
        assert exchange.limits()[-1] == 95 + 1 + 3  # weight 1
        ask(exchange, store, at_bar=592, count=300)
        assert exchange.limits()[-1] == 97 + 1 + 1  # weight 1: two bars less to compare
        ask(exchange, store, at_bar=690, count=300)
        assert exchange.limits()[-1] == 98 + 1 + 3  # weight 2, as all of them
        ask(exchange, store, at_bar=988, count=300)
        assert exchange.limits()[-1] == 301

    def test_fewer_bars_than_are_kept_cost_nothing(self, store: KlineStore) -> None:
        exchange = ModelExchange(bars(400))
        ask(exchange, store, at_bar=399, count=300)
        few = ask(exchange, store, at_bar=399, count=20)
        assert exchange.limits() == [301]
        assert few.open_time.tolist() == [START + n * H4 for n in range(379, 399)]

    def test_more_bars_than_are_kept_cost_all(self, store: KlineStore) -> None:
        exchange = ModelExchange(bars(400))
        ask(exchange, store, at_bar=399, count=20)
        ask(exchange, store, at_bar=399, count=300)
        assert exchange.limits() == [21, 301]

    def test_both_atr_windows_of_a_plan_are_kept(self, store: KlineStore) -> None:
        exchange = ModelExchange(bars(400))
        for _ in range(2):
            end_time = START + 399 * H4 - 1
            ask(exchange, store, at_bar=399, count=99, minimum=15, end_time=end_time)
        assert exchange.limits() == [99]

    def test_an_earlier_window_is_served_from_a_later_one(
        self, store: KlineStore
    ) -> None:
        exchange = ModelExchange(bars(400))
        ask(exchange, store, at_bar=399, count=300)
        found = ask(exchange, store, at_bar=399, count=50, end_time=START + 200 * H4)
        assert exchange.limits() == [301]
        assert found.open_time[-1] == START + 199 * H4

    def test_bars_later_than_the_clock_are_not_served(self, store: KlineStore) -> None:
        exchange = ModelExchange(bars(400))
        ask(exchange, store, at_bar=399, count=300)
        ask(exchange, store, at_bar=50, count=40)
        assert exchange.limits() == [301, 41]
        found = ask(exchange, store, at_bar=350, count=200)
        assert found.open_time[-1] == START + 349 * H4

    def test_the_open_bar_is_never_kept(self, store: KlineStore) -> None:
        exchange = ModelExchange(bars(400))
        ask(exchange, store, at_bar=399, count=300)
        kept = store.series(SYMBOL, KlineInterval.H4)
        assert kept is not None
        assert kept.last_open == START + 398 * H4

    def test_a_bar_just_closed_is_used_but_not_kept(self, store: KlineStore) -> None:
        exchange = ModelExchange(bars(400))
        for _ in range(2):
            found = closed_klines(
                exchange,
                SYMBOL,
                KlineInterval.H4,
                count=300,
                as_of_ms=START + 399 * H4 + 1_000,
                store=store,
            )
            assert found.open_time[-1] == START + 398 * H4
        assert exchange.limits() == [301, 1 + 1 + 3]


class TestYoungContracts:
    def test_they_are_asked_for_in_full_only_once(self, store: KlineStore) -> None:
        exchange = ModelExchange(bars(200))
        for _ in range(3):
            with pytest.raises(InsufficientKlines) as caught:
                ask(exchange, store, at_bar=199, count=300)
            assert caught.value.args == (SYMBOL, 199, 300, GapKind.BEFORE_LISTING)
        # once in full, once whether there is anything older, then nothing
        assert exchange.limits() == [301, 1]
        assert exchange.asked[1] == KlineRequest(limit=1, end_time=START - 1)

    def test_they_grow(self, store: KlineStore) -> None:
        exchange = ModelExchange(bars(400))
        exchange.without(range(300))
        for at_bar in (380, 380, 381, 382):
            found = ask(exchange, store, at_bar=at_bar, count=300, minimum=10)
            assert found.bar_count == at_bar - 300
        assert exchange.limits() == [301, 1, 5, 5]

    def test_a_small_window_is_rather_asked_for_again(self, store: KlineStore) -> None:
        exchange = ModelExchange(bars(50))
        for _ in range(3):
            ask(exchange, store, at_bar=49, count=90, minimum=10)
        assert exchange.limits() == [91, 91]
        kept = store.series(SYMBOL, KlineInterval.H4)
        assert kept is not None
        assert kept.beginning is Beginning.CONFIRMED

    def test_an_answer_cut_short_by_accident_is_found_out(
        self, store: KlineStore
    ) -> None:
        exchange = ModelExchange(bars(400))
        exchange.accidents = [lambda sent: rows(sent, slice(200, None))]
        with pytest.raises(InsufficientKlines):
            ask(exchange, store, at_bar=399, count=300)
        found = ask(exchange, store, at_bar=399, count=300)
        assert found.bar_count == 300
        assert exchange.limits() == [301, 1, 301]


class TestCorrections:
    def test_a_corrected_bar_in_the_overlap_replaces_everything(
        self, store: KlineStore
    ) -> None:
        exchange = ModelExchange(bars(400))
        ask(exchange, store, at_bar=390, count=300)
        exchange.held = with_value(exchange.held, "volume", 388, 101.0)
        exchange.held = with_value(exchange.held, "volume", 200, 102.0)
        found = ask(exchange, store, at_bar=391, count=300)
        assert exchange.limits() == [301, 5, 301]
        assert store.statistics().corrected == 1
        again = ask(exchange, store, at_bar=391, count=300)
        assert as_dict(again) == as_dict(found)
        assert as_dict(again) == as_dict(ask(exchange, at_bar=391, count=300))

    @pytest.mark.parametrize(
        "column", ["open", "high", "low", "close", "quote_volume", "trade_count"]
    )
    def test_any_column_counts(self, store: KlineStore, column: str) -> None:
        exchange = ModelExchange(bars(400))
        ask(exchange, store, at_bar=390, count=300)
        value = getattr(exchange.held, column)[389]
        step = {"high": 0.25, "low": -0.25}.get(column, 0.125)
        changed = value + (1 if column == "trade_count" else step)
        exchange.held = with_value(exchange.held, column, 389, changed)
        found = ask(exchange, store, at_bar=391, count=300)
        assert getattr(found, column)[-2] == changed

    def test_a_bar_that_the_exchange_no_longer_has_is_a_correction(
        self, store: KlineStore
    ) -> None:
        exchange = ModelExchange(bars(400))
        ask(exchange, store, at_bar=390, count=300)
        exchange.without([388])
        with pytest.raises(KlineGap):
            ask(exchange, store, at_bar=391, count=300)
        assert store.statistics().corrected == 1


class TestGaps:
    @pytest.mark.parametrize("with_store", [True, False])
    def test_bars_missing_by_accident_are_repaired(
        self, store: KlineStore, *, with_store: bool
    ) -> None:
        exchange = ModelExchange(bars(400))
        exchange.accidents = [lambda sent: rows(sent, np.r_[0:100, 103:301])]
        kept = store if with_store else None
        found = ask(exchange, kept, at_bar=399, count=300)
        assert as_dict(found) == as_dict(ask(exchange, at_bar=399, count=300))
        first = 99 + 100
        assert exchange.asked[1] == KlineRequest(
            limit=3,
            start_time=START + first * H4,
            end_time=START + (first + 3) * H4 - 1,
        )
        assert store.statistics().repaired == (3 if with_store else 0)

    @pytest.mark.parametrize("with_store", [True, False])
    def test_bars_missing_twice_are_a_halt(
        self, store: KlineStore, *, with_store: bool
    ) -> None:
        exchange = ModelExchange(bars(400))
        exchange.without([200, 201])
        for _ in range(2):
            with pytest.raises(KlineGap) as caught:
                ask(exchange, store if with_store else None, at_bar=399, count=300)
            assert caught.value.args == (
                SYMBOL,
                2,
                START + 199 * H4,
                GapKind.HALTED,
            )
        assert exchange.limits() == [301, 2, 301, 2]
        assert store.series(SYMBOL, KlineInterval.H4) is None

    def test_a_halt_after_the_kept_bars(self, store: KlineStore) -> None:
        exchange = ModelExchange(bars(400))
        ask(exchange, store, at_bar=380, count=300)
        exchange.without([385, 386])
        with pytest.raises(KlineGap, match="nothing traded there"):
            ask(exchange, store, at_bar=390, count=300)
        assert exchange.limits() == [301, 10 + 1 + 3, 2]

    def test_two_gaps_are_asked_for_at_once(self) -> None:
        exchange = ModelExchange(bars(400))
        exchange.accidents = [lambda sent: rows(sent, np.r_[0:100, 103:110, 111:301])]
        assert ask(exchange, at_bar=399, count=300).bar_count == 300
        assert exchange.limits() == [301, 11]

    def test_a_gap_filled_in_part_is_unexplained(self) -> None:
        exchange = ModelExchange(bars(400))
        exchange.without([200])
        exchange.accidents = [lambda sent: rows(sent, np.r_[0:99, 104:300])]
        with pytest.raises(KlineGap) as caught:
            ask(exchange, at_bar=399, count=299)
        assert caught.value.kind is GapKind.UNKNOWN

    @pytest.mark.parametrize(
        "failure",
        [
            ExchangeUnavailable("/fapi/v1/klines", "gone", status=503),
            MalformedPayload("/fapi/v1/klines", "bar 0", symbol=SYMBOL),
        ],
    )
    def test_without_an_answer_a_gap_is_unexplained(self, failure: Exception) -> None:
        exchange = ModelExchange(bars(400))
        exchange.accidents = [lambda sent: rows(sent, np.r_[0:100, 103:301]), failure]
        with pytest.raises(KlineGap) as caught:
            ask(exchange, at_bar=399, count=300)
        assert caught.value.kind is GapKind.UNKNOWN
        assert caught.value.__cause__ is failure

    def test_impossible_bars_do_not_fill_a_gap(self) -> None:
        exchange = ModelExchange(bars(400))
        exchange.accidents = [
            lambda sent: rows(sent, np.r_[0:100, 103:301]),
            lambda sent: with_value(sent, "close", 1, -1.0),
        ]
        with pytest.raises(KlineGap) as caught:
            ask(exchange, at_bar=399, count=300)
        assert caught.value.kind is GapKind.UNKNOWN

    def test_what_ends_a_scan_ends_it_here_too(self) -> None:
        exchange = ModelExchange(bars(400))
        exchange.accidents = [
            lambda sent: rows(sent, np.r_[0:100, 103:301]),
            IpBanned(5),
        ]
        with pytest.raises(IpBanned):
            ask(exchange, at_bar=399, count=300)


class TestGarbage:
    @pytest.mark.parametrize("at_bar", [390, 395])
    def test_impossible_bars_are_never_kept(
        self, store: KlineStore, at_bar: int
    ) -> None:
        exchange = ModelExchange(bars(400))
        ask(exchange, store, at_bar=390, count=300)
        before = store.series(SYMBOL, KlineInterval.H4)
        exchange.accidents = [lambda sent: with_value(sent, "close", -2, -1.0)] * 2
        count = 300 if at_bar > 390 else 350
        with pytest.raises(ImpossibleKlines):
            ask(exchange, store, at_bar=at_bar, count=count)
        after = store.series(SYMBOL, KlineInterval.H4)
        assert before is not None
        assert after is not None
        assert as_dict(before.klines) == as_dict(after.klines)

    def test_stale_bars_are_never_kept(self, store: KlineStore) -> None:
        exchange = ModelExchange(bars(395))
        with pytest.raises(StaleKlines) as caught:
            ask(exchange, store, at_bar=399, count=300)
        without = caught.value.args
        assert store.series(SYMBOL, KlineInterval.H4) is None
        exchange = ModelExchange(bars(400))
        ask(exchange, store, at_bar=395, count=300)
        exchange.held = bars(395)
        with pytest.raises(StaleKlines) as caught:
            ask(exchange, store, at_bar=399, count=300)
        assert caught.value.args == without

    def test_a_failed_request_keeps_what_is_there(self, store: KlineStore) -> None:
        exchange = ModelExchange(bars(400))
        ask(exchange, store, at_bar=390, count=300)
        exchange.accidents = [ExchangeUnavailable("/fapi/v1/klines", "gone")]
        with pytest.raises(ExchangeUnavailable):
            ask(exchange, store, at_bar=391, count=300)
        ask(exchange, store, at_bar=391, count=300)
        assert exchange.limits() == [301, 5, 5]

    def test_order_and_duplicates_are_put_right(self, store: KlineStore) -> None:
        exchange = ModelExchange(bars(400))
        exchange.accidents = [lambda sent: rows(sent, np.r_[300, 5:300, 0:8])]
        cold = ask(exchange, store, at_bar=399, count=300)
        exchange.accidents = [lambda sent: rows(sent, [4, 2, 2, 0, 1, 3])]
        warm = ask(exchange, store, at_bar=400, count=300, minimum=300)
        assert cold.bar_count == warm.bar_count == 300
        assert exchange.limits() == [301, 5]


def test_counts_tell_where_bars_came_from(store: KlineStore) -> None:
    exchange = ModelExchange(bars(400))
    for at_bar in (390, 390, 392):
        ask(exchange, store, at_bar=at_bar, count=300)
    found = store.statistics()
    assert (found.misses, found.hits, found.partial_hits) == (1, 1, 1)
    assert found.bars_fetched == 301 + 6
    assert found.bars_served == 300 + 298


def test_a_trimmed_series_does_not_claim_to_be_the_beginning(tmp_path: Path) -> None:
    config = KlineStoreConfig(max_bars=100)
    exchange = ModelExchange(bars(200))
    with KlineStore(tmp_path, exchange="x", config=config) as store:
        for _ in range(2):
            found = ask(exchange, store, at_bar=199, count=300, minimum=10)
            assert found.bar_count == 199
        assert exchange.limits() == [301, 301]


@pytest.mark.parametrize(
    "interval", [i for i in KlineInterval if i is not KlineInterval.MONTH1]
)
def test_bars_of_every_length_are_kept(
    store: KlineStore, interval: KlineInterval
) -> None:
    exchange = ModelExchange(bars(400, interval=interval))
    late_ms = interval.milliseconds // 2
    for at_bar in (300, 300, 305):
        as_of_ms = START + at_bar * interval.milliseconds + late_ms
        found = closed_klines(
            exchange, SYMBOL, interval, count=200, as_of_ms=as_of_ms, store=store
        )
        last = START + (at_bar - 1) * interval.milliseconds
        assert (found.bar_count, found.open_time[-1]) == (200, last)
        assert found.close.flags.c_contiguous
        assert found.close.flags.writeable
    assert exchange.limits() == [201, 5 + 1 + 3]
