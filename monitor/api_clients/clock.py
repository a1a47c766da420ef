"""The exchange's clock, measured from here; the local clocks are passed in."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

SHARP_ROUND_TRIP_MS = 500
"""After a longer round trip measuring again may be worth it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSample:
    """One measurement of the exchange's clock against ours."""

    offset_ms: int
    """Exchange time − local monotonic time."""
    round_trip_ms: int
    """The offset is uncertain by half of it."""


class ExchangeClock:
    """Time of the exchange: local monotonic time + measured offset.

    Jumps of the local wall clock do not move it. Thread-safe.

    Parameters
    ----------
    monotonic_s : callable
        Monotonic seconds, as `time.monotonic`.
    wall_s : callable
        Unix seconds, as `time.time`; used once, as a guess until the first
        measurement.
    """

    def __init__(
        self, *, monotonic_s: Callable[[], float], wall_s: Callable[[], float]
    ) -> None:
        self._monotonic_s = monotonic_s
        self._guess_ms = int(wall_s() * 1000) - self.local_ms()
        self._sample: ClockSample | None = None
        self._lock = Lock()

    def is_synced(self) -> bool:
        """Return whether the exchange's clock has been measured."""
        return self._sample is not None

    @property
    def sample(self) -> ClockSample | None:
        """The measurement in use, None before the first."""
        return self._sample

    def is_sharp(self) -> bool:
        """Return whether the measurement in use is good enough for budgets."""
        sample = self._sample
        return sample is not None and sample.round_trip_ms <= SHARP_ROUND_TRIP_MS

    def local_ms(self) -> int:
        """Return local monotonic time, ms; its origin means nothing."""
        return int(self._monotonic_s() * 1000)

    def now_ms(self) -> int:
        """Return the exchange's time, ms UTC; a guess until `is_synced`."""
        sample = self._sample
        offset_ms = self._guess_ms if sample is None else sample.offset_ms
        return self.local_ms() + offset_ms

    def adopt(
        self, server_time_ms: int, *, sent_at_ms: int, received_at_ms: int
    ) -> None:
        """Take in one measurement.

        A sharper earlier measurement is kept as long as the new one agrees with it,
        each within half its round trip; otherwise the new one replaces it.

        Parameters
        ----------
        server_time_ms : int
            What the exchange answered, ms UTC.
        sent_at_ms, received_at_ms : int
            `local_ms` before and after the request.
        """
        fresh = ClockSample(
            offset_ms=server_time_ms - (sent_at_ms + received_at_ms) // 2,
            round_trip_ms=received_at_ms - sent_at_ms,
        )
        with self._lock:
            kept = self._sample
            if (
                kept is not None
                and kept.round_trip_ms <= fresh.round_trip_ms
                and abs(kept.offset_ms - fresh.offset_ms) * 2
                <= kept.round_trip_ms + fresh.round_trip_ms
            ):
                return
            self._sample = fresh
