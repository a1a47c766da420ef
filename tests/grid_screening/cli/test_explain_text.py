"""An explanation as people and as programs read it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pytest
from rich.cells import cell_len

from grid_screening.cli.explain_text import explanation_document, explanation_text
from grid_screening.counterfactuals import Counterfactual, Counterfactuals
from grid_screening.explanation import (
    Explanation,
    FailedFilter,
    MissingInput,
    ScoreTerm,
    Status,
)
from grid_screening.score_parts import PARTS
from grid_screening.screening_report import Exclusion, Reason
from tests.grid_screening.reports.samples import STOP_OUT

NATR = Counterfactual(
    factor="natr",
    value=3.1,
    target=3.5,
    spreads=0.2,
    shown_value=Decimal("3.10"),
    shown_target=Decimal("3.50"),
)
DIVERGENCE = Counterfactual(
    factor="bearish_cvd_divergence",
    value=0.0,
    target=1.0,
    spreads=None,
    shown_value=Decimal(0),
    shown_target=Decimal(1),
)
NOTHING = Counterfactuals(changes=(), insufficient=(), missing=())


def scored(**changes: Any) -> Explanation:
    terms = tuple(
        ScoreTerm(name=name, part=part, points=0.5, contribution=0.1)
        for part, names in PARTS.items()
        for name in names
    )
    absent = {"volatility_displacement_bonus", "open_interest_adjustment"}
    terms = tuple(
        replace(t, points=None, contribution=None) if t.name in absent else t
        for t in terms
    )
    made = Explanation(
        symbol="币安人生USDT",
        status=Status.NOT_LISTED,
        scored=58,
        top=20,
        rank=27,
        rank_interval=(3, 51),
        gss=0.512,
        confidence=0.925,
        parts=dict.fromkeys(PARTS, 0.128),
        terms=terms,
        factors={"natr": 3.1, "half_life_bars": None},
        marks=("crowded",),
        missing=(MissingInput(factor="open_interest_ratio", confidence_lost=0.075),),
        failures=(),
        rank_if_admitted=None,
        counterfactuals=Counterfactuals(
            changes=(NATR, DIVERGENCE), insufficient=("r_squared",), missing=()
        ),
    )
    return replace(made, **changes)


def excluded(**changes: Any) -> Explanation:
    reason = Reason(
        code="natr", text="NATR 0.60 % is outside 1…10 %", value=0.6, limit=1.0
    )
    stopped = Exclusion(symbol="AUSDT", stage="natr", reason=reason)
    made = scored(
        symbol="AUSDT",
        status=Status.EXCLUDED,
        rank=None,
        rank_interval=None,
        gss=None,
        confidence=None,
        parts={},
        terms=(),
        factors={},
        marks=(),
        missing=(),
        failures=(FailedFilter(exclusion=stopped, needs="needs NATR +0.40 pp"),),
        rank_if_admitted=31,
    )
    return replace(made, **changes)


def test_contract_below_the_list() -> None:
    assert explanation_text(scored()) == (
        """\
币安人生USDT: not listed, rank 27 (3–51) of 58 scored, the list ends at 20
  open interest ÷ 24 h turnover is missing: confidence −0.075
  mark C: crowded: open interest > 2 × 24 h turnover
  GSS 0.512 of 1, confidence 0.93:
    volatility      0.128  NATR rank 0.50
    inefficiency    0.128  inefficiency rank 0.50
    trend           0.128  flatness 0.50, Hurst bonus 0.50, failed breakout 0.50
    microstructure  0.128  base 0.50, CVD divergence 0.50, funding 0.50, open
                           interest –, taker buying 0.50
  any one of these would list it among the first 20, most plausible first:
    needs NATR +0.40 pp (3.10 % → 3.50 %)    0.20 σ of all contracts
    needs bearish CVD divergence +1 (0 → 1)  the same for all
  no change of one of these alone would list it among the first 20: R²
"""
    )


def test_listed_contract() -> None:
    text = explanation_text(
        scored(
            status=Status.RANKED, rank=3, rank_interval=None, counterfactuals=NOTHING
        )
    )
    assert text.startswith("币安人生USDT: listed, rank 3 of 58 scored\n")
    assert "would" not in text


def test_vetoed_contract() -> None:
    text = explanation_text(scored(status=Status.VETOED, top=0, gss=0.0))
    assert text.startswith(
        "币安人生USDT: vetoed (steep, straight up-trend), score 0, of 58 scored\n"
    )
    assert "any one of these would lift the veto, most plausible first:" in text


def test_excluded_contract() -> None:
    found = excluded(
        counterfactuals=Counterfactuals(changes=(NATR,), insufficient=(), missing=())
    )
    assert explanation_text(found) == (
        """\
