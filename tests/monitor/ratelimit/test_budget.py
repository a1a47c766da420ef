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
    REFRESH_MS,
    UNTRUSTED_START_MS,
    WAITER_LIFE_MS,
    WeightBudget,
)
from monitor.ratelimit.ledger import ClockReading, Denial, Grant, Lane, WeightLedger
from monitor.ratelimit.state import KEPT_CLOCKS, KEPT_WINDOWS

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
    for minutes in range(1, KEPT_WINDOWS + 2):
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
    weights = (5, 90, 20, *range(1, KEPT_WINDOWS + 1))
    for minutes, weight in enumerate(weights):
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


NEXT = START + MINUTE_MS
"""As the next minute begins."""


def full(limit: int = 100) -> WeightBudget:
    """Return a budget with nothing left in this minute."""
    ledger = budget(limit, share=1.0, reserve=0)
    granted(ledger.reserve(limit, Lane.SCAN, SAFE, owner="early"))
    return ledger


class TestLine:
    """Processes that wait for the next minute."""

    def test_who_was_denied_first_goes_first(self) -> None:
        ledger = full()
        for owner in ("a", "b", "c"):
            denied(ledger.reserve(100, Lane.SCAN, NEXT - 10, owner=owner))
        denied(ledger.reserve(100, Lane.SCAN, NEXT, owner="c"))
        denied(ledger.reserve(100, Lane.SCAN, NEXT, owner="b"))
        granted(ledger.reserve(100, Lane.SCAN, NEXT, owner="a"))
        later = NEXT + MINUTE_MS
        for owner in ("c", "b", "a"):
            denied(ledger.reserve(100, Lane.SCAN, later - 10, owner=owner))
        denied(ledger.reserve(100, Lane.SCAN, later, owner="c"))
        denied(ledger.reserve(100, Lane.SCAN, later, owner="a"))
        granted(ledger.reserve(100, Lane.SCAN, later, owner="b"))

    def test_a_process_without_a_place_leaves_room_for_those_in_line(self) -> None:
        ledger = full()
        denied(ledger.reserve(60, Lane.SCAN, NEXT - 10, owner="a"))
        granted(ledger.reserve(40, Lane.SCAN, NEXT, owner="new"))
        denied(ledger.reserve(1, Lane.SCAN, NEXT, owner="new"))
        denied(ledger.reserve(1, Lane.SCAN, NEXT))
        granted(ledger.reserve(60, Lane.SCAN, NEXT, owner="a"))

    def test_higher_lanes_go_first_whoever_came_first(self) -> None:
        ledger = full()
        denied(ledger.reserve(100, Lane.SCAN, NEXT - 20, owner="scan"))
        denied(ledger.reserve(100, Lane.MONITOR, NEXT - 10, owner="monitor"))
        denied(ledger.reserve(100, Lane.SCAN, NEXT, owner="scan"))
        granted(ledger.reserve(100, Lane.MONITOR, NEXT, owner="monitor"))

    def test_one_process_keeps_a_place_in_each_lane(self) -> None:
        ledger = full()
        denied(ledger.reserve(100, Lane.SCAN, NEXT - 30, owner="a"))
        denied(ledger.reserve(100, Lane.SCAN, NEXT - 20, owner="b"))
        denied(ledger.reserve(5, Lane.MONITOR, NEXT - 10, owner="a"))
        granted(ledger.reserve(5, Lane.MONITOR, NEXT, owner="a"))
        later = NEXT + MINUTE_MS
        for owner in ("b", "a"):
            denied(ledger.reserve(100, Lane.SCAN, later - 10, owner=owner))
        denied(ledger.reserve(100, Lane.SCAN, later, owner="b"))
        granted(ledger.reserve(100, Lane.SCAN, later, owner="a"))

    def test_what_a_lane_above_waits_for_is_not_held_back_twice(self) -> None:
        ledger = budget()  # 800, of which a scan leaves 200
        granted(ledger.reserve(800, Lane.PROTECTIVE, SAFE))
        denied(ledger.reserve(150, Lane.PROTECTIVE, NEXT - 10, owner="stop"))
        granted(ledger.reserve(600, Lane.SCAN, NEXT, owner="scan"))
        denied(ledger.reserve(1, Lane.SCAN, NEXT, owner="scan"))

    def test_who_dies_holds_its_place_for_a_second_only(self) -> None:
        ledger = full()
        denied(ledger.reserve(100, Lane.SCAN, NEXT - 10, owner="dead"))
        last = NEXT - 10 + WAITER_LIFE_MS
        denied(ledger.reserve(100, Lane.SCAN, last, owner="b"))
        assert [w.owner for w in ledger.waiting(last)] == ["dead", "b"]
        assert [w.owner for w in ledger.waiting(last + 1)] == ["b"]
        granted(ledger.reserve(100, Lane.SCAN, last + 1, owner="b"))

    def test_a_waiter_of_another_time_holds_nothing(self) -> None:
        ledger = full()
        denied(ledger.reserve(100, Lane.SCAN, NEXT - 10, owner="now"))
        ahead = NEXT + 10 * MINUTE_MS
        granted(ledger.reserve(100, Lane.SCAN, ahead, owner="wrong clock"))
        denied(ledger.reserve(100, Lane.SCAN, ahead, owner="wrong clock"))
        granted(ledger.reserve(100, Lane.SCAN, NEXT, owner="now"))

    def test_a_waiter_that_was_only_slow_keeps_its_place(self) -> None:
        ledger = full()
        denied(ledger.reserve(100, Lane.SCAN, NEXT - 5000, owner="slow"))
        denied(ledger.reserve(100, Lane.SCAN, NEXT - 3000, owner="b"))
        denied(ledger.reserve(100, Lane.SCAN, NEXT - 10, owner="slow"))
        denied(ledger.reserve(100, Lane.SCAN, NEXT, owner="b"))
        granted(ledger.reserve(100, Lane.SCAN, NEXT, owner="slow"))

    def test_who_gives_up_leaves_the_line(self) -> None:
        ledger = full()
        denied(ledger.reserve(100, Lane.SCAN, NEXT - 10, owner="a"))
        denied(ledger.reserve(100, Lane.SCAN, NEXT - 10, owner="b"))
        ledger.withdraw(Lane.SCAN, owner="a")
        ledger.withdraw(Lane.SCAN, owner="nobody")
        granted(ledger.reserve(100, Lane.SCAN, NEXT, owner="b"))

    def test_a_block_makes_no_line(self) -> None:
        ledger = full()
        ledger.block_until(NEXT, is_banned=False)
        denied(ledger.reserve(1, Lane.SCAN, NEXT - 10, owner="a"))
        assert ledger.waiting(NEXT - 10) == []

    def test_standing_in_line_is_said_again_before_it_is_forgotten(self) -> None:
        ledger = full()
        denied(ledger.reserve(7, Lane.SCAN, SAFE, owner="a"))
        fresh = SAFE + REFRESH_MS - 1
        assert ledger.is_in_line(7, Lane.SCAN, fresh, owner="a")
        assert not ledger.is_in_line(8, Lane.SCAN, fresh, owner="a")
        assert not ledger.is_in_line(7, Lane.SCAN, fresh + 1, owner="a")
        assert 2 * REFRESH_MS < WAITER_LIFE_MS


