"""What ``download_history`` tells when it is done. Pure."""

from collections.abc import Iterator, Sequence

from monitor.cli.history_request import day_text
from monitor.cli.history_run import HistoryResult
from monitor.market_data.history_download import MonthStatus
from monitor.market_data.history_import import ImportReport
from monitor.market_data.history_manifest import SeriesSummary

MOST_LINES = 10
"""Of one kind; the manifest has all."""

MOST_NAMED = 3


def result_text(result: HistoryResult, root: str) -> str:
    """Return the report of a download."""
    counts = result.counts
    rows = sum(each.row_count for each in result.summaries)
    lines = [
        f"history {root}",
        (
            f"months: {counts[MonthStatus.FETCHED]:,} fetched, "
            f"{counts[MonthStatus.KEPT]:,} already there, "
            f"{counts[MonthStatus.ABSENT]:,} not in the archive, "
            f"{counts[MonthStatus.FAILED]:,} failed"
        ),
        (
            f"rows: {rows:,} of {len(result.summaries):,} series, "
            f"{result.rest_rows:,} new from the exchange itself"
        ),
        *result.notes,
    ]
    lines += _capped("failed", tuple(_failures(result)))
    lines += _capped("missing", tuple(_holes(result)))
    lines += _capped("gap", tuple(_gaps(result.summaries)))
    lines += _capped("nothing of", tuple(str(each) for each in result.empty))
    return "\n".join(lines) + "\n"


def import_text(report: ImportReport, root: str) -> str:
    """Return the report of an import."""
    lines = [
        f"history {root}",
        f"imported: {report.row_count:,} new rows of {len(report.series):,} series",
    ]
    if report.warning is not None:
        lines.append(f"imported from: {report.warning}")
    lines += _capped("not a contract's name", report.skipped)
    return "\n".join(lines) + "\n"


def complaint(result: HistoryResult) -> str | None:
    """Return what is not as asked for, in one line; None when all is well."""
    found = []
    if result.failures:
        found.append(f"{len(result.failures):,} months failed, run again for them")
    nothing = result.symbols_without_anything
    if nothing:
        more = len(nothing) - MOST_NAMED
        others = f" and {more:,} more" if more > 0 else ""
        found.append(f"nothing of {', '.join(nothing[:MOST_NAMED])}{others}")
    return "; ".join(found) or None


def _failures(result: HistoryResult) -> Iterator[str]:
    for outcome in result.failures:
        for problem in outcome.problems:
            yield f"{outcome.series} {outcome.month}: {problem}"


def _holes(result: HistoryResult) -> Iterator[str]:
    # what the archive lacks before a listing and after a delisting is no news
    spans = {
        each.series: (each.months[0], each.months[-1]) for each in result.summaries
    }
    for outcome in sorted(result.outcomes, key=lambda o: (str(o.series), o.month)):
        span = spans.get(outcome.series)
        if span is None or not outcome.absent:
            continue
        first, last = span
        between = first.month < outcome.month < last.month
        if between and outcome.status is MonthStatus.ABSENT:
            yield f"{outcome.series} {outcome.month}: not in the archive"


def _gaps(summaries: Sequence[SeriesSummary]) -> Iterator[str]:
    for each in summaries:
        step = 0 if each.series.interval is None else each.series.interval.milliseconds
        confirmed = set(each.confirmed)
        for first, last in each.gaps:
            count = (last - first) // step + 1
            why = ", so says the exchange" if (first, last) in confirmed else ""
            yield (
                f"{each.series}: {count:,} bars from {day_text(first)} to "
                f"{day_text(last)}{why}"
            )


def _capped(word: str, found: Sequence[str]) -> list[str]:
    lines = [f"{word}: {each}" for each in found[:MOST_LINES]]
    if len(found) > MOST_LINES:
        lines.append(f"{word}: {len(found) - MOST_LINES:,} more")
    return lines
