"""Counts what was sent and waited for in one caller's name. Pure."""

from monitor.domain.requests import RequestStatistics


class RequestTally:
    """Requests, weight, retries and waits of one caller. Not thread-safe.

    Parameters
    ----------
    parent : RequestTally, optional
        Everything is counted there too.
    """

    def __init__(self, parent: "RequestTally | None" = None) -> None:
        self._parent = parent
        self._count = self._weight = self._retries = 0
        self._waits: dict[object, float] = {}
        """Who waits, and until when at least."""
        self._waiting_since_s = 0.0
        self._waited_s = 0.0

    def charge(self, weight: int) -> None:
        """Count one request that was sent."""
        self._count += 1
        self._weight += weight
        if self._parent is not None:
            self._parent.charge(weight)

    def retry(self) -> None:
        """Count one request that is sent again."""
        self._retries += 1
        if self._parent is not None:
            self._parent.retry()

    def wait(self, who: object, *, now_s: float, at_least_s: float) -> None:
        """Note that ``who`` waits for budget, and how much longer at least."""
        if not self._waits:
            self._waiting_since_s = now_s
        self._waits[who] = now_s + at_least_s
        if self._parent is not None:
            self._parent.wait(who, now_s=now_s, at_least_s=at_least_s)

    def resume(self, who: object, *, now_s: float) -> None:
        """Note that ``who`` does not wait, or no longer."""
        if self._waits.pop(who, None) is not None and not self._waits:
            self._waited_s += now_s - self._waiting_since_s
        if self._parent is not None:
            self._parent.resume(who, now_s=now_s)

    def wait_left_s(self, now_s: float) -> float | None:
        """Seconds the longest wait lasts at least, None when nobody waits."""
        if not self._waits:
            return None
        return max(0.0, max(self._waits.values()) - now_s)

    def statistics(self, now_s: float, *, peak_weight: int) -> RequestStatistics:
        """Return the counts so far, a wait under way included."""
        running_s = now_s - self._waiting_since_s if self._waits else 0.0
        return RequestStatistics(
            count=self._count,
            weight=self._weight,
            peak_weight_per_minute=peak_weight,
            retries=self._retries,
            budget_wait_s=self._waited_s + running_s,
        )
