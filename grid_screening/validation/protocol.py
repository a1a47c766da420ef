"""What was declared before the first run, and how a run deviates from it."""

from collections.abc import Mapping
from datetime import UTC, datetime

from grid_screening.validation.study_settings import StudySettings
from monitor.domain.market import DAY_MS

DECLARED_START_MS = 1_734_307_200_000
"""2024-12-16 00:00 UTC, the first declared origin."""

DECLARED_END_MS = 1_750_636_800_000
"""2025-06-23 00:00 UTC, the last."""

DECLARED_FIRST_MONTH = "2025-02"

_DECLARED = {
    "page": "specs/001-short-grid-screening/evidence-protocol.md",
    "outcome": "the planned grid, begun loaded at the origin, stopped above the upper "
    "bound, taken off below the lower, else closed after 7 days; fills in candle "
    "order; maker 0.02 %, taker 0.05 %; funding where known. PnL per largest notional "
    "(cells × quantity × upper bound), beside it PnL ÷ loss at the upper bound (R)",
    "stop-outs": "logistic regression on ln x, 7-day log return, ln volume surge, "
    "distance to the 30-day high, ln NATR; ridge 1; walk-forward by month. Told if the "
    "Brier score is below the base rate's, 95 % interval excluding zero",
    "gate": "guarded (classic order, x ≥ 2 only) has fewer stop-outs in its list than "
    "classic: 95 % interval below zero",
    "widening": "same contracts, origins and capital; upper bound moved to x = 1, 1.5, "
    "2, 2.5, 3, 4; paired",
    "profit": "five candidates, list less universe; ships only if its t exceeds the "
    "95 % point of the largest |t| of five placebo scores",
    "statistics": "Spearman by origin, averaged; Newey–West lag 10; bootstrap over "
    "calendar weeks; everything tried in one Benjamini–Hochberg list at 5 %, p-values "
    "from placebo scores; minimum detectable effect at 80 % power",
}

_ASSUMED = (
    "Assumed, since history does not hold it: tick of five significant digits at the "
    "price of the day, quantity step worth at most 0.001, minimum notional 5, 200 "
    "levels at most (a spacing that needs more is coarsened), no other order filter; "
    "mark price = last price; no announced delisting is known; maintenance brackets as "
    "a scan assumes them."
)


_SINCE = (
    "guarded is the shipped profile (veto from 20 bp/bar, list from the first 2 · N)",
    "blocks of the bootstrap are as long as the outcome (14 days: two weeks)",
    "rank correlation is judged less its control, origin by origin",
    "scores that are not there at all origins are judged by placebo scores at theirs",
    "what the grid adds to its short is shown only if finer bars confirm it",
)
"""Decided after the first run, and why: the page's last section."""

_SURVIVORS = (
    "no contract ends inside the history, though delisted ones were declared included"
)


def protocol_text(settings: StudySettings, *, ended_count: int) -> Mapping[str, str]:
    """Return the declared questions by topic, and deviations of this run.

    Parameters
    ----------
    settings : StudySettings
    ended_count : int
        Contracts that end inside the history.
    """
    deviations = [*_SINCE, *_deviations(settings)]
    if ended_count == 0:
        deviations.append(_SURVIVORS)
    return {
        **_DECLARED,
        "assumed": _ASSUMED,
        "deviations": "; ".join(deviations),
    }


def _deviations(settings: StudySettings) -> list[str]:
    declared = StudySettings(start_ms=DECLARED_START_MS, end_ms=DECLARED_END_MS)
    found = []
    for name, words in (
        ("start_ms", "first origin"),
        ("end_ms", "last origin"),
        ("every_ms", "time between origins"),
        ("horizon_ms", "horizon"),
        ("horizons_days", "horizons of the stop-out probability, days,"),
        ("lag", "lag of the errors"),
        ("universe_volume", "least 24 h turnover"),
        ("narrow_volume", "least 24 h turnover of the narrow universe"),
        ("top", "length of the list"),
        ("first_month", "first predicted month"),
        ("widths", "widths"),
    ):
        own, stated = getattr(settings, name), getattr(declared, name)
        if own != stated:
            found.append(f"{words} {_said(name, own)}, not {_said(name, stated)}")
    if not settings.sensitivity:
        found.append("no sensitivity")
    return found


def _said(name: str, value: object) -> str:
    if name in {"start_ms", "end_ms"} and isinstance(value, int):
        return f"{datetime.fromtimestamp(value / 1000, UTC):%Y-%m-%d}"
    if name in {"every_ms", "horizon_ms"} and isinstance(value, int):
        return f"{value / DAY_MS:g} d"
    return f"{value:,.0f}" if isinstance(value, float) else str(value)
