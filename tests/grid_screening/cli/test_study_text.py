"""The answers of a study on a terminal."""

import re
from dataclasses import replace

import pytest
from rich.cells import cell_len

from grid_screening.cli.study_text import study_text
from tests.grid_screening.validation.report.samples import UNKNOWN, bare, study


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    for result in (study(), bare()):
        assert max(map(cell_len, study_text(result, width=width).split("\n"))) <= width


def table(width: int) -> list[str]:
    lines = study_text(study(), width=width).splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("Best of each"))
    return lines[begin + 1 : lines.index("", begin)]


def test_columns_that_do_not_fit_are_left_out_and_named() -> None:
    wide, narrow = table(140), table(64)
    assert wide[0].split("  ")[-1] == "stop-outs"
    assert "stop-outs" not in narrow[0]
    assert len([line for line in narrow if line.startswith("  ")]) == len(wide)
    assert "stop-outs" in narrow[-1]
    assert "columns, or with --output)" in " ".join(narrow)


def test_a_t_that_is_not_known_is_a_dash() -> None:
    row = replace(study().top[0], pnl=UNKNOWN)
    text = study_text(replace(study(), top=(row,)), width=140)
    assert "−–" not in text
    assert re.search(rf"  {re.escape(row.name)} +– +– +", text)


def test_the_folder_is_called_one() -> None:
    data = replace(study().data, label="history")
    text = study_text(replace(study(), data=data), width=140)
    assert text.startswith("Folder history: ")
