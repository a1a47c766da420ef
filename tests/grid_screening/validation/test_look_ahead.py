"""The look-ahead check finds a market that looks ahead, and no other."""

from typing import Any

import pytest

from grid_screening.backtest.point_in_time import HistoricalMarket
from grid_screening.validation import look_ahead
from grid_screening.validation.look_ahead import disturbed_market, look_ahead_check
from monitor.domain.market import HOUR_MS
from monitor.domain.typing import FloatArray
from tests.grid_screening.validation import markets
from tests.histories import day_ms

ORIGINS = tuple(day_ms(days) for days in (51, 60, 77))


class EarlyRanges(HistoricalMarket):
    """Measures ranges on one bar too many."""

    def average_true_ranges(self, as_of_ms: int) -> tuple[FloatArray, FloatArray]:
        return super().average_true_ranges(as_of_ms + HOUR_MS)


class EarlyTurnover(HistoricalMarket):
    """Knows the turnover of the day after."""

    def _offered(self, as_of_ms: int) -> dict[str, Any]:
        return super()._offered(as_of_ms + 24 * HOUR_MS)


def test_the_market_of_the_study_does_not_look_ahead() -> None:
    of = markets.study_market(markets.trending_history(), markets.small_settings())
    check = look_ahead_check(of, ORIGINS, seed=1)
    assert check.origins_ms == ORIGINS
    assert (check.contracts, check.changed) == (3 * markets.CONTRACTS, 0)


@pytest.mark.parametrize("kind", [EarlyRanges, EarlyTurnover])
def test_one_that_looks_ahead_is_found(
    kind: type[HistoricalMarket], monkeypatch: pytest.MonkeyPatch
) -> None:
    of = markets.study_market(markets.trending_history(), markets.small_settings())
    of.market = kind(of.market.base, of.market.funding)
    monkeypatch.setattr(look_ahead, "HistoricalMarket", kind)
    assert look_ahead_check(of, ORIGINS, seed=1).changed > 0


def test_everything_later_is_replaced_and_nothing_before() -> None:
    market = markets.study_market(
        markets.trending_history(), markets.small_settings()
    ).market
    other = disturbed_market(market, ORIGINS[1], 1)
    later = market.base.open_time >= ORIGINS[1]
    for name in ("open", "high", "low", "close", "volume"):
        same = getattr(market.base, name) == getattr(other.base, name)
        assert same[:, ~later].all()
        assert not same[:, later].any()
    events = market.funding["S01USDT"], other.funding["S01USDT"]
    changed = events[0].rate != events[1].rate
    assert (changed == (events[0].time >= ORIGINS[1])).all()
