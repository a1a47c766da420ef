"""The page as a whole: well-formed, closed to the network, escaped, complete."""

import base64
import hashlib
import re
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grid_screening.conf import ScreenerSettings
from grid_screening.reports.columns import FACTOR_NAMES, GRID_NAMES, SCORE_NAMES
from grid_screening.reports.html import report_html
from grid_screening.reports.html.page import script
from grid_screening.screening_report import (
    RankedSymbol,
    Reason,
    ScreeningReport,
)
from tests.grid_screening.reports import samples
from tests.grid_screening.reports.html.pictures import bars
from tests.grid_screening.reports.html.reader import Element, read
from tests.grid_screening.reports.html.test_markup import HOSTILE
from tests.recorded import ROOT

STATIC = ROOT / "grid_screening" / "reports" / "html" / "static"
ALLOWED = {
    "a", "b", "bdi", "body", "caption", "dd", "desc", "details", "div", "dl",
    "document", "dt", "fieldset", "figcaption", "figure", "footer", "h1", "h2", "h3",
    "head", "header", "html", "input", "label", "legend", "li", "main", "mark", "meta",
    "nav", "p", "path", "rect", "script", "section", "small", "span", "strong", "style",
    "summary", "svg", "table", "tbody", "td", "text", "th", "thead", "title", "tr",
    "ul",
}  # fmt: skip
EMPTY = samples.empty(
    samples.funnel(("universe", 1), ("turnover", 0), ("scored", 0), ("listed", 0)),
    (samples.excluded("AUSDT", "turnover", "turnover", 4.4e7, 5e7),),
)


def full(**changes: Any) -> ScreeningReport:
    rows = samples.report().ranked
    drawn = replace(rows[0], bars=bars(), rank_interval=(1, 2))
    return samples.report(ranked=(drawn, *rows[1:]), **changes)


def listing(count: int, **changes: Any) -> ScreeningReport:
    rows = tuple(
        samples.ranked(f"S{number:03d}USDT", rank=number + 1, **changes)
        for number in range(count)
    )
    dropped = tuple(
        samples.excluded(f"X{number}USDT", "turnover", "turnover", 4.2e7, 5e7)
        for number in range(470)
    )
    return samples.report(ranked=rows, excluded=dropped)


def page(report: ScreeningReport) -> Element:
    return read(report_html(report))


def visible(root: Element) -> str:
    """All text of the body but the script's."""
    body = root.one("body")
    return body.text.removesuffix(body.one("script").text)


@pytest.mark.parametrize("report", [full(), EMPTY, full(degraded=True, source="demo")])
def test_the_page_is_well_formed_and_says_its_language(report: ScreeningReport) -> None:
    text = report_html(report)
    assert text.startswith(
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    )
    assert {element.name for element in read(text)} <= ALLOWED
    text.encode("utf-8")


def test_the_policy_admits_the_one_script_and_nothing_from_elsewhere() -> None:
    root = page(full())
    meta = root.one("meta", http_equiv="Content-Security-Policy")
    digest = hashlib.sha256(root.one("script").text.encode()).digest()
    assert meta.attributes["content"] == (
        "default-src 'none'; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{base64.b64encode(digest).decode()}'; "
        "base-uri 'none'; form-action 'none'"
    )
    before = list(root.one("head"))[: list(root.one("head")).index(meta)]
    assert [e.name for e in before] == ["head", "meta"]  # only the charset


def test_nothing_refers_to_a_network() -> None:
    text = report_html(full())
    assert not re.search(r"https?:|url\(|@import|\bsrc=|srcset|<link|<base", text)
    assert not re.search(r"fetch\(|XMLHttp|WebSocket|import\(|eval\(", script())
    for element in page(full()):
        assert not [name for name in element.attributes if name.startswith("on")]


def hostile_report(text: str) -> ScreeningReport:
    row = samples.ranked(
        text,
        grid_reason=Reason(code=text, text=text),
        marks=(text, "crowded"),
        factors={**samples.FACTORS, text: 1.0},
        score_breakdown={text: 0.5},
        grid={**samples.GRID, text: text},
        bars=bars(20),
    )
    bare = replace(row, grid=None, rank=2, bars=None)
    return samples.report(
        ranked=(row, bare),
        excluded=(samples.excluded(text, text, text, text, text),),
        notes=(text,),
        settings=samples.report().settings | {text: text, "quote": text},
        funnel=samples.funnel((text, 3), ("listed", 2)),
    )


