"""The shared ledger: what it writes, what it only reads, when it refuses."""

from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.api_clients.clock import ExchangeClock
from monitor.domain.market import MINUTE_MS
from monitor.exceptions import LedgerUnavailable
from monitor.ratelimit import shared as room
from monitor.ratelimit.ledger import ClockReading, Denial, Grant, Lane, ledger_address
from monitor.ratelimit.limiter import LONGEST_PAUSE_S, WeightLimiter
from monitor.ratelimit.shared import SharedLedger
from monitor.ratelimit.state import LedgerState, dumped, loaded
from monitor.ratelimit.stores import (
    Answer,
    LedgerStore,
    MemoryStore,
    Step,
    open_store,
)
from tests.monitor.ratelimit.test_limiter import START, FakeTime, FixedClock, acquire

ADDRESS = "fapi.example:443"
SAFE = START + 10_000


class CountingStore(MemoryStore):
    """Counts what a store on disk would do."""

    def __init__(self) -> None:
        super().__init__()
        self.transactions = self.writes = self.durable = 0
        self.fails = False

    def update(
        self, address: str, step: Step[Answer], *, is_durable: bool = False
    ) -> Answer:
        if self.fails:
            raise LedgerUnavailable(self.where, "the disk is full")
        before = self.read(address)
        answer = super().update(address, step, is_durable=is_durable)
        self.transactions += 1
        self.writes += self.read(address) != before
        self.durable += is_durable
        return answer


def shared(store: LedgerStore, limit: int = 1000, **options: Any) -> SharedLedger:
    rules = {"safety_share": 0.8, "reserved_weight": 0} | options
    return SharedLedger(store, ADDRESS, weight_per_minute=limit, **rules)


def test_processes_share_one_budget() -> None:
    store = MemoryStore()
    one, other = shared(store), shared(store)
    assert isinstance(one.reserve(500, Lane.SCAN, SAFE), Grant)
    assert isinstance(other.reserve(301, Lane.SCAN, SAFE), Denial)
    assert isinstance(other.reserve(300, Lane.SCAN, SAFE), Grant)
    assert one.peak_weight() == other.peak_weight() == 800


def test_addresses_are_apart() -> None:
    store = MemoryStore()
    shared(store).block_until(SAFE, is_banned=True)
    other = SharedLedger(
        store, "other:443", weight_per_minute=9, safety_share=1, reserved_weight=0
    )
    assert other.block(SAFE - 1) is None


def test_a_published_limit_is_adopted_by_everybody_and_by_who_comes_later() -> None:
    store = MemoryStore()
    early = shared(store)
    early.set_limit(100)
    for ledger in (early, shared(store)):
        denial = ledger.reserve(81, Lane.SCAN, SAFE)
        assert denial == Denial(retry_at_ms=None, largest_weight=80)


def test_looking_writes_nothing() -> None:
    store = CountingStore()
    ledger = shared(store)
    ledger.reserve(100, Lane.SCAN, SAFE)
    before = store.transactions
    assert ledger.block(SAFE) is None
    assert ledger.used_weight(SAFE) == 100
    assert ledger.peak_weight() == 100
    ledger.observe(100, sent_ms=SAFE, received_ms=SAFE)
    ledger.observe(60, sent_ms=SAFE, received_ms=SAFE)
    ledger.observe(900, sent_ms=START, received_ms=SAFE)  # of an uncertain minute
    ledger.withdraw(Lane.SCAN)
    assert store.transactions == before


def test_what_changes_nothing_is_not_written() -> None:
    store = CountingStore()
    ledger = shared(store)
    ledger.set_limit(500)
    ledger.block_until(SAFE, is_banned=True)
    writes = store.writes
    ledger.set_limit(500)
    ledger.block_until(SAFE - 1, is_banned=True)
    assert store.writes == writes


