"""Sections on stop-outs: the model, the gate, the wider range."""

from math import isfinite

from grid_screening.reports.html.markup import Html, tag
from grid_screening.validation.report import pictures
from grid_screening.validation.report.numbers import (
    BRIER,
    CORRELATION,
    PLAIN,
    PNL,
    POINTS,
    PROBABILITY,
    SHARE,
    count,
    days,
    unbroken,
)
from grid_screening.validation.report.stop_out_verdicts import (
    gate_verdict,
    stop_out_verdict,
    widening_verdict,
)
from grid_screening.validation.report.tables import estimate_cell, folded, table
from grid_screening.validation.results import GateResult, StudyResult


def stop_outs(result: StudyResult) -> Html:
    """Return question 1, whether the stop-out can be told."""
    rows = result.stop_out
    summary = table(
        (
            "within",
            "grids",
            "stopped",
            "Brier",
            "base rate's",
            "difference",
            "AUC",
            "told",
        ),
        (
            (
                days(row.horizon_days),
                count(row.count),
                SHARE.text(row.base_rate),
                PROBABILITY.text(row.brier),
                PROBABILITY.text(row.base_brier),
                estimate_cell(row.difference, BRIER),
                PLAIN.text(row.auc),
                str(stop_out_verdict(row).answer),
            )
            for row in rows
        ),
        caption=(
            "Walk-forward: every month is predicted by a fit on what was known before "
            "it. Base rate: the stopped share of the same training sample."
        ),
    )
    return tag(
        "section",
        tag("h2", "1 · Can a stop-out be told?"),
        summary,
        pictures.reliability(rows),
        pictures.months(rows),
        pictures.coefficients(rows),
        _coefficients(result),
        id="stop-outs",
    )


def gate(result: StudyResult) -> Html:
    """Return question 2, whether the gate lowers stop-outs."""
    found = result.gate
    summary = table(
        ("", f"top {found.top} of classic", "of guarded", "difference"),
        (
            (
                "stopped",
                estimate_cell(found.classic_stopped, SHARE),
                estimate_cell(found.guarded_stopped, SHARE),
                estimate_cell(found.difference, POINTS),
            ),
            ("PnL, % of notional", "", "", estimate_cell(found.pnl_difference, PNL)),
        ),
        caption="Mean over origins with 95 % intervals, blocks of weeks drawn again.",
    )
    sentence = gate_verdict(found, result.outcome[0].horizon_days).sentence
    return tag(
        "section",
        tag("h2", "2 · Does the gate lower stop-outs?"),
        tag("p", unbroken(sentence)),
        _short_lists(found),
        summary,
        id="gate",
    )


def widening(result: StudyResult) -> Html:
    """Return question 3, what a wider range changes."""
    summary = table(
        (
            "x",
            "pairs",
            "stopped",
            "less own bound's",
            "PnL, % of margin",
            "less own bound's",
            "quantity",
        ),
        (
            (
                f"{row.x:g}",
                count(row.grid_count),
                estimate_cell(row.stopped, SHARE),
                estimate_cell(row.stopped_difference, POINTS),
                estimate_cell(row.pnl, PNL),
                estimate_cell(row.pnl_difference, PNL),
                f"× {PLAIN.text(row.quantity_ratio)}",
            )
            for row in result.widening
        ),
        caption=(
            "Upper bound moved until x; the same capital buys less per level. "
            "Differences are paired."
        ),
    )
    return tag(
        "section",
        tag("h2", "3 · What does a wider range change?"),
        tag("p", unbroken(widening_verdict(result.widening).sentence)),
        summary,
        pictures.widening(result.widening),
        id="widening",
    )


def _short_lists(found: GateResult) -> Html | None:
    if not isfinite(found.short_lists):
        return None
    return tag(
        "p",
        f"As in a scan, the gate looks at the first {2 * found.top}; fewer than "
        f"{found.top} were listed at {SHARE.text(found.short_lists)} of the origins.",
        class_="remark",
    )


def _coefficients(result: StudyResult) -> Html | None:
    rows = [
        (
            f"{each.feature.replace('_', ' ')}, {days(row.horizon_days)}",
            CORRELATION.text(each.value),
            CORRELATION.text(each.standard_error).lstrip("+"),
        )
        for row in result.stop_out
        for each in row.coefficients
    ]
    if not rows:
        return None
    head = ("feature", "coefficient", "standard error")
    caption = "Fitted on all origins, per standard deviation of the feature."
    return folded("The coefficients as numbers", table(head, rows, caption=caption))
