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
BAR_MS = 4 * 3_600_000


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


def control(base_url: str, what: str, body: object = None) -> Any:
    """Call a control of the simulated exchange."""
    request = urllib.request.Request(  # noqa: S310
        f"{base_url}/sim/{what}",
        method="GET" if what == "requests" else "POST",
        data=None if body is None else json.dumps(body).encode(),
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return json.loads(answer.read())


def begin_minute(base_url: str, *, new_bars: bool = False) -> None:
    """Forget the exchange's log and windows; go to a minute that nobody has used."""
    control(base_url, "reset")
    control(base_url, "clock", {"advance_ms": 60_000})
    if new_bars:
        control(base_url, "clock", {"advance_ms": BAR_MS})


def scan_flags(output: Path) -> tuple[str, ...]:
    """Return the command of a scan of everything that has a ticker."""
    return (
        *("manage.py", "screen_short_grid", "--top", "20", "--min-volume", "0"),
        *("--format", "json", "--output", str(output), "--quiet"),
    )


def scan(base_url: str, folder: Path) -> tuple[Finished, dict[str, Any]]:
    """Scan once; return the process and its report."""
    output = folder / "report.json"
    finished = run(
        *scan_flags(output),
        BINANCE_FAPI_URL=base_url,
        SCREENER_DATA_DIR=str(folder),
    )
    return finished, json.loads(output.read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scans:
    """Scans of one kind, by what was on disk."""

    finished: list[Finished]
    report: dict[str, Any]
    """Of the last one."""

    @property
    def seconds(self) -> float:
        """Median duration."""
        return statistics.median(f.seconds for f in self.finished)

    @property
    def weight(self) -> int:
        """Request weight."""
        return int(self.report["requests"]["weight"])

    @property
    def latency_bound_s(self) -> float:
        """Duration if nothing but latency took time."""
        return float(self.report["requests"]["count"] * LATENCY_MS / 1000 / WORKERS)


def two_at_once(base_url: str, folder: Path) -> BenchRow:
    """Start two full scans together that share one address's limit (H8)."""
    begin_minute(base_url)
    control(base_url, "clock", {"to_second": 40})  # the next minute is near
    environment = {"BINANCE_FAPI_URL": base_url, "SCREENER_DATA_DIR": str(folder)}
    started = time.monotonic()
    pair = [
        subprocess.Popen(
            [sys.executable, *scan_flags(folder / f"{name}.json"), "--no-cache"],
            cwd=ROOT,
            env={**os.environ, **environment},
        )
        for name in ("first", "second")
    ]
    codes = [process.wait() for process in pair]
    seconds = time.monotonic() - started
    log = control(base_url, "requests")
    refused = sum(row["status"] in {418, 429} for row in log)
    by_minute: dict[int, int] = {}
    for row in log:
        minute = row["at_ms"] // 60_000
        by_minute[minute] = by_minute.get(minute, 0) + row["weight"]
    return BenchRow(
        name="two full scans at once, one limit of 2,400",
        ours=f"{seconds:.0f} s, exits {codes}, refused {refused}",
        bound="no 429, both finish",
        reached=codes == [0, 0] and refused == 0,
        peer=f"weight {sum(by_minute.values())}, at most "
        f"{max(by_minute.values())} a minute (80 %: 1920)",
    )


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


def measured(base_url: str) -> tuple[Scans, Scans, Scans, list[float]]:
    """Return cold scans, warm ones, ones with a new bar, and the peer's seconds."""
    finished: dict[str, list[Finished]] = {"cold": [], "warm": [], "new bar": []}
    reports: dict[str, dict[str, Any]] = {}
    peers: list[float] = []
    for _ in range(RUNS):
        with TemporaryDirectory() as folder:
            for kind, done in finished.items():
                begin_minute(base_url, new_bars=kind == "new bar")
                process, reports[kind] = scan(base_url, Path(folder))
                done.append(process)
        begin_minute(base_url)
        peer = run(
            *("-m", "tests.benchmarks.ccxt_peer", base_url),
            *(str(WORKERS), *fetched(reports["cold"])),
        )
        peers.append(peer.seconds)
    cold, warm, new_bar = (
        Scans(finished=done, report=reports[kind]) for kind, done in finished.items()
    )
    return cold, warm, new_bar, peers


def fetched(report: dict[str, Any]) -> list[str]:
    """Return the symbols whose bars were asked for."""
    symbols = [
        row["symbol"] for part in ("ranked", "not_listed") for row in report[part]
    ]
    stages = {"bars", "gap", "movement", "natr", "tick"}
    return symbols + [
        row["symbol"] for row in report["excluded"] if row["stage"] in stages
    ]


def warm_rows(cold: Scans, warm: Scans, new_bar: Scans) -> list[BenchRow]:
    """Compare scans that find bars on disk with those that find none (H2)."""
    rows = []
    for name, found, weight_share, time_share in (
        ("warm scan, same bar", warm, 0.40, 0.60),
        ("scan with one new bar", new_bar, 0.72, 1.0),
    ):
        weight, seconds = found.weight / cold.weight, found.seconds / cold.seconds
        rows.append(
            BenchRow(
                name=name,
                ours=f"{found.weight} ({weight:.2f} ×), "
                f"{found.seconds:.2f} s ({seconds:.2f} ×)",
                bound=f"≤ {weight_share} ×, ≤ {time_share} ×",
                reached=weight <= weight_share and seconds <= time_share,
                peer=f"latency alone {found.latency_bound_s:.2f} s",
            )
        )
    return rows


def rows() -> list[BenchRow]:
    """Measure the scan, its peer and the start-up in one run."""
    with EmbeddedExchange(contracts=CONTRACTS, latency_ms=LATENCY_MS) as exchange:
        cold, warm, new_bar, peers = measured(exchange.base_url)
        known_truth = separation(exchange.base_url, cold.report)
        with TemporaryDirectory() as folder:
            pair = two_at_once(exchange.base_url, Path(folder))
    symbols, listed = len(fetched(cold.report)), len(cold.report["ranked"])
    bound_s = 1.10 * cold.latency_bound_s + 1.0
    weight_bound = 60 + 3 * symbols + 2 * listed
    peak_mb = max(f.peak_mb for s in (cold, warm, new_bar) for f in s.finished)
    starts = [run("manage.py", "screen_short_grid", "--help").seconds for _ in range(5)]
    return [
        BenchRow(
            name=f"cold scan, {CONTRACTS} contracts ({symbols} fetched)",
            ours=f"{cold.seconds:.2f} s",
            bound=f"≤ {bound_s:.2f} s",
            reached=cold.seconds <= bound_s,
            peer=f"{LATENCY_MS} ms latency alone {cold.latency_bound_s:.2f} s "
            f"({cold.seconds / cold.latency_bound_s:.2f} ×)",
        ),
        BenchRow(
            name="its request weight",
            ours=f"{cold.weight}",
            bound=f"≤ {weight_bound}",
            reached=cold.weight <= weight_bound,
            peer="",
        ),
        *warm_rows(cold, warm, new_bar),
        BenchRow(
            name="the data of a cold scan with ccxt async",
            ours=f"{cold.seconds:.2f} s",
            bound="",
            reached=None,
            peer=f"{statistics.median(peers):.2f} s "
            f"({statistics.median(peers) / cold.seconds:.2f} ×)",
        ),
        pair,
        BenchRow(
            name="peak memory of a scan",
            ours=f"{peak_mb:.0f} MB",
            bound="≤ 250 MB",
            reached=peak_mb <= 250,
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
