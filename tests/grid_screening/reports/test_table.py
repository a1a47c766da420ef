import re
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.cells import cell_len

from grid_screening.conf import ScreenerSettings
from grid_screening.reports.table import report_table
from grid_screening.screening_report import RankedSymbol, Reason, ScreeningReport
from tests.grid_screening.reports.samples import (
    GRID,
    STABILITY,
    empty,
    excluded,
    funnel,
    ranked,
    report,
    with_boxes,
    with_intervals,
    with_stop_outs,
)

ESSENTIAL = [
    "#",
    "Symbol",
    "GSS",
    "NATR%",
    "KER",
    "F8h%",
    "Range",
    "Step×N",
    "Lev",
    "Mk",
]


def lines(made: ScreeningReport, width: int) -> list[str]:
    return report_table(made, width=width).splitlines()


def header(made: ScreeningReport, width: int) -> list[str]:
    return next(line for line in lines(made, width) if "Symbol" in line).split()


def rows(made: ScreeningReport, width: int) -> list[str]:
    found = lines(made, width)
    start = next(i for i, line in enumerate(found) if "Symbol" in line)
    return found[start : start + 1 + len(made.ranked)]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    made = report(
        source="demo",
        degraded=True,
        coverage=0.5,
        settings=ScreenerSettings(min_volume=1e6, symbols=("FFFUSDT",)).by_flag(),
    )
    assert max(cell_len(line) for line in lines(made, width)) <= width


@pytest.mark.parametrize("width", [80, 120, 200])
def test_columns_stay_aligned_beside_wide_characters(width: int) -> None:
    top, *body = rows(report(), width)
    end = top.index("Range") + len("Range")
    for line, symbol in zip(body, ("币安人生USDT", "AAAUSDT"), strict=False):
        before, cell, _ = line.partition("0.10010–0.15010")
        assert symbol in before
        assert cell_len(before + cell) == end


def test_80_columns_hold_the_essential_ones() -> None:
    assert header(report(), 80) == ESSENTIAL


def test_wider_terminals_show_more_columns() -> None:
    narrow, middle, wide = (set(header(report(), w)) for w in (80, 120, 200))
    assert narrow < middle < wide
    assert {"Stop", "Liq", "OI/V"} <= middle
    assert {"β", "Tail%", "Cell%", "Loss", "HL"} <= wide


def test_long_prices_are_never_cut_columns_give_way_and_are_named() -> None:
    grid = {
        **GRID,
        "lower_bound": Decimal("101234.50"),
        "upper_bound": Decimal("112345.60"),
        "grid_step": Decimal("123.4000000"),
    }
    made = report(ranked=(ranked("1000000MOGUSDT", grid=grid),))
    text = report_table(made, width=80)
    assert "101234.50–112345.60" in text
    assert "1000000MOGUSDT" in text
    assert "hidden at this width: " in text
    assert max(map(cell_len, text.splitlines())) <= 80


def test_a_terminal_too_narrow_for_anything_shows_whole_symbols() -> None:
    assert "1000000MOGUSDT" in report_table(report(), width=10)


def test_plain_text_has_no_escape_codes() -> None:
    assert "\x1b" not in report_table(report(degraded=True), width=120)


def test_color_changes_nothing_but_escape_codes() -> None:
    styled = report_table(report(degraded=True, source="demo"), width=120, color=True)
    assert "\x1b[" in styled
    bare = [re.sub(r"\x1b\[[0-9;]*m", "", s).rstrip() for s in styled.splitlines()]
    assert bare == lines(report(degraded=True, source="demo"), 120)


@pytest.mark.parametrize("source", ["demo", "simulated"])
def test_a_simulated_market_is_named_at_both_ends(source: str) -> None:
    found = lines(report(source=source), 80)
    assert found[0].startswith("SIMULATED MARKET")
    assert found[-1].startswith("SIMULATED MARKET")


