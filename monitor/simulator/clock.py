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

    def advance(self, duration_ms: int) -> None:
        """Move the clock forward by ``duration_ms`` (≥ 0); it never goes back."""
        if duration_ms < 0:
            raise ValueError(f"duration_ms must be ≥ 0, was {duration_ms}")
        self._starts_at_ms += duration_ms
