from collections.abc import Iterator

import pytest

from monitor.simulator.generated import GeneratedMarket
from monitor.simulator.server import EmbeddedExchange


@pytest.fixture(scope="module")
def exchange() -> Iterator[EmbeddedExchange]:
    with EmbeddedExchange(contracts=24) as running:
        yield running


@pytest.fixture(scope="session")
def market() -> GeneratedMarket:
    return GeneratedMarket(count=540, seed=7)
