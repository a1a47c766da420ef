"""``manage.py`` with less room or fewer rights than its user has.

Run as ``python -m tests.faults.confined_command BYTES screen_short_grid …``: no file
may grow beyond BYTES (``-``: as large as it likes), which stands in for a full disk;
and permissions hold for root, too.
"""

import ctypes
import os
import resource
import signal
import sys

PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE = 1


def obey_permissions() -> None:
    """Give up root's right to write where it is forbidden."""
    if os.geteuid() != 0:
        return
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    room, *arguments = sys.argv[1:]
    obey_permissions()
    if room != "-":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(room), int(room)))
    # what was given up is gone with the next program
    os.execv(sys.executable, [sys.executable, "manage.py", *arguments])  # noqa: S606
