"""The grid plan of one contract: what to type, what it risks, what it may bring."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any, TypeAlias

from grid_screening.reports import wording
from grid_screening.reports.html.markup import Html, isolated, joined, tag
from grid_screening.screening_report import RankedSymbol

Grid: TypeAlias = Mapping[str, Decimal | float | int | str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    label: str
    value: str
    remark: str = ""
    isolate: bool = False
    """Whether the value is a name that may be written from right to left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Number:
    """How one number of the plan is labelled."""

    name: str
    label: str
    unit: str
    """``{quote}`` stands for the quote asset."""
    remark: str = ""


_SAFETY = (
    _Number(name="minimum_margin", label="Minimum margin", unit="{quote}",
            remark="fewer levels"),
    _Number(name="notional", label="Notional, fully loaded", unit="{quote}"),
    _Number(name="loss_at_upper", label="Loss at the upper bound", unit="{quote}",
            remark="before fees"),
    _Number(name="fees_at_stop", label="Fees in the worst loss", unit="{quote}"),
    _Number(name="range_to_volatility", label="Upper range ÷ daily volatility",
            unit=""),
)  # fmt: skip
_EXPECTATIONS = (
    _Number(name="price", label="Price at the start", unit="{quote}"),
    _Number(name="grid_step", label="Spacing", unit="{quote}"),
    _Number(name="quantity_per_level", label="Quantity per level", unit="base asset"),
    _Number(name="initial_short_quantity", label="Initial short", unit="base asset",
            remark="as taker"),
    _Number(name="expected_trips_per_day", label="Round trips, driftless",
            unit="a day"),
    _Number(name="funding_per_day_initial", label="Funding, initial short",
            unit="{quote} a day", remark="positive: received"),
    _Number(name="funding_per_day_loaded", label="Funding, fully loaded",
            unit="{quote} a day", remark="positive: received"),
    _Number(name="atr_daily", label="ATR(14) of daily bars", unit="{quote}"),
    _Number(name="atr_hourly", label="ATR(14) of hourly bars", unit="{quote}"),
)  # fmt: skip
_MINUTES = (
    _Number(name="deep_bars", label="One-minute bars", unit=""),
    _Number(name="grid_step_default", label="Spacing without them", unit="{quote}"),
    _Number(name="variation_per_day", label="[X] of this spacing ÷ price²",
            unit="a day"),
    _Number(name="variation_per_day_default", label="[X] of the default ÷ price²",
            unit="a day"),
    _Number(name="level_moves_per_day", label="Level moves", unit="a day"),
    _Number(name="level_moves_per_day_default", label="Level moves, default",
            unit="a day"),
    _Number(name="measured_trips_per_day", label="Round trips, measured",
            unit="a day", remark="on the bars it was chosen by: flattered"),
    _Number(name="measured_trips_per_day_default",
            label="Round trips, default spacing", unit="a day"),
    _Number(name="volatility_displacement", label="Path ÷ net move, 240 minutes",
            unit=""),
    _Number(name="volatility_displacement_scaled",
            label="The same ÷ a random walk's", unit="", remark="1 is noise"),
)  # fmt: skip
_ELSEWHERE = frozenset({
    "lower_bound", "upper_bound", "spacing", "level_count", "cell_count", "grid_ratio",
    "levels_below", "levels_above", "leverage", "stop_price", "liquidation_price",
    "loss_at_stop", "cell_profit_rate", "margin", "initial_short_order_count",
    "profit_per_trip_low", "profit_per_trip_high", "break_even_trips",
    "break_even_days", "bounds", "start", "net_exposure", "net_exposure_share",
    "leverage_beyond_tail", "volume_below_grid", "volume_above_grid",
    "point_of_control", "value_area_low", "value_area_high",
})  # fmt: skip
# told by the lines that are made of several numbers