def test_a_live_market_is_not_called_simulated() -> None:
    assert "SIMULATED" not in report_table(report(), width=80)


def test_a_degraded_scan_says_so_at_both_ends() -> None:
    text = " ".join(lines(report(degraded=True, coverage=0.5), 80))
    assert text.count("DEGRADED: data of only 50.0%") == 2


def test_everything_below_the_table_is_there() -> None:
    made = report(settings=ScreenerSettings(min_volume=1e6, top=3).by_flag())
    text = " ".join(" ".join(lines(made, 80)).split())
    assert "universe 6 → readable 6 → turnover 5 (−1) → scored 5 → listed 3" in text
    assert "coverage 100.0%" in text
    assert "21 requests, weight 88 (peak 88 a minute), retries 1" in text
    assert "data as of 2026-10-07 12:00:00 UTC" in text
    assert "settings: --top 3 --min-volume 1000000" in text
    assert "note: the veto fired for one contract" in text
    assert "vetoed (steep, straight up-trend, score 0): EEEUSDT" in text
    assert "V extreme volatility" in text
    assert "C crowded" not in text
    assert "GSS describes conditions, it does not forecast profit." in text


def test_default_settings_are_not_repeated() -> None:
    assert "settings:" not in report_table(report(), width=80)


def test_a_mark_of_every_row_stands_in_the_legend_only() -> None:
    made = report(ranked=(ranked("AAAUSDT"), ranked("BBBUSDT", rank=2)))
    text = report_table(made, width=80)
    assert "a maintenance brackets assumed (see --brackets) — all rows" in text
    assert not rows(made, 80)[1].endswith("a")


def test_marks_are_letters() -> None:
    marks = ("extreme_volatility", "crowded", "coarsened", "assumed_brackets")
    assert rows(report(ranked=(ranked(marks=marks),)), 80)[1].endswith(" VCca")


def test_vetoed_rows_show_the_veto_instead_of_a_score() -> None:
    row = ranked("EEEUSDT", vetoed=True, gss=0.0, grid=None)
    assert "vetoed" in rows(report(ranked=(row,)), 80)[1]


def test_a_missing_grid_says_why() -> None:
    text = report_table(report(), width=80)
    assert "no grid" in text
    assert "1000000MOGUSDT has no grid: margin too small" in text


def without_grid(
    count: int, code: str, minimum_margin: Decimal | None
) -> tuple[RankedSymbol, ...]:
    return tuple(
        ranked(
            f"S{number}USDT",
            rank=number + 1,
            grid=None,
            grid_reason=Reason(code=code, text=f"{code} of S{number}"),
            minimum_margin=minimum_margin and minimum_margin + number,
        )
        for number in range(count)
    )


def test_many_grids_that_lack_margin_are_one_note() -> None:
    made = report(ranked=without_grid(20, "min_notional", Decimal("3.57")))
    text = report_table(made, width=200)
    assert (
        "note: 20 of 20 listed have no grid: a margin of 3.57 USDT would do for the "
        "cheapest, S0USDT\n"
    ) in text
    assert text.count("no grid:") == 1


def test_many_grids_that_no_margin_helps_are_five_notes_and_a_count() -> None:
    text = report_table(report(ranked=without_grid(20, "tick", None)), width=200)
    assert text.count("USDT has no grid: tick of S") == 5
    assert "note: and 15 more have no grid, likewise" in text


def test_five_grids_that_lack_margin_are_five_notes() -> None:
    made = report(ranked=without_grid(5, "min_notional", Decimal(5)))
    text = report_table(made, width=200)
    assert text.count("USDT has no grid: min_notional of S") == 5
    assert "likewise" not in text


def test_the_title_names_the_capital() -> None:
    settings = ScreenerSettings(
        grid_margin_usdt=250.5, quote="USDC", max_leverage=2
    ).by_flag()
    assert lines(report(settings=settings), 200)[0] == (
        "Short-grid screening · classic · 300 × 4h bars · margin 250.5 USDC, "
        "leverage ≤ 2 · live · 2026-10-07 12:00:00 UTC"
    )


