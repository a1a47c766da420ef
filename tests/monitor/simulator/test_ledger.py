"""Limits, refusals and bans."""

from monitor.simulator.ledger import FIRST_BAN_MS, GRACE_COUNT, Ledger, Pool

MINUTE = 60_000
NOW = 1_767_587_400_000


def test_weight_adds_up_and_restarts_with_the_clock_minute() -> None:
    ledger = Ledger()
    assert ledger.charge(NOW, Pool.WEIGHT, 40).used_weight == 40
    assert ledger.charge(NOW + MINUTE - 1, Pool.WEIGHT, 5).used_weight == 45
    assert ledger.charge(NOW + MINUTE, Pool.WEIGHT, 1).used_weight == 1


def test_the_limit_itself_is_admitted_and_more_is_429() -> None:
    ledger = Ledger()
    assert ledger.charge(NOW, Pool.WEIGHT, 2400).status == 200
    refused = ledger.charge(NOW + 10_000, Pool.WEIGHT, 1)
    assert (refused.status, refused.retry_after_s, refused.limit) == (429, 50, 2400)
    assert refused.used_weight == 2400


def test_requests_already_on_their_way_are_not_banned() -> None:
    ledger = Ledger()
    ledger.charge(NOW, Pool.WEIGHT, 2400)
    answers = [
        ledger.charge(NOW + 5, Pool.WEIGHT, 1).status for _ in range(GRACE_COUNT)
    ]
    assert set(answers) == {429}
    assert ledger.charge(NOW + 5, Pool.WEIGHT, 1).status == 418


def test_going_on_after_a_second_is_a_ban_of_two_minutes_for_all_pools() -> None:
    ledger = Ledger()
    ledger.charge(NOW, Pool.WEIGHT, 2400)
    ledger.charge(NOW, Pool.WEIGHT, 1)
    banned = ledger.charge(NOW + 1_001, Pool.WEIGHT, 1)
    assert banned.status == 418
    assert banned.banned_until == NOW + 1_001 + FIRST_BAN_MS
    assert ledger.charge(NOW + 2 * MINUTE, Pool.FUNDING, 1).status == 418
    assert ledger.charge(banned.banned_until, Pool.WEIGHT, 1).status == 200


def test_the_second_ban_is_twice_as_long() -> None:
    ledger = Ledger()
    ends = []
    for start in (NOW, NOW + 10 * MINUTE):
        ledger.charge(start, Pool.WEIGHT, 2400)
        ledger.charge(start, Pool.WEIGHT, 1)
        ends.append(ledger.charge(start + 2_000, Pool.WEIGHT, 1).banned_until)
    assert ends[0] - NOW - 2_000 == FIRST_BAN_MS
    assert ends[1] - NOW - 10 * MINUTE - 2_000 == 2 * FIRST_BAN_MS


def test_waiting_for_the_next_minute_ends_a_refusal() -> None:
    ledger = Ledger()
    ledger.charge(NOW, Pool.WEIGHT, 2400)
    assert ledger.charge(NOW, Pool.WEIGHT, 1).status == 429
    assert ledger.charge(NOW + MINUTE, Pool.WEIGHT, 1).status == 200


def test_pools_count_calls_over_five_minutes() -> None:
    start = NOW // (5 * MINUTE) * 5 * MINUTE
    for pool, limit in ((Pool.FUNDING, 500), (Pool.FUTURES_DATA, 1000)):
        ledger = Ledger()
        answers = [ledger.charge(start + i, pool, 1) for i in range(limit + 1)]
        assert {answer.status for answer in answers[:-1]} == {200}
        assert answers[-1].status == 429
        assert answers[-1].used_weight == 0
        assert ledger.charge(start + 5 * MINUTE, pool, 1).status == 200


def test_weight_used_by_others_counts() -> None:
    ledger = Ledger()
    ledger.add_others(NOW, 1500)
    assert ledger.charge(NOW, Pool.WEIGHT, 900).used_weight == 2400
    assert ledger.charge(NOW, Pool.WEIGHT, 1).status == 429


def test_others_that_go_on_use_whole_units_and_lose_none() -> None:
    ledger = Ledger()
    ledger.set_others(NOW, 3)
    # asked every 10 ms: 33 of 100 looks see a new unit
    for at in range(NOW, NOW + 10_000, 10):
        ledger.charge(at, Pool.WEIGHT, 0)
    assert ledger.charge(NOW + 10_000, Pool.WEIGHT, 0).used_weight in (29, 30)


def test_others_begin_again_with_each_minute_and_stop_at_the_limit() -> None:
    ledger = Ledger()
    start = NOW // MINUTE * MINUTE
    ledger.set_others(start, 100)
    assert ledger.charge(start + 50_000, Pool.WEIGHT, 0).used_weight == 2400
    assert ledger.charge(start + MINUTE + 7_000, Pool.WEIGHT, 0).used_weight == 700
    assert ledger.charge(start + 5 * MINUTE, Pool.WEIGHT, 0).used_weight == 0


def test_a_ban_from_outside_holds_for_all_pools_until_its_end() -> None:
    ledger = Ledger()
    ledger.ban(NOW + 7_000)
    ledger.ban(NOW + 3_000)  # shortens nothing
    for pool in Pool:
        refused = ledger.charge(NOW + 6_999, pool, 1)
        assert (refused.status, refused.banned_until) == (418, NOW + 7_000)
    assert ledger.charge(NOW + 7_000, Pool.WEIGHT, 1).status == 200
