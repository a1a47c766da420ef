"""Sections on how far to trust it: tests, assumptions, limits, data, settings."""

from collections.abc import Mapping
from typing import Any

from grid_screening.reports import wording
from grid_screening.reports.html.markup import Html, items, tag
from grid_screening.validation.report import score_pictures
from grid_screening.validation.report.numbers import (
    CORRELATION,
    PLAIN,
    PNL,
    POINTS,
    PROBABILITY,
    SHARE,
    count,
    date,
    unbroken,
)
from grid_screening.validation.report.score_verdicts import (
    tried_verdict,
)
from grid_screening.validation.report.tables import estimate_cell, folded, table
from grid_screening.validation.report.verdicts import (
    look_ahead_sentence,
    placebo_sentence,
)
from grid_screening.validation.results import StudyResult

_BEFORE = (
    "An order is filled when a bar touches its level: no queue, no own price impact.",
    "The stop is filled at its price or, after a gap, at the open.",
)
_BEHIND = (
    "Inputs that the history lacks are left out of the score, as in a scan.",
    "Contracts move together: hundreds of grids of one week are few independent bets.",
    "Only comparisons within an origin have breadth; a mean PnL has little.",
    "One recipe of bounds and spacing, one stretch of market: others may differ.",
    "Not shown is not disproved: the effect that would be seen stands beside it.",
)


def limits_of(result: StudyResult) -> tuple[str, ...]:
    """Return what the numbers do not hold, as sentences."""
    return (*_BEFORE, _survivorship(result.data.ended_count), *_BEHIND)


def data(result: StudyResult) -> Html:
    """Return what the study was run on, and how many contracts each origin had."""
    found = result.data
    origins = result.universe
    span = f"{date(found.start_ms)} to {date(found.end_ms)}"
    contracts, bars = count(found.contract_count), count(found.bar_count)
    funded = count(found.funding_contract_count)
    known = SHARE.text(found.funding_share)
    facts = [
        f"{found.label}: {contracts} contracts, {bars} bars of {found.interval}, "
        + span,
        _survivors(found.ended_count),
        f"funding of {funded} contracts, known during {known} of the grids",
        f"fingerprint of the data {found.fingerprint[:16]}…",
        look_ahead_sentence(result.look_ahead),
        *([f"finer bars: {found.finer}"] if found.finer else []),
        *found.problems,
    ]
    if origins:
        planned = sorted(row.planned for row in origins)
        facts.insert(
            1,
            f"{len(origins)} origins, {date(origins[0].as_of_ms)} to "
            f"{date(origins[-1].as_of_ms)}; {planned[0]} to {planned[-1]} contracts "
            "with a legal grid",
        )
    return tag(
        "section",
        tag("h2", "Data and universe"),
        tag("ul", items(facts)),
        score_pictures.universe(origins),
        _excluded(result),
        id="data",
    )


def tests(result: StudyResult) -> Html:
    """Return the cost of multiple testing."""
    placebo = (
        placebo_sentence(row.statistic, row.nominal, row.rejected)
        + f" Its true 5 % point of |t| is {PLAIN.text(row.critical_value)}."
        for row in result.placebo
    )
    ordered = sorted(result.tried, key=lambda row: (row.p_value, row.name))
    summary = table(
        ("score", "statistic", "mean", "t", "p", "stands"),
        (
            (
                row.name,
                row.statistic,
                CORRELATION.text(row.mean),
                PLAIN.text(row.t),
                PROBABILITY.text(row.p_value),
                "yes" if row.discovered else "no",
            )
            for row in ordered
        ),
        caption=(
            "Everything tried, smallest p first. Stands: Benjamini–Hochberg, 5 %."
        ),
    )
    return tag(
        "section",
        tag("h2", "How much was tried"),
        tag("p", unbroken(tried_verdict(result.tried).sentence)),
        tag("ul", items(placebo)),
        folded(f"All {len(ordered)} tests", summary),
        id="tests",
    )


def sensitivity(result: StudyResult) -> Html:
    """Return the main figures under other assumptions."""
    summary = table(
        (
            "changed",
            "grids",
            "PnL, % of notional",
            "won",
            "stopped",
            "liquidated",
            "grid less its first short",
            "classic's list less universe",
            "guarded's stop-outs less classic's",
            "rank-IC of x, not stopped",
        ),
        (
            (
                row.name,
                count(row.grid_count),
                estimate_cell(row.pnl, PNL),
                estimate_cell(row.won, SHARE),
                estimate_cell(row.stopped, SHARE),
                estimate_cell(row.liquidated, SHARE),
                estimate_cell(row.grid_less_static, PNL),
                estimate_cell(row.classic_excess, PNL),
                estimate_cell(row.guarded_stopped, POINTS),
                estimate_cell(row.ranking_x, CORRELATION),
            )
            for row in result.sensitivity
        ),
        caption="One assumption changed at a time; means with 95 % intervals.",
    )
    return tag(
        "section", tag("h2", "Under other assumptions"), summary, id="sensitivity"
    )


def limits(result: StudyResult) -> Html:
    """Return limits, protocol and settings."""
    timing = result.timing
    speed = (
        f"{count(timing.symbol_scans)} contract scans in "
        f"{wording.duration(timing.seconds)}."
    )
    return tag(
        "section",
        tag("h2", "Limits and method"),
        tag("ul", items(limits_of(result))),
        folded("What was declared before the first run", _pairs(result.protocol)),
        folded("Settings", _pairs(result.settings)),
        tag("p", speed, class_="remark"),
        id="limits",
    )


def _survivors(ended: int) -> str:
    if ended == 0:
        return "no contract ends before the history does: delisted ones are missing"
    return f"{count(ended)} contracts end before the history does (delisted)"


def _survivorship(ended: int) -> str:
    if ended == 0:
        return (
            "Contracts delisted before the history's end are missing (survivorship). "
            "Such contracts tend to fall: this probably understates what shorts earned."
        )
    return (
        f"{count(ended)} contracts were delisted inside the history and are in it "
        "until then; those delisted before it was recorded are missing (survivorship)."
    )


def _pairs(values: Mapping[str, Any]) -> Html:
    rows = ((wording.words(name), _setting(value)) for name, value in values.items())
    lines = (
        tag("tr", tag("th", name, scope="row"), tag("td", text)) for name, text in rows
    )
    return tag("table", tag("tbody", *lines), class_="listing")


def _setting(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_setting(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_setting(each) for each in value)
    return wording.exact(value)


def _excluded(result: StudyResult) -> Html | None:
    totals: dict[str, int] = {}
    for row in result.universe:
        for reason, number in row.excluded.items():
            totals[reason] = totals.get(reason, 0) + number
    if not totals:
        return None
    origins = len(result.universe)
    ordered = sorted(totals.items(), key=lambda item: -item[1])
    return table(
        ("stopped by", "contracts per origin"),
        ((wording.words(name), f"{total / origins:.1f}") for name, total in ordered),
        caption="Mean number of contracts that did not enter, by reason.",
    )
