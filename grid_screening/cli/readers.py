"""From the text of a flag, or a value in the settings, to a checked value.

Each reader takes text or an already typed value and raises ``ValueError`` whose
message reads ``must be …, was …``.
"""

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from monitor.domain.instruments import LeverageBracket
from monitor.domain.market import KlineInterval

_SHOWN = 80
"""Characters of a wrong value that are repeated."""


def whole(value: Any) -> int:
    """Return a whole number."""
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            raise _wrong("a whole number", value) from None
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong("a whole number", value)
    return value


def count(value: Any) -> int:
    """Return a whole number ≥ 0."""
    read = whole(value)
    if read < 0:
        raise _wrong("a whole number ≥ 0", value)
    return read


def number(value: Any) -> float:
    """Return a finite number; NaN and infinity are refused."""
    legal = "a finite number"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _wrong(legal, value)
    try:
        read = float(value)
    except (ValueError, OverflowError):
        raise _wrong(legal, value) from None
    if not isfinite(read):
        raise _wrong(legal, value)
    return read


def switch(value: Any) -> bool:
    """Return a boolean; only booleans are accepted."""
    if not isinstance(value, bool):
        raise _wrong("True or False", value)
    return value


def word(value: Any) -> str:
    """Return a text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise _wrong("a name", value)
    return value.strip()


def path(value: Any) -> str:
    """Return the name of a file; it need not exist."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise _wrong("a path", value)
    return value


def asset(value: Any) -> str:
    """Return the name of an asset in upper case."""
    return word(value).upper()


def weights(value: Any) -> tuple[float, ...]:
    """Return four numbers, given as ``w1,w2,w3,w4`` or as a sequence."""
    legal = "four finite numbers ≥ 0 with sum 1, like 0.2,0.2,0.3,0.3"
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise _wrong(legal, value)
    try:
        return tuple(number(part) for part in parts)
    except ValueError:
        raise _wrong(legal, value) from None


def symbols(value: Any) -> tuple[str, ...]:
    """Return symbols, given as ``A,B``, ``@FILE`` or a sequence; in upper case.

    A file holds symbols separated by commas or white space; ``#`` begins a
    comment. Duplicates are dropped.
    """
    text = value
    if isinstance(value, str) and value.startswith("@"):
        lines = _text_of(Path(value[1:])).splitlines()
        text = " ".join(line.partition("#")[0] for line in lines)
    if isinstance(text, str):
        text = text.replace(",", " ").split()
    if not isinstance(text, list | tuple) or not all(
        isinstance(name, str) and name.strip() for name in text
    ):
        raise _wrong("symbols like BTCUSDT,ETHUSDT or @FILE", value)
    if not text:
        raise ValueError(f"must name at least one symbol, was {value!r}")
    return tuple(dict.fromkeys(name.strip().upper() for name in text))


def exclusions(value: Any) -> tuple[str, ...]:
    """Return symbols like `symbols`; an empty sequence is legal."""
    return () if value in ((), []) else symbols(value)


def interval(value: Any) -> KlineInterval:
    """Return a bar length."""
    # months are not equidistant
    legal = [i for i in KlineInterval if i is not KlineInterval.MONTH1]
    if value not in legal:
        raise _wrong(f"one of {', '.join(legal)}", value)
    return KlineInterval(value)


def brackets(value: Any) -> Mapping[str, tuple[LeverageBracket, ...]]:
    """Return maintenance brackets from a file with the endpoint's JSON."""
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, str | Path):
        raise _wrong("a file with the JSON of /fapi/v1/leverageBracket", value)
    import orjson

    from monitor.api_clients.schemas import leverage_brackets
    from monitor.exceptions import MalformedPayload

    try:
        return leverage_brackets(orjson.loads(_text_of(Path(value))))
    except (orjson.JSONDecodeError, MalformedPayload) as error:
        raise ValueError(
            "must be a file with the JSON of /fapi/v1/leverageBracket, "
            f"{str(value)!r} is not: {error}"
        ) from None


def _text_of(path: Path) -> str:
    try:
        return path.expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(
            f"must be a readable file, {str(path)!r}: {error.strerror or error}"
        ) from None
    except UnicodeDecodeError:
        raise ValueError(f"must be a UTF-8 text, {str(path)!r} is not") from None


def _wrong(legal: str, value: object) -> ValueError:
    return ValueError(f"must be {legal}, was {_shortened(value)}")


def _shortened(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # thousands of digits
        return "a number too large to print"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
