import time
from pathlib import Path

import pytest

from monitor.api_clients import clock as room
from monitor.api_clients.clock import ExchangeClock, boot_id, machine_s
from monitor.ratelimit.ledger import ClockReading


class Clocks:
    monotonic_s = 100.0
    wall_s = 5000.0


def clock(clocks: Clocks) -> ExchangeClock:
    return ExchangeClock(
        monotonic_s=lambda: clocks.monotonic_s, wall_s=lambda: clocks.wall_s
    )


def test_before_the_first_measurement_the_wall_clock_is_the_guess() -> None:
    measured = clock(Clocks())
    assert not measured.is_synced()
    assert measured.now_ms() == 5_000_000


def test_offset_is_taken_at_the_middle_of_the_round_trip() -> None:
    measured = clock(Clocks())
    measured.adopt(9_000_000, sent_at_ms=100_000, received_at_ms=100_200)
    assert measured.is_synced()
    assert measured.now_ms() == 9_000_000 - 100


def test_jumps_of_the_wall_clock_do_not_move_it() -> None:
    clocks = Clocks()
    measured = clock(clocks)
    measured.adopt(9_000_000, sent_at_ms=100_000, received_at_ms=100_000)
    clocks.wall_s += 600
    clocks.monotonic_s += 1
    assert measured.now_ms() == 9_001_000


def test_a_sharper_measurement_that_agrees_is_kept() -> None:
    measured = clock(Clocks())
    measured.adopt(9_000_000, sent_at_ms=100_000, received_at_ms=100_010)
    sharp = measured.sample
    measured.adopt(9_000_000, sent_at_ms=100_000, received_at_ms=100_100)
    assert measured.sample is sharp


def test_a_measurement_that_disagrees_replaces_the_sharper_one() -> None:
    measured = clock(Clocks())
    measured.adopt(9_000_000, sent_at_ms=100_000, received_at_ms=100_010)
    measured.adopt(9_500_000, sent_at_ms=100_000, received_at_ms=100_100)
    assert measured.now_ms() == 9_500_000 - 50


def test_a_sharper_measurement_replaces_a_blurred_one() -> None:
    measured = clock(Clocks())
    measured.adopt(9_000_000, sent_at_ms=100_000, received_at_ms=100_100)
    measured.adopt(9_000_000, sent_at_ms=100_000, received_at_ms=100_010)
    assert measured.now_ms() == 9_000_000 - 5


def test_a_blurred_measurement_that_may_agree_does_not_replace_a_sharper_one() -> None:
    measured = clock(Clocks())
    measured.adopt(9_000_000, sent_at_ms=100_000, received_at_ms=100_600)
    sharp = measured.sample
    # offsets 600 ms apart: both are possible within ±300 and ±350 ms
    measured.adopt(9_000_650, sent_at_ms=100_000, received_at_ms=100_700)
    assert measured.sample is sharp
    measured.adopt(9_000_701, sent_at_ms=100_000, received_at_ms=100_700)
    assert measured.sample is not sharp


def test_a_remembered_offset_is_a_better_guess_than_the_wall_clock() -> None:
    measured = ExchangeClock(
        monotonic_s=lambda: 100.0, wall_s=lambda: 5000.0, guessed_offset_ms=7
    )
    assert measured.now_ms() == 100_007
    assert not measured.is_synced()


def known(offset_ms: int, *, measured: bool) -> ClockReading:
    return ClockReading(
        boot="", offset_ms=offset_ms, wall_offset_ms=0, is_measured=measured
    )


def test_what_another_process_measured_counts_until_the_first_measurement() -> None:
    measured = clock(Clocks())
    measured.assume(known(50, measured=True))
    assert measured.now_ms() == 100_050
    measured.adopt(9_000_000, sent_at_ms=100_000, received_at_ms=100_000)
    measured.assume(known(50, measured=True))
    assert measured.now_ms() == 9_000_000


def test_of_two_guesses_the_earlier_time_counts() -> None:
    guessed = clock(Clocks())
    guessed.assume(known(4_900_001, measured=False))
    assert guessed.now_ms() == 5_000_000
    guessed.assume(known(4_899_999, measured=False))
    assert guessed.now_ms() == 4_999_999


def test_what_is_known_can_be_told_to_others() -> None:
    measured = ExchangeClock(
        monotonic_s=lambda: 100.0, wall_s=lambda: 5000.0, boot="this start"
    )
    guess = measured.reading()
    assert guess == ClockReading(
        boot="this start", offset_ms=4_900_000, wall_offset_ms=0, is_measured=False
    )
    measured.adopt(9_000_000, sent_at_ms=100_000, received_at_ms=100_000)
    assert measured.reading() == ClockReading(
        boot="this start",
        offset_ms=8_900_000,
        wall_offset_ms=4_000_000,
        is_measured=True,
    )


def test_the_machines_clock_counts_sleep_where_the_system_tells() -> None:
    before_s = machine_s()
    if hasattr(time, "CLOCK_BOOTTIME"):
        reference_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    else:
        reference_s = time.monotonic()
    assert before_s <= reference_s <= machine_s()


def test_without_that_clock_the_monotonic_one_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    before_s = time.monotonic()
    assert before_s <= machine_s() <= time.monotonic()


def test_a_start_of_the_machine_has_a_name_where_the_system_gives_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "boot_id"
    monkeypatch.setattr(room, "BOOT_ID", file)
    assert boot_id() == ""
    file.write_text("ca1ecae7\n")
    assert boot_id() == "ca1ecae7"
