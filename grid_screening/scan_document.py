"""The published report, read back: what a comparison of two scans needs of it.

A file comes from anywhere. What is not as published is refused in one line; nothing
of it reaches a terminal that could steer it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from grid_screening.exceptions import UnreadableReport
from grid_screening.screening_report import Exclusion, Reason
from monitor.domain.typing import Symbol

SCHEMA_VERSIONS = ("1.0", "1.1", "1.2")
"""Versions that can be read."""

_LATEST_MS = 253_402_300_799_999
# the end of the year 9999, the last that a calendar can print
_MAX_NAME = 100
_MAX_TEXT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a scored contract stood."""

    symbol: Symbol
    rank: int
    gss: float
    vetoed: bool
    is_listed: bool
    breakdown: Mapping[str, float | None]
    """Empty when the document does not have it (contracts not listed)."""
    factors: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanDocument:
    """A published report, as far as comparisons read it."""

    generated_at: str
    as_of_ms: int
    source: str
    settings: Mapping[str, Any]
    standings: Mapping[Symbol, Standing]
    exclusions: Mapping[Symbol, Exclusion]


def report_of(content: bytes, *, name: str) -> Mapping[str, Any]:
    """Return the published document in ``content``.

    Parameters
    ----------
    content : bytes
        JSON, UTF-8.
    name : str
        Of the file, for messages.

    Raises
    ------
    UnreadableReport
        Not JSON, not a report, or one of an unknown version.
    """
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}" if content.strip() else "it is empty"
        raise UnreadableReport(name, f"not JSON ({where})") from error
    scan_document(document, name=name)
    found: Mapping[str, Any] = document
    return found


def scan_document(document: Any, *, name: str) -> ScanDocument:
    """Return what a comparison needs of a published document.

    Parameters
    ----------
    document : Any
        Plain values, as `ScreeningReport.to_dict` returns or a file holds.
    name : str
        Of the document, for messages.

    Raises
    ------
    UnreadableReport
        A part is missing, of another kind, not finite, or a symbol occurs twice.
    """
    try:
        return _scan(_mapping(document, "the document"))
    except _Wrong as error:
        raise UnreadableReport(name, str(error)) from error


class _Wrong(ValueError):  # noqa: N818
    """What is not as published, in words."""


def _scan(document: Mapping[str, Any]) -> ScanDocument:
    version = document.get("schema_version")
    if version not in SCHEMA_VERSIONS:
        legal = " or ".join(SCHEMA_VERSIONS)
        raise _Wrong(f"schema_version must be {legal}, was {_short(version)}")
    standings: dict[Symbol, Standing] = {}
    exclusions: dict[Symbol, Exclusion] = {}
    for key in ("ranked", "not_listed"):
        for row in _list(document.get(key), key):
            standing = _standing(row, key)
            _once(standing.symbol, standings)
            standings[standing.symbol] = standing
    for row in _list(document.get("excluded"), "excluded"):
        exclusion = _exclusion(row)
        _once(exclusion.symbol, standings, exclusions)
        exclusions[exclusion.symbol] = exclusion
    return ScanDocument(
        generated_at=_name(document.get("generated_at"), "generated_at"),
        as_of_ms=_whole(document.get("as_of_ms"), "as_of_ms", 0, _LATEST_MS),
        source=_name(document.get("source"), "source"),
        settings=_settings(document.get("settings")),
        standings=standings,
        exclusions=exclusions,
    )


def _once(symbol: Symbol, *known: Mapping[Symbol, Any]) -> None:
    if any(symbol in names for names in known):
        raise _Wrong(f"{symbol} occurs twice")


def _standing(value: Any, where: str) -> Standing:
    row = _mapping(value, f"a row of {where}")
    symbol = _name(row.get("symbol"), f"symbol in {where}")
    is_listed = where == "ranked"
    return Standing(
        symbol=symbol,
        rank=_whole(row.get("rank"), f"rank of {symbol}", 1, _LATEST_MS),
        gss=_number(row.get("gss"), f"gss of {symbol}"),
        vetoed=_flag(row.get("vetoed"), f"vetoed of {symbol}"),
        is_listed=is_listed,
        breakdown=_numbers(row, "score_breakdown", symbol) if is_listed else {},
        factors=_numbers(row, "factors", symbol) if is_listed else {},
    )


def _exclusion(value: Any) -> Exclusion:
    row = _mapping(value, "a row of excluded")
    symbol = _name(row.get("symbol"), "symbol in excluded")
    reason = _mapping(row.get("reason"), f"reason of {symbol}")
    return Exclusion(
        symbol=symbol,
        stage=_name(row.get("stage"), f"stage of {symbol}"),
        reason=Reason(
            code=_name(reason.get("code"), f"reason code of {symbol}"),
            text=_harmless(_text(reason.get("text"), f"reason of {symbol}")),
            value=_found(reason.get("value"), f"value of {symbol}"),
            limit=_found(reason.get("limit"), f"limit of {symbol}"),
        ),
    )


def _numbers(
    row: Mapping[str, Any], key: str, symbol: Symbol
) -> Mapping[str, float | None]:
    found = _mapping(row.get(key), f"{key} of {symbol}")
    return {
        name: None if item is None else _number(item, f"{_short(name)} of {symbol}")
        for name, item in found.items()
    }


def _settings(value: Any) -> Mapping[str, Any]:
    found = _mapping(value, "settings")
    return {_name(key, "a setting"): _plain(item) for key, item in found.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_scalar(item) for item in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _harmless(value)
    _number(value, "a setting")
    return value


def _found(value: Any, where: str) -> float | str | None:
    if value is None:
        return None
    return _harmless(value) if isinstance(value, str) else _number(value, where)


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong(f"{where} must be an object, was {_short(value)}")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise _Wrong(f"{where} must be a list, was {_short(value)}")
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _Wrong(f"{where} must be a text, was {_short(value)}")
    return value


def _name(value: Any, where: str) -> str:
    text = _text(value, where)
    if not (0 < len(text) <= _MAX_NAME and text.isprintable()):
        raise _Wrong(f"{where} must be a printable name, was {_short(value)}")
    return text


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise _Wrong(f"{where} must be true or false, was {_short(value)}")
    return value


def _whole(value: Any, where: str, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise _Wrong(
            f"{where} must be a whole number in {least}…{most}, was {_short(value)}"
        )
    return value


def _number(value: Any, where: str) -> float:
    # bool is an int to Python; a float cannot hold every int
    if type(value) not in (int, float) or not -1e300 < value < 1e300:  # noqa: PLR2004
        raise _Wrong(f"{where} must be a finite number, was {_short(value)}")
    return float(value)


def _harmless(text: str) -> str:
    # control characters could steer the terminal that prints them
    shown = "".join(c if c.isprintable() else "�" for c in text)
    return shown if len(shown) <= _MAX_TEXT else shown[:_MAX_TEXT] + "…"


def _short(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    shown = ascii(value)
    most = 40
    return shown if len(shown) <= most else shown[:most] + "…"
