"""Reads the request ledger that ``SCREENER`` names, without writing to it."""

import time  # noqa: TID251  the guess of the exchange's clock
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from monitor.api_clients.clock import boot_id, machine_s
from monitor.conf import GatewayConfig
from monitor.exceptions import LedgerUnavailable
from monitor.ratelimit.gauge import BudgetGauge, gauge
from monitor.ratelimit.sqlite_store import SqliteStore
from monitor.ratelimit.state import UnreadableState, loaded
from monitor.ratelimit.stores import LedgerStore, open_store

MEMORY = "memory://"


class CannotForget(ValueError):  # noqa: N818  named for what it is
    """An address that must not be forgotten, or is not there."""


class BudgetReading:
    """The configured ledger, for looking at. A later use opens it anew.

    Parameters
    ----------
    settings : mapping
        ``SCREENER``; its ``data_dir`` and ``rate_ledger_url`` count.

    Raises
    ------
    ValueError
        The ledger's address cannot be understood, or the folder is none.
    LedgerUnavailable
        Its client library is not installed.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        config = GatewayConfig(
            ledger_url=settings.get("rate_ledger_url"),
            data_dir=settings.get("data_dir"),
        )
        self.is_shared = config.ledger_url != MEMORY
        self._writable = open_store(config.ledger_url, config.data_dir)
        self._store: LedgerStore = self._writable
        if isinstance(self._writable, SqliteStore):
            self._store = SqliteStore(self._writable.path, is_read_only=True)

    @property
    def where(self) -> str:
        """The ledger's file or address, without a password."""
        return self._store.where

    def exists(self) -> bool:
        """Whether somebody has made the ledger; others than files always exist."""
        return not isinstance(self._store, SqliteStore) or self._store.path.exists()

    def gauges(self) -> list[BudgetGauge]:
        """Return what is counted, by address.

        Raises
        ------
        LedgerUnavailable
            The ledger cannot be read.
        """
        if not self.exists():
            return []
        boot = boot_id()
        found = []
        for address, blob in sorted(self._store.rows().items()):
            try:
                state = loaded(blob)
            except UnreadableState as problem:
                raise LedgerUnavailable(
                    self.where, f"{problem}; remove it to start a new one"
                ) from None
            local_ms, wall_ms = int(machine_s() * 1000), int(time.time() * 1000)
            offset_ms = state.guessed_offset_ms(
                boot, local_ms=local_ms, wall_ms=wall_ms
            )
            found.append(gauge(address, state, local_ms + offset_ms))
        return found

    def forget(self, address: str) -> None:
        """Forget a simulated exchange.

        Raises
        ------
        CannotForget
            It is not on this machine, or not in the ledger.
        LedgerUnavailable
            The ledger cannot be written.
        """
        if not is_loopback(address):
            raise CannotForget(
                f"{address} is not a simulated exchange on this machine: its bans and "
                "counts are real, and forgetting them leads to longer bans"
            )
        if not self.exists() or not self._writable.forget(address):
            raise CannotForget(f"{address} is not in the ledger {self.where}")

    def close(self) -> None:
        """Let go of files and connections."""
        self._store.close()
        self._writable.close()


def is_loopback(address: str) -> bool:
    """Whether a ledger's address is on this machine, reached without a proxy."""
    server, _, rest = address.partition(" ")
    if "proxy" in rest:  # the name of a market may stand before it
        return False
    try:
        host = urlsplit(f"//{server}").hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
