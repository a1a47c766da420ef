"""Request weight per clock minute of the exchange, as a pure state machine."""

from monitor.domain.market import MINUTE_MS
from monitor.ratelimit.ledger import Block, ClockReading, Denial, Grant, Lane
from monitor.ratelimit.state import (
    KEPT_CLOCKS,
    LedgerState,
    LocalBlock,
    Waiter,
    Window,
    minute_of,
)

UNTRUSTED_START_MS = 250
"""A header is not believed when its request was sent this soon after the minute
began: the exchange may have counted it in the minute before."""
REFRESH_MS = 400
"""Who waits says so again after this long at most."""
WAITER_LIFE_MS = 1000
"""Who has not said so for longer is gone, or its clock is another."""
FORGOTTEN_AFTER_MS = MINUTE_MS
"""A waiter keeps its place this long, in case it was only slow."""
OFFSET_TOLERANCE_MS = 20
WALL_TOLERANCE_MS = 1000
"""Smaller changes of what is known of the exchange's clock are not worth a write."""


class WeightBudget:
    """Weight of the UTC clock minutes of the exchange. Not thread-safe.

    Of the published limit only ``safety_share`` is ever granted. A lane leaves
    the lanes above it a reserve, smaller the higher the lane, less what those
    lanes have already used in the minute or stand in line for. Of several
    processes in one lane the one that was denied first goes first: what it waits
    for is set aside.

    Parameters
    ----------
    weight_per_minute : int
        The exchange's limit for this IP address, until it has published one.
    safety_share : float
        Share of it that is granted, in (0, 1].
    reserved_weight : int
        What a scan leaves to the lanes above it, together; monitor and account
        leave two thirds and one third of it.
    state : LedgerState, optional
        Changed in place; by default one of a day without requests.
    """

    def __init__(
        self,
        *,
        weight_per_minute: int,
        safety_share: float,
        reserved_weight: int,
        state: LedgerState | None = None,
    ) -> None:
        _check_limit(weight_per_minute)
        if not 0 < safety_share <= 1:
            raise ValueError(f"safety_share must be in (0, 1], was {safety_share}")
        if reserved_weight < 0:
            raise ValueError(f"reserved_weight must be ≥ 0, was {reserved_weight}")
        self._assumed_limit = weight_per_minute
        self._safety_share = safety_share
        self._reserved_weight = reserved_weight
        self.state = LedgerState() if state is None else state

    @property
    def share(self) -> int:
        """Weight granted per minute at most, all lanes together."""
        return int((self.state.limit or self._assumed_limit) * self._safety_share)

    def set_limit(self, weight_per_minute: int) -> None:
        """Adopt the exchange's published limit, at least 1."""
        _check_limit(weight_per_minute)
        self.state.limit = weight_per_minute

    def reserve(
        self, weight: int, lane: Lane, now_ms: int, *, owner: str | None = None
    ) -> Grant | Denial:
        """Charge ``weight``, or say when to ask again.

        A request without weight is denied only while blocked. ``owner`` names the
        process; denied for lack of room it stands in line from then on.
        """
        denial = self.denial(weight, lane, now_ms, owner=owner)
        if owner is not None:
            self._refresh(owner, now_ms)
        minute = minute_of(now_ms)
        if denial is None:
            if weight > 0:
                self.state.window(minute).granted[lane.lanes_above] += weight
                self.state.safety_share = self._safety_share
                self.withdraw(lane, owner=owner)
            return Grant(weight=weight, lane=lane, minute=minute)
        is_full = denial.retry_at_ms is not None and self.block(now_ms) is None
        if owner is not None and is_full:
            self._stand_in_line(weight, lane, now_ms, owner)
        return denial

    def denial(
        self, weight: int, lane: Lane, now_ms: int, *, owner: str | None = None
    ) -> Denial | None:
        """Return what `reserve` would deny, None if it would grant."""
        if weight < 0:
            raise ValueError(f"weight must be ≥ 0, was {weight}")
        block = self.block(now_ms)
        if block is not None:
            return Denial(retry_at_ms=block.until_ms, is_banned=block.is_banned)
        if weight == 0:
            return None
        share, reserve = self.share, self._reserve(lane)
        if weight > share - reserve:
            return Denial(retry_at_ms=None, largest_weight=share - reserve)
        minute = minute_of(now_ms)
        window = self.state.windows.get(minute) or Window()
        above, before = self._claims(lane, now_ms, owner)
        used_above = sum(window.granted[: lane.lanes_above])
        held_back = max(0, reserve - used_above - above)
        if window.used + above + before + weight > share - held_back:
            return Denial(retry_at_ms=(minute + 1) * MINUTE_MS)
        return None

    def withdraw(self, lane: Lane, *, owner: str | None = None) -> None:
        """Take ``owner`` out of the line."""
        waiter = self._waiter(lane, owner)
        if waiter is not None:
            self.state.waiters.remove(waiter)

    def is_in_line(self, weight: int, lane: Lane, now_ms: int, *, owner: str) -> bool:
        """Whether ``owner`` stands in line for ``weight`` and has said so lately."""
        waiter = self._waiter(lane, owner)
        return (
            waiter is not None
            and waiter.weight == weight
            and abs(now_ms - waiter.seen_ms) < REFRESH_MS
        )

    def waiting(self, now_ms: int) -> list[Waiter]:
        """Who stands in line."""
        return [w for w in self.state.waiters if _is_alive(w, now_ms)]

    def release(self, grant: Grant) -> None:
        """Take back a charge whose request was certainly never sent."""
        window = self.state.windows.get(grant.minute)
        if window is not None:
            place = grant.lane.lanes_above
            window.granted[place] = max(0, window.granted[place] - grant.weight)

    def observe(
        self,
        used_weight: int,
        *,
        sent_ms: int,
        received_ms: int,
        clock_error_ms: int = 0,
    ) -> None:
        """Correct the minute upward from the exchange's own count.

        Ignored when it is uncertain which minute the count is of (`trusted_minute`).
        """
        minute = trusted_minute(
            sent_ms=sent_ms, received_ms=received_ms, clock_error_ms=clock_error_ms
        )
        if minute is not None:
            self.raise_used(minute, used_weight)

    def raise_used(self, minute: int, used_weight: int) -> None:
        """Correct a minute upward."""
        window = self.state.windows.get(minute) or self.state.window(minute)
        window.others = max(window.others, used_weight - window.ours)
        window.highest_seen = max(window.highest_seen, used_weight)

    def block_until(
        self, until_ms: int, *, is_banned: bool, clock: ClockReading | None = None
    ) -> None:
        """Grant nothing before ``until_ms``; never shortens an earlier block.

        An end that was read on a guessed clock is kept in the machine's own time,
        and dated anew when the exchange's clock is measured.
        """
        state = self.state
        if clock is None or clock.is_measured or not clock.boot:
            state.blocked_until_ms = max(state.blocked_until_ms, until_ms)
            if is_banned:
                state.banned_until_ms = max(state.banned_until_ms, until_ms)
            return
        if clock.boot not in state.clocks:
            self.remember(clock)
        local = state.local_blocks.setdefault(clock.boot, LocalBlock())
        until_local_ms = until_ms - clock.offset_ms
        local.blocked_until_ms = max(local.blocked_until_ms, until_local_ms)
        if is_banned:
            local.banned_until_ms = max(local.banned_until_ms, until_local_ms)

    def block(self, now_ms: int) -> Block | None:
        """Return the block in force; a ban as long as it lasts."""
        blocked, banned = self.state.block_ends()
        if now_ms < banned:
            return Block(until_ms=banned, is_banned=True)
        if now_ms < blocked:
            return Block(until_ms=blocked, is_banned=False)
        return None

    def remember(self, clock: ClockReading) -> None:
        """Keep what is known of the exchange's clock; a guess only for want of better.

        Of two guesses the earlier time is kept, as bans end later on it; but none
        replaces a guess that a block was read on.
        """
        clocks = self.state.clocks
        known = clocks.get(clock.boot)
        if known is not None and not self._is_better(clock, known):
            return
        while known is None and len(clocks) >= KEPT_CLOCKS:
            self.state.forget_clock(next(iter(clocks)))
        clocks.pop(clock.boot, None)
        clocks[clock.boot] = clock

    def remembered(self, boot: str) -> ClockReading | None:
        """Return what is known of the clock since this start of the machine."""
        return self.state.clocks.get(boot) if boot else None

    def used_weight(self, now_ms: int) -> int:
        """Return the weight used in the minute of ``now_ms``, others included."""
        window = self.state.windows.get(minute_of(now_ms))
        return 0 if window is None else window.used

    def peak_weight(self) -> int:
        """Return the largest weight granted in one minute."""
        return self.state.largest_minute()[0]

    def close(self) -> None:
        """Do nothing: there is only memory."""

    def _is_better(self, clock: ClockReading, known: ClockReading) -> bool:
        if clock.is_measured:
            return not (known.is_measured and _is_near(known, clock))
        return (
            not known.is_measured
            and clock.offset_ms < known.offset_ms - OFFSET_TOLERANCE_MS
            and clock.boot not in self.state.local_blocks
        )

    def _reserve(self, lane: Lane) -> int:
        lanes_below_first = len(Lane) - 1
        reserve = self._reserved_weight * lane.lanes_above // lanes_below_first
        return min(reserve, self.share // 2)  # a tiny limit must not starve the scan

    def _claims(self, lane: Lane, now_ms: int, owner: str | None) -> tuple[int, int]:
        # what others stand in line for: in lanes above, and in this lane before us
        if not self.state.waiters:
            return 0, 0
        own = self._waiter(lane, owner)
        above = before = 0
        for waiter in self.waiting(now_ms):
            if waiter.owner == owner:
                continue
            if waiter.lane.lanes_above < lane.lanes_above:
                above += waiter.weight
            elif waiter.lane is lane and (own is None or waiter.place < own.place):
                before += waiter.weight
        return above, before

    def _waiter(self, lane: Lane, owner: str | None) -> Waiter | None:
        for waiter in self.state.waiters:
            if waiter.owner == owner and waiter.lane is lane:
                return waiter
        return None

    def _stand_in_line(self, weight: int, lane: Lane, now_ms: int, owner: str) -> None:
        waiter = self._waiter(lane, owner)
        if waiter is not None:
            waiter.weight = weight
            return
        place, self.state.next_place = self.state.next_place, self.state.next_place + 1
        self.state.waiters.append(
            Waiter(owner=owner, lane=lane, place=place, weight=weight, seen_ms=now_ms)
        )

    def _refresh(self, owner: str, now_ms: int) -> None:
        waiters = self.state.waiters
        if not waiters:
            return
        for waiter in waiters:
            if waiter.owner == owner:
                waiter.seen_ms = now_ms
        waiters[:] = [
            w for w in waiters if abs(now_ms - w.seen_ms) <= FORGOTTEN_AFTER_MS
        ]


def trusted_minute(
    *, sent_ms: int, received_ms: int, clock_error_ms: int = 0
) -> int | None:
    """Minute that a used-weight header is of, None when that is uncertain.

    Uncertain are requests sent and received in different minutes, or sent as the
    minute began, within `UNTRUSTED_START_MS` or ``clock_error_ms``, whichever is
    longer.
    """
    minute = minute_of(received_ms)
    untrusted_ms = max(UNTRUSTED_START_MS, clock_error_ms)
    return None if sent_ms < minute * MINUTE_MS + untrusted_ms else minute


def _check_limit(weight_per_minute: int) -> None:
    if weight_per_minute < 1:
        raise ValueError(
            f"weight_per_minute must be at least 1, was {weight_per_minute}"
        )


def _is_alive(waiter: Waiter, now_ms: int) -> bool:
    # both ways: a clock far ahead must not hold a place for as long
    return abs(now_ms - waiter.seen_ms) <= WAITER_LIFE_MS


def _is_near(known: ClockReading, clock: ClockReading) -> bool:
    return (
        abs(known.offset_ms - clock.offset_ms) <= OFFSET_TOLERANCE_MS
        and abs(known.wall_offset_ms - clock.wall_offset_ms) <= WALL_TOLERANCE_MS
    )
