import pytest

from monitor.api_clients.tally import RequestTally


def waited_s(tally: RequestTally, now_s: float) -> float:
    return tally.statistics(now_s, peak_weight=0).budget_wait_s


def test_overlapping_waits_count_once() -> None:
    tally = RequestTally()
    tally.wait("a", now_s=10.0, at_least_s=5.0)
    tally.wait("b", now_s=12.0, at_least_s=1.0)
    tally.resume("a", now_s=14.0)
    assert waited_s(tally, 15.0) == 5.0
    tally.resume("b", now_s=16.0)
    assert waited_s(tally, 99.0) == 6.0
    tally.wait("a", now_s=100.0, at_least_s=0.0)
    tally.resume("a", now_s=101.0)
    assert waited_s(tally, 200.0) == 7.0


def test_the_longest_wait_is_told() -> None:
    tally = RequestTally()
    assert tally.wait_left_s(0.0) is None
    tally.wait("a", now_s=10.0, at_least_s=5.0)
    tally.wait("b", now_s=10.0, at_least_s=0.0)
    assert tally.wait_left_s(12.0) == 3.0
    assert tally.wait_left_s(20.0) == 0.0
    tally.resume("a", now_s=20.0)
    tally.resume("b", now_s=20.0)
    assert tally.wait_left_s(20.0) is None


def test_resuming_without_a_wait_changes_nothing() -> None:
    tally = RequestTally()
    tally.resume("a", now_s=5.0)
    assert waited_s(tally, 9.0) == 0.0


def test_parents_count_everything() -> None:
    parent = RequestTally()
    children = [RequestTally(parent) for _ in range(2)]
    for number, child in enumerate(children):
        child.charge(5 + number)
        child.retry()
        child.wait(child, now_s=1.0, at_least_s=1.0)
        child.resume(child, now_s=2.0 + number)
    counted = parent.statistics(9.0, peak_weight=40)
    assert (counted.count, counted.weight, counted.retries) == (2, 11, 2)
    assert counted.peak_weight_per_minute == 40
    assert counted.budget_wait_s == pytest.approx(3.0)
    assert children[0].statistics(9.0, peak_weight=40).weight == 5
