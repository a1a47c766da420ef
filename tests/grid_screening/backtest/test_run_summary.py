"""Means over several runs and what their intervals rest on."""

from datetime import UTC, datetime

import numpy as np
import pytest

from grid_screening.backtest.backtest_run import (
    FundingRecord,
    GridRun,
    funding_record,
)
from grid_screening.backtest.design import GridDesign
from grid_screening.backtest.grids import EndReason
from grid_screening.backtest.run_summary import run_summary
from grid_screening.reports.backtest import words
from monitor.domain.history import FundingHistory
from monitor.domain.market import DAY_MS, HOUR_MS

MONDAY_MS = 1_735_516_800_000
"""2024-12-30 00:00 UTC."""


def a_run(
    pnl: float = 10.0,
    *,
    begin_ms: int = MONDAY_MS,
    days: float = 7,
    symbol: str = "AUSDT",
    static: float = 4.0,
    ended: EndReason = EndReason.HORIZON,
) -> GridRun:
    design = GridDesign(
        price=10.0, lower_bound=8.0, upper_bound=12.0, grid_step=1.0,
        spacing="arithmetic", level_count=5, quantity=5.0, stop_price=12.1,
        margin=100.0, leverage=2, liquidation_price=15.0,
    )  # fmt: skip
    return GridRun(
        symbol=symbol,
        begin_ms=begin_ms,
        end_ms=begin_ms + round(days * DAY_MS),
        design=design,
        pnl=pnl,
        pnl_low_first=pnl + 1,
        pnl_high_first=pnl - 1,
        harvest=pnl,
        displacement=0.0,
        initial_short=0.0,
        stop_loss=-0.0,
        liquidation_loss=-0.0,
        fees=0.0,
        funding=0.0,
        funding_record=FundingRecord.NONE,
        static_short=static,
        fill_count=4,
        round_trips=2,
        bars_run=10,
        bars_inside=9,
        worst_equity=-3.0,
        max_drawdown=5.0,
        end_reason=ended,
        ended_ms=begin_ms + DAY_MS,
        end_price=10.0,
        end_lots=2,
    )


class TestSummary:
    def test_means_weigh_runs_equally_as_shares_of_the_margin(self) -> None:
        found = run_summary([
            a_run(10.0, static=4.0),
            a_run(-20.0, static=0.0, ended=EndReason.STOPPED),
            a_run(1.0, static=-7.0, ended=EndReason.LIQUIDATED),
        ])  # fmt: skip
        assert found.pnl.mean == pytest.approx(-0.03)
        assert found.static_short.mean == pytest.approx(-0.01)
        assert found.grid_less_static.mean == pytest.approx(-0.02)
        assert found.won.mean == pytest.approx(2 / 3)
        assert found.stopped.mean == pytest.approx(2 / 3)

    def test_a_week_from_monday_is_one_block(self) -> None:
        assert f"{datetime.fromtimestamp(MONDAY_MS / 1000, UTC):%a}" == "Mon"
        days = (0, 3, 6.99, 7, 13.9, 14)
        runs = [a_run(begin_ms=MONDAY_MS + round(d * DAY_MS), days=1) for d in days]
        assert run_summary(runs).block_count == 3

    def test_runs_that_overlap_share_a_block(self) -> None:
        begins = [MONDAY_MS + 7 * DAY_MS * n for n in range(6)]
        short = run_summary([a_run(begin_ms=begin) for begin in begins])
        long = run_summary([a_run(begin_ms=begin, days=15) for begin in begins])
        assert (short.block_weeks, short.block_count) == (1, 6)
        assert (long.block_weeks, long.block_count) == (3, 2)

    def test_one_block_has_no_interval_and_says_so(self) -> None:
        found = run_summary([a_run(1.0), a_run(2.0, symbol="BUSDT")])
        assert (found.pnl.low, found.pnl.high) == (None, None)
        assert words.summary_caution(found) == (
            "No 95 % interval: what begins together moves together, and 1 block of one "
            "week is too few; 8 are needed."
        )

    def test_the_interval_is_as_wide_as_the_weeks_differ(self) -> None:
        # contracts of one week repeat each other: 4 copies add no evidence
        rng = np.random.default_rng(3)
        weeks = [
            (MONDAY_MS + 7 * DAY_MS * n, float(rng.standard_normal() * 10))
            for n in range(40)
        ]
        once = run_summary([a_run(pnl, begin_ms=begin) for begin, pnl in weeks])
        copies = run_summary([
            a_run(pnl, begin_ms=begin, symbol=f"S{k}USDT")
            for begin, pnl in weeks
            for k in range(4)
        ])  # fmt: skip
        assert once.pnl.low is not None
        assert copies.pnl.low == pytest.approx(once.pnl.low)
        assert copies.pnl.high == pytest.approx(once.pnl.high)

    def test_few_blocks_are_cautioned(self) -> None:
        begins = [MONDAY_MS + 7 * DAY_MS * n for n in range(9)]
        found = run_summary([a_run(begin_ms=begin) for begin in begins])
        assert words.summary_caution(found) == (
            "[low, high]: 95 % interval, bootstrap over 9 blocks of one week: so few "
            "that it is a little too narrow."
        )


class TestFundingRecord:
    def recorded(self, *hours: float) -> FundingRecord:
        times = np.array([MONDAY_MS + round(h * HOUR_MS) for h in hours], np.int64)
        events = FundingHistory(time=times, rate=np.full(times.size, 1e-4))
        return funding_record(
            {"AUSDT": events}, "AUSDT", MONDAY_MS, MONDAY_MS + 2 * DAY_MS
        )

    def test_every_eight_hours_is_all(self) -> None:
        assert self.recorded(*range(0, 49, 8)) is FundingRecord.ALL

    def test_nothing_inside_is_none(self) -> None:
        assert self.recorded(-9, 57) is FundingRecord.NONE
        assert funding_record({}, "AUSDT", 0, 1) is FundingRecord.NONE

    @pytest.mark.parametrize(
        "hours", [(9, 17, 25, 33, 41), (0, 8, 16, 24, 32, 39), (0, 8, 40, 48)]
    )
    def test_late_early_or_broken_is_part(self, hours: tuple[float, ...]) -> None:
        assert self.recorded(*hours) is FundingRecord.PART


class TestWords:
    def test_nothing_has_no_sign(self) -> None:
        assert words.signed(-0.0) == "0.00"
        assert words.signed(-0.001) == "0.00"
        assert words.signed(-0.01) == "−0.01"
        assert words.signed(None) == "–"

    def test_unknown_funding_is_a_dash_and_no_part_of_the_profit(self) -> None:
        (funding,) = [p for p in words.parts(a_run()) if p.label == "funding"]
        assert funding.amount is None
        assert "not recorded" in funding.remark

    def test_the_static_short_is_always_beside_it(self) -> None:
        amounts = {part.label: part.amount for part in words.parts(a_run(10.0))}
        assert amounts["static short"] == 4.0
        assert amounts["grid − static"] == 6.0
