"""The command as users run it: a process, real sockets, files, signals."""

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.simulator.server import EmbeddedExchange
from tests.end_to_end.conftest import Command, control
from tests.recorded import MARKET, ROOT, needs_recorded_market


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the only line on stderr; nothing of it is a traceback."""
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


class TestDemo:
    def test_demo_prints_a_ranked_table_and_says_simulated(
        self, command: Command
    ) -> None:
        done = command("screen_short_grid", "--top", "20", "--demo", COLUMNS="120")
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert "SIMULATED MARKET" in lines[0]
        assert "SIMULATED MARKET" in lines[-1]
        assert sum(line.lstrip().startswith("20 ") for line in lines) == 1

    def test_demo_needs_no_database_key_or_network(
        self, command: Command, tmp_path: Path
    ) -> None:
        done = command(
            *("screen_short_grid", "--top", "1", "--demo", "--format", "json"),
            HOME=str(tmp_path),
            https_proxy="http://127.0.0.1:9",
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["source"] == "demo"
        assert not (tmp_path / "data").exists()

    def test_two_demos_at_once_do_not_disturb_each_other(self) -> None:
        arguments = ["manage.py", "screen_short_grid", "--demo", "--format", "json"]
        both = [
            subprocess.Popen(
                [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.PIPE
            )
            for _ in range(2)
        ]
        ranks = []
        for process in both:
            stdout, _ = process.communicate(timeout=120)
            assert process.returncode == 0
            ranks.append([row["symbol"] for row in json.loads(stdout)["ranked"]])
        assert ranks[0] == ranks[1]


class TestFormats:
    def test_csv_has_a_row_for_each_listed_symbol(
        self, command: Command, exchange: EmbeddedExchange
    ) -> None:
        done = command(
            *("screen_short_grid", "--top", "5", "--min-volume", "0"),
            *("--format", "csv"),
            url=exchange.base_url,
        )
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        assert [row["rank"] for row in rows] == ["1", "2", "3", "4", "5"]
        assert done.returncode == 0

    def test_report_is_written_whole_and_named(
        self, command: Command, exchange: EmbeddedExchange, tmp_path: Path
    ) -> None:
        target = tmp_path / "报告.json"
        done = command(
            *("screen_short_grid", "--format", "json", "--output", str(target)),
            url=exchange.base_url,
        )
        assert done.returncode == 0
        assert "wrote" in one_line(done)
        assert json.loads(target.read_text(encoding="utf-8"))["source"] == "simulated"
        assert list(tmp_path.glob("*.tmp")) == []

    def test_chinese_symbol_works_from_flag_to_output(
        self, command: Command, exchange: EmbeddedExchange
    ) -> None:
        done = command(
            *("screen_short_grid", "--symbols", "币安人生USDT", "--min-volume", "0"),
            *("--min-natr", "0", "--min-days", "0"),
            url=exchange.base_url,
        )
        assert done.returncode == 0
        assert "1 币安人生USDT" in done.stdout
        sent = control(exchange, "requests")
        assert "币安人生USDT" in {row["symbol"] for row in sent}


class TestNothingQualifies:
    FLAGS = ("screen_short_grid", "--min-volume", "1e15")

    def test_empty_list_names_the_filter_and_is_no_failure(
        self, command: Command, exchange: EmbeddedExchange
    ) -> None:
        done = command(*self.FLAGS, url=exchange.base_url)
        assert done.returncode == 0
        assert "turnover" in done.stdout
        assert "--min-volume" in done.stdout

    def test_empty_list_fails_when_asked_to(
        self, command: Command, exchange: EmbeddedExchange
    ) -> None:
        done = command(*self.FLAGS, "--fail-empty", url=exchange.base_url)
        assert done.returncode == 4
        assert "no contract qualified" in one_line(done)

    def test_empty_json_is_complete(
        self, command: Command, exchange: EmbeddedExchange
    ) -> None:
        done = command(*self.FLAGS, "--format", "json", url=exchange.base_url)
        document = json.loads(done.stdout)
        assert document["ranked"] == []
        assert document["last_bar_close_ms"] is None
        assert document["coverage"] == 1.0
        assert len(document["excluded"]) == document["funnel"][0]["count"]


class TestUnusableExchange:
    def test_nobody_listening_exits_69(self, command: Command) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}"
        done = command("screen_short_grid", url=url)
        assert done.returncode == 69
        assert "127.0.0.1" in one_line(done)

    @pytest.mark.parametrize(
        ("fault", "code"),
        [
            ({"status": 403, "html": True}, 69),
            ({"status": 451, "body_text": "{}"}, 69),
            ({"status": 503, "html": True}, 69),
            ({"body_text": "<html>captive portal</html>"}, 69),
            ({"body_text": '{"symbols": 3}'}, 69),
            ({"status": 418, "headers": {"Retry-After": "600"}, "body_text": "{}"}, 75),
            ({"status": 429, "headers": {"Retry-After": "600"}, "body_text": "{}"}, 75),
        ],
    )
    def test_unusable_answer_is_one_line_and_its_code(
        self,
        command: Command,
        exchange: EmbeddedExchange,
        fault: dict[str, object],
        code: int,
    ) -> None:
        path = "/fapi/v1/exchangeInfo"
        control(exchange, "faults", [{"path": path, "times": 99, **fault}])
        done = command("screen_short_grid", url=exchange.base_url)
        assert done.returncode == code, done.stderr
        one_line(done)

    def test_ban_is_told_in_local_time(
        self, command: Command, exchange: EmbeddedExchange
    ) -> None:
        ban = {"path": "/fapi/v1/time", "status": 418, "headers": {"Retry-After": "60"}}
        control(exchange, "faults", [ban])
        done = command("screen_short_grid", url=exchange.base_url, TZ="Asia/Shanghai")
        assert done.returncode == 75
        assert "CST" in one_line(done)

    def test_report_of_yesterday_survives_a_failed_scan(
        self, command: Command, exchange: EmbeddedExchange, tmp_path: Path
    ) -> None:
        target = tmp_path / "report.json"
        target.write_text("yesterday")
        control(exchange, "faults", [{"path": "*", "times": None, "status": 500}])
        done = command(
            *("screen_short_grid", "--format", "json", "--output", str(target)),
            url=exchange.base_url,
        )
        assert done.returncode == 69
        assert target.read_text() == "yesterday"


class TestDegraded:
    def test_low_coverage_writes_the_report_and_exits_3(
        self, command: Command, exchange: EmbeddedExchange, tmp_path: Path
    ) -> None:
        control(
            exchange,
            "faults",
            [{"path": "/fapi/v1/klines", "times": 30, "body_text": "[[1]]"}],
        )
        target = tmp_path / "report.json"
        done = command(
            *("screen_short_grid", "--min-volume", "0", "--format", "json"),
            *("--output", str(target), "--quiet"),
            url=exchange.base_url,
        )
        assert done.returncode == 3
        assert "degraded: coverage" in one_line(done)
        document = json.loads(target.read_text(encoding="utf-8"))
        assert document["degraded"] is True
        assert document["coverage"] < 0.9


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_interrupted_scan_leaves_no_file_and_its_code(
    number: signal.Signals, code: int, word: str, tmp_path: Path
) -> None:
    target = tmp_path / "report.json"
    with EmbeddedExchange(contracts=40, latency_ms=1500) as slow:
        process = subprocess.Popen(
            [
                *(sys.executable, "manage.py", "screen_short_grid"),
                *("--format", "json", "--output", str(target)),
            ],
            cwd=ROOT,
            env=os.environ
            | {
                "BINANCE_FAPI_URL": slow.base_url,
                "SCREENER_DATA_DIR": str(tmp_path / "data"),
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        while not control(slow, "requests"):
            assert process.poll() is None
        process.send_signal(number)
        _, stderr = process.communicate(timeout=6)
    assert process.returncode == code
    assert "Traceback" not in stderr
    assert word in stderr
    assert not target.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@needs_recorded_market
class TestRecordedMarket:
    def test_real_market_is_ranked(
        self, command: Command, recorded_exchange: EmbeddedExchange
    ) -> None:
        done = command(
            *("screen_short_grid", "--top", "20", "--min-volume", "10000000"),
            *("--format", "json"),
            url=recorded_exchange.base_url,
        )
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        counts = {row["stage"]: row["count"] for row in document["funnel"]}
        assert counts["universe"] == 705
        assert counts["turnover"] == 133
        assert len(document["ranked"]) == 20
        assert all(row["grid"] for row in document["ranked"])
        reasons = {row["symbol"]: row["reason"] for row in document["excluded"]}
        assert reasons["币安人生USDT"]["code"] == "no_ticker"
        assert reasons["ELSAUSDT"]["code"] == "malformed_payload"

    def test_bars_that_were_not_recorded_say_so(
        self, command: Command, recorded_exchange: EmbeddedExchange
    ) -> None:
        done = command(
            "screen_short_grid", "--interval", "15m", url=recorded_exchange.base_url
        )
        assert done.returncode == 69
        assert "no data for any of the" in one_line(done)

    def test_folder_without_a_market_is_refused(self, command: Command) -> None:
        done = command(
            "simulate_exchange",
            "--port",
            "0",
            "--data",
            str(MARKET.parent.parent / "none"),
        )
        assert done.returncode == 2
        one_line(done)
