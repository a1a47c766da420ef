"""The exchange's clock: begins at a fixed instant and runs with real time."""

import time


class ExchangeClock:
    """Milliseconds UTC of the simulated exchange.

    Parameters
    ----------
    starts_at_ms : int
        What the clock shows when it is built.
    """

    def __init__(self, starts_at_ms: int) -> None:
        self._starts_at_ms = starts_at_ms
        self._started = time.monotonic_ns()

    def now_ms(self) -> int:
        """Return the time, ms UTC."""
        return self._starts_at_ms + (time.monotonic_ns() - self._started) // 1_000_000
