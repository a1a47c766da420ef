"""Pinned sets agree with each other and with the ranges of pyproject.toml."""

import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.environment_twin import ROOT, environment, pins


def locked() -> dict[str, Version]:
    requirements = [Requirement(pin) for pin in pins()]
    return {
        canonicalize_name(r.name): Version(next(iter(r.specifier)).version)
        for r in requirements
    }


def ranges() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [
        Requirement(line)
        for line in (
            *project["project"]["dependencies"],
            *project["dependency-groups"]["dev"],
        )
    ]


def test_every_lock_entry_is_exact_and_hashed() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    starts = [line for line in text.splitlines() if line[:1].isalnum()]
    assert len(starts) == len(pins())
    assert text.count("--hash=sha256:") > len(starts)
    assert "://" not in text


def test_conda_twin_equals_the_lock() -> None:
    written = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert written == environment()
    pip = yaml.safe_load(written)["dependencies"][-1]["pip"]
    assert pip == pins()


@pytest.mark.parametrize("requirement", ranges(), ids=lambda r: r.name)
def test_pin_is_inside_its_range(requirement: Requirement) -> None:
    assert locked()[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("requirement", ranges(), ids=lambda r: r.name)
def test_range_has_a_lower_bound(requirement: Requirement) -> None:
    assert any(s.operator in {">=", "=="} for s in requirement.specifier)
