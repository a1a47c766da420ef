"""``download_history`` as users run it: processes, sockets, signals."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import orjson
import pytest
import requests

from monitor.domain.market import KlineInterval
from monitor.market_data.archive_names import zip_key
from monitor.market_data.history import opened_history
from monitor.market_data.history_rows import days_between
from monitor.market_data.history_store import HistoryStore
from monitor.simulator.server import EmbeddedExchange
from tests.end_to_end.conftest import Command, control
from tests.monitor.loopback import Loopback, Reply
from tests.monitor.market_data.archive_server import (
    HOUR,
    ArchiveFiles,
    asked_files,
    bars_of,
    served,
    times_of,
)
from tests.monitor.market_data.history_files import a_bar, write_bars
from tests.recorded import ROOT

BTC = bars_of("BTCUSDT")
H1 = KlineInterval.H1
DAY = 24 * HOUR
LABELS = tuple(f"2024-{month:02}" for month in range(1, 13))
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def files() -> ArchiveFiles:
    return ArchiveFiles()


@pytest.fixture
def archive(files: ArchiveFiles) -> Iterator[Loopback]:
    with served(files) as server:
        yield server


def begun(tmp_path: Path, archive: Loopback, *arguments: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "SCREENER_DATA_DIR": str(tmp_path / "data"),
        "BINANCE_ARCHIVE_URL": archive.base_url,
        "BINANCE_FAPI_URL": NOWHERE,
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", "download_history", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def bars_kept(folder: Path) -> int:
    return int(np.isfinite(opened_history(folder).panel(H1).close).sum())


def exchange_now(exchange: EmbeddedExchange) -> int:
    reply = requests.get(f"{exchange.base_url}/fapi/v1/time", timeout=10)
    return int(reply.json()["serverTime"])


def test_the_exchange_gives_what_the_archive_lacks(
    files: ArchiveFiles,
    archive: Loopback,
    exchange: EmbeddedExchange,
    command: Command,
    tmp_path: Path,
) -> None:
    now_ms = exchange_now(exchange)
    days = list(days_between(now_ms - 5 * DAY, now_ms - 2 * DAY))
    lost = [times_of(days[1], HOUR)[hour] for hour in (7, 8)]
    files.put_bars(BTC, *days, without=lost)
    gone = bars_of("GONEUSDT")
    files.put_bars(gone, days[0])
    folder = tmp_path / "data" / "history"

    arguments = ("BTCUSDT", "GONEUSDT", "--start", days[0])
    done = command(
        "download_history",
        *arguments,
        url=exchange.base_url,
        BINANCE_ARCHIVE_URL=archive.base_url,
    )
    assert (done.returncode, done.stderr) == (0, "")
    panel = opened_history(folder).panel(H1, symbols=["BTCUSDT"])
    assert np.isfinite(panel.close).all()
    assert now_ms - panel.open_time[-1] < 2 * HOUR + 10 * 60_000
    assert bars_kept(folder) == panel.bar_count + 24
    funding = opened_history(folder).funding()["BTCUSDT"]
    assert funding.time.size >= 5 * 3 - 1
    ends = [seen for seen in control(exchange, "requests") if "klines" in seen["path"]]
    assert {seen["symbol"] for seen in ends} == {"BTCUSDT"}
    ref = requests.get(
        f"{exchange.base_url}/fapi/v1/klines",
        params=f"symbol=BTCUSDT&interval=1h&limit=1&startTime={lost[0]}",
        timeout=10,
    ).json()[0]
    at = int(np.flatnonzero(panel.open_time == lost[0])[0])
    assert panel.close[0, at] == float(ref[4])
    assert panel.taker_buy_volume[0, at] == float(ref[9])
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    assert manifest["klines"]["1h"]["BTCUSDT"]["gaps"] == []
    assert manifest["klines"]["1h"]["GONEUSDT"]["last"] == times_of(days[0], HOUR)[-1]


def test_a_ban_ends_with_75_and_what_the_archive_gave(
    files: ArchiveFiles,
    archive: Loopback,
    exchange: EmbeddedExchange,
    command: Command,
    tmp_path: Path,
) -> None:
    files.put_bars(BTC, "2024-01")
    ban = {"path": "/fapi/v1/exchangeInfo", "times": 1, "status": 418}
    control(exchange, "faults", [{**ban, "headers": {"Retry-After": "120"}}])
    done = command(
        *("download_history", "BTCUSDT", "--start", "2024-01", "--end", "2024-02"),
        url=exchange.base_url,
        BINANCE_ARCHIVE_URL=archive.base_url,
    )
    assert done.returncode == 75
    assert "banned this IP address" in done.stderr
    assert done.stderr.count("\n") == 1
    folder = tmp_path / "data" / "history"
    assert bars_kept(folder) == 31 * 24
    assert (folder / "manifest.json").exists()


def test_a_killed_download_goes_on_where_it_ended(
    files: ArchiveFiles, archive: Loopback, command: Command, tmp_path: Path
) -> None:
    files.put_bars(BTC, *LABELS)
    folder = tmp_path / "store"
    reached = Event()
    key = zip_key(BTC, LABELS[8])
    files.fault(key, Reply(body=files.files[key], drip_body_s=60.0))
    files.on_request = lambda path: reached.set() if path == key else None
    arguments = [
        *("BTCUSDT", "--start", "2024-01", "--end", "2024-12"),
        *("--kind", "klines", "--archive-only", "--folder", str(folder)),
    ]

    process = begun(tmp_path, archive, *arguments)
    assert reached.wait(60)
    store = HistoryStore(folder)
    deadline = time.monotonic() + 60
    while len(store.months(BTC)) < 6 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=60)
    kept = store.months(BTC)
    assert 6 <= len(kept) < 12
    assert all(store.read(BTC, month) is not None for month in kept)

    archive.log.clear()
    done = command("download_history", *arguments, BINANCE_ARCHIVE_URL=archive.base_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert bars_kept(folder) == 366 * 24
    fetched = {name.removesuffix(".zip")[-7:] for name in asked_files(archive)}
    assert fetched == set(LABELS) - set(kept)
    assert list(folder.rglob("*.part")) == []


def test_a_second_download_is_told_of_the_first_and_ctrl_c_ends_it(
    files: ArchiveFiles, archive: Loopback, command: Command, tmp_path: Path
) -> None:
    files.put_bars(BTC, "2024-01")
    reached = Event()
    key = zip_key(BTC, "2024-01")
    files.fault(key, Reply(body=files.files[key], drip_body_s=60.0))
    files.on_request = lambda path: reached.set() if path == key else None
    arguments = ("BTCUSDT", "--start", "2024-01", "--end", "2024-01", "--archive-only")

    first = begun(tmp_path, archive, *arguments)
    assert reached.wait(60)
    second = command(
        "download_history", *arguments, BINANCE_ARCHIVE_URL=archive.base_url
    )
    assert second.returncode == 75
    assert f"another download writes to {tmp_path}" in second.stderr
    assert f"(pid {first.pid}, since " in second.stderr

    first.send_signal(signal.SIGINT)
    out, err = first.communicate(timeout=60)
    assert first.returncode == 130
    assert out == ""
    told = "stopping, nothing further is sent; what is stored stays, run again"
    assert err == f"interrupted: {told}\n"
    third = command(
        "download_history", *arguments, BINANCE_ARCHIVE_URL=archive.base_url
    )
    assert third.returncode == 0
    assert bars_kept(tmp_path / "data" / "history") == 31 * 24


def test_without_a_list_all_takes_what_trades_now_and_says_so(
    files: ArchiveFiles,
    archive: Loopback,
    exchange: EmbeddedExchange,
    command: Command,
) -> None:
    files.lists = False
    files.put_bars(BTC, "2024-01")
    done = command(
        *("download_history", "--all", "--start", "2024-01", "--end", "2024-01"),
        *("--kind", "klines"),
        url=exchange.base_url,
        BINANCE_ARCHIVE_URL=archive.base_url,
    )
    assert done.returncode == 3  # of the others there is nothing
    assert "delisted ones are missing" in done.stdout
    paths = [path for path in archive.paths() if path.endswith(".CHECKSUM")]
    asked = {path.split("/")[6] for path in paths}
    assert {"BTCUSDT", "ETHUSDT"} <= asked
    assert not any("_" in symbol for symbol in asked)  # with a delivery date
    assert "download_history: nothing of " in done.stderr


def test_failures_end_with_3_and_one_line(
    files: ArchiveFiles, archive: Loopback, command: Command
) -> None:
    files.put_bars(BTC, "2024-01")
    files.put_raw(zip_key(BTC, "2024-02"), b"junk")
    done = command(
        *("download_history", "BTCUSDT", "--start", "2024-01", "--end", "2024-02"),
        *("--archive-only", "--kind", "klines"),
        BINANCE_ARCHIVE_URL=archive.base_url,
    )
    assert done.returncode == 3
    assert done.stderr == ("download_history: 1 months failed, run again for them\n")
    assert "failed: BTCUSDT klines 1h 2024-02: BTCUSDT-1h-2024-02.zip: not a who" in (
        done.stdout
    )


def test_an_archive_that_is_not_there_ends_with_69(command: Command) -> None:
    done = command(
        *("download_history", "BTCUSDT", "--start", "2024-01", "--end", "2024-01"),
        BINANCE_ARCHIVE_URL=NOWHERE,
    )
    assert done.returncode == 69
    assert done.stderr.startswith("download_history: archive unavailable: ")
    assert "Connection refused" in done.stderr
    assert done.stderr.count("\n") == 1


def test_recorded_files_are_imported(command: Command, tmp_path: Path) -> None:
    recorded = tmp_path / "recorded"
    write_bars(recorded / "klines_1h_x.parquet", [a_bar("AAAUSDT", h) for h in (0, 1)])
    store = tmp_path / "store"
    arguments = ("--import", str(recorded), "--folder", str(store))
    done = command("download_history", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"history {store}\nimported: 2 new rows of 1 series\n"
    assert bars_kept(store) == 2
    quiet = command("download_history", *arguments, "--quiet")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def test_a_place_that_cannot_be_written_ends_with_74(
    files: ArchiveFiles, archive: Loopback, command: Command, tmp_path: Path
) -> None:
    files.put_bars(BTC, "2024-01")
    (tmp_path / "file").write_bytes(b"")
    done = command(
        *("download_history", "BTCUSDT", "--start", "2024-01", "--archive-only"),
        *("--folder", str(tmp_path / "file" / "store")),
        BINANCE_ARCHIVE_URL=archive.base_url,
    )
    assert done.returncode == 74
    assert done.stderr == (
        f"download_history: cannot write {tmp_path}/file/store: Not a directory\n"
    )
    assert asked_files(archive) == []


START = ("--start", "2024-01")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name contracts, or say --all, or --import FOLDER"),
        (
            ("BTCUSDT", "--all", *START),
            "contracts (BTCUSDT) and --all exclude each other: give one",
        ),
        (("A", "--import", "x"), "contracts (A) and --import exclude each other"),
        (("--all", "--import", "x"), "--all and --import exclude each other"),
        (("BTCUSDT",), "--start is missing: a day or month like 2025-01"),
        (
            ("btcusdt", *START),
            "a contract is spelled like BTCUSDT, upper case, was 'bt",
        ),
        (("../x", *START), "a contract is spelled like BTCUSDT, upper case"),
        (("A", "--start", "2024-13"), "--start must be a day or month like"),
        (("A", "--start", "24-1"), "--start must be a day or month like"),
        (("A", *START, "--end", "x"), "--end must be a day or month like"),
        (("A", *START, "--end", "2023-12"), "--start must lie before --end 2023-12"),
        (("A", "--start", "2999-01"), "--start must lie before now, was 2999-01"),
        (("A", *START, "--interval", "1M"), "--interval must be among 1m, 3m"),
        (("A", *START, "--interval", "1h,2x"), "--interval must be among 1m, 3m"),
        (("A", *START, "--kind", "trades"), "--kind must be among klines, funding, "),
        (("--all", *START, "--quote", "u s"), "--quote must be an asset, was 'u s'"),
        (("--import", "x", *START), "--import takes everything: leave out --start"),
        (("--import", "/nowhere/x"), "history /nowhere/x: no such folder; name a sto"),
        (("A", *START, "--intervall", "1h"), "unrecognized arguments"),
    ],
)
def test_wrong_usage_is_one_line(
    tmp_path: Path, capsys: Any, settings: Any, arguments: tuple[str, ...], message: str
) -> None:
    from monitor.management.commands.download_history import Command as TheCommand

    settings.SCREENER = {"data_dir": tmp_path, "archive_url": NOWHERE}
    with pytest.raises(SystemExit) as leaving:
        TheCommand().run_from_argv(["manage.py", "download_history", *arguments])
    assert leaving.value.code == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("key", ["archive_url", "archive_workers"])
def test_a_wrong_setting_is_a_mistake_of_use(
    tmp_path: Path, capsys: Any, settings: Any, key: str
) -> None:
    from monitor.management.commands.download_history import Command as TheCommand

    settings.SCREENER = {"data_dir": tmp_path, key: "nonsense"}
    with pytest.raises(SystemExit) as leaving:
        TheCommand().run_from_argv(["manage.py", "download_history", "A", *START])
    assert leaving.value.code == 2
    assert f"{key} must be " in capsys.readouterr().err


def test_standard_output_that_is_full_ends_with_74(tmp_path: Path) -> None:
    recorded = tmp_path / "recorded"
    write_bars(recorded / "klines_1h_x.parquet", [a_bar("BTCUSDT", 0)])
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "manage.py", "download_history", "--import", recorded],
            cwd=ROOT,
            env={**os.environ, "SCREENER_DATA_DIR": str(tmp_path / "data")},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 74
    assert done.stderr.splitlines()[-1] == (
        "download_history: cannot write standard output: No space left on device"
    )
