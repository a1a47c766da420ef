"""The pictures of scores: money by candidate, rank-IC and its control, tenths."""

from collections.abc import Sequence
from math import isfinite, nan
from textwrap import fill

from grid_screening.reports.html.markup import Html
from grid_screening.validation.histograms import Histogram
from grid_screening.validation.report.drawing import (
    BAND,
    INK,
    SERIES,
    SOFT,
    figure,
    picture,
    styled,
)
from grid_screening.validation.report.numbers import date
from grid_screening.validation.report.pictures import PERCENT
from grid_screening.validation.results import (
    DecileRow,
    ProfitFamily,
    RankRow,
    TopRow,
)
from grid_screening.validation.study_data import UniverseRow

_MOST_TENTHS = 4
_ROW_INCHES = 0.24
_LABEL_CHARACTERS = 24
_MOST_TICKS = 6
_LEAST_ORIGINS = 2


@styled
def money(family: ProfitFamily, baselines: Sequence[TopRow]) -> Html | None:
    """Return excess PnL of candidates and baselines with what placebos demand."""
    rows = [(row.name, row.pnl, row.critical_value, SERIES[0]) for row in family.rows]
    rows += [(row.name, row.pnl, nan, SOFT) for row in baselines]
    rows = [row for row in rows if isfinite(row[1].mean)]
    if not rows:
        return None
    drawn, (axis,) = figure(_ROW_INCHES * len(rows) + 1.1)
    axis.axvline(0, color=INK, linewidth=0.8)
    for place, (_, pnl, needed, colour) in enumerate(rows):
        low = [max(PERCENT * (pnl.mean - pnl.low), 0.0)]
        high = [max(PERCENT * (pnl.high - pnl.mean), 0.0)]
        spread = [low, high] if isfinite(low[0] + high[0]) else None
        mean = [PERCENT * pnl.mean]
        axis.errorbar(mean, [place], xerr=spread, color=colour, marker="o")
        demanded = PERCENT * needed * pnl.standard_error
        if isfinite(demanded):
            axis.plot(
                [demanded], [place], color=SERIES[1], marker="|", markersize=11, mew=2
            )
    axis.set_yticks(range(len(rows)))
    axis.set_yticklabels([_label(row[0]) for row in rows])
    axis.invert_yaxis()
    axis.set_xlabel("PnL of the list less universe, % of notional")
    return picture(
        drawn,
        "money",
        title="Excess PnL of candidates and baselines",
        caption=(
            "Dots with 95 % intervals; grey: baselines. Upright strokes: where a dot "
            "would have to lie to pass the placebo point."
        ),
    )


@styled
def correlations(rows: Sequence[RankRow]) -> Html | None:
    """Return rank-IC with PnL and its control, score by score."""
    rows = [row for row in rows if isfinite(row.outcomes["pnl"].mean)]
    if not rows:
        return None
    drawn, (axis,) = figure(_ROW_INCHES * len(rows) + 1.3)
    axis.axvline(0, color=INK, linewidth=0.8)
    shown = (
        ("pnl", "PnL per notional", SERIES[0], "o"),
        ("shuffled", "the same, other contracts' outcomes", SERIES[1], "x"),
        ("not_stopped", "not stopped", SERIES[2], "^"),
    )
    for outcome, label, colour, mark in shown:
        means = [row.outcomes[outcome].mean for row in rows]
        axis.plot(
            means,
            range(len(rows)),
            color=colour,
            marker=mark,
            linestyle="none",
            label=label,
        )
    for place, row in enumerate(rows):
        ends = [row.outcomes[name].mean for name in ("pnl", "shuffled")]
        axis.plot(ends, [place, place], color=SOFT, linewidth=0.8, zorder=1)
    axis.set_yticks(range(len(rows)))
    axis.set_yticklabels([_label(row.name) for row in rows])
    axis.invert_yaxis()
    axis.set_xlabel("mean rank correlation")
    drawn.legend(loc="outside upper center", ncols=3, handlelength=1.0)
    return picture(
        drawn,
        "correlations",
        title="Rank correlations of each score with outcomes",
        caption=(
            "Where dot and cross lie together, the correlation with PnL comes from "
            "the size of the swings alone."
        ),
    )


@styled
def tenths(rows: Sequence[DecileRow]) -> Html | None:
    """Return excess PnL of each tenth of the first scores."""
    rows = [row for row in rows if any(map(isfinite, row.pnl))][:_MOST_TENTHS]
    if not rows:
        return None
    columns = min(len(rows), 2)
    lines = -(-len(rows) // columns)
    drawn, axes = figure(2.2 * lines, columns=columns, rows=lines, sharey=True)
    for axis, row in zip(axes, rows, strict=False):
        places = range(1, len(row.pnl) + 1)
        spread = [PERCENT * each for each in row.pnl_error] or None
        axis.bar(
            places,
            [PERCENT * value for value in row.pnl],
            yerr=spread,
            color=BAND,
            edgecolor=SERIES[0],
            ecolor=INK,
        )
        axis.axhline(0, color=INK, linewidth=0.8)
        axis.set_title(_label(row.name))
        axis.set_xticks([1, 5, 10])
    for axis in axes[len(rows) :]:
        axis.set_axis_off()
    drawn.supxlabel("tenth of the score, the list is taken from the 10th")
    drawn.supylabel("PnL less universe, %")
    return picture(
        drawn,
        "tenths",
        title="Excess PnL of each tenth of a score",
        caption=(
            "Percent of notional, mean over origins. A score that told profit would "
            "climb from left to right. Bars: one standard error."
        ),
    )


@styled
def spread(histogram: Histogram | None) -> Html | None:
    """Return the outcomes' histogram; None where it was not kept."""
    if histogram is None:
        return None
    drawn, (axis,) = figure(2.4)
    edges = [PERCENT * edge for edge in histogram.edges]
    axis.stairs(histogram.counts, edges, fill=True, color=BAND)
    axis.stairs(histogram.counts, edges, color=SERIES[0])
    axis.axvline(0, color=INK, linewidth=0.8)
    axis.set_xlabel("PnL of a grid, % of notional")
    axis.set_ylabel("grids")
    return picture(
        drawn,
        "spread",
        title="Histogram of the grids' PnL",
        caption=(
            f"{histogram.below} grids lie left of the picture, {histogram.above} "
            "right of it."
        ),
    )


@styled
def universe(rows: Sequence[UniverseRow]) -> Html | None:
    """Return how many contracts each origin had; None with fewer than two."""
    if len(rows) < _LEAST_ORIGINS:
        return None
    drawn, (axis,) = figure(2.0)
    places = range(len(rows))
    axis.plot(places, [row.scored for row in rows], color=SOFT, label="scored")
    planned = [row.planned for row in rows]
    axis.plot(places, planned, color=SERIES[0], label="with a legal grid")
    step = max(len(rows) // (_MOST_TICKS - 1), 1)
    ticks = list(places)[::step]
    axis.set_xticks(ticks)
    axis.set_xticklabels([date(rows[tick].as_of_ms) for tick in ticks])
    axis.set_ylim(bottom=0)
    axis.set_ylabel("contracts")
    axis.legend(loc="lower right")
    return picture(
        drawn,
        "universe-picture",
        title="Contracts by origin",
        caption="How many contracts each origin could choose from.",
    )


def _label(name: str) -> str:
    return fill(name, _LABEL_CHARACTERS)
