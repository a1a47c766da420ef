"""Whole scans and whole commands against an exchange that misbehaves."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from monitor.simulator.server import EmbeddedExchange
from tests.faults.rig import Commands, Rig


@pytest.fixture
def rng(fault_seed: int) -> Random:
    return Random(fault_seed)


@pytest.fixture(scope="session")
def _session_rig() -> Iterator[Rig]:
    with EmbeddedExchange(contracts=80, seed=7) as exchange:
        yield Rig(exchange)


@pytest.fixture
def rig(_session_rig: Rig) -> Iterator[Rig]:
    """A market of 80 contracts: windows, bans, faults and log reset."""
    _session_rig.reset()
    yield _session_rig
    _session_rig.reset()


@pytest.fixture
def commands(rig: Rig, tmp_path: Path) -> Iterator[Commands]:
    """Commands with a data folder of the test's own."""
    started = Commands(rig, tmp_path / "data")
    yield started
    started.kill_all()
