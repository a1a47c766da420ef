"""A folder of reports: dated files, the newest also as ``latest.*``, old ones gone."""

import re
from datetime import UTC, datetime
from pathlib import Path

from monitor.cli.exit_codes import CannotWrite
from monitor.cli.output import write_atomically

DEFAULT_KEEP = 42
"""A week of one scan every four hours."""

SUFFIXES = {
    "table": ".txt",
    "json": ".json",
    "csv": ".csv",
    "markdown": ".md",
    "html": ".html",
}
"""End of a report's name by its form."""

_DATED = re.compile(r"short-grid-\d{8}T\d{6}Z", re.ASCII)


def is_folder(output: str) -> bool:
    """Return whether ``output`` names a folder: one that exists, or ends in ``/``."""
    return output.endswith("/") or Path(output).is_dir()


def write_into(
    folder: Path, content: bytes, *, form: str, as_of_ms: int, keep: int
) -> Path:
    """Write a report under its date and as ``latest.*``; remove the oldest.

    Each file is replaced atomically. Only files that are named as this function
    names them, of the same form, are ever removed.

    Parameters
    ----------
    folder : Path
        Made when it is missing.
    content : bytes
        The report.
    form : str
        Key of `SUFFIXES`.
    as_of_ms : int
        Server time of the scan, ms UTC.
    keep : int
        Dated reports that stay; 0: all.

    Returns
    -------
    Path
        The dated file.

    Raises
    ------
    CannotWrite
        The folder cannot be made, written or tidied.
    """
    suffix = SUFFIXES[form]
    dated = folder / f"{dated_name(as_of_ms)}{suffix}"
    write_atomically(dated, content)
    write_atomically(folder / f"latest{suffix}", content)
    try:
        for old in _outdated(folder, suffix, keep):
            old.unlink(missing_ok=True)
    except OSError as error:
        raise CannotWrite(str(folder), error) from error
    return dated


def make_folder(folder: Path) -> None:
    """Make the folder of reports where it is missing.

    Raises
    ------
    CannotWrite
        It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(str(folder), error) from error


def dated_name(as_of_ms: int) -> str:
    """Return the name of a report without its suffix; names sort by time."""
    return f"short-grid-{datetime.fromtimestamp(as_of_ms / 1000, UTC):%Y%m%dT%H%M%SZ}"


def _outdated(folder: Path, suffix: str, keep: int) -> list[Path]:
    if keep == 0:
        return []
    reports = [
        path
        for path in folder.iterdir()
        if path.suffix == suffix and _DATED.fullmatch(path.stem)
    ]
    return sorted(reports)[:-keep]
