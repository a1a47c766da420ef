"""What a request ledger remembers of one IP address, and its form in bytes. Pure."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from monitor.domain.market import MINUTE_MS
from monitor.ratelimit.ledger import ClockReading, Lane

VERSION = 1
"""Of the form in bytes."""
KEPT_WINDOWS = 8
"""Minutes remembered, so that a corrected clock finds its minute again."""
KEPT_DAYS = 3
KEPT_CLOCKS = 8
"""Starts of machines remembered: several may share one ledger."""


class UnreadableState(ValueError):  # noqa: N818  named for what it is
    """Bytes that no version of this program wrote, or a newer one."""


@dataclass(slots=True)
class Window:
    """Weight of one clock minute of the exchange."""

    granted: list[int] = field(default_factory=lambda: [0] * len(Lane))
    """By lane, most important first."""
    others: int = 0
    """Used on this IP address by other programs, as far as headers have shown."""
    highest_seen: int = 0
    """The largest count that the exchange stated."""

    @property
    def ours(self) -> int:
        """Granted, all lanes together."""
        return sum(self.granted)

    @property
    def used(self) -> int:
        """Used at least, others included."""
        return max(self.ours + self.others, self.highest_seen)


@dataclass(slots=True, kw_only=True)
class Waiter:
    """One process that was denied and asks again; one per lane."""

    owner: str
    lane: Lane
    place: int
    """Smaller places were denied earlier."""
    weight: int
    """Of the request it wants to send first."""
    seen_ms: int
    """When it asked last, exchange clock."""


@dataclass(slots=True, kw_only=True)
class Day:
    """Requests of one UTC day of the exchange."""

    count: int = 0
    is_alerted: bool = False
    quota: int = 0
    """As last configured."""
    alert_at: int = 0


@dataclass(slots=True)
class LocalBlock:
    """A block whose end was read on a guessed clock: in the machine's own time."""

    blocked_until_ms: int = 0
    banned_until_ms: int = 0


@dataclass(slots=True, kw_only=True)
class LedgerState:
    """All of it. Changed by `monitor.ratelimit.budget` and `daily` only."""

    limit: int | None = None
    """Published by the exchange; None until it was read."""
    safety_share: float | None = None
    """Of who was granted something last."""
    windows: dict[int, Window] = field(default_factory=dict)
    """By minute; the one granted from last stands last."""
    peak_weight: int = 0
    """Largest weight granted in one minute, of minutes no longer remembered."""
    peak_minute: int = 0
    blocked_until_ms: int = 0
    banned_until_ms: int = 0
    local_blocks: dict[str, LocalBlock] = field(default_factory=dict)
    """By start of the machine; what is known of its clock dates them."""
    waiters: list[Waiter] = field(default_factory=list)
    next_place: int = 0
    days: dict[int, Day] = field(default_factory=dict)
    """By day number (ms ÷ 86,400,000)."""
    clocks: dict[str, ClockReading] = field(default_factory=dict)
    """By start of the machine; the latest stands last."""

    def window(self, minute: int) -> Window:
        """Return the window to be granted from; forgets the one idle longest."""
        found = self.windows.pop(minute, None) or Window()
        while len(self.windows) >= KEPT_WINDOWS:
            self._forget(next(iter(self.windows)))
        self.windows[minute] = found
        return found

    def largest_minute(self) -> tuple[int, int]:
        """Return the largest weight granted in one minute, and the minute."""
        ours = [(w.ours, minute) for minute, w in self.windows.items()]
        return max([(self.peak_weight, self.peak_minute), *ours])

    def day(self, number: int) -> Day:
        """Return the count of a day; forgets the one idle longest."""
        found = self.days.pop(number, None) or Day()
        while len(self.days) >= KEPT_DAYS:
            del self.days[next(iter(self.days))]
        self.days[number] = found
        return found

    def block_ends(self) -> tuple[int, int]:
        """Return until when there is a block and a ban, exchange clock."""
        blocked, banned = self.blocked_until_ms, self.banned_until_ms
        for boot, local in self.local_blocks.items():
            offset_ms = self._dating_offset_ms(boot)
            blocked = max(blocked, local.blocked_until_ms + offset_ms)
            if local.banned_until_ms:
                banned = max(banned, local.banned_until_ms + offset_ms)
        return blocked, banned

    def forget_clock(self, boot: str) -> None:
        """Forget one start of the machine, but not the blocks dated by it."""
        self.blocked_until_ms, self.banned_until_ms = self.block_ends()
        self.local_blocks.pop(boot, None)
        del self.clocks[boot]

    def guessed_offset_ms(self, boot: str, *, local_ms: int, wall_ms: int) -> int:
        """Exchange time − local monotonic time, before it is measured.

        On the machine's start that a process measured, what it measured. Else the
        wall clock says it, as it is, or corrected by what was last known of its
        error, or as another process guessed: whichever makes a stored ban end later.

        Parameters
        ----------
        boot : str
            Names this start of the machine; empty when unknown.
        local_ms, wall_ms : int
            Monotonic time and Unix time, ms.
        """
        known = self.clocks.get(boot) if boot else None
        if known is not None and known.is_measured:
            return known.offset_ms
        errors = [c.wall_offset_ms for c in self.clocks.values() if c.is_measured]
        guess_ms = wall_ms + min([0, *errors]) - local_ms
        return guess_ms if known is None else min(guess_ms, known.offset_ms)

    def _dating_offset_ms(self, boot: str) -> int:
        # a guess that was never measured was as slow as the wall clock proved to be
        # on a later start of the machine, if it did
        boots = list(self.clocks)
        clock = self.clocks[boot]
        if clock.is_measured:
            return clock.offset_ms
        later = [self.clocks[name] for name in boots[boots.index(boot) + 1 :]]
        slow = [c.wall_offset_ms - clock.wall_offset_ms for c in later if c.is_measured]
        return clock.offset_ms + max([0, *slow])

    def _forget(self, minute: int) -> None:
        ours = self.windows.pop(minute).ours
        if ours > self.peak_weight:
            self.peak_weight, self.peak_minute = ours, minute


