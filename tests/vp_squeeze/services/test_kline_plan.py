"""Which request is made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.market import KlineInterval
from monitor.market_data.series import Beginning
from tests.kline_builders import H4, START
from vp_squeeze.services.kline_plan import (
    BarWish,
    PlanKind,
    StoredSpan,
    kline_plan,
    window_request,
)

INTERVALS = [i for i in KlineInterval if i is not KlineInterval.MONTH1]


def at(bar: int, interval: KlineInterval = KlineInterval.H4) -> int:
    return START + bar * interval.milliseconds


def span(first: int, last: int, beginning: Beginning = Beginning.UNKNOWN) -> StoredSpan:
    return StoredSpan(first_open=at(first), last_open=at(last), beginning=beginning)


def wish(count: int, at_bar: int, **options: int) -> BarWish:
    return BarWish(
        interval=KlineInterval.H4, count=count, as_of_ms=at(at_bar) + 5, **options
    )


@pytest.mark.parametrize(
    ("stored", "kind", "limit"),
    [
        (None, PlanKind.WINDOW, 301),
        (span(100, 399), PlanKind.STORED, None),
        (span(100, 500), PlanKind.STORED, None),
        (span(101, 399), PlanKind.WINDOW, 301),
        (span(100, 398), PlanKind.NEWER, 5),
        (span(0, 304), PlanKind.NEWER, 99),
        (span(0, 303), PlanKind.NEWER, 99),
        (span(0, 302), PlanKind.NEWER, 99),
        (span(0, 301), PlanKind.NEWER, 102),
        (span(0, 100), PlanKind.WINDOW, 301),
        (span(400, 500), PlanKind.WINDOW, 301),
        (span(200, 399, Beginning.CONFIRMED), PlanKind.STORED, None),
        (span(200, 399, Beginning.REPORTED), PlanKind.BEGINNING, 1),
        (span(200, 398, Beginning.REPORTED), PlanKind.WINDOW, 301),
        (span(200, 398, Beginning.CONFIRMED), PlanKind.NEWER, 5),
        (span(399, 399, Beginning.CONFIRMED), PlanKind.STORED, None),
        (span(398, 398, Beginning.CONFIRMED), PlanKind.NEWER, 3),
    ],
)
def test_300_bars_at_bar_400(
    stored: StoredSpan | None, kind: PlanKind, limit: int | None
) -> None:
    plan = kline_plan(wish(300, 400), stored)
    assert plan.kind is kind
    assert (None if plan.request is None else plan.request.limit) == limit


def test_a_long_young_history_is_confirmed_before_it_is_extended() -> None:
    # 1 + 1 is less than the 10 that 1,500 bars weigh
    plan = kline_plan(wish(1400, 400), span(200, 398, Beginning.REPORTED))
    assert plan.kind is PlanKind.BEGINNING


def test_a_wish_that_ends_with_a_bar_needs_no_open_bar() -> None:
    plan = kline_plan(wish(300, 400, end_time=at(399) - 1), span(0, 397))
    assert plan.request is not None
    assert plan.request.limit == 1 + 3
    assert plan.request.end_time == at(399) - 1


@pytest.mark.parametrize("interval", INTERVALS)
def test_open_bars_are_told_for_every_length(interval: KlineInterval) -> None:
    close = at(5, interval) - 1
    later = at(9, interval)

    def open_bars(end_time: int | None, as_of_ms: int = later) -> int:
        return BarWish(
            interval=interval, count=3, as_of_ms=as_of_ms, end_time=end_time
        ).open_bars

    assert open_bars(close) == (1 if interval is KlineInterval.D3 else 0)
    assert open_bars(close - 1) == 1
    assert open_bars(None) == 1
    assert open_bars(close, close) == 1  # it has not closed yet


@given(
    count=st.integers(1, 1499),
    first=st.integers(0, 3000),
    length=st.integers(1, 3000),
    at_bar=st.integers(0, 6000),
    within=st.integers(0, H4 - 1),
    end_bar=st.none() | st.integers(0, 6000),
    beginning=st.sampled_from(Beginning),
)
def test_no_plan_weighs_more_than_asking_for_everything(
    *,
    count: int,
    first: int,
    length: int,
    at_bar: int,
    within: int,
    end_bar: int | None,
    beginning: Beginning,
) -> None:
    wanted = BarWish(
        interval=KlineInterval.H4,
        count=count,
        as_of_ms=at(at_bar) + within,
        end_time=None if end_bar is None else at(end_bar) - 1,
    )
    stored = span(first, first + length - 1, beginning)
    whole = window_request(wanted)
    plan = kline_plan(wanted, stored)
    if plan.kind is PlanKind.STORED:
        assert plan.request is None
    else:
        assert plan.request is not None
        assert plan.request.weight <= whole.weight
        assert plan.request.limit <= whole.limit
    if plan.kind is PlanKind.BEGINNING:
        confirmed = kline_plan(wanted, span(first, first + length - 1, Beginning(2)))
        rest = 0 if confirmed.request is None else confirmed.request.weight
        assert 1 + rest < whole.weight
    newest = (wanted.horizon_ms - START) // H4 - 1
    held = [n for n in range(first, first + length) if newest - count < n <= newest]
    if plan.kind is PlanKind.STORED:
        assert held
        assert held[-1] == newest
        assert len(held) == count or (held[0] == first and beginning)
    if plan.kind is PlanKind.NEWER:
        assert plan.request is not None
        asked_from = plan.request.limit - wanted.open_bars
        assert newest - held[-1] < asked_from <= newest - held[-1] + 3
