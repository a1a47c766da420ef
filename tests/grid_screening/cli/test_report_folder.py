"""Dated reports, the newest as ``latest.*``, old ones gone."""

from pathlib import Path

import pytest

from grid_screening.cli.report_folder import (
    dated_name,
    is_folder,
    make_folder,
    write_into,
)
from monitor.cli.exit_codes import CannotWrite

AT_MS = 1_791_374_400_000  # 2026-10-07 12:00:00 UTC
HOUR_MS = 3_600_000


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(folder: Path, content: bytes, at_ms: int = AT_MS, **options: object) -> Path:
    wanted = {"form": "html", "keep": 3} | options
    return write_into(folder, content, as_of_ms=at_ms, **wanted)  # type: ignore[arg-type]


def test_a_name_says_when_and_sorts_by_time() -> None:
    assert dated_name(AT_MS) == "short-grid-20261007T120000Z"
    assert dated_name(AT_MS) < dated_name(AT_MS + 1000)


def test_a_report_is_dated_and_the_latest(tmp_path: Path) -> None:
    dated = write(tmp_path, b"new")
    assert dated.name == "short-grid-20261007T120000Z.html"
    assert names(tmp_path) == ["latest.html", dated.name]
    assert (tmp_path / "latest.html").read_bytes() == dated.read_bytes() == b"new"


def test_the_oldest_go(tmp_path: Path) -> None:
    for hour in range(5):
        write(tmp_path, b"%d" % hour, AT_MS + hour * HOUR_MS)
    kept = [dated_name(AT_MS + hour * HOUR_MS) + ".html" for hour in (2, 3, 4)]
    assert names(tmp_path) == sorted(["latest.html", *kept])
    assert (tmp_path / "latest.html").read_bytes() == b"4"


def test_zero_keeps_all(tmp_path: Path) -> None:
    for hour in range(5):
        write(tmp_path, b"", AT_MS + hour * HOUR_MS, keep=0)
    assert len(names(tmp_path)) == 6


def test_other_files_and_other_forms_stay(tmp_path: Path) -> None:
    others = ["short-grid-notes.html", "short-grid-20261007T120000Z.json", "a.html"]
    for name in others:
        (tmp_path / name).write_text("mine", encoding="utf-8")
    for hour in range(1, 5):
        write(tmp_path, b"", AT_MS + hour * HOUR_MS, keep=1)
    assert {*others} < {*names(tmp_path)}
    assert len(names(tmp_path)) == len(others) + 2


def test_each_form_has_its_own_latest(tmp_path: Path) -> None:
    for form in ("table", "json", "csv", "markdown", "html"):
        write(tmp_path, b"", form=form)
    latest = [name for name in names(tmp_path) if name.startswith("latest")]
    assert latest == [f"latest.{s}" for s in ("csv", "html", "json", "md", "txt")]


@pytest.mark.parametrize(
    ("output", "expected"), [("a/", True), (".", True), ("a.html", False), ("-", False)]
)
def test_a_folder_exists_or_ends_in_a_slash(output: str, *, expected: bool) -> None:
    assert is_folder(output) is expected


def test_a_folder_is_made(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(CannotWrite, match=r"cannot write .*a: File exists"):
        make_folder(tmp_path / "a")
