"""Whole commands against the simulated exchange, over real sockets."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.simulator.server import EmbeddedExchange
from tests.recorded import MARKET, ROOT

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def _generated_exchange() -> Iterator[EmbeddedExchange]:
    with EmbeddedExchange(contracts=120, seed=7) as exchange:
        yield exchange


@pytest.fixture
def exchange(_generated_exchange: EmbeddedExchange) -> EmbeddedExchange:
    """A generated market of 120 contracts, its windows and faults reset."""
    control(_generated_exchange, "reset")
    return _generated_exchange


@pytest.fixture(scope="session")
def recorded_exchange() -> Iterator[EmbeddedExchange]:
    """The recorded market, for tests marked `needs_recorded_market`."""
    with EmbeddedExchange(data=MARKET) as exchange:
        yield exchange


def control(exchange: EmbeddedExchange, what: str, body: object = None) -> Any:
    """Call a control endpoint of the simulated exchange."""
    request = urllib.request.Request(  # noqa: S310
        f"{exchange.base_url}/sim/{what}",
        method="GET" if what in {"truth", "requests"} else "POST",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as reply:  # noqa: S310
        return json.loads(reply.read() or b"null")


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Run a management command in a process of its own."""

    def run(
        *arguments: str, url: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        env = {k: v for k, v in os.environ.items() if k != "BINANCE_FAPI_URL"}
        env |= {"SCREENER_DATA_DIR": str(tmp_path / "data"), "NO_COLOR": "1"}
        if url is not None:
            env["BINANCE_FAPI_URL"] = url
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=env | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run