def plan(row: RankedSymbol, quote: str) -> Html:
    """Return the planned grid in three lists, or why there is none."""
    if row.grid is None:
        return tag("section", tag("h3", "No grid"), *_why_none(row, quote))
    grid = row.grid
    risks = (*_dangers(grid, quote), *_numbers(_SAFETY, grid, quote))
    return joined((
        _card("Grid to enter", _dialog(row, grid, quote)),
        _card("What it risks", risks),
        _card(
            "What it may bring",
            (
                *_earnings(grid, quote),
                *_numbers(_EXPECTATIONS, grid, quote),
                *_further(grid),
            ),
        ),
        _card("Where its bounds sit", _place(grid, quote)),
        None
        if number(grid, "deep_bars") is None
        else _card("What a day of minutes says", _numbers(_MINUTES, grid, quote)),
    ))  # fmt: skip


def number(grid: Grid, name: str) -> float | None:
    """Return one number of a plan for a picture; None: missing or not finite."""
    value = grid.get(name)
    if value is None or isinstance(value, str) or not isfinite(value):
        return None
    return float(value)


def _why_none(row: RankedSymbol, quote: str) -> list[Html]:
    lines = []
    if row.grid_reason is not None:
        lines.append(tag("p", row.grid_reason.text))
    if row.minimum_margin is not None:
        needed = f"{wording.exact(row.minimum_margin)} {quote}"
        lines.append(tag("p", f"A margin of {needed} would do."))
    return lines


def _dialog(row: RankedSymbol, grid: Grid, quote: str) -> Iterable[_Line]:
    # the fields of the exchange's futures grid dialog, in its order
    shown = _shower(grid)
    yield _Line(label="Symbol", value=row.symbol, isolate=True)
    yield _Line(label="Direction", value="Short")
    yield _Line(label="Lower price", value=f"{shown('lower_bound')} {quote}")
    yield _Line(label="Upper price", value=f"{shown('upper_bound')} {quote}")
    yield _Line(
        label="Number of grids",
        value=shown("cell_count"),
        remark=f"cells between {shown('level_count')} levels",
    )
    yield _Line(label="Mode", value=shown("spacing").capitalize(), remark=_spaced(grid))
    yield _Line(label="Leverage", value=f"{shown('leverage')}×")
    yield _Line(label="Investment (margin)", value=f"{shown('margin')} {quote}")
    yield _Line(
        label="Stop top price",
        value=f"{shown('stop_price')} {quote}",
        remark="close all positions on stop",
    )
    opened = "No" if grid.get("start") == "flat" else "Yes"
    yield _Line(label="Open a position on creation", value=opened)


def _spaced(grid: Grid) -> str:
    ratio = number(grid, "grid_ratio")
    if ratio is None or grid.get("spacing") != "geometric":
        return ""
    apart = wording.rounded((ratio - 1) * 100, 3)
    return f"each level {apart} % above the last, on the nearest tick"


def _dangers(grid: Grid, quote: str) -> Iterable[_Line]:
    shown = _shower(grid)
    yield _Line(
        label="Stop",
        value=f"{shown('stop_price')} {quote}",
        remark=_away(grid, "stop_price", "price", "from the price"),
    )
    yield _Line(
        label="Liquidation, fully loaded",
        value=f"{shown('liquidation_price')} {quote}",
        remark=_away(grid, "liquidation_price", "stop_price", "from the stop"),
    )
    yield _Line(label="Leverage", value=f"{shown('leverage')}×")
    yield _Line(
        label="Leverage beyond the tail run-up",
        value=f"{shown('leverage_beyond_tail')}×",
        remark="0: none",
    )
    yield _Line(
        label="Net exposure at the start",
        value=f"{shown('net_exposure').replace('-', '−')} {quote}",
        remark=_exposure(grid),
    )
    yield _Line(
        label="Worst loss at the stop",
        value=f"{shown('loss_at_stop')} {quote}",
        remark=_share(grid, "loss_at_stop", "margin", "of the margin"),
    )


