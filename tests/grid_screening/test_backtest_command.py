"""`backtest_short_grid` over a small history: reports, pictures, what it refuses."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from rich.cells import cell_len

from monitor.cli.exit_codes import ExitCode
from monitor.domain.market import DAY_MS
from tests.grid_screening.backtest.history_folder import (
    START_MS,
    SYMBOLS,
    WIDE,
    write_history,
)
from tests.recorded import HISTORY, ROOT, needs_recorded_history

SCHEMA = json.loads(
    (ROOT / "specs/001-short-grid-screening/contracts/backtest.schema.json").read_text()
)
BEGIN = "2025-02-03"  # a Monday; fine bars begin on 2025-01-28

WITHOUT_SOCKETS = """
import os, socket, sys

class Refused(socket.socket):
    def __init__(self, *_, **__):
        raise AssertionError("a socket was asked for")

socket.socket = Refused
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[1:]])
"""


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_history(tmp_path_factory.mktemp("history") / "walks", days=77)


def run(*arguments: str, history: Path) -> str:
    out = io.StringIO()
    call_command(
        "backtest_short_grid",
        *arguments,
        "--history",
        str(history),
        stdout=out,
        stderr=io.StringIO(),
    )
    return out.getvalue()


def document(*arguments: str, history: Path) -> Any:
    found = json.loads(run(*arguments, "--format", "json", history=history))
    jsonschema.validate(found, SCHEMA)
    return found


def complaint(*arguments: str, history: Path) -> CommandError:
    with pytest.raises(CommandError) as caught:
        run(*arguments, history=history)
    assert "\n" not in str(caught.value)
    return caught.value


class TestDocument:
    def test_parts_add_up_to_the_profit(self, history: Path) -> None:
        for found in document(*SYMBOLS, "--start", BEGIN, history=history)["runs"]:
            parts = (
                found["harvest"]
                + found["displacement"]
                + found["initial_short"]
                + found["stop_loss"]
                + found["liquidation_loss"]
                + (found["funding"] or 0.0)
                - found["fees"]
            )
            assert found["pnl"] == pytest.approx(parts, abs=1e-9)

    def test_the_finest_bars_that_all_symbols_have_are_used(
        self, history: Path
    ) -> None:
        fine = document(WIDE, "--start", BEGIN, history=history)
        coarse = document(*SYMBOLS, "--start", BEGIN, history=history)
        asked = document(WIDE, "--start", BEGIN, "--interval", "1h", history=history)
        assert fine["interval"] == "15m"
        assert coarse["interval"] == asked["interval"] == "1h"

    def test_bars_that_begin_too_late_are_not_used(self, history: Path) -> None:
        assert document(WIDE, "--start", "2025-01-20", history=history)["interval"] == (
            "1h"
        )

    def test_unknown_funding_is_null_and_said(self, history: Path) -> None:
        unknown, known = document("BETAUSDT", WIDE, "--start", BEGIN, history=history)[
            "runs"
        ]
        assert (unknown["funding"], unknown["funding_record"]) == (None, "none")
        assert known["funding_record"] == "all"
        assert known["funding"] > 0

    def test_levels_may_keep_a_ratio(self, history: Path) -> None:
        asked = (WIDE, "--start", BEGIN)
        plain, *_ = document(*asked, history=history)["runs"]
        one, *_ = document(*asked, "--spacing", "geometric", history=history)["runs"]
        assert plain["plan"]["spacing"] == "arithmetic"
        assert one["plan"]["spacing"] == "geometric"
        assert one["plan"]["lower_bound"] == plain["plan"]["lower_bound"]
        assert one["pnl"] != plain["pnl"]
        text = run(*asked, "--spacing", "geometric", history=history)
        assert "% × " in " ".join(text.split())

    def test_the_plan_does_not_know_the_future(self, tmp_path: Path) -> None:
        # another future, the same plan
        short = write_history(tmp_path / "short", days=60)
        plans = [
            document(WIDE, "--start", "2025-02-01", history=folder)["runs"][0]["plan"]
            for folder in (short, write_history(tmp_path / "long", days=60))
        ]
        assert plans[0] == plans[1]
        bars = short / "klines_15m_test.parquet"
        bars.unlink()  # finer bars change fills, not plans
        again = document(WIDE, "--start", "2025-02-01", history=short)["runs"][0]
        assert again["plan"] == plans[0]

    def test_rolling_begins_are_a_week_apart_and_end_in_time(
        self, history: Path
    ) -> None:
        found = document(
            WIDE, "--start", "2025-01-20", "--every", "7d", history=history
        )
        begins = [row["begin_ms"] for row in found["runs"]]
        assert begins == [begins[0] + 7 * DAY_MS * n for n in range(8)]
        assert all(row["end_ms"] <= found["end_ms"] for row in found["runs"])
        assert found["summary"]["block_count"] == 8
        pnl = found["summary"]["pnl"]
        assert pnl["low"] <= pnl["mean"] <= pnl["high"]
        shares = [row["pnl"] / row["plan"]["margin"] for row in found["runs"]]
        assert pnl["mean"] == pytest.approx(sum(shares) / 8)

    def test_several_contracts_at_one_time_have_no_interval(
        self, history: Path
    ) -> None:
        pnl = document(*SYMBOLS, "--start", BEGIN, history=history)["summary"]["pnl"]
        assert (pnl["low"], pnl["high"]) == (None, None)

    def test_flat_start_has_no_initial_short(self, history: Path) -> None:
        (found,) = document(
            WIDE, "--start", BEGIN, "--start-variant", "flat", history=history
        )["runs"]
        assert (found["initial_short"], found["static_short"]) == (0.0, 0.0)

    def test_costs_and_capital_are_the_flags(self, history: Path) -> None:
        found = document(
            WIDE, "--start", BEGIN, "--margin", "500", "--max-leverage", "2",
            "--maker-fee", "0", "--taker-fee", "0", history=history,
        )  # fmt: skip
        (grid,) = found["runs"]
        assert grid["plan"]["margin"] == 500
        assert grid["plan"]["leverage"] <= 2
        assert grid["fees"] == 0

    def test_settings_of_the_project_count_and_flags_win(self, history: Path) -> None:
        with override_settings(SCREENER={"grid_margin_usdt": 700}):
            configured = document(WIDE, "--start", BEGIN, history=history)
            flag = document(WIDE, "--start", BEGIN, "--margin", "800", history=history)
        assert configured["runs"][0]["plan"]["margin"] == 700
        assert flag["runs"][0]["plan"]["margin"] == 800

    @pytest.mark.parametrize("begin", ["2025-01-01T16:00", "2025-01-02", "2025-01-08"])
    def test_a_begin_without_enough_history_says_so(
        self, history: Path, begin: str
    ) -> None:
        # 16:00: not one daily bar is closed
        error = complaint(WIDE, "--start", begin, history=history)
        assert error.returncode == ExitCode.EMPTY
        assert str(error) == (
            f"no grid to run; {WIDE}: its ATR needs 15 closed daily and hourly bars "
            "without a gap before this time"
        )


class TestTable:
    @pytest.mark.parametrize("width", [80, 120, 200])
    @pytest.mark.parametrize("symbols", [(WIDE,), SYMBOLS])
    def test_no_line_is_wider_than_the_terminal(
        self,
        history: Path,
        monkeypatch: pytest.MonkeyPatch,
        width: int,
        symbols: tuple[str, ...],
    ) -> None:
        monkeypatch.setenv("COLUMNS", str(width))
        text = run(*symbols, "--start", BEGIN, history=history)
        assert max(cell_len(line) for line in text.splitlines()) <= width

    def test_wide_characters_keep_the_columns_aligned(
        self, history: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        lines = run(*SYMBOLS, "--start", BEGIN, history=history).splitlines()
        rows = [line for line in lines if line.startswith(SYMBOLS)]
        assert len(rows) == 3
        begins = {cell_len(line[: line.index("25-02-03")]) for line in rows}
        assert len(begins) == 1

    def test_one_path_is_said_to_be_one_path(self, history: Path) -> None:
        text = " ".join(run(WIDE, "--start", BEGIN, history=history).split())
        assert "One backtest is one path: no 95 % interval" in text
        assert "static short" in text
        assert "low / high first" in text
        assert "--every 7d begins anew" in text

    def test_too_few_begins_are_not_told_to_begin_anew(self, history: Path) -> None:
        flags = ("--start", BEGIN, "--every", "7d")
        text = " ".join(run(WIDE, *flags, history=history).split())
        assert "These begins are too few for a 95 % interval" in text
        assert "--every 7d begins anew" not in text

    @pytest.mark.parametrize("width", [80, 120, 240])
    def test_the_legend_explains_the_columns_shown_and_no_other(
        self, history: Path, monkeypatch: pytest.MonkeyPatch, width: int
    ) -> None:
        monkeypatch.setenv("COLUMNS", str(width))
        text = run(*SYMBOLS, "--start", BEGIN, history=history)
        head = next(row for row in text.splitlines() if row.startswith("Symbol"))
        legend = " ".join(text.partition("Percent of the margin")[2].split())
        legend = legend.partition(" Mean of ")[0].partition(" hidden at ")[0]
        explained = re.findall(r" · ([A-Z]\w*%?): ", legend)
        assert explained == [c for c in head.split() if c not in {"Symbol", "Begin"}]

    def test_fixed_orders_are_named_and_not_an_interval(
        self, history: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "120")
        asked = (*SYMBOLS, "--start", BEGIN)
        found = document(*asked, history=history)["runs"][0]
        head, first = run(*asked, history=history).splitlines()[2:4]
        cells = dict(zip(head.split(), first.split(), strict=True))
        for name, column in (
            ("pnl_low_first", "LowFirst"),
            ("pnl_high_first", "HighFirst"),
        ):
            share = 100 * found[name] / found["plan"]["margin"]
            assert float(cells[column].replace("−", "-")) == pytest.approx(
                share, abs=0.0051
            )
        both = sorted((found["pnl_low_first"], found["pnl_high_first"]))
        assert both == [found["pnl_low"], found["pnl_high"]]

    def test_unknown_funding_is_not_shown_as_zero(self, history: Path) -> None:
        text = run("BETAUSDT", "--start", BEGIN, history=history)
        (line,) = [row for row in text.splitlines() if row.startswith("funding  ")]
        assert line.split()[:4] == ["funding", "–", "–", "–"]
        assert "not recorded" in line


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("ALPHUSDT", "--start", BEGIN), "near names: ALPHAUSDT"),
            (
                (WIDE, "--start", "2019-01-01"),
                "1h bars 2025-01-01 00:00 to 2025-03-19 00:00 UTC",
            ),
            ((WIDE, "--start", BEGIN, "--end", "2026-01-01"), "--end 2026-01-01"),
            ((WIDE, "--start", BEGIN, "--end", BEGIN), "--end must be at least one"),
            ((WIDE,), "--start is needed"),
            ((WIDE, "--start", "soon"), "must be a time like 2025-04-01"),
            ((WIDE, "--start", BEGIN, "--every", "7"), "like 7d, was '7'"),
            ((WIDE, "--start", BEGIN, "--every", "-7d"), "like 7d, was '-7d'"),
            ((WIDE, "--start", BEGIN, "--every", "90d"), "--every must fit between"),
            ((WIDE, "--start", BEGIN, "--horizon", "90d"), "--horizon must fit betw"),
            ((WIDE, "--start", BEGIN, "--interval", "5m"), "no such bars"),
            ((WIDE, "--start", BEGIN, "--engine", "spark"), "dask://HOST:PORT"),
            ((WIDE, "--start", BEGIN, "--slippage", "1"), "must be in [0, 0.01)"),
            ((WIDE, "--start", BEGIN, "--margin", "-5"), "--margin must be"),
            ((WIDE, "--start", BEGIN, "--plot", "a.pdf"), "must end in .png or .svg"),
            ((WIDE, "--start", BEGIN, "--plan", "none.json"), "must be a readable"),
            ((WIDE, "--start", BEGIN, "--output", "x/"), "must be a file or -"),
            ((WIDE, "--start", BEGIN, "--output", "x.csv"), "must end in .json, .html"),
        ],
    )
    def test_wrong_use_is_one_line_and_code_2(
        self, history: Path, arguments: tuple[str, ...], words: str
    ) -> None:
        error = complaint(*arguments, history=history)
        assert error.returncode == ExitCode.USAGE
        assert words in str(error)

    def test_no_history_is_one_line_and_code_2(self, tmp_path: Path) -> None:
        error = complaint(WIDE, "--start", BEGIN, history=tmp_path / "absent")
        assert error.returncode == ExitCode.USAGE

    def test_a_folder_that_cannot_be_written_is_found_out_first(
        self, history: Path, tmp_path: Path
    ) -> None:
        target = tmp_path / "absent" / "report.json"
        for flag in ("--output", "--plot"):
            name = str(target) if flag == "--output" else f"{target}.png"
            error = complaint(WIDE, "--start", BEGIN, flag, name, history=history)
            assert error.returncode == ExitCode.CANNOT_WRITE

    def test_a_cluster_that_is_not_there_is_code_69(
        self, history: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from grid_screening.backtest import sweep

        monkeypatch.setattr(sweep, "CONNECT_TIMEOUT_S", 0.3)
        error = complaint(
            WIDE, "--start", BEGIN, "--engine", "dask://127.0.0.1:9", history=history
        )
        assert error.returncode == ExitCode.UNAVAILABLE
        assert str(error).startswith("engine dask://127.0.0.1:9 unavailable: no sched")


class TestFiles:
    def test_the_name_decides_the_form(self, history: Path, tmp_path: Path) -> None:
        for name, beginning in (
            ("r.json", "{"),
            ("r.html", "<!DOCTYPE html>"),
            ("r.txt", "Short-grid backtest"),
        ):
            path = tmp_path / name
            run(WIDE, "--start", BEGIN, "--output", str(path), history=history)
            assert path.read_text().startswith(beginning)

    def test_a_failed_run_leaves_the_old_report(
        self, history: Path, tmp_path: Path
    ) -> None:
        path = tmp_path / "r.json"
        path.write_text("old")
        complaint("NONE", "--start", BEGIN, "--output", str(path), history=history)
        assert path.read_text() == "old"
        assert [p.name for p in tmp_path.iterdir()] == ["r.json"]

    def test_pictures_are_pictures_and_repeatable(
        self, history: Path, tmp_path: Path
    ) -> None:
        magic = {"a.png": b"\x89PNG", "a.svg": b"<?xml", "b.svg": b"<?xml"}
        for name in magic:
            run(
                *SYMBOLS, "--start", BEGIN, "--plot", str(tmp_path / name),
                history=history,
            )  # fmt: skip
        for name, beginning in magic.items():
            assert (tmp_path / name).read_bytes().startswith(beginning)
        assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()

    def test_the_page_is_self_contained(self, history: Path) -> None:
        page = run(*SYMBOLS, "--start", BEGIN, "--format", "html", history=history)
        assert page.count("<svg") == len(SYMBOLS)
        assert "<script" not in page
        assert "src=" not in page
        assert "url(http" not in page
        assert "#fe0" not in page  # every stand-in became a colour of the page
        assert "var(--sell)" in page
        assert WIDE in page


class TestProcess:
    @pytest.mark.slow
    def test_ctrl_c_ends_it_with_130(self, history: Path, tmp_path: Path) -> None:
        target = tmp_path / "r.json"
        process = subprocess.Popen(
            [
                sys.executable, "manage.py", "backtest_short_grid", *SYMBOLS,
                "--history", str(history), "--start", "2025-02-01", "--every", "1h",
                "--horizon", "7d", "--output", str(target),
            ],
            cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(2.0)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == 130
        assert errors == "interrupted: stopping; nothing further is written\n"
        assert not target.exists()

    @pytest.mark.slow
    def test_a_picture_is_drawn_where_no_cache_can_be_kept(
        self, history: Path, tmp_path: Path
    ) -> None:
        target = tmp_path / "p.png"
        done = subprocess.run(
            [
                sys.executable, "manage.py", "backtest_short_grid", WIDE,
                "--history", str(history), "--start", BEGIN, "--plot", str(target),
            ],
            cwd=ROOT, capture_output=True, text=True, check=True,
            env={**os.environ, "MPLCONFIGDIR": str(history / "klines_1h_test.parquet")},
        )  # fmt: skip
        assert done.stderr == f"backtest_short_grid: wrote {target}\n"

    @pytest.mark.slow
    def test_it_needs_no_network(self, history: Path) -> None:
        done = subprocess.run(
            [
                sys.executable, "-c", WITHOUT_SOCKETS, "backtest_short_grid",
                WIDE, "--history", str(history), "--start", BEGIN,
            ],
            cwd=ROOT, capture_output=True, text=True, check=False,
            env={**os.environ, "COLUMNS": "80"},
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert WIDE in done.stdout


@needs_recorded_history
class TestRecorded:
    def test_a_recorded_month_in_fifteen_minutes(self) -> None:
        found = document(
            "WLDUSDT", "--start", "2025-05-01", "--end", "2025-06-01", history=HISTORY
        )
        (grid,) = found["runs"]
        assert found["interval"] == "15m"
        assert grid["funding_record"] == "all"
        assert grid["begin_ms"] - START_MS == 120 * DAY_MS
        assert grid["end_reason"] in {"stopped", "horizon", "take_profit"}

    def test_minutes_are_used_where_they_were_recorded(self) -> None:
        found = document("XRPUSDT", "--start", "2025-06-17", history=HISTORY)
        assert found["interval"] == "1m"
