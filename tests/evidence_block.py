"""Write what docs/evidence.json says into the README.

Run as ``python -m tests.evidence_block``.
"""

import json
import sys

from grid_screening.validation.report import evidence_markdown, with_evidence
from grid_screening.validation.results_reading import read_study
from tests.recorded import ROOT


def main() -> None:
    """Replace the README's block between its marks."""
    kept = json.loads((ROOT / "docs" / "evidence.json").read_text(encoding="utf-8"))
    readme = ROOT / "README.md"
    before = readme.read_text(encoding="utf-8")
    after = with_evidence(before, evidence_markdown(read_study(kept)))
    readme.write_text(after, encoding="utf-8")
    sys.stdout.write("unchanged\n" if after == before else "written\n")


if __name__ == "__main__":
    main()