def test_a_count_that_was_only_noted_matters_once_weight_is_released() -> None:
    store = CountingStore()
    ledger = shared(store)
    kept = ledger.reserve(600, Lane.SCAN, SAFE)
    unsent = ledger.reserve(100, Lane.SCAN, SAFE)
    assert isinstance(kept, Grant)
    assert isinstance(unsent, Grant)
    ledger.observe(650, sent_ms=SAFE, received_ms=SAFE)  # 50 by others, as it shows
    ledger.release(unsent)
    assert ledger.used_weight(SAFE) == 650
    assert shared(store).used_weight(SAFE) == 650


def test_used_by_others_is_seen_by_everybody() -> None:
    store = MemoryStore()
    one, other = shared(store), shared(store)
    one.reserve(10, Lane.SCAN, SAFE)
    one.observe(700, sent_ms=SAFE, received_ms=SAFE)
    assert isinstance(other.reserve(101, Lane.SCAN, SAFE), Denial)
    assert isinstance(other.reserve(100, Lane.SCAN, SAFE), Grant)


def test_blocks_are_written_durably_and_the_rest_is_not() -> None:
    store = CountingStore()
    ledger = shared(store)
    ledger.reserve(1, Lane.SCAN, SAFE)
    assert store.durable == 0
    ledger.block_until(SAFE, is_banned=False)
    ledger.block_until(SAFE, is_banned=True)
    assert store.durable == 2


def test_once_a_block_could_not_be_stored_nothing_is_granted() -> None:
    store = CountingStore()
    ledger = shared(store)
    store.fails = True
    with pytest.raises(LedgerUnavailable) as caught:
        ledger.block_until(SAFE + 10_000, is_banned=True)
    store.fails = False
    calls: list[Callable[[], object]] = [
        lambda: ledger.block(SAFE),
        lambda: ledger.reserve(0, Lane.SCAN, SAFE),
    ]
    for call in calls:
        with pytest.raises(LedgerUnavailable):
            call()
    assert str(caught.value) == (
        "request ledger memory of this process: the disk is full; nothing is sent "
        "without it (RATE_LEDGER_URL=memory:// goes without sharing)"
    )


def test_a_failed_change_is_not_taken_for_stored() -> None:
    store = MemoryStore()
    ledger = shared(store)
    ledger.reserve(10, Lane.SCAN, SAFE)

    def fail(budget: Any) -> None:
        budget.state.limit = 1
        raise RuntimeError

    with pytest.raises(RuntimeError):
        ledger.update(fail)
    assert ledger.look().state.limit is None
    assert isinstance(ledger.reserve(790, Lane.SCAN, SAFE), Grant)


def test_an_unreadable_state_refuses_everything() -> None:
    store = MemoryStore()
    store.update(ADDRESS, lambda _: (b"{}", None))
    ledger = shared(store)
    for call in (ledger.block, lambda now: ledger.reserve(1, Lane.SCAN, now)):
        with pytest.raises(LedgerUnavailable, match="it is damaged; remove it"):
            call(SAFE)


def test_the_peak_is_of_minutes_this_process_had_a_part_in() -> None:
    store = MemoryStore()
    yesterday, today = shared(store), shared(store)
    yesterday.reserve(700, Lane.SCAN, SAFE)
    assert today.peak_weight() == 0
    for minutes, weight in enumerate((90, 300, 20), start=1):
        today.reserve(weight, Lane.SCAN, SAFE + minutes * MINUTE_MS)
    yesterday.reserve(5, Lane.SCAN, SAFE + 3 * MINUTE_MS)
    assert today.peak_weight() == 300
    today.close()
    assert today.peak_weight() == 300


