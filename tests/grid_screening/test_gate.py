"""The gate: only grids that are wide enough, and nobody unaccounted for."""

from decimal import Decimal

import numpy as np
import pytest

from grid_screening.conf import ScreenerSettings
from grid_screening.contest import contest
from grid_screening.gate import (
    below,
    gate_candidates,
    gate_reason,
    gated,
    unmeasured,
)
from grid_screening.grid_plan import InfeasibleGrid, ShortGridPlan
from grid_screening.hysteresis import held_rows
from grid_screening.listing import Plan
from grid_screening.profile import GateRule, load_profile
from grid_screening.ranking import Ranking, dropped_symbols, ranking
from grid_screening.screening_report import Reason
from tests.grid_screening.test_grid_plan import plan, refusal
from tests.snapshots import random_panel, snapshot_of

CLASSIC, GUARDED = load_profile("classic"), load_profile("guarded")
OPEN = ScreenerSettings(min_natr=0.0, max_natr=100.0, max_tick_share=1.0, top=10)
MARKET = snapshot_of(random_panel(40, 300, seed=3))
GATE = GateRule(range_to_volatility_at_least=2.0)


def of_width(width: float) -> ShortGridPlan:
    """2 · ATR_daily ÷ (ATR_hourly · √24) = width."""
    return plan(atr_daily=width * 2.0 * 24**0.5 / 2)


WIDE, NARROW = of_width(2.5), of_width(1.7)
UNKNOWN = InfeasibleGrid(
    reason=Reason(code="atr_missing", text="daily ATR must be > 0, was nan"),
    minimum_margin=None,
)


def result() -> Ranking:
    return ranking(MARKET, OPEN, GUARDED)


def plans_of(found: Ranking, narrow: set[int], top: int = 10) -> dict[str, Plan]:
    """Plans of the candidates; those at the places of ``narrow`` are too narrow."""
    rows = gate_candidates(found.scores, top)
    return {
        found.scores.symbols[row]: NARROW if place in narrow else WIDE
        for place, row in enumerate(rows)
    }


class TestReason:
    def test_narrow_grid_says_what_it_is_and_what_it_needs(self) -> None:
        reason = gate_reason(NARROW, GATE)

        assert reason is not None
        assert reason.code == "range_to_volatility"
        assert reason.text == "range 1.7 daily ranges wide, needs 2"
        assert reason.value == pytest.approx(1.7)
        assert reason.limit == 2.0

    def test_wide_enough_is_inclusive(self) -> None:
        exact = GateRule(range_to_volatility_at_least=WIDE.range_to_volatility)

        assert gate_reason(WIDE, exact) is None

    def test_unknown_range_fails_with_the_reason_it_is_unknown(self) -> None:
        reason = gate_reason(UNKNOWN, GATE)

        assert reason is not None
        assert reason.code == "atr_missing"
        assert reason.text == "range not known: daily ATR must be > 0, was nan"

    def test_grid_that_lacks_margin_is_judged_by_its_width_all_the_same(self) -> None:
        for width, fails in ((1.7, True), (2.5, False)):
            daily = width * 2.0 * 24**0.5 / 2
            found = refusal(atr_daily=daily, mark_price=300.0)
            assert found.range_to_volatility == pytest.approx(width)
            assert (gate_reason(found, GATE) is not None) == fails

    @pytest.mark.parametrize(
        ("width", "shown"), [(1.7, "1.7"), (1.96, "1.96"), (1.99961, "1.9996")]
    )
    def test_width_is_never_rounded_up_to_the_limit(
        self, width: float, shown: str
    ) -> None:
        assert below(width, 2.0) == shown
        assert below(float(np.nextafter(2.0, 0.0)), 2.0) == "1.9999999999999998"


