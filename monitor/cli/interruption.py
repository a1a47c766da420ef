"""Ctrl-C and SIGTERM: a message at once, the end within two seconds.

The work runs in a thread of its own while the main thread only waits: a signal is
then handled at once, whatever the work is blocked in, and no exception is thrown
into the middle of it.
"""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread
from types import FrameType
from typing import NoReturn

GRACE_S = 1.0
"""What work gets to put its things away after it was cancelled."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR = "\x1b[?25h"


class Interrupted(BaseException):
    """The command was asked to end; the message is already printed."""

    def __init__(self, signal_number: int) -> None:
        self.signal_number = signal_number
        super().__init__(signal_number)


class Cancellation:
    """Calls that stop the work, added while it runs. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls: list[Callable[[], object]] = []
        self._displays: list[Callable[[], object]] = []
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def add(self, call: Callable[[], object]) -> None:
        """Have ``call`` called by `cancel`, or at once when that is over."""
        with self._lock:
            self._calls.append(call)
            late = self._cancelled
        if late:
            call()

    def add_display(self, end: Callable[[], object]) -> None:
        """Have ``end`` called by `end_displays`: it leaves the terminal clean."""
        self._displays.append(end)

    def end_displays(self) -> bool:
        """End what is drawn on the terminal, which would wipe out a message.

        Idempotent, and without a lock, for signal handlers.

        Returns
        -------
        bool
            Whether there was anything.
        """
        displays, self._displays = self._displays, []
        for end in displays:
            with suppress(OSError, ValueError):
                end()
        return bool(displays)

    def mark(self) -> None:
        """Set `cancelled` before anything else; without a lock, for handlers."""
        self._cancelled = True

    def cancel(self) -> None:
        """Make all calls; idempotent."""
        with self._lock:
            calls, self._calls = self._calls, []
            self._cancelled = True
        for call in calls:
            call()


def run_interruptible(
    work: Callable[[], object],
    cancellation: Cancellation,
    *,
    stopping: Callable[[], str],
) -> None:
    """Run ``work`` and return when it is done; must be called in the main thread.

    Parameters
    ----------
    work : callable
    cancellation : Cancellation
    stopping : callable
        What a signal is answered with, beside its name.

    Raises
    ------
    Interrupted
        On SIGINT or SIGTERM, after at most `GRACE_S`. The work may still be running
        then: leave with `leave_now`. A second signal ends the process there and then.
    BaseException
        Whatever ``work`` raised.
    """
    done = Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 -- handed over, raised below
            failures.append(error)
        finally:
            done.set()

    def interrupt(number: int, _: FrameType | None) -> None:
        cancellation.mark()
        for each in _SIGNALS:  # first: whoever reads the message may repeat the signal
            signal.signal(each, _end_process)
        name = "interrupted" if number == signal.SIGINT else "terminated"
        clean = cancellation.end_displays()
        _say(f"{name}: {stopping()}", clean=clean)
        raise Interrupted(number)

    former = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    Thread(target=run, name="command", daemon=True).start()
    try:
        done.wait()
    except Interrupted:
        # in a thread too: a call that blocks must not use up more than the grace
        Thread(target=cancellation.cancel, name="cancel", daemon=True).start()
        done.wait(GRACE_S)
        raise
    for number, handler in former.items():
        signal.signal(number, handler)
    if failures:
        raise failures[0]


def leave_now(code: int) -> NoReturn:
    """Flush what was printed and end the process without joining its threads."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _end_process(number: int, _: FrameType | None) -> None:
    os._exit(128 + number)


def _say(text: str, *, clean: bool) -> None:
    # written past Python's buffers, which the interrupted code may hold locked
    with suppress(OSError, ValueError):
        descriptor = sys.stderr.fileno()
        if os.isatty(descriptor):
            # on a line of its own, below the terminal's ^C
            text = ("" if clean else "\n") + _SHOW_CURSOR + text
        os.write(descriptor, f"{text}\n".encode())
