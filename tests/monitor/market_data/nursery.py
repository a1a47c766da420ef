"""Forks processes that share one store, and kills them. Run as a program.

Forking is quick and this process has one thread; the test's own may have more.
"""

import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from shutil import rmtree
from threading import Thread
from time import perf_counter

from monitor.domain.market import KlineInterval
from monitor.market_data.columns import are_equal
from monitor.market_data.conf import KlineStoreConfig
from monitor.market_data.kline_store import KlineStore
from monitor.market_data.series import KlineSeries
from tests.kline_builders import H4, START, bars

SYMBOLS = tuple(f"S{n}USDT" for n in range(8))
CONFIG = KlineStoreConfig(max_mb=4)
LENGTH = 300


def opened(folder: Path) -> KlineStore:
    return KlineStore(folder, exchange="http://x", config=CONFIG)


def version(store: KlineStore, symbol: str) -> int | None:
    """Return which version is kept, after comparing every bit of it."""
    found = store.series(symbol, KlineInterval.H4)
    if found is None:
        return None
    number = (found.first_open - START) // H4
    expected = bars(LENGTH, first=number, symbol=symbol)
    assert are_equal(found.klines, expected), f"{symbol}: bars of no version"
    return number


def forked(work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


def write_for_ever(folder: Path, pipe: int, steps: int | None) -> None:
    store = opened(folder)
    number = (version(store, SYMBOLS[0]) or 0) + 1
    if steps is not None:
        # die inside a statement rather than between them
        connection = store._file._connection
        assert connection is not None
        connection.set_progress_handler(
            lambda: os.kill(os.getpid(), signal.SIGKILL), steps
        )
    while True:
        for symbol in SYMBOLS:
            klines = bars(LENGTH, first=number, symbol=symbol)
            store.keep(KlineSeries(klines=klines))
        store.flush()
        os.write(pipe, number.to_bytes(8, "big"))
        number += 1


def killed_once(folder: Path, random: Random) -> int | None:
    """Return the last version that a writer reported before it was killed."""
    reading, writing = os.pipe()
    steps = random.randrange(1, 4000) if random.random() < 0.5 else None
    child = forked(lambda: write_for_ever(folder, writing, steps))
    os.close(writing)
    last = None
    for _ in range(random.randrange(4)):
        word = os.read(reading, 8)
        if not word:
            break
        last = int.from_bytes(word, "big")
    until = perf_counter() + random.random() * 0.01
    while perf_counter() < until:
        pass
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while word := os.read(reading, 8):
        last = int.from_bytes(word, "big")
    os.close(reading)
    return last


def kills(folder: Path, rounds: int, seed: int) -> None:
    random = Random(seed)
    committed = 0
    for turn in range(rounds):
        if random.random() < 0.2:
            rmtree(folder, ignore_errors=True)
            committed = 0
        committed = killed_once(folder, random) or committed
        with opened(folder) as store:
            found = {version(store, symbol) or 0 for symbol in SYMBOLS}
            counts = store.statistics()
        assert len(found) == 1, f"round {turn}: versions {found}"
        (kept,) = found
        assert kept - committed in (0, 1), f"round {turn}: {kept} after {committed}"
        committed = kept
        assert (counts.dropped, counts.started_anew, counts.switched_off) == (0, 0, 0)
    child = forked(lambda: _write_once(folder, committed + 1))
    assert os.waitpid(child, 0)[1] == 0
    with opened(folder) as store:
        assert version(store, SYMBOLS[0]) == committed + 1


def _write_once(folder: Path, number: int) -> None:
    with opened(folder) as store:
        for symbol in SYMBOLS:
            klines = bars(LENGTH, first=number, symbol=symbol)
            store.keep(KlineSeries(klines=klines))
        assert store.problem is None


def crowd(folder: Path, processes: int, seed: int) -> None:
    """Many processes with many threads, all on the same series."""
    children = [
        forked(lambda place=place: _threads(folder, seed + place))  # type: ignore[misc]
        for place in range(processes)
    ]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * processes


def _threads(folder: Path, seed: int) -> None:
    wrong: list[str] = []
    with opened(folder) as store:

        def work(number: int) -> None:
            random = Random(seed * 100 + number)
            for _ in range(30):
                symbol = random.choice(SYMBOLS)
                klines = bars(LENGTH, first=random.randrange(50), symbol=symbol)
                store.keep(KlineSeries(klines=klines))
                if random.random() < 0.3:
                    store.flush()
                store.count(hits=1)
                try:
                    version(store, random.choice(SYMBOLS))
                except AssertionError as error:
                    wrong.append(str(error))

        threads = [Thread(target=work, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    counts = store.statistics()
    assert wrong == []
    assert store.problem is None
    assert (counts.dropped, counts.started_anew, counts.switched_off) == (0, 0, 0)


def full_disk(folder: Path) -> None:
    """No file may grow beyond 100 kB: as when the disk is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    with opened(folder) as store:
        for symbol in SYMBOLS:
            klines = bars(LENGTH, symbol=symbol)
            store.keep(KlineSeries(klines=klines))
        store.flush()
        assert store.series(SYMBOLS[0], KlineInterval.H4) is None
        assert store.statistics().switched_off == 1
    sys.stdout.write(f"{store.problem}\n")


def main(what: str, folder: Path, number: int, seed: int) -> None:
    sys.stdout.write(f"seed {seed}\n")
    sys.stdout.flush()
    if what == "kills":
        kills(folder, number, seed)
    elif what == "crowd":
        crowd(folder, number, seed)
    else:
        full_disk(folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
