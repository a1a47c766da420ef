"""The comparison of two scans for a terminal, and as plain values."""

from collections.abc import Mapping
from typing import Any

from grid_screening.cli.lines import aligned, wrapped
from grid_screening.reports.document import plain
from grid_screening.reports.wording import duration, rounded, utc
from grid_screening.scan_changes import Cause, PartChange, ScanChange
from grid_screening.scan_diff import ScanDiff
from grid_screening.score_parts import NOUNS
from grid_screening.screening_report import Exclusion

_ABSENT = "none"
_LARGE = 1000

_PLAIN: Mapping[Cause, str] = {
    Cause.NEW_CONTRACT: "newly listed on the exchange",
    Cause.DELISTED: "no longer on the exchange",
    Cause.VETOED: "vetoed: steep, straight up-trend",
    Cause.VETO_LIFTED: "the veto is lifted",
}


def diff_text(diff: ScanDiff, *, width: int = 80) -> str:
    """Return ``diff`` as lines of at most ``width`` cells, the last one ended."""
    lines = wrapped(_headline(diff), width, then="  ")
    for text in (*diff.warnings, *_settings(diff)):
        lines += wrapped(text, width, first="note: ", then="  ")
    for title, changes, top in (
        ("entered", diff.entered, diff.top),
        ("left", diff.left, diff.top),
        ("moved", diff.moved, 0),  # still listed, wherever the list would end
    ):
        if changes:
            lines.append(f"{title} ({len(changes)}):")
            lines += aligned([_row(change, top) for change in changes], width)
    if not (diff.entered or diff.left or diff.moved):
        lines.append("nobody entered, left or moved")
    elif diff.unchanged:
        lines.append(f"{diff.unchanged} kept their rank")
    return "\n".join(lines) + "\n"


def diff_document(diff: ScanDiff) -> dict[str, Any]:
    """Return ``diff`` as plain values."""
    return {
        "before": {
            "generated_at": diff.generated_before,
            "as_of_ms": diff.as_of_before_ms,
        },
        "after": {
            "generated_at": diff.generated_after,
            "as_of_ms": diff.as_of_after_ms,
        },
        "settings": [
            {"name": s.name, "before": plain(s.before), "after": plain(s.after)}
            for s in diff.settings
        ],
        "warnings": list(diff.warnings),
        "entered": [_change_document(change, diff.top) for change in diff.entered],
        "left": [_change_document(change, diff.top) for change in diff.left],
        "moved": [_change_document(change, 0) for change in diff.moved],
        "unchanged": diff.unchanged,
    }


def why(change: ScanChange, top: int) -> str:
    """Return in words why a contract entered, left or moved."""
    if change.exclusion is not None:
        return _filtered(change, change.exclusion)
    if change.cause in _PLAIN:
        return _PLAIN[change.cause]
    score = _score_change(change)
    if change.cause is Cause.FELL and top and (change.rank_after or 0) > top:
        if (change.rank_after or 0) <= (change.rank_before or 0):
            return f"the list ends at {top} now: {score}"
        return f"fell below rank {top}: {score}"
    return score


def _headline(diff: ScanDiff) -> str:
    apart = duration(abs(diff.as_of_after_ms - diff.as_of_before_ms) / 1000)
    return (
        f"compared with the scan of {utc(diff.as_of_before_ms)} ({apart} apart): "
        f"{len(diff.entered)} entered, {len(diff.left)} left, "
        f"{len(diff.moved)} moved"
    )


def _settings(diff: ScanDiff) -> list[str]:
    if not diff.settings:
        return []
    changed = ", ".join(
        f"{s.name} {_setting(s.before)} → {_setting(s.after)}" for s in diff.settings
    )
    return [f"settings differ and may be the reason: {changed}"]


def _setting(value: Any) -> str:
    if isinstance(value, list):
        shown = 5
        more = f" and {len(value) - shown} more" if len(value) > shown else ""
        return ",".join(str(item) for item in value[:shown]) + more or _ABSENT
    if value is None:
        return _ABSENT
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return _written(value) if is_number else str(value)


def _row(change: ScanChange, top: int) -> tuple[str, ...]:
    return (
        change.symbol,
        f"{_rank(change.rank_before)} → {_rank(change.rank_after)}",
        why(change, top),
    )


def _rank(rank: int | None) -> str:
    return "–" if rank is None else str(rank)


def _filtered(change: ScanChange, exclusion: Exclusion) -> str:
    reason = exclusion.reason
    stage = exclusion.stage.replace("_", " ")
    now, then = "now", "before"
    if change.cause in (Cause.PASSED_FILTER, Cause.DATA_RETURNED):
        now, then = then, now
    verb = {
        Cause.PASSED_FILTER: f"passes “{stage}”",
        Cause.DATA_RETURNED: "its data is complete again",
        Cause.EXCLUDED: f"excluded at “{stage}”",
        Cause.NO_DATA: "its data failed",
    }[change.cause]
    elsewhere = []
    if change.passed_value is not None:
        elsewhere.append(_written(change.passed_value))
    if change.passed_limit is not None and change.passed_limit != reason.limit:
        elsewhere.append(f"limit {_written(change.passed_limit)}")
    other = f"; {then} {', '.join(elsewhere)}" if elsewhere else ""
    return f"{verb}; {now}: {reason.text}{other}"


def _score_change(change: ScanChange) -> str:
    gss = f"GSS {_points(change.gss_before)} → {_points(change.gss_after)}"
    if change.gss_before == change.gss_after:
        return f"{gss}, others changed"
    if change.part is None:
        return gss
    part = f"{change.part.name} {rounded(change.part.size, 3, sign=True)}"
    inside = "" if change.term is None else f" ({_term(change.term)})"
    return f"{gss}, {part}{inside}"


def _term(term: PartChange) -> str:
    return f"{NOUNS[term.name]} {rounded(term.before, 2)} → {rounded(term.after, 2)}"


def _points(gss: float | None) -> str:
    return rounded(gss, 3)


def _written(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:.4g}"


def _change_document(change: ScanChange, top: int) -> dict[str, Any]:
    return {
        "symbol": change.symbol,
        "cause": change.cause.value,
        "why": why(change, top),
        "rank_before": change.rank_before,
        "rank_after": change.rank_after,
        "gss_before": plain(change.gss_before),
        "gss_after": plain(change.gss_after),
        "part": _part_document(change.part),
        "term": _part_document(change.term),
        "filter": _filter_document(change),
    }


def _part_document(part: PartChange | None) -> Mapping[str, Any] | None:
    if part is None:
        return None
    return {
        "name": part.name,
        "before": plain(part.before),
        "after": plain(part.after),
    }


def _filter_document(change: ScanChange) -> Mapping[str, Any] | None:
    if change.exclusion is None:
        return None
    reason = change.exclusion.reason
    return {
        "stage": change.exclusion.stage,
        "code": reason.code,
        "value": plain(reason.value),
        "limit": plain(reason.limit),
        "passed_value": plain(change.passed_value),
        "passed_limit": plain(change.passed_limit),
    }
