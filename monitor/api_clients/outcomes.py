"""What an HTTP answer means, and whether to ask again. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import orjson

from monitor.domain.market import DAY_MS, MINUTE_MS
from monitor.exceptions import (
    AccessDenied,
    ExchangeError,
    ExchangeTimeout,
    ExchangeUnavailable,
    GarbledAnswer,
    IpBanned,
    RateLimited,
    RequestRejected,
)

TIMESTAMP_REJECTED = -1021
"""The exchange's code for a timestamp outside its window."""
SHORTEST_BAN_MS = 2 * MINUTE_MS
"""Assumed for a ban without an end: bans last 2 minutes to 3 days."""
LONGEST_BLOCK_MS = 7 * DAY_MS
"""A stated end further away is unbelievable and cut to this."""
OK, REDIRECTION, SERVER_ERROR = 200, 300, 500
FORBIDDEN, REQUEST_TIMEOUT, TEAPOT, TOO_MANY, NOT_HERE = 403, 408, 418, 429, 451
"""HTTP statuses that mean something of their own."""
DETAIL_LENGTH = 200
"""Characters of an answer that an error quotes."""

_BANNED_UNTIL = re.compile(rb"banned until (\d{1,16})")
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)
_MARKUP = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)


class Before(StrEnum):
    """What must happen before the next try."""

    BACK_OFF = "back off"
    BUDGET = "wait for the budget"
    RESYNC = "measure the clock again"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """How often one kind of failure is tried again, and after what."""

    before: Before
    retries: int | None
    """None: as often as the configuration says."""


def retry_rule(failure: BaseException) -> RetryRule | None:
    """Rule for one failure, None when asking again is no use.

    Only for GET requests: orders are never sent again blindly.
    """
    match failure:
        case (
            ExchangeTimeout() | ExchangeUnavailable() | GarbledAnswer()
        ):  # no connection, timeouts, 5xx, 408, cut or garbled bodies
            return RetryRule(before=Before.BACK_OFF, retries=None)
        case RateLimited():  # the wait itself is kept by the budget
            return RetryRule(before=Before.BUDGET, retries=1)
        case RequestRejected(code=code) if code == TIMESTAMP_REJECTED:
            return RetryRule(before=Before.RESYNC, retries=1)
        case _:
            return None


def is_retryable(failures: Sequence[BaseException], *, max_attempts: int) -> bool:
    """Whether to ask again after these failures of one request.

    Parameters
    ----------
    failures : sequence of exceptions
        All failures of the request so far, the latest last.
    max_attempts : int
        Tries in total for failures that are worth several.
    """
    if not failures:
        return False
    rule = retry_rule(failures[-1])
    if rule is None:
        return False
    of_this_kind = sum(1 for failure in failures if retry_rule(failure) == rule)
    allowed = max_attempts - 1 if rule.retries is None else rule.retries
    return of_this_kind <= allowed


def backoff_ceiling_s(failure_count: int, *, initial_s: float, max_s: float) -> float:
    """Upper end of the full-jitter wait after ``failure_count`` (≥ 1) failures."""
    doublings = min(failure_count - 1, 30)
    return float(min(max_s, initial_s * 2**doublings))


def http_failure(
    path: str, status: int, headers: Mapping[str, str], body: bytes, *, now_ms: int
) -> ExchangeError | None:
    """Typed error of an HTTP answer, None for success (2xx).

    Parameters
    ----------
    path : str
        Path without query string; errors name nothing else of the address.
    headers : mapping
        Case-insensitive, as `requests` gives it.
    body : bytes
        JSON, HTML of a firewall, or anything.
    now_ms : int
        Time of the exchange, ms.
    """
    if OK <= status < REDIRECTION:
        return None
    if status == TOO_MANY:
        # without a stated time: the counters restart with the UTC clock minute
        next_minute = (now_ms // MINUTE_MS + 1) * MINUTE_MS
        return RateLimited(path, _stated_end(headers, body, now_ms) or next_minute)
    if status == TEAPOT:
        stated = _stated_end(headers, body, now_ms)
        return IpBanned(stated or now_ms + SHORTEST_BAN_MS)
    if status in (FORBIDDEN, NOT_HERE):
        return AccessDenied(path, status)
    code, detail = _reason(body)
    detail = detail or "no explanation"
    if status == REQUEST_TIMEOUT or status >= SERVER_ERROR:
        return ExchangeUnavailable(path, detail, status=status)
    return RequestRejected(path, status, code, detail)


def json_payload(path: str, body: bytes) -> object:
    """Decode the body of a 200 answer.

    Raises
    ------
    GarbledAnswer
        The body is not JSON: cut off, or a proxy's page.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise GarbledAnswer(path, _text(body[:60])) from None


def used_weight(headers: Mapping[str, str]) -> int | None:
    """Weight used by this IP address in the running minute, None if not stated."""
    stated = headers.get("X-MBX-USED-WEIGHT-1M", "")
    return int(stated) if _SECONDS.fullmatch(stated) else None


def _stated_end(headers: Mapping[str, str], body: bytes, now_ms: int) -> int | None:
    latest = now_ms + LONGEST_BLOCK_MS
    header = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(header) and int(header) > 0:
        return min(now_ms + int(header) * 1000, latest)
    found = _BANNED_UNTIL.search(body)
    if found is not None and int(found[1]) > now_ms:
        return min(int(found[1]), latest)
    return None


def _reason(body: bytes) -> tuple[int | None, str]:
    # JSON with code and msg in any order, JSON without code, HTML, nothing
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None, _text(body)
    if not isinstance(payload, dict):
        return None, _text(body)
    code, message = payload.get("code"), payload.get("msg")
    return (
        code if type(code) is int else None,
        message[:DETAIL_LENGTH] if isinstance(message, str) else _text(body),
    )


def _text(body: bytes) -> str:
    readable = _MARKUP.sub(" ", body[:8192].decode("utf-8", errors="replace"))
    printable = "".join(c if c.isprintable() else " " for c in readable)
    return " ".join(printable.split())[:DETAIL_LENGTH]
