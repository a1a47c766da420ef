import csv
import io
from decimal import Decimal

import numpy as np
import pytest

from grid_screening.reports.csv import report_csv
from grid_screening.reports.dataframe import report_dataframe
from grid_screening.reports.markdown import report_markdown
from grid_screening.reports.rows import flat_columns
from tests.grid_screening.reports.samples import (
    FACTORS,
    GRID,
    empty,
    excluded,
    funnel,
    ranked,
    report,
    with_boxes,
    with_intervals,
    with_stop_outs,
)

NOTHING = empty(
    funnel(("universe", 1), ("turnover", 0), ("scored", 0)),
    (excluded("AUSDT", "turnover", "turnover", 4.4e7, 5e7),),
)


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_one_row_per_listed_symbol() -> None:
    rows = read(report_csv(report()))
    assert [row["symbol"] for row in rows] == [
        "币安人生USDT",
        "AAAUSDT",
        "1000000MOGUSDT",
    ]
    assert rows[0]["grid_lower_bound"] == "0.10010"
    assert rows[0]["marks"] == "extreme_volatility assumed_brackets"
    assert rows[0]["vetoed"] == "false"
    assert rows[0]["half_life_bars"] == ""
    assert rows[2]["grid_lower_bound"] == ""
    assert rows[2]["grid_reason"] == "margin too small"
    assert rows[0]["source"] == "live"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_texts_cannot_be_formulas(start: str) -> None:
    (row,) = read(report_csv(report(ranked=(ranked(f"{start}1+1USDT"),))))
    assert row["symbol"] == f"'{start.replace(chr(13), ' ')}1+1USDT"


def test_csv_carriage_returns_cannot_split_a_row() -> None:
    text = report_csv(report(ranked=(ranked("A\rB\nCUSDT"),)))
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["symbol"] == "A B\nCUSDT"


def test_csv_negative_numbers_stay_numbers() -> None:
    (row,) = read(report_csv(report(ranked=(ranked(),))))
    assert row["normalized_slope"] == "-12.5"
    assert float(row["distance_to_30d_high"]) == -0.125


def test_csv_quotes_separators() -> None:
    text = report_csv(report(ranked=(ranked('A,"B"USDT'),)))
    assert read(text)[0]["symbol"] == 'A,"B"USDT'


def test_csv_header_of_an_empty_list_is_the_full_one() -> None:
    header = report_csv(NOTHING)
    assert header.count("\n") == 1
    assert header == report_csv(report()).splitlines(keepends=True)[0]


def test_csv_keeps_all_digits() -> None:
    row = ranked(factors={**FACTORS, "natr": 0.1 + 0.2})
    assert float(read(report_csv(report(ranked=(row,))))[0]["natr"]) == 0.1 + 0.2


def test_added_names_get_columns_of_their_own() -> None:
    row = ranked(
        factors={**FACTORS, "new_factor": 1.5}, grid={**GRID, "new_price": Decimal(2)}
    )
    (found,) = read(report_csv(report(ranked=(row,))))
    assert found["new_factor"] == "1.5"
    assert found["grid_new_price"] == "2"


def test_frame_is_indexed_by_symbol_with_typed_columns() -> None:
    frame = report().to_dataframe()
    assert frame.index.name == "symbol"
    assert list(frame.index) == ["币安人生USDT", "AAAUSDT", "1000000MOGUSDT"]
    assert frame["rank"].dtype == np.int64
    assert frame["vetoed"].dtype == np.bool_
    assert frame["grid_lower_bound"].dtype == np.float64
    assert frame.loc["AAAUSDT", "grid_lower_bound"] == 0.1001
    assert np.isnan(frame.loc["1000000MOGUSDT", "grid_lower_bound"])
    assert frame["half_life_bars"].isna().all()
    assert list(frame.columns) == [c for c in flat_columns(report()) if c != "symbol"]


def test_empty_frame_has_the_same_columns_and_types() -> None:
    full, nothing = report().to_dataframe(), NOTHING.to_dataframe()
    assert len(nothing) == 0
    assert nothing.index.name == "symbol"
    assert dict(nothing.dtypes) == dict(full.dtypes)


