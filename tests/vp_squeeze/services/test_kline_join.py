"""What is kept after a fetch, beside a twin that joins bar by bar."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.market import Klines
from monitor.market_data.series import Beginning, KlineSeries
from tests.kline_builders import H4, START, as_dict, bars, rows, with_value
from vp_squeeze.services.kline_join import (
    SETTLING_MS,
    extended,
    known_at,
    settled_at,
    united,
)


def naive_united(kept: Klines, window: Klines) -> dict[int, tuple[bytes, ...]] | None:
    """Join by dictionary; None: they disagree."""
    ours, theirs = as_dict(kept), as_dict(window)
    reach = range(min(theirs), max(theirs) + 1)
    if {at: bar for at, bar in ours.items() if at in reach} != {
        at: bar for at, bar in theirs.items() if min(ours) <= at <= max(ours)
    }:
        return None
    both = dict(sorted((ours | theirs).items()))
    steps = {later - at for at, later in zip(both, list(both)[1:], strict=False)}
    if steps <= {H4}:
        return both
    return theirs if max(theirs) > max(ours) else ours


runs = st.tuples(st.integers(0, 20), st.integers(1, 12))
change = st.none() | st.integers(0, 11)


@given(kept=runs, window=runs, changed=change, is_short=st.booleans())
def test_united_is_what_the_twin_says(
    kept: tuple[int, int],
    window: tuple[int, int],
    changed: int | None,
    *,
    is_short: bool,
) -> None:
    ours = bars(kept[1], first=kept[0])
    theirs = bars(window[1], first=window[0])
    if changed is not None:
        theirs = with_value(theirs, "close", changed % window[1], 9.75)
    ref = naive_united(ours, theirs)
    comp, is_corrected = united(KlineSeries(klines=ours), theirs, is_short=is_short)
    assert is_corrected == (ref is None)
    assert as_dict(comp.klines) == (as_dict(theirs) if ref is None else ref)


@given(kept=runs, newer=runs, changed=change)
def test_extended_is_the_union_or_nothing(
    kept: tuple[int, int], newer: tuple[int, int], changed: int | None
) -> None:
    ours = bars(kept[1], first=kept[0])
    theirs = bars(newer[1], first=newer[0])
    if changed is not None:
        theirs = with_value(theirs, "volume", changed % newer[1], 99.0)
    comp = extended(ours, theirs)
    shared = as_dict(ours).keys() & as_dict(theirs).keys()
    agree = all(as_dict(ours)[at] == as_dict(theirs)[at] for at in shared)
    if not shared or newer[0] < kept[0] or not agree:
        assert comp is None
    else:
        assert comp is not None
        assert as_dict(comp) == as_dict(ours) | as_dict(theirs)


def test_an_overlap_with_a_hole_is_no_overlap() -> None:
    assert extended(bars(10), rows(bars(12), [7, 9, 10, 11])) is None
    assert extended(bars(10), bars(0)) is None


def test_bars_off_the_kept_grid_replace_it() -> None:
    kept = KlineSeries(klines=bars(5))
    window = bars(5, start=START + 5 * H4 - H4 // 2)
    found, is_corrected = united(kept, window, is_short=False)
    assert is_corrected
    assert found.klines is window


class TestBeginning:
    def united(self, kept: Beginning, first: int, *, is_short: bool) -> Beginning:
        series = KlineSeries(klines=bars(10, first=5), beginning=kept)
        window = bars(20 - first, first=first)
        return united(series, window, is_short=is_short)[0].beginning

    def test_a_second_short_answer_confirms_the_first(self) -> None:
        assert self.united(Beginning.REPORTED, 5, is_short=True) is Beginning.CONFIRMED
        assert self.united(Beginning.UNKNOWN, 5, is_short=True) is Beginning.REPORTED
        assert self.united(Beginning.CONFIRMED, 5, is_short=False) is (
            Beginning.CONFIRMED
        )

    def test_older_bars_disprove_a_beginning(self) -> None:
        assert self.united(Beginning.CONFIRMED, 3, is_short=False) is Beginning.UNKNOWN
        assert self.united(Beginning.CONFIRMED, 3, is_short=True) is Beginning.REPORTED

    def test_kept_older_bars_keep_their_own(self) -> None:
        assert self.united(Beginning.CONFIRMED, 7, is_short=True) is (
            Beginning.CONFIRMED
        )
        assert self.united(Beginning.UNKNOWN, 7, is_short=True) is Beginning.UNKNOWN


def test_bars_of_the_future_are_not_known() -> None:
    kept = KlineSeries(klines=bars(10), beginning=Beginning.CONFIRMED)
    found = known_at(kept, START + 4 * H4)
    assert found is not None
    assert found.klines.bar_count == 4
    assert found.beginning is Beginning.CONFIRMED
    assert known_at(kept, START + H4 - 1) is None
    assert known_at(None, START) is None


def test_a_bar_settles_some_time_after_its_close() -> None:
    kept = KlineSeries(klines=bars(1))
    close = START + H4
    assert settled_at(kept, close + SETTLING_MS - 1) is None
    assert settled_at(kept, close + SETTLING_MS) is not None