@settings(max_examples=40, deadline=None)
@given(st.text().map("{}'".format))  # never the name of a number
@example(HOSTILE[0])
@example(HOSTILE[1])
@example(HOSTILE[2])
@example(HOSTILE[3])
@example(HOSTILE[4])
def test_no_text_becomes_markup(text: str) -> None:
    root = page(hostile_report(text))
    assert {element.name for element in root} <= ALLOWED
    assert len(root.all("script")) == 1
    assert root.one("script").text == script()
    assert len(root.all("style")) == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_shown_as_they_are(text: str) -> None:
    root = page(hostile_report(text))
    table = root.one("table", id="ranking")
    assert table.one("tbody").all("th")[0].text == text
    assert root.one("section", id="notes").all("li")[0].text == text
    (excluded,) = root.one("table", id="excluded-rows").one("tbody").all("tr")
    assert excluded.all("th")[0].text == text


def test_texts_of_the_report_are_complete() -> None:
    report = full(
        source="snapshot",
        degraded=True,
        coverage=0.5,
        settings=ScreenerSettings(symbols=("FFFUSDT",)).by_flag(),
        rank_stability=samples.STABILITY,
    )
    text = visible(page(report))
    for part in (
        "REPLAY of a scan as of 2026-10-07 12:00:00 UTC.",
        "DEGRADED: data of only 50.0%",
        "coverage 50.0%",
        "21 requests, weight 88 (peak 88 a minute), retries 1",
        "ranks 1–2, 3–9 cannot be told apart (90 %, 50 draws over bars)",
        "the veto fired for one contract",
        "vetoed (steep, straight up-trend, score 0): EEEUSDT",
        "FFFUSDT excluded at “turnover”",
        "needs 24 h turnover +8,000,000",
        "2 scored but not listed, 1 of them vetoed",
        "margin too small",
        "squeeze risk: funding > 0.1 % per 8 h",
        "GSS describes conditions, it does not forecast profit.",
    ):
        assert part in text
    assert text.count("DEGRADED") == 2


def test_the_table_is_sorted_by_rank_and_has_its_units_and_tooltips() -> None:
    table = page(full()).one("table", id="ranking")
    headings = table.one("thead").all("th")
    assert [h.text for h in headings[:4]] == ["#", "Ranks", "Symbol", "GSS0…1"]
    assert all(h.attributes["scope"] == "col" for h in headings)
    assert [h.text for h in headings if "aria-sort" in h.attributes] == ["#"]
    by_text = {h.text: h.attributes.get("title") for h in headings}
    assert by_text["StopUSDT"] == "stop price"
    assert by_text["NATR%"] == "NATR(14) in % of close"
    first = table.one("tbody").all("tr")[0]
    cells = [c.text for c in first.children if not isinstance(c, str)]
    assert cells[:3] == ["1", "1–2", "币安人生USDT"]
    assert len(cells) == len(headings)
    assert first.all("th")[0].attributes["scope"] == "row"


def test_rows_carry_what_they_can_be_hidden_for() -> None:
    root = page(full())
    labels = {
        str(box.attributes["value"]): label.text.strip()
        for label in root.all("label")
        for box in label.all("input", class_="hides")
    }
    assert labels == {
        "0": "V extreme volatility",
        "1": "S squeeze risk",
        "2": "without a grid",
    }
    rows = root.one("table", id="ranking").one("tbody").all("tr")
    blocks = root.one("div", id="contract-list").children
    for elements in (rows, [b for b in blocks if isinstance(b, Element)]):
        traits = [e.attributes.get("data-traits") for e in elements]
        assert traits == ["0", None, "1 2"]


def test_marks_and_vetoes_of_all_kinds_can_be_hidden() -> None:
    rows = (
        samples.ranked("AUSDT", marks=("unheard_of",)),
        samples.ranked("BUSDT", rank=2, vetoed=True, gss=0.0, grid=None),
    )
    root = page(samples.report(ranked=rows))
    labels = [e.text.strip() for e in root.one("div", id="filters").all("label")]
    assert labels[1:] == ["a maintenance brackets assumed", "unheard_of", "vetoed"]