def test_csv_and_frame_have_the_ends_of_rank_intervals() -> None:
    found = read(report_csv(with_intervals()))
    ends = [(row["rank_low"], row["rank_high"]) for row in found]
    assert ends == [("1", "2"), ("1", "6"), ("", "")]
    frame = with_intervals().to_dataframe()
    assert frame["rank_high"].dtype == np.float64
    assert frame["rank_high"].tolist()[:2] == [2.0, 6.0]
    assert np.isnan(frame.loc["1000000MOGUSDT", "rank_low"])


def test_markdown_shows_rank_intervals_and_which_ranks_are_alike() -> None:
    text = report_markdown(with_intervals())
    assert "| # | Ranks | Symbol |" in text
    assert "| 2 | 1–6 | AAAUSDT |" in text
    assert "- ranks 1–2, 3–9 cannot be told apart (90 %, 50 draws over bars)" in text
    assert "Ranks" not in report_markdown(report())


def test_markdown_table_has_as_many_cells_in_every_row() -> None:
    lines = report_markdown(report(ranked=(ranked("A|B_C*USDT"),))).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 3
    assert "A\\|B\\_C\\*USDT" in table[2]
    counts = {line.replace("\\|", "").count("|") for line in table}
    assert len(counts) == 1


def test_markdown_names_a_simulated_market_at_both_ends() -> None:
    text = report_markdown(report(source="demo", degraded=True))
    assert text.count("SIMULATED MARKET") == 2
    assert text.count("DEGRADED") == 2
    assert text.splitlines()[2].startswith("> **SIMULATED")


def test_markdown_of_an_empty_list_says_why() -> None:
    text = report_markdown(NOTHING)
    assert "No contract qualified." in text
    assert "--min-volume 43000000 would admit 1" in text
    assert "does not forecast profit" in text


def test_csv_has_stop_outs_with_their_intervals_and_no_default() -> None:
    first, second, _ = read(report_csv(with_stop_outs()))
    assert float(first["stop_out_7d"]) == 0.1402
    assert (first["stop_out_3d_low"], first["stop_out_14d_high"]) == ("0.0052", "0.27")
    assert second["stop_out_7d"] == second["stop_out_7d_low"] == ""


def test_frame_has_stop_outs_as_numbers() -> None:
    frame = report_dataframe(with_stop_outs())
    assert frame["stop_out_7d_high"].dtype == "float64"
    assert frame["stop_out_7d_high"].iloc[0] == 0.169
    assert frame["stop_out_7d_high"].isna().tolist() == [False, True, True]


def test_markdown_has_the_column_and_its_meaning() -> None:
    text = report_markdown(with_stop_outs())
    assert "| 14 (12–17) |" in text
    assert "Out7d% share of such grids stopped out within 7 days" in text


def test_csv_has_profile_squeeze_and_confidence_and_no_default() -> None:
    first, second, third = read(report_csv(with_boxes()))
    assert first["box_point_of_control"] == "0.122505"
    assert first["box_value_area_low"] == "0.11870"
    assert (first["box_squeeze"], first["box_bars_in_squeeze"]) == ("active", "5")
    assert first["box_squeeze_momentum"] == "-1.25"
    assert first["box_confidence"] == "0.6375"
    assert first["box_confidence_bollinger_width"] == "0.75"
    names = [name for name in first if name.startswith("box_")]
    assert len(names) == 11
    assert {row[name] for row in (second, third) for name in names} == {""}


def test_frame_has_the_squeeze_as_text_and_the_profile_as_numbers() -> None:
    frame = report_dataframe(with_boxes())
    assert frame["box_squeeze"].tolist() == ["active", None, None]
    assert frame["box_value_area_high"].dtype == "float64"
    assert frame["box_value_area_high"].isna().tolist() == [False, True, True]


def test_markdown_has_the_profile() -> None:
    assert "| 0.11870–0.12750 | 0.122505 | active 5 |" in report_markdown(with_boxes())