class TestWaiting:
    def test_a_waiting_process_asks_often_and_writes_seldom(self) -> None:
        store, clock = CountingStore(), FakeTime(START + 10_000)
        shared(store).reserve(800, Lane.SCAN, clock.now_ms())
        waiting = WeightLimiter(
            shared(store), clock=FixedClock(clock.now_ms), pause=clock.pause
        )
        before = store.transactions
        acquire(waiting)
        # 50 s: a look each 0.25 s, a sign of life each 0.5 s
        assert START + MINUTE_MS <= clock.ms < START + MINUTE_MS + 10
        assert len(clock.pauses) <= 50 / LONGEST_PAUSE_S + 1
        assert store.transactions - before <= 50 / 0.5 + 2
        assert store.transactions - before >= 50, "or it would be taken for dead"

    def test_waiting_for_the_end_of_a_block_writes_nothing(self) -> None:
        store, clock = CountingStore(), FakeTime(START + 10_000)
        shared(store).block_until(clock.now_ms() + 40_000, is_banned=False)
        waiting = WeightLimiter(
            shared(store), clock=FixedClock(clock.now_ms), pause=clock.pause
        )
        acquire(waiting)
        assert clock.ms >= START + 50_000
        assert store.writes == 2  # the block and the grant
        assert store.transactions <= 4

    def test_who_gives_up_is_out_of_the_line(self) -> None:
        store, clock = MemoryStore(), FakeTime(START + 10_000)
        ledger = shared(store)
        ledger.reserve(800, Lane.SCAN, clock.now_ms())
        cancelled = Event()
        clock.on_pause = cancelled.set
        waiting = WeightLimiter(
            shared(store), clock=FixedClock(clock.now_ms), pause=clock.pause
        )
        with pytest.raises(Exception, match="cancelled"):
            acquire(waiting, cancelled=cancelled)
        assert ledger.look().state.waiters == []


