"""Parameters of a request, and the exchange's refusals. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from monitor.domain.market import KlineInterval

BAD_REQUEST = 400
MAX_KLINES = 1500
MAX_SPOT_KLINES = 1000
_LATEST_MS = 253_402_300_799_999
_INTEGER = re.compile(r"-?[0-9]{1,15}")
_INTERVALS = {interval.value: interval for interval in KlineInterval}


class Refusal(Exception):  # noqa: N818  named for what it is
    """The exchange refuses the request with its own code."""

    def __init__(self, code: int, message: str, *, status: int = BAD_REQUEST) -> None:
        self.code = code
        self.message = message
        self.status = status
        super().__init__(code, message, status)

    def __str__(self) -> str:
        return f"HTTP {self.status}: {self.message} ({self.code})"


def missing(name: str) -> Refusal:
    """Refusal of a mandatory parameter that was not sent or is malformed."""
    return Refusal(
        -1102,
        f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.",
    )


def invalid(name: str) -> Refusal:
    """Refusal of a parameter out of range."""
    return Refusal(-1130, f"Data sent for parameter '{name}' is not valid.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One request as the endpoints see it."""

    path: str
    parameters: Mapping[str, str]
    api_key: str | None
    now_ms: int

    def symbol(self) -> str | None:
        """Upper-cased ``symbol`` (or ``pair``), None when not sent."""
        sent = self.parameters.get("symbol") or self.parameters.get("pair")
        return sent.upper() if sent else None

    def integer(self, name: str) -> int | None:
        """Integer parameter, None when not sent.

        Raises
        ------
        Refusal
            It is not an integer of at most 15 digits.
        """
        sent = self.parameters.get(name)
        if sent is None:
            return None
        if not _INTEGER.fullmatch(sent):
            raise missing(name)
        return int(sent)

    def limit(self, *, default: int, largest: int) -> int:
        """Return ``limit``; out of range is refused."""
        sent = self.integer("limit")
        if sent is None:
            return default
        if not 1 <= sent <= largest:
            raise invalid("limit")
        return sent

    def times(self) -> tuple[int | None, int | None]:
        """Return ``startTime`` and ``endTime``; refused when in the wrong order."""
        start, end = self.integer("startTime"), self.integer("endTime")
        for name, at in (("startTime", start), ("endTime", end)):
            if at is not None and not 0 <= at <= _LATEST_MS:
                raise invalid(name)
        if start is not None and end is not None and start > end:
            raise Refusal(-1023, "Start time is greater than end time.")
        return start, end

    def interval(self) -> KlineInterval:
        """Return ``interval``; unknown ones are refused."""
        sent = self.parameters.get("interval")
        if not sent:
            raise missing("interval")
        if sent not in _INTERVALS:
            raise Refusal(-1120, "Invalid interval.")
        return _INTERVALS[sent]


def parameters(query_string: bytes) -> dict[str, str]:
    """Decode parameters; the first of several wins."""
    decoded: dict[str, str] = {}
    for name, value in parse_qsl(
        query_string.decode("ascii", errors="replace"), keep_blank_values=True
    ):
        decoded.setdefault(name, value)
    return decoded


def klines_weight(query: Query) -> int:
    """Documented weight by ``limit``; refused limits cost, too."""
    sent = query.parameters.get("limit")
    if sent is None or not _INTEGER.fullmatch(sent):
        return 5
    limit = int(sent)
    edges = ((100, 1), (500, 2), (1001, 5))
    return next((weight for edge, weight in edges if limit < edge), 10)


def depth_weight(query: Query) -> int:
    """Weight by ``limit``; without one 500 levels cost 1, as measured."""
    known = {"5": 2, "10": 2, "20": 2, "50": 2, "100": 5, "500": 10, "1000": 20}
    sent = query.parameters.get("limit")
    return 1 if sent is None else known.get(sent, 2)
