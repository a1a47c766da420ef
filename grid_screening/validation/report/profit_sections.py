"""Sections on money and rank: the family, rank-IC, tenths, lists, the short."""

from math import isfinite

from grid_screening.reports.html.markup import Html, tag
from grid_screening.validation.report import score_pictures
from grid_screening.validation.report.numbers import (
    CORRELATION,
    PLAIN,
    PNL,
    POINTS,
    SHARE,
    days,
    unbroken,
)
from grid_screening.validation.report.score_verdicts import (
    grid_verdict,
    profit_verdict,
    rank_verdict,
)
from grid_screening.validation.report.tables import estimate_cell, folded, table
from grid_screening.validation.results import LESS_SHUFFLED, Kind, RankRow, StudyResult

OUTCOMES = ("pnl", "shuffled", LESS_SHUFFLED, "r", "won", "not_stopped")
_OUTCOME_HEADS = (
    "PnL per notional",
    "others' outcomes, own size",
    "first less second",
    "PnL ÷ risk (R)",
    "won",
    "not stopped",
)
_T = PLAIN


def profit(result: StudyResult) -> Html:
    """Return question 4, whether any candidate earns more."""
    family, main = result.profit, result.outcome[0]
    baselines = [row for row in result.top if row.kind is Kind.BASELINE]
    baselines = [row for row in baselines if row.top == result.gate.top]
    summary = table(
        ("candidate", "PnL less universe", "t", "needed", "seen from", "passes"),
        (
            (
                row.name,
                estimate_cell(row.pnl, PNL),
                _T.text(row.pnl.t),
                _T.text(row.critical_value),
                PNL.text(row.minimum_detectable).lstrip("+"),
                "yes" if row.ships else "no",
            )
            for row in family.rows
        ),
        caption=(
            f"Top {result.gate.top} less universe, % of notional in "
            f"{days(main.horizon_days)}. Needed: 95 % point of the largest |t| of as "
            f"many placebo scores ({family.placebo_count} drawn). Seen from: effect "
            "that passes with 80 % power."
        ),
    )
    verdict = profit_verdict(family, main.horizon_days, result.gate.top)
    return tag(
        "section",
        tag("h2", "4 · Does any score earn more?"),
        tag("p", unbroken(verdict.sentence)),
        summary,
        score_pictures.money(family, baselines),
        id="profit",
    )


def ranks(result: StudyResult) -> Html:
    """Return rank correlations beside their control."""
    known = [row for row in result.rank if set(OUTCOMES) <= set(row.outcomes)]
    named = [row for row in known if row.kind is Kind.PROFILE] or known[:1]
    summary = table(
        ("score", "kind", *_OUTCOME_HEADS),
        (
            (
                row.name,
                row.kind.value,
                *(estimate_cell(row.outcomes[o], CORRELATION) for o in OUTCOMES),
            )
            for row in known
        ),
        caption=(
            "Spearman's correlation across the contracts of an origin, mean over "
            "origins, 95 % interval. Read the first column only beside the second."
        ),
    )
    return tag(
        "section",
        tag("h2", "Rank correlations, and what size alone makes of them"),
        tag(
            "p",
            "PnL per notional is skewed and grows with volatility, so anything that "
            "goes with volatility is correlated with its rank. In the second column "
            "each contract keeps its risk but has another's outcome: what is left "
            "there is no knowledge.",
        ),
        *(tag("p", _named(row)) for row in named),
        score_pictures.correlations(known),
        folded(f"All {len(known)} scores as numbers", summary),
        id="ranks",
    )


def tenths(result: StudyResult) -> Html | None:
    """Return excess PnL and stop-outs by tenth of each score; None without any."""
    if not result.deciles:
        return None
    heads = ("score", *(str(number) for number in range(1, 11)))
    money = table(
        heads,
        ((row.name, *map(PNL.bare, row.pnl)) for row in result.deciles),
        caption="PnL less universe, % of notional; 10: the highest scores.",
    )
    stopped = table(
        heads,
        ((row.name, *map(POINTS.bare, row.stopped)) for row in result.deciles),
        caption="Share stopped less universe, percentage points.",
    )
    return tag(
        "section",
        tag("h2", "Tenths of each score"),
        score_pictures.tenths(result.deciles),
        folded("The tenths as numbers", money, stopped),
        id="tenths",
    )


def lists(result: StudyResult) -> Html:
    """Return top N less universe for every score, baselines included."""
    summary = table(
        ("score", "kind", "N", "PnL", "t", "seen from", "stopped", "won"),
        (
            (
                row.name,
                row.kind.value,
                str(row.top),
                estimate_cell(row.pnl, PNL),
                _T.text(row.pnl.t),
                PNL.text(row.minimum_detectable).lstrip("+"),
                estimate_cell(row.stopped, POINTS),
                estimate_cell(row.won, POINTS),
            )
            for row in result.top
        ),
        caption=(
            "Mean of the N highest less that of all contracts with an outcome: PnL in "
            "% of notional, stopped and won in percentage points. Baselines: random, "
            "turnover, NATR."
        ),
    )
    return tag("section", tag("h2", "Lists against the universe"), summary, id="lists")


def outcomes(result: StudyResult) -> Html:
    """Return what became of the grids, beside the short they begin with."""
    rows = result.outcome
    lines = (
        ("grids", [f"{row.grid_count:,}" for row in rows]),
        ("PnL", [estimate_cell(row.pnl, PNL) for row in rows]),
        ("median", [PNL.text(row.median) for row in rows]),
        ("standard deviation", [PNL.text(row.standard_deviation)[1:] for row in rows]),
        ("won", [estimate_cell(row.won, SHARE) for row in rows]),
        ("stopped", [estimate_cell(row.stopped, SHARE) for row in rows]),
        ("taken off below", [estimate_cell(row.take_profit, SHARE) for row in rows]),
        ("liquidated", [estimate_cell(row.liquidated, SHARE) for row in rows]),
        ("initial short alone", [estimate_cell(row.static_short, PNL) for row in rows]),
        ("grid less that", [estimate_cell(row.grid_less_static, PNL) for row in rows]),
        ("fees paid", [estimate_cell(row.fees, PNL) for row in rows]),
        ("funding received", [estimate_cell(row.funding, PNL) for row in rows]),
        ("lowest equity: 1 % of grids below", [_worst(r.worst[0]) for r in rows]),
        ("5 % below", [_worst(row.worst[1]) for row in rows]),
        ("half below", [_worst(row.worst[2]) for row in rows]),
    )
    return tag(
        "section",
        tag("h2", "What became of the grids"),
        tag("p", unbroken(grid_verdict(rows[0], result.sensitivity).sentence)),
        score_pictures.spread(rows[0].histogram),
        table(
            ("", *(days(row.horizon_days) for row in rows)),
            ((name, *cells) for name, cells in lines),
            caption="% of the largest notional; means weigh origins equally.",
        ),
        id="outcomes",
    )


def _named(row: RankRow) -> str:
    return f"{row.name}: {rank_verdict(row).sentence}"


def _worst(value: float) -> str:
    return PNL.text(value) if isfinite(value) else "–"
