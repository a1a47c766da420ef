import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.ratelimit.ledger import ClockReading, Lane
from monitor.ratelimit.state import (
    KEPT_DAYS,
    KEPT_WINDOWS,
    Day,
    LedgerState,
    LocalBlock,
    UnreadableState,
    Waiter,
    Window,
    dumped,
    loaded,
)

whole = st.integers(0, 2**53)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
windows = st.builds(
    Window,
    granted=st.lists(whole, min_size=4, max_size=4),
    others=whole,
    highest_seen=whole,
)
waiters = st.builds(
    Waiter,
    owner=names,
    lane=st.sampled_from(Lane),
    place=whole,
    weight=whole,
    seen_ms=whole,
)
days = st.builds(
    Day, count=whole, is_alerted=st.booleans(), quota=whole, alert_at=whole
)
offsets = st.integers(-(2**53), 2**53)
clocks = st.builds(
    ClockReading,
    boot=names,
    offset_ms=offsets,
    wall_offset_ms=offsets,
    is_measured=st.booleans(),
)
states = st.builds(
    LedgerState,
    limit=st.none() | st.integers(1, 2**31),
    safety_share=st.none() | st.floats(0.01, 1.0),
    windows=st.dictionaries(whole, windows, max_size=KEPT_WINDOWS),
    peak_weight=whole,
    peak_minute=whole,
    blocked_until_ms=whole,
    banned_until_ms=whole,
    waiters=st.lists(waiters, max_size=4),
    next_place=whole,
    days=st.dictionaries(whole, days, max_size=KEPT_DAYS),
    clocks=st.lists(clocks, max_size=4).map(lambda found: {c.boot: c for c in found}),
)


def with_local_blocks(state: LedgerState) -> LedgerState:
    for place, boot in enumerate(state.clocks):
        state.local_blocks[boot] = LocalBlock(place + 1, place)
    return state


@given(states.map(with_local_blocks))
def test_what_is_dumped_is_loaded_again(state: LedgerState) -> None:
    again = loaded(dumped(state))
    assert again == state
    assert list(again.windows) == list(state.windows), "the order counts"
    assert dumped(again) == dumped(state)


@given(st.binary(max_size=60))
def test_bytes_of_others_are_refused(blob: bytes) -> None:
    with pytest.raises(UnreadableState):
        loaded(blob)


@given(states, st.data())
def test_a_value_of_a_wrong_type_is_refused(
    state: LedgerState, data: st.DataObject
) -> None:
    raw = orjson.loads(dumped(state))
    name = data.draw(st.sampled_from(sorted(raw)))
    raw[name] = data.draw(st.sampled_from(["1", [1], {"a": 1}, 1.5, [[]]]))
    if name == "safety_share" and raw[name] in ("1", 1.5):
        return
    with pytest.raises(UnreadableState):
        loaded(orjson.dumps(raw))


def test_a_newer_form_is_named() -> None:
    raw = orjson.loads(dumped(LedgerState()))
    raw["version"] += 1
    with pytest.raises(UnreadableState, match="another version of this program"):
        loaded(orjson.dumps(raw))


def test_a_block_without_the_clock_that_dates_it_is_refused() -> None:
    state = LedgerState(local_blocks={"boot": LocalBlock(1, 0)})
    with pytest.raises(UnreadableState, match="it is damaged"):
        loaded(dumped(state))


def test_the_window_idle_longest_is_forgotten_and_counts_for_the_peak() -> None:
    state = LedgerState()
    state.window(0).granted[3] = 77
    state.window(1).granted[3] = 5
    state.window(0)
    for minute in range(2, KEPT_WINDOWS + 1):
        state.window(minute)
    assert 0 in state.windows
    assert 1 not in state.windows
    assert state.largest_minute() == (77, 0)
    for minute in range(100, 100 + KEPT_WINDOWS):
        state.window(minute)
    assert 0 not in state.windows
    assert state.largest_minute() == (77, 0)


def reading(
    boot: str, offset: int, wall: int, *, measured: bool = True
) -> ClockReading:
    return ClockReading(
        boot=boot, offset_ms=offset, wall_offset_ms=wall, is_measured=measured
    )


@pytest.mark.parametrize(
    ("known", "boot", "guess"),
    [
        ([], "now", 900),  # the wall clock, as it is
        ([reading("now", 555, 0)], "now", 555),
        ([reading("now", 555, 0, measured=False)], "now", 555),
        ([reading("now", 2000, 0, measured=False)], "now", 900),
        ([reading("now", 555, 0)], "", 900),  # starts cannot be told apart
        ([reading("before", 555, -40)], "now", 860),  # it was ahead
        ([reading("before", 555, 40)], "now", 900),  # or is right by now
        ([reading("a", 5, -40), reading("b", 5, -70)], "now", 830),
        ([reading("before", 555, -40, measured=False)], "now", 900),
    ],
)
def test_a_new_process_guesses_the_exchanges_clock_on_the_safe_side(
    known: list[ClockReading], boot: str, guess: int
) -> None:
    state = LedgerState(clocks={clock.boot: clock for clock in known})
    assert state.guessed_offset_ms(boot, local_ms=100, wall_ms=1000) == guess
