"""Progress bars."""

import io

from grid_screening.cli.progress import progress_display
from grid_screening.progress import Progress, ignore_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


STEPS = [
    Progress(stage="market", done=0, total=1),
    Progress(stage="market", done=1, total=1),
    Progress(stage="symbols", done=7, total=9),
    Progress(stage="unheard", done=1, total=2),
]


def drawn(stream: io.StringIO, *, enabled: bool) -> str:
    with progress_display(stream, enabled=enabled) as show:
        for step in STEPS:
            show(step)
    return stream.getvalue()


def test_a_terminal_sees_every_stage_with_its_count() -> None:
    text = drawn(Terminal(), enabled=True)
    assert "whole market" in text
    assert "7/9" in text
    assert "unheard" in text


def test_nothing_is_drawn_into_a_pipe() -> None:
    assert drawn(io.StringIO(), enabled=True) == ""


def test_nothing_is_drawn_when_disabled() -> None:
    assert drawn(Terminal(), enabled=False) == ""
    with progress_display(Terminal(), enabled=False) as show:
        assert show is ignore_progress
