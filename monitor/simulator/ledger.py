"""Request limits of the exchange: weights, pools, refusals and bans. Pure.

Windows are UTC clock windows of the exchange's clock. A request that would
exceed its window is refused with 429. Requests that were on their way
(`GRACE_MS` after the first refusal, at most `GRACE_COUNT`) get 429 as well;
whoever goes on then is banned: 418 for 2 minutes, twice as long each time, at
most 3 days. Bans hold for all paths.
"""

from dataclasses import dataclass
from enum import StrEnum

from monitor.domain.market import DAY_MS, MINUTE_MS

FIRST_BAN_MS = 2 * MINUTE_MS
LONGEST_BAN_MS = 3 * DAY_MS
GRACE_MS = 1000
GRACE_COUNT = 20


class Pool(StrEnum):
    """Counters of the exchange, each per IP address."""

    WEIGHT = "weight"
    FUNDING = "funding"
    FUTURES_DATA = "futures_data"
    SPOT = "spot"
    """Weight of the spot market, another server's."""


_WINDOWS: dict[Pool, tuple[int, int]] = {
    Pool.WEIGHT: (2400, MINUTE_MS),
    Pool.FUNDING: (500, 5 * MINUTE_MS),
    Pool.FUTURES_DATA: (1000, 5 * MINUTE_MS),
    Pool.SPOT: (6000, MINUTE_MS),
}
"""(limit, length in ms)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What the limits say about one request."""

    status: int
    """200, 429 or 418."""
    used_weight: int
    """Of the running minute, this request included when it was admitted."""
    retry_after_s: int = 0
    """Seconds until the refusal ends."""
    banned_until: int = 0
    """ms UTC; 0 without a ban."""
    limit: int = 0
    """The limit that was reached."""


class Ledger:
    """Counters of one IP address."""

    def __init__(self) -> None:
        self._windows = dict.fromkeys(Pool, -1)
        self._used = dict.fromkeys(Pool, 0)
        self._refused_since: dict[Pool, int] = {}
        self._refusals = dict.fromkeys(Pool, 0)
        self._banned_until = 0
        self._bans = 0
        self._others_per_second = 0
        self._others_until_ms = 0

    def charge(self, now_ms: int, pool: Pool, amount: int) -> Charge:
        """Admit or refuse one request; admitted ones count.

        Parameters
        ----------
        now_ms : int
            The exchange's clock, ms UTC.
        amount : int
            Weight, or 1 call for the pools without weights.
        """
        self._turn(now_ms)
        if now_ms < self._banned_until:
            return self._banned(now_ms)
        limit, length = _WINDOWS[pool]
        told = Pool.SPOT if pool is Pool.SPOT else Pool.WEIGHT
        if self._used[pool] + amount <= limit:
            self._used[pool] += amount
            return Charge(status=200, used_weight=self._used[told])
        since = self._refused_since.setdefault(pool, now_ms)
        self._refusals[pool] += 1
        if now_ms - since > GRACE_MS or self._refusals[pool] > GRACE_COUNT:
            lasts = min(FIRST_BAN_MS * 2**self._bans, LONGEST_BAN_MS)
            self._banned_until = now_ms + lasts
            self._bans += 1
            return self._banned(now_ms)
        end = (now_ms // length + 1) * length
        return Charge(
            status=429,
            used_weight=self._used[told],
            retry_after_s=_seconds(end - now_ms),
            limit=limit,
        )

    def add_others(self, now_ms: int, used_weight: int) -> None:
        """Count ``used_weight`` in the running minute as used by other programs."""
        self._turn(now_ms)
        self._used[Pool.WEIGHT] += used_weight

    def set_others(self, now_ms: int, weight_per_second: int) -> None:
        """Have other programs use weight from now on, as far as the limit lets them.

        Parameters
        ----------
        weight_per_second : int
            At least 0, which ends it.
        """
        self._turn(now_ms)
        self._others_per_second = weight_per_second
        self._others_until_ms = now_ms

    def ban(self, until_ms: int) -> None:
        """Refuse everything until ``until_ms``; never shortens an earlier ban."""
        self._banned_until = max(self._banned_until, until_ms)

    def _banned(self, now_ms: int) -> Charge:
        return Charge(
            status=418,
            used_weight=self._used[Pool.WEIGHT],
            retry_after_s=_seconds(self._banned_until - now_ms),
            banned_until=self._banned_until,
        )

    def _turn(self, now_ms: int) -> None:
        for pool, (_, length) in _WINDOWS.items():
            window = now_ms // length
            if window != self._windows[pool]:
                self._windows[pool] = window
                self._used[pool] = 0
                self._refusals[pool] = 0
                self._refused_since.pop(pool, None)
        self._let_others_use(now_ms)

    def _let_others_use(self, now_ms: int) -> None:
        limit, length = _WINDOWS[Pool.WEIGHT]
        since_ms = max(self._others_until_ms, now_ms // length * length)
        # whole units only: the rest of a unit is counted the next time
        units = (now_ms - since_ms) * self._others_per_second // 1000
        if units > 0:
            used = self._used[Pool.WEIGHT]
            self._used[Pool.WEIGHT] = max(used, min(used + units, limit))
            since_ms += -(-units * 1000 // self._others_per_second)
        self._others_until_ms = since_ms


def _seconds(duration_ms: int) -> int:
    return -(-duration_ms // 1000)
