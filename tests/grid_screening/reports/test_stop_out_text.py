"""A stop-out probability in words."""

import pytest

from grid_screening.reports.stop_out_text import probability, stop_out_inputs
from tests.grid_screening.reports.samples import STOP_OUT


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.1402, 0.118, 0.169, "14 % (12–17)"),
        (0.064, 0.0052, 0.11, "6.4 % (0.5–11.0)"),
        (0.98, 0.95, 0.999, "98 % (95–100)"),
        (0.0002, 0.0001, 0.0006, "0.0 % (0.0–0.1)"),
    ],
)
def test_interval_stands_beside_the_probability(
    value: float, low: float, high: float, text: str
) -> None:
    assert probability(value, low, high) == text


def test_inputs_are_told_in_the_units_people_know() -> None:
    assert stop_out_inputs(STOP_OUT) == (
        "range 2.40 daily ranges wide, +5.0 % in 7 days, 24 h volume 0.80 × its "
        "30-day mean, 12.5 % below the 30-day high, NATR 4.25 %"
    )
