"""Progress bars."""

import io

from monitor.cli.progress_display import progress_display
from monitor.domain.progress import Progress, ignore_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


STEPS = [
    Progress(stage="market", done=0, total=1, detail="whole market"),
    Progress(stage="market", done=1, total=1),
    Progress(stage="symbols", done=7, total=9),
    Progress(stage="unheard", done=1, total=2),
    Progress(stage="symbols", done=7, total=9, detail="waiting [b]23[/b] s"),
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
    assert "waiting [b]23[/b] s" in text


def test_a_detail_that_says_what_the_stage_says_is_not_repeated() -> None:
    terminal = Terminal()
    with progress_display(terminal, enabled=True) as show:
        show(STEPS[0])
    *_, last = (s for s in terminal.getvalue().split("\r") if "whole market" in s)
    assert last.count("whole market") == 1


def test_nothing_is_drawn_into_a_pipe() -> None:
    assert drawn(io.StringIO(), enabled=True) == ""


def test_nothing_is_drawn_when_disabled() -> None:
    assert drawn(Terminal(), enabled=False) == ""
    with progress_display(Terminal(), enabled=False) as show:
        assert show is ignore_progress


def test_waiting_for_budget_is_told_while_nothing_moves() -> None:
    terminal = Terminal()
    with progress_display(terminal, enabled=True, waiting=lambda: 41.6) as show:
        show(Progress(stage="symbols", done=3, total=9))
    assert "waiting 42 s for request budget" in terminal.getvalue()
