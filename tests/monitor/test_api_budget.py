"""The command that shows the request ledger."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from monitor.api_clients.clock import ExchangeClock, boot_id, machine_s
from monitor.cli.budget_reading import is_loopback
from monitor.cli.budget_table import duration
from monitor.conf import DailyBudgetConfig
from monitor.exceptions import local_time
from monitor.ratelimit.daily import DailyBudget
from monitor.ratelimit.ledger import Lane
from monitor.ratelimit.shared import SharedLedger
from monitor.ratelimit.sqlite_store import SqliteStore
from monitor.ratelimit.stores import LEDGER_FILE
from tests.recorded import ROOT

CANARY = "canary"
LIVE, SIMULATED = "fapi.binance.com:443", "127.0.0.1:8900"


def ledger(folder: Path, address: str = LIVE) -> SharedLedger:
    return SharedLedger(
        SqliteStore(folder / LEDGER_FILE),
        address,
        weight_per_minute=2400,
        safety_share=0.8,
        reserved_weight=200,
    )


def measured_clock() -> ExchangeClock:
    clock = ExchangeClock(monotonic_s=machine_s, wall_s=time.time, boot=boot_id())
    local_ms = clock.local_ms()
    # the exchange's minute is young, so that the test ends before it does
    minute_ms = clock.now_ms() // 60_000 * 60_000 + 5_000
    clock.adopt(minute_ms, sent_at_ms=local_ms, received_at_ms=local_ms)
    return clock


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.SCREENER = {"data_dir": tmp_path}
    return tmp_path


def show(*flags: str) -> str:
    out = StringIO()
    call_command("api_budget", *flags, stdout=out)
    return out.getvalue()


def refused(*flags: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as caught:
        show(*flags)
    return caught.value.returncode, str(caught.value)


def test_a_ledger_that_is_not_there_yet_is_no_error(folder: Path) -> None:
    assert "nothing is counted yet" in show()
    text = " ".join(show().split())
    assert "not made yet: nothing was sent with this data folder" in text
    assert json.loads(show("--format", "json")) == {
        "ledger": str(folder / LEDGER_FILE),
        "exists": False,
        "addresses": [],
    }
    assert list(folder.iterdir()) == []


def test_each_address_is_shown(folder: Path) -> None:
    clock, live = measured_clock(), ledger(folder)
    live.set_limit(2400)
    live.remember(clock.reading())
    live.reserve(812, Lane.SCAN, clock.now_ms())
    live.reserve(40, Lane.MONITOR, clock.now_ms())
    live.observe(972, sent_ms=clock.now_ms(), received_ms=clock.now_ms())
    ten = DailyBudgetConfig(requests_per_day=10)
    daily = DailyBudget(live, clock, config=ten, on_alert=lambda _: None)
    for _ in range(9):
        daily.take()
    # the clock above stands at the minute's fifth second: 58 or 59 minutes are left
    until_ms = clock.now_ms() + 3_570_000
    banned = ledger(folder, SIMULATED)
    banned.block_until(until_ms, is_banned=True, clock=clock.reading())
    text = show()
    assert text.index(SIMULATED) < text.index(LIVE), "sorted"
    for line in (
        "limit           2,400 a minute (published)",
        "used here       80% of it: 1,920",
        "972 of 1,920",
        "protective 0 · account 0 · monitor 40 · scan 812 · others 120",
        "exchange said   972 in the minute of",
        "today           9 of 10 requests (90%), alert: polling is slowed down",
        f"BANNED (418) until {local_time(until_ms)}, in 5",
        f"ledger: {folder}",
    ):
        assert line in text or line in " ".join(text.split()), line
    shown = json.loads(show("--format", "json"))
    assert [row["address"] for row in shown["addresses"]] == [SIMULATED, LIVE]
    assert shown["addresses"][0]["block"] == {"until": until_ms, "is_banned": True}
    live.close()
    banned.close()


def test_looking_writes_nothing(folder: Path) -> None:
    kept = ledger(folder)
    kept.reserve(10, Lane.SCAN, 0)
    before = SqliteStore(folder / LEDGER_FILE).rows()
    show()
    show("--format", "json")
    after = SqliteStore(folder / LEDGER_FILE)
    assert after.rows() == before
    after.close()
    kept.close()


@pytest.mark.parametrize(
    ("address", "forgotten"),
    [
        (SIMULATED, True),
        ("[::1]:8900", True),
        ("localhost:8900", True),
        (LIVE, False),
        ("127.0.0.1.example:443", False),
        (f"{SIMULATED} spot", True),
        (f"{LIVE} spot", False),
        (f"{SIMULATED} via proxy 12345678", False),
        (f"{SIMULATED} spot via proxy 12345678", False),
        ("nonsense]", False),
    ],
)
def test_only_exchanges_on_this_machine_can_be_forgotten(
    folder: Path, address: str, *, forgotten: bool
) -> None:
    kept = ledger(folder, address)
    kept.block_until(10**15, is_banned=True)
    assert is_loopback(address) == forgotten
    if forgotten:
        assert show("--forget", address) == f"forgot {address}\n"
        assert kept.block(0) is None
        code, message = refused("--forget", address)
        assert (code, message) == (
            2,
            f"{address} is not in the ledger {folder / LEDGER_FILE}",
        )
    else:
        code, message = refused("--forget", address)
        assert code == 2
        assert message.startswith(f"{address} is not a simulated exchange on this ")
        assert kept.block(0) is not None
    kept.close()


def test_a_ledger_that_cannot_be_read_ends_with_74(folder: Path) -> None:
    (folder / LEDGER_FILE).write_bytes(b"not a database, but long enough to be " * 9)
    code, message = refused()
    assert code == 74
    assert message.startswith(f"request ledger {folder / LEDGER_FILE}: it is not a led")


def test_a_damaged_state_ends_with_74(folder: Path) -> None:
    store = SqliteStore(folder / LEDGER_FILE)
    store.update(LIVE, lambda _: (b"{}", None))
    store.close()
    code, message = refused()
    assert code == 74
    assert "it is damaged; remove it" in message


def test_a_server_that_is_not_there_ends_with_74_and_hides_the_password(
    settings: Any,
) -> None:
    settings.SCREENER = {"rate_ledger_url": f"redis://:{CANARY}@127.0.0.1:1/0"}
    code, message = refused()
    assert code == 74
    assert "redis://127.0.0.1:1/0: the server cannot be reached" in message
    assert CANARY not in message


def test_a_wrong_address_ends_with_2_and_hides_the_password(
    settings: Any,
) -> None:
    settings.SCREENER = {"rate_ledger_url": f"redis://:{CANARY}@127.0.0.1:1/x"}
    code, message = refused()
    assert code == 2
    assert "RATE_LEDGER_URL" in message
    assert CANARY not in message


@pytest.mark.parametrize(
    ("screener", "message"),
    [
        ([1], "settings.SCREENER must be a dictionary"),
        (
            {"data_dir": 7},
            "data_dir (SCREENER_DATA_DIR) must be the path of a folder, was 'int'",
        ),
    ],
)
def test_settings_that_are_none_end_with_2(
    settings: Any, screener: object, message: str
) -> None:
    settings.SCREENER = screener
    assert refused() == (2, message)


def test_memory_cannot_be_looked_into(settings: Any) -> None:
    settings.SCREENER = {"rate_ledger_url": "memory://"}
    assert "other processes cannot be seen" in show()


@pytest.mark.parametrize("flags", [("--watch",), ("--watch", "--format", "json")])
def test_watching_needs_a_terminal(folder: Path, flags: tuple[str, ...]) -> None:
    assert refused(*flags)[0] == 2
    assert list(folder.iterdir()) == []


def read_until(terminal: int, wanted: str, within_s: float = 60) -> str:
    seen, ends_s = "", time.monotonic() + within_s
    while wanted not in seen:
        assert time.monotonic() < ends_s, seen[-500:]
        if select.select([terminal], [], [], 0.2)[0]:
            seen += os.read(terminal, 65_536).decode(errors="replace")
    return seen


@pytest.mark.slow
def test_watching_follows_the_ledger_until_ctrl_c(tmp_path: Path) -> None:
    clock, kept = measured_clock(), ledger(tmp_path)
    kept.remember(clock.reading())
    kept.reserve(111, Lane.SCAN, clock.now_ms())
    ours, theirs = pty.openpty()
    env: dict[str, Any] = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "api_budget", "--watch"],
        cwd=ROOT,
        env={**env, "SCREENER_DATA_DIR": str(tmp_path), "LINES": "40"},
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    read_until(ours, "scan 111")
    kept.reserve(5, Lane.SCAN, clock.now_ms())
    read_until(ours, "scan 116")
    before = kept.look()
    process.send_signal(signal.SIGINT)
    ended_s = time.monotonic()
    with suppress(OSError):  # the other side is closed: it has restored the screen
        while time.monotonic() - ended_s < 30:
            os.read(ours, 65_536)
    process.wait(30)
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.returncode == 130
    assert kept.look() is before, "nobody wrote"
    process.stderr.close()
    os.close(ours)
    kept.close()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (0.4, "0 s"),
        (59.6, "1 min 0 s"),
        (245, "4 min 5 s"),
        (7260, "2 h 1 min"),
        (3 * 86_400 + 7200, "3 d 2 h"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
