"""`validate_gss` over a small history: outputs, what it refuses, how it ends."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from grid_screening.cli import study_arguments
from grid_screening.stop_out_file import models_from_toml
from grid_screening.validation.report.markdown import BEGIN, END
from grid_screening.validation.results_reading import read_study
from monitor.cli.exit_codes import ExitCode
from monitor.domain.market import DAY_MS
from tests.grid_screening.validation import markets
from tests.histories import START_MS
from tests.recorded import HISTORY, ROOT, needs_recorded_history

FAST = ("--no-sensitivity", "--universe-volume", "1M", "--top", "8", "--quiet")
DEADLINE_S = 120.0


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the trending market as hourly bars, 2024-11-01 to 2025-03-15."""
    folder = tmp_path_factory.mktemp("history")
    panel = markets.trending_history()
    count = panel.bar_count
    columns: dict[str, Any] = {
        "symbol": pa.array(np.repeat(panel.symbols, count)).dictionary_encode(),
        "open_time": np.tile(panel.open_time, len(panel.symbols)),
    }
    for name in ("open", "high", "low", "close", "volume"):
        columns[name] = getattr(panel, name).ravel()
    pq.write_table(pa.table(columns), folder / "klines_1h_trends.parquet")
    return folder


def run(*arguments: str, history: Path) -> str:
    out = io.StringIO()
    call_command(
        "validate_gss",
        "--history",
        str(history),
        *FAST,
        *arguments,
        stdout=out,
        stderr=io.StringIO(),
    )
    return out.getvalue()


def complaint(*arguments: str, history: Path) -> CommandError:
    with pytest.raises(CommandError) as caught:
        run(*arguments, history=history)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.fixture(scope="module")
