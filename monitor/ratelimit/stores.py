"""Where ledgers are kept: an atomic cell of bytes for each address."""

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Protocol, TypeVar

from monitor.data_folder import data_folder

LEDGER_FILE = "rate_ledger.sqlite3"
Answer = TypeVar("Answer")
Step = Callable[[bytes | None], tuple[bytes, Answer]]
"""From the bytes kept (None: none yet) to those to keep and an answer. Pure, for it
may be repeated."""


class LedgerStore(Protocol):
    """Bytes by address. Thread-safe.

    Everything but ``where`` may raise `monitor.exceptions.LedgerUnavailable`.
    """

    where: str
    """For messages: never shows a password."""

    def read(self, address: str) -> bytes | None:
        """Return what is kept. Cheap."""

    def update(
        self, address: str, step: Step[Answer], *, is_durable: bool = False
    ) -> Answer:
        """Apply ``step`` while nobody else can; unchanged bytes are not written.

        ``is_durable``: what is written must survive a loss of power.
        """

    def rows(self) -> dict[str, bytes]:
        """Return everything that is kept."""

    def prune(self, unused_s: float, is_dispensable: Callable[[bytes], bool]) -> None:
        """Forget what was not written for ``unused_s``, if it is dispensable."""

    def forget(self, address: str) -> bool:
        """Forget one address; whether there was something."""

    def close(self) -> None:
        """Let go of files and connections. Idempotent; a later use opens anew."""


class MemoryStore:
    """Kept by this process, for nobody else."""

    def __init__(self) -> None:
        self.where = "memory of this process"
        self._kept: dict[str, bytes] = {}
        self._lock = Lock()

    def read(self, address: str) -> bytes | None:
        """Return what is kept."""
        return self._kept.get(address)

    def update(
        self,
        address: str,
        step: Step[Answer],
        *,
        is_durable: bool = False,  # noqa: ARG002  nothing is
    ) -> Answer:
        """Apply ``step`` while no other thread can."""
        with self._lock:
            self._kept[address], answer = step(self._kept.get(address))
        return answer

    def rows(self) -> dict[str, bytes]:
        """Return everything that is kept."""
        with self._lock:
            return dict(self._kept)

    def prune(self, unused_s: float, is_dispensable: Callable[[bytes], bool]) -> None:
        """Do nothing: it ends with the process."""

    def forget(self, address: str) -> bool:
        """Forget one address; whether there was something."""
        with self._lock:
            return self._kept.pop(address, None) is not None

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""


def open_store(ledger_url: str | None, data_dir: Path | None) -> LedgerStore:
    """Return the store that a configuration names; nothing is opened yet.

    Parameters
    ----------
    ledger_url, data_dir
        As in `monitor.conf.GatewayConfig`.
    """
    if ledger_url == "memory://":
        return MemoryStore()
    if ledger_url is not None and not ledger_url.startswith("sqlite:"):
        from monitor.ratelimit.redis_store import RedisStore

        return RedisStore(ledger_url)
    from monitor.ratelimit.sqlite_store import SqliteStore

    if ledger_url is None:
        return SqliteStore(data_folder(data_dir) / LEDGER_FILE)
    path = ledger_url.removeprefix("sqlite:").lstrip("/")
    return SqliteStore(Path("/") / path)
