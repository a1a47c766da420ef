"""``manage.py`` with the scan replaced by what the first argument names.

Run as ``python -m tests.grid_screening.command_driver BEHAVIOUR screen_short_grid …``.
"""

import os
import sys
import threading
from types import SimpleNamespace
from typing import Any

from grid_screening.screening_report import ScreeningReport
from monitor.domain.progress import Progress, ProgressHook
from tests.grid_screening.reports.samples import ranked, report

CANCELLED = threading.Event()


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def printed(*_: Any, **__: Any) -> ScreeningReport:
    return report()


def long(*_: Any, **__: Any) -> ScreeningReport:
    rows = tuple(ranked(f"S{number}USDT", rank=number) for number in range(1, 3000))
    return report(ranked=rows)


def buggy(*_: Any, **__: Any) -> ScreeningReport:
    raise KeyError("left\nright")


def obedient(*_: Any, **__: Any) -> ScreeningReport:
    """Wait for an answer that comes only when the client is cancelled."""
    say("scanning")
    CANCELLED.wait()
    return report()


def drawing(*_: Any, on_progress: ProgressHook, **__: Any) -> ScreeningReport:
    """Draw bars for as long as the client is not cancelled."""
    on_progress(Progress(stage="market", done=1, total=1))
    on_progress(Progress(stage="symbols", done=1, total=9, detail="waiting 23 s"))
    CANCELLED.wait()
    on_progress(Progress(stage="plans", done=0, total=9))
    return report()


def stubborn(*_: Any, **__: Any) -> ScreeningReport:
    """Hang with 20 threads that nothing can cancel."""
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(20)
    waiting = [pool.submit(threading.Event().wait) for _ in range(20)]
    say("scanning")
    waiting[0].result()
    return report()


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    from django.core.management import execute_from_command_line

    from grid_screening.services import scan_service
    from monitor.api_clients.binance import BinanceFuturesClient

    cancel = BinanceFuturesClient.cancel

    def heard(client: BinanceFuturesClient) -> None:
        cancel(client)
        CANCELLED.set()

    BinanceFuturesClient.cancel = heard  # type: ignore[method-assign]
    behaviours = (printed, long, buggy, obedient, drawing, stubborn)
    chosen = next(b for b in behaviours if b.__name__ == sys.argv[1])
    scan_service.scan = lambda *args, **kwargs: SimpleNamespace(  # type: ignore[assignment]
        report=chosen(*args, **kwargs), held=frozenset(), broke_off=False
    )
    execute_from_command_line(["manage.py", *sys.argv[2:]])


if __name__ == "__main__":
    main()
