"""Ledgers in Redis, over a real socket."""

import builtins
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any

import pytest
from fakeredis import TcpFakeServer

from monitor.domain.market import MINUTE_MS
from monitor.exceptions import LedgerUnavailable
from monitor.ratelimit.ledger import Grant, Lane
from monitor.ratelimit.redis_store import KEPT_S, PREFIX, RedisStore
from monitor.ratelimit.shared import SharedLedger
from monitor.ratelimit.stores import MemoryStore, open_store

CANARY = "canary"
SAFE = 29_833_334 * MINUTE_MS + 10_000


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    served = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    served.daemon_threads = True
    thread = Thread(target=served.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"redis://127.0.0.1:{served.server_address[1]}"
    served.shutdown()
    served.server_close()
    thread.join()


@pytest.fixture
def url(server: str) -> Iterator[str]:
    """A database that is empty."""
    found = f"{server}/3"
    store = RedisStore(found)
    for address in store.rows():
        store.forget(address)
    yield found
    store.close()


@pytest.fixture
def stores(url: str) -> Iterator[list[RedisStore]]:
    made = [RedisStore(url) for _ in range(2)]
    yield made
    for store in made:
        store.close()
        store.close()


def ledger(store: Any) -> SharedLedger:
    return SharedLedger(
        store, "a:443", weight_per_minute=1000, safety_share=0.8, reserved_weight=0
    )


def test_what_one_writes_the_other_reads(stores: list[RedisStore]) -> None:
    one, other = stores
    assert one.read("a:443") is None
    one.update("a:443", lambda _: (b"1", None))
    assert other.update("a:443", lambda kept: (b"2", kept), is_durable=True) == b"1"
    assert one.rows() == {"a:443": b"2"}
    one.prune(0, lambda _: True)
    assert other.forget("a:443")
    assert not other.forget("a:443")
    one.close()
    assert one.rows() == {}, "a later use connects anew"


def test_unchanged_bytes_are_not_written(stores: list[RedisStore]) -> None:
    one, other = stores
    one.update("a:443", lambda _: (b"1", None))
    other._client.persist(PREFIX + "a:443")
    one.update("a:443", lambda kept: (kept or b"", None))
    assert other._client.ttl(PREFIX + "a:443") == -1
    one.update("a:443", lambda _: (b"2", None))
    assert 0 < other._client.ttl(PREFIX + "a:443") <= KEPT_S


def test_a_step_is_repeated_when_somebody_else_wrote(stores: list[RedisStore]) -> None:
    one, other = stores
    seen: list[bytes | None] = []

    def step(kept: bytes | None) -> tuple[bytes, None]:
        seen.append(kept)
        if len(seen) == 1:
            other.update("a:443", lambda _: (b"theirs", None))
        return (kept or b"") + b"+ours", None

    one.update("a:443", step)
    assert seen == [None, b"theirs"]
    assert one.read("a:443") == b"theirs+ours"


def test_writers_without_end_are_an_error(url: str) -> None:
    store, other = RedisStore(url, timeout_s=0.05), RedisStore(url)
    number = 0

    def step(_: bytes | None) -> tuple[bytes, None]:
        nonlocal number
        number += 1
        other.update("a:443", lambda _: (str(number).encode(), None))
        return b"ours", None

    with pytest.raises(LedgerUnavailable, match=r"for 0\.05 s without a gap"):
        store.update("a:443", step)
    store.close()
    other.close()


def test_threads_and_stores_never_grant_more_than_the_share(
    stores: list[RedisStore],
) -> None:
    ledgers = [ledger(store) for store in stores]

    def attempt(number: int) -> int:
        answer = ledgers[number % 2].reserve(7, Lane.SCAN, SAFE)
        return answer.weight if isinstance(answer, Grant) else 0

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(160))) == 800 // 7 * 7
    assert ledgers[0].used_weight(SAFE) == 800 // 7 * 7


def test_the_rules_are_those_of_memory(stores: list[RedisStore]) -> None:
    memory = MemoryStore()
    twins = [
        SharedLedger(
            store,
            "a:443",
            weight_per_minute=100,
            safety_share=0.8,
            reserved_weight=20,
            owner="same",
        )
        for store in (stores[0], memory)
    ]
    for step in range(24):
        lane = list(Lane)[step % 4]
        now_ms = SAFE + step * 2500
        answers = [twin.reserve(step % 30, lane, now_ms) for twin in twins]
        assert answers[0] == answers[1]
        for twin in twins:
            twin.observe(step * 3 % 70, sent_ms=now_ms, received_ms=now_ms)
            twin.withdraw(lane)
            if step == 12:
                twin.block_until(now_ms + 20_000, is_banned=False)
        assert stores[0].read("a:443") == memory.read("a:443")


def test_a_block_holds_for_everybody(stores: list[RedisStore]) -> None:
    ledger(stores[0]).block_until(SAFE, is_banned=True)
    found = ledger(stores[1]).block(SAFE - 1)
    assert found is not None
    assert found.is_banned


@pytest.mark.parametrize("use", ["read", "update", "rows", "forget"])
def test_a_server_that_is_not_there_is_an_error_that_hides_the_password(
    use: str,
) -> None:
    url = f"redis://{CANARY}user:{CANARY}@127.0.0.1:1/3"
    store = RedisStore(url)
    calls = {
        "read": lambda: store.read("a"),
        "update": lambda: store.update("a", lambda _: (b"", None)),
        "rows": store.rows,
        "forget": lambda: store.forget("a"),
    }
    with pytest.raises(LedgerUnavailable) as caught:
        calls[use]()
    assert str(caught.value) == (
        "request ledger redis://127.0.0.1:1/3: the server cannot be reached; nothing "
        "is sent without it (RATE_LEDGER_URL=memory:// goes without sharing)"
    )
    shown = f"{caught.value!r} {store.where} {caught.value.__cause__!r}"
    assert CANARY not in shown
    assert caught.value.__suppress_context__


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_redis(name: str, *args: Any, **options: Any) -> Any:
        if name == "redis":
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without_redis)
    with pytest.raises(LedgerUnavailable) as caught:
        open_store(f"rediss://:{CANARY}@redis.example", None)
    assert str(caught.value).startswith(
        "request ledger rediss://redis.example:6379: Redis needs one more package: "
        "pip install short-grid-screener[redis];"
    )
    assert CANARY not in str(caught.value)
