"""A recorded scan as one file: a zip of Parquet tables, with a manifest of hashes."""

import io
import zipfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from grid_screening.conf import ScreenerSettings
from grid_screening.exceptions import InvalidSettings, UnreadableRecording
from grid_screening.recording.failures import UnknownFailure
from grid_screening.recording.recording import Recording
from grid_screening.recording.settings import settings_document, settings_of
from grid_screening.services.recording_tables import recording_of, tables_of
from grid_screening.version import VERSION
from monitor.domain.typing import Symbol

FORMAT = 1
"""Of the file; a reader refuses any other."""
MANIFEST = "manifest.json"
REPORT = "report.json"
_MANIFEST_TYPES: Mapping[str, type] = {
    "as_of_ms": int,
    "exchange": str,
    "source": str,
    "settings": dict,
    "held": list,
}
_EARLIEST = (1980, 1, 1, 0, 0, 0)
# every member's date, so that equal contents are equal bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedScan:
    """What a file holds."""

    recording: Recording
    settings: ScreenerSettings
    """Of the recorded scan."""
    held: tuple[Symbol, ...]
    """Members of an earlier list that ``settings.hold`` let stay."""
    manifest: Mapping[str, Any]
    """``code_version``, ``source``, ``exchange``, ``recorded_at``, ``files``, …"""
    report: Mapping[str, Any]
    """The published document of the recorded scan."""


def recording_bytes(
    recording: Recording,
    *,
    settings: ScreenerSettings,
    exchange: str,
    source: str,
    generated_at: str,
    report_json: bytes,
    held: Collection[Symbol] = (),
) -> bytes:
    """Return the file that holds a scan.

    Parameters
    ----------
    recording : Recording
        What was read.
    settings : ScreenerSettings
        With which the scan was made; a replay begins with them.
    exchange : str
        Address of the exchange.
    source, generated_at : str
        Of the scan's report.
    report_json : bytes
        The scan's published document.
    held : collection of str
        Members of an earlier list that could stay.
    """
    members = {f"{name}.parquet": table for name, table in tables_of(recording)}
    members[REPORT] = report_json
    manifest = {
        "format": FORMAT,
        "code_version": VERSION,
        "libraries": _library_versions(),
        "recorded_at": generated_at,
        "as_of_ms": recording.as_of_ms,
        "exchange": exchange,
        "source": source,
        "settings": settings_document(settings),
        "held": sorted(held),
        "files": {
            name: {"sha256": sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in members.items()
        },
    }
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        manifest_json = orjson.dumps(manifest, option=orjson.OPT_INDENT_2)
        for name, content in {MANIFEST: manifest_json, **members}.items():
            archive.writestr(zipfile.ZipInfo(name, date_time=_EARLIEST), content)
    return whole.getvalue()


def read_recording(path: Path) -> RecordedScan:
    """Return the scan that ``path`` holds.

    Raises
    ------
    UnreadableRecording
        No such file, not a recording, damaged (a hash differs), or of a format
        that this version does not know.
    """
    members = _members(path)
    manifest = _manifest(path, members)
    try:
        return RecordedScan(
            recording=recording_of(members, as_of_ms=manifest["as_of_ms"]),
            settings=settings_of(manifest["settings"]),
            held=tuple(manifest["held"]),
            manifest=manifest,
            report=orjson.loads(members[REPORT]),
        )
    except (
        KeyError,
        TypeError,
        ValueError,
        UnknownFailure,
        InvalidSettings,
    ) as problem:  # pyarrow's errors are ValueErrors
        raise UnreadableRecording(str(path), _one_line(problem)) from problem


def recorded_report(path: Path) -> Mapping[str, Any]:
    """Return the published document of a recorded scan; its tables are not decoded.

    Raises
    ------
    UnreadableRecording
        As `read_recording`.
    """
    members = _members(path)
    _manifest(path, members)
    try:
        document: Mapping[str, Any] = orjson.loads(members[REPORT])
    except (KeyError, ValueError) as problem:
        raise UnreadableRecording(str(path), _one_line(problem)) from problem
    return document


def is_recording(path: Path) -> bool:
    """Return whether ``path`` begins like one: with the signature of a zip file."""
    return zipfile.is_zipfile(path)


def _members(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except OSError as problem:
        detail = problem.strerror or str(problem)
        raise UnreadableRecording(str(path), detail) from problem
    except (
        zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError
    ) as problem:  # fmt: skip
        raise UnreadableRecording(str(path), _one_line(problem)) from problem


def _manifest(path: Path, members: Mapping[str, bytes]) -> Mapping[str, Any]:
    try:
        manifest = orjson.loads(members[MANIFEST])
        found, files = manifest["format"], manifest["files"]
        hashes = {name: entry["sha256"] for name, entry in files.items()}
    except (KeyError, TypeError, AttributeError, ValueError) as problem:
        raise UnreadableRecording(str(path), "no manifest") from problem
    if found != FORMAT:
        detail = f"its format must be {FORMAT}, was {found!r}"
        raise UnreadableRecording(str(path), detail)
    for name, kind in _MANIFEST_TYPES.items():
        if type(manifest.get(name)) is not kind:
            raise UnreadableRecording(str(path), f"its manifest lacks {name}")
    for name, expected in hashes.items():
        if name not in members:
            raise UnreadableRecording(str(path), f"{name} is missing")
        if sha256(members[name]).hexdigest() != expected:
            raise UnreadableRecording(str(path), f"{name} is damaged")
    unknown = sorted({*members} - {*hashes, MANIFEST})
    if unknown:
        raise UnreadableRecording(str(path), f"{unknown[0]} has no hash")
    return dict(manifest)


def _library_versions() -> dict[str, str]:
    import pyarrow as pa

    return {"numpy": np.__version__, "pyarrow": str(pa.__version__)}


def _one_line(problem: Exception) -> str:
    text = " ".join(str(problem).split())
    return text[:200] or type(problem).__name__
