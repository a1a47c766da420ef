"""Words and number formats that the reports for people share."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

from grid_screening.conf import ScreenerSettings
from grid_screening.exceptions import InvalidSettings
from grid_screening.profile import load_profile
from grid_screening.reports.advice import empty_list_advice
from grid_screening.screening_report import RankedSymbol, ScreeningReport

DISCLAIMER = "GSS describes conditions, it does not forecast profit."

MISSING = "–"

MARKS: Mapping[str, tuple[str, str]] = {
    "extreme_volatility": ("V", "extreme volatility: NATR > 6 %"),
    "crowded": ("C", "crowded: open interest > 2 × 24 h turnover"),
    "squeeze_risk": ("S", "squeeze risk: funding > 0.1 % per 8 h"),
    "abnormal_buying": ("B", "abnormal taker buying: CVD change > 50 % of volume"),
    "failed_breakout": ("F", "failed breakout: z > 2 and KER < 0.3"),
    "low_confidence": ("L", "low confidence: inputs missing"),
    "lower_bound_floored": ("f", "lower bound raised to 10 % of the price"),
    "coarsened": (
        "c",
        "coarsened: fewer levels than planned (order limit or minimum notional)",
    ),
    "tail_beyond_liquidation": (
        "t",
        "liquidation at this leverage before the tail run-up's price",
    ),
    "no_minute_bars": ("m", "no minute bars: default spacing"),
    "narrow_range": ("n", "narrow: upper bound < 2 daily ranges above the price"),
    "assumed_brackets": ("a", "maintenance brackets assumed (see --brackets)"),
}
"""Letter and meaning of every mark."""

SIMULATED_SOURCES = ("demo", "simulated")

_EXPONENT_FROM = 1e15
_WORTH_TELLING_S = 1
_EXCLUSIONS_SHOWN = 20
_SAME_REASONS_SHOWN = 5


def mark_letters(row: RankedSymbol, hidden: frozenset[str] = frozenset()) -> str:
    """Return the letters of the row's marks, ``hidden`` ones left out."""
    return "".join(
        MARKS[mark][0] if mark in MARKS else f"[{mark}]"
        for mark in row.marks
        if mark not in hidden
    )


def common_marks(report: ScreeningReport) -> frozenset[str]:
    """Return the marks that every one of several listed rows with a grid carries."""
    rows = [set(row.marks) for row in report.ranked if row.grid is not None]
    if len(rows) <= 1:
        return frozenset()
    return frozenset(set.intersection(*rows))


def legend(report: ScreeningReport) -> list[str]:
    """Return the meaning of each mark in use."""
    used = {mark for row in report.ranked for mark in row.marks}
    everywhere = common_marks(report)
    return [
        f"{letter} {meaning}" + (" — all rows" if mark in everywhere else "")
        for mark, (letter, meaning) in MARKS.items()
        if mark in used
    ]


def banner(report: ScreeningReport) -> list[str]:
    """Return the lines no reader may miss: simulated market, degraded scan."""
    lines = []
    if report.source in SIMULATED_SOURCES:
        lines.append("SIMULATED MARKET: no contract, price or rank here is real.")
    if report.source == "snapshot":
        lines.append(f"REPLAY of a scan as of {utc(report.as_of_ms)}.")
    if report.degraded:
        limit = report.settings.get("min_coverage")
        below = "" if limit is None else f", below the {limit:.0%} required"
        lines.append(
            f"DEGRADED: data of only {report.coverage:.1%} of the contracts{below}; "
            "ranks are among those that remained."
        )
    return lines


def title(report: ScreeningReport) -> str:
    """Return the headline: what was ranked, for which capital, when, from where."""
    settings = report.settings
    what = f"Short-grid screening · {settings.get('profile', MISSING)}"
    bars = f"{settings.get('bars', MISSING)} × {settings.get('interval', MISSING)}"
    capital = (
        f"margin {_setting(settings.get('margin', MISSING))} {quote_asset(report)}, "
        f"leverage ≤ {settings.get('max_leverage', MISSING)}"
    )
    when = utc(report.as_of_ms)
    return f"{what} · {bars} bars · {capital} · {report.source} · {when}"


