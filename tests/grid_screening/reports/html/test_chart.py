import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from grid_screening.reports.html.chart import MOST_LEVEL_LINES, chart
from grid_screening.screening_report import PriceBars
from tests.grid_screening.reports.html.pictures import VOLUMES, bars
from tests.grid_screening.reports.html.reader import Element, read
from tests.grid_screening.reports.samples import BOX, GRID, UNKNOWN_BOX, ranked


def picture(**changes: Any) -> Element:
    grid = {**GRID, **changes.pop("grid", {})}
    row = ranked(**({"grid": grid, "bars": bars()} | changes))
    return read(chart(row, "USDT", "c1"))


def level_lines(drawn: Element) -> int:
    paths = [e for e in drawn.all("path") if "level" in str(e.attributes["class"])]
    return sum(str(path.attributes["d"]).count("M") for path in paths)


def heights(drawn: Element, css: str) -> list[float]:
    path = drawn.one("path", class_=f"mark {css}")
    found = re.match(r"M\d+ (\d+)H", str(path.attributes["d"]))
    assert found is not None
    return [float(found[1])]


def test_bounds_price_stop_and_liquidation_are_drawn_in_their_order() -> None:
    drawn = picture()
    names = ("liq", "stop", "upper", "price", "lower")
    places = [heights(drawn, name)[0] for name in names]
    assert places == sorted(places)
    labels = [e.text for e in drawn.all("text")]
    for label in (
        "liq 0.15670", "stop 0.15090", "upper 0.15010", "price 0.12340",
        "lower 0.10010",
    ):  # fmt: skip
        assert label in labels


def test_labels_do_not_overlap() -> None:
    texts = [e for e in picture().all("text") if "class" not in e.attributes]
    places = sorted(int(str(e.attributes["y"])) for e in texts)
    assert len(places) == 5
    assert min(np.diff(places)) >= 139


@pytest.mark.parametrize(
    ("count", "drawn", "words"),
    [
        (2, 2, "2 levels"),
        (60, 60, "60 levels"),
        (61, 31, "every 2nd level of 61"),
        (130, 44, "every 3rd level of 130"),
        (200, 50, "every 4th level of 200"),
    ],
)
def test_many_levels_are_thinned_out_and_it_is_said(
    count: int, drawn: int, words: str
) -> None:
    made = picture(grid={"level_count": count})
    assert level_lines(made) == drawn <= MOST_LEVEL_LINES
    assert f"thin lines: {words}, dashed where the grid buys" in (
        made.one("figcaption").text
    )


def test_a_single_level_is_drawn_at_the_lower_bound() -> None:
    assert level_lines(picture(grid={"level_count": 1})) == 1


def test_geometric_levels_stand_closer_below() -> None:
    drawn = picture(
        grid={
            "spacing": "geometric",
            "level_count": 3,
            "lower_bound": Decimal(1),
            "upper_bound": Decimal(4),
            "price": Decimal("0.5"),
        }
    )
    path = drawn.one("path", class_="level sells").attributes["d"]
    low, middle, high = (int(y) for y in re.findall(r"M\d+ (\d+)H", str(path)))
    assert (low - middle) * 2 == pytest.approx(middle - high, abs=3)


def drawn_levels(drawn: Element) -> str:
    return str(drawn.one("path", class_="level sells").attributes["d"])


def test_the_levels_that_are_placed_are_drawn() -> None:
    grid = {"spacing": "geometric", "lower_bound": Decimal(1), "price": Decimal("0.5")}
    grid |= {"upper_bound": Decimal(4), "level_count": 3}
    placed, read_back = (
        drawn_levels(picture(grid=grid, levels=levels))
        for levels in ((1.0, 3.0, 4.0), (1.0, 2.0, 4.0))
    )
    assert placed != read_back
    assert read_back == drawn_levels(picture(grid=grid))


