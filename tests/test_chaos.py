"""The proxy of the fault tests does what it is told."""

import time
from collections.abc import Callable, Iterator

import pytest
import requests

from tests.chaos import UNTOUCHED, ChaosProxy, Treatment, full_address, refusing_address
from tests.monitor.loopback import Loopback, Reply

BODY = b"0123456789" * 1000


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(lambda _: Reply(body=BODY)) as running:
        yield running


def fetched(proxy: ChaosProxy) -> bytes:
    return requests.get(proxy.base_url, timeout=5).content


def test_untouched_bytes_pass(server: Loopback) -> None:
    with ChaosProxy(server.base_url) as proxy:
        assert fetched(proxy) == BODY
        assert proxy.connection_count == 1


def test_slices_arrive_whole(server: Loopback) -> None:
    with ChaosProxy(server.base_url, Treatment(slice_bytes=7)) as proxy:
        assert fetched(proxy) == BODY


@pytest.mark.parametrize(
    ("treatment", "least_s"),
    [
        (Treatment(latency_s=0.3), 0.3),
        (Treatment(slice_bytes=2000, pause_s=0.1), 0.4),
    ],
)
def test_delays_delay(server: Loopback, treatment: Treatment, least_s: float) -> None:
    with ChaosProxy(server.base_url, treatment) as proxy:
        began_s = time.monotonic()
        assert fetched(proxy) == BODY
        assert time.monotonic() - began_s >= least_s


@pytest.mark.parametrize(
    "treatment", [Treatment(cut_after=5000), Treatment(reset_after=5000)]
)
def test_a_connection_ends_inside_the_body(
    server: Loopback, treatment: Treatment
) -> None:
    with (
        ChaosProxy(server.base_url, treatment) as proxy,
        pytest.raises(requests.exceptions.ChunkedEncodingError),
    ):
        fetched(proxy)


def test_every_so_manieth_byte_is_corrupted(server: Loopback) -> None:
    with ChaosProxy(server.base_url, Treatment(corrupt_every=1000)) as proxy:
        body = fetched(proxy)
    assert len(body) == len(BODY)
    assert body.count(0) == 10


def test_a_black_hole_answers_nothing(server: Loopback) -> None:
    with ChaosProxy(server.base_url, Treatment(blackhole=True)) as proxy:
        with pytest.raises(requests.exceptions.ReadTimeout):
            requests.get(proxy.base_url, timeout=0.2)
        proxy.treat(UNTOUCHED)
        assert fetched(proxy) == BODY
    assert len(server.log) == 1


def test_connections_are_treated_by_their_number(server: Loopback) -> None:
    def choose(number: int) -> Treatment:
        return Treatment(reset_after=0) if number == 0 else UNTOUCHED

    with ChaosProxy(server.base_url, choose=choose) as proxy:
        with pytest.raises(requests.exceptions.ConnectionError):
            fetched(proxy)
        assert fetched(proxy) == BODY


def test_open_connections_can_be_reset_and_new_ones_refused(server: Loopback) -> None:
    with ChaosProxy(server.base_url) as proxy, requests.Session() as session:
        assert session.get(proxy.base_url, timeout=5).content == BODY
        proxy.refuse()
        assert session.get(proxy.base_url, timeout=5).content == BODY  # kept alive
        proxy.reset_all()
        with pytest.raises(requests.exceptions.ConnectionError):
            session.get(proxy.base_url, timeout=5)
        proxy.accept()
        assert session.get(proxy.base_url, timeout=5).content == BODY
        assert proxy.connection_count == 2


@pytest.mark.parametrize(
    ("address", "error"),
    [
        (refusing_address, requests.exceptions.ConnectionError),
        (None, requests.exceptions.ConnectTimeout),
    ],
)
def test_addresses_without_a_server(
    address: Callable[[], str] | None, error: type[Exception]
) -> None:
    with full_address() as full, pytest.raises(error):
        requests.get(full if address is None else address(), timeout=0.3)
