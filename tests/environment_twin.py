"""Write the conda twin of ``requirements.lock``: ``python -m tests.environment_twin``.

Every pin stands under ``pip:``, so that conda resolves exactly what pip and uv do.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(
    r"^([A-Za-z0-9_.-]+(?:\[[a-z,]+\])?==[^\s\\;]+(?: ; [^\\]+?)?)\s*\\?$",
    re.MULTILINE,
)


def pins() -> list[str]:
    """Return ``name==version`` lines of the lock, markers included."""
    return PIN.findall((ROOT / "requirements.lock").read_text(encoding="utf-8"))


def environment() -> str:
    """Return the text of ``environment.yml``."""
    head = (
        "# Generated from requirements.lock by `make lock`; a test holds them equal.\n"
        "name: short-grid-screener\n"
        "channels:\n  - conda-forge\n"
        "dependencies:\n  - python=3.11\n  - pip\n  - pip:\n"
    )
    return head + "".join(f"    - {pin}\n" for pin in pins())


if __name__ == "__main__":
    sys.stdout.write(environment())
