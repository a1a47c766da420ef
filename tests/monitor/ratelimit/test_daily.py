import logging
from pathlib import Path

import pytest

from monitor.conf import DailyBudgetConfig
from monitor.domain.market import DAY_MS
from monitor.exceptions import DailyBudgetSpent
from monitor.ratelimit.daily import DailyBudget, DayLevel, DayUse, day_use
from monitor.ratelimit.ledger import Lane
from monitor.ratelimit.shared import SharedLedger
from monitor.ratelimit.sqlite_store import SqliteStore
from monitor.ratelimit.stores import LedgerStore, MemoryStore
from tests.monitor.ratelimit.test_limiter import FakeTime, FixedClock

DAY = 20_718
NOON = DAY * DAY_MS + DAY_MS // 2
TEN = DailyBudgetConfig(requests_per_day=10)


def ledger(store: LedgerStore) -> SharedLedger:
    return SharedLedger(
        store, "a:443", weight_per_minute=100, safety_share=1, reserved_weight=0
    )


def budget(
    time: FakeTime,
    store: LedgerStore,
    alerts: list[DayUse] | None = None,
    config: DailyBudgetConfig = TEN,
) -> DailyBudget:
    told = [] if alerts is None else alerts
    return DailyBudget(
        ledger(store), FixedClock(time.now_ms), config=config, on_alert=told.append
    )


def test_the_defaults_are_ten_thousand_and_eighty_percent() -> None:
    config = DailyBudgetConfig()
    assert (config.requests_per_day, config.alert_at) == (10_000, 8000)


def test_the_alert_is_given_once_and_polling_slows_down_from_there() -> None:
    alerts: list[DayUse] = []
    daily = budget(FakeTime(NOON), MemoryStore(), alerts)
    for count in range(1, 11):
        assert daily.take().count == count
        assert daily.slowdown() == (TEN.slow_factor if count >= 8 else 1.0)
        assert len(alerts) == (count >= 8)
    assert alerts == [DayUse(day=DAY, count=8, quota=10, level=DayLevel.ALERT)]
    assert daily.use().level is DayLevel.SPENT


def test_when_it_is_spent_requests_are_refused_until_the_next_utc_day() -> None:
    time, store = FakeTime(NOON), MemoryStore()
    daily = budget(time, store)
    for _ in range(10):
        daily.take()
    for _ in range(2):
        with pytest.raises(DailyBudgetSpent) as caught:
            daily.take()
    assert caught.value.resume_at_ms == (DAY + 1) * DAY_MS
    assert str(caught.value).startswith("the day's 10 requests are used up; no request")
    assert daily.use().count == 10
    time.ms = (DAY + 1) * DAY_MS - 1
    with pytest.raises(DailyBudgetSpent):
        daily.take()
    time.ms += 1
    assert daily.take().count == 1


def test_processes_share_the_count_and_the_alert() -> None:
    alerts: list[DayUse] = []
    store, time = MemoryStore(), FakeTime(NOON)
    both = [budget(time, store, alerts) for _ in range(2)]
    for number in range(10):
        both[number % 2].take()
    assert len(alerts) == 1
    for daily in both:
        with pytest.raises(DailyBudgetSpent):
            daily.take()


def test_the_count_survives_a_restart(tmp_path: Path) -> None:
    alerts: list[DayUse] = []
    for _ in range(9):
        store = SqliteStore(tmp_path / "ledger.sqlite3")
        budget(FakeTime(NOON), store, alerts).take()
        store.close()
    store = SqliteStore(tmp_path / "ledger.sqlite3")
    assert budget(FakeTime(NOON), store).use().count == 9
    store.close()
    assert len(alerts) == 1


def test_what_was_never_sent_is_given_back() -> None:
    alerts: list[DayUse] = []
    daily = budget(FakeTime(NOON), MemoryStore(), alerts)
    uses = [daily.take() for _ in range(10)]
    daily.give_back(uses[-1])
    assert daily.use().count == 9
    assert daily.take().count == 10
    daily.give_back(DayUse(day=DAY - 1, count=1, quota=10, level=DayLevel.NORMAL))
    assert daily.use().count == 10
    assert len(alerts) == 1, "the alert is given once, however often it is reached"


def test_a_clock_that_jumps_finds_its_day_again() -> None:
    time, store = FakeTime(NOON), MemoryStore()
    daily = budget(time, store)
    daily.take()
    time.ms += DAY_MS
    daily.take()
    time.ms -= DAY_MS
    assert daily.take().count == 2


def test_weight_and_day_are_counted_side_by_side() -> None:
    store = MemoryStore()
    daily = budget(FakeTime(NOON), store)
    daily.take()
    ledger(store).reserve(7, Lane.SCAN, NOON)
    state = ledger(store).look().state
    assert day_use(state, DAY) == daily.use()
    assert day_use(state, DAY + 1) is None
    assert ledger(store).used_weight(NOON) == 7


def test_the_alert_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    clock = FixedClock(FakeTime(NOON).now_ms)
    daily = DailyBudget(ledger(MemoryStore()), clock, config=TEN)
    with caplog.at_level(logging.WARNING):
        for _ in range(10):
            daily.take()
    assert [record.message for record in caplog.records] == [
        "daily_budget level=alert count=8 quota=10"
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"requests_per_day": 0}, "requests_per_day must be at least 1, was 0"),
        ({"alert_share": 0.0}, r"alert_share must be in \(0, 1\], was 0.0"),
        ({"alert_share": 1.1}, r"alert_share must be in \(0, 1\], was 1.1"),
        ({"slow_factor": 0.9}, "slow_factor must be ≥ 1, was 0.9"),
    ],
)
def test_impossible_settings_are_refused(
    values: dict[str, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        DailyBudgetConfig(**values)  # type: ignore[arg-type]
