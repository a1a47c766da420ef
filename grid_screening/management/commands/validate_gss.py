"""Ask recorded history what a scan's choices were worth."""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from grid_screening.cli import study_arguments
from grid_screening.cli.exit_codes import KNOWN_ERRORS, exit_code, message
from monitor.cli import streams
from monitor.cli.exit_codes import UsageError
from monitor.cli.logs import begin_logging
from monitor.cli.output import check_target, write_atomically
from monitor.cli.report_command import ReportCommand
from monitor.cli.screener_settings import history_folder

if TYPE_CHECKING:
    from grid_screening.validation.study import Study
    from grid_screening.validation.study_settings import StudySettings


class Command(ReportCommand):
    """``manage.py validate_gss``."""

    help = (
        "Scan recorded history as of many past days, simulate every planned grid, and "
        "ask whether the score, the gate or anything else told what would happen. "
        "Needs no network."
    )
    name = "validate_gss"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the command's flags."""
        study_arguments.add_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        """Study once; every error with a message becomes a `CommandError`.

        Raises
        ------
        CommandError
            ``returncode`` as documented in ``contracts/validation.md``.
        """
        if options["log"] is not None:
            begin_logging(options["log"])
        try:
            self._run(options)
        except KNOWN_ERRORS as error:
            raise CommandError(message(error), returncode=exit_code(error)) from error

    def _run(self, options: Mapping[str, Any]) -> None:
        self.check_standard_output()
        study_arguments.check_outputs(options)
        for name in study_arguments.OUTPUTS:
            if options[name] is not None:
                check_target(Path(options[name]))
        readme = _readme(options["readme"])
        folder = history_folder(options["history"])
        self.warn_of_history(folder)
        done = self._study(folder, options)
        self.check_interrupted()
        for target, content in _contents(done, options, readme):
            self.check_interrupted()
            write_atomically(target, content)
            if not options["quiet"]:
                self.complain(f"wrote {target}")
        self._print_answers(done, options)

    def _study(self, folder: Path, options: Mapping[str, Any]) -> "Study":
        from grid_screening.services.study_service import (
            StudyOrder,
            planned_study,
            run_study,
        )
        from monitor.cli.progress_display import progress_display

        order = StudyOrder(
            folder=folder,
            start_ms=options["start_ms"],
            end_ms=options["end_ms"],
            every_ms=options["every_ms"],
            horizon_ms=options["horizon_ms"],
            universe_volume=options["universe_volume"],
            top=options["top"],
            sensitivity=not options["no_sensitivity"],
            engine=options["engine"],
        )
        if not options["quiet"]:
            self._announce(planned_study(order))
        with progress_display(
            sys.stderr,
            enabled=self.stderr.isatty() and not options["quiet"],
            on_start=self.cancellation.add_display,
        ) as on_progress:
            return run_study(
                order,
                clock=time.perf_counter,
                on_progress=on_progress,
                check=self.check_interrupted,
            )

    def _announce(self, planned: "StudySettings") -> None:
        from grid_screening.validation.period_advice import period_advice

        self.complain(
            f"{len(planned.origins):,} scans, each of all contracts with every grid "
            "simulated: a full study takes minutes"
        )
        for line in period_advice(planned):
            self.complain(f"too short a period: {line}")

    def _print_answers(self, done: "Study", options: Mapping[str, Any]) -> None:
        from grid_screening.cli.study_text import study_text

        streams.prepare(self.stdout, exact=False)
        width, _ = self.page(options)
        self.put_out(study_text(done.result, width=width))


def _readme(target: str | None) -> str | None:
    # read before the study: what cannot be filled in is told at once
    if target is None:
        return None
    from grid_screening.validation.report.markdown import with_evidence

    try:
        document = Path(target).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--readme must be a readable text file: {error}") from error
    try:
        with_evidence(document, "")
    except ValueError as error:
        raise UsageError(f"--readme {target}: {error}") from error
    return document


def _contents(
    done: "Study", options: Mapping[str, Any], readme: str | None
) -> list[tuple[Path, bytes]]:
    # each form is loaded only when it is wanted
    found: list[tuple[Path, bytes]] = []
    if options["json"] is not None:
        from grid_screening.validation.report.json import study_json

        found.append((Path(options["json"]), study_json(done.result)))
    if options["output"] is not None:
        from grid_screening.validation.report.html import study_html

        found.append((Path(options["output"]), study_html(done.result).encode()))
    if options["write_model"] is not None:
        found.append((Path(options["write_model"]), _models(done)))
    if readme is not None:
        from grid_screening.validation.report.markdown import (
            evidence_markdown,
            with_evidence,
        )

        text = with_evidence(readme, evidence_markdown(done.result))
        found.append((Path(options["readme"]), text.encode()))
    return found


def _models(done: "Study") -> bytes:
    from grid_screening.stop_out import HORIZONS_DAYS
    from grid_screening.stop_out_file import models_to_toml
    from grid_screening.stop_out_width import StopOutModels

    lacking = [days for days in HORIZONS_DAYS if days not in done.models]
    if lacking or done.width is None:
        why = next(p for p in done.result.data.problems if "not fitted" in p)
        raise UsageError(
            f"--write-model needs three fitted models and that by width: {why}"
        )
    by_horizon = {days: done.models[days] for days in HORIZONS_DAYS}
    return models_to_toml(
        StopOutModels(by_horizon=by_horizon, width=done.width)
    ).encode()
