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


def protocol_text(settings: StudySettings) -> Mapping[str, str]:
    """Return the declared questions by topic, and deviations of this run."""
    return {
        **_DECLARED,
        "assumed": _ASSUMED,
        "deviations": "; ".join(_deviations(settings)) or "none",
    }


def _deviations(settings: StudySettings) -> list[str]:
    declared = StudySettings(start_ms=DECLARED_START_MS, end_ms=DECLARED_END_MS)
    found = []
    for name, words in (
        ("start_ms", "first origin"),
        ("end_ms", "last origin"),
        ("every_ms", "time between origins"),
        ("horizon_ms", "horizon"),
        ("universe_volume", "least 24 h turnover"),
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
