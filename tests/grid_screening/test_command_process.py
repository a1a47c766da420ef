"""The command as a process: signals, pipes, terminals, encodings."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.cli.interruption import GRACE_S, Cancellation

ROOT = Path(__file__).resolve().parents[2]

DEADLINE_S = 60.0
"""Of a whole process, start-up on a busy machine included."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG", "VIRTUAL_ENV")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "BINANCE_FAPI_URL": "http://127.0.0.1:9",
        "SCREENER_DATA_DIR": str(tmp_path / "data"),
        "TERM": "xterm",
        "PYTHONWARNINGS": "error",
    }


def command(behaviour: str, *flags: str) -> list[str]:
    module = "tests.grid_screening.command_driver"
    return [sys.executable, "-m", module, behaviour, "screen_short_grid", *flags]


def completed(
    argv: list[str], environment: dict[str, str], **more: Any
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        cwd=ROOT,
        env=environment,
        timeout=DEADLINE_S,
        check=False,
        encoding="utf-8",
        **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more),
    )


def piped(script: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return completed(["bash", "-c", f"set -o pipefail; {script}"], environment)


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_a_closed_pipe_ends_quietly(form: str, environment: dict[str, str]) -> None:
    run = " ".join(command("long", "--format", form, "--quiet"))
    done = piped(f"{run} | head -n 1", environment)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
    assert done.returncode == 0


def test_help_into_a_closed_pipe_ends_quietly(environment: dict[str, str]) -> None:
    run = " ".join(command("printed", "--help"))
    done = piped(f"{run} | true", environment)
    assert (done.stderr, done.returncode) == ("", 0)


def test_a_full_standard_output_exits_74(environment: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = completed(command("long"), environment, stdout=full)
    assert done.returncode == 74
    assert done.stderr == (
        "screen_short_grid: cannot write standard output: No space left on device\n"
    )


WITHOUT_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}
"""A size limit would leave half-written caches of modules behind, for everybody."""


def test_a_full_folder_leaves_the_old_report(
    environment: dict[str, str], tmp_path: Path
) -> None:
    # a file size limit of 8 KiB stands in for a full disk
    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")
    run = " ".join(command("long", "--format", "json", "--output", str(path)))
    done = piped(
        f"trap '' XFSZ; ulimit -f 8; {run} --no-cache",
        environment | WITHOUT_BYTECODE | {"RATE_LEDGER_URL": "memory://"},
    )
    assert done.returncode == 74
    assert done.stderr == f"screen_short_grid: cannot write {path}: File too large\n"
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


def test_a_ledger_that_cannot_be_written_exits_74(
    environment: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "report.json"
    run = " ".join(command("long", "--format", "json", "--output", str(path)))
    done = piped(
        f"trap '' XFSZ; ulimit -f 8; {run} --no-cache", environment | WITHOUT_BYTECODE
    )
    assert done.returncode == 74
    assert "request ledger" in done.stderr
    assert "RATE_LEDGER_URL=memory:// goes without sharing" in done.stderr
    assert not path.exists()


def test_a_bug_is_one_line(environment: dict[str, str]) -> None:
    done = completed(command("buggy"), environment)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "screen_short_grid: internal error: KeyError: 'left\\nright'; "
        "run with --traceback\n"
    )


def test_a_bug_with_traceback_shows_the_rest(environment: dict[str, str]) -> None:
    done = completed(command("buggy", "--traceback"), environment)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):")
    assert "in buggy" in done.stderr


@pytest.mark.parametrize(("encoding", "shown"), [("utf-8", "币"), ("latin-1", "????")])
def test_a_terminal_without_the_characters_shows_question_marks(
    encoding: str, shown: str, environment: dict[str, str]
) -> None:
    environment["PYTHONIOENCODING"] = encoding
    done = completed(command("printed"), environment, errors="ignore")
    assert done.returncode == 0
    assert shown in done.stdout


def test_machine_formats_are_utf_8_whatever_the_locale(
    environment: dict[str, str],
) -> None:
    environment["PYTHONIOENCODING"] = "latin-1"
    done = completed(command("printed", "--format", "json"), environment)
    assert json.loads(done.stdout)["ranked"][0]["symbol"] == "币安人生USDT"


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_the_table_follows_columns(columns: int, environment: dict[str, str]) -> None:
    environment["COLUMNS"] = str(columns)
    done = completed(command("printed"), environment)
    header = next(s for s in done.stdout.splitlines() if "Symbol" in s)
    assert columns - 30 < len(header) <= columns