def test_every_column_shown_is_explained() -> None:
    text = " ".join(report_table(report(), width=240).split())
    for meaning in (
        "# rank, equal numbers are ties",
        "GSS score, describes conditions",
        "Range lower–upper bound",
        "Qty quantity per level in the base asset",
        "Loss worst loss at the stop in USDT at that margin",
        "F/d funding per day in USDT, fully loaded, + received",
        "– missing",
    ):
        assert meaning in text


@pytest.mark.parametrize("width", [60, 80, 120, 150])
def test_every_hidden_column_is_named_and_the_way_to_see_it(width: int) -> None:
    everything = header(report(), 400)
    text = " ".join(report_table(report(), width=width).split())
    (named,) = re.findall(r"hidden at this width: (.*?); widen", text)
    shown = header(report(), width)
    assert named.split(", ") == [name for name in everything if name not in shown]
    (columns,) = re.findall(r"set COLUMNS=(\d+); --format csv has all", text)
    assert header(report(), int(columns)) == everything
    assert "hidden" not in report_table(report(), width=int(columns))


def test_a_wait_for_request_budget_is_told_when_it_was_felt() -> None:
    requests = replace(report().requests, budget_wait_s=23.4)
    text = " ".join(report_table(report(requests=requests), width=200).split())
    assert " · waited 23 s for request budget · " in text
    assert "waited" not in report_table(report(), width=200)


@pytest.mark.parametrize(
    ("weights", "profile", "shown"),
    [
        ([0.2, 0.2, 0.3, 0.3], "classic", ""),
        (None, "classic", ""),
        ([0.1, 0.2, 0.3, 0.4], "classic", "settings: --weights 0.1,0.2,0.3,0.4"),
        ([0.2, 0.2, 0.3, 0.3], "gone", "settings: --profile gone --weights 0.2,"),
    ],
)
def test_weights_are_changed_when_they_are_not_the_profiles(
    weights: list[float] | None, profile: str, shown: str
) -> None:
    settings = report().settings | {"weights": weights, "profile": profile}
    text = report_table(report(settings=settings), width=200)
    assert shown in text
    assert ("settings:" in text) == bool(shown)


def test_huge_settings_are_not_spelled_out() -> None:
    settings = report().settings | {"min_volume": 1e99}
    assert "--min-volume 1e+99" in report_table(report(settings=settings), width=200)


def test_symbols_that_were_asked_for_and_excluded_are_explained() -> None:
    settings = ScreenerSettings(symbols=("AAAUSDT", "FFFUSDT")).by_flag()
    text = report_table(report(settings=settings), width=200)
    assert "note: FFFUSDT excluded at “turnover”: turnover of 42000000.0" in text


def test_rank_intervals_are_shown_where_there_is_room_for_more() -> None:
    assert header(with_intervals(), 76) == ESSENTIAL
    assert header(with_intervals(), 120)[:3] == ["#", "Ranks", "Symbol"]
    _, first, second, third = rows(with_intervals(), 120)
    assert first.split()[:2] == ["1", "1–2"]
    assert second.split()[:2] == ["2", "1–6"]
    assert third.split()[:2] == ["3", "–"]
    assert "Ranks" not in header(report(), 240)


def test_ranks_that_cannot_be_told_apart_are_a_note() -> None:
    text = report_table(with_intervals(), width=200)
    assert (
        "note: ranks 1–2, 3–9 cannot be told apart (90 %, 50 draws over bars)\n" in text
    )
    told_apart = replace(STABILITY, indistinct=())
    for stability in (None, told_apart):
        made = replace(with_intervals(), rank_stability=stability)
        assert "told apart" not in report_table(made, width=200)


