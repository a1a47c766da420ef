"""Price, levels, fills and equity of backtests as PNG or SVG."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from io import BytesIO
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from grid_screening.backtest.backtest import RunPicture, quote_of
from grid_screening.reports.backtest import words
from monitor.domain.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_DRAWN = 6
"""Runs in one picture, one below the other."""
MOST_LEVEL_LINES = 60
"""Of more levels every second, third, … is drawn."""
COLUMNS = 900
"""Bars are drawn as the band of so many columns at most: a picture has no more."""
FILL_COLUMNS = 300
"""Fills of one side, level and column are one dash."""

_LONG_NUMBER = re.compile(rb"(\b\d+\.\d\d)\d+\b")
# a hundredth of a point is finer than any screen

_METADATA = ("Creator", "Date", "Format", "Type")
_GROUP_NAME = re.compile(r' id="[\w.]+_\d+"')
# nothing refers to them, and a page has several pictures

_MARGIN = 0.01
# of the width, left and right of the bars
_SIZE_IN = (10.0, 5.0)
"""Width, and height of each run."""
_PAGE_SIZE_IN = (7.5, 4.5)
"""On a page that narrow screens shrink: larger letters for its width."""
_DPI = 130
_FALLBACK_FAMILIES = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "PingFang SC",
    "Microsoft YaHei",
    "Arial Unicode MS",
)
"""Of characters that the default family lacks, where one of them is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours by what they mean."""

    page: str
    ink: str
    soft: str
    rule: str
    band: str
    sell: str
    buy: str
    danger: str
    equity: str


LIGHT = Palette(
    page="#ffffff",
    ink="#1b1f24",
    soft="#565d66",
    rule="#d5d9de",
    band="#c6d6ea",
    sell="#b3372f",
    buy="#187a4b",
    danger="#8c0712",
    equity="#0b62b0",
)
THEMED = Palette(
    page="#fe0101",
    ink="#fe0202",
    soft="#fe0303",
    rule="#fe0404",
    band="#fe0505",
    sell="#fe0606",
    buy="#fe0707",
    danger="#fe0808",
    equity="#fe0909",
)
"""Stand-ins that `themed_svg` turns into the page's own colours."""

_VARIABLES = {
    "page": "--card",
    "ink": "--ink",
    "soft": "--soft",
    "rule": "--rule",
    "band": "--band",
    "sell": "--sell",
    "buy": "--buy",
    "danger": "--danger",
    "equity": "--part0",
}


def png(pictures: Sequence[RunPicture]) -> bytes:
    """Return the first `MOST_DRAWN` runs as PNG."""
    return _saved(pictures, LIGHT, "png")


def svg(pictures: Sequence[RunPicture]) -> bytes:
    """Return the first `MOST_DRAWN` runs as a file that stands alone."""
    return _saved(pictures, LIGHT, "svg")


def themed_svg(picture: RunPicture) -> str:
    """Return one run as an SVG element whose colours are the page's.

    Without a title: the page has one. The same run gives the same text.
    """
    text = _saved([picture], THEMED, "svg", size=_PAGE_SIZE_IN, titled=False).decode()
    text = _GROUP_NAME.sub("", text[text.index("<svg") :])
    for field in fields(Palette):
        variable = f"var({_VARIABLES[field.name]})"
        text = text.replace(getattr(THEMED, field.name), variable)
    return text


def _saved(
    pictures: Sequence[RunPicture],
    palette: Palette,
    form: str,
    *,
    size: tuple[float, float] = _SIZE_IN,
    titled: bool = True,
) -> bytes:
    from matplotlib.figure import Figure

    drawn = pictures[:MOST_DRAWN]
    with _style(palette, [picture.run.symbol for picture in drawn]) as can_draw:
        width, height = size
        figure = Figure(figsize=(width, height * len(drawn)), layout="constrained")
        axes = _axes(figure, len(drawn))
        for picture, (price, equity) in zip(drawn, axes, strict=True):
            if titled:
                price.set_title(_title(picture, can_draw), loc="left")
            _draw_price(price, picture, palette)
            _draw_equity(equity, picture, palette)
        out = BytesIO()
        # without a date the same run gives the same bytes
        metadata = dict.fromkeys(_METADATA) if form == "svg" else None
        figure.savefig(out, format=form, dpi=_DPI, metadata=metadata)
    content = out.getvalue()
    return _LONG_NUMBER.sub(rb"\1", content) if form == "svg" else content


@contextmanager
def _style(palette: Palette, texts: Sequence[str]) -> Iterator[Mapping[str, bool]]:
    import matplotlib as mpl

    families, can_draw = _families(texts)
    settings: dict[Any, Any] = {  # the library's keys are literals
        "font.family": families,
        "font.size": 9,
        "svg.fonttype": "none",
        "svg.hashsalt": "short-grid",
        "path.simplify_threshold": 0.3,
        "figure.facecolor": palette.page,
        "axes.facecolor": palette.page,
        "axes.edgecolor": palette.soft,
        "axes.labelcolor": palette.ink,
        "axes.titlecolor": palette.ink,
        "axes.titlesize": 10,
        "text.color": palette.ink,
        "xtick.color": palette.soft,
        "ytick.color": palette.soft,
        "xtick.labelcolor": palette.ink,
        "ytick.labelcolor": palette.ink,
        "grid.color": palette.rule,
        "axes.grid": True,
        "grid.linewidth": 0.5,
        "axes.axisbelow": True,
        "legend.facecolor": palette.page,
        "legend.edgecolor": palette.rule,
        "axes.unicode_minus": True,
        "text.parse_math": False,  # a symbol's dollars are no formula
    }
    with mpl.rc_context(settings):
        yield can_draw


