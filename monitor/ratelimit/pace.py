"""When the next request may start: bucket, window, delay and back-off. Pure."""

from collections import deque

from monitor.conf import PaceConfig

MINUTE_S = 60.0


class Pace:
    """A token bucket and a sliding window together. Not thread-safe.

    The bucket holds as many tokens as there are workers and fills evenly; the
    window admits ``requests_per_minute`` in any 60 s; between two starts lies
    ``min_delay_seconds``. After a 429 nothing starts for a pause that doubles with
    each further one up to a cap, and halves with each answer that was none.

    Parameters
    ----------
    config : PaceConfig
    now_s : float
        Monotonic seconds.
    """

    def __init__(self, config: PaceConfig, now_s: float) -> None:
        self._config = config
        self._rate = config.requests_per_minute / MINUTE_S
        self._size = float(min(config.max_workers, config.requests_per_minute))
        self._tokens = self._size
        self._filled_s = now_s
        self._starts: deque[float] = deque()
        self._paused_until_s = now_s
        self._pause_s = 0.0

    @property
    def pause_s(self) -> float:
        """What the latest 429 cost, less what was recovered; 0 when all is well."""
        return self._pause_s

    def wait_s(self, now_s: float, *, slowdown: float = 1.0) -> float:
        """Return how long the next start has to wait, 0 when it may be now.

        ``slowdown`` multiplies the delay between two starts.
        """
        self._fill(now_s)
        waits = [0.0, self._paused_until_s - now_s]
        if self._tokens < 1:
            waits.append((1 - self._tokens) / self._rate)
        if len(self._starts) >= self._config.requests_per_minute:
            waits.append(self._starts[0] + MINUTE_S - now_s)
        if self._starts:
            delay_s = self._config.min_delay_seconds * slowdown
            waits.append(self._starts[-1] + delay_s - now_s)
        return max(waits)

    def start(self, now_s: float) -> None:
        """Count one request that starts now; `wait_s` must be 0."""
        self._fill(now_s)
        self._tokens -= 1
        self._starts.append(now_s)
        if len(self._starts) > self._config.requests_per_minute:
            self._starts.popleft()

    def refuse(self, now_s: float) -> None:
        """Take in a 429."""
        doubled_s = max(self._pause_s * 2, self._config.backoff_initial_s)
        self._pause_s = min(doubled_s, self._config.backoff_max_s)
        self._paused_until_s = max(self._paused_until_s, now_s + self._pause_s)

    def recover(self) -> None:
        """Take in an answer that is no 429."""
        half_s = self._pause_s / 2
        self._pause_s = half_s if half_s >= self._config.backoff_initial_s else 0.0

    def _fill(self, now_s: float) -> None:
        gained = max(0.0, now_s - self._filled_s) * self._rate
        self._tokens = min(self._size, self._tokens + gained)
        self._filled_s = now_s
