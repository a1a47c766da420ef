"""Errors of the exchange gateway.

::

    ExchangeError
    ├── TransientExchangeError          worth another try
    │   ├── ExchangeTimeout             connect, read or total deadline
    │   ├── ExchangeUnavailable         no connection, or 5xx
    │   ├── RateLimited                 429; carries when to go on
    │   └── GarbledAnswer               200, but not (whole) JSON
    └── PermanentExchangeError          another try gives the same answer
        ├── RequestRejected             4xx with the exchange's code
        ├── AccessDenied                403 (firewall) or 451 (location)
        ├── IpBanned                    418; carries until when
        ├── WaitTooLong                 the budget's wait exceeds what was allowed
        │   └── LimitTooSmall           no minute's budget holds the request
        ├── DailyBudgetSpent            no request before the next UTC day
        ├── LedgerUnavailable           the shared count of requests cannot be kept
        ├── RequestCancelled            the scan was interrupted
        └── MalformedPayload            an answer that cannot be read
"""

from datetime import datetime
from math import inf


class ExchangeError(Exception):
    """Root of all gateway errors."""


class TransientExchangeError(ExchangeError):
    """Another try may succeed."""


class PermanentExchangeError(ExchangeError):
    """Another try gives the same answer."""


class ExchangeTimeout(TransientExchangeError):  # noqa: N818
    """No complete answer within the deadline."""

    def __init__(self, path: str, after_s: float) -> None:
        self.path = path
        self.after_s = after_s
        super().__init__(path, after_s)

    def __str__(self) -> str:
        return f"{self.path}: no complete answer within {self.after_s:g} s"


class ExchangeUnavailable(TransientExchangeError):  # noqa: N818
    """The exchange cannot be reached, or says so itself (5xx).

    ``status`` is None when no HTTP answer arrived.
    """

    def __init__(self, path: str, detail: str, *, status: int | None = None) -> None:
        self.path = path
        self.detail = detail
        self.status = status
        super().__init__(path, detail, status)

    def __str__(self) -> str:
        http = "" if self.status is None else f"HTTP {self.status}: "
        return f"{self.path}: {http}{self.detail}"


class RateLimited(TransientExchangeError):  # noqa: N818
    """HTTP 429: every request from this IP address must stop.

    ``resume_at_ms`` is on the exchange's clock.
    """

    def __init__(self, path: str, resume_at_ms: int) -> None:
        self.path = path
        self.resume_at_ms = resume_at_ms
        super().__init__(path, resume_at_ms)

    def __str__(self) -> str:
        return (
            f"{self.path}: HTTP 429, request limit of this IP address reached; "
            f"no request before {local_time(self.resume_at_ms)}"
        )


class GarbledAnswer(TransientExchangeError):  # noqa: N818
    """HTTP 200 whose body is not JSON: cut off, or a proxy's HTML page."""

    def __init__(self, path: str, beginning: str) -> None:
        self.path = path
        self.beginning = beginning
        super().__init__(path, beginning)

    def __str__(self) -> str:
        return f"{self.path}: answer is not JSON, begins {self.beginning!r}"


class RequestRejected(PermanentExchangeError):  # noqa: N818
    """HTTP 4xx with the exchange's own code, None when it gave none."""

    def __init__(self, path: str, status: int, code: int | None, detail: str) -> None:
        self.path = path
        self.status = status
        self.code = code
        self.detail = detail
        super().__init__(path, status, code, detail)

    def __str__(self) -> str:
        code = "" if self.code is None else f" (code {self.code})"
        return f"{self.path}: HTTP {self.status}{code}: {self.detail}"


class AccessDenied(PermanentExchangeError):  # noqa: N818
    """HTTP 403 (web application firewall) or 451 (restricted location)."""

    def __init__(self, path: str, status: int) -> None:
        self.path = path
        self.status = status
        super().__init__(path, status)

    def __str__(self) -> str:
        meaning = {
            403: "the exchange's firewall refuses this IP address; "
            "stop for some minutes and send fewer requests",
            451: "the exchange does not serve this location; "
            "use a connection from where it does",
        }
        return f"{self.path}: HTTP {self.status}: {meaning[self.status]}"


class IpBanned(PermanentExchangeError):  # noqa: N818
    """HTTP 418: this IP address is banned until ``until_ms`` (exchange clock)."""

    def __init__(self, until_ms: int) -> None:
        self.until_ms = until_ms
        super().__init__(until_ms)

    def __str__(self) -> str:
        return (
            "the exchange has banned this IP address (HTTP 418) until "
            f"{local_time(self.until_ms)}; nothing is sent before"
        )


class WaitTooLong(PermanentExchangeError):  # noqa: N818
    """The request budget is used up for longer than the caller would wait."""

    def __init__(self, wait_s: float, max_wait_s: float) -> None:
        self.wait_s = wait_s
        self.max_wait_s = max_wait_s
        super().__init__(wait_s, max_wait_s)

    def __str__(self) -> str:
        return (
            f"the request budget is used up for {self.wait_s:.0f} s, "
            f"longer than the {self.max_wait_s:g} s allowed; try later"
        )


class LimitTooSmall(WaitTooLong):
    """A request weighs more than may ever be spent in one minute.

    ``largest_weight`` is the heaviest that could be sent.
    """

    def __init__(self, weight: int, largest_weight: int) -> None:
        super().__init__(inf, inf)
        self.weight = weight
        self.largest_weight = largest_weight
        self.args = (weight, largest_weight)

    def __str__(self) -> str:
        return (
            f"a request of weight {self.weight} never fits: the limit of this IP "
            f"address leaves it {self.largest_weight} a minute, "
            "safety share and reserve deducted"
        )


class DailyBudgetSpent(PermanentExchangeError):  # noqa: N818
    """The day's requests are used up until ``resume_at_ms`` (exchange clock)."""

    def __init__(self, quota: int, resume_at_ms: int) -> None:
        self.quota = quota
        self.resume_at_ms = resume_at_ms
        super().__init__(quota, resume_at_ms)

    def __str__(self) -> str:
        return (
            f"the day's {self.quota:,} requests are used up; "
            f"no request before {local_time(self.resume_at_ms)}"
        )


class LedgerUnavailable(PermanentExchangeError):  # noqa: N818
    """The shared request ledger cannot be used, so nothing may be sent.

    ``where`` is a file, or an address without its password.
    """

    def __init__(self, where: str, problem: str) -> None:
        self.where = where
        self.problem = problem
        super().__init__(where, problem)

    def __str__(self) -> str:
        return (
            f"request ledger {self.where}: {self.problem}; nothing is sent without "
            "it (RATE_LEDGER_URL=memory:// goes without sharing)"
        )


class RequestCancelled(PermanentExchangeError):  # noqa: N818
    """The caller cancelled all requests (an interrupted scan)."""

    def __str__(self) -> str:
        return "cancelled"


class MalformedPayload(PermanentExchangeError):  # noqa: N818
    """An answer that cannot be read.

    ``symbol`` is None for whole-market answers.
    """

    def __init__(self, path: str, detail: str, *, symbol: str | None = None) -> None:
        self.path = path
        self.detail = detail
        self.symbol = symbol
        super().__init__(path, detail, symbol)

    def __str__(self) -> str:
        whose = "" if self.symbol is None else f" of {self.symbol}"
        return f"{self.path}{whose}: unreadable answer: {self.detail}"


def local_time(at_ms: int) -> str:
    """Return ``at_ms`` (ms UTC) in the machine's local time, with its zone."""
    return f"{datetime.fromtimestamp(at_ms / 1000).astimezone():%Y-%m-%d %H:%M:%S %Z}"
