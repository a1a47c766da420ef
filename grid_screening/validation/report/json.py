"""The study's result as a JSON file."""

from grid_screening.reports.json import json_bytes
from grid_screening.validation.results import StudyResult


def study_json(result: StudyResult) -> bytes:
    """Return ``result`` as UTF-8 JSON, indented, with a newline at the end.

    Fields in their order; what could not be estimated is null, NaN and infinity do
    not occur. The same result gives the same bytes; two runs on the same data and
    settings differ in ``timing`` only. `read_study` is the way back.
    """
    return json_bytes(result.to_mapping())
