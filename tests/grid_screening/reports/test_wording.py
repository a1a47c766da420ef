from decimal import Decimal

import pytest

from grid_screening.reports.wording import duration, exact, percent, significant


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0000123456, "0.00001235"),
        (138915439.2, "138915439"),
        (6.7605784, "6.761"),
        (-0.05, "−0.05"),
        (0.0, "0"),
        (-0.0, "0"),
        (1000, "1000"),
        (9.9996, "10"),
        (1e-300, "0." + 299 * "0" + "1"),
        (None, "–"),
        (float("nan"), "–"),
        (float("inf"), "–"),
    ],
)
def test_significant_digits(value: float | None, shown: str) -> None:
    assert significant(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("0.10"), "0.10"),
        (1e-07, "0.0000001"),
        (3, "3"),
        ("arithmetic", "arithmetic"),
        (None, "–"),
        (Decimal("NaN"), "–"),
        (float("-inf"), "–"),
    ],
)
def test_exact_numbers_have_all_decimals_and_no_exponent(
    value: object, shown: str
) -> None:
    assert exact(value) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.9, "90 %"), (0.975, "97.5 %"), (1.0, "100 %"), (float("nan"), "–")],
)
def test_percent_has_the_decimals_it_needs(share: float, shown: str) -> None:
    assert percent(share) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (45, "45 s"), (4320, "1 h 12 min"), (86_400, "1 d"), (-5, "0 s")],
)
def test_a_span_is_told_in_its_two_largest_units(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
