"""Two full scans at once share one address's limit."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from monitor.domain.market import MINUTE_MS
from monitor.simulator.server import EmbeddedExchange
from tests.end_to_end.conftest import ROOT, control

SHARE = 1_920
"""80 % of 2,400."""


@pytest.mark.slow
def test_both_finish_and_nobody_is_refused(tmp_path: Path) -> None:
    with EmbeddedExchange(contracts=400, seed=7) as exchange:
        # as a second of the minute that leaves little waiting for the next one
        control(exchange, "clock", {"to_second": 40})
        environment = os.environ | {
            "BINANCE_FAPI_URL": exchange.base_url,
            "SCREENER_DATA_DIR": str(tmp_path / "data"),
        }
        outputs = [tmp_path / f"{name}.json" for name in ("first", "second")]
        scans = [
            subprocess.Popen(
                [sys.executable, "manage.py", "screen_short_grid", "--min-volume", "0",
                 "--no-cache", "--quiet", "--output", str(output)],
                cwd=ROOT,
                env=environment,
                stderr=subprocess.PIPE,
                text=True,
            )
            for output in outputs
        ]  # fmt: skip
        complaints = [scan.communicate(timeout=180)[1] for scan in scans]
        log = control(exchange, "requests")
    assert complaints == ["", ""]
    assert [scan.returncode for scan in scans] == [0, 0]
    assert {row["status"] for row in log} == {200}
    by_minute: Counter[int] = Counter()
    for row in log:
        by_minute[row["at_ms"] // MINUTE_MS] += row["weight"]
    assert max(by_minute.values()) <= SHARE < sum(by_minute.values())
    documents = [json.loads(output.read_text(encoding="utf-8")) for output in outputs]
    assert [document["coverage"] for document in documents] == [1.0, 1.0]
    spent = sum(document["requests"]["weight"] for document in documents)
    assert spent == sum(by_minute.values())
    assert any(document["requests"]["budget_wait_s"] > 0 for document in documents)
