"""Reports reach their file whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from monitor.cli import output
from monitor.cli.exit_codes import CannotWrite
from monitor.cli.output import check_target, write_atomically


def test_the_report_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failure_leaves_the_old_report_and_no_litter(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "report.json"
    path.write_bytes(b"old")
    if failing == "fsync":
        monkeypatch.setattr(os, "fsync", refuse)
    else:
        monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(CannotWrite) as caught:
        write_atomically(path, b"new")
    assert str(caught.value) == f"cannot write {path}: No space left on device"
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


def test_a_path_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    path = tmp_path / "file" / "report.json"
    for attempt in (check_target, lambda p: write_atomically(p, b"")):
        with pytest.raises(CannotWrite, match="Not a directory"):
            attempt(path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="No such file or directory"):
        check_target(tmp_path / "no" / "report.json")


def test_a_folder_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="is a folder"):
        check_target(tmp_path)


def test_permissions_of_the_old_report_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write_atomically(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_report_is_as_readable_as_any_new_file(tmp_path: Path) -> None:
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    write_atomically(tmp_path / "report", b"")
    assert (tmp_path / "report").stat().st_mode == ordinary.stat().st_mode


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_devices_are_written_not_replaced() -> None:
    before = Path(os.devnull).stat()
    check_target(Path(os.devnull))
    write_atomically(Path(os.devnull), b"x")
    assert Path(os.devnull).stat().st_rdev == before.st_rdev


def test_a_full_device_is_reported() -> None:
    with pytest.raises(CannotWrite, match="No space left on device"):
        write_atomically(Path("/dev/full"), b"x" * 100_000)


def test_a_very_long_name_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_atomically(path, b"x")
    assert path.read_bytes() == b"x"


def test_an_interruption_removes_the_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(output.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "report", b"x")
    assert list(tmp_path.iterdir()) == []
