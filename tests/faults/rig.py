"""What the fault tests are made of: one exchange, commands, and its log as oracle."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs

from monitor.simulator.server import EmbeddedExchange
from tests.recorded import ROOT

MINUTE_MS = 60_000
LIMIT = 2400
"""Weight per minute that the simulated exchange publishes and enforces."""
WORKERS = 20
IN_FLIGHT_MS = 500
"""Requests may still arrive for so long after a refusal: they were on their way."""
PATIENCE = 3
"""Deadlines are asserted at so many times their value: machines are shared."""
BUSY_MACHINE_S = 5.0
"""What a loaded machine may add to the wall-clock time of a short command."""
PROCESS_DEADLINE_S = 120.0

KLINES = "/fapi/v1/klines"
OPEN_INTEREST = "/fapi/v1/openInterest"
TIME = "/fapi/v1/time"
MARKET_PATHS = (
    "/fapi/v1/exchangeInfo",
    "/fapi/v1/ticker/24hr",
    "/fapi/v1/premiumIndex",
    "/fapi/v1/fundingInfo",
    "/fapi/v1/ticker/bookTicker",
)
SCAN = ("screen_short_grid", "--min-volume", "0")
JSON_SCAN = (*SCAN, "--format", "json", "--quiet")
RUN_TIME_FIELDS = ("generated_at", "as_of_ms", "seconds", "requests", "source")

Row = dict[str, Any]
FoundT = TypeVar("FoundT")


def wait_for(
    look: Callable[[], FoundT], what: str, *, within_s: float = 30.0
) -> FoundT:
    """Return the first true value of ``look``; fail after ``within_s``."""
    ends_s = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < ends_s, f"{what}: not within {within_s} s"
        time.sleep(0.01)
    return found


class Rig:
    """The simulated exchange as tests steer and read it."""

    def __init__(self, exchange: EmbeddedExchange) -> None:
        self.exchange = exchange
        self.base_url = exchange.base_url
        rows = self._fetched("/fapi/v1/ticker/24hr")
        self.symbols: tuple[str, ...] = tuple(row["symbol"] for row in rows)
        """All contracts in trading."""

    def control(self, what: str, body: object = None) -> Any:
        payload = None if body is None else json.dumps(body).encode()
        return self._fetched(f"/sim/{what}", payload)

    def _fetched(self, path: str, payload: bytes | None = None) -> Any:
        request = urllib.request.Request(self.base_url + path, data=payload)  # noqa: S310
        with urllib.request.urlopen(request) as reply:  # noqa: S310
            return json.loads(reply.read())

    def body(self, path: str) -> bytes:
        """Return a real answer; costs weight like any request."""
        with urllib.request.urlopen(self.base_url + path) as reply:  # noqa: S310
            found: bytes = reply.read()
        return found

    def reset(self) -> None:
        self.control("reset", {})

    def script(self, *faults: Mapping[str, object]) -> None:
        self.control("faults", list(faults))

    def others(self, **wanted: int) -> None:
        self.control("others", wanted)

    def to_second(self, second: int) -> None:
        """Move the exchange's clock to where the next such second begins."""
        self.control("clock", {"to_second": second})

    def advance(self, duration_ms: int) -> int:
        """Move the exchange's clock; returns its time."""
        moved: int = self.control("clock", {"advance_ms": duration_ms})["now_ms"]
        return moved

    def now_ms(self) -> int:
        return self.advance(0)

    def log(self) -> list[Row]:
        rows: list[Row] = self.control("requests")
        return rows

    def wait_for_requests(self, count: int, path: str | None = None) -> None:
        def enough() -> bool:
            seen = [row for row in self.log() if path in (None, row["path"])]
            return len(seen) >= count

        wait_for(enough, f"{count} requests to {path or 'anything'}")


def played(log: Sequence[Row]) -> list[Row]:
    """Return the requests that met a fault."""
    return [row for row in log if row["fault"] is not None]


def calls(log: Sequence[Row]) -> Counter[tuple[str, str | None, str | None]]:
    """Count the tries of each call; the clock is measured with several by design."""
    return Counter(
        (row["path"], row["symbol"], interval_of(row))
        for row in log
        if row["path"] != TIME
    )


def interval_of(row: Row) -> str | None:
    found = parse_qs(row["query"]).get("interval")
    return None if found is None else found[0]