def on_terminal(
    argv: list[str],
    environment: dict[str, str],
    *,
    interrupt_at: bytes | None = None,
    code: int = 0,
) -> str:
    """Return what ``argv`` prints on a terminal, interrupted at the sight of a text."""
    master, slave = pty.openpty()
    child = subprocess.Popen(
        argv, cwd=ROOT, env=environment, stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    pieces = []
    while select.select([master], [], [], DEADLINE_S)[0]:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the child's end is closed
            break
        pieces.append(piece)
        if interrupt_at is not None and interrupt_at in b"".join(pieces):
            interrupt_at = None
            child.send_signal(signal.SIGINT)
    os.close(master)
    assert child.wait(DEADLINE_S) == code
    return b"".join(pieces).decode()


def test_a_terminal_gets_styles(environment: dict[str, str]) -> None:
    assert "\x1b[1m" in on_terminal(command("printed"), environment)


def test_the_last_words_outlive_the_progress_bars(environment: dict[str, str]) -> None:
    text = on_terminal(
        command("drawing"), environment, interrupt_at=b"waiting 23 s", code=130
    )
    # nothing after them: neither a bar nor the codes that remove one
    assert text.endswith("interrupted: stopping, nothing further is sent\r\n")


@pytest.mark.parametrize("how", ["NO_COLOR", "--no-color"])
def test_no_color_means_no_styles(how: str, environment: dict[str, str]) -> None:
    flags = [how] if how.startswith("--") else []
    if not flags:
        environment[how] = "1"
    text = on_terminal(command("printed", "--quiet", *flags), environment)
    assert "Symbol" in text
    assert "\x1b[" not in text


def test_a_pipe_gets_no_styles(environment: dict[str, str]) -> None:
    assert "\x1b" not in completed(command("printed"), environment).stdout


def test_forced_styles_reach_a_pipe(environment: dict[str, str]) -> None:
    done = completed(command("printed", "--force-color"), environment)
    assert "\x1b[1m" in done.stdout


@pytest.fixture
def scanning(
    request: pytest.FixtureRequest, environment: dict[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """A process that is in the middle of the scan named by the parameter."""
    child = subprocess.Popen(
        command(request.param, "--quiet"),
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    assert child.stderr.readline() == "scanning\n"
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


@pytest.mark.parametrize("scanning", ["obedient", "stubborn"], indirect=True)
@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_ends_the_command_within_two_seconds(
    scanning: subprocess.Popen[str], number: signal.Signals, code: int, word: str
) -> None:
    assert scanning.stderr is not None
    sent_at = time.monotonic()
    scanning.send_signal(number)
    first = scanning.stderr.readline()
    assert scanning.wait(DEADLINE_S) == code
    assert time.monotonic() - sent_at < 2.0
    out, rest = scanning.communicate()
    assert first == f"{word}: stopping, nothing further is sent\n"
    assert (out, rest) == ("", "")


@pytest.mark.parametrize("scanning", ["obedient"], indirect=True)
def test_cancelled_work_is_not_waited_for_longer_than_it_takes(
    scanning: subprocess.Popen[str],
) -> None:
    sent_at = time.monotonic()
    scanning.send_signal(signal.SIGINT)
    assert scanning.wait(DEADLINE_S) == 130
    assert time.monotonic() - sent_at < GRACE_S


@pytest.mark.parametrize("scanning", ["stubborn"], indirect=True)
def test_a_second_signal_ends_at_once(scanning: subprocess.Popen[str]) -> None:
    assert scanning.stderr is not None
    scanning.send_signal(signal.SIGINT)
    scanning.stderr.readline()
    sent_at = time.monotonic()
    scanning.send_signal(signal.SIGINT)
    assert scanning.wait(DEADLINE_S) == 130
    assert time.monotonic() - sent_at < GRACE_S


def test_calls_added_before_and_after_cancelling_are_made_once() -> None:
    made: list[str] = []
    cancellation = Cancellation()
    cancellation.add(lambda: made.append("before"))
    assert made == []
    cancellation.cancel()
    cancellation.cancel()
    cancellation.add(lambda: made.append("after"))
    assert made == ["before", "after"]
    assert cancellation.cancelled


@pytest.mark.parametrize(
    ("raising", "code"),
    [
        ("raise KeyboardInterrupt", 130),
        ("raise ImportError from KeyboardInterrupt()", 130),
        ("\n try: raise KeyboardInterrupt\n finally: raise ImportError", 130),
        ("raise ImportError", 1),
        ("\n try: raise KeyboardInterrupt\n except BaseException: sys.exit(0)", 0),
    ],
)
def test_ctrl_c_during_start_up_is_no_traceback(
    raising: str, code: int, environment: dict[str, str]
) -> None:
    program = (
        "import runpy, sys\n"
        "import django.core.management as m\n"
        f"def execute(_): {raising}\n"
        "m.execute_from_command_line = execute\n"
        "runpy.run_path('manage.py', run_name='__main__')"
    )
    done = completed([sys.executable, "-c", program], environment)
    assert done.returncode == code
    assert ("Traceback" in done.stderr) == (code == 1)


def test_help_loads_nothing_heavy(environment: dict[str, str]) -> None:
    program = (
        "import sys\n"
        "sys.argv = ['manage.py', 'screen_short_grid', '--help']\n"
        "import manage\n"
        "try:\n    manage.main()\n"
        "except SystemExit:\n    pass\n"
        "heavy = 'rich requests scipy pandas orjson pyarrow uvicorn'.split()\n"
        "print([m for m in heavy if m in sys.modules], file=sys.stderr)"
    )
    done = completed([sys.executable, "-c", program], environment)
    assert done.stderr == "[]\n"
