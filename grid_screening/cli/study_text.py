"""The answers of a validation study for a terminal."""

from grid_screening.cli.lines import aligned, wrapped
from grid_screening.validation.report.numbers import (
    PLAIN,
    PNL,
    POINTS,
    SHARE,
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
    lines += aligned([_HEAD, *(_row(row) for row in result.top)], width)
    lines += ["", *(line for o in result.outcome for line in _outcome(o, width))]
    lines += ["", *wrapped(_checked(result), width)]
    return "\n".join(lines) + "\n"


_HEAD = ("score", "PnL per notional", "t", "seen from", "stop-outs")


def _row(row: TopRow) -> tuple[str, ...]:
    return (
        row.name,
        with_interval(row.pnl, PNL),
        PLAIN.text(row.pnl.t) if row.pnl.t >= 0 else f"−{PLAIN.text(-row.pnl.t)}",
        PNL.text(row.minimum_detectable),
        with_interval(row.stopped, POINTS),
    )


def _opening(result: StudyResult) -> str:
    scans, data = result.universe, result.data
    span = f"{date(scans[0].as_of_ms)} to {date(scans[-1].as_of_ms)}" if scans else ""
    return (
        f"History {data.label}: {count(data.contract_count)} contracts, "
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
