import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from monitor.domain.market import MINUTE_MS
from monitor.ratelimit.budget import (
    UNTRUSTED_START_MS,
    Denial,
    Grant,
    Lane,
    WeightBudget,
    WeightLedger,
)

MINUTE = 29_833_334
START = MINUTE * MINUTE_MS
SAFE = START + 10_000


def budget(limit: int = 1000, share: float = 0.8, reserve: int = 200) -> WeightBudget:
    return WeightBudget(
        weight_per_minute=limit, safety_share=share, reserved_weight=reserve
    )


def granted(answer: Grant | Denial) -> Grant:
    assert isinstance(answer, Grant)
    return answer


def denied(answer: Grant | Denial) -> Denial:
    assert isinstance(answer, Denial)
    return answer


def test_the_budget_is_a_ledger() -> None:
    ledger: WeightLedger = budget()
    assert isinstance(ledger.reserve(1, Lane.SCAN, START), Grant)


def test_a_grant_names_what_it_charged() -> None:
    grant = granted(budget().reserve(40, Lane.SCAN, SAFE))
    assert grant == Grant(weight=40, lane=Lane.SCAN, minute=MINUTE)


def test_scan_gets_the_share_less_the_reserve() -> None:
    ledger = budget()
    granted(ledger.reserve(600, Lane.SCAN, SAFE))
    denial = denied(ledger.reserve(1, Lane.SCAN, SAFE))
    assert denial == Denial(retry_at_ms=START + MINUTE_MS)


def test_the_next_clock_minute_starts_anew() -> None:
    ledger = budget()
    granted(ledger.reserve(600, Lane.SCAN, START + MINUTE_MS - 1))
    granted(ledger.reserve(600, Lane.SCAN, START + MINUTE_MS))


@pytest.mark.parametrize(
    ("lane", "most"),
    [
        (Lane.PROTECTIVE, 800),
        (Lane.ACCOUNT, 734),
        (Lane.MONITOR, 667),
        (Lane.SCAN, 600),
    ],
)
def test_each_lane_leaves_a_reserve_to_those_above(lane: Lane, most: int) -> None:
    assert isinstance(budget().reserve(most, lane, SAFE), Grant)
    assert isinstance(budget().reserve(most + 1, lane, SAFE), Denial)


def test_what_higher_lanes_have_used_need_not_be_reserved_again() -> None:
    ledger = budget()
    granted(ledger.reserve(150, Lane.PROTECTIVE, SAFE))
    granted(ledger.reserve(600, Lane.SCAN, SAFE))
    denied(ledger.reserve(1, Lane.SCAN, SAFE))


def test_higher_lanes_may_use_more_than_the_reserve() -> None:
    ledger = budget()
    granted(ledger.reserve(700, Lane.PROTECTIVE, SAFE))
    granted(ledger.reserve(100, Lane.SCAN, SAFE))
    denied(ledger.reserve(1, Lane.SCAN, SAFE))


def test_a_weight_that_never_fits_has_no_time_to_retry() -> None:
    assert denied(budget().reserve(601, Lane.SCAN, SAFE)).retry_at_ms is None


def test_a_tiny_limit_does_not_starve_the_scan() -> None:
    granted(budget(limit=20).reserve(8, Lane.SCAN, SAFE))


def test_headers_raise_what_is_used() -> None:
    ledger = budget()
    granted(ledger.reserve(10, Lane.SCAN, SAFE))
    ledger.observe(599, sent_ms=SAFE, received_ms=SAFE + 5)
    granted(ledger.reserve(1, Lane.SCAN, SAFE + 5))
    denied(ledger.reserve(1, Lane.SCAN, SAFE + 5))


def test_headers_never_lower_what_is_used() -> None:
    ledger = budget()
    granted(ledger.reserve(600, Lane.SCAN, SAFE))
    ledger.observe(3, sent_ms=SAFE, received_ms=SAFE + 5)
    denied(ledger.reserve(1, Lane.SCAN, SAFE + 5))


