"""The files a study writes are of one form each."""

import pytest

from grid_screening.cli.study_arguments import OUTPUTS, check_outputs
from monitor.cli.exit_codes import UsageError

NONE = dict.fromkeys(OUTPUTS)


@pytest.mark.parametrize(
    ("option", "name", "says"),
    [
        ("output", "a.txt", r"--output must end in \.html or \.htm, was 'a\.txt'"),
        ("json", "a.html", r"--json must end in \.json, was"),
        ("write_model", "a", r"--write-model must end in \.toml, was 'a'"),
    ],
)
def test_a_name_of_another_form_is_refused(option: str, name: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        check_outputs({**NONE, option: name})


def test_names_of_their_forms_are_legal() -> None:
    check_outputs(
        {"output": "a.HTML", "json": "a.json", "readme": "README", "write_model": None}
    )
