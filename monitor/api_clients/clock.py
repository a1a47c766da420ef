"""The exchange's clock, measured from here, and the machine's own clock."""

import time  # noqa: TID251  the machine's clock is here
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from monitor.ratelimit.ledger import ClockReading

SHARP_ROUND_TRIP_MS = 500
"""After a longer round trip measuring again may be worth it."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def machine_s() -> float:
    """Return monotonic seconds that all processes of the machine share.

    Under Linux they count while the machine sleeps, too: a ban does.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def boot_id() -> str:
    """Return what names this start of the machine, empty when nothing does."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


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
        Unix seconds, as `time.time`.
    boot : str, optional
        Names the machine's start that ``monotonic_s`` counts from.
    guessed_offset_ms : int, optional
        Exchange time − local time until the first measurement; by default the wall
        clock is the guess.
    """

    def __init__(
        self,
        *,
        monotonic_s: Callable[[], float],
        wall_s: Callable[[], float],
        boot: str = "",
        guessed_offset_ms: int | None = None,
    ) -> None:
        self._monotonic_s = monotonic_s
        self._wall_s = wall_s
        self._boot = boot
        self._guess_ms = (
            self.wall_ms() - self.local_ms()
            if guessed_offset_ms is None
            else guessed_offset_ms
        )
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

    def local_s(self) -> float:
        """Return local monotonic time, s; its origin means nothing."""
        return self._monotonic_s()

    def local_ms(self) -> int:
        """Return local monotonic time, ms; its origin means nothing."""
        return int(self._monotonic_s() * 1000)

    def wall_ms(self) -> int:
        """Return the machine's wall clock, ms UTC."""
        return int(self._wall_s() * 1000)

    def now_ms(self) -> int:
        """Return the exchange's time, ms UTC; a guess until `is_synced`."""
        return self.local_ms() + self._offset_ms()

    @property
    def boot(self) -> str:
        """Names the machine's start that local time counts from."""
        return self._boot

    def assume(self, known: ClockReading) -> None:
        """Guess what another process knows, until `is_synced`.

        Of two guesses the earlier time counts: bans end later on it.
        """
        if known.is_measured:
            self._guess_ms = known.offset_ms
        else:
            self._guess_ms = min(self._guess_ms, known.offset_ms)

    def reading(self) -> ClockReading:
        """Return what is known of the exchange's clock, for other processes."""
        return ClockReading(
            boot=self._boot,
            offset_ms=self._offset_ms(),
            wall_offset_ms=self.now_ms() - self.wall_ms(),
            is_measured=self.is_synced(),
        )

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

    def _offset_ms(self) -> int:
        sample = self._sample
        return self._guess_ms if sample is None else sample.offset_ms