def _families(texts: Sequence[str]) -> tuple[list[str], Mapping[str, bool]]:
    # the installed families that the texts need, and which texts can be drawn
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    lacking = {
        character for text in texts for character in text if not character.isascii()
    }
    families = ["DejaVu Sans"]
    installed = {entry.name: entry.fname for entry in font_manager.fontManager.ttflist}
    for family in ("DejaVu Sans", *_FALLBACK_FAMILIES):
        if lacking and family in installed:
            known = FT2Font(installed[family]).get_charmap()
            drawable = {character for character in lacking if ord(character) in known}
            if drawable and family not in families:
                families.append(family)
            lacking -= drawable
    return families, {text: not lacking.intersection(text) for text in texts}


def _axes(figure: "Figure", count: int) -> list[tuple["Axes", "Axes"]]:
    grid = figure.add_gridspec(2 * count, 1, height_ratios=[3, 1] * count)
    pairs = []
    for number in range(count):
        price = figure.add_subplot(grid[2 * number])
        equity = figure.add_subplot(grid[2 * number + 1], sharex=price)
        price.tick_params(labelbottom=False)
        pairs.append((price, equity))
    return pairs


def _title(picture: RunPicture, can_draw: Mapping[str, bool]) -> str:
    run = picture.run
    name = run.symbol
    if not can_draw.get(name, True):
        # no installed font has these characters
        name = "".join(c if c.isascii() else "?" for c in name)
    return (
        f"{name} from {words.minute(run.begin_ms)} UTC: "
        f"{words.percent(run.of_margin)} % of the margin, "
        f"{words.ENDS[run.end_reason].rstrip('.')}"
    )


def _draw_price(axes: "Axes", picture: RunPicture, palette: Palette) -> None:
    design = picture.run.design
    levels = design.levels
    drawn = levels[:: max(ceil(levels.size / MOST_LEVEL_LINES), 1)]
    above = drawn >= design.price
    first, last = _dates(np.array(_span(picture)))
    for some, color in ((drawn[above], palette.sell), (drawn[~above], palette.buy)):
        axes.hlines(some, first, last, colors=color, linewidth=0.4, alpha=0.55)
    axes.axhline(design.stop_price, color=palette.danger, linestyle="--", label="stop")
    columns = _columns(picture.open_time.size, COLUMNS)
    times = _dates(picture.open_time[columns])
    low = np.fmin.reduceat(picture.low, columns)
    high = np.fmax.reduceat(picture.high, columns)
    closes = picture.close[np.append(columns[1:], picture.close.size) - 1]
    if columns.size == 1:  # one bar has a width too
        times = np.array([first, last])
        low, high, closes = (np.repeat(each, 2) for each in (low, high, closes))
    axes.fill_between(
        times, low, high, color=palette.band, linewidth=0, label="low to high"
    )
    axes.plot(times, closes, color=palette.ink, linewidth=0.7, label="close")
    _draw_fills(axes, picture, palette)
    axes.set_ylabel(f"price, {quote_of([picture.run])}")
    axes.legend(loc="best", ncols=5, fontsize="small")
    room = (last - first) * _MARGIN
    axes.set_xlim(first - room, last + room)


def _draw_fills(axes: "Axes", picture: RunPicture, palette: Palette) -> None:
    first, last = _span(picture)
    width = max((last - first) // FILL_COLUMNS, 1)
    for side, color, label in ((-1, palette.sell, "sold"), (1, palette.buy, "bought")):
        own = picture.fill_side == side
        column = (picture.fill_time[own] - first) // width
        dashes = np.unique(
            np.stack([column.astype(np.float64), picture.fill_price[own]]), axis=1
        )
        begin = first + dashes[0] * width
        gap = np.full(begin.size, np.nan)
        x = np.stack([begin, begin + width, gap], axis=1).ravel()
        y = np.stack([dashes[1], dashes[1], gap], axis=1).ravel()
        axes.plot(
            _dates(x), y, color=color, linewidth=1.8, solid_capstyle="butt", label=label
        )


def _draw_equity(axes: "Axes", picture: RunPicture, palette: Palette) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    columns = _columns(picture.open_time.size, COLUMNS)
    times = _dates(picture.open_time[columns])
    ends = np.append(columns[1:], picture.open_time.size) - 1
    if columns.size == 1:
        times, ends = _dates(np.array(_span(picture))), np.repeat(ends, 2)
    axes.axhline(0, color=palette.soft, linewidth=0.6)
    axes.plot(
        times,
        picture.static_equity[ends],
        color=palette.soft,
        linewidth=0.8,
        linestyle="--",
        label="static short, before costs",
    )
    axes.plot(
        times, picture.equity[ends], color=palette.equity, linewidth=1, label="grid"
    )
    axes.set_ylabel(f"equity, {quote_of([picture.run])}")
    axes.legend(loc="best", ncols=2, fontsize="small")
    locator = AutoDateLocator(tz=UTC)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))


def _span(picture: RunPicture) -> tuple[int, int]:
    # from the first bar's open to the last one's close, ms UTC
    first, last = int(picture.open_time[0]), int(picture.open_time[-1])
    return first, max(last, picture.run.ended_ms, first + 1)


def _columns(bar_count: int, most: int) -> IntArray:
    # first bar of each column
    step = max(ceil(bar_count / most), 1)
    return np.arange(0, bar_count, step, dtype=np.int64)


def _dates(times_ms: FloatArray | IntArray) -> FloatArray:
    from matplotlib.dates import date2num

    # days since the library's epoch, read once: NaN stays NaN
    epoch = float(date2num(datetime.fromtimestamp(0, UTC)))
    days: FloatArray = np.asarray(times_ms, np.float64) / 86_400_000 + epoch
    return days