def test_what_others_used_stays_used_after_a_release() -> None:
    ledger = budget()
    grant = granted(ledger.reserve(100, Lane.SCAN, SAFE))
    ledger.observe(500, sent_ms=SAFE, received_ms=SAFE)
    ledger.release(grant)
    assert ledger.used_weight(SAFE) == 500


@pytest.mark.parametrize("sent_ms", [START - 1, START, START + UNTRUSTED_START_MS - 1])
def test_headers_from_around_the_border_are_not_believed(sent_ms: int) -> None:
    ledger = budget()
    ledger.observe(800, sent_ms=sent_ms, received_ms=START + 900)
    assert ledger.used_weight(START) == 0


def test_released_weight_can_be_granted_again() -> None:
    ledger = budget()
    ledger.release(granted(ledger.reserve(600, Lane.SCAN, SAFE)))
    granted(ledger.reserve(600, Lane.SCAN, SAFE))


def test_release_of_a_forgotten_minute_changes_nothing() -> None:
    ledger = budget()
    old = granted(ledger.reserve(5, Lane.SCAN, SAFE))
    for minutes in range(1, 6):
        granted(ledger.reserve(7, Lane.SCAN, SAFE + minutes * MINUTE_MS))
    ledger.release(old)
    assert ledger.peak_weight() == 7


def test_a_block_denies_every_lane_and_every_weight() -> None:
    ledger = budget()
    ledger.block_until(SAFE + 7000, is_banned=False)
    for lane in Lane:
        for weight in (0, 1):
            denial = denied(ledger.reserve(weight, lane, SAFE + 6999))
            assert denial == Denial(retry_at_ms=SAFE + 7000)
    granted(ledger.reserve(1, Lane.SCAN, SAFE + 7000))


def test_a_shorter_block_does_not_shorten_a_longer_one() -> None:
    ledger = budget()
    ledger.block_until(SAFE + 7000, is_banned=False)
    ledger.block_until(SAFE + 10, is_banned=False)
    denied(ledger.reserve(1, Lane.SCAN, SAFE + 100))


def test_a_ban_is_told_from_a_block() -> None:
    ledger = budget()
    ledger.block_until(SAFE + 9000, is_banned=False)
    ledger.block_until(SAFE + 5000, is_banned=True)
    assert denied(ledger.reserve(1, Lane.SCAN, SAFE)).is_banned
    assert not denied(ledger.reserve(1, Lane.SCAN, SAFE + 5000)).is_banned
    assert ledger.block(SAFE + 9000) is None


def test_requests_without_weight_need_no_room() -> None:
    ledger = budget()
    granted(ledger.reserve(800, Lane.PROTECTIVE, SAFE))
    granted(ledger.reserve(0, Lane.SCAN, SAFE))


def test_the_published_limit_is_adopted() -> None:
    ledger = budget(limit=100)
    ledger.set_limit(2400)
    assert ledger.share == 1920
    granted(ledger.reserve(1720, Lane.SCAN, SAFE))


def test_peak_is_the_fullest_minute() -> None:
    ledger = budget()
    for minutes, weight in enumerate((5, 90, 20, 1, 2, 3, 4)):
        granted(ledger.reserve(weight, Lane.SCAN, SAFE + minutes * MINUTE_MS))
    assert ledger.peak_weight() == 90


def test_a_corrected_clock_finds_its_minute_again() -> None:
    ledger = budget()
    granted(ledger.reserve(600, Lane.SCAN, SAFE))
    granted(ledger.reserve(1, Lane.SCAN, SAFE + MINUTE_MS))
    denied(ledger.reserve(1, Lane.SCAN, SAFE))


@pytest.mark.parametrize(
    ("limit", "share", "reserve", "message"),
    [
        (0, 0.8, 0, "weight_per_minute must be at least 1, was 0"),
        (10, 0.0, 0, r"safety_share must be in \(0, 1\], was 0.0"),
        (10, 1.1, 0, r"safety_share must be in \(0, 1\], was 1.1"),
        (10, 0.8, -1, "reserved_weight must be ≥ 0, was -1"),
    ],
)
def test_impossible_settings_are_refused(
    limit: int, share: float, reserve: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        budget(limit, share, reserve)


def test_negative_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="weight must be ≥ 0, was -1"):
        budget().reserve(-1, Lane.SCAN, SAFE)


