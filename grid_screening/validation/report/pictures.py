"""The pictures of stop-outs: reliability, months, coefficients, widening."""

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING

from grid_screening.reports.html.markup import Html
from grid_screening.validation.report.drawing import (
    BAND,
    INK,
    SERIES,
    SOFT,
    figure,
    picture,
    styled,
)
from grid_screening.validation.report.numbers import days
from grid_screening.validation.results import (
    CoefficientRow,
    Estimate,
    StopOutRow,
    WideningRow,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PERCENT = 100
INTERCEPT = "intercept"
_NORMAL_95 = 1.96
_MARKS = ("o", "s", "D", "^")
_OFFSET = 0.22
_ROOM = 1.1


@styled
def reliability(rows: Sequence[StopOutRow]) -> Html | None:
    """Return told against observed stop-outs by horizon; None without any."""
    rows = [row for row in rows if row.reliability]
    if not rows:
        return None
    drawn, axes = figure(2.5, columns=len(rows))
    for axis, row in zip(axes, rows, strict=True):
        bins = row.reliability
        most = max(max(b.predicted, b.observed, _known(b.high)) for b in bins)
        end = PERCENT * min(1.0, most) * 1.05
        axis.plot([0, end], [0, end], color=SOFT, linestyle="--", linewidth=1)
        axis.axhline(PERCENT * row.base_rate, color=SOFT, linestyle=":", linewidth=1)
        told = [PERCENT * b.predicted for b in bins]
        seen = [PERCENT * b.observed for b in bins]
        below = [max(PERCENT * (b.observed - b.low), 0.0) for b in bins]
        above = [max(PERCENT * (b.high - b.observed), 0.0) for b in bins]
        axis.errorbar(
            told,
            seen,
            yerr=[below, above],
            color=SERIES[0],
            marker="o",
            markersize=4,
            linewidth=1.2,
            elinewidth=1,
        )
        axis.set_xlim(0, end)
        axis.set_ylim(0, end)
        axis.set_aspect("equal")
        axis.set_title(days(row.horizon_days))
        axis.set_xlabel("told, %")
    axes[0].set_ylabel("stopped, %")
    return picture(
        drawn,
        "reliability",
        title="Told probability of a stop-out against the share that was stopped",
        caption=(
            "Grids in ten groups of told probability, out of sample. On the dashed "
            "line what was told came; dotted: share of all; bars: 95 %."
        ),
    )


def _known(end: float) -> float:
    return end if isfinite(end) else 0.0


@styled
def months(rows: Sequence[StopOutRow]) -> Html | None:
    """Return told and observed shares month by month; None with one month."""
    rows = [row for row in rows if len(row.months) > 1]
    if not rows:
        return None
    drawn, axes = figure(2.7, columns=len(rows))
    for axis, row in zip(axes, rows, strict=True):
        places = range(len(row.months))
        told = [PERCENT * month.predicted for month in row.months]
        seen = [PERCENT * month.stopped for month in row.months]
        axis.plot(places, seen, color=SERIES[1], marker="s", label="stopped")
        axis.plot(places, told, color=SERIES[0], marker="o", label="told")
        axis.set_xticks(list(places))
        axis.set_xticklabels([month.month[2:] for month in row.months], rotation=60)
        axis.set_title(days(row.horizon_days))
        axis.set_ylim(0, max(*told, *seen, 1.0) * _ROOM)
    axes[0].set_ylabel("% of grids")
    handles, labels = axes[0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside upper center", ncols=2)
    return picture(
        drawn,
        "months",
        title="Told and observed share of stop-outs by month",
        caption="Each month is told by a model fitted on what was known before it.",
    )


@styled
def coefficients(rows: Sequence[StopOutRow]) -> Html | None:
    """Return the coefficients with 95 % intervals; None without any."""
    rows = [row for row in rows if row.coefficients]
    if not rows:
        return None
    names = [each.feature for each in _slopes(rows[0])]
    drawn, (axis,) = figure(0.55 * len(names) + 1.0)
    axis.axvline(0, color=INK, linewidth=0.8)
    for number, row in enumerate(rows):
        shift = (number - (len(rows) - 1) / 2) * _OFFSET
        axis.errorbar(
            [each.value for each in _slopes(row)],
            [place + shift for place in range(len(names))],
            xerr=[_NORMAL_95 * each.standard_error for each in _slopes(row)],
            color=SERIES[number % len(SERIES)],
            marker=_MARKS[number % len(_MARKS)],
            markersize=5,
            linestyle="none",
            label=days(row.horizon_days),
        )
    axis.set_yticks(range(len(names)))
    axis.set_yticklabels([name.replace("_", " ") for name in names])
    axis.invert_yaxis()
    axis.set_xlabel("change of log-odds of a stop-out per standard deviation")
    axis.legend(loc="best", handlelength=1.0)
    return picture(
        drawn,
        "coefficients",
        title="Coefficients of the stop-out models with their intervals",
        caption=(
            "Right of zero: more stop-outs where the feature is higher. Bars: 95 %, "
            "errors clustered by week."
        ),
    )


def _slopes(row: StopOutRow) -> list[CoefficientRow]:
    return [each for each in row.coefficients if each.feature != INTERCEPT]


@styled
def widening(rows: Sequence[WideningRow]) -> Html | None:
    """Return what a moved upper bound changed; None where nothing is known."""
    rows = [row for row in rows if isfinite(row.stopped_difference.mean)]
    if not rows:
        return None
    drawn, axes = figure(2.9, columns=2)
    x = [row.x for row in rows]
    _differences(axes[0], x, [row.stopped_difference for row in rows], SERIES[1])
    axes[0].set_title("stop-outs, pp")
    _differences(axes[1], x, [row.pnl_difference for row in rows], SERIES[0])
    axes[1].set_title("PnL, % of margin")
    for axis in axes:
        axis.set_xlabel("x")
    return picture(
        drawn,
        "widening-picture",
        title="Change of stop-outs and PnL when the upper bound is moved",
        caption=(
            "x = (upper bound − price) ÷ (hourly ATR · √24). Less that of the plan's "
            "own bound: same contracts, origins and capital. Bars: 95 %."
        ),
    )


def _differences(
    axis: "Axes", x: list[float], estimates: list[Estimate], colour: str
) -> None:
    mean = [PERCENT * each.mean for each in estimates]
    low = [max(PERCENT * (each.mean - each.low), 0.0) for each in estimates]
    high = [max(PERCENT * (each.high - each.mean), 0.0) for each in estimates]
    axis.axhline(0, color=INK, linewidth=0.8)
    axis.fill_between(
        x,
        [m - d for m, d in zip(mean, low, strict=True)],
        [m + d for m, d in zip(mean, high, strict=True)],
        color=BAND,
        linewidth=0,
    )
    axis.errorbar(x, mean, yerr=[low, high], color=colour, marker="o", markersize=4)
