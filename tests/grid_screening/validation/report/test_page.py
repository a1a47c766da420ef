"""The evidence page: closed, well-formed, deterministic, complete."""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import matplotlib as mpl
import pytest

from grid_screening.validation.report import study_html
from grid_screening.validation.report.drawing import (
    INK,
    SERIES,
    figure,
    picture,
    styled,
)
from grid_screening.validation.report.verdicts import (
    in_short,
    verdicts,
)
from grid_screening.validation.results import StudyResult
from tests.grid_screening.reports.html.reader import Element, read
from tests.grid_screening.reports.html.test_markup import HOSTILE
from tests.grid_screening.validation.report import samples
from tests.recorded import ROOT

EVERY = pytest.mark.parametrize(
    "make", [samples.study, samples.opposite, samples.bare, samples.empty]
)
Make = Callable[[], StudyResult]
PICTURES = (
    "universe-picture", "reliability", "months", "coefficients",
    "widening-picture", "money", "correlations", "tenths", "spread",
)  # fmt: skip


@cache
def page(make: Make) -> str:
    return study_html(make())


@pytest.fixture(scope="module")
def whole() -> Element:
    return read(page(samples.study))


@EVERY
def test_the_page_is_well_formed_and_without_gaps(make: Make) -> None:
    text = page(make)
    root = read(text)
    assert text.startswith('<!DOCTYPE html>\n<html lang="en"><head><meta charset=')
    said = root.one("main").text
    assert not re.search(r"\b(nan|inf|None|NaN)\b", said)
    assert "  " not in said.replace("\n", "")


@EVERY
def test_every_answer_is_on_the_page(make: Make) -> None:
    result = make()
    cards = read(page(make)).one("section", id="answers").text
    cards = cards.replace("\N{NO-BREAK SPACE}", " ")
    assert in_short(result) in cards
    for verdict in verdicts(result):
        assert verdict.question in cards
        assert verdict.sentence in cards


def test_the_same_result_gives_the_same_bytes() -> None:
    assert page(samples.study) == study_html(samples.study())


def test_bytes_do_not_depend_on_the_process() -> None:
    program = (
        "import hashlib, sys\n"
        "from grid_screening.validation.report import study_html\n"
        "from tests.grid_screening.validation.report.samples import study\n"
        "print(hashlib.sha256(study_html(study()).encode()).hexdigest())"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": "", "HOME": str(ROOT / "nowhere"),
                 "MPLCONFIGDIR": mpl.get_cachedir()},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(hashes) == 1


def test_nothing_is_fetched_and_nothing_runs(whole: Element) -> None:
    text = page(samples.study)
    assert not re.search(r"https?:|@import|\bsrc=|srcset|<link|<base|<script", text)
    assert set(re.findall(r"url\((.)", text)) <= {"#"}
    policy = whole.one("meta", http_equiv="Content-Security-Policy")
    assert policy.attributes["content"] == (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'"
    )
    for element in whole:
        assert not [name for name in element.attributes if name.startswith("on")]
        link = element.attributes.get("href")
        assert link is None or link.startswith("#")


def test_pictures_follow_light_and_dark_and_name_themselves(whole: Element) -> None:
    drawn = whole.all("svg", role="img")
    titles = [picture.attributes["aria-labelledby"] for picture in drawn]
    assert titles == [f"{name}-title" for name in PICTURES]
    text = page(samples.study)
    body = text[text.index("<body") :]
    assert set(re.findall(r"#[0-9a-f]{6}\b", body)) == set()
    assert "var(--ink)" in body
    assert "var(--part0)" in body


def test_references_inside_pictures_exist(whole: Element) -> None:
    ids = {e.attributes["id"] for e in whole if "id" in e.attributes}
    for element in whole:
        used = re.findall(
            r"url\(#([^)]*)\)", " ".join(map(str, element.attributes.values()))
        )
        if element.name == "use":
            used.append(str(element.attributes["href"])[1:])
        assert set(used) <= ids


