"""How estimates are written."""

from math import inf, nan

import pytest

from grid_screening.validation.report.numbers import (
    BRIER,
    PNL,
    POINTS,
    SHARE,
    Unit,
    count,
    date,
    days,
    interval,
    listed,
    unbroken,
    with_interval,
)
from tests.grid_screening.validation.report.samples import UNKNOWN, estimate


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        (PNL, 0.00314, "+0.31 %"),
        (PNL, -0.1, "−10.00 %"),
        (PNL, -0.00001, "0.00 %"),
        (PNL, 0.0, "0.00 %"),
        (SHARE, 0.17, "17.0 %"),
        (POINTS, -0.07, "−7.0 pp"),
        (BRIER, -0.0092, "−0.0092"),
        (PNL, nan, "–"),
        (PNL, inf, "–"),
    ],
)
def test_a_number_has_unit_sign_and_no_signed_zero(
    unit: Unit, value: float, text: str
) -> None:
    assert unit.text(value) == text
    assert unit.bare(value) == text.removesuffix(unit.suffix)


def test_an_interval_that_is_not_known_is_left_out() -> None:
    assert with_interval(estimate(0.001, 0.001), PNL) == "+0.10 % [−0.10, +0.30]"
    assert interval(UNKNOWN, PNL) == ""
    assert with_interval(UNKNOWN, PNL) == "–"


def test_counts_dates_spans_and_lists_read_as_prose() -> None:
    assert count(31_255) == "31,255"
    assert date(1_734_307_200_000) == "2024-12-16"
    assert [days(1.0), days(0.5), days(14)] == ["1 day", "0.5 days", "14 days"]
    assert [listed([]), listed(["a"]), listed(["a", "b", "c"])] == [
        "none",
        "a",
        "a, b and c",
    ]
    assert unbroken("7 days, 3 %") == "7\N{NO-BREAK SPACE}days, 3\N{NO-BREAK SPACE}%"