def written(
    history: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("outputs")
    readme = folder / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    files = {
        "--output": "evidence.html",
        "--json": "evidence.json",
        "--readme": "README.md",
        "--write-model": "stop_out.toml",
    }
    flags = [part for f, n in files.items() for part in (f, str(folder / n))]
    return folder, run(*flags, history=history)


class TestOutputs:
    def test_answers_are_printed(self, written: tuple[Path, str]) -> None:
        text = " ".join(written[1].split())
        assert "Can a stop-out within 7 days be told?" in text
        assert "Does moving the upper bound away lower stop-outs? yes." in text
        assert "lowest stop-out probability" in text
        assert "0 changed" in text
        assert "first origin 2024-12-21, not 2024-12-16" in text

    def test_the_page_is_html(self, written: tuple[Path, str]) -> None:
        page = (written[0] / "evidence.html").read_text(encoding="utf-8")
        assert page.startswith("<!DOCTYPE html>")

    def test_every_number_is_in_the_json(self, written: tuple[Path, str]) -> None:
        found = read_study(json.loads((written[0] / "evidence.json").read_text()))
        assert found.data.contract_count == markets.CONTRACTS
        assert found.settings["top"] == 8
        assert len(found.data.fingerprint) == 64
        assert found.profit.rows[2].ships

    def test_the_readme_keeps_the_rest(self, written: tuple[Path, str]) -> None:
        text = (written[0] / "README.md").read_text(encoding="utf-8")
        assert text.startswith(f"before\n{BEGIN}\n")
        assert text.endswith(f"{END}\nafter\n")
        assert "\nold\n" not in text

    def test_the_models_can_be_loaded(self, written: tuple[Path, str]) -> None:
        models = models_from_toml((written[0] / "stop_out.toml").read_text())
        weekly, moved = models.by_horizon[7], models.width.model
        assert 0 < weekly.base_rate < 1
        assert moved.sample_count == 6 * weekly.sample_count
        assert moved.cluster_count == weekly.cluster_count
        found = json.loads((written[0] / "evidence.json").read_text())
        assert weekly.data_hash == moved.data_hash == found["data"]["fingerprint"]
        shares = [row["stopped"]["mean"] for row in found["widening"]]
        assert list(models.width.study_shares) == shares

    def test_nothing_else_is_written(self, written: tuple[Path, str]) -> None:
        assert len(list(written[0].iterdir())) == 4


class TestPeriod:
    def test_it_is_what_was_asked_for(self, history: Path, tmp_path: Path) -> None:
        target = tmp_path / "few.json"
        run(
            "--start", "2025-01-01T06:00", "--end", "2025-01-10", "--every", "3d",
            "--horizon", "2d", "--json", str(target), history=history,
        )  # fmt: skip
        found = read_study(json.loads(target.read_text()))
        times = [row.as_of_ms for row in found.universe]
        first = START_MS + 61 * DAY_MS + DAY_MS // 4
        assert times == [first + 3 * n * DAY_MS for n in range(3)]
        assert [o.horizon_days for o in found.outcome] == [2, 3, 7, 14]
        said = found.protocol["deviations"]
        assert "time between origins 3 d, not 1 d" in said
        assert "horizon 2 d, not 7 d" in said


class TestRefusals:
    @pytest.mark.parametrize(
        ("flags", "says"),
        [
            (("--start", "2024-11-05"), "--start must be in 2024-12-21T00:00…2025-03"),
            (("--end", "2025-03-12"), "--end must be in 2024-12-21T00:00…2025-03-09"),
            (("--start", "2025-02-02", "--end", "2025-02-01"), "at or after --start"),
            (("--start", "2025-02-02T00:30"), "--start must be a full hour"),
            (("--horizon", "100d"), "history must be at least 150 days long"),
        ],
    )
    def test_periods(self, flags: tuple[str, ...], says: str, history: Path) -> None:
        found = complaint(*flags, history=history)
        assert says in str(found)
        assert found.returncode == ExitCode.USAGE

    @pytest.mark.parametrize(
        ("flags", "says"),
        [
            (("--every", "90m"), "must be whole hours, like 12h or 7d, was '90m'"),
            (("--every", "0d"), "must be a whole number ≥ 1 and m, h, d or w"),
            (("--horizon", "400d"), "must be at most a year"),
            (("--universe-volume", "lots"), "must be an amount ≥ 0 like 10M"),
            (("--universe-volume", "-1M"), "must be an amount ≥ 0 like 10M"),
            (("--universe-volume", "10T"), "k, M or G (thousand, million, billion)"),
            (("--every", "-1d"), "must be a whole number ≥ 1 and m, h, d or w"),
            (("--top", "0"), "must be in 1…1000, was 0"),
            (("--engine", "spark"), "must be local or dask://HOST:PORT"),
            (("--start", "yesterday"), "must be a time like 2025-04-01"),
        ],
    )
    def test_flags(self, flags: tuple[str, ...], says: str, history: Path) -> None:
        with pytest.raises(CommandError, match="argument") as caught:
            run(*flags, history=history)
        assert says in str(caught.value)

    def test_two_outputs_in_one_file(self, history: Path, tmp_path: Path) -> None:
        one = str(tmp_path / "x")
        found = complaint("--json", one, "--output", one, history=history)
        assert "--output and --json must name different files" in str(found)
        assert found.returncode == ExitCode.USAGE

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        found = complaint(history=tmp_path / "gone")
        assert "gone" in str(found)
        assert found.returncode == ExitCode.USAGE

    def test_a_history_without_bars(self, tmp_path: Path) -> None:
        found = complaint(history=tmp_path)
        assert found.returncode == ExitCode.USAGE

    def test_a_damaged_file(self, history: Path, tmp_path: Path) -> None:
        whole = (history / "klines_1h_trends.parquet").read_bytes()
        (tmp_path / "klines_1h_trends.parquet").write_bytes(whole[: len(whole) // 2])
        assert complaint(history=tmp_path).returncode == ExitCode.USAGE

    def test_a_target_that_cannot_be_written(
        self, history: Path, tmp_path: Path
    ) -> None:
        target = tmp_path / "no" / "x.html"
        found = complaint("--output", str(target), history=history)
        assert found.returncode == ExitCode.CANNOT_WRITE

    def test_a_readme_without_marks(self, history: Path, tmp_path: Path) -> None:
        readme = tmp_path / "README.md"
        readme.write_text("nothing here", encoding="utf-8")
        found = complaint("--readme", str(readme), history=history)
        assert found.returncode == ExitCode.USAGE
        assert readme.read_text(encoding="utf-8") == "nothing here"

    def test_a_model_of_too_few_scans(self, history: Path, tmp_path: Path) -> None:
        flags = ("--start", "2025-02-01", "--end", "2025-02-01")
        files = tmp_path / "m.toml", tmp_path / "x.json"
        found = complaint(
            *flags, "--write-model", str(files[0]), "--json", str(files[1]),
            history=history,
        )  # fmt: skip
        assert "not fitted" in str(found)
        assert found.returncode == ExitCode.USAGE
        assert not any(file.exists() for file in files)


@pytest.mark.parametrize(
    ("text", "value"), [("10M", 1e7), ("2.5G", 2.5e9), ("50k", 5e4), ("7", 7.0)]
)
def test_amounts(text: str, value: float) -> None:
    assert study_arguments.turnover(text) == value


def test_a_short_period_says_before_what_it_cannot_answer(history: Path) -> None:
    err = io.StringIO()
    flags = [flag for flag in FAST if flag != "--quiet"]
    call_command(
        *("validate_gss", "--history", str(history), *flags, "--start", "2025-03-06"),
        stdout=io.StringIO(),
        stderr=err,
    )
    lines = err.getvalue().splitlines()
    assert lines[0].endswith("a full study takes minutes")
    assert "needs 33 scans, the period has" in lines[1]
    assert all(line.startswith("validate_gss: too short") for line in lines[1:])


def test_a_store_that_is_not_whole_is_told_even_quietly(
    history: Path, tmp_path: Path
) -> None:
    whole = next(history.iterdir())
    (tmp_path / whole.name).symlink_to(whole)
    (tmp_path / ".unfinished").touch()
    err, out = io.StringIO(), io.StringIO()
    call_command(
        *("validate_gss", "--history", str(tmp_path), *FAST, "--start", "2025-03-08"),
        stdout=out,
        stderr=err,
    )
    assert err.getvalue().count("\n") == 1
    assert "warning: history" in err.getvalue()
    assert "did not finish, or still runs" in err.getvalue()


@pytest.mark.slow
def test_ctrl_c_ends_at_once_and_writes_nothing(history: Path, tmp_path: Path) -> None:
    target = tmp_path / "x.json"
    command = [
        sys.executable, "manage.py", "validate_gss", "--history", str(history),
        "--json", str(target), "--every", "1h", "--universe-volume", "1M",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        time.sleep(5)  # amid the scans: 2,000 of them take minutes
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == ExitCode.INTERRUPTED
    assert out == ""
    assert "interrupted" in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@needs_recorded_history
def test_recorded_history_is_studied(tmp_path: Path) -> None:
    target = tmp_path / "x.json"
    call_command(
        "validate_gss", "--history", str(HISTORY), "--start", "2025-05-01",
        "--end", "2025-05-03", "--no-sensitivity", "--quiet", "--json", str(target),
        stdout=io.StringIO(),
    )  # fmt: skip
    found = read_study(json.loads(target.read_text()))
    assert found.look_ahead.changed == 0
    assert [row.scored > 100 for row in found.universe] == [True] * 3
    assert all(row.planned == row.scored for row in found.universe)
    main = found.outcome[0]
    assert main.grid_count == sum(row.planned for row in found.universe)
    assert -0.5 < main.pnl.mean < 0.2
    assert 0 < main.fees.mean < 0.01
