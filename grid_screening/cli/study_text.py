"""The answers of a validation study for a terminal."""

from rich.cells import cell_len

from grid_screening.cli.lines import aligned, wrapped
from grid_screening.validation.report.numbers import (
    PNL,
    POINTS,
    SHARE,
    Unit,
    count,
    date,
    days,
    with_interval,
)
from grid_screening.validation.report.verdicts import in_short, verdicts
from grid_screening.validation.results import OutcomeSummary, StudyResult, TopRow


def study_text(result: StudyResult, *, width: int) -> str:
    """Return the study's answers, one paragraph each, and its main table.

    Parameters
    ----------
    result : StudyResult
    width : int
        Cells of a line; the columns of the table are never cut.
    """
    lines = [*wrapped(_opening(result), width), ""]
    lines += [*wrapped(in_short(result), width), ""]
    for verdict in verdicts(result):
        lines += wrapped(f"{verdict.question} {verdict.answer}.", width)
        lines += [*wrapped(verdict.sentence, width, first="  ", then="  "), ""]
    lines += ["Best of each score less the universe, mean over scans:"]
    lines += _table(result.top, width)
    lines += ["", *(line for o in result.outcome for line in _outcome(o, width))]
    lines += ["", *wrapped(_checked(result), width)]
    return "\n".join(lines) + "\n"


_HEAD = ("score", "PnL per notional", "t", "seen from", "stop-outs")
_SIGNED = Unit(decimals=2)
_LEAST_COLUMNS = 3
_INDENT, _GAP = 2, 2


def _table(top: tuple[TopRow, ...], width: int) -> list[str]:
    # the last columns go first where there is no room; what is left out is named
    rows = [_HEAD, *(_row(row) for row in top)]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    shown = len(_HEAD)
    while (
        shown > _LEAST_COLUMNS
        and _INDENT + sum(widths[:shown]) + _GAP * (shown - 1) > width
    ):
        shown -= 1
    lines = aligned([row[:shown] for row in rows], width, indent=_INDENT)
    if shown == len(_HEAD):
        return lines
    needed = _INDENT + sum(widths) + _GAP * (len(_HEAD) - 1)
    left = " and ".join(reversed(_HEAD[shown:]))
    return [
        *lines,
        *wrapped(f"({left}: at {needed} columns, or with --output)", width),
    ]


def _row(row: TopRow) -> tuple[str, ...]:
    return (
        row.name,
        with_interval(row.pnl, PNL),
        _SIGNED.text(row.pnl.t),
        PNL.text(row.minimum_detectable),
        with_interval(row.stopped, POINTS),
    )


def _opening(result: StudyResult) -> str:
    scans, data = result.universe, result.data
    span = f"{date(scans[0].as_of_ms)} to {date(scans[-1].as_of_ms)}" if scans else ""
    return (
        f"Folder {data.label}: {count(data.contract_count)} contracts, "
        f"{data.interval} bars, {date(data.start_ms)} to {date(data.end_ms)}. "
        f"{count(len(scans))} scans, {span}; "
        f"{count(result.timing.symbol_scans)} contracts scored. "
        f"Deviations from the protocol: {result.protocol['deviations']}."
    )


def _outcome(row: OutcomeSummary, width: int) -> list[str]:
    return wrapped(
        f"Grids of {days(row.horizon_days)} ({count(row.grid_count)}): PnL "
        f"{with_interval(row.pnl, PNL)} of notional, "
        f"won {SHARE.text(row.won.mean)}, stopped {SHARE.text(row.stopped.mean)}; "
        f"beyond the short alone {with_interval(row.grid_less_static, PNL)}.",
        width,
        then="  ",
    )


def _checked(result: StudyResult) -> str:
    check = result.look_ahead
    return (
        f"Look-ahead: {count(check.contracts)} choices at {len(check.origins_ms)} "
        f"scans made again with everything later replaced, {check.changed} changed. "
        f"{result.timing.seconds:.0f} s, "
        f"{1000 * result.timing.seconds_per_symbol_scan:.2f} ms per contract and scan."
    )
