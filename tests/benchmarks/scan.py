"""The scan and the start-up, as whole processes."""

import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

from monitor.simulator.server import EmbeddedExchange
from tests.benchmarks.rows import BenchRow

ROOT = Path(__file__).resolve().parents[2]
LATENCY_MS = 120
CONTRACTS = 540
WORKERS = 20
RUNS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """One finished process."""

    seconds: float
    peak_mb: float
    stdout: str


def run(*arguments: str, **environment: str) -> Finished:
    """Run a command to its end and measure it from outside."""
    with TemporaryFile("w+", encoding="utf-8") as stdout, TemporaryFile() as stderr:
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=stdout,
            stderr=stderr,
        )
        # wait4 tells the peak memory of this one child.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        if process.returncode != 0:
            raise RuntimeError(f"{arguments[:4]}: {stderr.read()[-500:]!r}")
        return Finished(
            seconds=seconds, peak_mb=usage.ru_maxrss / 1024, stdout=stdout.read()
        )


def reset(base_url: str) -> None:
    """Forget the exchange's weight windows, so that runs do not wait for minutes."""
    request = urllib.request.Request(f"{base_url}/sim/reset", method="POST")  # noqa: S310
    with urllib.request.urlopen(request):  # noqa: S310
        pass


def scan(base_url: str, folder: Path) -> tuple[Finished, dict[str, Any]]:
    """Scan everything that has a ticker; return the process and its report."""
    reset(base_url)
    output = folder / "report.json"
    finished = run(
        *("manage.py", "screen_short_grid", "--top", "20", "--min-volume", "0"),
        *("--format", "json", "--output", str(output), "--quiet"),
        BINANCE_FAPI_URL=base_url,
        SCREENER_DATA_DIR=str(folder),
    )
    return finished, json.loads(output.read_text(encoding="utf-8"))


def separation(base_url: str, report: dict[str, Any]) -> BenchRow:
    """Tell how well the score separates contracts whose truth is known."""
    with urllib.request.urlopen(f"{base_url}/sim/truth") as answer:  # noqa: S310
        truths = json.loads(answer.read())
    scores: dict[str, list[float]] = {}
    for row in (*report["ranked"], *report["not_listed"]):
        scores.setdefault(truths[row["symbol"]]["kind"], []).append(row["gss"])
    reverting = scores["mean_reverting"]
    trending = scores["trending_up"] + scores["trending_down"]
    wins = statistics.mean(r > t for r in reverting for t in trending)
    return BenchRow(
        name="known truth: a reverting contract outranks a trending one",
        ours=f"{wins:.0%}",
        bound="",
        reached=None,
        peer=f"mean GSS {statistics.mean(reverting):.2f} against "
        f"{statistics.mean(trending):.2f} ({len(reverting)}, {len(trending)})",
    )


def rows() -> list[BenchRow]:
    """Measure the scan, its peer and the start-up in one run."""
    scans, peers = [], []
    with (
        TemporaryDirectory() as folder,
        EmbeddedExchange(contracts=CONTRACTS, latency_ms=LATENCY_MS) as exchange,
    ):
        for _ in range(RUNS):
            finished, report = scan(exchange.base_url, Path(folder))
            scans.append(finished)
            symbols = [
                row["symbol"]
                for part in ("ranked", "not_listed")
                for row in report[part]
            ]
            symbols += [
                row["symbol"]
                for row in report["excluded"]
                if row["stage"] in {"bars", "gap", "movement", "natr", "tick"}
            ]
            reset(exchange.base_url)
            peer = run(
                *("-m", "tests.benchmarks.ccxt_peer", exchange.base_url),
                *(str(WORKERS), *symbols),
            )
            peers.append(peer.seconds)
        known_truth = separation(exchange.base_url, report)
    requests, weight = report["requests"]["count"], report["requests"]["weight"]
    seconds = statistics.median(f.seconds for f in scans)
    latency_bound = requests * LATENCY_MS / 1000 / WORKERS
    listed = len(report["ranked"])
    starts = [run("manage.py", "screen_short_grid", "--help").seconds for _ in range(5)]
    return [
        BenchRow(
            name=f"cold scan, {CONTRACTS} contracts ({len(symbols)} fetched)",
            ours=f"{seconds:.2f} s",
            bound=f"≤ {1.10 * latency_bound + 1.0:.2f} s",
            reached=seconds <= 1.10 * latency_bound + 1.0,
            peer=f"{LATENCY_MS} ms latency alone {latency_bound:.2f} s "
            f"({seconds / latency_bound:.2f} ×)",
        ),
        BenchRow(
            name="the same data with ccxt async",
            ours=f"{seconds:.2f} s",
            bound="",
            reached=None,
            peer=f"{statistics.median(peers):.2f} s "
            f"({statistics.median(peers) / seconds:.2f} ×)",
        ),
        BenchRow(
            name="request weight",
            ours=f"{weight}",
            bound=f"≤ {60 + 3 * len(symbols) + 2 * listed}",
            reached=weight <= 60 + 3 * len(symbols) + 2 * listed,
            peer="",
        ),
        BenchRow(
            name="peak memory of a scan",
            ours=f"{max(f.peak_mb for f in scans):.0f} MB",
            bound="≤ 250 MB",
            reached=max(f.peak_mb for f in scans) <= 250,
            peer="",
        ),
        BenchRow(
            name="start-up, --help",
            ours=f"{statistics.median(starts):.2f} s",
            bound="≤ 1.0 s",
            reached=statistics.median(starts) <= 1.0,
            peer="",
        ),
        known_truth,
    ]
