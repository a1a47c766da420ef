"""Who would be listed if one number were another."""

from dataclasses import replace

import numpy as np
import pytest

from grid_screening.conf import ScreenerSettings
from grid_screening.contest import Contest, contest
from grid_screening.factors import FactorTable
from grid_screening.profile import load_profile
from grid_screening.ranking import ranking
from tests.snapshots import random_panel, snapshot_of

CLASSIC = load_profile("classic")
WEIGHTS = (0.2, 0.2, 0.3, 0.3)
OPEN = ScreenerSettings(min_natr=0.0, max_natr=100.0, max_tick_share=1.0)

ORDINARY: dict[str, float] = {
    "natr": 3.0,
    "efficiency_ratio": 0.4,
    "normalized_slope": 20.0,
    "r_squared": 0.3,
    "hurst_exponent": 0.55,
    "z_score": 0.5,
    "open_interest_ratio": 0.5,
    "funding_rate_8h": 0.00005,
    "bearish_cvd_divergence": 0.0,
    "cvd_change_ratio": 0.1,
    "funding_rate": 0.00005,
}


def contest_of(*rows: dict[str, float], top: int = 1, strict: bool = False) -> Contest:
    """A contest between AUSDT, BUSDT, …, each ordinary but for ``rows``."""
    filled = [ORDINARY | row for row in rows]
    names = dict.fromkeys(name for row in filled for name in row)
    return Contest(
        factors=FactorTable(
            symbols=tuple(f"{chr(65 + i)}USDT" for i in range(len(rows))),
            values={n: np.array([row.get(n, np.nan) for row in filled]) for n in names},
        ),
        profile=CLASSIC,
        weights=WEIGHTS,
        strict=strict,
        top=top,
    )


def test_others_move_when_one_changes() -> None:
    contest = contest_of({"natr": 3.0}, {"natr": 4.0})
    changed = contest.with_value("AUSDT", "natr", 5.0)
    ref = contest.scored().breakdown["natr_rank"]
    comp = changed.scored().breakdown["natr_rank"]
    np.testing.assert_array_equal(ref, [0.25, 0.75])
    np.testing.assert_array_equal(comp, [0.75, 0.25])
    assert contest.factors["natr"][0] == 3.0


def test_ties_at_the_end_of_the_list_go_by_symbol() -> None:
    contest = contest_of({}, {}, {}, top=2)
    assert contest.lists("BUSDT")
    assert not contest.lists("CUSDT")
    assert contest.rank_of("CUSDT") == 1


def test_vetoed_contracts_are_never_listed_and_have_no_rank() -> None:
    steep = {"normalized_slope": 60.0, "r_squared": 0.9}
    contest = contest_of(steep, {}, top=0)
    assert not contest.lists("AUSDT")
    assert contest.rank_of("AUSDT") is None
    assert contest.lists("BUSDT")


def test_strict_contests_are_ranked_among_those_that_pass() -> None:
    good = {"efficiency_ratio": 0.1, "hurst_exponent": 0.4}
    calm = {"natr": 1.0}
    lively = {"natr": 9.0} | good
    contest = contest_of({"natr": 2.0} | good, lively, calm, calm, strict=True)
    assert contest.rank_of("AUSDT") is None
    assert not contest.lists("AUSDT")
    assert contest.rank_of("BUSDT") == 1
    admitted = replace(contest, admitted="AUSDT")
    assert admitted.rank_of("AUSDT") == 2


def test_every_strict_condition_that_fails_is_named() -> None:
    nothing = float("nan")
    bad = {"natr": 2.0, "hurst_exponent": nothing, "funding_rate": -0.0001}
    contest = contest_of(bad, {"natr": 9.0}, strict=True)
    failed = contest.strict_failures("AUSDT")
    assert [e.reason.code for e in failed] == [
        "strict_natr",
        "strict_efficiency",
        "strict_hurst",
        "strict_funding",
    ]
    assert failed[2].reason.value is None
    assert {e.symbol for e in failed} == {"AUSDT"}


def test_who_passes_fails_no_strict_condition() -> None:
    good = {"natr": 9.0, "efficiency_ratio": 0.1, "hurst_exponent": 0.4}
    contest = contest_of(*[{}] * 4, good, strict=True)
    assert contest.strict_failures("EUSDT") == ()


class TestOfARanking:
    def test_scores_are_those_of_the_ranking(self) -> None:
        market = snapshot_of(random_panel(30, 300, seed=5))
        result = ranking(market, OPEN, CLASSIC)
        entry = contest(market, result, OPEN)
        assert entry is not None
        np.testing.assert_array_equal(entry.ranked().gss, result.scores.gss)
        assert entry.rank_of(result.scores.symbols[0]) == result.scores.rank[0]

    def test_strict_filter_is_applied_to_all_that_passed_the_others(self) -> None:
        market = snapshot_of(random_panel(120, 300, seed=5))
        strict = OPEN.merged({"strict": True})
        result = ranking(market, strict, CLASSIC)
        entry = contest(market, result, strict)
        assert entry is not None
        assert len(entry.factors.symbols) == 120
        assert entry.ranked().symbols == result.scores.symbols
        np.testing.assert_array_equal(entry.ranked().rank, result.scores.rank)

    def test_admitted_contract_takes_part(self) -> None:
        market = snapshot_of(random_panel(10, 300, seed=5))
        natr = ranking(market, OPEN, CLASSIC).factors["natr"]
        tight = OPEN.merged({"min_natr": float(np.sort(natr)[1])})
        result = ranking(market, tight, CLASSIC)
        (stopped,) = result.excluded
        entry = contest(market, result, tight, admitted=stopped.symbol)
        assert entry is not None
        assert (
            entry.rank_of(stopped.symbol)
            == dict(
                zip(
                    market.symbols,
                    ranking(market, OPEN, CLASSIC).scores.rank,
                    strict=True,
                )
            )[stopped.symbol]
        )

    def test_contract_without_movement_cannot_take_part(self) -> None:
        market = snapshot_of(random_panel(4, 60, seed=5))
        columns = {}
        for name in ("open", "high", "low", "close"):
            column = getattr(market, name).copy()
            column[2] = 10.0
            columns[name] = column
        market = replace(market, **columns)
        result = ranking(market, OPEN, CLASSIC)
        assert contest(market, result, OPEN, admitted=market.symbols[2]) is None

    def test_contract_of_another_market_is_refused(self) -> None:
        market = snapshot_of(random_panel(4, 60, seed=5))
        result = ranking(market, OPEN, CLASSIC)
        with pytest.raises(ValueError, match="not in tuple"):
            contest(market, result, OPEN, admitted="XUSDT")