def quote_asset(report: ScreeningReport) -> str:
    """Return the asset that amounts are in."""
    return str(report.settings.get("quote", "quote currency"))


def funnel_steps(report: ScreeningReport) -> list[str]:
    """Return one text per funnel stage: name, count, and what it dropped."""
    steps = []
    before: int | None = None
    for row in report.funnel:
        lost = "" if before in (None, row.count) else f" (−{(before or 0) - row.count})"
        if row.stage == "listed":
            lost = ""  # below the first N, not dropped
        steps.append(f"{words(row.stage)} {row.count}{lost}")
        before = row.count
    return steps


def facts(report: ScreeningReport) -> list[str]:
    """Return coverage, data age, cost and duration, one text each."""
    spent = report.requests
    last_bar = ""
    if report.last_bar_close_ms is not None:
        age = duration((report.as_of_ms - report.last_bar_close_ms) / 1000)
        last_bar = f", last bar closed {age} before"
    cost = (
        f"{spent.count} requests, weight {spent.weight} "
        f"(peak {spent.peak_weight_per_minute} a minute), retries {spent.retries}"
    )
    waited = []
    if spent.budget_wait_s > _WORTH_TELLING_S:
        waited.append(f"waited {spent.budget_wait_s:.0f} s for request budget")
    return [
        f"coverage {report.coverage:.1%}",
        f"data as of {utc(report.as_of_ms)}{last_bar}, report {report.generated_at}",
        cost,
        *waited,
        f"{report.seconds:.1f} s",
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveSetting:
    """One setting as a person reads it."""

    name: str
    value: str
    default: str
    """A dash for a setting that has none."""
    changed: bool
    """Whether the value is not the default."""


def effective_settings(report: ScreeningReport) -> list[EffectiveSetting]:
    """Return every setting of the scan, in the report's order."""
    defaults = ScreenerSettings().by_flag()
    defaults["weights"] = _own_weights(report.settings)
    return [
        EffectiveSetting(
            name=name,
            value=_setting(value),
            default=_setting(defaults[name]) if name in defaults else MISSING,
            changed=name not in defaults or defaults[name] != value,
        )
        for name, value in report.settings.items()
    ]


def changed_settings(report: ScreeningReport) -> list[str]:
    """Return every effective setting that is not the default, spelt as its flag."""
    return [_as_flag(s) for s in effective_settings(report) if s.changed]


def _as_flag(setting: EffectiveSetting) -> str:
    name = setting.name.replace("_", "-")
    if setting.value in {"True", "False"}:
        return f"--{name}" if setting.value == "True" else f"--no-{name}"
    return f"--{name} {setting.value.replace(', ', ',')}"


def indistinct_ranks(report: ScreeningReport) -> list[str]:
    """Return the sentence on ranks that cannot be told apart; empty: none known."""
    stability = report.rank_stability
    if stability is None or not stability.indistinct:
        return []
    runs = ", ".join(f"{first}–{last}" for first, last in stability.indistinct)
    evidence = f"{percent(stability.level)}, {stability.draws} draws over bars"
    return [f"ranks {runs} cannot be told apart ({evidence})"]


def remarks(report: ScreeningReport) -> list[str]:
    """Return notes, alike ranks, vetoes and the fate of symbols that were asked for."""
    lines = [*report.notes, *indistinct_ranks(report)]
    vetoed = [row.symbol for row in report.not_listed if row.vetoed]
    if vetoed:
        lines.append(f"vetoed (steep, straight up-trend, score 0): {some(vetoed)}")
    asked = report.settings.get("symbols")
    if asked:
        gone = [e for e in report.excluded if e.symbol in set(asked)]
        lines += [
            f"{e.symbol} excluded at “{words(e.stage)}”: {e.reason.text}"
            for e in gone[:_EXCLUSIONS_SHOWN]
        ]
    return lines + _missing_grids(report)


def emptiness(report: ScreeningReport) -> list[str]:
    """Return why nothing is listed and what to change; empty when rows are."""
    advice = empty_list_advice(report)
    return ["No contract qualified.", *(_sentence(a) for a in advice)] if advice else []


def utc(at_ms: int) -> str:
    """Return ``at_ms`` (ms UTC) as ``2026-10-07 12:00:00 UTC``."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def duration(seconds: float) -> str:
    """Return a span in its two largest units: ``1 h 12 min``, ``45 s``."""
    whole = max(round(seconds), 0)
    sizes = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts: list[tuple[int, str]] = []
    for unit, size in sizes:
        count, whole = divmod(whole, size)
        if count or parts:
            parts.append((count, unit))
    shown = [f"{count} {unit}" for count, unit in parts[:2] if count]
    return " ".join(shown) or "0 s"


def exact(value: Any) -> str:
    """Return a number with all its decimals, never in exponent form.

    A dash for a missing or infinite one; a text as it is.
    """
    if isinstance(value, float) and isfinite(value):
        value = Decimal(repr(float(value)))
    if value is None or (isinstance(value, float | Decimal) and not isfinite(value)):
        return MISSING
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def significant(value: Any, digits: int = 4) -> str:
    """Return ``value`` in ``digits`` significant digits, whole digits never cut.

    ``0.0000123456`` becomes ``0.00001235``, ``138915439.2`` becomes ``138915439``;
    zeros at the end are left out; a dash if missing.
    """
    if value is None or not isfinite(value):
        return MISSING
    number = Decimal(repr(float(value)))
    decimals = max(digits - 1 - number.adjusted(), 0) if number else 0
    text = format(number, f".{decimals}f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "−")


def percent(share: float) -> str:
    """Return a share as ``90 %``, with as many decimals as it has."""
    return f"{significant(share * 100, 6)} %" if isfinite(share) else MISSING


def rounded(value: Any, decimals: int, *, sign: bool = False) -> str:
    """Return ``value`` with ``decimals`` digits after the point; a dash if missing."""
    if value is None or not isfinite(value):
        return MISSING
    text = format(value, f"{'+' if sign else ''}.{decimals}f")
    return text.replace("-", "−")


def words(name: str) -> str:
    """Return a published name as words: ``quote_asset`` becomes ``quote asset``."""
    return name.replace("_", " ")


def some(names: list[str], limit: int = 10) -> str:
    """Return the first ``limit`` names and how many more there are."""
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {more} more" if more > 0 else "")


def _missing_grids(report: ScreeningReport) -> list[str]:
    by_code: dict[str, list[tuple[RankedSymbol, str]]] = {}
    for row in report.ranked:
        if row.grid_reason is not None and not row.vetoed:
            same = by_code.setdefault(row.grid_reason.code, [])
            same.append((row, row.grid_reason.text))
    lines = []
    for same in by_code.values():
        summary = _one_for_all([row for row, _ in same], report)
        if len(same) > _SAME_REASONS_SHOWN and summary is not None:
            lines.append(summary)
            continue
        shown = same[:_SAME_REASONS_SHOWN]
        lines += [f"{row.symbol} has no grid: {text}" for row, text in shown]
        if len(same) > len(shown):
            lines.append(f"and {len(same) - len(shown)} more have no grid, likewise")
    return lines


def _one_for_all(rows: list[RankedSymbol], report: ScreeningReport) -> str | None:
    # one line for rows that lack margin; None when a margin is not what they lack
    margins = [
        (row.minimum_margin, row.symbol)
        for row in rows
        if row.minimum_margin is not None
    ]
    if not margins:
        return None
    margin, symbol = min(margins)
    return (
        f"{len(rows)} of {len(report.ranked)} listed have no grid: a margin of "
        f"{exact(margin)} {quote_asset(report)} would do for the cheapest, {symbol}"
    )


def _own_weights(settings: Mapping[str, Any]) -> list[float] | None:
    # the profile's; None as in settings that leave the weights to it
    if settings.get("weights") is None:
        return None
    try:
        weights = load_profile(str(settings.get("profile"))).weights
    except InvalidSettings:  # a report of a profile that is not installed here
        return None
    return list(astuple(weights))


def _setting(value: Any) -> str:
    if isinstance(value, list | tuple):
        return some([str(item) for item in value])
    if isinstance(value, float):
        if isfinite(value) and abs(value) >= _EXPONENT_FROM:
            return repr(value)
        return str(int(value)) if value.is_integer() else exact(value)
    return str(value)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