def test_a_price_equal_to_the_band_lies_inside_the_frame() -> None:
    drawn = picture()
    for path in drawn.all("path"):
        for y in re.findall(r"M\d+ (-?\d+)", str(path.attributes["d"])):
            assert 120 <= int(y) <= 3020


def test_the_close_line_ends_where_the_last_close_lies() -> None:
    made = bars(3)
    made = replace(made, close=np.array([0.12, 0.13, 0.1234]))
    drawn = picture(bars=made)
    d = str(drawn.one("path", class_="close").attributes["d"])
    begin, _, steps = d.partition("l")
    x, y = (int(n) for n in re.findall(r"\d+", begin))
    for dx, dy in re.findall(r"(\d+)([+-]\d+)", steps):
        x, y = x + int(dx), y + int(dy)
    assert y == heights(drawn, "price")[0]


def test_no_bars_no_picture() -> None:
    drawn = picture(bars=None)
    assert drawn.all("svg") == []
    assert drawn.text == "No picture: this report holds no price bars."
    assert picture(bars=bars(0)).all("svg") == []


def test_no_grid_is_said_and_the_price_is_drawn() -> None:
    drawn = read(chart(ranked(grid=None, bars=bars()), "USDT", "c1"))
    assert len(drawn.all("path", class_="close")) == 1
    assert level_lines(drawn) == 0
    assert "No grid is drawn" in drawn.one("figcaption").text


def flat(value: float, count: int) -> PriceBars:
    column = np.full(count, value)
    return replace(bars(count), high=column, low=column, close=column)


@pytest.mark.parametrize("made", [flat(1e-8, 1), flat(100.0, 30), flat(0.0, 2)])
def test_a_price_that_never_moves_is_drawn(made: PriceBars) -> None:
    drawn = read(chart(ranked(grid=None, bars=made), "USDT", "c1"))
    assert len(drawn.all("path", class_="close")) == 1


def test_bars_that_are_not_finite_are_left_out() -> None:
    made = bars(5)
    made.close[2] = np.nan
    made.high[3] = np.inf
    drawn = picture(bars=made)
    assert "Last 3 bars" in drawn.one("figcaption").text
    everything = " ".join(str(v) for e in drawn for v in e.attributes.values())
    assert "nan" not in everything
    assert "inf" not in everything


def test_numbers_of_the_plan_that_are_not_finite_are_not_drawn() -> None:
    drawn = picture(grid={"stop_price": float("nan"), "liquidation_price": None})
    assert drawn.all("path", class_="mark stop") == []
    assert drawn.all("path", class_="mark liq") == []


def test_a_picture_has_a_title_and_a_description() -> None:
    drawn = picture(symbol="币安人生USDT")
    assert drawn.one("title").text == "币安人生USDT: price and planned grid"
    assert "stop 0.15090" in drawn.one("desc").text
    assert drawn.one("svg").attributes["role"] == "img"


def with_profile(**changes: Any) -> Element:
    return picture(**({"box": BOX, "volumes": VOLUMES} | changes))


def walk(d: str) -> list[tuple[int, int]]:
    """Corners of an outline of h and v steps."""
    found = re.match(r"M(\d+) (\d+)", d)
    assert found is not None
    x, y = int(found[1]), int(found[2])
    corners = [(x, y)]
    for way, length in re.findall(r"([hv])(-?\d+)", d):
        x, y = (x + int(length), y) if way == "h" else (x, y + int(length))
        corners.append((x, y))
    return corners


