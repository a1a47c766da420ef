from decimal import Decimal
from typing import Any

import pytest

from grid_screening.reports.columns import GRID_NAMES
from grid_screening.reports.html.plan import (
    _ELSEWHERE,
    _EXPECTATIONS,
    _MINUTES,
    _SAFETY,
    plan,
)
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
    numbers = (*_SAFETY, *_EXPECTATIONS, *_MINUTES)
    told = {spec.name for spec in numbers} | _ELSEWHERE
    assert told == set(GRID_NAMES)


def test_a_number_this_page_does_not_know_is_told_by_its_name() -> None:
    assert lines(carry_of_mine=Decimal("0.1100"))["carry of mine"] == "0.1100"


def test_the_start_says_what_it_holds() -> None:
    found = lines()
    assert found["Net exposure at the start"] == (
        "−500.000000 USDT −62.5 % of the notional; started flat: 0"
    )
    flat = lines(start="flat", net_exposure=Decimal("0.000000"), net_exposure_share=0.0)
    assert flat["Net exposure at the start"] == "0.000000 USDT 0.0 % of the notional"
    assert flat["Open a position on creation"] == "No"


def test_the_bounds_are_placed_in_the_profile() -> None:
    found = lines(
        bounds="value-area",
        value_area_low=0.10008,
        value_area_high=0.15,
        point_of_control=0.12,
        volume_below_grid=0.151,
        volume_above_grid=None,
    )
    assert found["Bounds by"] == "value-area"
    assert found["Value area"] == "0.1001–0.15 USDT most volume at 0.12"
    assert found["Volume below, above the grid"] == "15.1 %, – %"


def test_minutes_are_told_where_they_were_asked_for() -> None:
    found = lines(deep_bars=1440, measured_trips_per_day=0.5)
    assert found["Round trips, measured"].startswith("0.5 a day")
    assert "Round trips, measured" not in lines()


def test_tiny_prices_have_no_exponent() -> None:
    found = lines(
        lower_bound=Decimal("1E-8"), atr_hourly=3.21987e-9, grid_step=Decimal("1E-9")
    )
    assert found["Lower price"] == "0.00000001 USDT"
    assert found["ATR(14) of hourly bars"] == "0.00000000322 USDT"
    assert found["Spacing"] == "0.000000001 USDT"


def test_the_dialog_asks_for_mode_and_number_of_grids() -> None:
    assert lines()["Mode"] == "Arithmetic"
    found = lines(
        spacing="geometric", grid_ratio=Decimal("1.009900000000"), cell_count=54
    )
    assert found["Mode"] == (
        "Geometric each level 0.990 % above the last, on the nearest tick"
    )
    assert found["Number of grids"].startswith("54 ")


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


def test_what_no_minute_bars_say_is_not_a_list_of_dashes() -> None:
    found = lines(deep_bars=None, measured_trips_per_day=None)
    assert "measured trips per day" not in found
    assert "deep bars" not in found