def test_navigation_names_the_sections_that_exist() -> None:
    for make in (samples.study, samples.bare):
        root = read(page(make))
        targets = [str(a.attributes["href"])[1:] for a in root.one("nav").all("a")]
        assert targets == [s.attributes["id"] for s in root.one("main").all("section")]


def test_a_scans_shorter_lists_are_told_where_they_are_known(whole: Element) -> None:
    told = "fewer than 20 were listed at 12.0 % of the origins"
    assert told in whole.one("section", id="gate").text
    assert "first 40" not in read(page(samples.bare)).one("section", id="gate").text


def test_survivorship_follows_from_the_contracts_that_end(whole: Element) -> None:
    for section in ("data", "limits"):
        assert "3 contracts" in whole.one("section", id=section).text
    data = replace(samples.study().data, ended_count=0)
    root = read(study_html(replace(samples.study(), data=data)))
    assert "no contract ends before the history does" in (
        root.one("section", id="data").text
    )
    limits = root.one("section", id="limits").text
    assert "delisted before the history's end are missing" in limits
    assert "probably understates what shorts earned" in limits


def test_assumptions_say_who_was_liquidated(whole: Element) -> None:
    section = whole.one("section", id="sensitivity").text
    assert "liquidated" in section
    assert "2.1 %" in section


def test_tenths_without_numbers_are_not_drawn() -> None:
    result = samples.study()
    unknown = replace(result.deciles[0], pnl=(float("nan"),) * 10)
    root = read(study_html(replace(result, deciles=(unknown,))))
    assert not root.all("title", id="tenths-title")
    assert "–" in root.one("section", id="tenths").text


def test_what_is_missing_is_not_drawn_and_the_rest_is() -> None:
    result = samples.study()
    rows = tuple(
        replace(row, critical_value=float("nan")) for row in result.profit.rows
    )
    family = replace(result.profit, rows=rows)
    fewer = replace(result, deciles=result.deciles[:3], profit=family)
    root = read(study_html(fewer))
    assert root.all("title", id="money-title")
    tenths = root.one("section", id="tenths").one("figure").text
    assert [row.name for row in fewer.deciles if row.name in tenths] == [
        row.name for row in fewer.deciles
    ]


def test_every_score_and_assumption_is_in_a_table(whole: Element) -> None:
    result = samples.study()
    names = [th.text for th in whole.one("main").all("th", scope="row")]
    for row in (*result.rank, *result.deciles, *result.top, *result.sensitivity):
        assert row.name in names


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_of_the_result_are_shown_as_they_are(text: str) -> None:
    result = samples.study()
    hostile = replace(
        result,
        version=text,
        data=replace(result.data, label=text, problems=(text,)),
        settings={text: text},
        protocol={text: {text: [text]}},
        rank=tuple(replace(row, name=text) for row in result.rank[:2]),
        deciles=tuple(replace(row, name=text) for row in result.deciles[:1]),
        top=tuple(replace(row, name=text) for row in result.top),
        tried=tuple(replace(row, name=text, statistic=text) for row in result.tried),
    )
    root = read(study_html(hostile))
    assert not root.all("script")
    assert not root.all("img")
    assert text in root.one("section", id="data").text


def test_drawing_leaves_the_callers_style_alone() -> None:
    before = dict(mpl.rcParams)
    study_html(samples.opposite())
    assert dict(mpl.rcParams) == before


@styled
def drawn(ident: str) -> str:
    canvas, (axis,) = figure(2.0)
    axis.plot([0, 1], [0, 1], color=SERIES[0], marker="o")
    axis.text(0.5, 0.5, "a < b & $c$", color=INK)
    return picture(canvas, ident, title="T", caption="C")


def test_two_pictures_share_no_id() -> None:
    texts = [drawn(ident) for ident in ("one", "two")]
    first, second = (set(re.findall(r'\bid="([^"]+)"', text)) for text in texts)
    assert first
    assert not first & second
    assert "a &lt; b &amp; $c$" in texts[0]
    read("".join(texts))


def test_help_does_not_load_matplotlib() -> None:
    program = (
        "import sys, grid_screening.validation.report as report\n"
        "print([m for m in ('matplotlib', 'scipy', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True
    )
    assert done.stdout.strip() == b"[]"
