"""What a study found, for people: a page, JSON, a block of the README."""

from grid_screening.validation.report.html import study_html
from grid_screening.validation.report.json import study_json
from grid_screening.validation.report.markdown import evidence_markdown, with_evidence

__all__ = ["evidence_markdown", "study_html", "study_json", "with_evidence"]
