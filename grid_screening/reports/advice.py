"""What stopped a symbol, and what would have to change for it to enter."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import ceil, isfinite
from typing import Any

from grid_screening.conf import MIN_BARS
from grid_screening.gate import CANDIDATES_PER_PLACE
from grid_screening.ranking import GATE_STAGE
from grid_screening.screening_report import Exclusion, Reason, ScreeningReport

_SUGGESTION_DIGITS = 2
_ABSURD = 1e15
# no limit worth advising: a value or a gap beyond it is a mistake in the data
_NARROW = "range_to_volatility"
_HUNDREDTH = Decimal("0.01")
_ENOUGH = 20
# symbols a suggestion tries to admit when the report lists all of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Lever:
    """A limit that a flag moves."""

    setting: str
    """Key in the report's settings; the flag with underscores."""
    noun: str
    unit: str
    lower: bool
    """Whether lowering the limit admits more; otherwise raising it does."""
    strict: bool
    """Whether the value must exceed the limit, not only reach it."""
    decimals: int
    bound: float | None = None
    """The last legal limit in the admitting direction; None: no end in sight."""

    @property
    def flag(self) -> str:
        """The flag on the command line."""
        return "--" + self.setting.replace("_", "-")

    def admits(self, value: float, limit: float) -> bool:
        """Return whether ``value`` passes ``limit``."""
        if self.lower:
            return value > limit if self.strict else value >= limit
        return value <= limit


_LEVERS: Mapping[str, tuple[Lever, ...]] = {
    "turnover": (
        Lever(setting="min_volume", noun="24 h turnover", unit="", lower=True,
              strict=True, decimals=0),
    ),
    "age": (
        Lever(setting="min_days", noun="days listed", unit="", lower=True,
              strict=True, decimals=1),
    ),
    "delivery_date": (
        Lever(setting="min_delivery_days", noun="days to delivery", unit="",
              lower=True, strict=True, decimals=1),
    ),
    "too_few_bars": (
        Lever(setting="bars", noun="closed bars", unit="", lower=True,
              strict=False, decimals=0, bound=MIN_BARS),
    ),
    "natr": (
        Lever(setting="min_natr", noun="NATR", unit=" pp", lower=True,
              strict=False, decimals=2),
        Lever(setting="max_natr", noun="NATR", unit=" pp", lower=False,
              strict=False, decimals=2),
    ),
    "tick_share": (
        Lever(setting="max_tick_share", noun="tick share of the spacing", unit="",
              lower=False, strict=False, decimals=3, bound=1.0),
    ),
    "stale_quotes": (
        Lever(setting="max_quote_age_s", noun="age of best bid and ask", unit=" s",
              lower=False, strict=False, decimals=0),
    ),
}  # fmt: skip


def needed_change(reason: Reason, settings: Mapping[str, Any]) -> str | None:
    """Return what the symbol lacks, as ``needs NATR +0.40 pp``; None: unknown.

    Parameters
    ----------
    reason : Reason
        Why it was excluded.
    settings : mapping
        The report's effective settings by flag name.

    Returns
    -------
    str or None
        None also for a gap beyond 1e15, which no change would close.
    """
    if reason.code == _NARROW:
        return _wider(reason)
    found = _lever_of(reason, settings)
    if found is None:
        return None
    lever, value, limit = found
    if abs(limit - value) > _ABSURD:
        return None
    gap = Decimal(repr(abs(limit - value)))
    step = Decimal(1).scaleb(-lever.decimals)
    # rounded up: what is printed would really do
    gap = max(gap.quantize(step, rounding=ROUND_CEILING), step)
    return f"needs {lever.noun} {'+' if lever.lower else '−'}{gap:,}{lever.unit}"


def _wider(reason: Reason) -> str | None:
    value, limit = _finite(reason.value), _finite(reason.limit)
    if value is None or limit is None or not 0 <= limit - value < _ABSURD:
        return None
    exact = Decimal(repr(limit)) - Decimal(repr(value))
    gap = exact.quantize(_HUNDREDTH, rounding=ROUND_CEILING)
    return f"needs range +{max(gap, _HUNDREDTH)} daily ranges"


def empty_list_advice(report: ScreeningReport) -> tuple[str, ...]:
    """Return why nothing is listed and what to change, one sentence each.

    Names the stage after which nothing was left and, when it is another one, the
    stage that dropped most; for each the flag that would admit some of what was
    dropped there, counted from the exclusions' values. Empty when symbols are
    listed.
    """
    if report.ranked:
        return ()
    scored = len(report.not_listed)
    behind_gate = sum(not row.vetoed for row in report.not_listed)
    if behind_gate:
        return (_gate_advice(report, behind_gate),)
    if scored:
        sentence = (
            f"all {scored} scored contracts are vetoed (steep, straight up-trend); "
            "--top 0 lists them"
        )
        return (sentence,)
    drops = _drops(report)
    if not drops:
        return ("the exchange lists no contract",)
    stage, dropped, _ = next((d for d in drops if d[2] == 0), drops[-1])
    emptied = f"the filter “{_words(stage)}” left none of {dropped}"
    sentences = [emptied + _remedy(report, stage)]
    largest, count, left = max(drops, key=lambda d: d[1] - d[2])
    if largest != stage:
        sentences.append(
            f"the filter “{_words(largest)}” dropped most, "
            f"{count - left} of {count}{_remedy(report, largest)}"
        )
    return tuple(sentences)