def test_numbers_that_are_not_finite_are_dashes() -> None:
    nan = float("nan")
    grid = {**GRID, "leverage": nan, "price": Decimal("NaN"), "stop_price": nan}
    row = ranked(gss=nan, confidence=nan, factors={"natr": nan}, grid=grid)
    cells = rows(report(ranked=(row,)), 240)[1].split()
    assert {"nan", "nan%", "NaN"} & set(cells) == set()
    assert cells[:4] == ["1", "AAAUSDT", "–", "–"]


def test_markup_in_texts_is_printed_not_obeyed() -> None:
    made = report(notes=("[bold]x[/bold] :smile:",))
    assert "[bold]x[/bold] :smile:" in report_table(made, width=80)


def test_an_empty_list_says_which_filter_emptied_it() -> None:
    stages = funnel(("universe", 1), ("turnover", 0), ("scored", 0), ("listed", 0))
    gone = (excluded("AUSDT", "turnover", "turnover", 4.4e7, 5e7),)
    text = " ".join(report_table(empty(stages, gone), width=80).split())
    assert "No contract qualified." in text
    assert "The filter “turnover” left none of 1: --min-volume 43000000" in text
    assert "Symbol GSS" not in text


def test_missing_factors_are_a_dash() -> None:
    factors = dict.fromkeys(ranked().factors)
    row = replace(ranked(), factors=factors)
    assert rows(report(ranked=(row,)), 80)[1].split()[3:6] == ["–", "–", "–"]


def test_no_grid_reason_of_a_vetoed_row_is_a_note() -> None:
    veto = Reason(code="vetoed", text="vetoed: no grid")
    row = ranked("EEEUSDT", vetoed=True, grid=None, grid_reason=veto)
    assert "has no grid" not in report_table(report(ranked=(row,)), width=80)


def test_a_replay_says_as_of_when() -> None:
    text = report_table(report(source="snapshot"), width=80)
    assert text.startswith("REPLAY of a scan as of 2026-10-07 12:00:00 UTC.")


def test_a_scan_without_bars_has_no_bar_age() -> None:
    text = report_table(report(last_bar_close_ms=None), width=80)
    assert "last bar" not in text


def test_stop_outs_are_a_column_among_the_essential_ones() -> None:
    head, *body = rows(with_stop_outs(), 80)
    assert "Out7d%" in head
    assert ["14 (12–17)" in row for row in body] == [True, False, False]
    assert body[1].rstrip().endswith("–")


def test_no_column_of_dashes_where_nobody_has_a_probability() -> None:
    assert "Out7d%" not in report_table(report(), width=240)


def test_narrow_grid_is_marked() -> None:
    text = report_table(with_stop_outs(), width=80)
    assert "n narrow: upper bound < 2 daily ranges above the price" in (
        " ".join(text.split())
    )


@pytest.mark.parametrize("width", [80, 120])
def test_the_profile_takes_no_room_from_what_stood_there(width: int) -> None:
    assert header(with_boxes(), width) == header(report(), width)


def test_a_wide_terminal_shows_profile_and_squeeze() -> None:
    head, first, second, third = rows(with_boxes(), 240)
    assert "VA low–high" in head
    assert {"POC", "Sq"} <= set(head.split())
    assert "0.11870–0.12750 0.122505 active 5" in first
    end = head.index("VA low–high") + len("VA low–high")
    assert second[:end].endswith(" –")
    assert third[:end].endswith(" –")


def test_no_column_of_dashes_where_nothing_was_measured() -> None:
    assert "VA low–high" not in report_table(report(), width=400)


def test_a_geometric_spacing_is_a_percentage() -> None:
    grid = {**GRID, "spacing": "geometric", "grid_ratio": Decimal("1.009960000000")}
    made = report(ranked=(ranked(grid=grid), ranked("BBBUSDT")))
    _, geometric, arithmetic = rows(made, 200)
    assert "1.00%×101" in geometric
    assert "0.00050×101" in arithmetic
