"""Price, planned grid and volume profile of one contract as an inline picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np

from grid_screening.reports import wording
from grid_screening.reports.html.axes import (
    Scale,
    Tick,
    price_ticks,
    spread,
    time_ticks,
)
from grid_screening.reports.html.markup import Html, joined, tag
from grid_screening.reports.html.plan import Grid, number
from grid_screening.reports.html.profile_side import ProfileSide
from grid_screening.screening_report import PriceBars, RankedSymbol

MOST_LEVEL_LINES = 60
"""Of more levels only every second, third, … is drawn."""

_WIDTH, _HEIGHT = 5200, 3300
# whole coordinates, fine enough, are shorter than decimals
_TOP, _BOTTOM = 120, 3020
_CHARACTER = 68
_LABEL_GAP = 140
_LEADER = 140
_MARGIN_SHARE = 0.03
_SIDE_GAP, _SIDE_WIDTH = 60, 800
_KEY, _BELOW_KEY = 3420, 80
_MARKED = (
    ("liquidation_price", "liq"),
    ("stop_price", "stop"),
    ("upper_bound", "upper"),
    ("price", "price"),
    ("lower_bound", "lower"),
)
"""Prices with a line and a label of their own, and its class."""
_MARKED_OF_BOX = (
    ("value_area_high", "va", "VA high"),
    ("point_of_control", "poc", "POC"),
    ("value_area_low", "va", "VA low"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    x: Scale
    y: Scale
    right: float
    """Where lines across end: beyond the times where a profile stands beside them."""
    prices: tuple[Tick, ...]
    times: tuple[Tick, ...]


def chart(row: RankedSymbol, quote: str, ident: str) -> Html:
    """Return the picture with a caption that says what is drawn.

    Closes as a line over the band from low to high; the planned grid across it:
    levels, bounds, price, stop and liquidation price. Beside it the turnover by price
    with value area and point of control, on the same axis. Without bars a sentence
    says that there is no picture.
    """
    bars = None if row.bars is None else _finite(row.bars)
    if bars is None or bars.close.shape[0] == 0:
        return tag("p", "No picture: this report holds no price bars.", class_="remark")
    grid = row.grid or {}
    levels = row.levels or _level_prices(grid)
    drawn = levels[:: max(ceil(len(levels) / MOST_LEVEL_LINES), 1)]
    frame = _frame(bars, row, levels)
    labels = _marked(row)
    side = _side(row, frame)
    picture = tag(
        "svg",
        tag("title", _title(row), id=f"{ident}-title"),
        tag("desc", _description(bars, row, quote), id=f"{ident}-desc"),
        None if side is None else side.value_area(frame.x.start),
        _axes(frame),
        _level_lines(frame, drawn, grid),
        _band(frame, bars),
        _close_line(frame, bars),
        None if side is None else side.steps(),
        None if side is None else side.key(frame.x.start, _KEY),
        _marked_lines(frame, labels),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT if side is None else _KEY + _BELOW_KEY}",
        class_="chart",
        role="img",
        aria_labelledby=f"{ident}-title {ident}-desc",
    )
    return tag(
        "figure",
        tag("div", picture, class_="scroll", tabindex=0),
        tag(
            "figcaption", _caption(bars, len(levels), len(drawn), quote), _beside(side)
        ),
    )


def _finite(bars: PriceBars) -> PriceBars:
    kept = np.isfinite(bars.high) & np.isfinite(bars.low) & np.isfinite(bars.close)
    return PriceBars(
        open_time=bars.open_time[kept],
        high=bars.high[kept],
        low=bars.low[kept],
        close=bars.close[kept],
    )


def _level_prices(grid: Grid) -> list[float]:
    # of a report that does not hold the levels themselves: within half a tick of them
    lower, upper = number(grid, "lower_bound"), number(grid, "upper_bound")
    count = int(number(grid, "level_count") or 0)
    if lower is None or upper is None or count < 1:
        return []
    if count == 1:
        return [lower]
    shares = [n / (count - 1) for n in range(count)]
    if grid.get("spacing") == "geometric" and lower > 0:
        ratio = upper / lower
        return [float(lower * ratio**share) for share in shares]
    return [lower + (upper - lower) * share for share in shares]


def _marked(row: RankedSymbol) -> list[tuple[float, str, str]]:
    # (price, class, label), ascending
    grid = row.grid or {}
    found = [
        (price, css, f"{css} {wording.exact(grid[name])}")
        for name, css in _MARKED
        if (price := number(grid, name)) is not None
    ]
    for name, css, word in _MARKED_OF_BOX if row.volumes is not None else ():
        level = getattr(row.box, name, None)
        if level is not None:
            found.append((float(level), css, f"{word} {wording.exact(level)}"))
    return sorted(found)


def _side(row: RankedSymbol, frame: _Frame) -> ProfileSide | None:
    if row.volumes is None or row.box is None:
        return None
    return ProfileSide(
        volumes=row.volumes,
        box=row.box,
        y=frame.y,
        left=frame.x.end + _SIDE_GAP,
        right=frame.right,
    )


def _frame(bars: PriceBars, row: RankedSymbol, levels: Sequence[float]) -> _Frame:
    marked = _marked(row)
    prices = [*levels, *(price for price, _, _ in marked)]
    low = min(float(bars.low.min()), *prices) if prices else float(bars.low.min())
    high = max(float(bars.high.max()), *prices) if prices else float(bars.high.max())
    margin = (high - low) * _MARGIN_SHARE or abs(high) * _MARGIN_SHARE or 1.0
    low, high = low - margin, high + margin
    ticks = price_ticks(low, high)
    left = 100 + _CHARACTER * max((len(tick.label) for tick in ticks), default=0)
    widest = max((len(label) for _, _, label in marked), default=0)
    right = _WIDTH - 40 - (_LEADER + _CHARACTER * widest if widest else 0)
    first, last = int(bars.open_time[0]), int(bars.open_time[-1])
    beside = 0 if row.volumes is None else _SIDE_GAP + _SIDE_WIDTH
    end = right - beside
    return _Frame(
        x=Scale(first=first, last=max(last, first + 1), start=left, end=end),
        right=right,
        y=Scale(first=low, last=high, start=_BOTTOM, end=_TOP),
        prices=ticks,
        times=time_ticks(first, last),
    )


def _axes(frame: _Frame) -> Html:
    left, right = frame.x.start, frame.right
    lines = [
        f"M{left:.0f} {frame.y.place(tick.at):.0f}H{right:.0f}" for tick in frame.prices
    ]
    lines += [f"M{frame.x.place(tick.at):.0f} {_BOTTOM}v40" for tick in frame.times]
    labels = [
        tag(
            "text",
            tick.label,
            x=f"{left - 50:.0f}",
            y=f"{frame.y.place(tick.at) + 40:.0f}",
            class_="end",
        )
        for tick in frame.prices
    ]
    labels += [
        tag("text", tick.label, x=f"{x:.0f}", y=_BOTTOM + 170, class_="middle")
        for tick in frame.times
        if left <= (x := frame.x.place(tick.at)) <= frame.x.end
    ]
    frame_path = f"M{left:.0f} {_TOP}V{_BOTTOM}H{right:.0f}"
    return joined((
        tag("path", d="".join(lines), class_="ruler"),
        tag("path", d=frame_path, class_="axis"),
        *labels,
    ))  # fmt: skip


def _level_lines(frame: _Frame, levels: Sequence[float], grid: Grid) -> Html:
    price = number(grid, "price")
    sides: dict[str, list[float]] = {"buys": [], "sells": []}
    for level in levels:
        sides["buys" if price is not None and level < price else "sells"].append(level)
    left, right = frame.x.start, frame.x.end
    return joined(
        tag(
            "path",
            d="".join(
                f"M{left:.0f} {frame.y.place(level):.0f}H{right:.0f}" for level in side
            ),
            class_=f"level {css}",
        )
        for css, side in sides.items()
        if side
    )


def _band(frame: _Frame, bars: PriceBars) -> Html:
    forth = _polyline(frame, bars.open_time.tolist(), bars.high.tolist())
    back = _polyline(frame, bars.open_time[::-1].tolist(), bars.low[::-1].tolist())
    return tag("path", d=f"M{forth}L{back}Z", class_="band")


def _close_line(frame: _Frame, bars: PriceBars) -> Html:
    points = _polyline(frame, bars.open_time.tolist(), bars.close.tolist())
    return tag("path", d=f"M{points}", class_="close")


def _polyline(frame: _Frame, times: list[int], prices: list[float]) -> str:
    # the first point, then steps from point to point: half as long as places
    places = [
        (round(frame.x.place(time)), round(frame.y.place(price)))
        for time, price in zip(times, prices, strict=True)
    ]
    (x, y), *_ = places
    steps = "".join(
        f"{to_x - at_x}{to_y - at_y:+d} "
        for (at_x, at_y), (to_x, to_y) in pairwise(places)
    )
    return f"{x} {y}l{steps.rstrip()}" if steps else f"{x} {y}h1"


def _marked_lines(frame: _Frame, labels: list[tuple[float, str, str]]) -> Html:
    # downwards a picture's places grow: the highest price comes first
    downwards = labels[::-1]
    places = [frame.y.place(price) for price, _, _ in downwards]
    text_places = spread(places, _LABEL_GAP, _TOP, _BOTTOM)
    left, right = frame.x.start, frame.right
    parts: list[Html] = []
    for (_, css, label), y, text_y in zip(downwards, places, text_places, strict=True):
        leader = f"L{right + _LEADER - 30:.0f} {text_y:.0f}"
        line = f"M{left:.0f} {y:.0f}H{right:.0f}{leader}"
        x, baseline = f"{right + _LEADER:.0f}", f"{text_y + 40:.0f}"
        parts += [
            tag("path", d=line, class_=f"mark {css}"),
            tag("text", label, x=x, y=baseline),
        ]
    return joined(parts)


def _title(row: RankedSymbol) -> str:
    title = f"{row.symbol}: price and planned grid"
    return title if row.volumes is None else f"{title}, turnover by price"


def _description(bars: PriceBars, row: RankedSymbol, quote: str) -> str:
    lowest = wording.significant(float(bars.low.min()), 6)
    highest = wording.significant(float(bars.high.max()), 6)
    text = (
        f"Prices between {lowest} and {highest} {quote} from "
        f"{wording.utc(int(bars.open_time[0]))} to "
        f"{wording.utc(int(bars.open_time[-1]))}."
    )
    labels = ", ".join(label for _, _, label in _marked(row))
    return f"{text} Marked: {labels}." if labels else text


def _beside(side: ProfileSide | None) -> Html | None:
    return None if side is None else tag("span", f" {side.caption()}")


def _caption(bars: PriceBars, levels: int, drawn: int, quote: str) -> str:
    count = bars.close.shape[0]
    text = f"Last {count} bars in {quote}, UTC: closes as a line, low to high as a band"
    if not levels:
        return f"{text}. No grid is drawn: none is planned."
    nth = ceil(levels / MOST_LEVEL_LINES)
    which = f"{levels} levels" if drawn == levels else f"every {_ordinal(nth)} level"
    rest = "" if drawn == levels else f" of {levels}"
    return f"{text}; thin lines: {which}{rest}, dashed where the grid buys."


def _ordinal(n: int) -> str:
    return f"{n}{ {2: 'nd', 3: 'rd'}.get(n, 'th') }"
