from grid_screening.reports.html.stop_out import stop_out
from grid_screening.screening_report import RankedSymbol
from tests.grid_screening.reports.html.reader import read
from tests.grid_screening.reports.samples import STOP_OUT, ranked


def text_of(row: RankedSymbol) -> str:
    found = stop_out(row, "USDT")
    assert found is not None
    (section,) = read(found).all("section")
    return section.text


def test_horizons_stand_with_their_intervals() -> None:
    found = stop_out(ranked(stop_out=STOP_OUT), "USDT")
    assert found is not None
    page = read(found)
    labels = [e.text for e in page.all("dt")]
    values = [e.text for e in page.all("dd")]
    assert list(zip(labels, values, strict=True)) == [
        ("Within 3 days", "6.4 % (0.5–11.0)"),
        ("Within 7 days", "14 % (12–17)"),
        ("Within 14 days", "23 % (20–27)"),
    ]


def test_widths_are_a_table_with_dashes_where_no_grid_is_legal() -> None:
    found = stop_out(ranked(stop_out=STOP_OUT), "USDT")
    assert found is not None
    page = read(found)
    heads = [e.text for e in page.all("th")]
    cells = [e.text for e in page.all("td")]
    assert heads[:7] == [
        "Width x", "Upper bound", "Stopped in 7 d", "All grids", "Trips in 7 d",
        "Quantity", "Harvest a day, USDT",
    ]  # fmt: skip
    assert heads[7:] == ["1", "2.5"]
    assert cells[:6] == ["0.13450", "31 % (27–36)", "44 %", "41.5", "301", "3.22"]
    assert cells[6:] == ["–", "14 % (11–17)", "13 %", "–", "–", "–"]


def test_it_is_said_where_the_widths_come_from() -> None:
    text = text_of(ranked(stop_out=STOP_OUT))
    assert "moving the upper bound of the same contracts at equal capital" in text
    assert "compare contracts with their own bounds" in text


def test_no_word_of_profit_but_the_warning() -> None:
    text = text_of(ranked(stop_out=STOP_OUT))
    assert text.count("profit") == 1
    assert "Nothing here forecasts profit" in text
    assert "95 % interval" in text


def test_missing_input_is_said_and_no_grid_says_nothing() -> None:
    assert "No probability: an input is missing" in text_of(ranked())
    assert stop_out(ranked(grid=None), "USDT") is None