def reading(
    offset_ms: int, *, measured: bool, boot: str = "boot", wall_ms: int = 0
) -> ClockReading:
    return ClockReading(
        boot=boot, offset_ms=offset_ms, wall_offset_ms=wall_ms, is_measured=measured
    )


class TestClocks:
    @pytest.mark.parametrize("guess_ms", [2000, 9000])
    @pytest.mark.parametrize("is_first", [True, False])
    def test_a_block_read_on_a_guess_is_dated_anew_by_a_measurement(
        self, *, guess_ms: int, is_first: bool
    ) -> None:
        ledger = budget()
        measured = reading(5000, measured=True)
        if is_first:
            ledger.remember(measured)
        guess = reading(guess_ms, measured=False)
        ledger.block_until(SAFE, is_banned=False, clock=guess)
        if not is_first:
            assert ledger.remembered("boot") == guess
            assert ledger.state.block_ends() == (SAFE, 0)
            ledger.remember(measured)
        assert ledger.state.block_ends() == (SAFE + 5000 - guess_ms, 0)
        ledger.block_until(SAFE - 10, is_banned=True, clock=guess)
        assert ledger.state.block_ends() == (
            SAFE + 5000 - guess_ms,
            SAFE - 10 + 5000 - guess_ms,
        )

    def test_a_wall_clock_that_proves_slow_later_was_slow_before(self) -> None:
        ledger = budget()
        guess = reading(5000, measured=False, boot="before")
        ledger.block_until(SAFE, is_banned=True, clock=guess)
        ledger.remember(reading(70, measured=True, boot="after", wall_ms=600_000))
        assert ledger.state.block_ends() == (SAFE + 600_000, SAFE + 600_000)
        ledger.remember(reading(70, measured=True, boot="after", wall_ms=-600_000))
        assert ledger.state.block_ends() == (SAFE, SAFE)

    def test_an_end_that_was_stated_as_a_time_is_not_dated_anew(self) -> None:
        ledger = budget()
        ledger.remember(reading(9000, measured=False))
        ledger.block_until(SAFE, is_banned=True)
        ledger.remember(reading(5000, measured=True))
        assert ledger.state.block_ends() == (SAFE, SAFE)

    def test_where_starts_cannot_be_told_apart_the_guess_counts(self) -> None:
        ledger = budget()
        nameless = reading(2000, measured=False, boot="")
        ledger.block_until(SAFE, is_banned=True, clock=nameless)
        assert ledger.state.block_ends() == (SAFE, SAFE)

    def test_a_guess_that_a_block_was_read_on_is_kept(self) -> None:
        ledger = budget()
        guess = reading(5000, measured=False)
        ledger.block_until(SAFE, is_banned=True, clock=guess)
        ledger.remember(reading(2000, measured=False))
        assert ledger.remembered("boot") == guess

    def test_a_forgotten_start_of_the_machine_leaves_its_blocks(self) -> None:
        ledger = budget()
        ledger.block_until(SAFE, is_banned=True, clock=reading(5000, measured=False))
        for number in range(KEPT_CLOCKS):
            ledger.remember(reading(number, measured=True, boot=f"boot {number}"))
        assert ledger.remembered("boot") is None
        assert ledger.state.local_blocks == {}
        assert ledger.state.block_ends() == (SAFE, SAFE)

    def test_guesses_do_not_replace_measurements(self) -> None:
        ledger = budget()
        ledger.remember(reading(5000, measured=True))
        ledger.remember(reading(9000, measured=False))
        assert ledger.remembered("boot") == reading(5000, measured=True)

    def test_of_two_guesses_the_earlier_time_is_kept(self) -> None:
        ledger = budget()
        for offset_ms in (5000, 3000, 9000):
            ledger.remember(reading(offset_ms, measured=False))
        assert ledger.remembered("boot") == reading(3000, measured=False)

    def test_small_differences_are_not_worth_a_write(self) -> None:
        ledger = budget()
        ledger.remember(reading(5000, measured=True))
        ledger.remember(reading(5020, measured=True, wall_ms=1000))
        assert ledger.remembered("boot") == reading(5000, measured=True)
        ledger.remember(reading(5021, measured=True))
        assert ledger.remembered("boot") == reading(5021, measured=True)

    def test_starts_of_machines_are_forgotten_oldest_first(self) -> None:
        ledger = budget()
        for number in range(KEPT_CLOCKS + 1):
            ledger.remember(reading(number, measured=True, boot=f"boot {number}"))
        assert ledger.remembered("boot 0") is None
        assert ledger.remembered("boot 1") is not None
        assert ledger.remembered("") is None


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