def _exposure(grid: Grid) -> str:
    share = number(grid, "net_exposure_share")
    if share is None:
        return ""
    part = f"{wording.rounded(share * 100, 1)} % of the notional"
    return part if grid.get("start") == "flat" else f"{part}; started flat: 0"


def _place(grid: Grid, quote: str) -> Iterable[_Line]:
    shown = _shower(grid)
    yield _Line(label="Bounds by", value=shown("bounds"))
    area = f"{shown('value_area_low')}–{shown('value_area_high')} {quote}"
    yield _Line(
        label="Value area",
        value=area,
        remark=f"most volume at {shown('point_of_control')}",
    )
    shares = (number(grid, f"volume_{side}_grid") for side in ("below", "above"))
    below, above = (
        wording.MISSING if share is None else wording.rounded(share * 100, 1)
        for share in shares
    )
    yield _Line(label="Volume below, above the grid", value=f"{below} %, {above} %")


def _earnings(grid: Grid, quote: str) -> Iterable[_Line]:
    shown = _shower(grid)
    above = f"{shown('levels_below')} below the price, {shown('levels_above')} above"
    yield _Line(label="Levels", value=shown("level_count"), remark=above)
    profits = f"{shown('profit_per_trip_low')}–{shown('profit_per_trip_high')} {quote}"
    yield _Line(
        label="Profit a round trip", value=profits, remark="lowest–highest cell, net"
    )
    rate = number(grid, "cell_profit_rate")
    share = wording.MISSING if rate is None else wording.percent(round(rate, 6))
    yield _Line(label="Profit at the price", value=share, remark="net of fees")
    yield _Line(
        label="Break-even",
        value=f"{shown('break_even_trips')} round trips",
        remark=f"{shown('break_even_days')} days of a driftless price, no forecast",
    )
    count = grid.get("initial_short_order_count")
    if isinstance(count, int) and count > 1:
        yield _Line(label="Orders of the initial short", value=str(count))


def _numbers(numbers: Iterable[_Number], grid: Grid, quote: str) -> Iterable[_Line]:
    shown = _shower(grid)
    for spec in numbers:
        unit = spec.unit.replace("{quote}", quote)
        value = f"{shown(spec.name)} {unit}".rstrip()
        yield _Line(label=spec.label, value=value, remark=spec.remark)


def _further(grid: Grid) -> Iterable[_Line]:
    told = (*_SAFETY, *_EXPECTATIONS, *_MINUTES)
    known = {spec.name for spec in told} | _ELSEWHERE
    shown = _shower(grid)
    for name in grid:
        if name not in known:
            yield _Line(label=name.replace("_", " "), value=shown(name))


def _shower(grid: Grid) -> Callable[[str], str]:
    def shown(name: str) -> str:
        value: Any = grid.get(name)
        # statistics are floats, money is exact
        if isinstance(value, float):
            return wording.significant(value)
        return wording.exact(value)

    return shown


def _away(grid: Grid, name: str, reference: str, words: str) -> str:
    value, base = number(grid, name), number(grid, reference)
    if value is None or base is None or base <= 0:
        return ""
    return f"{wording.rounded((value / base - 1) * 100, 2, sign=True)} % {words}"


def _share(grid: Grid, name: str, whole: str, words: str) -> str:
    value, base = number(grid, name), number(grid, whole)
    if value is None or base is None or base <= 0:
        return ""
    return f"{wording.rounded(value / base * 100, 1)} % {words}"


def _card(heading: str, lines: Iterable[_Line]) -> Html:
    return tag("section", tag("h3", heading), _list(lines))


def _list(lines: Iterable[_Line]) -> Html:
    entries = (
        joined((
            tag("dt", line.label),
            tag("dd", _value(line), _small(line)),
        ))
        for line in lines
    )  # fmt: skip
    return tag("dl", *entries)


def _value(line: _Line) -> str:
    return isolated(line.value) if line.isolate else line.value


def _small(line: _Line) -> Html | None:
    return joined((" ", tag("small", line.remark))) if line.remark else None