AUSDT: excluded, 1 filter in its way
  fails “natr”: NATR 0.60 % is outside 1…10 %; needs NATR +0.40 pp
  without its filters it would be rank 31 of 59
  if admitted, any one of these would list it among the first 20, most plausible
    first:
    needs NATR +0.40 pp (3.10 % → 3.50 %)  0.20 σ of all contracts
"""
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (None, "no rank without its filters: its bars are not there or do not move"),
        (NOTHING, "without its filters it would be vetoed (steep, straight up-trend)"),
    ],
)
def test_excluded_contract_without_a_rank(
    changes: Counterfactuals | None, sentence: str
) -> None:
    found = excluded(rank_if_admitted=None, counterfactuals=changes)
    assert sentence in explanation_text(found)


def test_several_filters_are_counted() -> None:
    (first,) = excluded().failures
    stopped = replace(first, needs=None)
    text = explanation_text(excluded(failures=(first, stopped)))
    assert text.startswith("AUSDT: excluded, 2 filters in its way\n")
    assert "is outside 1…10 %\n" in text


@pytest.mark.parametrize("width", [50, 80, 120])
@pytest.mark.parametrize("found", [scored(), excluded()])
def test_no_line_is_wider_than_the_terminal(width: int, found: Explanation) -> None:
    lines = explanation_text(found, width=width).split("\n")
    # two columns that are never cut are 66 cells wide
    assert max(cell_len(line) for line in lines) <= max(width, 66)


def test_document_is_json_with_everything() -> None:
    document = explanation_document(scored())
    assert orjson.loads(orjson.dumps(document)) == document
    assert document["status"] == "not_listed"
    assert document["rank_interval"] == [3, 51]
    assert document["parts"]["trend"] == 0.128
    assert document["terms"][0] == {
        "name": "natr_rank",
        "part": "volatility",
        "points": 0.5,
        "contribution": 0.1,
    }
    assert document["missing"] == [
        {"factor": "open_interest_ratio", "confidence_lost": 0.075}
    ]
    assert document["counterfactuals"]["insufficient"] == ["r_squared"]
    assert document["counterfactuals"]["changes"][0] == {
        "factor": "natr",
        "value": 3.1,
        "target": 3.5,
        "spreads": 0.2,
        "needs": "needs NATR +0.40 pp (3.10 % → 3.50 %)",
    }


def test_document_of_an_excluded_contract() -> None:
    document = explanation_document(excluded(counterfactuals=None))
    assert orjson.loads(orjson.dumps(document)) == document
    assert document["rank"] is None
    assert document["counterfactuals"] is None
    assert document["rank_if_admitted"] == 31
    assert document["failures"] == [
        {
            "stage": "natr",
            "reason": {
                "code": "natr",
                "text": "NATR 0.60 % is outside 1…10 %",
                "value": 0.6,
                "limit": 1.0,
            },
            "needs": "needs NATR +0.40 pp",
        }
    ]


def test_listed_contract_tells_its_stop_out_probability_and_its_inputs() -> None:
    text = explanation_text(scored(status=Status.RANKED, stop_out=STOP_OUT), width=200)
    assert (
        "  share of such grids stopped out within 3 days 6.4 % (0.5–11.0), "
        "7 days 14 % (12–17), 14 days 23 % (20–27); 95 % intervals\n"
        "  told from range 2.40 daily ranges wide, +5.0 % in 7 days, "
    ) in text
    document = explanation_document(scored(stop_out=STOP_OUT))
    assert document["stop_out"]["horizons"][2]["days"] == 14


def test_contract_behind_the_candidates_says_that_its_grid_was_not_measured() -> None:
    text = explanation_text(scored(is_behind_gate=True), width=200)
    assert (
        "its grid was not measured: the gate of this profile looks at the first 40 only"
    ) in text
    assert explanation_document(scored(is_behind_gate=True))["is_behind_gate"] is True
    assert explanation_document(scored())["stop_out"] is None
