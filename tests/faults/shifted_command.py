"""``manage.py`` on a machine whose clock is wrong, or which has been asleep.

Run as ``python -m tests.faults.shifted_command wrong SECONDS screen_short_grid …``:
the wall clock is off by so much. With ``asleep`` instead of ``wrong`` the machine's
own count of seconds, which goes on while it sleeps, has moved with it.
"""

import sys
import time

import time_machine

import manage

_clock_gettime = time.clock_gettime


def sleep_through(seconds: float) -> None:
    """Have `time.CLOCK_BOOTTIME` be further by so much."""

    def clock_gettime(which: int) -> float:
        later_s = seconds if which == time.CLOCK_BOOTTIME else 0.0
        return _clock_gettime(which) + later_s

    time.clock_gettime = clock_gettime


if __name__ == "__main__":
    how, shift_s = sys.argv.pop(1), float(sys.argv.pop(1))
    if how == "asleep":
        sleep_through(shift_s)
    with time_machine.travel(time.time() + shift_s, tick=True):
        manage.main()
