"""Which bars are usable."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.market import DAY_MS, KlineInterval, Klines
from tests.kline_builders import H4, START, SYMBOL, bars, rows, with_value
from vp_squeeze.exceptions import (
    GapKind,
    ImpossibleKlines,
    InsufficientKlines,
    KlineError,
    KlineGap,
    StaleKlines,
)
from vp_squeeze.services.kline_checks import checked_klines


def checked(klines: Klines, count: int, **options: Any) -> Klines:
    options.setdefault("as_of_ms", int(klines.open_time.max()) + H4 // 2)
    return checked_klines(klines, count=count, **options)


def closes(klines: Klines) -> list[float]:
    found: list[float] = klines.close.tolist()
    return found


class TestCheckedKlines:
    def test_the_open_bar_is_dropped_by_server_time(self) -> None:
        assert closes(checked(bars(6), 5)) == [10, 11, 12, 13, 14]

    def test_a_bar_is_closed_once_its_last_millisecond_is_over(self) -> None:
        sent = bars(3)
        last_ms = int(sent.close_time[-1])
        assert checked(sent, 3, as_of_ms=last_ms + 1).bar_count == 3
        assert checked(sent, 2, as_of_ms=last_ms).bar_count == 2

    def test_the_last_bars_are_kept(self) -> None:
        assert closes(checked(bars(9), 3)) == [15, 16, 17]

    def test_order_is_restored(self) -> None:
        shuffled = rows(bars(6), [3, 0, 5, 1, 4, 2])
        assert closes(checked(shuffled, 5)) == [10, 11, 12, 13, 14]

    def test_equal_duplicates_are_merged(self) -> None:
        repeated = rows(bars(6), [0, 1, 1, 2, 3, 3, 3, 4, 5])
        assert closes(checked(repeated, 5)) == [10, 11, 12, 13, 14]

    def test_two_versions_of_a_closed_bar_are_impossible(self) -> None:
        repeated = with_value(rows(bars(6), [0, 1, 1, 2, 3, 4, 5]), "close", 2, 10.9)
        with pytest.raises(ImpossibleKlines) as caught:
            checked(repeated, 5)
        assert str(caught.value) == (
            f"{SYMBOL}: two different bars opened at {START + H4} ms"
        )

    def test_versions_of_the_open_bar_do_not_matter(self) -> None:
        repeated = with_value(rows(bars(6), [0, 1, 2, 3, 4, 5, 5]), "close", 6, 14.9)
        assert checked(repeated, 5).bar_count == 5

    def test_a_gap_is_named(self) -> None:
        with pytest.raises(KlineGap) as caught:
            checked(rows(bars(9), [0, 1, 2, 5, 6, 7, 8]), 7)
        assert caught.value.missing == 2
        assert caught.value.kind is GapKind.UNKNOWN
        assert str(caught.value) == (
            f"{SYMBOL}: 2 bars are missing after the bar of {START + 2 * H4} ms: "
            "why is not known"
        )

    def test_a_gap_before_the_window_does_not_matter(self) -> None:
        assert checked(rows(bars(9), [0, 2, 3, 4, 5, 6, 7, 8]), 4).bar_count == 4

    @pytest.mark.parametrize(
        "interval", [i for i in KlineInterval if i is not KlineInterval.MONTH1]
    )
    def test_bars_stand_on_the_grid_of_their_interval(
        self, interval: KlineInterval
    ) -> None:
        monday = 2900 * 7 * DAY_MS + 4 * DAY_MS
        step = interval.milliseconds
        start = monday if interval is KlineInterval.W1 else 5000 * step
        as_of_ms = start + 4 * step

        def check(shift_ms: int) -> Klines:
            sent = bars(4, start=start + shift_ms, interval=interval)
            return checked_klines(sent, count=4, as_of_ms=as_of_ms + shift_ms)

        assert check(0).bar_count == 4
        if interval is KlineInterval.D3:  # any alignment
            assert check(DAY_MS).bar_count == 4
            return
        with pytest.raises(ImpossibleKlines) as caught:
            check(step // 2)
        assert caught.value.detail.startswith(
            f"bars must open at multiples of {interval.value}"
        )
        assert caught.value.detail.endswith(f"opened at {start + step // 2} ms")

    def test_weeks_open_on_mondays(self) -> None:
        thursday = 2900 * 7 * DAY_MS
        sent = bars(4, start=thursday, interval=KlineInterval.W1)
        with pytest.raises(ImpossibleKlines, match="multiples of 1w from a Monday"):
            checked_klines(sent, count=4, as_of_ms=thursday + 28 * DAY_MS)

    def test_overlapping_bars_are_impossible(self) -> None:
        first, second = bars(2), bars(2, start=START + H4 + H4 // 2)
        mixed = Klines(
            symbol=SYMBOL,
            interval=KlineInterval.H4,
            **{
                f.name: np.concatenate(
                    (getattr(first, f.name), getattr(second, f.name))
                )
                for f in fields(first)
                if f.name not in {"symbol", "interval"}
            },
        )
        with pytest.raises(ImpossibleKlines, match="bars overlap after"):
            checked(mixed, 4, as_of_ms=START + 10 * H4)

    def test_a_missing_newest_bar_is_stale(self) -> None:
        sent = bars(5)
        with pytest.raises(StaleKlines) as caught:
            checked(sent, 5, as_of_ms=START + 7 * H4 + 1)
        assert str(caught.value) == (
            f"{SYMBOL}: last closed bar opened at {START + 4 * H4} ms, "
            f"expected {START + 6 * H4} ms"
        )

    def test_weekly_bars_need_no_common_origin(self) -> None:
        week = KlineInterval.W1
        monday = 4 * DAY_MS
        sent = bars(5, start=monday + 2000 * week.milliseconds, interval=week)
        as_of_ms = int(sent.open_time[-1]) + DAY_MS
        assert checked(sent, 4, as_of_ms=as_of_ms).bar_count == 4

    def test_months_of_different_lengths_are_no_gap(self) -> None:
        opens = np.array([0, 31, 59, 90, 120]) * DAY_MS
        sent = replace(
            bars(4),
            interval=KlineInterval.MONTH1,
            open_time=opens[:-1],
            close_time=opens[1:] - 1,
        )
        found = checked(sent, 4, as_of_ms=int(opens[-1]) + DAY_MS)
        assert found.bar_count == 4
        with pytest.raises(StaleKlines):
            checked(sent, 4, as_of_ms=int(opens[-1]) + 40 * DAY_MS)

    def test_too_few_bars(self) -> None:
        with pytest.raises(InsufficientKlines) as caught:
            checked(bars(5), 10)
        assert str(caught.value) == f"{SYMBOL}: 4 closed bars, 10 needed"

    def test_no_bars_are_too_few(self) -> None:
        with pytest.raises(InsufficientKlines, match="0 closed bars, 1 needed"):
            checked_klines(bars(0), count=1, as_of_ms=START)

    def test_a_minimum_suffices(self) -> None:
        assert checked(bars(5), 10, minimum=4).bar_count == 4
        with pytest.raises(InsufficientKlines, match="4 closed bars, 5 needed"):
            checked(bars(5), 10, minimum=5)

    def test_bars_after_the_end_time_are_dropped(self) -> None:
        end_time = START + 4 * H4 - 1
        found = checked(bars(9), 3, end_time=end_time)
        assert closes(found) == [11, 12, 13]

    def test_staleness_is_judged_at_the_end_time(self) -> None:
        end_time = START + 6 * H4 - 1
        with pytest.raises(StaleKlines):
            checked(bars(4), 3, end_time=end_time, as_of_ms=START + 20 * H4)

    def test_bars_without_trades_are_possible(self) -> None:
        sent = bars(4)
        for column in ("volume", "quote_volume"):
            sent = with_value(sent, column, 1, 0.0)
        for column in ("taker_buy_volume", "taker_buy_quote_volume"):
            sent = with_value(sent, column, 1, 0.0)
        assert checked(sent, 3).bar_count == 3

    @pytest.mark.parametrize(
        ("column", "value", "detail"),
        [
            ("close", 0.0, "close must be finite and > 0"),
            ("open", np.nan, "open must be finite and > 0"),
            ("high", np.inf, "high must be finite and > 0"),
            ("low", -1.0, "low must be finite and > 0"),
            ("high", 11.0 - 0.75, "high and low must enclose open and close"),
            ("low", 11.0 + 0.5, "high and low must enclose open and close"),
            ("volume", -1.0, "volume must be finite and ≥ 0"),
            ("quote_volume", np.nan, "quote_volume must be finite and ≥ 0"),
            ("taker_buy_volume", 100.5, "taker_buy_volume must be in [0, volume]"),
            ("close_time", START + 2 * H4, "every bar must last 4h"),
        ],
    )
    def test_impossible_values(self, column: str, value: float, detail: str) -> None:
        with pytest.raises(ImpossibleKlines) as caught:
            checked(with_value(bars(5), column, 1, value), 4)
        assert str(caught.value) == f"{SYMBOL}: {detail}"

    def test_impossible_values_before_the_window_do_not_matter(self) -> None:
        assert checked(with_value(bars(5), "close", 0, 0.0), 3).bar_count == 3

    @pytest.mark.parametrize(
        ("count", "minimum", "message"),
        [
            (0, None, "count must be at least 1, was 0"),
            (5, 0, "minimum must be in 1…5, was 0"),
            (5, 6, "minimum must be in 1…5, was 6"),
        ],
    )
    def test_impossible_counts_are_bugs(
        self, count: int, minimum: int | None, message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            checked_klines(bars(5), count=count, minimum=minimum, as_of_ms=START)

    @given(
        order=st.lists(st.integers(0, 11), min_size=1, max_size=30),
        count=st.integers(1, 12),
        as_of_bars=st.integers(0, 14),
    )
    def test_whatever_arrives_the_window_is_whole_or_an_error(
        self, order: Sequence[int], count: int, as_of_bars: int
    ) -> None:
        as_of_ms = START + as_of_bars * H4 + 1
        try:
            found = checked_klines(
                rows(bars(12), list(order)), count=count, as_of_ms=as_of_ms
            )
        except KlineError:
            return
        last = START + (as_of_bars - 1) * H4
        expected = [last - back * H4 for back in reversed(range(count))]
        assert found.open_time.tolist() == expected
        assert found.close.flags.c_contiguous
