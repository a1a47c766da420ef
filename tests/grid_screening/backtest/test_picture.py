"""Pictures of backtests: what is in them, whatever the symbol."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from grid_screening.backtest.backtest import RunPicture
from grid_screening.reports.backtest import picture
from monitor.domain.typing import FloatArray
from tests.grid_screening.backtest.history_folder import HOUR_MS, START_MS, walk
from tests.grid_screening.backtest.test_run_summary import a_run


def pictured(
    *, symbol: str = "AUSDT", bars: int = 500, fills: int = 40
) -> RunPicture:  # fmt: skip
    way = walk(bars, seed=1, price=10.0, volatility=0.003)
    rng = np.random.default_rng(2)
    at = np.sort(rng.integers(0, bars, fills))
    levels: FloatArray = np.arange(8.0, 13.0)
    times = START_MS + HOUR_MS * np.arange(bars, dtype=np.int64)
    return RunPicture(
        run=a_run(symbol=symbol, begin_ms=START_MS),
        open_time=times,
        high=way.high,
        low=way.low,
        close=way.close,
        equity=10 * (10 - way.close),
        static_equity=9 * (10 - way.close),
        fill_time=times[at],
        fill_price=levels[rng.integers(0, 5, fills)],
        fill_side=rng.choice([-1, 1], fills),
    )


def test_themed_picture_uses_the_pages_colours_only() -> None:
    text = picture.themed_svg(pictured())
    root = ET.fromstring(text)  # noqa: S314  our own text
    assert root.tag.endswith("svg")
    assert "#fe0" not in text
    assert "<metadata" not in text
    names = re.findall(r' id="([^"]+)"', text)
    assert len(names) == len(set(names))
    assert all(f"#{name}" in text for name in names)
    used = set(re.findall(r"var\((--[a-z0-9]+)\)", text))
    assert {"--ink", "--sell", "--buy", "--band", "--danger", "--part0"} <= used


def test_the_same_run_gives_the_same_picture() -> None:
    assert picture.themed_svg(pictured()) == picture.themed_svg(pictured())
    assert picture.svg([pictured()]) == picture.svg([pictured()])


@pytest.mark.parametrize("symbol", ["币安人生USDT", "1000ΩUSDT", "$A_{b}$USDT"])
def test_any_symbol_can_be_drawn(symbol: str) -> None:
    # fonts lack characters, and dollars would be formulas; warnings are errors here
    assert picture.png([pictured(symbol=symbol)]).startswith(b"\x89PNG")


def test_only_the_first_runs_are_drawn() -> None:
    heights = [
        len(picture.svg([pictured()] * count)) for count in (1, picture.MOST_DRAWN)
    ]
    most = len(picture.svg([pictured()] * (picture.MOST_DRAWN + 3)))
    assert heights[0] < heights[1] == most


def test_a_million_bars_do_not_make_a_larger_picture() -> None:
    small = picture.svg([pictured(bars=5_000, fills=2_000)])
    large = picture.svg([pictured(bars=200_000, fills=80_000)])
    assert len(large) < 1.6 * len(small)


def test_one_bar_and_no_fill_can_be_drawn() -> None:
    single = pictured(bars=1, fills=0)
    assert picture.svg([single]).startswith(b"<?xml")


def test_one_bar_is_as_wide_as_it_lasts() -> None:
    single = pictured(bars=1, fills=0)
    assert picture._span(single) == (single.open_time[0], single.run.ended_ms)
    text = picture.svg([single]).decode()
    assert len(set(re.findall(r">(\d\d:\d\d|\w+-\d\d)<", text))) > 2


def test_the_legend_names_the_band_and_the_line() -> None:
    text = picture.svg([pictured()]).decode()
    for label in ("low to high", "close", "stop", "sold", "bought"):
        assert f">{label}<" in text


def test_bars_that_are_missing_leave_a_gap() -> None:
    whole = pictured()
    gap = slice(100, 140)
    columns = {}
    for name in ("high", "low", "close", "equity"):
        column = getattr(whole, name).copy()
        column[gap] = np.nan
        columns[name] = column
    assert picture.svg([replace(whole, **columns)]) != picture.svg([whole])


def test_columns_cover_all_bars_once() -> None:
    for bars in (1, 2, 899, 900, 901, 12_345):
        columns = picture._columns(bars, 900)
        assert columns[0] == 0
        assert columns.size <= 900
        assert all(a < b for a, b in pairwise(columns.tolist()))
        assert columns[-1] < bars