class TestGated:
    def test_twice_as_many_candidates_as_places_in_order(self) -> None:
        found = result()
        rows = gate_candidates(found.scores, 10)

        assert len(rows) == 20
        assert (
            rows == [r for r in found.scores.order if not found.scores.vetoed[r]][:20]
        )
        assert not found.scores.vetoed[gate_candidates(found.scores, 0)].any()

    def test_who_fails_is_excluded_and_the_next_take_the_place(self) -> None:
        found = result()
        order = [found.scores.symbols[r] for r in gate_candidates(found.scores, 10)]
        comp = gated(found, plans_of(found, {0, 3}), GATE, top=10)
        listed = [comp.result.scores.symbols[row] for row in comp.listed]

        assert listed == [s for p, s in enumerate(order) if p not in (0, 3)][:10]
        new = comp.result.excluded[len(found.excluded) :]
        assert {e.symbol for e in new} == {order[0], order[3]}
        assert {e.stage for e in new} == {"gate"}
        assert dropped_symbols(comp.result) == tuple(e.symbol for e in new)

    def test_ranks_count_from_one_among_those_left(self) -> None:
        found = result()
        comp = gated(found, plans_of(found, {0, 1}), GATE, top=10)

        assert comp.result.scores.rank[comp.listed[0]] == 1
        kept = {s: found.scores.gss[i] for i, s in enumerate(found.scores.symbols)}
        for row, symbol in enumerate(comp.result.scores.symbols):
            assert comp.result.scores.gss[row] == kept[symbol]
            assert comp.result.factors.symbols[row] == symbol

    def test_funnel_counts_the_gate_and_everybody_is_accounted_for(self) -> None:
        found = result()
        comp = gated(found, plans_of(found, {0, 3, 5}), GATE, top=10)
        scored = len(found.scores.symbols)

        assert [stage.stage for stage in comp.result.funnel[-2:]] == ["gate", "scored"]
        assert [s.count for s in comp.result.funnel[-2:]] == [scored - 3, scored - 3]
        names = [*comp.result.scores.symbols, *(e.symbol for e in comp.result.excluded)]
        assert sorted(names) == sorted(MARKET.symbols)

    def test_nobody_is_listed_whose_range_is_not_known(self) -> None:
        """Fewer than N pass: the list is shorter, not filled from behind."""
        found = result()
        comp = gated(found, plans_of(found, set(range(1, 20))), GATE, top=10)

        assert len(comp.listed) == 1
        behind = len(comp.result.scores.symbols) - 1
        assert behind == len(found.scores.symbols) - 20

    def test_all_pass_is_the_list_without_a_gate(self) -> None:
        found = result()
        comp = gated(found, plans_of(found, set()), GATE, top=10)

        assert list(comp.listed) == held_rows(found, (), top=10, slack=0)

    def test_member_of_the_earlier_list_holds_its_place_if_it_passes(self) -> None:
        found = result()
        order = [found.scores.symbols[r] for r in gate_candidates(found.scores, 10)]
        comp = gated(
            found, plans_of(found, {0}), GATE, top=10, held={order[12]}, slack=5
        )
        listed = [comp.result.scores.symbols[row] for row in comp.listed]

        assert order[12] in listed
        assert order[10] not in listed
        assert len(listed) == 10

    def test_list_of_all_holds_the_vetoed_ones_as_well(self) -> None:
        found = result()
        comp = gated(found, plans_of(found, {2}, top=0), GATE, top=0)

        assert len(comp.listed) == len(found.scores.symbols) - 1


class TestContestBehindAGate:
    def test_contest_lists_whom_the_scan_lists(self) -> None:
        found = result()
        left = gated(found, plans_of(found, {0, 3, 4}), GATE, top=10)
        entry = contest(MARKET, left.result, OPEN)
        assert entry is not None
        listed = {left.result.scores.symbols[row] for row in left.listed}

        for symbol in left.result.scores.symbols:
            assert entry.lists(symbol) == (symbol in listed), symbol
        for row, symbol in enumerate(left.result.scores.symbols):
            if not left.result.scores.vetoed[row]:
                assert entry.rank_of(symbol) == left.result.scores.rank[row]

    def test_short_list_is_short_in_the_contest_too(self) -> None:
        found = result()
        left = gated(found, plans_of(found, set(range(2, 20))), GATE, top=10)
        entry = contest(MARKET, left.result, OPEN)
        assert entry is not None

        assert sum(entry.lists(s) for s in left.result.scores.symbols) == 2

    def test_who_failed_has_the_rank_it_would_have(self) -> None:
        found = result()
        first = found.scores.symbols[gate_candidates(found.scores, 10)[0]]
        left = gated(found, plans_of(found, {0, 1}), GATE, top=10)
        outside = contest(MARKET, left.result, OPEN, admitted=first)
        assert outside is not None

        assert outside.rank_of(first) == 1
        assert outside.lists(first)


class TestGuarded:
    def test_is_classic_behind_a_gate_and_a_stricter_veto(self) -> None:
        assert CLASSIC.gate is None
        assert GUARDED.gate == GATE
        assert GUARDED.veto.slope_above == 20
        for name in ("weights", "trend", "microstructure", "marks", "strict"):
            assert getattr(GUARDED, name) == getattr(CLASSIC, name), name
        assert GUARDED.confidence == CLASSIC.confidence
        assert GUARDED.veto.r_squared_above == CLASSIC.veto.r_squared_above

    def test_order_is_that_of_classic_but_for_the_veto(self) -> None:
        classic = ranking(MARKET, OPEN, CLASSIC).scores
        guarded = result().scores
        both = ~(classic.vetoed | guarded.vetoed)

        np.testing.assert_array_equal(classic.gss[both], guarded.gss[both])

    def test_says_fewer_stop_outs_and_no_profit(self) -> None:
        assert "stop-out gate" in GUARDED.description
        assert "profit" not in GUARDED.description


def test_width_of_a_plan_is_the_room_above_in_daily_ranges() -> None:
    room = float(WIDE.upper_bound - WIDE.price)

    assert WIDE.range_to_volatility == pytest.approx(2.5)
    assert room <= 2.5 * 2.0 * 24**0.5 < room + float(WIDE.grid_step) + 1e-9
    assert WIDE.grid_step == Decimal(1)


def test_contracts_behind_the_candidates_were_not_measured() -> None:
    found = result()
    order = [s for s in found.scores.order if not found.scores.vetoed[s]]
    behind = {found.scores.symbols[row] for row in order[20:]}
    left = gated(found, plans_of(found, {0, 3, 19}), GATE, top=10).result

    assert unmeasured(left, 10) == behind
    assert unmeasured(left, 0) == frozenset()
    assert unmeasured(ranking(MARKET, OPEN, CLASSIC), 10) == frozenset()
