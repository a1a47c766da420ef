"""One run of the command: what it scans, compares and explains."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grid_screening.cli.market import OpenMarket, exchange_market, recorded_market
from grid_screening.conf import ScreenerSettings
from grid_screening.screening_report import ScreeningReport
from monitor.cli.exit_codes import UsageError
from monitor.domain.progress import ProgressHook
from monitor.domain.typing import Symbol
from monitor.exceptions import IpBanned

if TYPE_CHECKING:
    from grid_screening.explanation import Explanation
    from grid_screening.recording.recording import Recording
    from grid_screening.scan_diff import ScanDiff
    from grid_screening.services.recording_file import RecordedScan
    from grid_screening.services.scan_service import Scan


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierScan:
    """A scan to compare with."""

    name: str
    """Its file."""
    document: Mapping[str, Any]
    """As published."""

    def listed(self) -> tuple[Symbol, ...]:
        """Return who was listed."""
        from grid_screening.scan_document import scan_document

        standings = scan_document(self.document, name=self.name).standings
        return tuple(s.symbol for s in standings.values() if s.is_listed)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanJob:
    """What one run does."""

    settings: ScreenerSettings
    replayed: "RecordedScan | None"
    before: "EarlierScan | None"
    explain: tuple[Symbol, ...]
    is_demo: bool
    is_recorded: bool

    def held(self) -> tuple[Symbol, ...]:
        """Return who was listed in the scan that is compared with or replayed."""
        if self.before is not None:
            return self.before.listed()
        return () if self.replayed is None else self.replayed.held


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FinishedScan:
    """The report of a run, and what else it leaves behind."""

    report: ScreeningReport
    address: str
    settings: ScreenerSettings
    explanations: "tuple[Explanation, ...]" = ()
    diff: "ScanDiff | None" = None
    held: frozenset[Symbol] = frozenset()
    broke_off: bool = False
    """Whether the exchange fell silent: a recording would replay differently."""
    problem: str | None = None
    """Why bars are not kept on disk."""
    read: "Recording | None" = None

    def recording(self) -> bytes:
        """Return the file of a recorded scan."""
        from grid_screening.reports.json import report_json
        from grid_screening.services.recording_file import recording_bytes

        if self.read is None:
            raise ValueError("nothing was recorded")
        return recording_bytes(
            self.read,
            settings=self.settings,
            exchange=self.address,
            source=self.report.source,
            generated_at=self.report.generated_at,
            report_json=report_json(self.report),
            held=self.held,
        )

    def summary(self) -> str:
        """Return the scan's figures as ``key=value``, for the log."""
        report, spent = self.report, self.report.requests
        return (
            f"listed={len(report.ranked)} scored={_scored(report)} "
            f"coverage={report.coverage:.3f} degraded={report.degraded} "
            f"requests={spent.count} weight={spent.weight} retries={spent.retries} "
            f"waited_s={spent.budget_wait_s:.1f} seconds={report.seconds:.1f}"
        )


def recorded_scan(file: str | None) -> "RecordedScan | None":
    """Return the recorded scan in ``file``; None without a file.

    Raises
    ------
    UnreadableRecording
    """
    if file is None:
        return None
    from grid_screening.services.recording_file import read_recording

    return read_recording(Path(file))


def earlier_scan(file: str | None) -> "EarlierScan | None":
    """Return the scan in ``file``, a recording or a JSON report; None without a file.

    Raises
    ------
    UsageError, UnreadableRecording, UnreadableReport
        There is no such file, or it is neither.
    """
    if file is None:
        return None
    from grid_screening.scan_diff import report_of
    from grid_screening.services.recording_file import is_recording, recorded_report

    path = Path(file)
    if is_recording(path):
        return EarlierScan(name=file, document=recorded_report(path))
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"--diff must be a readable file, {file}: {reason}") from error
    return EarlierScan(name=file, document=report_of(content, name=file))


@contextmanager
def opened_market(
    job: ScanJob, *, on_cancel: Callable[[Callable[[], object]], object]
) -> Iterator[OpenMarket]:
    """Open what the job scans.

    Raises
    ------
    UsageError
        Bars were asked for that the recording does not hold.
    UsageError, ExchangeUnavailable
        As `exchange_market`.
    """
    if job.replayed is None:
        with exchange_market(
            job.settings, demo=job.is_demo, on_cancel=on_cancel
        ) as market:
            yield market
        return
    for name in ("interval", "bars"):
        recorded = getattr(job.replayed.settings, name)
        if getattr(job.settings, name) != recorded:
            raise UsageError(f"--{name} must be {recorded}, as recorded, in a replay")
    yield recorded_market(
        job.replayed.recording, str(job.replayed.manifest["exchange"])
    )


def finished_scan(
    job: ScanJob, market: OpenMarket, on_progress: ProgressHook
) -> FinishedScan:
    """Scan ``market`` once.

    Raises
    ------
    ScreeningError, ExchangeError
        As `grid_screening.screen_short_grid`.
    """
    from grid_screening.services import scan_service
    from grid_screening.services.recorded_market import RecordingMarket

    source, recorder = market.source, None
    if job.is_recorded:
        source = recorder = RecordingMarket(source)
    try:
        done = scan_service.scan(
            job.settings,
            source,
            source=market.label,
            held=job.held(),
            on_progress=on_progress,
        )
    except IpBanned as banned:
        # whoever met it first may have seen its headers only, which say less
        raise IpBanned(market.banned_until_ms() or banned.until_ms) from banned
    explanations: tuple[Explanation, ...] = ()
    if job.explain:
        from grid_screening.services.explain_service import explained

        explanations = explained(done, job.explain, source, job.settings)
    return FinishedScan(
        report=done.report,
        address=market.address,
        settings=job.settings,
        explanations=explanations,
        diff=None if job.before is None else _diff(job, job.before, done),
        held=done.held,
        broke_off=done.broke_off,
        problem=market.problem(),
        read=None if recorder is None or done.broke_off else recorder.recording(),
    )


def _diff(job: ScanJob, before: "EarlierScan", done: "Scan") -> "ScanDiff":
    from grid_screening.scan_diff import scan_diff, scored_breakdowns

    after = done.report.to_dict()
    if job.replayed is not None:  # of whichever market was recorded
        after["source"] = job.replayed.manifest["source"]
    return scan_diff(
        before.document,
        after,
        name=before.name,
        breakdowns=scored_breakdowns(done.result),
    )


def _scored(report: ScreeningReport) -> int:
    return len(report.ranked) + len(report.not_listed)
