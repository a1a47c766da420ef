"""The smallest margin, without looking at every ladder."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid_screening.backtest.grids import Spacing, Start
from grid_screening.ladder import GridRules, Ladder, rounded_up
from grid_screening.level_ticks import spaced
from grid_screening.sizing import GridTerms, Sizer
from tests.builders import instrument


def sizer(price: int, below: int, above: int, step: int, **terms: object) -> Sizer:
    tick = Decimal("0.01")
    start = terms.pop("start", Start.LOADED)
    spacing = terms.pop("spacing", Spacing.ARITHMETIC)
    rule = spaced(spacing, max(price - below, 1), price + above)  # type: ignore[arg-type]
    values = {
        "margin": Decimal(1000),
        "max_leverage": 3,
        "maker_fee": Decimal("0.0002"),
        "taker_fee": Decimal("0.0005"),
        "brackets": None,
    }
    return Sizer(
        planned=Ladder(
            price=price * tick,
            tick_size=tick,
            rule=rule,
            gap=rule.gap(Decimal(step), least=1, price=Decimal(price)),
            upper_limit=(price + above) * tick,
            coarsened=False,
            start=start,  # type: ignore[arg-type]
        ),
        instrument=replace(
            instrument(tick_size=tick), min_notional=terms.pop("notional", Decimal(5))
        ),
        terms=GridTerms(**(values | terms)),  # type: ignore[arg-type]
        rules=GridRules(),
    )


def over_all_ladders(of: Sizer) -> Decimal | None:
    best: Decimal | None = None
    for ladder in of.ladders:
        cost = of.least_quantity(ladder) * ladder.level_sum
        safe = of._safe_margin(ladder)
        for leverage in range(of.terms.max_leverage, 0, -1):
            margin = rounded_up(max(cost / leverage, safe), Decimal("0.01"))
            legal = of._is_legal(ladder, margin, leverage)
            if legal and (best is None or margin < best):
                best = margin
    return best


SIZERS = st.builds(
    sizer,
    st.integers(50, 3000),
    st.integers(1, 900),
    st.integers(1, 600),
    st.integers(5, 60),
    max_leverage=st.integers(1, 20),
    notional=st.sampled_from([Decimal(0), Decimal(5), Decimal(100)]),
    spacing=st.sampled_from(Spacing),
    start=st.sampled_from(Start),
)


@given(SIZERS.filter(lambda of: of.planned.is_usable))
def test_it_is_the_smallest_over_all_ladders(of: Sizer) -> None:
    assert of.minimum_margin() == over_all_ladders(of)


def test_fine_ladders_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    of = sizer(1000, 400, 300, 5)
    drawn: list[int] = []
    plain = Sizer._safe_margin
    monkeypatch.setattr(
        Sizer,
        "_safe_margin",
        lambda self, ladder: (drawn.append(ladder.level_count), plain(self, ladder))[1],
    )
    assert of.planned.level_count == 141
    assert of.minimum_margin() is not None
    assert max(drawn) < 20
