from typing import Any

import pytest

from grid_screening.reports.columns import SCORE_NAMES
from grid_screening.reports.html.score import _PARTS, score
from tests.grid_screening.reports.html.reader import Element, read
from tests.grid_screening.reports.samples import ranked, report

BREAKDOWN: dict[str, float | None] = dict.fromkeys(SCORE_NAMES, 0.0) | {
    "volatility": 0.18,
    "natr_rank": 0.9,
    "inefficiency": 0.1,
    "trend": 0.25,
    "hurst_bonus": 0.094,
    "microstructure": None,
    "volatility_displacement_bonus": None,
}


def card(weights: Any = (0.2, 0.2, 0.3, 0.3), **changes: Any) -> Element:
    row = ranked(**({"score_breakdown": BREAKDOWN} | changes))
    made = report(settings=report().settings | {"weights": weights})
    return read(score(row, made))


def rows(found: Element) -> list[list[str]]:
    table = found.one("table", class_="score")
    return [
        [cell.text.strip() for cell in row.children if not isinstance(cell, str)]
        for row in table.one("tbody").all("tr")
    ]


def test_every_part_and_term_is_told_once() -> None:
    told = [n for part in _PARTS for n in (part.name, part.index, *part.terms)]
    assert sorted(told) == sorted(SCORE_NAMES)


def test_parts_are_weight_times_index_with_their_terms() -> None:
    found = rows(card())
    assert found[0] == ["V volatility", "0.2 × 0.900", "0.180"]
    assert found[3] == [
        "trend base +0.000 · hurst bonus +0.094 · failed breakout bonus +0.000"
    ]
    assert found[4] == ["M microstructure", "0.3 × 0.000", "–"]
    assert "volatility displacement bonus –" in found[5][0]


@pytest.mark.parametrize("weights", [None, [0.5, 0.5]])
def test_unknown_weights_are_not_guessed(weights: Any) -> None:
    assert rows(card(weights))[0] == ["V volatility", "0.900", "0.180"]


def test_the_bar_is_as_long_as_its_parts() -> None:
    found = card().one("svg", class_="stack")
    widths = [int(str(e.attributes["width"])) + 1 for e in found.all("rect")]
    assert widths == [72, 40, 100]  # of 400
    starts = [int(str(e.attributes["x"])) for e in found.all("rect")]
    assert starts == [0, 72, 112]
    assert [e.text for e in found.all("text")] == ["V", "I", "T"]
    assert found.one("title").text == (
        "volatility 0.180, inefficiency 0.100, trend 0.250, microstructure –, of 1"
    )


def test_a_sliver_has_no_letter() -> None:
    found = card(score_breakdown={**BREAKDOWN, "inefficiency": 0.01})
    assert [e.text for e in found.one("svg").all("text")] == ["V", "T"]


def test_the_interval_stands_beside_the_rank() -> None:
    assert "Rank 1, by its bars anywhere in 1–6; confidence 100 %." in (
        card(rank_interval=(1, 6)).text
    )
    assert "Rank 1; confidence 92.5 %." in card(confidence=0.925).text


def test_a_veto_is_told_over_its_parts() -> None:
    assert "Vetoed (steep, straight up-trend)" in card(vetoed=True, gss=0.0).text


def test_a_term_of_a_later_profile_is_told_by_its_name() -> None:
    found = card(score_breakdown={**BREAKDOWN, "stop_out_gate": 0.5})
    assert rows(found)[-1] == ["stop out gate", "", "0.500"]
