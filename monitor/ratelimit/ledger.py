"""The words of the request ledger: who asks, what is granted, what is blocked."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Protocol
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Lane(StrEnum):
    """Who asks, most important first."""

    PROTECTIVE = "protective"
    ACCOUNT = "account"
    MONITOR = "monitor"
    SCAN = "scan"

    @property
    def lanes_above(self) -> int:
        """How many lanes go first: 0 for `PROTECTIVE`, 3 for `SCAN`."""
        return _LANES_ABOVE[self]


_LANES_ABOVE = {lane: place for place, lane in enumerate(Lane)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Weight that may be spent now; to be given back if nothing was sent."""

    weight: int
    lane: Lane
    minute: int
    """Clock minute (ms ÷ 60,000) that was charged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """Nothing may be sent now."""

    retry_at_ms: int | None
    """When to ask again, exchange clock. None: the weight fits into no minute."""
    largest_weight: int = 0
    """The largest that would fit into an empty minute, when this one never does."""
    is_banned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """No request from this IP address before ``until_ms`` (exchange clock)."""

    until_ms: int
    is_banned: bool
    """418 rather than 429."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """What one process knows of the exchange's clock."""

    boot: str
    """Names the start of the machine that ``offset_ms`` belongs to; empty when
    the system does not tell."""
    offset_ms: int
    """Exchange time − the machine's monotonic time."""
    wall_offset_ms: int
    """Exchange time − the machine's wall clock."""
    is_measured: bool
    """False: a guess."""


class WeightLedger(Protocol):
    """Who may spend how much weight, for one IP address.

    Calls must be atomic: a ledger shared by processes locks inside each. All of
    them may raise `monitor.exceptions.LedgerUnavailable`.
    """

    def reserve(self, weight: int, lane: Lane, now_ms: int) -> Grant | Denial:
        """Charge ``weight`` to the minute of ``now_ms``, or say when to ask again.

        Who is denied stands in line, as long as it asks again often, until it is
        granted something or calls `withdraw`.
        """

    def withdraw(self, lane: Lane) -> None:
        """Stand in line no longer."""

    def release(self, grant: Grant) -> None:
        """Take back a charge whose request was certainly never sent."""

    def observe(
        self,
        used_weight: int,
        *,
        sent_ms: int,
        received_ms: int,
        clock_error_ms: int = 0,
    ) -> None:
        """Learn from the exchange how much this IP address has used."""

    def block_until(
        self, until_ms: int, *, is_banned: bool, clock: ClockReading | None = None
    ) -> None:
        """Grant nothing before ``until_ms``; never shortens an earlier block.

        ``clock`` is what ``until_ms`` was read on; None: the exchange stated it as a
        time.
        """

    def block(self, now_ms: int) -> Block | None:
        """Return the block in force, None when there is none."""

    def set_limit(self, weight_per_minute: int) -> None:
        """Adopt the limit that the exchange publishes."""

    def peak_weight(self) -> int:
        """Return the largest weight granted in one minute."""

    def remember(self, clock: ClockReading) -> None:
        """Keep what is known of the exchange's clock, for processes to come."""

    def remembered(self, boot: str) -> ClockReading | None:
        """Return what is known of the clock since this start of the machine."""

    def close(self) -> None:
        """Let go of files and connections. Idempotent; a later use opens anew."""


def ledger_address(base_url: str, proxy: str | None, *, market: str = "") -> str:
    """Name of the IP address that the exchange at ``base_url`` counts.

    Host and port, and for a proxy a short hash of it: another proxy is another
    address. The hash is of the proxy without its password.

    Parameters
    ----------
    base_url : str
        As in `monitor.conf.GatewayConfig`.
    proxy : str or None
        The proxy that requests go through.
    market : str
        A market with a budget of its own beside the futures', as ``spot``.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    address = f"{host}:{parts.port or _DEFAULT_PORTS[parts.scheme]}"
    if market:
        address = f"{address} {market}"
    if proxy is None:
        return address
    way = urlsplit(proxy)
    text = f"{way.scheme}://{way.username or ''}@{way.hostname}:{way.port}"
    return f"{address} via proxy {sha256(text.encode()).hexdigest()[:8]}"