def weight_by_minute(log: Sequence[Row]) -> dict[int, int]:
    """Sum what was sent in each UTC clock minute of the exchange."""
    spent: dict[int, int] = defaultdict(int)
    for row in log:
        spent[row["at_ms"] // MINUTE_MS] += row["weight"]
    return dict(spent)


def between(log: Sequence[Row], first_ms: int, last_ms: int) -> list[Row]:
    """Return the requests that arrived after ``first_ms`` and before ``last_ms``."""
    return [row for row in log if first_ms < row["at_ms"] < last_ms]


def essence(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report without what belongs to its run.

    Reasons lose their values and words: ages of quotes and listings go on.
    """
    kept = {k: v for k, v in document.items() if k not in RUN_TIME_FIELDS}
    return kept | {
        "excluded": [
            (row["symbol"], row["stage"], row["reason"]["code"])
            for row in document["excluded"]
        ]
    }


def reason_codes(document: Mapping[str, Any]) -> dict[str, str]:
    """Return why each symbol was excluded."""
    return {row["symbol"]: row["reason"]["code"] for row in document["excluded"]}


def fetched_symbols(log: Sequence[Row]) -> list[str]:
    """Return the symbols whose 4 h bars a scan asked for, in a fixed order."""
    return sorted(
        {r["symbol"] for r in log if r["path"] == KLINES and interval_of(r) == "4h"}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str
    took_s: float
    cpu_s: float
    """User and system time of the process."""

    def is_prompt(self, within_s: float) -> bool:
        """Whether it neither computed nor waited for longer than so."""
        allowed_s = within_s * PATIENCE
        return self.cpu_s <= allowed_s and self.took_s <= allowed_s + BUSY_MACHINE_S

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    @property
    def complaint(self) -> str:
        """The only line on stderr."""
        lines = self.stderr.strip().splitlines()
        assert len(lines) == 1, self.stderr
        return lines[0]


class Running:
    """A command in a process of its own."""

    def __init__(
        self, argv: Sequence[str], env: Mapping[str, str], cwd: Path = ROOT
    ) -> None:
        self._began_s = time.monotonic()
        self._child = subprocess.Popen(
            argv,
            cwd=cwd,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._is_collected = False

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def is_running(self) -> bool:
        return self._child.poll() is None

    @property
    def age_s(self) -> float:
        return time.monotonic() - self._began_s

    @property
    def exit_code(self) -> int:
        """Negative when a signal ended it, as `subprocess` has it."""
        return self._child.wait(PROCESS_DEADLINE_S)

    def send(self, number: signal.Signals) -> None:
        self._child.send_signal(number)

    def next_complaint(self) -> str:
        """Return the next line of stderr, as soon as it is there."""
        assert self._child.stderr is not None
        return self._child.stderr.readline()

    def ended(self, *, within_s: float = PROCESS_DEADLINE_S) -> Ended:
        """Wait for the end; no way of ending prints a traceback."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        out, complaints = self._child.communicate(timeout=within_s)
        took_s = self.age_s
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self._is_collected = True
        assert "Traceback" not in complaints, complaints
        return Ended(
            code=self._child.returncode,
            stdout=out,
            stderr=complaints,
            took_s=took_s,
            # children count when they are waited for: this is the only one since
            cpu_s=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        )

    def kill(self) -> None:
        """End the process, if it has not ended, and close its pipes."""
        if not self._is_collected:
            self._child.kill()
            self._child.communicate()
            self._is_collected = True


class Commands:
    """Starts ``manage.py`` against the exchange, all with one data folder."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        self._rig = rig
        self.folder = folder
        self._all: list[Running] = []

    def start(
        self,
        *arguments: str,
        url: str | None = None,
        program: Sequence[str] = ("manage.py",),
        folder: Path | None = None,
        **environment: str,
    ) -> Running:
        env = os.environ | {
            "BINANCE_FAPI_URL": self._rig.base_url if url is None else url,
            "SCREENER_DATA_DIR": str(self.folder if folder is None else folder),
            "NO_COLOR": "1",
            "PYTHONWARNINGS": "error",
        }
        argv = [sys.executable, *program, *arguments]
        running = Running(argv, env | environment)
        self._all.append(running)
        return running

    def run(self, *arguments: str, **options: Any) -> Ended:
        return self.start(*arguments, **options).ended()

    def kill_all(self) -> None:
        for running in self._all:
            running.kill()
