"""``manage.py vp_analysis`` as users run it: a process, real sockets, files."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.simulator.server import EmbeddedExchange
from tests.end_to_end.conftest import Command, control
from tests.end_to_end.test_command import one_line
from tests.recorded import ROOT, needs_recorded_market

RUN = "vp_analysis"
KLINES = "/fapi/v1/klines"


class TestReport:
    def test_demo_needs_nothing_and_says_simulated(
        self, command: Command, tmp_path: Path
    ) -> None:
        done = command(RUN, "BTCUSDT", "--demo", COLUMNS="120", HOME=str(tmp_path))

        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert "SIMULATED MARKET" in lines[0]
        assert "SIMULATED MARKET" in lines[-1]
        assert any(line.startswith("BTCUSDT ") for line in lines)
        assert "point of control" in done.stdout
        assert "resonance" in done.stdout
        assert not (tmp_path / "data").exists()

    def test_json_holds_every_timeframe_and_the_weight(
        self, command: Command, exchange: EmbeddedExchange
    ) -> None:
        done = command(
            *(RUN, "ethusdt", "币安人生USDT", "--format", "json"),
            url=exchange.base_url,
        )
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        first, second = document["contracts"]

        assert (first["symbol"], second["symbol"]) == ("ETHUSDT", "币安人生USDT")
        assert list(first["timeframes"]) == ["15m", "1h", "4h"]
        box = first["box"]
        assert box["support"] < first["profile"]["poc"] < box["resistance"]
        sent = control(exchange, "requests")
        assert document["requests"]["weight"] == sum(row["weight"] for row in sent)

    def test_second_run_takes_its_bars_from_the_disk(
        self, command: Command, exchange: EmbeddedExchange
    ) -> None:
        flags = (RUN, "BTCUSDT", "--limit", "1600", "--format", "csv")
        cold = command(*flags, url=exchange.base_url)
        asked = [r for r in control(exchange, "requests") if r["path"] == KLINES]
        control(exchange, "reset")
        warm = command(*flags, url=exchange.base_url)
        again = [r for r in control(exchange, "requests") if r["path"] == KLINES]

        assert cold.returncode == warm.returncode == 0, warm.stderr
        assert cold.stdout == warm.stdout
        assert sum(r["weight"] for r in asked) >= 3 * 10
        assert sum(r["weight"] for r in again) <= 4

    def test_groups_and_files_name_contracts(
        self, command: Command, exchange: EmbeddedExchange, tmp_path: Path
    ) -> None:
        names = tmp_path / "mine.txt"
        names.write_text("SOLUSDT, BTCUSDT  # two of them\n")

        def symbols(group: str) -> list[str]:
            done = command(
                *(RUN, "--group", group, "--format", "csv", "--timeframes", "none"),
                url=exchange.base_url,
            )
            assert done.returncode == 0, done.stderr
            return [row["symbol"] for row in csv.DictReader(io.StringIO(done.stdout))]

        assert len(symbols("top10")) == 10
        assert set(symbols("major")) <= {
            f"{a}USDT" for a in ("BTC", "ETH", "BNB", "SOL", "XRP", "DOGE", "ADA")
        }
        assert symbols(str(names)) == ["SOLUSDT", "BTCUSDT"]

    def test_report_and_pictures_are_written_whole_and_named(
        self, command: Command, exchange: EmbeddedExchange, tmp_path: Path
    ) -> None:
        report, picture = tmp_path / "报告.json", tmp_path / "box.svg"
        done = command(
            *(RUN, "BTCUSDT", "ETHUSDT", "--output", str(report)),
            *("--plot", str(picture)),
            url=exchange.base_url,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        assert [line.split()[1] for line in done.stderr.splitlines()] == ["wrote"] * 3
        assert len(json.loads(report.read_text(encoding="utf-8"))["contracts"]) == 2
        names = sorted(path.name for path in tmp_path.glob("*.svg"))
        assert names == ["box-BTCUSDT.svg", "box-ETHUSDT.svg"]
        assert "POC" in (tmp_path / names[0]).read_text(encoding="utf-8")
        assert list(tmp_path.glob("*.tmp")) == []

    def test_one_contract_s_picture_has_the_name_that_was_given(
        self, command: Command, exchange: EmbeddedExchange, tmp_path: Path
    ) -> None:
        target = tmp_path / "box.png"
        done = command(
            *(RUN, "BTCUSDT", "--plot", str(target), "--quiet"), url=exchange.base_url
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert target.read_bytes().startswith(b"\x89PNG")


class TestSpot:
    def test_market_spot_is_asked_on_its_own_paths_and_budget(
        self, command: Command, exchange: EmbeddedExchange
    ) -> None:
        done = command(
            *(RUN, "BTCUSDT", "1000PEPEUSDT", "币安人生USDT", "--limit", "1600"),
            *("--market", "spot", "--format", "json"),
            url=exchange.base_url,
            BINANCE_SPOT_URL=exchange.base_url,
        )
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        sent = control(exchange, "requests")

        assert document["market"] == "spot"
        assert document["missing_on_spot"] == ["1000PEPEUSDT", "币安人生USDT"]
        (row,) = document["contracts"]
        assert row["bars"] > 1000
        assert {r["path"].split("/")[1] for r in sent} == {"api"}
        assert document["requests"]["count"] == 0
        assert document["spot_requests"]["weight"] == sum(r["weight"] for r in sent)

    def test_compared_spot_shows_both_boxes(
        self, command: Command, exchange: EmbeddedExchange
    ) -> None:
        done = command(
            *(RUN, "BTCUSDT", "1000PEPEUSDT", "--compare-spot"),
            url=exchange.base_url,
            BINANCE_SPOT_URL=exchange.base_url,
            COLUMNS="120",
        )
        assert done.returncode == 0, done.stderr
        assert "Spot POC" in done.stdout
        assert "point of control of spot from the futures': −0.0" in done.stdout
        assert done.stdout.count("not on the spot market: 1000PEPEUSDT\n") == 1

    def test_demo_has_a_spot_market_too(self, command: Command, tmp_path: Path) -> None:
        done = command(
            *(RUN, "BTCUSDT", "--demo", "--market", "spot", "--format", "csv"),
            HOME=str(tmp_path),
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[1].startswith("BTCUSDT,4h,")

    def test_ban_on_spot_exits_75_and_the_futures_are_still_asked(
        self, command: Command, exchange: EmbeddedExchange
    ) -> None:
        ban = {"path": "/api/v3/klines", "status": 418, "headers": {"Retry-After": "9"}}
        control(exchange, "faults", [ban])
        urls = {"url": exchange.base_url, "BINANCE_SPOT_URL": exchange.base_url}
        done = command(RUN, "BTCUSDT", "--market", "spot", **urls)
        assert done.returncode == 75
        assert "banned" in one_line(done)
        assert command(RUN, "BTCUSDT", **urls).returncode == 0


class TestMistakes:
    @pytest.mark.parametrize(
        ("flags", "spot_url", "text"),
        [
            (("--compare-spot",), None, "simulated and the spot market live: set both"),
            (
                ("--market", "spot"),
                "nowhere",
                "spot_url (BINANCE_SPOT_URL) must be like",
            ),
            (("--market", "spot", "--compare-spot"), None, "leave --market out"),
            (("--market", "margin"), None, "invalid choice: 'margin'"),
        ],
    )
    def test_wrong_use_of_spot_is_one_line_and_nothing_is_sent(
        self,
        command: Command,
        exchange: EmbeddedExchange,
        flags: tuple[str, ...],
        spot_url: str | None,
        text: str,
    ) -> None:
        environment = {} if spot_url is None else {"BINANCE_SPOT_URL": spot_url}
        done = command(RUN, "BTCUSDT", *flags, url=exchange.base_url, **environment)
        assert done.returncode == 2
        assert text in one_line(done)
        assert control(exchange, "requests") == []

    @pytest.mark.parametrize(
        ("flags", "text"),
        [
            ((), "name symbols like BTCUSDT, or a --group"),
            (("NOSUCHUSDT",), "not on the exchange: NOSUCHUSDT"),
            (("--group", "nope"), "must be top10, major, alt or a file of symbols"),
            (("--group", "alt", "--min-volume", "1e15"), "nobody qualifies"),
            (("BTCUSDT", "--limit", "19"), "a whole number in 20…15000, was 19"),
            (("BTCUSDT", "--timeframes", "5q"), "must be one of 1m,"),
            (("BTCUSDT", "--plot", "x.gif"), "must end in .png or .svg"),
            (("BTCUSDT", "--interval", "7h"), "must be one of 1m,"),
            (("BTCUSDT", "--format", "xml"), "choose from"),
            (("@no-such-file",), "must be a readable file"),
        ],
    )
    def test_mistake_is_one_line_and_exit_2(
        self,
        command: Command,
        exchange: EmbeddedExchange,
        flags: tuple[str, ...],
        text: str,
    ) -> None:
        done = command(RUN, *flags, url=exchange.base_url)
        assert done.returncode == 2
        assert text in one_line(done)
        assert one_line(done).startswith("vp_analysis: ")

    @pytest.mark.parametrize(("flag", "name"), [("--output", "x"), ("--plot", "x.png")])
    def test_file_that_cannot_be_written_is_found_out_first(
        self, command: Command, exchange: EmbeddedExchange, flag: str, name: str
    ) -> None:
        done = command(
            *(RUN, "BTCUSDT", flag, f"/no/such/folder/{name}"), url=exchange.base_url
        )
        assert done.returncode == 74
        one_line(done)
        assert control(exchange, "requests") == []


class TestFailures:
    def test_ban_exits_75(self, command: Command, exchange: EmbeddedExchange) -> None:
        ban = {"path": KLINES, "status": 418, "headers": {"Retry-After": "60"}}
        control(exchange, "faults", [ban])
        done = command(RUN, "BTCUSDT", url=exchange.base_url)
        assert done.returncode == 75
        assert "banned" in one_line(done)

    def test_no_data_for_anybody_exits_69(
        self, command: Command, exchange: EmbeddedExchange
    ) -> None:
        control(exchange, "faults", [{"path": KLINES, "times": 99, "status": 500}])
        done = command(RUN, "BTCUSDT", "ETHUSDT", url=exchange.base_url)
        assert done.returncode == 69
        assert "no data for any of the 2" in one_line(done)

    def test_failed_contract_is_named_and_the_run_degraded(
        self, command: Command, exchange: EmbeddedExchange
    ) -> None:
        control(
            exchange, "faults", [{"path": KLINES, "times": 1, "body_text": "[[1]]"}]
        )
        done = command(
            *(RUN, "BTCUSDT", "ETHUSDT", "--timeframes", "none", "--workers", "1"),
            url=exchange.base_url,
        )
        assert done.returncode == 3
        assert "degraded: coverage 50.0% is below 90.0%" in one_line(done)
        assert "left out: BTCUSDT" in done.stdout

    def test_interrupted_run_leaves_no_file(self, tmp_path: Path) -> None:
        target = tmp_path / "report.json"
        with EmbeddedExchange(contracts=40, latency_ms=1500) as slow:
            process = subprocess.Popen(
                [
                    *(sys.executable, "manage.py", RUN, "BTCUSDT"),
                    *("--output", str(target)),
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
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=6)
        assert process.returncode == 130
        assert "interrupted" in stderr
        assert "Traceback" not in stderr
        assert [path.name for path in tmp_path.iterdir()] == ["data"]


@needs_recorded_market
def test_real_market_has_boxes_and_says_what_was_not_recorded(
    command: Command, recorded_exchange: EmbeddedExchange
) -> None:
    done = command(
        *(RUN, "--group", "major", "--format", "json"), url=recorded_exchange.base_url
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)

    assert len(document["contracts"]) == 7
    for row in document["contracts"]:
        assert "missing" in row["timeframes"]["15m"]
        assert row["timeframes"]["1h"]["profile"]["value_area_share"] >= 0.7
        box = row["box"]
        assert box["support"] < row["profile"]["poc"] < box["resistance"]
        assert 0 < box["width_percent"] < 60
        assert abs(row["price"] / row["profile"]["poc"] - 1) < 0.5
        assert row["resonance"][0]["timeframes"] == ["1h", "4h"]
