"""Request weight per clock minute of the exchange, as a pure state machine."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from monitor.domain.market import MINUTE_MS

KEPT_WINDOWS = 4
"""Minutes remembered, so that a corrected clock finds its minute again."""
UNTRUSTED_START_MS = 250
"""A header is not believed when its request was sent this soon after the minute
began: the exchange may have counted it in the minute before."""


class Lane(StrEnum):
    """Who asks, most important first."""

    PROTECTIVE = "protective"
    ACCOUNT = "account"
    MONITOR = "monitor"
    SCAN = "scan"

    @property
    def lanes_above(self) -> int:
        """How many lanes go first: 0 for `PROTECTIVE`, 3 for `SCAN`."""
        return list(Lane).index(self)


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


class WeightLedger(Protocol):
    """Who may spend how much weight, for one IP address.

    Calls must be atomic: a ledger shared by processes locks inside each.
    """

    def reserve(self, weight: int, lane: Lane, now_ms: int) -> Grant | Denial:
        """Charge ``weight`` to the minute of ``now_ms``, or say when to ask again."""

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

    def block_until(self, until_ms: int, *, is_banned: bool) -> None:
        """Grant nothing before ``until_ms``; never shortens an earlier block."""

    def block(self, now_ms: int) -> Block | None:
        """Return the block in force, None when there is none."""

    def set_limit(self, weight_per_minute: int) -> None:
        """Adopt the limit that the exchange publishes."""

    def peak_weight(self) -> int:
        """Return the largest weight granted in one minute."""


@dataclass(slots=True)
class _Window:
    granted: dict[Lane, int] = field(default_factory=lambda: dict.fromkeys(Lane, 0))
    others: int = 0
    """Used on this IP address by other programs, as far as headers have shown."""
    highest_seen: int = 0

    @property
    def ours(self) -> int:
        return sum(self.granted.values())

    @property
    def used(self) -> int:
        return max(self.ours + self.others, self.highest_seen)

    def used_above(self, lane: Lane) -> int:
        return sum(
            weight
            for other, weight in self.granted.items()
            if other.lanes_above < lane.lanes_above
        )


class WeightBudget:
    """Weight of the UTC clock minutes of the exchange. Not thread-safe.

    Of the published limit only ``safety_share`` is ever granted. A lane leaves
    the lanes above it a reserve, smaller the higher the lane, less what those
    lanes have already used in the minute.

    Parameters
    ----------
    weight_per_minute : int
        The exchange's limit for this IP address.
    safety_share : float
        Share of it that is granted, in (0, 1].
    reserved_weight : int
        What a scan leaves to the lanes above it, together; monitor and account
        leave two thirds and one third of it.
    """

    def __init__(
        self, *, weight_per_minute: int, safety_share: float, reserved_weight: int
    ) -> None:
        if not 0 < safety_share <= 1:
            raise ValueError(f"safety_share must be in (0, 1], was {safety_share}")
        if reserved_weight < 0:
            raise ValueError(f"reserved_weight must be ≥ 0, was {reserved_weight}")
        self._safety_share = safety_share
        self._reserved_weight = reserved_weight
        self._windows: dict[int, _Window] = {}
        self._past_peak = 0
        self._blocked_until_ms = 0
        self._banned_until_ms = 0
        self.set_limit(weight_per_minute)

    @property
    def share(self) -> int:
        """Weight granted per minute at most, all lanes together."""
        return self._share

    def set_limit(self, weight_per_minute: int) -> None:
        """Adopt the exchange's published limit, at least 1."""
        if weight_per_minute < 1:
            raise ValueError(
                f"weight_per_minute must be at least 1, was {weight_per_minute}"
            )
        self._share = int(weight_per_minute * self._safety_share)

    def reserve(self, weight: int, lane: Lane, now_ms: int) -> Grant | Denial:
        """Charge ``weight``, or say when to ask again.

        A request without weight is denied only while blocked.
        """
        if weight < 0:
            raise ValueError(f"weight must be ≥ 0, was {weight}")
        block = self.block(now_ms)
        if block is not None:
            return Denial(retry_at_ms=block.until_ms, is_banned=block.is_banned)
        minute = now_ms // MINUTE_MS
        window = self._window(minute)
        if weight == 0:
            return Grant(weight=0, lane=lane, minute=minute)
        reserve = self._reserve(lane)
        if weight > self._share - reserve:
            return Denial(retry_at_ms=None, largest_weight=self._share - reserve)
        held_back = max(0, reserve - window.used_above(lane))
        if window.used + weight > self._share - held_back:
            return Denial(retry_at_ms=(minute + 1) * MINUTE_MS)
        window.granted[lane] += weight
        return Grant(weight=weight, lane=lane, minute=minute)

    def release(self, grant: Grant) -> None:
        """Take back a charge whose request was certainly never sent."""
        window = self._windows.get(grant.minute)
        if window is not None:
            window.granted[grant.lane] -= grant.weight

    def observe(
        self,
        used_weight: int,
        *,
        sent_ms: int,
        received_ms: int,
        clock_error_ms: int = 0,
    ) -> None:
        """Correct the minute upward from the exchange's own count.

        Ignored when it is uncertain which minute the count is of: sent and
        received in different minutes, or sent as the minute began, within
        `UNTRUSTED_START_MS` or ``clock_error_ms``, whichever is longer.
        """
        minute = received_ms // MINUTE_MS
        untrusted_ms = max(UNTRUSTED_START_MS, clock_error_ms)
        if sent_ms < minute * MINUTE_MS + untrusted_ms:
            return
        window = self._window(minute)
        window.others = max(window.others, used_weight - window.ours)
        window.highest_seen = max(window.highest_seen, used_weight)

    def block_until(self, until_ms: int, *, is_banned: bool) -> None:
        """Grant nothing before ``until_ms``; never shortens an earlier block."""
        self._blocked_until_ms = max(self._blocked_until_ms, until_ms)
        if is_banned:
            self._banned_until_ms = max(self._banned_until_ms, until_ms)

    def block(self, now_ms: int) -> Block | None:
        """Return the block in force; a ban as long as it lasts."""
        if now_ms < self._banned_until_ms:
            return Block(until_ms=self._banned_until_ms, is_banned=True)
        if now_ms < self._blocked_until_ms:
            return Block(until_ms=self._blocked_until_ms, is_banned=False)
        return None

    def used_weight(self, now_ms: int) -> int:
        """Return the weight used in the minute of ``now_ms``, others included."""
        window = self._windows.get(now_ms // MINUTE_MS)
        return 0 if window is None else window.used

    def peak_weight(self) -> int:
        """Return the largest weight granted in one minute."""
        return max(
            self._past_peak, *(window.ours for window in self._windows.values()), 0
        )

    def _reserve(self, lane: Lane) -> int:
        lanes_below_first = len(Lane) - 1
        reserve = self._reserved_weight * lane.lanes_above // lanes_below_first
        return min(reserve, self._share // 2)  # a tiny limit must not starve the scan

    def _window(self, minute: int) -> _Window:
        if minute not in self._windows:
            while len(self._windows) >= KEPT_WINDOWS:
                oldest = self._windows.pop(next(iter(self._windows)))
                self._past_peak = max(self._past_peak, oldest.ours)
            self._windows[minute] = _Window()
        return self._windows[minute]
