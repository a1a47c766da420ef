"""Brackets as rectangles."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from grid_screening.backtest.maintenance import Maintenance
from grid_screening.brackets import ASSUMED_BRACKETS
from monitor.domain.instruments import LeverageBracket
from tests.naive_grid import naive_maintenance

D = Decimal


def bracket(floor: int, cap: int, rate: str, cumulative: str) -> LeverageBracket:
    return LeverageBracket(
        notional_floor=D(floor),
        notional_cap=D(cap),
        initial_leverage=10,
        maintenance_margin_rate=D(rate),
        cumulative_amount=D(cumulative),
    )


OWN = (bracket(0, 1000, "0.01", "0"), bracket(1000, 9000, "0.02", "10"))


def margin_of(kept: Maintenance, row: int, notional: float) -> float:
    at = min(
        int(np.searchsorted(kept.notional_cap[row], notional)),
        kept.notional_cap.shape[1] - 1,
    )
    return float(notional * kept.rate[row, at] - kept.cumulative[row, at])


@pytest.mark.parametrize("notional", [1, 999, 1000, 1001, 8000, 60_000, 3_000_000])
def test_margins_equal_the_sum_over_brackets(notional: int) -> None:
    kept = Maintenance.of_brackets(["OWN", "NONE"], {"OWN": OWN[::-1]})
    for row, brackets in enumerate((OWN, ASSUMED_BRACKETS)):
        ref = naive_maintenance(Fraction(notional), brackets)
        assert margin_of(kept, row, notional) == pytest.approx(float(ref))


def test_assumed_is_the_same_for_all() -> None:
    kept = Maintenance.assumed(3)
    assert kept.rate.shape == (3, len(ASSUMED_BRACKETS))
    assert kept.rate[0].tolist() == kept.rate[2].tolist()
    assert kept.notional_cap[1, -1] == np.inf


def test_no_contracts() -> None:
    assert Maintenance.assumed(0).rate.shape[0] == 0
    assert Maintenance.of_brackets([], {}).rate.shape[0] == 0


def test_shapes_must_agree() -> None:
    with pytest.raises(
        ValueError, match=r"rate must have shape \(1, 2\), was \(1, 1\)"
    ):
        Maintenance(
            notional_cap=np.ones((1, 2)),
            rate=np.ones((1, 1)),
            cumulative=np.ones((1, 2)),
        )
    with pytest.raises(ValueError, match=r"notional_cap must have shape"):
        Maintenance(
            notional_cap=np.ones((1, 0)),
            rate=np.ones((1, 0)),
            cumulative=np.ones((1, 0)),
        )
