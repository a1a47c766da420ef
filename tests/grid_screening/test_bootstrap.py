"""Markets drawn again: whole blocks, the same for all, ending at today's price."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grid_screening import bootstrap
from grid_screening.bootstrap import (
    SCORE_FACTORS,
    bar_draws,
    block_draws,
    factor_draws,
)
from grid_screening.factors import FACTORS, FactorTable, factor_table
from grid_screening.profile import load_profile
from grid_screening.scoring import scores
from grid_screening.snapshot import MarketSnapshot
from monitor.domain.typing import IntArray
from tests.naive_stability import naive_market
from tests.snapshots import random_panel, snapshot_of
from tests.strategies import Panel, price_panels

CLASSIC = load_profile("classic")


def tables(
    market: MarketSnapshot, symbols: Sequence[str], bars: IntArray
) -> tuple[FactorTable, ...]:
    """Draw the bars of all contracts and return the tables of some."""
    drawn = bar_draws(market, market.symbols, bars)
    return factor_draws(market, symbols, drawn)


class TestBlockDraws:
    @settings(deadline=None)
    @given(
        bar_count=st.integers(2, 60),
        block_bars=st.integers(1, 80),
        seed=st.integers(0, 99),
    )
    def test_blocks_stay_together_and_the_newest_is_whole(
        self, bar_count: int, block_bars: int, seed: int
    ) -> None:
        drawn = block_draws(bar_count, draws=3, block_bars=block_bars, seed=seed)
        assert drawn.shape == (3, bar_count)
        assert drawn.min() >= 1
        assert drawn.max() <= bar_count - 1
        follows = (drawn[:, 1:] - drawn[:, :-1]) % (bar_count - 1)
        # counted from the newest bar, only the ends of blocks may jump
        inside = np.arange(bar_count - 1, 0, -1) % block_bars != 0
        assert np.all(follows[:, inside] == 1 % (bar_count - 1))

    def test_every_bar_but_the_first_is_as_likely(self) -> None:
        drawn = block_draws(11, draws=20_000, block_bars=4, seed=5)
        counts = np.bincount(drawn.ravel(), minlength=11)
        assert counts[0] == 0
        np.testing.assert_allclose(counts[1:] / counts.sum(), 0.1, atol=0.002)

    def test_seed_decides(self) -> None:
        first, again = (
            block_draws(50, draws=4, block_bars=7, seed=1) for _ in range(2)
        )
        other = block_draws(50, draws=4, block_bars=7, seed=2)
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)

    @pytest.mark.parametrize(
        ("counts", "message"),
        [
            ({"bar_count": 1}, "bar_count must be at least 2, was 1"),
            ({"draws": 0}, "draws must be at least 1, was 0"),
            ({"block_bars": 0}, "block_bars must be at least 1, was 0"),
        ],
    )
    def test_counts_that_draw_nothing_are_refused(
        self, counts: dict[str, int], message: str
    ) -> None:
        legal = {"bar_count": 10, "draws": 1, "block_bars": 1}
        values = legal | counts
        with pytest.raises(ValueError, match=f"^{message}$"):
            block_draws(
                values["bar_count"],
                draws=values["draws"],
                block_bars=values["block_bars"],
                seed=1,
            )


class TestFactorDraws:
    @settings(deadline=None)
    @given(panel=price_panels(min_bars=2, max_bars=140), seed=st.integers(0, 9))
    def test_factors_are_those_of_the_bars_joined_one_by_one(
        self, panel: Panel, seed: int
    ) -> None:
        market = snapshot_of(panel)
        bars = block_draws(market.bar_count, draws=2, block_bars=9, seed=seed)
        comp = tables(market, market.symbols, bars)
        for table, drawn in zip(comp, bars, strict=True):
            ref = factor_table(
                naive_market(market, drawn.tolist()), names=SCORE_FACTORS
            )
            for name in SCORE_FACTORS:
                if name in {"hurst_exponent", "bearish_cvd_divergence", "z_score"}:
                    continue  # equal values one rounding apart: see the next test
                np.testing.assert_allclose(
                    table[name], ref[name], rtol=1e-7, atol=1e-7, err_msg=name
                )

    def test_all_factors_agree_on_an_ordinary_market(self) -> None:
        market = snapshot_of(random_panel(6, 140, seed=4))
        bars = block_draws(140, draws=5, block_bars=11, seed=3)
        comp = tables(market, market.symbols, bars)
        for table, drawn in zip(comp, bars, strict=True):
            ref = factor_table(
                naive_market(market, drawn.tolist()), names=SCORE_FACTORS
            )
            for name in SCORE_FACTORS:
                np.testing.assert_allclose(
                    table[name], ref[name], rtol=1e-8, atol=1e-9, err_msg=name
                )

    def test_bars_in_their_own_order_give_the_factors_of_the_snapshot(self) -> None:
        market = snapshot_of(random_panel(5, 150, seed=2))
        (comp,) = tables(market, market.symbols, np.arange(150)[None].clip(1))
        ref = factor_table(market)
        # the first bar stands for the second: windows of all bars differ a little
        for name in ("natr", "efficiency_ratio", "z_score", "cvd_change_ratio"):
            np.testing.assert_allclose(comp[name], ref[name], rtol=1e-4, err_msg=name)

    def test_rows_follow_the_symbols_asked_for(self) -> None:
        market = snapshot_of(random_panel(5, 120, seed=2))
        bars = block_draws(120, draws=2, block_bars=10, seed=1)
        wanted = (market.symbols[3], market.symbols[1])
        few = tables(market, wanted, bars)
        whole = tables(market, market.symbols, bars)
        for some, all_ in zip(few, whole, strict=True):
            assert some.symbols == wanted
            for name in SCORE_FACTORS:
                np.testing.assert_array_equal(some[name], all_[name][[3, 1]])

    def test_values_do_not_depend_on_how_many_rows_are_drawn_together(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        market = snapshot_of(random_panel(5, 120, seed=2))
        bars = block_draws(120, draws=2, block_bars=10, seed=1)
        whole = tables(market, market.symbols, bars)
        monkeypatch.setattr(bootstrap, "PANEL_BARS", 1)
        for one, all_ in zip(tables(market, market.symbols, bars), whole, strict=True):
            for name in SCORE_FACTORS:
                np.testing.assert_array_equal(one[name], all_[name])

    def test_quotes_are_todays(self) -> None:
        market = snapshot_of(random_panel(4, 60, seed=2))
        bars = block_draws(60, draws=3, block_bars=10, seed=1)
        today = factor_table(market)
        for table in tables(market, market.symbols, bars):
            for name in ("funding_rate_8h", "open_interest_ratio"):
                np.testing.assert_array_equal(table[name], today[name])

    def test_a_misprint_drawn_many_times_stays_finite(self) -> None:
        market = snapshot_of(random_panel(2, 300, seed=2))
        jump = np.ones(300)
        jump[150:] = 1e60
        steep = {
            name: getattr(market, name) * jump for name in ("high", "low", "close")
        }
        steep["open"] = steep["close"].copy()
        market = replace(market, **steep)
        bars = np.full((1, 300), 150)
        (table,) = tables(market, market.symbols, bars)
        assert np.isfinite(table["natr"]).all()


def test_a_score_reads_these_factors_and_no_others() -> None:
    market = snapshot_of(random_panel(30, 300, seed=8))
    whole = factor_table(market)
    few = FactorTable(
        symbols=whole.symbols, values={name: whole[name] for name in SCORE_FACTORS}
    )
    np.testing.assert_array_equal(scores(few, CLASSIC).gss, scores(whole, CLASSIC).gss)


def test_no_factor_of_a_score_reads_what_is_not_drawn() -> None:
    inputs = {i for spec in FACTORS if spec.name in SCORE_FACTORS for i in spec.inputs}
    assert inputs.isdisjoint({"open", "quote_volume", "benchmark_close"})
    assert inputs <= set(MarketSnapshot.__dataclass_fields__)
