"""The form of a report by the name of its file."""

from typing import Any

import pytest

from grid_screening.cli import arguments, backtest_arguments
from monitor.cli.exit_codes import UsageError
from monitor.cli.output_forms import form_of_name

FORMS = {".json": "json"}


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("-", "table"),
        ("report", "table"),
        ("r.TXT", "table"),
        ("r.log", "table"),
        ("/dev/null", "table"),
        ("a.b/r", "table"),
        ("r.JSON", "json"),
    ],
)
def test_the_end_of_the_name_decides(name: str, form: str) -> None:
    assert form_of_name(name, FORMS) == form


@pytest.mark.parametrize("name", ["r.csv", "r.jsn", "r.json.gz"])
def test_another_end_is_refused_with_what_is_legal(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        form_of_name(name, FORMS)
    assert "must end in .json, .txt, .log" in str(caught.value)
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("command", [arguments, backtest_arguments])
def test_a_form_that_is_asked_for_goes_into_any_name(command: Any) -> None:
    options = {"output": "report.pdf", "format": "json", "plot": None}
    assert command.report_format(options) == "json"
    with pytest.raises(UsageError, match=r"report\.pdf"):
        command.report_format({**options, "format": None})