def dumped(state: LedgerState) -> bytes:
    """Return ``state`` as bytes (JSON)."""
    return orjson.dumps(
        {
            "version": VERSION,
            "limit": state.limit,
            "safety_share": state.safety_share,
            "windows": [
                [minute, w.granted, w.others, w.highest_seen]
                for minute, w in state.windows.items()
            ],
            "peak": [state.peak_weight, state.peak_minute],
            "blocked_until": state.blocked_until_ms,
            "banned_until": state.banned_until_ms,
            "local_blocks": [
                [boot, b.blocked_until_ms, b.banned_until_ms]
                for boot, b in state.local_blocks.items()
            ],
            "waiters": [
                [w.owner, w.lane, w.place, w.weight, w.seen_ms] for w in state.waiters
            ],
            "next_place": state.next_place,
            "days": [
                [number, d.count, d.is_alerted, d.quota, d.alert_at]
                for number, d in state.days.items()
            ],
            "clocks": [
                [c.boot, c.offset_ms, c.wall_offset_ms, c.is_measured]
                for c in state.clocks.values()
            ],
        }
    )


def loaded(blob: bytes) -> LedgerState:
    """Return the state that `dumped` wrote.

    Raises
    ------
    UnreadableState
        It did not, or a newer version did.
    """
    try:
        return _loaded(orjson.loads(blob))
    except (LookupError, TypeError, ValueError, AttributeError) as problem:
        if isinstance(problem, UnreadableState):
            raise
        raise UnreadableState("it is damaged") from None


def _loaded(raw: Any) -> LedgerState:
    if raw["version"] != VERSION:
        raise UnreadableState("another version of this program wrote it")
    limit, share = raw["limit"], raw["safety_share"]
    state = LedgerState(
        limit=None if limit is None else _whole(limit),
        safety_share=None if share is None else float(share),
        windows={
            _whole(minute): Window(
                [_whole(granted[lane.lanes_above]) for lane in Lane],
                _whole(others),
                _whole(highest_seen),
            )
            for minute, granted, others, highest_seen in raw["windows"]
        },
        peak_weight=_whole(raw["peak"][0]),
        peak_minute=_whole(raw["peak"][1]),
        blocked_until_ms=_whole(raw["blocked_until"]),
        banned_until_ms=_whole(raw["banned_until"]),
        local_blocks={
            str(boot): LocalBlock(_whole(blocked), _whole(banned))
            for boot, blocked, banned in raw["local_blocks"]
        },
        waiters=[
            Waiter(
                owner=str(owner),
                lane=Lane(lane),
                place=_whole(place),
                weight=_whole(weight),
                seen_ms=_whole(seen_ms),
            )
            for owner, lane, place, weight, seen_ms in raw["waiters"]
        ],
        next_place=_whole(raw["next_place"]),
        days={
            _whole(number): Day(
                count=_whole(count),
                is_alerted=bool(is_alerted),
                quota=_whole(quota),
                alert_at=_whole(alert_at),
            )
            for number, count, is_alerted, quota, alert_at in raw["days"]
        },
        clocks={
            str(boot): ClockReading(
                boot=str(boot),
                offset_ms=_whole(offset_ms),
                wall_offset_ms=_whole(wall_offset_ms),
                is_measured=bool(is_measured),
            )
            for boot, offset_ms, wall_offset_ms, is_measured in raw["clocks"]
        },
    )
    if not state.local_blocks.keys() <= state.clocks.keys():
        raise UnreadableState("it is damaged")
    return state


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"not a whole number: {value!r}")
    return value


def minute_of(at_ms: int) -> int:
    """Clock minute of an instant."""
    return at_ms // MINUTE_MS