class Machine:
    """A machine whose clocks are set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.local_s, self.wall_s, self.boot = 100.0, SAFE / 1000, "boot"
        monkeypatch.setattr(room, "machine_s", lambda: self.local_s)
        monkeypatch.setattr(room, "boot_id", lambda: self.boot)
        monkeypatch.setattr(room, "time", SimpleNamespace(time=lambda: self.wall_s))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


class TestClock:
    def test_a_new_process_begins_with_the_clock_another_measured(
        self, machine: Machine
    ) -> None:
        store = MemoryStore()
        measured = shared(store).exchange_clock()
        measured.adopt(SAFE - 600_000, sent_at_ms=100_000, received_at_ms=100_000)
        shared(store).remember(measured.reading())
        machine.wall_s += 10**6
        machine.local_s += 5
        fresh = shared(store).exchange_clock()
        assert fresh.now_ms() == SAFE - 595_000
        assert not fresh.is_synced()

    def test_after_a_restart_of_the_machine_the_wall_clocks_error_is_known(
        self, machine: Machine
    ) -> None:
        store = MemoryStore()
        measured = shared(store).exchange_clock()
        measured.adopt(SAFE - 600_000, sent_at_ms=100_000, received_at_ms=100_000)
        shared(store).remember(measured.reading())
        machine.boot, machine.local_s = "next", 3.0
        machine.wall_s += 60
        assert shared(store).exchange_clock().now_ms() == SAFE - 540_000

    def test_the_first_guess_since_the_machines_start_is_remembered(
        self, machine: Machine
    ) -> None:
        store = CountingStore()
        first = shared(store).exchange_clock()
        assert store.writes == 1
        machine.wall_s += 600
        later = shared(store).exchange_clock()
        assert later.now_ms() == first.now_ms() == SAFE
        assert store.writes == 1

    def test_where_starts_cannot_be_told_apart_nothing_is_remembered(
        self, machine: Machine
    ) -> None:
        machine.boot = ""
        store = CountingStore()
        assert shared(store).exchange_clock().now_ms() == SAFE
        assert store.writes == 0

    def test_a_guess_gives_way_to_what_another_process_measures(self) -> None:
        store = MemoryStore()
        # this process was started with a wall clock ten minutes ahead
        early = ExchangeClock(
            monotonic_s=lambda: 100.0,
            wall_s=lambda: SAFE / 1000 + 600,
            boot="boot",
        )
        limiter = WeightLimiter(shared(store), clock=early)
        shared(store).block_until(SAFE + 120_000, is_banned=True)
        assert not limiter.is_blocked(), "nobody knows better"
        known = ClockReading(
            boot="boot", offset_ms=SAFE - 100_000, wall_offset_ms=0, is_measured=True
        )
        shared(store).remember(known)
        assert limiter.is_blocked()


class TestPruning:
    def test_only_what_is_not_blocked_is_dispensable(self, machine: Machine) -> None:
        asked: list[Callable[[bytes], bool]] = []

        class Store(MemoryStore):
            def prune(
                self, unused_s: float, is_dispensable: Callable[[bytes], bool]
            ) -> None:
                assert unused_s == 8 * 86_400
                asked.append(is_dispensable)

        shared(Store()).prune()
        for ahead_ms, is_over in ((0, True), (1, False)):
            state = LedgerState(banned_until_ms=SAFE + ahead_ms)
            assert asked[0](dumped(state)) == is_over
        # an hour later, with a wall clock that jumped a year ahead meanwhile
        machine.wall_s += 365 * 86_400
        machine.local_s += 3600
        known = ClockReading(
            boot="boot", offset_ms=SAFE - 100_000, wall_offset_ms=0, is_measured=True
        )
        state = LedgerState(banned_until_ms=SAFE + 10**7, clocks={"boot": known})
        shared(Store()).prune()
        assert not asked[1](dumped(state))


class TestStores:
    def test_the_default_is_a_file_in_the_data_folder(self, tmp_path: Path) -> None:
        assert open_store(None, tmp_path).where == str(tmp_path / "rate_ledger.sqlite3")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("slashes", ["sqlite:///", "sqlite:////"])
    def test_another_file_may_be_named(self, slashes: str) -> None:
        assert open_store(slashes + "var/x.sqlite3", None).where == "/var/x.sqlite3"

    def test_memory_is_shared_by_nobody(self) -> None:
        stores = [open_store("memory://", None) for _ in range(2)]
        shared(stores[0]).set_limit(5)
        assert stores[1].rows() == {}
        assert stores[0].forget(ADDRESS)
        assert not stores[0].forget(ADDRESS)


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        ("https://fapi.binance.com", "fapi.binance.com:443"),
        ("https://fapi.binance.com/", "fapi.binance.com:443"),
        ("http://FAPI.example", "fapi.example:80"),
        ("http://[::1]:8900", "[::1]:8900"),
        ("http://127.0.0.1:8900", "127.0.0.1:8900"),
    ],
)
def test_addresses_are_host_and_port(base_url: str, address: str) -> None:
    assert ledger_address(base_url, None) == address


def test_another_market_is_another_address() -> None:
    url = "http://127.0.0.1:8900"
    assert ledger_address(url, None, market="spot") == "127.0.0.1:8900 spot"
    proxied = ledger_address(url, "http://proxy:1", market="spot")
    assert proxied.startswith("127.0.0.1:8900 spot via proxy ")


def test_another_proxy_is_another_address_and_is_not_shown() -> None:
    found = {
        ledger_address("https://fapi.binance.com", proxy)
        for proxy in (
            None,
            "http://proxy.example:8080",
            "http://proxy.example:8081",
            "http://user:canary@proxy.example:8080",
            "http://user:other@proxy.example:8080",
        )
    }
    assert len(found) == 4, "a new password is no other address"
    assert not any("proxy.example" in name or "canary" in name for name in found)


def test_state_of_an_address_is_readable_json() -> None:
    store = MemoryStore()
    shared(store).reserve(7, Lane.SCAN, SAFE)
    blob = store.read(ADDRESS)
    assert blob is not None
    assert loaded(blob).windows[SAFE // MINUTE_MS].granted == [0, 0, 0, 7]
