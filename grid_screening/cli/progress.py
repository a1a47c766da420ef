"""Progress bars on a terminal, silence elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from grid_screening.progress import Progress, ProgressHook, ignore_progress

if TYPE_CHECKING:
    from rich.progress import TaskID

STAGE_WORDS = {
    "market": "whole market",
    "symbols": "bars, open interest",
    "factors": "factors, score",
    "plans": "grid plans",
}


@contextmanager
def progress_display(stream: IO[str], *, enabled: bool) -> Iterator[ProgressHook]:
    """Yield a hook that draws one bar per stage on ``stream``.

    Nothing is drawn, and nothing heavy imported, unless ``enabled`` and ``stream``
    is a terminal. The bars are removed at the end.
    """
    if not (enabled and stream.isatty()):
        yield ignore_progress
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.progress import Progress as Bars

    bars = Bars(
        TextColumn("{task.description:<20}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(file=stream),
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def show(step: Progress) -> None:
        if step.stage not in tasks:
            words = STAGE_WORDS.get(step.stage, step.stage)
            tasks[step.stage] = bars.add_task(words, total=step.total)
        bars.update(tasks[step.stage], completed=step.done, total=step.total)

    with bars:
        yield show
