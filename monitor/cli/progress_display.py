"""Progress bars on a terminal, silence elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from monitor.domain.progress import Progress, ProgressHook, ignore_progress

if TYPE_CHECKING:
    from rich.progress import TaskID

STAGE_WORDS = {
    "market": "whole market",
    "symbols": "bars, open interest",
    "factors": "factors, score",
    "plans": "grid plans",
}

_MIN_BAR, _MAX_BAR = 10, 40
_BESIDE_BAR = 70
# words, count, time, "waiting 23 s for request budget" and an echoed ^C


@contextmanager
def progress_display(
    stream: IO[str],
    *,
    enabled: bool,
    on_start: Callable[[Callable[[], object]], object] = lambda _: None,
    waiting: Callable[[], float | None] = lambda: None,
) -> Iterator[ProgressHook]:
    """Yield a hook that draws one bar per stage on ``stream``.

    Nothing is drawn, and nothing heavy imported, unless ``enabled`` and ``stream``
    is a terminal. The bars are removed at the end.

    Parameters
    ----------
    stream : file
        Where to draw.
    enabled : bool
        Whether to draw at all.
    on_start : callable, optional
        Gets a call that removes the bars for good, before they are drawn.
    waiting : callable, optional
        Seconds for which requests still wait for budget, None when none waits;
        asked while drawing, since a waiting scan has no progress to report.
    """
    if not (enabled and stream.isatty()):
        yield ignore_progress
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.progress import Progress as Bars
    from rich.text import Text

    class WaitColumn(ProgressColumn):
        max_refresh = None  # a wait is news of its own

        def render(self, task: Task) -> Text:
            left_s = None if task.finished else waiting()
            if left_s is None:
                return Text(task.fields["detail"])
            return Text(f"waiting {left_s:.0f} s for request budget")

    console = Console(file=stream)
    room = min(max(console.width - _BESIDE_BAR, _MIN_BAR), _MAX_BAR)
    bars = Bars(
        TextColumn("{task.description:<19}", markup=False),
        BarColumn(bar_width=room),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        WaitColumn(),
        console=console,
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def show(step: Progress) -> None:
        words = STAGE_WORDS.get(step.stage, step.stage)
        detail = "" if step.detail == words else step.detail
        if step.stage not in tasks:
            tasks[step.stage] = bars.add_task(words, total=step.total, detail=detail)
        bars.update(
            tasks[step.stage],
            completed=step.done,
            total=step.total,
            detail=detail,
        )

    on_start(bars.stop)
    with bars:
        yield show
