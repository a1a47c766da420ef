import orjson

from monitor.conf import DailyBudgetConfig
from monitor.domain.market import DAY_MS, MINUTE_MS
from monitor.ratelimit.budget import WeightBudget
from monitor.ratelimit.daily import DayLevel, counted
from monitor.ratelimit.gauge import BudgetGauge, LargestMinute, Stated, document, gauge
from monitor.ratelimit.ledger import Block, Lane
from monitor.ratelimit.state import LedgerState

MINUTE = 29_833_334
START = MINUTE * MINUTE_MS
NOW = START + 10_000


def filled() -> LedgerState:
    budget = WeightBudget(weight_per_minute=1000, safety_share=0.5, reserved_weight=0)
    budget.set_limit(2000)
    budget.reserve(900, Lane.SCAN, NOW - MINUTE_MS)
    budget.observe(950, sent_ms=NOW - MINUTE_MS, received_ms=NOW - MINUTE_MS)
    budget.reserve(300, Lane.SCAN, NOW)
    budget.reserve(40, Lane.MONITOR, NOW)
    budget.observe(400, sent_ms=NOW, received_ms=NOW)
    for owner in ("a", "b"):
        budget.reserve(700, Lane.SCAN, NOW, owner=owner)
    budget.reserve(700, Lane.MONITOR, NOW, owner="a")
    budget.block_until(NOW + 5000, is_banned=False)
    for _ in range(8):
        counted(budget.state, NOW // DAY_MS, DailyBudgetConfig(requests_per_day=10))
    return budget.state


def test_everything_is_read_from_the_state() -> None:
    shown = gauge("a:443", filled(), NOW)
    assert (shown.limit, shown.is_published, shown.share) == (2000, True, 1000)
    assert shown.granted == {
        Lane.PROTECTIVE: 0,
        Lane.ACCOUNT: 0,
        Lane.MONITOR: 40,
        Lane.SCAN: 300,
    }
    assert (shown.others, shown.used) == (60, 400)
    assert shown.stated == Stated(used_weight=400, minute_began_ms=START)
    assert shown.waiting[Lane.SCAN] == 2
    assert shown.waiting[Lane.MONITOR] == 1
    assert shown.block == Block(until_ms=NOW + 5000, is_banned=False)
    assert shown.largest == LargestMinute(weight=900, began_ms=START - MINUTE_MS)
    assert shown.today is not None
    assert (shown.today.count, shown.today.level) == (8, DayLevel.ALERT)


def test_a_later_minute_is_empty() -> None:
    shown = gauge("a:443", filled(), NOW + MINUTE_MS)
    assert (shown.used, shown.others, sum(shown.waiting.values())) == (0, 0, 0)
    assert shown.block is None
    assert shown.stated is not None


def test_an_address_that_was_never_granted_anything() -> None:
    shown = gauge("a:443", LedgerState(), NOW)
    assert (shown.limit, shown.is_published, shown.share) == (2400, False, 1920)
    assert shown.stated is shown.block is shown.largest is shown.today is None
    assert document(shown)["block"] is None


def test_the_document_is_json() -> None:
    shown: BudgetGauge = gauge("a:443", filled(), NOW)
    assert orjson.loads(orjson.dumps(document(shown))) == {
        "address": "a:443",
        "exchange_time": NOW,
        "limit": 2000,
        "limit_is_published": True,
        "safety_share": 0.5,
        "share": 1000,
        "this_minute": {
            "protective": 0,
            "account": 0,
            "monitor": 40,
            "scan": 300,
            "others": 60,
            "used": 400,
        },
        "stated": {"used_weight": 400, "minute": START},
        "waiting": {"protective": 0, "account": 0, "monitor": 1, "scan": 2},
        "block": {"until": NOW + 5000, "is_banned": False},
        "largest_minute": {"weight": 900, "minute": START - MINUTE_MS},
        "today": {"count": 8, "quota": 10, "level": "alert"},
    }
