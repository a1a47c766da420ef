from decimal import Decimal
from typing import Any

import pytest

from grid_screening.reports.columns import GRID_NAMES
from grid_screening.reports.html.plan import _ELSEWHERE, _EXPECTATIONS, _SAFETY, plan
from grid_screening.screening_report import Reason
from tests.grid_screening.reports.html.reader import read
from tests.grid_screening.reports.samples import GRID, ranked


def lines(**changes: Any) -> dict[str, str]:
    """What the three lists say, by label; where a label is twice, the last."""
    found = read(plan(ranked(grid={**GRID, **changes}), "USDT"))
    labels = [e.text for e in found.all("dt")]
    values = [e.text for e in found.all("dd")]
    return dict(zip(labels, values, strict=True))


def test_the_dialog_is_filled_in() -> None:
    (dialog, *_) = read(plan(ranked("币安人生USDT"), "USDT")).all("section")
    labels = [e.text for e in dialog.all("dt")]
    values = [e.text for e in dialog.all("dd")]
    assert list(zip(labels, values, strict=True)) == [
        ("Symbol", "币安人生USDT"),
        ("Direction", "Short"),
        ("Lower price", "0.10010 USDT"),
        ("Upper price", "0.15010 USDT"),
        ("Number of grids", "100 cells between 101 levels"),
        ("Mode", "Arithmetic"),
        ("Leverage", "3×"),
        ("Investment (margin)", "1000.0 USDT"),
        ("Stop top price", "0.15090 USDT close all positions on stop"),
        ("Open a position on creation", "Yes"),
    ]


def test_the_dangers_are_measured() -> None:
    found = lines()
    assert found["Stop"] == "0.15090 USDT +22.29 % from the price"
    assert found["Liquidation, fully loaded"] == "0.15670 USDT +3.84 % from the stop"
    assert found["Worst loss at the stop"] == "612.250000 USDT 61.2 % of the margin"
    assert found["Minimum margin"] == "52.5 USDT fewer levels"


def test_every_published_number_has_its_line() -> None:
    told = {spec.name for spec in (*_SAFETY, *_EXPECTATIONS)} | _ELSEWHERE
    assert told == set(GRID_NAMES)


def test_a_number_this_page_does_not_know_is_told_by_its_name() -> None:
    assert lines(value_area_low=Decimal("0.1100"))["value area low"] == "0.1100"


def test_tiny_prices_have_no_exponent() -> None:
    found = lines(
        lower_bound=Decimal("1E-8"), atr_hourly=3.21987e-9, grid_step=Decimal("1E-9")
    )
    assert found["Lower price"] == "0.00000001 USDT"
    assert found["ATR(14) of hourly bars"] == "0.00000000322 USDT"
    assert found["Spacing"] == "0.000000001 USDT"


@pytest.mark.parametrize("missing", [None, float("nan"), float("inf")])
def test_missing_numbers_are_dashes(missing: float | None) -> None:
    names = [name for name in GRID_NAMES if name != "spacing"]
    found = lines(**dict.fromkeys(names, missing))
    assert found["Stop"] == "– USDT"
    assert found["Profit at the price"] == "– net of fees"
    assert found["Funding, fully loaded"] == "– USDT a day positive: received"
    text = " ".join(found.values()).lower()
    assert "nan" not in text.replace("financ", "")
    assert "inf" not in text


def test_an_initial_short_of_several_orders_says_so() -> None:
    assert "Orders of the initial short" not in lines()
    assert lines(initial_short_order_count=3)["Orders of the initial short"] == "3"


def test_no_grid_says_why_and_which_margin_would_do() -> None:
    row = ranked(
        grid=None,
        grid_reason=Reason(code="min_notional", text="margin <too> small"),
        minimum_margin=Decimal("1234.50"),
    )
    text = read(plan(row, "USDC")).text
    assert text == ("No gridmargin <too> smallA margin of 1234.50 USDC would do.")


def test_no_grid_at_any_margin_names_none() -> None:
    row = ranked(grid=None, grid_reason=None, minimum_margin=None)
    assert read(plan(row, "USDT")).text == "No grid"
