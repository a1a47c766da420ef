"""JSON and back, the block of the README, histograms."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from grid_screening.validation.histograms import outcome_histogram
from grid_screening.validation.report import (
    evidence_markdown,
    study_json,
    with_evidence,
)
from grid_screening.validation.report.markdown import BEGIN, END
from grid_screening.validation.report.verdicts import (
    verdicts,
)
from grid_screening.validation.results_reading import read_study
from tests.grid_screening.validation.report import samples
from tests.recorded import ROOT

NAN = float("nan")
EVIDENCE = ROOT / "docs" / "evidence.json"


def refused(text: str) -> None:
    raise AssertionError(f"{text} is no JSON")


def plain(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(data, parse_constant=refused)
    return found


class TestJson:
    @pytest.mark.parametrize("make", ["study", "opposite", "bare"])
    def test_the_way_back_gives_the_same_result(self, make: str) -> None:
        result = getattr(samples, make)()
        again = read_study(plain(study_json(result)))
        assert study_json(again) == study_json(result)
        assert evidence_markdown(again) == evidence_markdown(result)

    def test_a_result_without_gaps_is_equal(self) -> None:
        result = samples.study()
        again = read_study(result.to_mapping())
        assert replace(again, settings=result.settings) == result
        assert list(again.settings["weights"]) == result.settings["weights"]

    def test_what_is_not_known_is_null(self) -> None:
        document = plain(study_json(samples.bare()))
        assert document["gate"]["difference"]["mean"] is None
        assert document["outcome"][0]["histogram"] is None

    def test_fields_stand_in_their_order(self) -> None:
        names = list(plain(study_json(samples.study())))
        assert names[:3] == ["version", "data", "settings"]
        assert study_json(samples.study()).endswith(b"}\n")


class TestReading:
    def test_a_missing_field_is_named_with_its_place(self) -> None:
        document = plain(study_json(samples.study()))
        del document["gate"]["difference"]["low"]
        with pytest.raises(ValueError, match=r"^study\.gate\.difference\.low is miss"):
            read_study(document)

    def test_a_field_with_a_default_may_be_missing(self) -> None:
        document = plain(study_json(samples.study()))
        del document["outcome"][0]["histogram"]
        document["later"] = 1
        assert read_study(document).outcome[0].histogram is None

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("version", 3, r"^study\.version must be str, was 3$"),
            ("gate", [], r"^study\.gate must be Mapping"),
            ("universe", {}, r"^study\.universe must be"),
            ("timing", {"seconds": True}, r"^study\.timing\.seconds must be"),
            ("settings", None, r"^study\.settings must be Mapping, was None$"),
        ],
    )
    def test_a_wrong_type_is_named_with_its_place(
        self, name: str, value: Any, message: str
    ) -> None:
        document = plain(study_json(samples.study())) | {name: value}
        with pytest.raises(ValueError, match=message):
            read_study(document)

    def test_wrong_kinds_and_lengths_are_refused(self) -> None:
        document = plain(study_json(samples.study()))
        document["rank"][0]["kind"] = "guess"
        with pytest.raises(ValueError, match="guess"):
            read_study(document)
        document = plain(study_json(samples.study()))
        document["outcome"][0]["worst"] = [0.1]
        with pytest.raises(ValueError, match=r"worst must have 3 values, had 1$"):
            read_study(document)


class TestMarkdown:
    @pytest.mark.parametrize("make", ["study", "opposite", "bare", "empty"])
    def test_every_answer_has_one_line(self, make: str) -> None:
        result = getattr(samples, make)()
        block = evidence_markdown(result)
        lines = block.splitlines()
        assert (lines[0], lines[-1]) == (BEGIN, END)
        rows = [line for line in lines if line.startswith("|")][2:]
        for row, verdict in zip(rows, verdicts(result), strict=True):
            assert row.count(" | ") == 2
            assert f"**{verdict.answer}**" in row
        assert "nan" not in block

    def test_a_pipe_in_a_name_does_not_break_the_table(self) -> None:
        family = samples.profit(0.0094)
        rows = tuple(replace(row, name="a|b\nc") for row in family.rows)
        result = replace(samples.study(), profit=replace(family, rows=rows))
        (row,) = [x for x in evidence_markdown(result).splitlines() if "a\\|b" in x]
        assert row.startswith("| Does any score")

    def test_the_block_is_replaced_and_the_rest_kept(self) -> None:
        block = evidence_markdown(samples.study())
        document = f"before\n{BEGIN}\nold\n{END}\nafter\n"
        assert with_evidence(document, block) == f"before\n{block}\nafter\n"

    @pytest.mark.parametrize(
        "document", ["", BEGIN, f"{END} {BEGIN}", f"{BEGIN} {BEGIN} {END}"]
    )
    def test_marks_that_are_not_there_are_told(self, document: str) -> None:
        with pytest.raises(ValueError, match="evidence"):
            with_evidence(document, "block")


def test_the_readme_says_what_the_kept_study_found() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert (BEGIN in readme) == EVIDENCE.exists()
    if EVIDENCE.exists():
        block = evidence_markdown(read_study(plain(EVIDENCE.read_bytes())))
        # to mend it: python -m tests.evidence_block
        assert with_evidence(readme, block) == readme


class TestHistogram:
    def test_every_known_value_is_counted_once(self) -> None:
        values = np.array([[-5.0, -1.0, 0.0, 0.5], [1.0, 1.01, NAN, 0.99]])
        found = outcome_histogram(values, low=-1.0, high=1.0, bins=4)
        assert found.edges == (-1.0, -0.5, 0.0, 0.5, 1.0)
        assert found.counts == (1, 0, 1, 3)
        assert (found.below, found.above) == (1, 1)

    def test_mistakes_are_told(self) -> None:
        with pytest.raises(ValueError, match=r"^bins must be at least 1, was 0$"):
            outcome_histogram(np.zeros(3), low=0, high=1, bins=0)
        with pytest.raises(ValueError, match=r"^low must be below high, were 1 and 1$"):
            outcome_histogram(np.zeros(3), low=1, high=1, bins=3)