def test_every_contract_has_its_details_in_the_tables_order() -> None:
    root = page(full())
    blocks = root.one("div", id="contract-list").children
    assert [b.attributes["id"] for b in blocks if isinstance(b, Element)] == [
        "c1", "c2", "c3",
    ]  # fmt: skip
    links = root.one("table", id="ranking").one("tbody").all("a")
    assert [a.attributes["href"] for a in links] == ["#c1", "#c2", "#c3"]
    first = root.one("details", id="c1")
    assert first.one("summary").text == "1 币安人生USDT GSS 0.734 · 0.10010–0.15010"
    factors = first.one("table", class_="factors").one("tbody").all("tr")
    assert len(factors) == len(FACTOR_NAMES)
    shown = {r.all("th")[0].text: [c.text for c in r.all("td")] for r in factors}
    assert shown["natr"] == ["4.25", "percent of close"]
    assert shown["funding rate 8h"] == ["0.01", "% per 8 h"]
    assert shown["distance to 30d high"] == ["−12.5", "%"]
    assert shown["half life bars"] == ["–", "bars"]
    assert "V extreme volatility: NATR > 6 %" in first.text
    assert root.one("details", id="c3").one("summary").text.endswith("· no grid")


def test_a_contract_without_marks_has_no_list_of_them() -> None:
    root = page(samples.report(ranked=(samples.ranked(marks=()),)))
    assert "Marks" not in [e.text for e in root.one("details", id="c1").all("h3")]


def test_every_factor_and_term_is_explained_once() -> None:
    meanings = page(full()).one("dl", class_="meanings")
    names = [e.text for e in meanings.all("dt")]
    wanted = [n.replace("_", " ") for n in (*FACTOR_NAMES, *SCORE_NAMES)]
    assert sorted(names) == sorted(wanted)


def test_the_funnel_says_what_each_stage_dropped() -> None:
    stages = page(full()).one("table", class_="stages").one("tbody").all("tr")
    cells = [[c.text for c in r.children if isinstance(c, Element)] for r in stages]
    assert [row[:3] for row in cells] == [
        ["universe", "6", ""],
        ["readable", "6", ""],
        ["turnover", "5", "−1"],
        ["scored", "5", ""],
        ["listed", "3", ""],
    ]
    widths = [r.one("rect").attributes["width"] for r in stages]
    assert widths == ["100.0", "100.0", "83.3", "83.3", "50.0"]


def test_changed_settings_are_marked_not_by_colour_alone() -> None:
    made = full(
        settings=ScreenerSettings(min_volume=1e6, max_tick_share=1e-5).by_flag()
    )
    section = page(made).one("section", id="settings")
    rows = section.one("tbody").all("tr")
    changed = [[c.text for c in r.children if isinstance(c, Element)] for r in rows
               if "class" in r.attributes]  # fmt: skip
    assert changed == [
        ["min_volume", "1000000", "50000000", "changed"],
        ["max_tick_share", "0.00001", "0.1", "changed"],
    ]
    assert f"{len(made.settings)} settings, 2 not the default" in section.text


def test_an_empty_list_gives_the_advice() -> None:
    root = page(EMPTY)
    assert "No contract qualified." in root.one("section", class_="empty").text
    assert "--min-volume 43000000 would admit 1" in visible(root)
    assert root.all("table", id="ranking") == []
    assert [a.text for a in root.one("nav").all("a")] == [
        "Funnel", "Notes", "Settings",
    ]  # fmt: skip


def test_a_scan_of_nothing_is_a_page_too() -> None:
    bare = samples.empty((), (), notes=())
    assert "the exchange lists no contract" in visible(page(bare)).lower()