class BudgetMachine(RuleBasedStateMachine):
    """The budget against a plain account of what was granted when."""

    grants = Bundle("grants")

    @initialize(
        limit=st.integers(10, 3000),
        share=st.sampled_from([0.5, 0.8, 1.0]),
        reserve=st.integers(0, 300),
    )
    def open_account(self, limit: int, share: float, reserve: int) -> None:
        self.ledger = budget(limit, share, reserve)
        self.reserve_weight = reserve
        self.now_ms = SAFE
        self.blocked_until = 0
        self.account: dict[int, dict[Lane, int]] = {}
        self.seen: dict[int, int] = {}

    @rule(step_ms=st.integers(0, 45_000))
    def time_passes(self, step_ms: int) -> None:
        self.now_ms += step_ms

    @rule(step_ms=st.integers(1, 200))
    def clock_is_corrected(self, step_ms: int) -> None:
        self.now_ms -= step_ms

    @rule(limit=st.integers(10, 3000))
    def limit_is_published(self, limit: int) -> None:
        self.ledger.set_limit(limit)

    @rule(target=grants, weight=st.integers(0, 60), lane=st.sampled_from(Lane))
    def reserve(self, weight: int, lane: Lane) -> Grant | None:
        minute = self.now_ms // MINUTE_MS
        used_before = self.ledger.used_weight(self.now_ms)
        answer = self.ledger.reserve(weight, lane, self.now_ms)
        if isinstance(answer, Denial):
            assert answer.retry_at_ms is None or answer.retry_at_ms > self.now_ms
            if lane is Lane.PROTECTIVE and self.now_ms >= self.blocked_until:
                # nothing is held back from the highest lane
                assert used_before + weight > self.ledger.share
            return None
        assert self.now_ms >= self.blocked_until, "granted during a block"
        assert answer.minute == minute
        lanes = self.account.setdefault(minute, dict.fromkeys(Lane, 0))
        lanes[lane] += weight
        if weight > 0:
            total = max(sum(lanes.values()), self.seen.get(minute, 0) + weight)
            assert total <= self.ledger.share, "granted above the share"
        if lane is Lane.SCAN and weight > 0:
            higher = sum(lanes.values()) - lanes[Lane.SCAN]
            left_to_others = max(self.reserve_weight, higher)
            room = self.ledger.share - min(left_to_others, self.ledger.share // 2)
            assert lanes[Lane.SCAN] <= max(room, 0)
        return answer

    @rule(grant=consumes(grants))
    def release(self, grant: Grant | None) -> None:
        if grant is not None:
            self.ledger.release(grant)
            self.account[grant.minute][grant.lane] -= grant.weight

    @rule(used=st.integers(0, 3000), took_ms=st.integers(0, 3000))
    def observe(self, used: int, took_ms: int) -> None:
        before = self.ledger.used_weight(self.now_ms)
        sent_ms = self.now_ms - took_ms
        self.ledger.observe(used, sent_ms=sent_ms, received_ms=self.now_ms)
        after = self.ledger.used_weight(self.now_ms)
        assert after >= before, "a correction lowered the count"
        minute = self.now_ms // MINUTE_MS
        if sent_ms >= minute * MINUTE_MS + UNTRUSTED_START_MS:
            assert after == max(before, used)
            self.seen[minute] = max(self.seen.get(minute, 0), used)
        else:
            assert after == before

    @rule(ahead_ms=st.integers(-1000, 90_000), banned=st.booleans())
    def block(self, ahead_ms: int, *, banned: bool) -> None:
        self.ledger.block_until(self.now_ms + ahead_ms, is_banned=banned)
        self.blocked_until = max(self.blocked_until, self.now_ms + ahead_ms)

    @invariant()
    def peak_covers_the_minute(self) -> None:
        if not hasattr(self, "ledger"):
            return
        lanes = self.account.get(self.now_ms // MINUTE_MS, {})
        assert self.ledger.peak_weight() >= sum(lanes.values())


TestBudgetMachine = BudgetMachine.TestCase
TestBudgetMachine.settings = settings(max_examples=60, stateful_step_count=40)
