import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.conf import PaceConfig
from monitor.ratelimit.pace import MINUTE_S, Pace


def starts(config: PaceConfig, *, until_s: float, slowdown: float = 1.0) -> list[float]:
    """Return when requests start if somebody always wants to."""
    pace, now_s, found = Pace(config, 0.0), 0.0, []
    while now_s < until_s:
        wait_s = pace.wait_s(now_s, slowdown=slowdown)
        if wait_s <= 0:
            pace.start(now_s)
            found.append(now_s)
        else:
            now_s += wait_s
    return found


def config(**values: float) -> PaceConfig:
    defaults = {"max_workers": 5, "requests_per_minute": 60, "min_delay_seconds": 0.0}
    return PaceConfig(**(defaults | values))  # type: ignore[arg-type]


def test_the_bucket_lets_a_burst_through_and_then_fills_evenly() -> None:
    found = starts(config(), until_s=9)
    assert found[:5] == [0.0] * 5
    assert found[5:9] == pytest.approx([1.0, 2.0, 3.0, 4.0])


def test_the_window_takes_the_burst_back_within_the_minute() -> None:
    found = starts(config(), until_s=MINUTE_S)
    assert len(found) == 60  # the bucket alone would admit 65
    found = starts(config(), until_s=3 * MINUTE_S)
    for begin in found:
        assert sum(begin <= at < begin + MINUTE_S for at in found) <= 60


def test_starts_keep_their_distance() -> None:
    found = starts(config(min_delay_seconds=0.5), until_s=5)
    assert found[:4] == pytest.approx([0.0, 0.5, 1.0, 1.5])


def test_slowing_down_multiplies_the_distance() -> None:
    found = starts(config(min_delay_seconds=0.5), until_s=9, slowdown=4)
    assert found[:3] == pytest.approx([0.0, 2.0, 4.0])


def test_the_pause_doubles_up_to_a_cap_and_recovers() -> None:
    pace = Pace(config(backoff_initial_s=1.0, backoff_max_s=5.0), 0.0)
    waits = []
    for _ in range(4):
        pace.refuse(100.0)
        waits.append(pace.wait_s(100.0))
    assert waits == [1.0, 2.0, 4.0, 5.0]
    recovered = []
    for _ in range(4):
        pace.recover()
        recovered.append(pace.pause_s)
    assert recovered == [2.5, 1.25, 0.0, 0.0]
    assert pace.wait_s(105.0) == 0.0
    pace.refuse(105.0)
    assert pace.wait_s(105.0) == 1.0, "recovered: the next pause is the first again"


@given(
    steps=st.lists(st.tuples(st.floats(0, 30), st.sampled_from("sfr")), max_size=60),
    per_minute=st.integers(1, 20),
    workers=st.integers(1, 5),
    delay_s=st.sampled_from([0.0, 0.5, 2.0]),
)
def test_no_history_breaks_a_limit(
    steps: list[tuple[float, str]], per_minute: int, workers: int, delay_s: float
) -> None:
    pace = Pace(
        PaceConfig(
            max_workers=workers,
            requests_per_minute=per_minute,
            min_delay_seconds=delay_s,
        ),
        0.0,
    )
    now_s, found, paused_until_s = 0.0, [], 0.0
    for step_s, what in steps:
        now_s += step_s
        if what == "r":
            pace.refuse(now_s)
            paused_until_s = max(paused_until_s, now_s + pace.pause_s)
        elif what == "f":
            pace.recover()
        elif pace.wait_s(now_s) <= 0:
            pace.start(now_s)
            assert now_s >= paused_until_s
            found.append(now_s)
    for place, begin in enumerate(found):
        later = found[place:]
        assert sum(at < begin + MINUTE_S for at in later) <= per_minute
        for count, at in enumerate(later[1:], start=1):
            assert at - begin >= count * delay_s - 1e-6
            # the bucket: so many more than it holds need time to flow in
            extra = count + 1 - min(workers, per_minute)
            assert at - begin >= extra * MINUTE_S / per_minute - 1e-6