def numbers(row: RankedSymbol, value: Any) -> RankedSymbol:
    return replace(
        row,
        gss=value,
        confidence=value,
        factors=dict.fromkeys(FACTOR_NAMES, value),
        score_breakdown=dict.fromkeys(SCORE_NAMES, value),
        grid=dict.fromkeys(GRID_NAMES, value) | {"spacing": "arithmetic"},
        minimum_margin=Decimal(value),
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_no_number_is_written_as_nan_or_infinity(value: float) -> None:
    row = replace(numbers(samples.ranked(), value), bars=bars(5))
    made = samples.report(ranked=(row,), settings={"interval": "4h", "odd": value})
    root = page(made)
    words = set(re.findall(r"[a-z]+", visible(root).lower()))
    assert not words & {"nan", "inf", "infinity"}
    for picture in root.all("svg"):
        for element in picture:
            assert "nan" not in str(element.attributes.get("d"))


@pytest.mark.parametrize("value", [1.25e-9, 3.0e14, -2.5e-7])
def test_no_number_is_written_with_an_exponent(value: float) -> None:
    root = page(samples.report(ranked=(numbers(samples.ranked(), value),)))
    assert re.findall(r"\d[eE][+-]?\d", visible(root)) == []


def test_the_same_report_is_the_same_bytes_in_any_process() -> None:
    program = (
        "import hashlib\n"
        "from tests.grid_screening.reports.html.test_page import full, report_html\n"
        "print(hashlib.sha256(report_html(full()).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "DJANGO_SETTINGS_MODULE": "config.settings"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    here = hashlib.sha256(report_html(full()).encode()).hexdigest()
    assert digests == {here}


def test_twenty_contracts_with_pictures_stay_small() -> None:
    report = listing(20, bars=bars(), rank_interval=(1, 20))
    assert len(report_html(report).encode()) <= 400_000


def test_a_whole_market_stays_usable() -> None:
    assert len(report_html(listing(540)).encode()) <= 5_000_000


def test_without_scripts_only_controls_are_out_of_sight() -> None:
    root = page(full())
    hidden = [e.attributes["id"] for e in root if "hidden" in e.attributes]
    assert hidden == ["stale", "age", "filters", "shown", "excluded-search"]
    assert [e.name for e in root if "open" in e.attributes] == []


def test_the_script_uses_what_is_on_the_page() -> None:
    root = page(full())
    ids = {e.attributes.get("id") for e in root}
    used = set(re.findall(r'byId\("([^"]+)"\)', script()))
    used |= set(re.findall(r'"#([a-z-]+) >', script()))
    assert used
    assert used <= ids
    classes = {str(e.attributes.get("class")) for e in root}
    assert "hides" in classes


def channels(color: str) -> list[float]:
    values = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]


def contrast(one: str, other: str) -> float:
    red, green, blue = 0.2126, 0.7152, 0.0722
    bright = sorted(
        red * r + green * g + blue * b for r, g, b in map(channels, (one, other))
    )
    return (bright[1] + 0.05) / (bright[0] + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_texts_stand_out_in_both_palettes(*, dark: bool) -> None:
    css = (STATIC / "report.css").read_text(encoding="utf-8")
    both = r"--([a-z0-9-]+): (?:light-dark\((#\w+), (#\w+)\)|(#\w+));"
    palette = {
        name: (only or (second if dark else first))
        for name, first, second, only in re.findall(both, css)
    }
    pairs = [("warn-ink", "warn-page"), ("stale-ink", "stale-page")]
    pairs += [
        (ink, page) for ink in ("ink", "soft", "link") for page in ("page", "card")
    ]
    pairs += [("on-part", f"part{number}") for number in range(4)]
    pairs += [("ink", "mark-page"), ("ink", "band")]
    for ink, ground in pairs:
        assert contrast(palette[ink], palette[ground]) >= 4.5, (ink, ground)
    for line in ("sell", "buy", "danger", "link"):
        assert contrast(palette[line], palette["card"]) >= 3, line


def test_the_palette_follows_the_system_and_the_choice() -> None:
    css = (STATIC / "report.css").read_text(encoding="utf-8")
    assert "color-scheme: light dark" in css
    ids = {e.attributes.get("id") for e in page(full())}
    for choice in ("theme-light", "theme-dark"):
        assert f":root:has(#{choice}:checked)" in css
        assert choice in ids


def test_a_telephone_has_the_columns_that_stand_beside_the_last_one() -> None:
    css = (STATIC / "report.css").read_text(encoding="utf-8")
    narrow = css[css.index("@media screen and (max-width: 40rem)") :]
    assert ".v { display: none; }" in narrow[: narrow.index("@media", 1)]
    head = page(full()).one("table", id="ranking").one("thead")
    kept = [
        heading.one("span").text
        for heading in head.all("th")
        if not {"u", "v", "w", "x"} & set(heading.attributes.get("class", "").split())
    ]
    assert kept == ["#", "Symbol", "GSS", "NATR%", "Mk"]


def test_paper_shows_closed_details_and_every_column() -> None:
    css = (STATIC / "report.css").read_text(encoding="utf-8")
    paper = css[css.index("@media print") :]
    assert "details::details-content { content-visibility: visible" in paper
    assert ".u, .w, .x { display: table-cell; }" in paper
    assert "beforeprint" in script()