def _gate_advice(report: ScreeningReport, behind_gate: int) -> str:
    # only a gate leaves contracts that are neither listed nor vetoed nor dropped
    looked_at = sum(e.stage == GATE_STAGE for e in report.excluded)
    top = ceil((looked_at + behind_gate) / CANDIDATES_PER_PLACE)
    return (
        f"the filter “{_words(GATE_STAGE)}” left none of the {looked_at} best"
        + _remedy(
            report,
            GATE_STAGE,
            f"--top {top} would look at the other {behind_gate} too",
        )
    )


def _drops(report: ScreeningReport) -> list[tuple[str, int, int]]:
    # (stage, count before, count after) of the stages that dropped something
    drops = []
    for before, after in zip(report.funnel, report.funnel[1:], strict=False):
        if after.count < before.count:
            drops.append((after.stage, before.count, after.count))
    return drops


def _remedy(report: ScreeningReport, stage: str, *first: str) -> str:
    excluded = [e for e in report.excluded if e.stage == stage]
    options = [
        *first,
        *_other_choices(excluded),
        *_moved_limits(excluded, report.settings),
    ]
    return f": {'; '.join(options)}" if options else ""


def _moved_limits(
    excluded: Sequence[Exclusion], settings: Mapping[str, Any]
) -> list[str]:
    by_lever: dict[Lever, list[float]] = {}
    for exclusion in excluded:
        found = _lever_of(exclusion.reason, settings)
        if found is not None and abs(found[1]) <= _ABSURD:
            by_lever.setdefault(found[0], []).append(found[1])
    wanted = settings.get("top") or _ENOUGH
    options = []
    for lever, values in by_lever.items():
        limit = _suggested_limit(lever, values, wanted)
        admitted = sum(lever.admits(value, float(limit)) for value in values)
        if admitted:
            options.append(f"{lever.flag} {limit:f} would admit {admitted} of them")
    return options


def _suggested_limit(lever: Lever, values: Sequence[float], wanted: int) -> Decimal:
    # the limit that admits about as many as are wanted, in two digits
    best_first = sorted(values, reverse=lever.lower)
    value = Decimal(repr(best_first[min(wanted, len(values)) - 1]))
    if value <= 0:
        return Decimal(0)
    unit = Decimal(1).scaleb(value.adjusted() - _SUGGESTION_DIGITS + 1)
    if lever.decimals == 0:
        unit = max(unit, Decimal(1))
    rounding = ROUND_FLOOR if lever.lower else ROUND_CEILING
    limit = (value / unit).to_integral_value(rounding) * unit
    if not lever.admits(float(value), float(limit)):
        limit -= unit
    if lever.bound is not None:
        bound = Decimal(repr(lever.bound))
        limit = max(limit, bound) if lever.lower else min(limit, bound)
    return limit


def _other_choices(excluded: Sequence[Exclusion]) -> list[str]:
    options = []
    types = Counter(
        e.reason.value for e in excluded if e.reason.code == "contract_type"
    )
    if types["TRADIFI_PERPETUAL"]:
        count = types["TRADIFI_PERPETUAL"]
        options.append(f"--include-tradifi would admit {count} of them")
    quotes = Counter(e.reason.value for e in excluded if e.reason.code == "quote_asset")
    for quote, count in quotes.most_common(1):
        options.append(f"--quote {quote} would admit {count} of them")
    if any(e.reason.code == "not_requested" for e in excluded):
        options.append("name more contracts in --symbols, or leave it out")
    if any(e.reason.code == "excluded_by_user" for e in excluded):
        options.append("shorten --exclude")
    if any(e.reason.code == "request_failed" for e in excluded):
        options.append("requests failed, try again later")
    strict = sum(e.stage == "strict" for e in excluded)
    if strict:
        options.append(f"without --strict {strict} would be scored")
    narrow = sum(e.reason.code == _NARROW for e in excluded)
    if narrow:
        options.append(f"--profile classic has no gate, it would admit {narrow}")
    return options


def _lever_of(
    reason: Reason, settings: Mapping[str, Any]
) -> tuple[Lever, float, float] | None:
    value, limit = _finite(reason.value), _finite(reason.limit)
    if value is None or limit is None:
        return None
    for lever in _LEVERS.get(reason.code, ()):
        # a code may have several limits; only one of them is this setting
        if limit == settings.get(lever.setting) and not lever.admits(value, limit):
            return lever, value, limit
    return None


def _finite(value: float | str | None) -> float | None:
    if value is None or isinstance(value, str) or not isfinite(value):
        return None
    return float(value)


def _words(stage: str) -> str:
    return stage.replace("_", " ")
