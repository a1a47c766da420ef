"""One origin: which grids are simulated, on which bars, and what is kept of them."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from grid_screening.backtest.engine import simulated_grids
from grid_screening.backtest.grids import Start
from grid_screening.backtest.planned import planned_grids
from grid_screening.backtest.point_in_time import HistoricalMarket
from grid_screening.grid_plan import ShortGridPlan
from grid_screening.profile import VetoRule, load_profile
from grid_screening.ranking import ranking
from grid_screening.validation.drawn_grids import drawn_grids
from grid_screening.validation.origin_choice import (
    CLASSIC,
    GUARDED,
    GUARDED_LIST,
    StudyMarket,
    origin_choice,
    snapshot_rows,
)
from grid_screening.validation.outcomes import (
    COLUMNS,
    OriginOutcomes,
    origin_outcomes,
)
from grid_screening.validation.study_settings import (
    MAIN,
    NARROW,
    Drawing,
    StudySettings,
    width_name,
)
from monitor.domain.history import HistoryPanel
from monitor.domain.market import DAY_MS, KlineInterval
from tests.grid_screening.validation import markets
from tests.histories import changed_history, day_ms, without_bars

AT_MS = day_ms(60)


def quarter_hours(panel: HistoryPanel, rows: slice, first_hour: int) -> HistoryPanel:
    """Each hour of some contracts as four bars: to high, low, and close."""

    def four(*parts: np.ndarray) -> np.ndarray:
        stacked = np.stack([part[rows, first_hour:] for part in parts], axis=-1)
        return stacked.reshape(stacked.shape[0], -1)

    o, h, low, c = panel.open, panel.high, panel.low, panel.close
    quarter = KlineInterval.M15
    count = 4 * (panel.bar_count - first_hour)
    return HistoryPanel(
        interval=quarter,
        symbols=panel.symbols[rows],
        open_time=panel.open_time[first_hour]
        + quarter.milliseconds * np.arange(count, dtype=np.int64),
        open=four(o, h, low, c),
        high=four(h, h, np.maximum(low, c), c),
        low=four(o, low, low, c),
        close=four(h, low, c, c),
        volume=four(*[panel.volume / 4] * 4),
        quote_volume=four(*[panel.quote_volume] * 4),
        taker_buy_volume=four(*[panel.taker_buy_volume] * 4),
    )


@lru_cache(maxsize=1)
def market() -> StudyMarket:
    panel = markets.trending_history()
    return StudyMarket(
        HistoricalMarket(panel, {}),
        StudySettings(
            start_ms=AT_MS, end_ms=AT_MS, universe_volume=1e6, narrow_volume=2.4e7
        ),
        load_profile(CLASSIC),
        load_profile(GUARDED),
        quarter_hours(panel, slice(0, 5), 55 * 24),
    )


@lru_cache(maxsize=1)
def found() -> OriginOutcomes:
    return origin_outcomes(market(), AT_MS)


def column(variant: str, name: str) -> np.ndarray:
    values: np.ndarray = found().outcomes[variant][COLUMNS.index(name)]
    return values


class TestColumns:
    def test_they_are_what_the_plan_and_the_simulator_say(self) -> None:
        of, chosen = market(), origin_choice(market(), AT_MS)
        begin = int(np.searchsorted(of.paths.open_time, AT_MS))
        for place, plan in zip(chosen.own.places, chosen.own.plans, strict=True):
            row = of.market.symbols.index(chosen.scored.symbols[place])
            outcome = simulated_grids(
                of.paths,
                planned_grids(
                    np.array([row]),
                    np.array([begin]),
                    np.array([begin + 7 * 24]),
                    [plan],
                    start=Start.LOADED,
                ),
            )
            notional = float(
                plan.cell_count * plan.quantity_per_level * plan.upper_bound
            )
            pnl, risk = float(outcome.pnl[0]), float(plan.loss_at_upper)
            ref = {
                "pnl": pnl / notional,
                "pnl_margin": pnl / 1000,
                "r": pnl / risk,
                "won": pnl > 0,
                "stopped": outcome.end_reason[0] == 1,
                "take_profit": outcome.end_reason[0] == 2,
                "liquidated": outcome.end_reason[0] == 3,
                "static_short": outcome.static_short[0] / notional,
                "fees": outcome.fees[0] / notional,
                "funding": 0.0,
                "worst": outcome.worst_equity[0] / notional,
                "risk": risk / notional,
                "quantity": float(plan.quantity_per_level),
            }
            for name in COLUMNS:
                comp = column(MAIN, name)[place]
                assert comp == pytest.approx(float(ref[name]), rel=1e-9), name

    def test_every_contract_has_a_plan_and_an_outcome(self) -> None:
        assert found().contracts.tolist() == list(range(markets.CONTRACTS))
        assert np.isfinite(column(MAIN, "pnl")).all()

    def test_both_ends_occur(self) -> None:
        for name in ("stopped", "take_profit", "won"):
            assert 0 < column(MAIN, name).mean() < 1


class TestVariants:
    def test_all_of_the_protocol_are_there(self) -> None:
        assert set(found().outcomes) == {
            MAIN, "3 days", "14 days", "x = 1", "x = 1.5", "x = 2", "x = 2.5",
            "x = 3", "x = 4", "spacing 0.25 × ATR", "spacing 1 × ATR", "no stop",
            "no fees", "double fees", "low first", "high first", "flat start",
            "finer bars", "same contracts, plan's bars",
        }  # fmt: skip

    def test_fees_are_what_they_are_called(self) -> None:
        assert (column("no fees", "fees") == 0).all()
        lost = column("no fees", "pnl") - column(MAIN, "pnl")
        np.testing.assert_allclose(lost, column(MAIN, "fees"), atol=1e-12)
        twice = column("double fees", "fees")
        np.testing.assert_allclose(twice, 2 * column(MAIN, "fees"), rtol=1e-9)

    def test_without_a_stop_nothing_is_stopped(self) -> None:
        assert (column("no stop", "stopped") == 0).all()
        same = column(MAIN, "stopped") == 0
        held = column("no stop", "pnl")[same]
        np.testing.assert_allclose(held, column(MAIN, "pnl")[same])

    def test_a_longer_life_is_stopped_more(self) -> None:
        stopped = [column(n, "stopped") for n in ("3 days", MAIN, "14 days")]
        assert (stopped[0] <= stopped[1]).all()
        assert (stopped[1] <= stopped[2]).all()
        assert stopped[0].sum() < stopped[2].sum()

    def test_a_wider_grid_has_smaller_lots_and_fewer_stops(self) -> None:
        narrow, wide = (width_name(x) for x in (1.0, 4.0))
        assert (column(narrow, "quantity") > column(wide, "quantity")).all()
        assert (column(narrow, "stopped") >= column(wide, "stopped")).all()

    def test_finer_bars_are_used_where_they_are(self) -> None:
        for name in ("finer bars", "same contracts, plan's bars"):
            assert np.isfinite(column(name, "pnl")).tolist() == [
                row < 5 for row in range(markets.CONTRACTS)
            ]
        coarse = column("same contracts, plan's bars", "pnl")[:5]
        np.testing.assert_array_equal(coarse, column(MAIN, "pnl")[:5])

    def test_before_the_finer_bars_begin_there_are_none(self) -> None:
        early = origin_outcomes(market(), day_ms(54))
        assert np.isnan(early.outcomes["finer bars"]).all()
        assert np.isnan(early.outcomes["same contracts, plan's bars"]).all()

    def test_what_ends_after_the_history_is_not_known(self) -> None:
        late = origin_outcomes(market(), day_ms(markets.DAYS - 7))
        assert np.isfinite(late.outcomes[MAIN]).all()
        assert np.isnan(late.outcomes["14 days"]).all()
        later = origin_outcomes(market(), day_ms(markets.DAYS - 7) + DAY_MS // 24)
        assert np.isnan(later.outcomes[MAIN]).all()

    def test_a_contract_delisted_under_way_stays_in(self) -> None:
        panel = without_bars(markets.trending_history(), 3, slice(24 * 60 + 30, None))
        of = StudyMarket(
            HistoricalMarket(panel, {}), market().study, load_profile(CLASSIC),
            market().guarded,
        )  # fmt: skip
        gone = origin_outcomes(of, AT_MS)
        assert gone.contracts.tolist() == found().contracts.tolist()
        assert np.isfinite(gone.outcomes[MAIN]).all()


class TestScores:
    def test_the_gate_takes_narrow_grids_out(self) -> None:
        narrow = found().width < 2
        assert 0 < narrow.sum() < narrow.size
        scores = found().scores[GUARDED]
        np.testing.assert_array_equal(np.isnan(scores), narrow)
        same = ~narrow & (scores > 0)
        assert same.any()
        np.testing.assert_array_equal(scores[same], found().scores[CLASSIC][same])

    @pytest.mark.parametrize("narrow", [False, True])
    def test_the_list_of_guarded_is_that_of_a_scan(self, *, narrow: bool) -> None:
        # the scan's steps one by one, for lists of 5
        of = StudyMarket(
            market().market,
            replace(market().study, top=5),
            load_profile(CLASSIC),
            load_profile(GUARDED),
        )
        origin = origin_outcomes(of, AT_MS)
        seen = of.market.snapshot(AT_MS, of.settings)
        if narrow:
            inside = seen.quote_volume_24h > of.study.narrow_volume
            seen = snapshot_rows(seen, tuple(np.array(seen.symbols)[inside].tolist()))
        ranked = ranking(seen, of.settings, load_profile(GUARDED))
        plans = of.market.plans(seen, of.settings)
        passed = []
        for row in [r for r in ranked.scores.order if not ranked.scores.vetoed[r]][:10]:
            symbol = ranked.scores.symbols[row]
            width = plans[symbol].range_to_volatility
            if width is not None and width >= 2:
                passed.append((of.market.symbols.index(symbol), ranked.scores.gss[row]))
        values = (origin.narrow_scores if narrow else origin.scores)[GUARDED_LIST]
        comp = {
            int(origin.contracts[row]): values[row]
            for row in np.flatnonzero(np.isfinite(values))
        }
        assert comp == dict(passed[:5])
        assert 0 < len(comp) <= 5

    def test_guarded_has_its_own_veto(self) -> None:
        strict = replace(
            load_profile(GUARDED), veto=VetoRule(slope_above=1.0, r_squared_above=0.1)
        )
        of = StudyMarket(market().market, market().study, load_profile(CLASSIC), strict)
        origin = origin_outcomes(of, AT_MS)
        zero = origin.scores[GUARDED] == 0
        assert zero.any()
        assert (origin.scores[CLASSIC][zero] > 0).all()
        assert np.isnan(origin.scores[GUARDED_LIST][zero]).all()

    def test_the_narrow_universe_is_ranked_anew(self) -> None:
        inside = found().turnover > 2.4e7
        assert 0 < inside.sum() < inside.size
        scores = found().narrow_scores[CLASSIC]
        np.testing.assert_array_equal(np.isfinite(scores), inside)
        assert not np.array_equal(scores[inside], found().scores[CLASSIC][inside])
        assert NARROW not in found().outcomes


class TestDrawing:
    @pytest.mark.parametrize("x", [1.0, 2.5])
    def test_the_upper_bound_stands_at_x(self, x: float) -> None:
        scored = origin_choice(market(), AT_MS).scored
        drawn = drawn_grids(
            market().market, scored, market().settings, Drawing(width=x)
        )
        own = drawn_grids(market().market, scored, market().settings, Drawing())
        for plan, plain in zip(drawn.plans, own.plans, strict=True):
            scale = plan.atr_hourly * 24**0.5
            limit = float(plan.price) + x * scale
            assert float(plan.upper_bound) <= limit
            assert float(plan.upper_bound + plan.grid_step) > limit
            assert plan.lower_bound == plain.lower_bound
            assert plan.margin == plain.margin
            assert plan.grid_step == plain.grid_step

    @pytest.mark.parametrize("spacing", [0.25, 1.0])
    def test_spacing_is_in_hourly_ranges(self, spacing: float) -> None:
        scored = origin_choice(market(), AT_MS).scored
        drawn = drawn_grids(
            market().market, scored, market().settings, Drawing(spacing=spacing)
        )
        assert len(drawn.plans) == markets.CONTRACTS
        coarsened = [plan for plan in drawn.plans if "coarsened" in plan.marks]
        assert len(coarsened) < markets.CONTRACTS / 2
        assert all(plan.level_count > 190 for plan in coarsened)  # of 200 allowed
        for plan in set(drawn.plans) - set(coarsened):
            step = float(plan.grid_step)
            assert step <= spacing * plan.atr_hourly < step + float(plan.tick_size)

    def test_a_contract_without_a_plan_is_left_out(self) -> None:
        panel = markets.trending_history()
        high = panel.high.copy()
        high[2, 59 * 24 :] *= 40  # daily range above the price: a stop beyond reach
        of = HistoricalMarket(changed_history(panel, high=high), {})
        scored = of.snapshot(AT_MS, market().settings)
        drawn = drawn_grids(of, scored, market().settings, Drawing())
        assert 2 not in drawn.places
        assert all(isinstance(plan, ShortGridPlan) for plan in drawn.plans)
        values = drawn.column("range_to_volatility", scored.symbol_count)
        assert np.flatnonzero(np.isnan(values)).tolist() == [2]