def test_the_profile_stands_beside_the_prices_on_their_axis() -> None:
    drawn = with_profile()
    inside = walk(str(drawn.one("path", class_="volume inside").attributes["d"]))
    area = drawn.one("rect", class_="area").attributes
    top, height = int(str(area["y"])), int(str(area["height"]))
    # the value area and its lines agree, and hold the steps drawn inside
    edges = [
        int(re.match(r"M\d+ (\d+)H", str(e.attributes["d"]))[1])  # type: ignore[index]
        for e in drawn.all("path", class_="mark va")
    ]
    assert sorted(edges) == [top, top + height]
    left = inside[0][0]
    wide = [y for (x, y) in inside if x > left]
    assert top - 60 <= min(wide) <= max(wide) <= top + height + 60
    widest = max(x for x, _ in inside)
    poc = heights(drawn, "poc")[0]
    places = [y for x, y in inside if x == widest]
    assert min(places) <= poc <= max(places)


def test_the_times_make_room_for_the_profile() -> None:
    plain, beside = picture(), with_profile()

    def band_end(drawn: Element) -> int:
        d = str(drawn.one("path", class_="close").attributes["d"])
        x = int(re.findall(r"M(\d+)", d)[0])
        return x + sum(int(step) for step, _ in re.findall(r"(\d+)([+-]\d+)", d))

    steps = walk(str(beside.one("path", class_="volume inside").attributes["d"]))
    assert band_end(beside) < steps[0][0] < band_end(plain)


def test_bounds_of_the_grid_cross_the_profile() -> None:
    drawn = with_profile()
    steps = walk(str(drawn.one("path", class_="volume inside").attributes["d"]))
    widest = max(x for x, _ in steps)
    for name in ("upper", "lower", "stop", "price", "poc"):
        d = str(drawn.one("path", class_=f"mark {name}").attributes["d"])
        assert int(re.findall(r"H(\d+)", d)[0]) >= widest


def test_profile_marks_have_labels_a_key_and_words() -> None:
    drawn = with_profile()
    texts = [e.text for e in drawn.all("text")]
    assert {"POC 0.122505", "VA high 0.12750", "VA low 0.11870"} <= set(texts)
    assert {"turnover, value area (70 %)", "outside it", "point of control"} <= (
        set(texts)
    )
    assert drawn.one("title").text.endswith("planned grid, turnover by price")
    assert "POC 0.122505" in drawn.one("desc").text
    caption = drawn.one("figcaption").text
    assert "Right: turnover of all bars of the scan by price" in caption
    assert "lies beyond" not in caption


def test_labels_of_grid_and_profile_do_not_overlap() -> None:
    labels = [
        e
        for e in with_profile().all("text")
        if "class" not in e.attributes and int(str(e.attributes["y"])) < 3200
    ]
    places = sorted(int(str(e.attributes["y"])) for e in labels)
    assert len(places) == 8
    assert min(np.diff(places)) >= 139


def test_turnover_far_from_the_prices_is_left_out_and_it_is_said() -> None:
    far = replace(VOLUMES, low=0.1125, step=0.02)
    drawn = with_profile(volumes=far)
    assert re.search(
        r"; \d\d % of it lies beyond the prices shown\.", drawn.one("figcaption").text
    )
    for css in ("volume", "volume inside"):
        for path in drawn.all("path", class_=css):
            for x, y in walk(str(path.attributes["d"])):
                assert y <= 3420
                assert x >= 0


def test_a_value_area_beyond_the_bars_is_drawn() -> None:
    box = replace(BOX, value_area_low=Decimal("0.05000"))
    area = with_profile(box=box, grid={}).one("rect", class_="area").attributes
    assert int(str(area["y"])) + int(str(area["height"])) <= 3020


def test_a_profile_is_drawn_where_there_is_no_grid() -> None:
    row = ranked(grid=None, bars=bars(), box=BOX, volumes=VOLUMES)
    drawn = read(chart(row, "USDT", "c1"))
    assert len(drawn.all("path", class_="volume inside")) == 1
    assert "No grid is drawn" in drawn.one("figcaption").text


def test_no_profile_no_room_for_it() -> None:
    drawn = picture(box=UNKNOWN_BOX)
    assert drawn.all("rect", class_="area") == []
    assert drawn.one("svg").attributes["viewbox"] == "0 0 5200 3300"
